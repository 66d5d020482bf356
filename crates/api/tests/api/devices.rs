use fleetward_store::{Lookup, Role};
use serde_json::{Value, json};

use crate::{Answer, Fixture};

fn import(fixture: &Fixture, query: &str, csv: &str) -> Answer {
    let path = format!("/api/v1/devices/import{query}");
    fixture.call("POST", &path, Some(&fixture.tokens[Role::Operator as usize]), Some(("text/csv", csv)))
}

fn inventory(count: usize) -> String {
    let lines = (0..count).map(|n| format!("meter-{n:04},26201{n:010},meter,all\n"));
    format!("name,imsi,model,groups\n{}", lines.collect::<String>())
}

#[test]
fn an_import_is_tried_then_done() {
    let fixture = Fixture::new();
    let tried = import(&fixture, "?dry_run=true", &inventory(10)).expect(200).json();
    assert_eq!((&tried["added"], &tried["dry_run"]), (&json!(10), &json!(true)));
    assert_eq!(fixture.get(Role::Viewer, "/api/v1/devices?count=true").json()["total"], 0);
    assert_eq!(import(&fixture, "", &inventory(10)).expect(200).json()["added"], 10);
    let again = import(&fixture, "", &inventory(12)).expect(200).json();
    assert_eq!((&again["unchanged"], &again["added"]), (&json!(10), &json!(2)));
    assert_eq!(fixture.trace()[0].1, "device.import");
    assert_eq!(fixture.trace().len(), 2, "a trial is no change");
}

#[test]
fn what_a_table_has_no_column_for_stays() {
    let fixture = Fixture::new();
    let all = "name,imsi,imei,model,groups,state,ip,critical\nm,262010000000001,35693803000011,meter,a b,suspended,10.0.0.7,true\n";
    import(&fixture, "", all).expect(200);
    let device = || {
        let mut device = fixture.get(Role::Admin, "/api/v1/devices/m").json();
        let groups = device["groups"].take();
        (groups, device)
    };
    let (_, before) = device();
    assert_eq!(import(&fixture, "?dry_run=true", "name,groups\nm,a b\n").expect(200).json()["unchanged"], 1);
    assert_eq!(import(&fixture, "", "name,groups\nm,north\nn,north\n").expect(200).json()["changed"], 1);
    let (groups, after) = device();
    assert_eq!(groups, json!(["north"]));
    assert_eq!(before["state"], "suspended");
    for field in ["imsi", "imei", "model", "state", "ip", "critical"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    // An empty field is a word, too.
    import(&fixture, "", "name,model,state\nm,,active\n").expect(200);
    let (_, after) = device();
    assert_eq!((&after["model"], &after["state"]), (&Value::Null, &json!("active")));
}

#[test]
fn a_model_that_nobody_described_is_warned_about() {
    let fixture = Fixture::new();
    assert_eq!(import(&fixture, "", &inventory(2)).expect(200).json()["warnings"], json!([]));
    let csv = "name,imsi,model\na,262020000000001,metr\nb,262020000000002,metr\nc,262020000000003,\n";
    for query in ["?dry_run=true", ""] {
        let said = import(&fixture, query, csv).expect(200).json()["warnings"].clone();
        let warning = "no profile describes the model \"metr\" (2 devices): rules that ask one cannot judge them";
        assert_eq!(said, json!([warning]));
    }
}

#[test]
fn with_a_mistake_nothing_is_imported() {
    let fixture = Fixture::new();
    import(&fixture, "", &inventory(1)).expect(200);
    let csv = "name,imsi,state\na,26201x,\nb,,lost\nc,262010000000000,\n";
    let problem = import(&fixture, "", csv).problem(422, "import");
    let places: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| (&e["line"], &e["column"])).collect();
    assert_eq!(places, [(&json!(2), &json!("imsi")), (&json!(3), &json!("state"))]);
    let taken = import(&fixture, "", "name,imsi\nc,262010000000000\n").problem(422, "import");
    assert_eq!(taken["errors"][0], json!({ "line": 2, "column": "imsi", "message": "already that of meter-0000" }));
    let tried = import(&fixture, "?dry_run=true", csv).expect(200).json();
    assert_eq!(tried["errors"].as_array().unwrap().len(), 2);
    assert_eq!(fixture.get(Role::Viewer, "/api/v1/devices?count=true").json()["total"], 1);
    fixture
        .call("POST", "/api/v1/devices/import", Some(&fixture.tokens[Role::Operator as usize]), None)
        .problem(415, "media-type");
    let json = fixture.send(Role::Operator, "POST", "/api/v1/devices/import", &json!([{ "name": "d" }]));
    assert_eq!(json.expect(200).json()["added"], 1);
}

