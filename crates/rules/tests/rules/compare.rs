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
