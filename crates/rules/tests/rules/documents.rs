//! Documents beside rules: lists, macros, exceptions; and what tags may look like.

use std::fmt::Write as _;

use fleetward_rules::{Options, RuleSet};

use crate::support::{all_hold as holds, told};

fn errors(files: &[(&str, &str)]) -> String {
    told(RuleSet::with_builtin(files, &Options::default()))
}

#[test]
fn a_list_comes_from_the_document_and_from_a_file() {
    let rule = "list: stolen\nvalues: ['35693803000011']\nfile: stolen.txt\n---\nrule: r\ntitle: t\nwhen: in_list(imei, \"stolen\")\ntests:\n  \
                - { given: [ { imei: '3569380300001101' } ], expect: alarm }\n  \
                - { given: [ { imei: '3569380300002201' } ], expect: alarm }\n  \
                - { given: [ { imei: '3569380300003301' } ], expect: none }\n";
    holds(&[("rules/r.yaml", rule), ("rules/stolen.txt", "# from the insurer\n35693803000022, since May\n\n")]);
    let told = errors(&[("r.yaml", rule), ("stollen.txt", "")]);
    assert_eq!(told, "r.yaml:3:7: there is no file `stolen.txt`\n  hint: did you mean `stollen.txt`?");
    let told = errors(&[("r.yaml", rule), ("stolen.txt", "hello\n")]);
    assert!(told.contains("\"hello\" is not an IMEI"), "{told}");
    let large = "1\n".repeat(9 << 20);
    let told = errors(&[("r.yaml", rule), ("stolen.txt", &large)]);
    assert_eq!(told, "r.yaml:3:7: `stolen.txt` is larger than 16777216 bytes");
    // What no list names may lie there, whatever it is.
    holds(&[("r.yaml", rule), ("stolen.txt", "35693803000022\n"), ("sessions.csv", &large)]);
}

#[test]
fn a_macro_may_be_called_like_a_value() {
    let rule = "macro: stock\nis: device.state == \"stock\"\n---\nrule: r\ntitle: t\nwhen: contact && stock\n";
    assert_eq!(errors(&[("r.yaml", rule)]), "accepted");
}

#[test]
fn a_macro_stands_for_its_expression() {
    let text = "macro: abroad\nis: known_place && !(country in profile.countries)\n---\nmacro: known_place\nis: has(country)\n---\n\
                rule: r\ntitle: t\nwhen: contact && abroad\ntests:\n  \
                - { given: [ { country: FR } ], profile: { countries: [DE] }, expect: alarm }\n  \
                - { given: [ { country: DE } ], profile: { countries: [DE] }, expect: none }\n";
    holds(&[("r.yaml", text)]);
    let circle = "macro: a\nis: b\n---\nmacro: b\nis: a\n---\nrule: r\ntitle: t\nwhen: contact\n";
    assert!(errors(&[("r.yaml", circle)]).contains("stands for itself, in a circle"));
    let told = errors(&[("r.yaml", "macro: abroad\nis: contry == \"DE\"\n")]);
    assert_eq!(told, "r.yaml:2:5: unknown field `contry`\n  hint: did you mean `country`?");
    let told = errors(&[("r.yaml", "macro: abroad\nis: contact\n---\nrule: r\ntitle: t\nwhen: abrod\n")]);
    assert!(told.contains("did you mean `abroad`?"), "{told}");
    let told = errors(&[("r.yaml", "macro: country\nis: contact\n")]);
    assert!(told.contains("no name for a macro"), "{told}");
}

#[test]
fn macros_cannot_make_an_expression_grow_without_bound() {
    let mut text = "macro: m0\nis: bytes > 1 && bytes < 9\n---\n".to_owned();
    for n in 1..20 {
        writeln!(text, "macro: m{n}\nis: m{p} || m{p}\n---", p = n - 1).expect("writing to a string");
    }
    text.push_str("rule: r\ntitle: t\nwhen: m19\n");
    let told = errors(&[("r.yaml", &text)]);
    assert!(told.contains("more than 300 terms"), "{told}");
}

#[test]
fn an_exception_has_a_reason_and_an_end() {
    let rule = |until: &str| {
        format!(
            "exception: r\nreason: the test bench swaps modules all day\nuntil: {until}\nwhen: '\"bench\" in device.groups'\n---\n\
             rule: r\ntitle: t\nwhen: changed(imei)\ntests:\n  \
             - {{ device: {{ groups: [bench] }}, given: [ {{ imei: '3569380300001101' }}, {{ imei: '3569380300002201', at: 1h }} ], expect: EXPECT }}\n  \
             - {{ given: [ {{ imei: '3569380300001101' }}, {{ imei: '3569380300002201', at: 1h }} ], expect: alarm }}\n"
        )
    };
    // Examples begin on 2026-01-05.
    holds(&[("r.yaml", &rule("2026-01-05").replace("EXPECT", "none"))]);
    holds(&[("r.yaml", &rule("2026-01-04").replace("EXPECT", "alarm"))]);
    holds(&[("r.yaml", &rule("2026-01-05T00:30:00Z").replace("EXPECT", "alarm"))]);
    let told = errors(&[("r.yaml", &rule("next week").replace("EXPECT", "none"))]);
    assert!(told.starts_with("r.yaml:3:8: `next week` is no end of an exception"), "{told}");
    let told = errors(&[("r.yaml", "exception: r\nuntil: 2026-01-05\nwhen: contact\n")]);
    assert!(told.contains("reason"), "{told}");
}

