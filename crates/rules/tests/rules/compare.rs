//! What `fleetward rules diff` says differs is what differs.

use fleetward_rules::{Difference, Options, RuleSet};

const RULE: &str = "\
rule: much
version: 2
title: Much
scope: device.state == \"active\"
watch: { used: { sum: bytes, over: 1h } }
when: used > 50 MB
repeat: once per 24h
severity: high
respond: [notify: ops, suspend_sim: { approval: human }]
mode: dry-run
budget: { max_alarms_per_day: 5 }
observed: \"{used}\"
";

fn changed(from: &str, to: &str) -> Vec<Difference> {
    assert!(RULE.contains(from), "{from}");
    let compile = |text: &str| RuleSet::compile(&[("r.yaml", text)], &Options::default()).expect("it compiles");
    let (before, after) = (compile(RULE), compile(&RULE.replace(from, to)));
    before.rules()[0].differences(&after.rules()[0])
}

#[track_caller]
fn says(from: &str, to: &str, expected: &[(&str, Option<&str>, Option<&str>, bool)]) {
    let differences = changed(from, to);
    let got: Vec<_> =
        differences.iter().map(|d| (d.aspect.as_str(), d.before.as_deref(), d.after.as_deref(), d.meaning)).collect();
    assert_eq!(got, expected);
}

#[test]
fn the_way_of_writing_is_no_difference() {
    says("rule: much", "rule: much", &[]);
    says("used > 50 MB", "used>50000 kB", &[]);
    says("once per 24h", "once per 1d", &[]);
    says("device.state == \"active\"", "device.state==\"active\"", &[]);
}

#[test]
fn meaning_and_words_are_told_apart() {
    says("used > 50 MB", "used > 60 MB", &[("when", Some("used > 50 MB"), Some("used > 60 MB"), true)]);
    says(
        "\"active\"",
        "\"stock\"",
        &[("scope", Some("device.state == \"active\""), Some("device.state == \"stock\""), true)],
    );
    says(
        "over: 1h",
        "over: 2h",
        &[("watch used", Some("the sum of bytes over 1h"), Some("the sum of bytes over 2h"), true)],
    );
    says("mode: dry-run", "mode: enforce", &[("mode", Some("dry-run"), Some("enforce"), true)]);
    says("budget: { max_alarms_per_day: 5 }\n", "", &[("budget max_alarms_per_day", Some("5"), None, true)]);
    says(
        "{ approval: human }",
        "{ unless: device.critical }",
        &[(
            "respond",
            Some("notify ops, suspend sim (a person approves)"),
            Some("notify ops, suspend sim unless `device.critical`"),
            true,
        )],
    );
    says("title: Much", "title: Too much", &[("title", Some("Much"), Some("Too much"), false)]);
    says("version: 2", "version: 3", &[]);
    says("severity: high", "severity: high\nclear: used < 1 MB", &[("clear", None, Some("used < 1 MB"), true)]);
}

/// The one rule of a file whose beginning differs.
fn through(before: &str, after: &str) -> Vec<(String, Option<String>, Option<String>, bool)> {
    let rule = "rule: r\ntitle: R\nwhen: quiet || !in_list(flow.destination, \"good\")\n";
    let compile = |text: &str| {
        let text = format!("{text}---\n{rule}");
        RuleSet::compile(&[("r.yaml", &text)], &Options::default()).unwrap_or_else(|told| panic!("{told:?}"))
    };
    let (before, after) = (compile(before), compile(after));
    let all = before.rules()[0].differences(&after.rules()[0]);
    all.into_iter().map(|it| (it.aspect, it.before, it.after, it.outside && it.meaning)).collect()
}

#[test]
fn what_a_rule_names_is_part_of_it() {
    let plain =
        "macro: quiet\nis: deep\n---\nmacro: deep\nis: bytes > 1 MB\n---\nlist: good\nvalues: [a.example, b.example]\n";
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(through(plain, &plain.replace("bytes > 1 MB", "bytes>1000 kB")), []);
    assert_eq!(
        through(plain, &plain.replace("1 MB", "2 MB")),
        [("macro deep".to_owned(), some("bytes > 1 MB"), some("bytes > 2 MB"), true)]
    );
    assert_eq!(
        through(plain, &plain.replace("b.example", "c.example")),
        [("list good".to_owned(), some("b.example"), some("c.example"), true)]
    );
    assert_eq!(through(plain, &plain.replace("a.example, b.example", "b.example, a.example")), []);
    let excepted = |until: &str, reason: &str| {
        format!("{plain}---\nexception: r\nreason: {reason}\nuntil: {until}\nwhen: device.name == \"bench\"\n")
    };
    let (first, later) = (excepted("2030-01-01", "tests"), excepted("2030-02-01", "tests"));
    let said = |until: &str| Some(format!("`device.name == \"bench\"` until {until} (tests)"));
    assert_eq!(through(plain, &first), [("exceptions".to_owned(), None, said("2030-01-01"), true)]);
    assert_eq!(through(&first, &later), [("exceptions".to_owned(), said("2030-01-01"), said("2030-02-01"), true)]);
    assert_eq!(through(&first, &excepted("2030-01-02T00:00:00Z", "tests")), []);
    assert!(!through(&first, &excepted("2030-01-01", "trials"))[0].3, "only words differ");
}

#[test]
fn areas_are_part_of_what_names_them() {
    let compile = |area: &str| {
        let text = format!("area: depot\n{area}\n---\nrule: r\ntitle: R\nwhen: in_area(place, \"depot\")\n");
        RuleSet::compile(&[("r.yaml", &text)], &Options::default()).unwrap_or_else(|told| panic!("{told:?}"))
    };
    let (before, after) = (compile("countries: [DE]"), compile("countries: [DE, FR]"));
    let differences = before.rules()[0].differences(&after.rules()[0]);
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert_eq!((differences[0].aspect.as_str(), differences[0].after.as_deref()), ("area depot", Some("DE, FR")));
}
