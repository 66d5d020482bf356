//! `fleetward audit` over the zoo: every planted fault is found, nothing else is said, nobody is harmed; and what is
//! closed is not found again.

use fleetward_testkit::daemons::{Zoo, zoo};
use serde_json::Value;

use crate::support::Place;

/// Where the zoo's devices listen, and a few ports beside.
const PORTS: &str = "21-23,80,443,502,554,1883,6379,8080,udp:53,udp:161,udp:5683";

fn audit(place: &Place, targets: &str) -> Value {
    let ran = place.run(&["audit", targets, "--mine", zoo::NETWORK, "--ports", PORTS, "--report", "json"]);
    assert!(ran.code <= 1, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn every_planted_fault_is_found_and_nothing_else() {
    let Some(mut zoo) = Zoo::try_start().unwrap() else { return };
    let mut place = Place::empty();
    place.enter(zoo.auditor().name());
    let report = audit(&place, "10.77.0.10-10.77.0.25");
    let score = zoo::Score::of(&report);
    assert_eq!((&score.missed[..], &score.falsely[..]), (&[][..], &[][..]), "{report:#}");
    assert_eq!((zoo.locked(), zoo.harmed()), (0, 0));
    let fragile = report["hosts"].as_array().unwrap().iter().find(|it| it["address"] == "10.77.0.25").unwrap();
    assert_eq!(fragile["outcome"], "done");

    zoo.close(11, 23);
    let again = audit(&place, "10.77.0.11");
    assert_eq!(again["found"], serde_json::json!([]), "telnet is closed");
}