#[test]
fn an_exception_may_be_to_a_builtin_rule_and_must_be_to_some_rule() {
    let exception = |rule: &str, when: &str| format!("exception: {rule}\nreason: x\nuntil: 2027-01-31\nwhen: {when}\n");
    let set = RuleSet::with_builtin(
        &[("r.yaml", &exception("stock-sim-talks", "device.name == \"bench-1\""))],
        &Options::default(),
    )
    .expect("it compiles");
    let explained = set.rule("stock-sim-talks").map(|rule| rule.explain()).unwrap_or_default();
    assert!(explained.contains("except where `device.name == \"bench-1\"` until 2027-01-31 (x)"), "{explained}");
    let told = errors(&[("r.yaml", &exception("stock-sim-talk", "contact"))]);
    assert_eq!(told, "r.yaml:1:12: there is no rule `stock-sim-talk`\n  hint: did you mean `stock-sim-talks`?");
    let told = errors(&[("r.yaml", &exception("stock-sim-talks", "device.nam == \"bench-1\""))]);
    assert_eq!(told, "r.yaml:4:7: unknown field `device.nam`\n  hint: did you mean `device.name`?");
}

#[test]
fn misspelt_keys_and_tags_get_a_suggestion() {
    let told = errors(&[("r.yaml", "rule: r\ntitle: t\nwehn: contact\n")]);
    assert_eq!(told, "r.yaml:3:1: unknown field `wehn`\n  hint: did you mean `when`?");
    let told = errors(&[("r.yaml", "rule: r\ntitle: t\nwhen: contact\ntags: [sms, 'attack.mobile:1451']\n")]);
    assert!(told.starts_with("r.yaml:4:13: `1451` is no number of attack.mobile"), "{told}");
    let told = errors(&[("r.yaml", "rule: r\ntitle: t\nwhen: contact\nseverity: hihg\n")]);
    assert!(told.contains("did you mean `high`?"), "{told}");
}

#[test]
fn a_value_can_be_told_once_a_day() {
    for (per, repeat) in [
        ("", "once per destination per 24h"),
        ("", "once per new flow.destination per 24h"),
        ("per: flow.destination\n", "once per destination per 24h"),
    ] {
        let text = format!(
            "rule: r\ntitle: t\n{per}when: flow.port == 23\nrepeat: {repeat}\ntests:\n  \
             - {{ given: [ {{ destination: a.example, port: 23 }}, {{ destination: a.example, port: 23, at: 1h }}, {{ destination: b.example, port: 23, at: 2h }} ], expect: alarm, count: 2 }}\n"
        );
        holds(&[("r.yaml", &text)]);
    }
}

#[test]
fn no_word_of_a_condition_is_lost_to_yaml() {
    let rule = |when: &str| format!("rule: r\ntitle: t\nwhen: {when}\n");
    let told = |text: &str| errors(&[("r.yaml", text)]);
    assert!(told(&rule("!rejected && contact")).starts_with("r.yaml:3:7: a value cannot begin with `!`"));
    assert!(told(&rule("! rejected && contact")).starts_with("r.yaml:3:7: a value cannot begin with `!`"));
    let scope = format!("{}scope: !device.critical\n", rule("contact"));
    assert!(told(&scope).starts_with("r.yaml:4:8: a value cannot begin with `!`"), "{}", told(&scope));
    for (document, place) in [
        ("exception: r\nwhen: ! contact\nreason: x\nuntil: 2030-01-01\n", "r.yaml:2:7"),
        ("macro: m\nis: ! contact\n", "r.yaml:2:5"),
    ] {
        let text = format!("{document}---\n{}", rule("contact"));
        assert!(told(&text).starts_with(&format!("{place}: a value cannot begin with `!`")), "{}", told(&text));
    }
    let quoted = rule("\"!rejected && contact\"");
    assert!(RuleSet::compile(&[("r.yaml", &quoted)], &Options::default()).is_ok());
}

#[test]
fn a_length_says_its_unit() {
    let told = |over: &str, hold: &str| {
        let text =
            format!("rule: r\ntitle: t\nwatch: {{ n: {{ count: rejected, over: {over} }} }}\nwhen: n > 3{hold}\n");
        errors(&[("r.yaml", &text)])
    };
    assert!(told("90", "").starts_with("r.yaml:3:38: `90` is no length of this window"), "{}", told("90", ""));
    assert_eq!(told("1h", " for 30"), "r.yaml:4:17: a length without a unit\n  hint: for example `for 30 min`");
}

#[test]
fn a_name_that_is_taken_is_shown_where() {
    let rule = "rule: r\ntitle: t\nwhen: contact\n";
    let told = errors(&[("a.yaml", rule), ("b.yaml", &format!("---\n{rule}"))]);
    assert_eq!(told, "b.yaml:2:7: the name `r` is taken by `r` of a.yaml:1\n  hint: rules need different names");
}
