//! `simulate` and `evaluate`: a fleet into files and a journal, and detection against its truth.

use crate::support::Place;

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
    assert!(place.run(&[&["simulate"][..], &SMALL, &["--journal", "fleet"]].concat()).fails(3).contains("not empty"));
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
    assert!(error(&["simulate", "--csv", "x.csv", "--classes", "fridge"]).contains("meter, tracker"));
    assert!(error(&["simulate", "--csv", "x.csv", "--nuisance", "weather"]).contains("firmware, dst"));
    place.write("secret", "xyzzy-secret-of-the-test");
    let radius = ["simulate", "--radius", "192.0.2.1:1813", "--secret-file", "secret"];
    assert!(error(&radius).contains("--beyond-loopback"));
}
