//! Misuse from the packet to the proof: what a person at the command line sees of it, and does about it.

use std::time::Duration;

use fleetward_testkit::fleet::Fleet;
use fleetward_testkit::nas::{Event, cause};
use serde_json::Value;

use crate::support::{Place, active, attach, closed, settle, steal};

/// The rows of a list whose field is so.
pub(crate) fn with<'a>(rows: &'a Value, field: &str, value: &str) -> Vec<&'a Value> {
    let field = |row: &'a Value| field.split('.').fold(row, |row, part| &row[part]);
    rows.as_array().unwrap().iter().filter(|row| field(row) == value).collect()
}

#[test]
fn a_stolen_sim_is_found_stopped_verified_and_locked_out_by_a_person() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    let fleet = Fleet::new(1, 40);
    let meter = active(&fleet, "water-meter");
    let _server = place.serve();
    assert!(place.import(&[meter]).starts_with("1 device was added"), "{}", place.read("serve.log"));

    let admitted = attach(&mut nas, &meter.sim).expect("an accept");
    assert_eq!(admitted.ip, meter.device.ip);
    assert!(admitted.has_message_authenticator && admitted.interim_secs == Some(60));
    nas.traffic(admitted.session, 1_500, 400);
    nas.interim(admitted.session).unwrap();
    settle(&mut nas);
    let sessions = place.until(&["sessions", "list"], |rows| rows[0]["bytes_up"] == 1_500);
    assert_eq!(sessions[0]["device_name"], &*meter.device.name);
    assert_eq!(place.json(&["findings", "list"]), serde_json::json!([]));

    steal(&mut nas, admitted.session, &meter.sim);
    assert_eq!(closed(&mut nas, admitted.session), cause::ADMIN_RESET);
    let responses = place.until(&["responses", "list"], |rows| !with(rows, "state", "verified").is_empty());
    let stopped = with(&responses, "action.kind", "disconnect");
    assert_eq!((stopped.len(), &stopped[0]["state"]), (1, &"verified".into()), "{responses:#}");
    let last = stopped[0]["history"].as_array().unwrap().last().unwrap()["note"].as_str().unwrap().to_owned();
    assert!(last.contains("Stop seen, cause Admin-Reset"), "{last}");
    let findings = place.json(&["findings", "list", "--severity", "critical"]);
    assert_eq!(findings.as_array().unwrap().len(), 1, "{findings:#}");
    assert_eq!((&findings[0]["rule"], &findings[0]["state"]), (&"module-not-its-own".into(), &"new".into()));

    // The rule wants a person to decide on the SIM itself.
    let waiting = with(&responses, "action.kind", "suspend_sim");
    assert_eq!(waiting[0]["state"], "proposed");
    let id = waiting[0]["id"].as_str().unwrap();
    let approved = place.run(&["responses", "approve", &id[..8]]).ok();
    assert!(approved.contains("suspend_sim") && approved.contains(&*meter.device.name), "{approved}");
    place.until(&["responses", "show", id], |response| response["state"] == "verified");
    assert_eq!(place.json(&["devices", "show", &meter.device.name])["state"], "suspended");
    assert!(attach(&mut nas, &meter.sim).is_none(), "a suspended SIM was admitted");
    let again = place.run(&["responses", "approve", &id[..8]]).fails(2);
    assert!(again.contains("state does not allow"), "{again}");

    let undone = place.run(&["responses", "revert", &id[..8]]).ok();
    assert!(undone.contains("resume_sim"), "{undone}");
    place.until(&["devices", "show", &meter.device.name], |device| device["state"] == "active");
    place.until(&["responses", "show", id], |response| response["state"] == "reverted");
    assert!(attach(&mut nas, &meter.sim).is_some(), "a SIM that was resumed was rejected");
    nobody_is_named_in_full(&place, meter.sim.imsi.reveal().as_str());
}

/// Nothing that a person reads without asking for it names a subscriber.
fn nobody_is_named_in_full(place: &Place, imsi: &str) {
    for list in [
        &["devices", "list"][..],
        &["sessions", "list", "--all"],
        &["findings", "list"],
        &["responses", "list"],
        &["changes", "list"],
        &["journal", "cat"],
    ] {
        let shown = place.run(list).ok() + &place.run(&[list, &["--format", "json"]].concat()).ok();
        assert!(!shown.contains(imsi), "{list:?} shows {imsi}:\n{shown}");
    }
    assert!(!place.read("serve.log").contains(imsi));
}

