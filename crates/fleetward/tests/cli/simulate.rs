//! `simulate` and `evaluate`: a fleet into files and a journal, and detection against its truth.

use std::collections::BTreeSet;

use crate::support::{Place, finish};

const SMALL: [&str; 8] = ["--classes", "meter=40", "--days", "4", "--training", "2", "--misused", "4"];

#[test]
fn a_fleet_goes_into_files_that_agree() {
    let place = Place::empty();
    let simulate = |to: &[&str]| {
        let arguments = [&["simulate"][..], &SMALL, &["--misuse", "stolen-sim"], to].concat();
        place.run(&arguments).ok()
    };
    let said = simulate(&["--jsonl", "records.jsonl", "--truth", "truth.jsonl", "--models", "models"]);
    assert!(said.contains("40 devices, 4 days, 20 devices misused"), "{said}");
    simulate(&["--csv", "sessions.csv"]);
    let (records, table) = (place.read("records.jsonl"), place.read("sessions.csv"));
    let sessions = records.lines().filter(|line| line.contains("\"kind\":\"session\"")).count();
    assert_eq!(table.lines().count(), sessions + 1);
    assert!(table.starts_with("time,received,device,imsi,"));
    assert_eq!(place.read("truth.jsonl").lines().count(), 20);
    assert!(place.read("models/meter.yaml").starts_with("model: meter"));
}

#[test]
fn what_is_there_is_not_overwritten() {
    let place = Place::empty();
    place.write("held", "of last week\n");
    let simulate = |to: &[&str]| place.command(&[&["simulate"][..], &SMALL, to].concat());
    for to in [
        &["--csv", "held"][..],
        &["--jsonl", "held"],
        &["--csv", "new.csv", "--truth", "held"],
        &["--csv", "new.csv", "--inventory", "held"],
    ] {
        let said = finish(simulate(to)).fails(2);
        assert!(said.contains("held is there already") && said.contains("name another one, or remove it"), "{said}");
        assert_eq!(place.read("held"), "of last week\n", "{to:?}");
        assert!(!place.path("new.csv").exists(), "refused before the simulation starts: {to:?}");
    }
    finish(simulate(&["--csv", "/dev/null"])).ok();
    assert!(finish(simulate(&["--csv", "/dev/stdout"])).ok().starts_with("time,received,device,imsi,"));
    // A shell has opened the file already when it runs `simulate --csv /dev/stdout > table.csv`.
    let table = std::fs::File::create(place.path("table.csv")).unwrap();
    assert!(simulate(&["--csv", "/dev/stdout"]).stdout(table).status().unwrap().success());
    assert!(place.read("table.csv").contains(",stop,"));
}

#[test]
fn a_profile_that_somebody_has_changed_is_not_overwritten() {
    let place = Place::empty();
    let simulate =
        |table: &str| place.run(&[&["simulate"][..], &SMALL, &["--models", "models", "--csv", table]].concat());
    simulate("one.csv").ok();
    simulate("two.csv").ok();
    place.write("models/meter.yaml", "model: meter # ours\n");
    let said = simulate("three.csv").fails(2);
    assert!(said.contains("models/meter.yaml is there already") && said.contains("name another one"), "{said}");
    assert_eq!(place.read("models/meter.yaml"), "model: meter # ours\n");
    assert!(!place.path("three.csv").exists(), "refused before the simulation starts");
}

#[test]
fn figures_are_for_machines_too() {
    let place = Place::empty();
    let to = ["--misuse", "stolen-sim", "--journal", "fleet", "--truth", "truth.jsonl"];
    let said = place.json(&[&["simulate"][..], &SMALL, &to].concat());
    assert_eq!((&said["devices"], &said["days"], &said["misused"]), (&40.into(), &4.into(), &20.into()), "{said}");
    assert!(said["records"].as_u64() > Some(1000), "{said}");
    let said = place.json(&["evaluate", "--labelled", "fleet", "--truth", "truth.jsonl"]);
    assert!(said["ours"].is_object() && said["cells"].is_array() && said["test_begins"].is_string(), "{said}");
}