#[test]
fn pages_show_every_device_once() {
    let fixture = Fixture::new();
    import(&fixture, "", &inventory(25)).expect(200);
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = fixture.get(Role::Viewer, &format!("/api/v1/devices?limit=10{cursor}")).expect(200).json();
        names.extend(page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(names, (0..25).map(|n| format!("meter-{n:04}")).collect::<Vec<_>>());
}

#[test]
fn identities_are_masked_and_a_look_leaves_a_trace() {
    let fixture = Fixture::new();
    import(&fixture, "", &inventory(1)).expect(200);
    import(&fixture, "", "imsi\n262019999999999\n").expect(200);
    let path = "/api/v1/devices/meter-0000";
    assert_eq!(fixture.get(Role::Operator, path).json()["imsi"], "26201•••••••000");
    fixture.get(Role::Viewer, &format!("{path}?reveal=true")).problem(403, "forbidden");
    let before = fixture.trace().len();
    assert_eq!(fixture.get(Role::Operator, &format!("{path}?reveal=true")).json()["imsi"], "262010000000000");
    let list = fixture.get(Role::Viewer, "/api/v1/devices").text;
    assert!(!list.contains("262019999999999") && list.contains("imsi:26201•••••••999"), "{list}");
    assert!(fixture.get(Role::Operator, "/api/v1/devices?reveal=true").text.contains("imsi:262019999999999"));
    let trace: Vec<_> = fixture.trace().into_iter().map(|row| (row.1, row.2)).collect();
    assert_eq!(trace.len(), before + 2);
    assert_eq!(trace[0], ("device.reveal".into(), "list".into()));
    assert_eq!(trace[1], ("device.reveal".into(), "meter-0000".into()));
    assert!(!format!("{:?}", fixture.trace()).contains("262019999999999"));
}

#[test]
fn a_device_is_put_changed_suspended_resumed_and_removed() {
    let fixture = Fixture::new();
    let put = |body: Value| fixture.send(Role::Operator, "PUT", "/api/v1/devices/meter%2F1", &body);
    put(json!({ "imsi": "262011234567890" })).expect(200);
    let changed = put(json!({ "imsi": "262011234567890", "model": "meter" })).expect(200).json();
    let id = changed["id"].as_str().unwrap();
    assert_eq!((&changed["name"], &changed["model"]), (&json!("meter/1"), &json!("meter")));
    assert_eq!(put(json!({ "imsi": "26201•••••••890" })).problem(400, "invalid")["field"], "imsi");
    put(json!({ "name": "other" })).problem(400, "invalid");
    let taken = json!({ "imsi": "262011234567890" });
    fixture.send(Role::Operator, "PUT", "/api/v1/devices/twin", &taken).problem(409, "conflict");
    for (verb, state) in [("suspend", "suspended"), ("resume", "active")] {
        let done = fixture.send(Role::Operator, "POST", &format!("/api/v1/devices/{id}/{verb}"), &json!({}));
        assert_eq!(done.expect(202).json()["user"], "token:operator");
        assert_eq!(fixture.get(Role::Viewer, &format!("/api/v1/devices/{id}")).json()["state"], state);
    }
    fixture.send(Role::Operator, "POST", &format!("/api/v1/devices/{id}/disconnect"), &json!({})).expect(202);
    fixture.send(Role::Operator, "DELETE", &format!("/api/v1/devices/{id}"), &json!({})).expect(204);
    assert_eq!(fixture.store.device(&Lookup::Name("meter/1".into())).unwrap(), None);
    fixture.get(Role::Viewer, &format!("/api/v1/devices/{id}")).problem(404, "not-found");
    let what: Vec<_> = fixture.trace().into_iter().map(|row| row.1).collect();
    let all = ["device.remove", "device.disconnect", "device.resume", "device.suspend", "device.change", "device.add"];
    assert_eq!(what, all);
}

#[test]
fn sessions_are_shown_and_ended() {
    let fixture = Fixture::new();
    let path = "/api/v1/sessions/pgw-1/a%2F1%20b";
    let shown = fixture.get(Role::Viewer, path).expect(200).json();
    assert_eq!((&shown["id"], &shown["imeisv"]), (&json!("a/1 b"), &json!("35693803••••••91")));
    assert_eq!(fixture.get(Role::Viewer, "/api/v1/sessions?open=true").json()["items"][0]["network"], "26201");
    fixture.get(Role::Viewer, "/api/v1/sessions?device=nobody").problem(404, "not-found");
    fixture.get(Role::Viewer, "/api/v1/sessions/pgw-1/none").problem(404, "not-found");
    let done = fixture.send(Role::Operator, "POST", &format!("{path}/disconnect"), &json!({})).expect(202).json();
    assert_eq!(done["action"], json!({ "kind": "disconnect", "nas": "pgw-1", "session": "a/1 b" }));
    assert_eq!(fixture.trace()[0].1, "session.disconnect");
}

#[test]
fn a_device_says_how_far_its_baseline_has_come() {
    let fixture = Fixture::new();
    import(&fixture, "", &inventory(1)).expect(200);
    let shown = fixture.get(Role::Viewer, "/api/v1/devices/meter-0000").expect(200).json();
    assert_eq!(shown["baseline"]["state"], "learning");
    assert_eq!(shown["baseline"]["text"], "learning, day 9 of 28");
    let listed = fixture.get(Role::Viewer, "/api/v1/devices").expect(200).json();
    assert!(listed["items"][0].get("baseline").is_none(), "a list does not ask each device: {listed}");
}
