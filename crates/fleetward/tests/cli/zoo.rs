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
    let report = audit(&place, "10.77.0.10-10.77.0.26");
    let score = zoo::Score::of(&report);
    assert_eq!((&score.missed[..], &score.falsely[..]), (&[][..], &[][..]), "{report:#}");
    assert_eq!((zoo.locked(), zoo.harmed()), (0, 0));
    let fragile = report["hosts"].as_array().unwrap().iter().find(|it| it["address"] == "10.77.0.25").unwrap();
    assert_eq!(fragile["outcome"], "done");

    become_findings(&mut zoo);
    let again = audit(&place, "10.77.0.11");
    assert_eq!(again["found"], serde_json::json!([]), "telnet is closed");
}

/// Told to a server, faults are findings, which end once what was wrong is seen to be gone, and not before.
fn become_findings(zoo: &mut Zoo) {
    let mut server = Place::init();
    server.enter(zoo.auditor().name());
    server.edit("networks: []", &format!("networks: [{}]", zoo::NETWORK));
    // An audit before the server ever ran leaves a folder behind that the server takes.
    assert_eq!(server.run(&["audit", "10.77.0.11", "--ports", "23"]).code, 1);
    let _serving = server.serve();
    server.write("devices.csv", "name,mac,ip,state\ncamera,02:00:00:00:00:0b,10.77.0.11,active\n");
    server.run(&["devices", "import", "devices.csv"]).ok();
    let ran = server.run(&["audit", "camera", "10.77.0.12", "--ports", "22,23", "--tell"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("told of 1 addresses; 1 belong to no device"), "{}", ran.err);
    let listed = ["findings", "list", "--device", "camera"];
    let of = |state: &'static str, rule: &'static str| {
        move |findings: &Value| findings.as_array().unwrap().iter().any(|it| it["rule"] == rule && it["state"] == state)
    };
    let found = server.until(&listed, of("new", "audit-password-known"));
    assert!(of("new", "audit-plaintext-management")(&found), "{found:#}");
    let id = |rule: &str| {
        let of = found.as_array().unwrap().iter().find(|it| it["rule"] == rule).unwrap();
        of["id"].as_str().unwrap().to_owned()
    };
    let again = server.run(&["audit", "--recheck", &id("audit-plaintext-management")]);
    assert!(again.err.contains("it is still there"), "{}", again.err);
    server.run(&["audit", "camera", "--ports", "22", "--tell"]).ok();
    assert!(of("new", "audit-plaintext-management")(&server.json(&listed)), "port 23 was not asked");

    zoo.close(11, 23);
    let closed = server.run(&["audit", "--recheck", &id("audit-plaintext-management")]);
    assert!(closed.err.contains("it was not there"), "{}", closed.err);
    server.until(&listed, of("resolved", "audit-plaintext-management"));
    server.until(&listed, of("resolved", "audit-password-known"));
    let other = server.run(&["audit", "--recheck", "ffffffff"]);
    assert_eq!(other.code, 2, "{}", other.err);
}