#[test]
fn zeros_without_sense_are_refused() {
    let place = Place::empty();
    for arguments in [
        &["simulate", "--csv", "x.csv", "--days", "0"][..],
        &["simulate", "--csv", "x.csv", "--devices", "0"],
        &["simulate", "--csv", "x.csv", "--misused", "0"],
        &["simulate", "--csv", "x.csv", "--classes", "meter=0"],
        &["evaluate", "--devices", "0"],
        &["evaluate", "--misused", "0"],
        &["evaluate", "--test", "0"],
        &["evaluate", "--threads", "0"],
        &["evaluate", "--budget", "0"],
        &["evaluate", "--budget", "NaN"],
    ] {
        let told = place.run(arguments).fails(2);
        assert!(told.contains(arguments[arguments.len() - 2]), "it names the flag: {told}");
    }
    let told = place.run(&["evaluate", "--budget", "0"]).fails(2);
    assert!(told.contains("a rate is above 0: write for example 0.01"), "{told}");
    let told =
        place.run(&["simulate", "--csv", "x.csv", "--misuse", "stolen-sim", "--days", "3", "--training", "3"]).fails(2);
    assert!(told.contains("--training 3 leaves no day of 3 for misuse") && told.contains("--days 10"), "{told}");
    place.write("none.yaml", "overlay: x\nscenarios:\n  - scenario: a\n    lasts: 0 s\n    effects: [silence: {}]\n");
    let told = place.run(&["simulate", "--csv", "x.csv", "--misuse", "none.yaml"]).fails(2);
    assert!(told.contains("none.yaml: line 3, column 5: a: `lasts: 0` is no time: write for example"), "{told}");
}

#[test]
fn a_journal_of_a_simulation_is_judged_by_its_truth() {
    let place = Place::empty();
    let to = ["--misuse", "stolen-sim", "--journal", "fleet", "--truth", "truth.jsonl"];
    place.run(&[&["simulate"][..], &SMALL, &to].concat()).ok();
    place.run(&["journal", "verify", "--dir", "fleet"]).ok();
    let said = place.run(&["evaluate", "--labelled", "fleet", "--truth", "truth.jsonl", "--json"]).ok();
    let figures: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(figures["work"], "detect");
    let text = place.run(&["evaluate", "--labelled", "fleet", "--truth", "truth.jsonl"]).ok();
    assert!(text.contains("| sim-in-a-phone | 4 |"), "{text}");
    assert!(text.contains("the day of the first misuse), 2 days after the first record"), "{text}");
    assert_eq!(figures["test_begins"], "2026-01-21T00:00:00.000Z");
    let of = |extra: &[&str]| place.run(&[&["evaluate", "--labelled", "fleet"][..], extra].concat());
    of(&["--truth", "truth.jsonl", "--curve"]).fails(2);
    of(&["--truth", "truth.jsonl", "--worlds", "3"]).fails(2);
    for alone in [["--truth", "truth.jsonl"], ["--test-begins", "2026-01-21T00:00:00Z"], ["--worlds", "0"]] {
        place.run(&[&["evaluate"][..], &alone].concat()).fails(2);
    }
    place.write("other.jsonl", &place.read("truth.jsonl").replace("\"meter-", "\"other-"));
    let told = of(&["--truth", "other.jsonl"]).fails(2);
    assert!(told.contains("none of the devices of other.jsonl are in the records of fleet"), "{told}");
    assert!(place.run(&[&["simulate"][..], &SMALL, &["--journal", "fleet"]].concat()).fails(3).contains("not empty"));
}

#[test]
fn a_curve_is_a_table_and_a_picture() {
    let place = Place::empty();
    let small = ["--classes", "meter=36", "--training", "3", "--test", "2", "--worlds", "1", "--misused", "3"];
    let curve = ["--scenario", "ddos,slow-x3", "--curve", "--out", "report"];
    let text = place.run(&[&["evaluate"][..], &small, &curve].concat()).ok();
    assert_eq!(place.read("report/quality.md").trim_end(), text.trim_end());
    let rows: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("## The curve")).skip(6).collect();
    let nominal = rows.iter().filter_map(|row| row.split('|').nth(1)).map(str::trim);
    assert_eq!(nominal.collect::<Vec<_>>(), ["0.0003", "0.001", "0.003", "0.01", "0.03", "0.1"], "{text}");
    assert!(text.contains("Of 2 worlds with a third of the devices: 12 devices each."), "{text}");
    let figures: serde_json::Value = serde_json::from_str(&place.read("report/quality.json")).unwrap();
    assert_eq!(figures["curve"].as_array().unwrap().len(), 6);
    let picture = place.read("report/curve.svg");
    assert!(picture.starts_with("<svg") && picture.contains("baselines, fast misuse"), "{picture}");
}

