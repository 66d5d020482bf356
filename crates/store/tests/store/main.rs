//! The store against real files: what must hold for each kind of thing, and when the file is not what it should be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

mod access;
mod audit;
mod devices;
mod findings;
mod opening;
mod planned;
mod responses;
mod suppressions;

use fleetward_fleet::{Device, DeviceChange, DeviceId, Finding, FindingId, FindingState, Offset, Severity, Timestamp};
use fleetward_store::Store;

/// A store in a folder of its own, which goes with it.
struct Fixture {
    store: Store,
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("fleetward.db")).unwrap();
        Self { store, folder }
    }
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(1_795_000_000 + secs)
}

fn change(device: Device) -> DeviceChange {
    DeviceChange { device, removed: false, by: "test".into() }
}

fn add_devices(store: &Store, devices: impl IntoIterator<Item = Device>) {
    let start = store.devices_projected().unwrap().map_or(0, |offset| offset.0 + 1);
    let changes: Vec<_> = (start..).map(Offset).zip(devices.into_iter().map(change)).collect();
    store.project_devices(&changes).unwrap();
}

fn finding(rule: &str, device: &str, start: i64) -> Finding {
    let id = DeviceId::of(device);
    Finding {
        id: FindingId::of(rule, id.0, start),
        rule: rule.into(),
        rule_version: 1,
        device: id,
        subject: device.into(),
        severity: Severity::High,
        title: format!("{device} does what it should not"),
        expected: "2 MB".into(),
        observed: "50 MB".into(),
        advice: "look".into(),
        tags: vec![],
        first_seen: at(start),
        last_seen: at(start),
        observed_at: at(start),
        count: 1,
        evidence: vec![Offset(start.unsigned_abs())],
        session: None,
        late: false,
        confidence: String::new(),
        state: FindingState::New,
    }
}
