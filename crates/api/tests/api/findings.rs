use fleetward_fleet::{Action, DeviceId, Finding, FindingId, FindingState, Offset, Severity};
use fleetward_store::Role;
use serde_json::json;

use crate::Fixture;
use crate::control::response;

fn finding(fixture: &Fixture, number: i64) -> Finding {
    let device = DeviceId::of("meter-1");
    let now = fixture.now();
    Finding {
        id: FindingId::of("volume", device.0, number),
        rule: "volume".into(),
        rule_version: 1,
        device,
        subject: "meter-1".into(),
        severity: Severity::High,
        title: "too much".into(),
        expected: "2 MB".into(),
        observed: "50 MB".into(),
        advice: "look".into(),
        tags: vec![],
        first_seen: now,
        last_seen: now,
        observed_at: now,
        count: 1,
        evidence: vec![Offset(1)],
        session: None,
        late: false,
        confidence: String::new(),
        state: FindingState::New,
    }
}

#[test]
fn findings_are_listed_and_worked_on() {
    let fixture = Fixture::new();
    let findings: Vec<_> = (0..5).map(|n| finding(&fixture, n)).collect();
    fixture.store.record_findings(&findings, fixture.now()).unwrap();
    let list = fixture.get(Role::Viewer, "/api/v1/findings?state=new&severity=medium&limit=3").expect(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    assert_eq!(list["items"][0]["id"], findings[4].id.to_string(), "newest first");
    let path = |n: usize, verb: &str| format!("/api/v1/findings/{}/{verb}", findings[n].id);
    let act = |n, verb, body| fixture.send(Role::Operator, "POST", &path(n, verb), &body);
    let acknowledged = act(0, "acknowledge", json!({ "note": "mine" })).expect(200).json();
    assert_eq!(
        (&acknowledged["state"], &acknowledged["history"][1]["by"]),
        (&json!("acknowledged"), &json!("token:operator"))
    );
    act(0, "acknowledge", json!({})).problem(409, "conflict");
    fixture.call("POST", &path(0, "resolve"), Some(&fixture.tokens[Role::Operator as usize]), None).expect(200);
    act(0, "reopen", json!({})).expect(200);
    let ids: Vec<_> = findings[..3].iter().map(|f| f.id.to_string()).collect();
    let many = fixture.send(Role::Operator, "POST", "/api/v1/findings/acknowledge", &json!({ "ids": ids })).json();
    assert_eq!(many["changed"].as_array().unwrap().len(), 3);
    let counts = fixture.get(Role::Viewer, "/api/v1/findings/counts").json();
    assert!(counts.as_array().unwrap().contains(&json!({ "state": "acknowledged", "severity": "high", "count": 3 })));
    fixture.get(Role::Viewer, "/api/v1/findings/none").problem(404, "not-found");
    assert_eq!(fixture.trace().len(), 6);
}

#[test]
fn a_suppression_needs_reason_and_end_and_is_taken_back() {
    let fixture = Fixture::new();
    let found = finding(&fixture, 1);
    fixture.store.record_finding(&found, fixture.now()).unwrap();
    let path = format!("/api/v1/findings/{}/suppress", found.id);
    let suppress = |body| fixture.send(Role::Operator, "POST", &path, &body);
    let until = "2030-01-01T00:00:00Z";
    suppress(json!({ "until": until })).problem(400, "invalid");
    assert_eq!(suppress(json!({ "reason": "", "until": until })).problem(400, "invalid")["field"], "reason");
    assert_eq!(suppress(json!({ "reason": "x", "until": "soon" })).problem(400, "invalid")["field"], "until");
    suppress(json!({ "reason": "roll-out", "until": until })).expect(200);
    let listed = fixture.get(Role::Viewer, "/api/v1/suppressions").json();
    assert_eq!(listed["items"][0]["scope"], json!({ "device": found.device.to_string() }));
    let number = &listed["items"][0]["id"];
    fixture.send(Role::Operator, "DELETE", &format!("/api/v1/suppressions/{number}"), &json!({})).expect(204);
    assert_eq!(fixture.get(Role::Viewer, &format!("/api/v1/findings/{}", found.id)).json()["state"], "new");
    let everywhere = json!({ "rule": "volume", "scope": "rule", "reason": "test week", "until": until });
    let made = fixture.send(Role::Operator, "POST", "/api/v1/suppressions", &everywhere).expect(201).json();
    assert_eq!(made["findings"], json!([found.id.to_string()]));
}

#[test]
fn people_decide_on_responses() {
    let fixture = Fixture::new();
    let proposed = response(DeviceId::of("meter-1"), Action::SuspendSim, "ada");
    fixture.store.insert_response(&proposed).unwrap();
    let list = fixture.get(Role::Viewer, "/api/v1/responses?state=approved&action=suspend_sim").json();
    assert_eq!(list["items"][0]["id"], proposed.id.to_string());
    let decide = |verb: &str| {
        let path = format!("/api/v1/responses/{}/{verb}", proposed.id);
        fixture.send(Role::Operator, "POST", &path, &json!({ "note": "checked" }))
    };
    decide("approve").expect(200);
    assert_eq!(decide("reject").problem(409, "conflict")["detail"], "it is sent already");
    decide("revert").problem(503, "unavailable");
    let trace = fixture.trace();
    assert_eq!(trace.len(), 1, "only what was done: {trace:?}");
}
