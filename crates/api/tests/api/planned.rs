//! Planned changes over the API.

use fleetward_fleet::{DeviceId, Timestamp};
use fleetward_store::{ExcusedDeviation, Role};
use serde_json::{Value, json};

use crate::{Fixture, START};

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    let device = json!([{ "name": "meter-1", "groups": ["north"], "model": "meter" }]);
    fixture.send(Role::Operator, "POST", "/api/v1/devices/import", &device).expect(200);
    fixture
}

fn order(until: i64) -> Value {
    json!({
        "name": "wo-4711", "groups": ["north"], "devices": ["meter-1"], "excuses": ["module_swap"],
        "until": Timestamp::from_secs(START + until).to_string(), "reason": "new modules", "reference": "WO 4711",
    })
}

#[test]
fn it_is_announced_listed_and_ended() {
    let fixture = fixture();
    let post = |body| fixture.send(Role::Operator, "POST", "/api/v1/planned-changes", &body);
    let made = post(order(3600)).expect(201).json();
    assert_eq!((&made["state"], &made["excuses"][0]), (&json!("in_force"), &json!("module_swap")));
    let excused = ExcusedDeviation {
        change: "wo-4711".into(),
        rule: "imei-changed".into(),
        device: DeviceId::of("meter-1"),
        subject: "meter-1".into(),
        at: Timestamp::from_secs(START + 5),
    };
    fixture.store.record_excused(&[excused]).unwrap();
    let shown = fixture.get(Role::Viewer, "/api/v1/planned-changes/wo-4711").expect(200).json();
    assert_eq!((&shown["excused_count"], &shown["excused"][0]["rule"]), (&json!(1), &json!("imei-changed")));

    fixture.wait(60);
    let end = || fixture.send(Role::Operator, "DELETE", "/api/v1/planned-changes/wo-4711", &json!({}));
    end().expect(204);
    end().problem(409, "conflict");
    let list = |query: &str| fixture.get(Role::Viewer, &format!("/api/v1/planned-changes{query}")).json();
    assert_eq!(list("")["items"], json!([]));
    assert_eq!(list("?past=true")["items"][0]["state"], "over");
    let trace: Vec<_> = fixture.trace().into_iter().map(|(_, what, _)| what).take(2).collect();
    assert_eq!(trace, ["planned_change.end", "planned_change.add"]);
}

#[test]
fn what_is_misspelt_is_refused_by_name() {
    let fixture = fixture();
    let cases = [
        ("groups", json!(["nroth"]), "groups"),
        ("devices", json!(["meter-2"]), "devices"),
        ("models", json!(["north"]), "models"),
        ("rules", json!(["volumes"]), "rules"),
        ("name", json!("WO 4711"), "name"),
        ("until", json!("tomorrow"), "until"),
        ("until", json!(Timestamp::from_secs(START - 1).to_string()), "until"),
        ("reason", json!(""), "reason"),
    ];
    for (field, value, named) in cases {
        let mut body = order(3600);
        body[field] = value;
        let problem = fixture.send(Role::Operator, "POST", "/api/v1/planned-changes", &body).problem(400, "invalid");
        assert_eq!(problem["field"], named, "{problem}");
    }
    fixture.send(Role::Viewer, "POST", "/api/v1/planned-changes", &order(3600)).problem(403, "forbidden");
}
