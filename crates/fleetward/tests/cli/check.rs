//! `fleetward check`: every mistake with file, line, column and the way out; no secret in any message.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{LIMIT, Place, assert_unchanged, contents};

/// What `check` says about this configuration, without what differs from run to run.
fn says(place: &Place) -> String {
    let ran = place.run(&["check"]);
    assert_eq!(ran.out, "");
    place.plain(&ran.fails(2))
}

/// The configuration of `init` with one gateway; its secret is there.
fn with_client(client: &str) -> Place {
    let place = Place::init();
    place.run(&["secret", "new", "secrets/pgw-1"]).ok();
    place.edit("  clients: []\n", &format!("  clients:\n{client}"));
    place
}

const GOOD: &str = "    - name: pgw-1\n      address: 192.0.2.10\n      secret: { file: secrets/pgw-1 }\n";

#[test]
fn a_gateway_that_cannot_be_told_to_disconnect_is_warned_about() {
    let place = with_client(GOOD);
    insta::assert_snapshot!("check_warns", crate::rules::without_count(&place.run(&["check"]).ok()));
}

/// Nobody would be admitted there, and the log of each refusal is the first that tells.
#[test]
fn a_gateway_that_asks_for_passwords_where_there_are_none_is_warned_about() {
    let told = "warning: client pgw-1 asks for passwords and there is no login: it refuses everybody; name a file of \
                `login:password` lines under `radius.logins`, or write `password: network`";
    let says = |more: &str| with_client(&format!("{GOOD}{more}"));
    for (client, is_told) in [
        ("      identity: user-name\n", true),
        ("      identity: calling-station-id\n", true),
        ("      password: required\n", true),
        ("      identity: user-name\n      password: network\n", false),
        ("", false),
    ] {
        let said = says(client).run(&["check"]).ok();
        assert_eq!(said.contains(told), is_told, "{client}: {said}");
    }
    let place = says("      identity: user-name\n");
    place.edit("  clients:\n", "  logins: secrets/logins\n  clients:\n");
    place.write_private("secrets/logins", "# nobody yet\n");
    assert!(place.run(&["check"]).ok().contains(told));
    place.write_private("secrets/logins", "meter-1:correct-horse-battery\n");
    assert!(!place.run(&["check"]).ok().contains(told));
}

#[test]
fn without_a_configuration() {
    insta::assert_snapshot!("check_without_a_file", says(&Place::empty()));
}

#[test]
fn an_unknown_key() {
    let place = Place::init();
    place.edit("snapshot_every: 60 s", "snapshots_every: 60 s");
    insta::assert_snapshot!("check_unknown_key", says(&place));
}

