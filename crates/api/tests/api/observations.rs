//! Observations over the API.

use fleetward_fleet::{Body, Timestamp};
use fleetward_store::Role;
use serde_json::{Value, json};

use crate::{Fixture, START};

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    let device = json!([{ "name": "meter-1", "imsi": "262011234567890" }]);
    fixture.send(Role::Operator, "POST", "/api/v1/devices/import", &device).expect(200);
    fixture
}

fn at() -> String {
    Timestamp::from_secs(START).to_string()
}

fn tell(fixture: &Fixture, role: Role, body: &Value) -> crate::Answer {
    fixture.send(role, "POST", "/api/v1/observations", body)
}

#[test]
fn a_token_for_telling_tells_and_does_nothing_else() {
    let fixture = fixture();
    let flow = json!([
        { "kind": "flow", "at": at(), "device": "meter-1", "name": "a.example", "port": 443, "bytes_up": 10 },
        { "kind": "message", "at": at(), "imsi": "262011234567890", "direction": "out", "peer": "81234" },
    ]);
    assert_eq!(tell(&fixture, Role::Ingest, &flow).expect(200).json(), json!({ "recorded": 2, "known": 0 }));
    assert_eq!(tell(&fixture, Role::Ingest, &flow).expect(200).json(), json!({ "recorded": 0, "known": 2 }));
    let told = fixture.control.told.lock().unwrap();
    let (first, second) = (&told[0].observation, &told[1].observation);
    assert_eq!((first.device, &*first.source), (second.device, "ingest"));
    assert!(matches!(first.body, Body::Flow(_)) && matches!(second.body, Body::Message(_)));
    drop(told);
    fixture.get(Role::Ingest, "/api/v1/devices").problem(403, "forbidden");
    tell(&fixture, Role::Viewer, &flow).problem(403, "forbidden");
    assert!(fixture.trace().iter().all(|(who, ..)| who != "token:ingest"));
}

#[test]
fn what_an_audit_found_is_for_operators_to_tell() {
    let fixture = fixture();
    let found =
        json!([{ "kind": "exposure", "at": at(), "device": "meter-1", "address": "10.9.0.11", "is_whole": true }]);
    tell(&fixture, Role::Ingest, &found).problem(403, "forbidden");
    assert!(fixture.control.told.lock().unwrap().is_empty(), "it would end findings");
    assert_eq!(tell(&fixture, Role::Operator, &found).expect(200).json(), json!({ "recorded": 1, "known": 0 }));
}

#[test]
fn one_mistake_and_nothing_is_taken() {
    let fixture = fixture();
    let body = json!([
        { "kind": "flow", "at": at(), "device": "meter-1", "name": "a.example" },
        { "kind": "flow", "at": at(), "device": "meter-1", "name": "a.example", "port": 70_000 },
        { "kind": "login", "at": at(), "device": "nobody", "service": "ssh", "ok": false },
        { "kind": "login", "at": "yesterday", "device": "meter-1", "service": "ssh", "ok": false },
    ]);
    let problem = tell(&fixture, Role::Ingest, &body).problem(422, "import");
    let places: Vec<(u64, &str)> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["line"].as_u64().unwrap(), error["column"].as_str().unwrap()))
        .collect();
    assert_eq!(places, [(2, "port"), (3, "device"), (4, "at")]);
    assert!(fixture.control.told.lock().unwrap().is_empty());
}

#[test]
fn a_sim_that_nobody_imported_is_taken_and_not_said_back() {
    let fixture = fixture();
    let stranger = json!([{ "kind": "message", "at": at(), "imsi": "262019999999999", "direction": "in" }]);
    let answer = tell(&fixture, Role::Ingest, &stranger);
    assert!(!answer.expect(200).text.contains("26201"));
    let wrong = json!([{ "kind": "message", "at": at(), "iccid": "8949020000000000000", "direction": "in" }]);
    let answer = tell(&fixture, Role::Ingest, &wrong);
    assert_eq!(answer.problem(422, "import")["errors"][0]["column"], "iccid");
    assert!(!answer.text.contains("8949"));
}

#[test]
fn too_many_are_refused() {
    let fixture = fixture();
    let one = json!({ "kind": "call", "at": at(), "device": "meter-1", "direction": "out" });
    let many = Value::Array(vec![one; fleetward_api::MAX_OBSERVATIONS + 1]);
    tell(&fixture, Role::Ingest, &many).problem(400, "invalid");
}
