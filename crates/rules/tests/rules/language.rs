//! The language, from outside: what is accepted, what it means, and what a mistake is told.

use fleetward_rules::{Options, RuleSet, Trigger, Triggers, run_tests};

use crate::support::{self, errors};

fn when(expression: &str) -> String {
    errors(&format!("rule: r\ntitle: t\nwatch: {{ used: {{ sum: bytes, over: 1h }} }}\nwhen: '{expression}'\n"))
}

#[track_caller]
fn says(expression: &str, expected: &str) {
    assert_eq!(when(&expression.replace('\'', "''")), expected, "{expression}");
}

#[test]
fn mistakes_are_told_with_their_place_and_a_way_out() {
    says("bytes_upp > 5", "r.yaml:4:8: unknown field `bytes_upp`\n  hint: did you mean `bytes_up`?");
    says("used > 5 MB && contry == \"DE\"", "r.yaml:4:23: unknown field `contry`\n  hint: did you mean `country`?");
    says("sim.state == \"stock\"", "r.yaml:4:8: unknown field `sim.state`\n  hint: did you mean `device.state`?");
    says(
        "kind > 5",
        "r.yaml:4:13: `>` is not defined for a kind of event and a number\n  hint: write it between quotes: `\"5\"`",
    );
    says("used > 26 h", "r.yaml:4:13: `>` is not defined for a volume and a duration");
    says(
        "silence() > 3600",
        "r.yaml:4:18: `>` is not defined for a duration and a number\n  hint: write the unit: `3600 s`",
    );
    says("used > 50 Mb", "r.yaml:4:18: unknown unit `Mb`\n  hint: did you mean `MB`?");
    says(
        "country == \"Germany\"",
        "r.yaml:4:16: \"Germany\" is not a country\n  hint: write two capital letters (ISO 3166-1): \"DE\"",
    );
    says(
        "status == \"strat\"",
        "r.yaml:4:15: \"strat\" is not a session status\n  hint: write one of \"start\", \"interim\", \"stop\"",
    );
    says("chnged(imei)", "r.yaml:4:14: unknown function `chnged`\n  hint: did you mean `changed`?");
    says("changed(device.groups)", "r.yaml:4:22: only single values of a record are remembered, not flags and lists");
    says("in_list(apn, \"x\")", "r.yaml:4:21: there is no list \"x\"");
    says("used", "r.yaml:4:8: this is a volume, but a condition must be true or false");
    says("!used", "r.yaml:4:9: this is a volume, but must be true or false");
    says("apn.matches(\"x\")", "r.yaml:4:19: unknown function `matches`");
    says(
        "device.groups.exists(g, g == \"x\")",
        "r.yaml:4:28: loops are not part of the language\n  hint: use `in` or a window",
    );
    says(
        "rejected && bytes > 0",
        "r.yaml:4:7: this can never be true\n  hint: no kind of event carries everything that it reads",
    );
}

#[test]
fn excuses_are_one_or_a_list_of_which_any_excuses() {
    let rule = "rule: r\ntitle: t\nwhen: session_start\n";
    let given = |country: &str, apn: &str| format!("given: [{{ status: start, country: {country}, apn: {apn} }}]");
    let (excused, also) = (given("DE", "a"), given("FR", "lab"));
    let tests = format!("tests:\n  - {{ {}, expect: alarm }}\n  - {{ {excused}, expect: none }}\n", given("FR", "a"));
    for key in ["unless", "except"] {
        support::holds(&format!("{rule}{key}: country == \"DE\"\n{tests}"));
        support::holds(&format!("{rule}{key}: >-\n  country ==\n  \"DE\"\n{tests}"));
        let list = format!("{rule}{key}: [country == \"DE\", apn == \"lab\"]\n{tests}");
        support::holds(&format!("{list}  - {{ {also}, expect: none }}\n"));
        support::holds(&format!("{rule}{key}:\n  - country == \"DE\"\n{tests}"));
        for (wrong, told) in [
            ("contry == \"DE\"", "r.yaml:4:9: unknown field `contry`\n  hint: did you mean `country`?"),
            ("[contact, contry == \"DE\"]", "r.yaml:4:19: unknown field `contry`\n  hint: did you mean `country`?"),
            ("\n- contact\n- 'bytes'", "r.yaml:6:4: this is a volume, but a condition must be true or false"),
            ("5", "r.yaml:4:9: this is a number, but a condition must be true or false"),
            ("off", "r.yaml:4:9: YAML takes this word for `true` or `false`; put it between quotes"),
            ("[[contact]]", "r.yaml:4:10: one value is expected here, not a list and not keys"),
            ("{ a: b }", "r.yaml:4:9: invalid type: map, expected a condition, or a list of them"),
            (
                "!rejected",
                "r.yaml:4:9: a value cannot begin with `!`: YAML would take the word for a tag\n  hint: put the whole value between quotes",
            ),
        ] {
            assert_eq!(errors(&format!("{rule}{key}: {wrong}\n")), told, "{key}: {wrong}");
        }
    }
}