#[test]
fn what_would_keep_the_server_from_starting() {
    let place = Place::init();
    place.edit("trackers: [] ", "trackers: [lists/none.txt, lists/nor-this.txt] ");
    place.edit("  flush_every: 1 min\n  sources: []", "  sources:\n    - { name: tap, file: none.pcap }");
    place.run(&["secret", "new", "secrets/webhook"]).ok();
    let webhook = "webhook: { url: \"http://hooks.example/a\", secret: { file: secrets/webhook } }";
    place.edit("channels: {}", &format!("channels:\n  ops:\n    {webhook}"));
    let said = says(&place);
    for part in [
        "channel ops: ",
        "is not encrypted",
        "lists/none.txt",
        "lists/nor-this.txt",
        "capture source \"tap\": there is no file ",
        "none.pcap",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let config = place.read("fleetward.yaml");
    for (named, line) in [
        ("lists/none.txt", "lists/none.txt"),
        ("lists/nor-this.txt", "lists/nor-this.txt"),
        ("none.pcap", "none.pcap"),
        ("channel ops", "webhook: {"),
    ] {
        let (number, text) =
            config.lines().enumerate().find(|(_, text)| !text.starts_with('#') && text.contains(line)).unwrap();
        let at = format!("fleetward.yaml:{}:{}: ", number + 1, text.find(line).unwrap() + 1);
        assert!(said.lines().any(|told| told.contains(&at) && told.contains(named)), "{at}{named}: {said}");
    }
}

#[test]
fn no_yaml_at_all() {
    let place = Place::init();
    place.edit("data: data", "data: [data");
    insta::assert_snapshot!("check_no_yaml", says(&place));
}

#[test]
fn bad_addresses() {
    let place = Place::init();
    place.edit(&format!("authentication: [\"{}\"]", place.ports.authentication), "authentication: [\"127.0.0.1\"]");
    insta::assert_snapshot!("check_bad_address_to_listen_on", says(&place));
    let place = with_client(&GOOD.replace("192.0.2.10", "192.0.2.300"));
    insta::assert_snapshot!("check_bad_address_of_a_client", says(&place));
}

#[test]
fn a_secret_in_the_configuration_is_refused_and_not_repeated() {
    const INLINE: &str = "correct-horse-battery-staple";
    let lines = [
        ("      secret: { file: secrets/pgw-1 }", format!("      secret: {INLINE}")),
        ("      secret: { file: secrets/pgw-1 }", format!("      secret: {{ value: {INLINE} }}")),
        ("      secret: { file: secrets/pgw-1 }", format!("      secret: [{INLINE}]")),
        ("      secret: { file: secrets/pgw-1 }", format!("      secret: {{ {INLINE}: 1 }}")),
        (
            "      secret: { file: secrets/pgw-1 }",
            format!("      secret: {{ file: secrets/pgw-1 }}\n      password: {INLINE}"),
        ),
        ("      secret: { file: secrets/pgw-1 }", format!("      shared_secret: {INLINE}")),
    ];
    let mut all = String::new();
    for (old, new) in lines {
        let said = says(&with_client(&GOOD.replace(old, &new)));
        assert!(!said.contains("horse") && said.contains("fleetward.yaml:"), "{said}");
        all.push_str(&said);
    }
    insta::assert_snapshot!("check_inline_secret", all);
    let tagged = GOOD.replace("secret: { file: secrets/pgw-1 }", &format!("secret: !{INLINE}"));
    let said = says(&with_client(&tagged));
    assert!(!said.contains("horse") && said.contains("fleetward.yaml:"), "{said}");
}

#[test]
fn a_secret_that_is_not_there_or_open_to_others_or_short() {
    let place = with_client(GOOD);
    fs::remove_file(place.path("secrets/pgw-1")).unwrap();
    insta::assert_snapshot!("check_missing_secret", says(&place));
    place.write("secrets/pgw-1", "correct-horse-battery-staple\n");
    fs::set_permissions(place.path("secrets/pgw-1"), fs::Permissions::from_mode(0o644)).unwrap();
    let said = says(&place);
    assert!(!said.contains("horse"), "{said}");
    insta::assert_snapshot!("check_open_secret", said);
    place.write_private("secrets/pgw-1", "short\n");
    insta::assert_snapshot!("check_short_secret", says(&place));
}

#[test]
fn the_same_client_twice() {
    insta::assert_snapshot!("check_duplicate_client", says(&with_client(&GOOD.repeat(2))));
}

#[test]
fn plain_http_beyond_loopback() {
    let place = Place::init();
    place.edit("tls: auto", "tls: off");
    place.run(&["check"]).ok();
    place.edit(&format!("listen: \"{}\"", place.ports.api), "listen: \"192.0.2.1:8443\"");
    insta::assert_snapshot!("check_plain_http", says(&place));
}

#[test]
fn a_broken_model() {
    let place = Place::init();
    place.write("models/meter.yaml", "model: meter\ncountries: [DE, Germany]\n");
    place.write("models/tracker.yaml", "model: tracker\nvolume: { per_hour: much }\n");
    place.write("models/zoo.yaml", "model: tracker\ncolour: red\n");
    insta::assert_snapshot!("check_broken_models", says(&place));
}

#[test]
fn a_broken_rule() {
    let place = Place::init();
    let example = place.read("rules/night-traffic.yaml.example");
    place.write("rules/night.yaml", &example.replace("used > 500 kB", "usd > 500 kB"));
    place.write(
        "rules/other.yaml",
        &example.replace("night-traffic", "other").replace("severity: medium", "severity: bad"),
    );
    place.edit("disable_rules: []", "disable_rules: [contact-lost, no-such-rule]");
    insta::assert_snapshot!("check_broken_rules", says(&place));
    fs::remove_file(place.path("rules/night.yaml")).unwrap();
    fs::remove_file(place.path("rules/other.yaml")).unwrap();
    insta::assert_snapshot!("check_unknown_rule_disabled", says(&place));
}

#[test]
fn a_folder_that_somebody_named_must_be_there() {
    let place = Place::init();
    fs::remove_dir_all(place.path("rules")).unwrap();
    fs::remove_dir_all(place.path("models")).unwrap();
    place.run(&["check"]).ok();
    for (key, named) in [("rules", "rulez"), ("models", "model")] {
        let before = place.read("fleetward.yaml");
        place.edit(&format!("\n{key}: {key}\n"), &format!("\n{key}: {named}\n"));
        let said = says(&place);
        assert!(said.contains(&format!("{key}: cannot read the folder")) && said.contains(named), "{said}");
        place.write("fleetward.yaml", &before);
    }
}

/// A folder in a folder is not read; who puts a rule or a model there must hear it.
#[test]
fn files_in_a_folder_that_nobody_reads() {
    let place = Place::init();
    place.write("rules/north/night.yaml", "rule: night\ntitle: t\nwhen: bytes > 1 MB\n");
    place.write("rules/.versions/night.v1.yaml", "rule: night\ntitle: t\nwhen: bytes > 1 MB\n");
    place.write("models/meters/meter.yaml", "model: meter\n");
    let told = |kind: &str, folder: &str| {
        format!("warning: {kind}/{folder}: nothing in this folder is read (move its files to {kind})\n")
    };
    let (rules, models) = (told("rules", "north"), told("models", "meters"));
    let said = place.run(&["check"]).ok();
    assert!(said.contains(&rules) && said.contains(&models) && !said.contains(".versions"), "{said}");
    assert!(place.run(&["rules", "check"]).ok().starts_with(&rules));
    assert!(place.run(&["rules", "check", "rules"]).ok().starts_with(&rules));
    let server = place.serve();
    assert!(server.output().contains("rules/north: nothing in this folder is read"), "{}", server.output());
    assert!(place.run(&["reload"]).ok().contains(&rules));
}

/// A rule that calls a model or a group by a name that none has is about nobody, and its author believes it watches.
#[test]
fn a_name_that_nothing_in_the_fleet_has() {
    const RULE: &str = "rule: night\ntitle: t\nscope: device.model == \"meterr\" && \"nroth\" in device.groups\n\
                        when: bytes > 1 MB\nunless: device.model in [\"meter\", \"valve\"]\n";
    let place = Place::init();
    place.write("rules/night.yaml", RULE);
    let said = |place: &Place| place.run(&["rules", "check"]).ok().replace("rules/night.yaml", "IT");
    assert!(!said(&place).contains("warning"), "nothing is known yet: {}", said(&place));

    place.write("models/meter.yaml", "model: meter\n");
    let models = "warning: IT:3:25: no model is called `meterr` (did you mean `meter`?)\n\
                  warning: IT:5:36: no model is called `valve` (neither a profile nor a device of the inventory has it)\n";
    assert!(said(&place).starts_with(models) && !said(&place).contains("nroth"), "{}", said(&place));
    assert!(place.run(&["rules", "explain", "night"]).err.contains("no model is called `meterr`"));

    let mut server = place.serve();
    place.write("devices.csv", "name,imsi,model,groups\na,262011234567890,valve,north\n");
    place.run(&["devices", "import", "devices.csv"]).ok();
    let told = "IT:3:25: no model is called `meterr` (did you mean `meter`?)\n\
                warning: IT:3:37: no device is in a group called `nroth` (did you mean `north`?)\n";
    for running in [true, false] {
        let checked = place.run(&["check"]).ok().replace("rules/night.yaml", "IT");
        assert!(
            said(&place).starts_with(&format!("warning: {told}")) && checked.contains(told),
            "{running}: {checked}"
        );
        if running {
            assert!(place.run(&["reload"]).ok().contains("no model is called `meterr`"));
            server.terminate(LIMIT).unwrap();
        }
    }
    let before = contents(&place.path("data"));
    place.run(&["check"]).ok();
    assert_unchanged(&before, &contents(&place.path("data")));
}

#[test]
fn what_is_there_is_not_overwritten_and_the_message_says_so_in_words() {
    let place = Place::init();
    let before = place.read("fleetward.yaml");
    let said = place.run(&["init", "."]).fails(2);
    assert!(said.contains("fleetward.yaml is there already"), "{said}");
    assert_eq!(place.read("fleetward.yaml"), before);
}

#[test]
fn every_mistake_is_named_at_once_and_serve_says_the_same() {
    let place = with_client(&GOOD.repeat(2));
    fs::remove_file(place.path("secrets/pgw-1")).unwrap();
    place.write("models/meter.yaml", "model: meter\ncountries: [Germany]\n");
    place.edit(
        "channels: {}\n",
        "channels:\n  ops: { webhook: { url: \"https://hooks.example/\", secret: { file: secrets/hook } } }\n",
    );
    let said = says(&place);
    for part in ["is there twice", "secrets/pgw-1: No such file", "models/meter.yaml:2:", "secrets/hook: No such file"]
    {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    let serve = place.run(&["serve"]);
    // Only what to do differs: `check` is at hand already.
    let mistakes = |text: &str| text.lines().filter(|line| !line.starts_with("hint:")).collect::<Vec<_>>().join("\n");
    assert_eq!(mistakes(&place.plain(&serve.fails(2))), mistakes(&said));
    assert!(said.contains("hint: mend these"), "{said}");
    assert!(!place.path("data").exists(), "a server that did not start has made its data folder");
}

#[test]
fn a_length_without_a_unit_is_asked_about() {
    let place = Place::init();
    place.edit("flush_every: 1 min", "flush_every: 60");
    let said = says(&place);
    assert!(said.contains("60 of what? write `60 s`, `60 min` or `60 h`"), "{said}");
    place.edit("flush_every: 60", "flush_every: 60 s");
    place.run(&["check"]).ok();
}

#[test]
fn a_schedule_of_audits_that_cannot_be_meant() {
    let place = Place::init();
    place.write("lists/ours.txt", "admin:x\nhidden-word\n");
    place.edit("networks: []", "networks: [10.9.0.0/24]");
    place.edit(
        "schedule: []\n",
        "schedule:\n    - { name: nightly, at: \"02:30\", until: \"05:00\", days: [mon, thu], targets: [sensors, 10.9.0.0/28] }\n    \
         - { name: nightly, every: 6 h, until: \"05:00\" }\n    \
         - { name: no name, at: \"02:30\", every: 6 h }\n    \
         - { name: elsewhere, at: \"02:30\", targets: [10.9.0.7, 10.8.0.0/24, 9.9.9.9] }\n    \
         - { name: lists, at: \"02:30\", until: \"02:30\", lists: [lists/ours.txt, lists/none.txt] }\n    \
         - { name: often, every: 1 s }\n",
    );
    let said = says(&place);
    assert!(!said.contains("hidden"), "{said}");
    insta::assert_snapshot!("check_audit_schedule", said);
    for (name, entry) in [
        ("time", "{ name: a, at: \"25:00\" }"),
        ("ports", "{ name: a, at: \"02:30\", ports: \"http\" }"),
        ("day", "{ name: a, at: \"02:30\", days: [monday] }"),
    ] {
        let place = Place::init();
        place.edit("schedule: []", &format!("schedule: [{entry}]"));
        insta::assert_snapshot!(format!("check_audit_schedule_{name}"), says(&place));
    }
    let place = Place::init();
    place.edit("schedule: []", "schedule: [{ name: a, at: \"02:30\" }]");
    assert!(says(&place).contains("no network is listed as yours"));
}

/// Only a file that is not there can be made.
#[test]
fn a_configuration_that_is_there_and_cannot_be_read() {
    let place = Place::empty();
    fs::create_dir(place.path("fleetward.yaml")).unwrap();
    for command in [&["check"] as &[&str], &["devices", "list"], &["rules", "list"], &["serve"]] {
        let said = place.run(command).fails(2);
        assert!(said.contains("fleetward.yaml: it is a folder; name a file\n"), "{said}");
        assert!(!said.contains("init") && !said.contains("docs/rules.md"), "{said}");
    }
}