#[test]
fn a_safety_critical_device_is_stopped_by_a_person_only() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    let fleet = Fleet::new(1, 40);
    let lift = active(&fleet, "lift-phone");
    let _server = place.serve();
    place.import(&[lift]);
    let session = attach(&mut nas, &lift.sim).expect("an accept").session;
    steal(&mut nas, session, &lift.sim);
    settle(&mut nas);
    let responses =
        place.until(&["responses", "list", "--state", "proposed"], |rows| rows.as_array().unwrap().len() == 2);
    let asked =
        nas.wait_for(Duration::from_millis(500), |event| matches!(event, Event::Disconnected(..)).then_some(()));
    assert_eq!(asked.unwrap(), None, "a critical device was disconnected without a person");
    let notes = responses[0]["history"][0]["note"].as_str().unwrap();
    assert!(notes.contains("waits for a person"), "{notes}");

    let disconnect = with(&responses, "action.kind", "disconnect")[0]["id"].as_str().unwrap();
    let suspend = with(&responses, "action.kind", "suspend_sim")[0]["id"].as_str().unwrap();
    place.run(&["responses", "reject", suspend]).ok();
    assert_eq!(place.json(&["responses", "show", suspend])["state"], "failed");
    place.run(&["responses", "approve", disconnect]).ok();
    assert_eq!(closed(&mut nas, session), cause::ADMIN_RESET);
    place.until(&["responses", "show", disconnect], |response| response["state"] == "verified");
    assert_eq!(place.json(&["devices", "show", &lift.device.name])["state"], "active");
}

#[test]
fn findings_are_acknowledged_resolved_and_suppressed() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    let fleet = Fleet::new(1, 60);
    let members = ["water-meter", "pos-terminal", "alarm-camera"].map(|model| active(&fleet, model));
    let _server = place.serve();
    place.import(&members);
    for member in members {
        let session = attach(&mut nas, &member.sim).expect("an accept").session;
        steal(&mut nas, session, &member.sim);
        closed(&mut nas, session);
    }
    let findings = place.until(&["findings", "list"], |rows| rows.as_array().unwrap().len() == 3);
    let ids: Vec<&str> = findings.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    let state = |id| place.json(&["findings", "show", id])["state"].clone();

    place.run(&["findings", "ack", &ids[0][..8], "--note", "on my way"]).ok();
    let finding = place.json(&["findings", "show", ids[0]]);
    assert_eq!(finding["state"], "acknowledged");
    let step = finding["history"].as_array().unwrap().last().unwrap();
    assert_eq!((&step["note"], &step["by"]), (&"on my way".into(), &"token:command line of this machine".into()));
    let shown = place.run(&["findings", "show", &ids[0][..8]]).ok();
    for part in ["module-not-its-own", "on my way", "disconnect", "verified"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    place.run(&["findings", "resolve", ids[0], "--note", "SIM replaced"]).ok();
    assert_eq!(state(ids[0]), "resolved");

    let suppress = |id: &str, scope: &[&str]| {
        place.run(&[&["findings", "suppress", id, "--reason", "a test bench", "--for", "2 h"], scope].concat())
    };
    suppress(ids[1], &[]).ok();
    assert_eq!((state(ids[1]), state(ids[2])), ("suppressed".into(), "new".into()));
    let error = suppress(ids[2], &["--scope", "everything"]).fails(2);
    assert!(error.contains("device, group:NAME, rule"), "{error}");
    suppress(ids[2], &["--scope", "rule"]).ok();
    assert_eq!(state(ids[2]), "suppressed");

    let listed = |states| place.json(&["findings", "list", "--state", states]).as_array().unwrap().len();
    assert_eq!((listed("suppressed"), listed("resolved,suppressed"), listed("new,acknowledged")), (2, 3, 0));
    let error = place.run(&["findings", "list", "--state", "nwe"]).fails(2);
    assert!(error.contains("nwe") && error.contains("acknowledged"), "{error}");
    let error = place.run(&["findings", "show", "ffffffff"]).fails(2);
    assert!(error.contains("no id begins with"), "{error}");
    // What is expected is not stopped either.
    let session = attach(&mut nas, &members[1].sim).expect("an accept").session;
    steal(&mut nas, session, &members[1].sim);
    settle(&mut nas);
    let asked =
        nas.wait_for(Duration::from_millis(500), |event| matches!(event, Event::Disconnected(..)).then_some(()));
    assert_eq!(asked.unwrap(), None, "a suppressed finding has led to a Disconnect");
}