#[test]
fn a_number_with_bounds_is_not_held_against_what_it_never_is() {
    says("hour_of_day > 25", "r.yaml:4:22: `hour_of_day` is never 25\n  hint: it goes from 0 to 23");
    says("24 == local_hour", "r.yaml:4:8: `local_hour` is never 24\n  hint: it goes from 0 to 23");
    says("bytes > 0 && weekday == 0", "r.yaml:4:32: `weekday` is never 0\n  hint: it goes from 1 to 7");
    says("uplink_ratio > 90", "r.yaml:4:23: `uplink_ratio` is never 90\n  hint: it goes from 0 to 1");
    says("svn == 100", "r.yaml:4:15: `svn` is never 100\n  hint: it goes from 0 to 99");
    says("hour_of_day < 25", "r.yaml:4:22: `hour_of_day` is never 25\n  hint: it goes from 0 to 23");
    says("bytes > 0 && hour_of_day >= 22 && hour_of_day < 24 && 8 > local_weekday", "accepted");
    says("hour_of_day > -1", "r.yaml:4:23: `hour_of_day` is never -1\n  hint: it goes from 0 to 23");
    says("flow.port in [22, 65536]", "r.yaml:4:18: `flow.port` is never 65536\n  hint: it goes from 0 to 65535");
    says("bytes > 0 && hour_of_day >= 0 && hour_of_day <= 23 && weekday in [1, 7] && svn != 99", "accepted");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let told = when("contry == \"DE\" && bytes_upp > 5 && apn > 3");
    assert_eq!(told.lines().filter(|line| line.starts_with("r.yaml")).count(), 3, "{told}");
    let two = "rule: a\ntitle: t\nwhen: x\n---\nrule: a\ntitle: t\nwhen: y\nrespond: [dance]\n";
    let told = errors(two);
    for place in [
        "r.yaml:3:7: unknown field `x`",
        "r.yaml:7:7: unknown field `y`",
        "r.yaml:8:11: unknown response `dance`",
        "r.yaml:5:7: the name `a`",
    ] {
        assert!(told.contains(place), "{place}\n{told}");
    }
}

#[test]
fn what_cannot_be_read_is_said_in_words() {
    for (expression, said) in [
        ("contact & known", "r.yaml:4:16: `&` has no meaning here\n  hint: write `&&` for and"),
        ("contact | known", "`|` has no meaning here\n  hint: write `||` for or"),
        ("contact &&", "the expression ends too early"),
        ("(contact", "`)` is missing at the end"),
        ("contact contact", "`contact` is not expected here"),
        ("contact == ", "the expression ends too early"),
    ] {
        let told = when(expression);
        assert!(told.contains(said), "{expression}: {told}");
        for theirs in ["EOF", "token", "input", "Syntax error", "expecting"] {
            assert!(!told.contains(theirs), "{expression}: {told}");
        }
    }
}

#[test]
fn places_are_true_in_every_kind_of_yaml_text() {
    let place = |text: &str| errors(text).split(": ").next().unwrap_or_default().to_owned();
    assert_eq!(place("rule: r\ntitle: t\nwhen: bytes > 0 && foo\n"), "r.yaml:3:20");
    assert_eq!(place("rule: r\ntitle: t\nwhen: \"apn == \\\"x\\\" && foo\"\n"), "r.yaml:3:24");
    assert_eq!(place("rule: r\ntitle: t\nwhen: >\n  bytes > 0\n  && foo\n"), "r.yaml:5:6");
    assert_eq!(place("rule: r\ntitle: t\nwhen: |\n  bytes > 0\n    && foo\n"), "r.yaml:5:8");
    assert_eq!(place("# c\n---\nrule: r\ntitle: t\nwhen: apn == \"Gerät\" && foo\n"), "r.yaml:5:25");
    assert_eq!(place("rule: r\ntitle: t\nwhen: apn == \"Gerät\" && 5 Mb > 3\n"), "r.yaml:3:27");
    assert_eq!(place("rule: r\ntitle: t\nwhen: apn == \"Gerät\" && bytes > 50 MB + 1 h\n"), "r.yaml:3:39");
    assert_eq!(place("rule: r\ntitle: t\nwhen: apn == \"Gerät\" && &\n"), "r.yaml:3:25");
    assert_eq!(place("rule: r\ntitle: uses {foo}\nwhen: bytes > 0\n"), "r.yaml:2:14");
    assert_eq!(place("rule: r\ntitle: t\nwatch: { w: { sum: foo, over: 1h } }\nwhen: w > 1\n"), "r.yaml:3:20");
}

