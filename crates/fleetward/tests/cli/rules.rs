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

/// How many rules are built in is not what other snapshots are about.
pub(crate) fn without_count(text: &str) -> String {
    let builtin = fleetward_rules::RuleSet::builtin(&fleetward_rules::Options::default());
    text.replace(&format!(" {} rules", builtin.rules().len()), " N rules")
}

/// Estimates change with the machinery, and are not what these snapshots are about.
fn without_costs(text: &str) -> String {
    let number = |word: &str| word.trim().parse::<u64>().is_ok();
    let hidden = |word: &str| if number(word) { format!("{:<1$}", "N", word.len()) } else { word.to_owned() };
    let before_ns = |part: &str| {
        let digits = part.len() - part.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 { part.to_owned() } else { format!("{}N", &part[..part.len() - digits]) }
    };
    let line = |line: &str| match line {
        _ if line.contains("  costs ") => line.split(" ns").map(before_ns).collect::<Vec<_>>().join(" ns"),
        _ if line.contains("builtin/") => line.split_inclusive(' ').map(hidden).collect(),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<String>>().join("\n")
}

#[test]
fn the_built_in_rules_are_whole_and_keep_their_promises() {
    let place = Place::init();
    let checked = place.run(&["rules", "check"]).ok();
    assert!(checked.ends_with("rules, no mistakes\n"), "{checked}");
    let tested = place.run(&["rules", "test"]).ok();
    assert!(tested.ends_with(" examples passed, 0 failed\n") && !tested.starts_with("0 "), "{tested}");
    insta::assert_snapshot!("rules_list", without_costs(&place.run(&["rules", "list"]).ok()));
    insta::assert_snapshot!(
        "rules_explain",
        without_costs(&place.run(&["rules", "explain", "module-not-its-own"]).ok())
    );
    let explained = place.json(&["rules", "explain", "volume-hour"]);
    assert_eq!(explained[0]["cost"]["windows"], 1, "{explained}");
    let error = place.run(&["rules", "explain", "no-such-rule"]).fails(2);
    assert!(error.contains("there is no rule \"no-such-rule\"\nhint: fleetward rules list"), "{error}");
    let error = place.run(&["rules", "explain", "volume-hor"]).fails(2);
    assert!(error.contains("there is no rule \"volume-hor\"\nhint: did you mean `volume-hour`?"), "{error}");
    let error = place.run(&["rules", "print", "bultin/volume.yaml"]).fails(2);
    assert!(error.contains("hint: did you mean `builtin/volume.yaml`?"), "{error}");
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
    assert_eq!(place.run(&["rules", "check", "rules/night.yaml"]).ok(), "1 rule, no mistakes\n");
    // What `serve` would refuse is refused here.
    place.write("other.yaml", "rule: other\ntitle: t\nwhen: bytes > 1 MB\nrespond: [notify: nobody]\n");
    let refused = place.run(&["rules", "check", "other.yaml"]).fails(2);
    assert!(refused.contains("other.yaml:4:") && refused.contains("there is no channel `nobody`"), "{refused}");
    assert_eq!(place.run(&["rules", "test", "rules"]).ok(), "1 example passed, 0 failed\n");
    assert!(place.run(&["rules", "list"]).ok().contains("night-talk"));
    let explained = place.run(&["rules", "explain", "rules/night.yaml"]).ok();
    assert!(explained.starts_with("night-talk: "), "{explained}");
    let listed = place.json(&["rules", "list"]);
    assert_eq!(crate::misuse::with(&listed, "rule", "night-talk")[0]["version"], 3);

    place.write("rules/night.yaml", &MINE.replace("bytes: 600 kB", "bytes: 400 kB"));
    let ran = place.run(&["rules", "test", "rules"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    insta::assert_snapshot!("rules_failing_example", ran.out);
    place.write("strange.yaml", &MINE.replace("bytes: 600 kB", "bytes: 600 kB, network: \"12\""));
    let told = place.run(&["rules", "check", "strange.yaml"]).fails(2);
    assert!(told.contains("strange.yaml:") && told.contains("12"), "an example that cannot be understood: {told}");
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

#[test]
fn rules_are_listed_by_what_they_are() {
    let place = Place::init();
    let names = |filter: &[&str]| {
        let rows = place.json(&[&["rules", "list"], filter].concat());
        let names = rows.as_array().unwrap().iter().map(|row| row["rule"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let all = names(&[]);
    let critical = names(&["--severity", "critical"]);
    assert!(critical.contains(&"module-not-its-own".to_owned()) && critical.len() < all.len(), "{critical:?}");
    let apart = names(&["--reads", "profile.volume.per_hour"]);
    assert!(apart.contains(&"volume-hour".to_owned()) && !apart.contains(&"volume-day".to_owned()), "{apart:?}");
    assert!(names(&["--tag", "attack.ics"]).contains(&"rejected-password".to_owned()));
    assert!(!names(&["--mode", "enforce"]).contains(&"unknown-sim".to_owned()));
    assert_eq!(names(&["--own"]), Vec::<String>::new());
    assert!(names(&["--costs", "1"]).len() == all.len() && names(&["--costs", "100000"]).is_empty());
    place.run(&["rules", "list", "--reads", "bytse"]).fails(2);
}

#[test]
fn two_versions_of_a_rule_are_compared() {
    let place = Place::init();
    place.write("rules/night.yaml", MINE);
    assert_eq!(place.run(&["rules", "diff", "rules/night.yaml"]).ok(), "no difference\n");
    let next = MINE.replace("500 kB", "1 MB").replace("mode: dry-run", "mode: enforce").replace("Little", "Not much");
    place.write("next.yaml", &format!("{next}---\n{}", MINE.replace("night-talk", "day-talk")));
    let differ = place.run(&["rules", "diff", "next.yaml"]);
    assert_eq!(differ.code, 1, "{}", differ.err);
    insta::assert_snapshot!("rules_diff", differ.out);
    let both = place.run(&["rules", "diff", "volume-hour", "volume-day"]);
    assert_eq!(both.code, 1, "{}", both.err);
    insta::assert_snapshot!("rules_diff_two", both.out);
    let gone = place.run(&["rules", "diff", "next.yaml", "rules/night.yaml", "--format", "json"]);
    let gone: serde_json::Value = serde_json::from_str(&gone.out).unwrap();
    assert!(gone[0]["before"]["rule"] == "day-talk" && gone[0]["after"].is_null(), "{gone}");
    assert_eq!(gone[1]["differences"][0]["aspect"], "when", "{gone}");
    place.run(&["rules", "diff", "nothing-of-this-name"]).fails(2);
}

#[test]
fn what_differs_through_a_macro_a_list_or_an_exception_is_told() {
    let place = Place::init();
    let rules = |threshold: &str, until: &str| {
        format!(
            "macro: much\nis: bytes > {threshold}\n---\nrule: r\ntitle: R\nwhen: much\n---\n\
             exception: stock-sim-talks\nreason: bench\nuntil: {until}\nwhen: device.name == \"bench-1\"\n"
        )
    };
    for (folder, text) in [("before", rules("1 MB", "2030-01-01")), ("after", rules("2 MB", "2031-01-01"))] {
        std::fs::create_dir(place.path(folder)).unwrap();
        place.write(&format!("{folder}/mine.yaml"), &text);
    }
    let differ = place.run(&["rules", "diff", "before", "after"]);
    assert_eq!(differ.code, 1, "{}", differ.err);
    insta::assert_snapshot!("rules_diff_through", differ.out);
    assert_eq!(place.run(&["rules", "diff", "before", "before"]).ok(), "no difference\n");
    place.write("good.yaml", "list: good\nvalues: [a]\n");
    let told = place.run(&["rules", "diff", "good.yaml"]).fails(2);
    assert!(told.contains("rules diff BEFORE AFTER"), "{told}");
}

#[test]
fn an_exception_that_has_ended_is_told() {
    let place = Place::init();
    let exception = |until: &str| {
        format!("exception: stock-sim-talks\nreason: bench\nuntil: {until}\nwhen: device.name == \"bench-1\"\n")
    };
    place.write("rules/mine.yaml", &exception("2020-01-31"));
    let told = "rules/mine.yaml:3: the exception to stock-sim-talks ended (2020-01-31)";
    for arguments in [&["rules", "check"][..], &["rules", "check", "rules/mine.yaml"], &["check"]] {
        let said = place.run(arguments).ok();
        assert!(said.contains(&format!("warning: {told}")), "{arguments:?}: {said}");
    }
    let explained = place.run(&["rules", "explain", "stock-sim-talks"]);
    assert!(explained.err.contains(told) && explained.out.contains("until 2020-01-31 (bench)"), "{}", explained.err);
    assert_eq!(explained.code, 0);
    place.write("rules/mine.yaml", &exception("2120-01-31"));
    for arguments in [&["rules", "check"][..], &["check"]] {
        assert!(!place.run(arguments).ok().contains("ended"), "{arguments:?}");
    }
}

#[test]
#[cfg(feature = "sigma")]
fn sigma_rules_are_taken_over_with_an_account() {
    let place = Place::init();
    let good = "title: Telnet\nlogsource: { category: firewall }\ndetection: { s: { dst_port: 23 }, condition: s }\nlevel: high\n";
    place.write("good.yml", good);
    let ran = place.run(&["rules", "import-sigma", "good.yml"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, "good.yml: Telnet: imported as sigma-telnet\n"));
    place.write("rules/sigma.yaml", &ran.out);
    assert_eq!(place.run(&["rules", "check", "rules/sigma.yaml"]).ok(), "1 rule, no mistakes\n");
    place.write(
        "bad.yml",
        &format!("{good}---\n{}", good.replace("dst_port", "CommandLine").replace("Telnet", "Shell")),
    );
    let ran = place.run(&["rules", "import-sigma", "bad.yml"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.err.contains("Shell: not imported: the field `CommandLine`") && ran.out.contains("sigma-telnet"),
        "{ran:?}"
    );
}

#[test]
fn the_schema_is_printed_for_editors() {
    let schema: serde_json::Value = serde_json::from_str(&Place::empty().run(&["rules", "schema"]).ok()).unwrap();
    assert_eq!(schema["definitions"]["rule"]["required"], serde_json::json!(["rule", "title", "when"]));
}

#[test]
fn a_file_with_a_mistake_hides_no_other_rule() {
    let place = Place::init();
    place.write("rules/night.yaml", MINE);
    place.write(
        "rules/broken.yaml",
        "rule: good\ntitle: t\nwhen: contact\n---\nrule: bad\ntitle: t\nwhen: byts > 1 MB\n",
    );
    std::fs::write(place.path("rules/latin.yaml"), b"rule: latin\ntitle: M\xfcll\nwhen: contact\n").unwrap();
    let listed = place.run(&["rules", "list", "--own"]);
    assert_eq!(listed.code, 1, "{}", listed.err);
    assert!(listed.out.contains("night-talk") && !listed.out.contains("good"), "{}", listed.out);
    assert!(listed.err.contains("warning: rules/broken.yaml:7:7: unknown field `byts`"), "{}", listed.err);
    assert!(listed.err.contains("warning: rules/latin.yaml:2:9: a character that is not UTF-8"), "{}", listed.err);
    assert!(place.run(&["rules", "explain", "volume-hour"]).out.starts_with("volume-hour: "));
    // Whoever checks hears of both, and of all of it.
    let told = place.run(&["rules", "check"]).fails(2);
    assert!(told.contains("broken.yaml:7:7:") && told.contains("latin.yaml:2:9:"), "{told}");
}

#[test]
fn a_letter_beside_rules_is_no_mistake_until_a_list_names_it() {
    let place = Place::init();
    place.write("rules/night.yaml", MINE);
    std::fs::write(place.path("rules/letter.txt"), b"Sch\xf6ne Gr\xfc\xdfe\n").unwrap();
    place.run(&["rules", "check"]).ok();
    place.run(&["check"]).ok();
    place.write("rules/named.yaml", "list: words\nfile: letter.txt\n");
    let told = place.run(&["rules", "check"]).fails(2);
    assert!(told.contains("named.yaml:2:7: `letter.txt` has a character that is not UTF-8"), "{told}");
}

#[test]
fn a_window_that_nothing_reads_is_a_warning() {
    let place = Place::init();
    let rule = "rule: r\ntitle: t\nwatch:\n  idle: { sum: bytes, over: 1h }\nwhen: bytes > 1 MB\n";
    place.write("rules/mine.yaml", rule);
    let told = "warning: rules/mine.yaml:4:9: nothing in r reads the window `idle` (read it in `when`, or remove it)\n";
    for arguments in [&["rules", "check"][..], &["rules", "check", "rules/mine.yaml"], &["check"]] {
        let said = place.run(arguments).ok();
        assert_eq!(said.matches(told).count(), 1, "{arguments:?}: {said}");
    }
}

#[test]
fn what_was_checked_and_tested_is_for_machines_too() {
    let place = Place::empty();
    let rule = "rule: r\ntitle: t\nwatch: { used: { sum: bytes, over: 1h } }\nwhen: used > 50\ntests:\n  \
        - { given: [{ bytes: 1 kB }], expect: alarm }\n  - { name: little, given: [{ bytes: 60 }], expect: none }\n";
    place.write("r.yaml", rule);
    let told =
        "r.yaml:4:12: a volume is compared with 50 octets (did you mean `50 MB`? if octets are meant, write `50 B`)";
    assert_eq!(place.json(&["rules", "check", "r.yaml"]), serde_json::json!({ "rules": 1, "warnings": [told] }),);
    assert_eq!(place.run(&["rules", "check", "r.yaml"]).ok(), format!("warning: {told}\n1 rule, no mistakes\n"));
    let ran = place.run(&["rules", "test", "r.yaml", "--format", "json"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let said: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let example = |line: u64, name: &str, failure: Option<&str>| serde_json::json!({ "rule": "r", "file": "r.yaml", "line": line, "name": name, "failure": failure });
    let examples = [example(6, "example 1", None), example(7, "little", Some("expected none, got one finding"))];
    assert_eq!(said, serde_json::json!({ "passed": 1, "failed": 1, "examples": examples }));
}

#[test]
fn a_file_without_rules_is_not_taken_for_checked() {
    let place = Place::init();
    place.write("rules/empty.yaml", "# nothing yet\n\n");
    let said = place.run(&["rules", "check", "rules/empty.yaml"]).ok();
    assert_eq!(said, "warning: there is nothing in rules/empty.yaml\n0 rules, no mistakes\n");
}

#[test]
fn a_condition_that_yaml_would_cut_is_refused() {
    let place = Place::init();
    place.write("rules/cut.yaml", "rule: cut\ntitle: t\nwhen: !has(imei) && bytes > 5 MB\n");
    let told = place.run(&["rules", "check"]).fails(2);
    assert!(told.contains("rules/cut.yaml:3:7: a value cannot begin with `!`"), "{told}");
    assert!(told.contains("put the whole value between quotes"), "{told}");
}

/// The rules of a configuration that is not there would be taken for right.
#[test]
fn a_configuration_that_is_named_must_be_there() {
    let place = Place::init();
    for command in [&["rules", "check"] as &[&str], &["rules", "list"], &["rules", "test"]] {
        let said = place.run(&[command, &["--config", "fletward.yaml"]].concat()).fails(2);
        assert!(said.contains("fletward.yaml: No such file"), "{said}");
    }
    assert_eq!(Place::empty().run(&["rules", "check"]).code, 0, "none is named: the built-in ones");
}