#[test]
fn mistakes_are_named() {
    let place = Place::empty();
    place.write(
        "bad.yaml",
        "overlay: x\nscenarios:\n  - scenario: a\n    effects:\n      - traffic: { up: 3 parsecs }\n",
    );
    let error = |arguments: &[&str]| place.run(arguments).fails(2);
    assert!(error(&["simulate", "--csv", "x.csv", "--misuse", "bad.yaml"]).contains("bad.yaml: line 5"));
    let said = error(&["simulate", "--csv", "x.csv", "--misuse", "stolen-sm"]);
    assert!(said.contains("hint: did you mean `stolen-sim`?"), "{said}");
    let said = error(&["simulate", "--csv", "x.csv", "--misuse", "none.yaml"]);
    assert!(said.contains("none.yaml: No such file") && said.contains("one of stolen-sim, "), "{said}");
    place.write(
        "idle.yaml",
        "overlay: x\nscenarios:\n  - scenario: a\n    select: { classes: [pos] }\n    effects: [silence: {}]\n  - scenario: b\n    \
         start: { day: 9 }\n    effects: [silence: {}]\n",
    );
    let idle = place.run(&[&["simulate"][..], &SMALL, &["--csv", "x.csv", "--misuse", "idle.yaml"]].concat());
    assert!(idle.err.contains("warning: scenario a befalls no device: pos not simulated"), "{}", idle.err);
    assert!(idle.err.contains("scenario b: all of its devices would begin after the test of 2 days"), "{}", idle.err);
    assert!(idle.ok().contains("4 devices misused"));
    assert!(error(&["simulate", "--csv", "x.csv", "--classes", "fridge"]).contains("meter, tracker"));
    assert!(error(&["simulate", "--csv", "x.csv", "--nuisance", "weather"]).contains("firmware, dst"));
    place.write("secret", "xyzzy-secret-of-the-test");
    let radius = ["simulate", "--radius", "192.0.2.1:1813", "--secret-file", "secret"];
    assert!(error(&radius).contains("--beyond-loopback"));
}

/// The whole way: simulated records as RADIUS to a server, its journal, its sessions, its findings.
#[test]
fn a_simulated_fleet_speaks_radius_to_a_server_that_finds_its_phones() {
    let place = Place::init();
    let _nas = place.with_gateway();
    let fleet = ["simulate", "--classes", "meter=20", "--days", "2", "--training", "1", "--misused", "3"];
    let fleet = [&fleet[..], &["--misuse", "stolen-sim", "--nuisance", "none"]].concat();
    // The same seed: the same devices and the same records.
    let to_files =
        ["--csv", "sessions.csv", "--truth", "truth.jsonl", "--models", "models", "--inventory", "devices.csv"];
    place.run(&[&fleet[..], &to_files].concat()).ok();
    let table = place.read("sessions.csv");
    let devices = place.read("devices.csv").lines().count() - 1;
    let _server = place.serve();
    let added = place.run(&["devices", "import", "devices.csv"]).ok();
    assert!(added.starts_with(&format!("{devices} devices were added")), "{added}");

    let server = place.ports.accounting.to_string();
    // Not as fast as it goes: all sessions of two days within one second look to the server like ones that it has forgotten.
    let to_radius = ["--radius", &server, "--secret-file", "secrets/pgw-1", "--rate", "200"];
    let said = place.run(&[&fleet[..], &to_radius].concat()).ok();
    let sent = table.lines().count() - 1;
    assert!(said.contains(&format!("{sent} records")), "{sent}: {said}");

    // Packets come through too: the sum of the last record of a session is what the simulation said.
    let journal = place.run(&["journal", "cat"]).ok();
    let recorded = journal.lines().filter(|line| line.contains("\"kind\":\"session\"")).count();
    assert_eq!(recorded, sent, "what was acknowledged is in the journal, once");
    assert!(journal.contains("\"packets_up\":"), "{}", journal.lines().last().unwrap_or_default());
    let misused: BTreeSet<String> = place.read("truth.jsonl").lines().map(device_of_phone).collect();
    let found = place.until(&["findings", "list", "--rule", "module-not-its-own"], |rows| {
        rows.as_array().is_some_and(|rows| rows.len() >= 3)
    });
    for finding in found.as_array().unwrap() {
        assert!(misused.contains(finding["subject"].as_str().unwrap()), "{finding:#} of {misused:?}");
    }
}

/// The device of a line of the truth.
fn device_of_phone(line: &str) -> String {
    let case: serde_json::Value = serde_json::from_str(line).unwrap();
    case["device"].as_str().unwrap_or_default().to_owned()
}