#[test]
fn structure_is_checked() {
    for (text, expected) in [
        ("rule: r\ntitle: t\nwehn: contact\n", "when"),
        ("rule: R!\ntitle: t\nwhen: contact\n", "no name for a rule"),
        ("rule: r\ntitle: t\nwhen: contact\nmode: loud\n", "loud"),
        ("rule: r\ntitle: t\nwhen: contact\nrepeat: sometimes\n", "once per 24h"),
        ("rule: r\ntitle: t\nwatch: { w: { sum: bytes, over: 32d } }\nwhen: w > 1\n", "31 d"),
        ("rule: r\ntitle: t\nwatch: { w: { sum: bytes, count: contact, over: 1h } }\nwhen: w > 1\n", "one of `sum`"),
        (
            "rule: r\ntitle: t\nwatch: { country: { count: contact, over: 1h } }\nwhen: country > 1\n",
            "no name for a window",
        ),
        ("rule: r\ntitle: t\nwatch: { w: { sum: country, over: 1h } }\nwhen: w > 1\n", "an amount"),
        ("rule: r\ntitle: t\nper: group\nwhen: changed(imei)\n", "one device, not a group"),
        ("rule: r\ntitle: t\nwhen: contact\nrespond: [change_of_authorization]\n", "session_timeout"),
        (
            "rule: r\ntitle: t\nwhen: contact && (((((((((((((((((((((((((((contact)))))))))))))))))))))))))))\n",
            "nested deeper",
        ),
        ("[1, 2", "r.yaml"),
    ] {
        let told = errors(text);
        assert!(told.contains(expected) && told != "accepted", "{text}\n{told}");
    }
    let options = Options { channels: Some(vec!["ops".into()]), ..Options::default() };
    let text = "rule: r\ntitle: t\nwhen: contact\nrespond: [notify: opss]\n";
    let told = RuleSet::compile(&[("r.yaml", text)], &options).err().map(|errors| errors[0].to_string());
    assert_eq!(told.as_deref(), Some("r.yaml:4:11: there is no channel `opss`\n  hint: did you mean `ops`?"));
}

/// Runs one rule's examples; every expression is `when` of a rule, with one event.
#[track_caller]
fn holds(expression: &str, event: &str, expected: bool) {
    let expect = if expected { "alarm" } else { "none" };
    let expression = expression.replace('\'', "''");
    let text = format!(
        "rule: r\ntitle: t\nwhen: '{expression}'\ntests:\n  - given: [{event}]\n    device: {{ groups: [meters], state: active, ip: 10.0.0.1 }}\n    profile: {{ countries: [DE, AT], volume: {{ per_hour: 2 MB }} }}\n    expect: {expect}\n"
    );
    let results = run_tests(&[("r.yaml", &text)], &Options::default())
        .unwrap_or_else(|errors| panic!("{expression}: {errors:?}"));
    assert_eq!(results[0].failure, None, "{expression} on {event}");
}

