//! Rules without a server: checked, tested, listed, explained.

use crate::support::Place;

const MINE: &str = "\
rule: night-talk
version: 3
title: A meter talks at night
scope: \"device.model == \\\"water-meter\\\"\"
watch: { used: { sum: bytes, over: 1h } }
when: used > 500 kB
severity: medium
mode: dry-run
expected: Little
observed: \"{used} within an hour\"
advice: Ask the field service.
tests:
  - name: much
    device: { model: water-meter }
    given: [{ at: 0m, bytes: 600 kB }]
    expect: alarm
";

#[test]
fn the_built_in_rules_are_whole_and_keep_their_promises() {
    let place = Place::init();
    let checked = place.run(&["rules", "check"]).ok();
    assert!(checked.ends_with("rules, no mistakes\n"), "{checked}");
    let tested = place.run(&["rules", "test"]).ok();
    assert!(tested.ends_with(" examples passed, 0 failed\n") && !tested.starts_with("0 "), "{tested}");
    insta::assert_snapshot!("rules_list", place.run(&["rules", "list"]).ok());
    insta::assert_snapshot!("rules_explain", place.run(&["rules", "explain", "module-not-its-own"]).ok());
    let error = place.run(&["rules", "explain", "no-such-rule"]).fails(2);
    assert!(error.contains("there is no rule \"no-such-rule\""), "{error}");
    for file in place.run(&["rules", "print"]).ok().lines() {
        assert!(place.run(&["rules", "print", file]).ok().contains("rule: "), "{file}");
    }
    place.run(&["rules", "print", "nonsense.yaml"]).fails(2);
}

#[test]
fn a_rule_of_ones_own_is_tested_before_it_judges() {
    let place = Place::init();
    place.write("rules/night.yaml", MINE);
    place.run(&["check"]).ok();
    assert_eq!(place.run(&["rules", "check", "rules/night.yaml"]).ok(), "1 rules, no mistakes\n");
    assert_eq!(place.run(&["rules", "test", "rules"]).ok(), "1 examples passed, 0 failed\n");
    assert!(place.run(&["rules", "list"]).ok().contains("night-talk"));
    let explained = place.run(&["rules", "explain", "rules/night.yaml"]).ok();
    assert!(explained.starts_with("night-talk: "), "{explained}");
    let listed = place.json(&["rules", "list"]);
    assert_eq!(crate::misuse::with(&listed, "rule", "night-talk")[0]["version"], 3);

    place.write("rules/night.yaml", &MINE.replace("bytes: 600 kB", "bytes: 400 kB"));
    let ran = place.run(&["rules", "test", "rules"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    insta::assert_snapshot!("rules_failing_example", ran.out);
    assert_eq!(place.run(&["rules", "test"]).code, 1);
    place.edit("disable_rules: []", "disable_rules: [night-talk, volume-day]");
    let listed = place.run(&["rules", "list"]).ok();
    assert!(
        !listed.contains("night-talk") && !listed.contains("volume-day") && listed.contains("volume-hour"),
        "{listed}"
    );
    place.edit("builtin_rules: true", "builtin_rules: false");
    assert_eq!(place.json(&["rules", "list"]), serde_json::json!([]));
    place.edit("disable_rules: [night-talk, volume-day]", "disable_rules: []");
    place.edit("builtin_rules: false", "builtin_rules: true");
    place.run(&["check"]).ok();

    place.write("rules/night.yaml", &MINE.replace("used > 500 kB", "used > 500 kB &&"));
    insta::assert_snapshot!("rules_broken", place.run(&["rules", "check", "rules/night.yaml"]).fails(2));
    place.run(&["rules", "test", "rules"]).fails(2);
    place.run(&["rules", "check", "nowhere.yaml"]).fails(3);
}

#[test]
fn the_example_of_init_passes() {
    let place = Place::init();
    place.run(&["rules", "test", "rules/night-traffic.yaml.example"]).ok();
}