#[test]
fn expressions_mean_what_they_say() {
    let event = "{ bytes_up: 3 MB, bytes_down: 1 MB, network: 26201, imei: '3569380356438091', apn: iot.example, ip: 10.1.2.3, rat: 8, session_secs: 2h, total_bytes: 9 MB, at: 14h }";
    for yes in [
        "bytes == 4 MB && bytes_up + bytes_down == bytes",
        "bytes_up > 1.5 * profile.volume.per_hour - 1 kB",
        "bytes / profile.volume.per_hour == 2",
        "country == \"DE\" && country in [\"FR\", \"DE\"] && country in profile.countries",
        "network == \"26201\" && network != \"262001\"",
        "tac == \"35693803\" && tac(imei) == tac && svn == 91",
        "imei == \"35693803564380\" && imei == \"356938035643809\"",
        "apn.startsWith(\"iot.\") && apn.endsWith(\"example\") && apn.contains(\"t.e\") && apn != \"x\"",
        "in_cidr(ip, \"10.1.0.0/16\") && !in_cidr(ip, \"10.2.0.0/16\") && ip != device.ip",
        "rat == \"nb-iot\" && session_secs >= 2 h && session.age < 1 d",
        "\"meters\" in device.groups && !(\"x\" in device.groups) && size(device.groups) == 1",
        "device.state == \"active\" && device.known && !device.critical",
        "kind == \"session\" && status == \"interim\" && session_interim && contact && !rejected",
        "has(profile.volume.per_hour) && !has(profile.volume.per_day) && !has(profile.tacs) && !has(cell)",
        "allowed(tac, profile.tacs) && allowed(country, profile.countries)",
        "bytes > 3 MB ? country == \"DE\" : country == \"FR\"",
        "(bytes > 3 MB ? 1 : 2) == 1 && -1 < 0 && 7 % 4 == 3",
        "hour_of_day == 14 && weekday == 1 && age == 0 s",
        "first(imei) && !has(previous(imei))",
        "session.is_new && session.open_sessions == 1 && (session.is_new == true)",
        "total_bytes > 8 MiB || false",
    ] {
        holds(yes, event, true);
        holds(&format!("contact && !({yes})"), event, false);
    }
}

#[test]
fn what_is_unknown_never_fires_however_it_is_negated() {
    let silent_record = "{ status: start }";
    for unknown in [
        "country == \"DE\"",
        "country != \"DE\"",
        "!(country in [\"DE\"])",
        "!(country == \"DE\") && contact",
        "bytes > 0",
        "!(bytes > 0)",
        "bytes / 0 > 1",
        "!allowed(country, profile.countries)",
        "!apn.startsWith(\"iot.\")",
        "changed(imei)",
        "!changed(imei) && !first(imei)",
        "bytes > profile.volume.per_day",
    ] {
        holds(&format!("contact && ({unknown})"), silent_record, false);
    }
    holds("contact || country == \"DE\"", silent_record, true);
    holds("contact && !(country == \"DE\" && rejected)", silent_record, true);
}

#[test]
fn windows_repeat_and_groups() {
    let text = r#"
list: good
values: [iot.example, other.example]
---
rule: fleet-new-country
title: More than two devices of a group in an odd country
per: group
scope: '"meters" in device.groups'
watch: { devices: { distinct: device, over: 10m, where: 'country != "DE"' } }
when: devices > 2
tests:
  - device: { groups: [meters] }
    given: [{ device: a, network: 23415 }, { device: b, network: 23415, at: 1m }, { device: c, network: 23415, at: 2m }]
    expect: alarm
  - device: { groups: [meters] }
    given: [{ device: a, network: 23415 }, { device: a, network: 23415, at: 1m }, { device: c, network: 26201, at: 2m }]
    expect: none
---
rule: largest
title: t
watch: { big: { max: total_bytes, over: 1h }, quiet: { absent: 'apn == "x"', over: 1h } }
when: big > 5 MB && !quiet
tests:
  - { given: [{ total_bytes: 6 MB, apn: x }], expect: alarm }
  - { given: [{ total_bytes: 6 MB }], expect: none }
---
rule: listed
title: t
when: has(apn) && !in_list(apn, "good")
repeat: once per new apn per 1h
tests:
  - { given: [{ apn: iot.example }], expect: none }
  - { given: [{ apn: bad }, { apn: bad, at: 1m }, { apn: worse, at: 2m }], expect: alarm, count: 2 }
---
rule: held
title: t
watch: { used: { sum: bytes, over: 1h } }
when: used > 5 MB for 20m
clear: used < 1 MB for 10m
repeat: once per 1h
respond: [disconnect, suspend_sim: { approval: human, unless: device.critical }]
mode: enforce
tests:
  - { given: [{ bytes: 6 MB }, { kind: tick, at: 10m }], expect: none }
  - { given: [{ bytes: 6 MB }, { kind: tick, at: 20m }], expect: alarm, respond: [disconnect, suspend_sim] }
  - { device: { critical: true }, given: [{ bytes: 6 MB }, { kind: tick, at: 20m }], expect: alarm, respond: [disconnect] }
  - given: [{ bytes: 6 MB }, { kind: tick, at: 20m }, { kind: tick, at: 2h }, { kind: tick, at: 3h }, { bytes: 6 MB, at: 5h }, { bytes: 1, at: 330m }]
    expect: alarm
    count: 2
"#;
    let results = run_tests(&[("r.yaml", text)], &Options::default()).unwrap_or_else(|errors| panic!("{errors:?}"));
    for result in &results {
        assert_eq!(result.failure, None, "{} line {}", result.rule, result.line);
    }
    assert_eq!(results.len(), 10);
}

#[test]
fn a_failing_example_says_what_happened() {
    let text = "rule: r\ntitle: t\nwhen: contact\ntests:\n  - { given: [{ bytes: 1 }], expect: none }\n";
    let results = run_tests(&[("r.yaml", text)], &Options::default()).unwrap_or_default();
    assert_eq!(results[0].failure.as_deref(), Some("expected none, got one finding"));
    assert_eq!(results[0].line, 5);
}

#[test]
fn rules_are_routed_to_the_events_that_concern_them() {
    let set = RuleSet::builtin(&Options::default());
    let triggers = |name: &str| set.rule(name).map(|rule| rule.triggers());
    assert_eq!(triggers("silent"), Some(Triggers::TICK));
    assert_eq!(triggers("rejected-imei-lock"), Some(Triggers::of(Trigger::Rejected)));
    assert_eq!(triggers("session-storm"), Some(Triggers::of(Trigger::SessionStart)));
    assert_eq!(triggers("volume-hour"), Some(Triggers::SESSION));
    assert_eq!(triggers("country-not-allowed"), Some(Triggers::SESSION));
    assert_eq!(
        triggers("stock-sim-talks"),
        Some(Triggers::of(Trigger::SessionStart).or(Triggers::of(Trigger::SessionInterim)))
    );
}

#[test]
fn a_rule_explains_itself() {
    let set = RuleSet::builtin(&Options::default());
    let explain = |name: &str| set.rule(name).map(|rule| rule.explain()).unwrap_or_default();
    assert_eq!(
        explain("volume-hour"),
        "For a device, watching `used` (the sum of bytes over 1h), when `used > profile.volume.per_hour`: a finding of severity high, \
         at most once per 24 h, over when `used < 0.4 * profile.volume.per_hour for 30m`; then notify ops, disconnect unless `session_stop`."
    );
    assert_eq!(
        explain("stock-sim-talks"),
        "For a device where `device.state in [\"stock\", \"retired\"]`, when `session_start || session_interim`: a finding of severity \
         critical, at most once per 24 h, over when it has not happened for 24 h; then notify ops, disconnect, suspend sim."
    );
    assert_eq!(
        explain("network-not-allowed"),
        "For a device, when `kind == \"session\" && !allowed(network, profile.networks)` unless `!allowed(country, profile.countries)`: \
         a finding of severity medium, at most once per 24 h for each new network, over when it has not happened for 24 h; \
         then notify ops."
    );
}

#[test]
fn a_window_may_count_changes() {
    let rule = "rule: moves\ntitle: moves often\nwatch: { moves: { count: changed(country), over: 1h } }\nwhen: moves > 1\ntests:\n  - { given: [{ country: DE }, { at: 1m, country: AT }, { at: 2m, country: DE }], expect: alarm }\n  - { given: [{ country: DE }, { at: 1m, country: AT }, { at: 2m, country: AT }], expect: none }\n";
    let results = fleetward_rules::run_tests(&[("moves.yaml", rule)], &fleetward_rules::Options::default()).unwrap();
    assert!(results.iter().all(|result| result.failure.is_none()), "{results:?}");
    let grouped = rule.replace("when:", "per: model\nwhen:");
    assert!(fleetward_rules::run_tests(&[("moves.yaml", &grouped)], &fleetward_rules::Options::default()).is_err());
}

#[test]
fn a_rule_may_ask_for_a_quarantine() {
    let text = "rule: cut-off\nversion: 1\ntitle: Cut off\nwhen: sign.kind == \"scan\"\nseverity: high\nmode: enforce\nrespond: [quarantine: { approval: human }]\ntests:\n  - { given: [{ sign: scan, port: 23, count: 128 }], expect: alarm, respond: [quarantine] }\n";
    let results = fleetward_rules::run_tests(&[("rules.yaml", text)], &fleetward_rules::Options::default());
    let results = results.unwrap_or_else(|wrong| panic!("{wrong:?}"));
    assert!(results.iter().all(|it| it.failure.is_none()), "{results:?}");
}
