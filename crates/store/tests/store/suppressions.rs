use fleetward_fleet::{Device, DeviceId, FindingState, Suppression, SuppressionScope, Timestamp};
use fleetward_store::{Page, StoreError};

use crate::{Fixture, add_devices, at, finding};

fn suppression(scope: SuppressionScope, until: Timestamp) -> Suppression {
    Suppression { rule: "volume".into(), scope, reason: "roll-out".into(), until, by: "ada".into() }
}

fn in_group(name: &str) -> Device {
    let mut device = Device::named(name);
    device.groups = vec!["field-test".into()];
    device
}

#[test]
fn puts_findings_to_sleep_now_and_later_until_it_ends() {
    let Fixture { store, folder: _folder } = Fixture::new();
    add_devices(&store, [in_group("meter-1"), in_group("meter-2"), Device::named("meter-3")]);
    let open = finding("volume", "meter-1", 10);
    store.record_finding(&open, at(10)).unwrap();
    let group = suppression(SuppressionScope::Group("field-test".into()), at(1000));
    let (_, asleep) = store.suppress_finding(open.id, &group, at(20)).unwrap();
    assert_eq!(asleep, [open.id]);
    let later = [finding("volume", "meter-2", 30), finding("volume", "meter-3", 30), finding("other", "meter-2", 30)];
    let states: Vec<_> = store.record_findings(&later, at(30)).unwrap().iter().map(|r| r.state).collect();
    assert_eq!(states, [FindingState::Suppressed, FindingState::New, FindingState::New]);
    let stored = store.finding(later[0].id).unwrap().unwrap();
    assert_eq!(stored.suppressed_until, Some(at(1000)));
    assert_eq!(stored.history.last().map(|step| step.note.as_str()), Some("roll-out (ada)"));

    assert_eq!(store.wake_findings(at(999)).unwrap(), []);
    store.clear_finding(open.id, at(999)).unwrap();
    assert_eq!(store.wake_findings(at(1000)).unwrap(), [later[0].id], "one whose cause is gone stays resolved");
    assert_eq!(store.finding(later[0].id).unwrap().unwrap().finding.state, FindingState::New);
}

#[test]
fn a_growing_finding_wakes_by_itself_when_its_suppression_is_over() {
    let Fixture { store, folder: _folder } = Fixture::new();
    store.add_suppression(&suppression(SuppressionScope::Rule, at(100)), at(0)).unwrap();
    let mut found = finding("volume", "meter-1", 10);
    assert_eq!(store.record_finding(&found, at(10)).unwrap().state, FindingState::Suppressed);
    found.count = 2;
    assert_eq!(store.record_finding(&found, at(20)).unwrap().state, FindingState::Suppressed);
    found.count = 3;
    let woken = store.record_finding(&found, at(100)).unwrap();
    assert_eq!((woken.state, woken.reopened), (FindingState::New, true));
}

#[test]
fn removing_one_wakes_only_what_no_other_covers() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let findings = [finding("volume", "meter-1", 1), finding("volume", "meter-2", 1)];
    store.record_findings(&findings, at(1)).unwrap();
    let (device, covered) =
        store.add_suppression(&suppression(SuppressionScope::Device(DeviceId::of("meter-1")), at(500)), at(2)).unwrap();
    assert_eq!(covered, [findings[0].id]);
    let (rule, covered) = store.add_suppression(&suppression(SuppressionScope::Rule, at(900)), at(3)).unwrap();
    assert_eq!(covered, [findings[1].id]);
    let listed = store.suppressions(Some(at(600)), &Page::default()).unwrap().items;
    assert_eq!(listed.iter().map(|s| s.id).collect::<Vec<_>>(), [rule]);
    let (removed, woken) = store.remove_suppression(rule, "ada", at(4)).unwrap();
    assert_eq!((removed.id, woken), (rule, vec![findings[1].id]));
    assert_eq!(store.finding(findings[0].id).unwrap().unwrap().suppressed_until, Some(at(500)));
    let (_, woken) = store.remove_suppression(device, "ada", at(5)).unwrap();
    assert_eq!(woken, [findings[0].id]);
    assert!(matches!(store.remove_suppression(device, "ada", at(5)), Err(StoreError::NotFound { .. })));
}

#[test]
fn needs_a_reason_an_end_and_to_cover_its_finding() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let found = finding("volume", "meter-1", 1);
    store.record_finding(&found, at(1)).unwrap();
    let good = suppression(SuppressionScope::Rule, at(100));
    let no_reason = Suppression { reason: " ".into(), ..good.clone() };
    assert!(matches!(
        store.suppress_finding(found.id, &no_reason, at(2)),
        Err(StoreError::Invalid { field: "reason", .. })
    ));
    assert!(matches!(
        store.suppress_finding(found.id, &good, at(100)),
        Err(StoreError::Invalid { field: "until", .. })
    ));
    let elsewhere = suppression(SuppressionScope::Device(DeviceId::of("meter-2")), at(100));
    assert!(matches!(
        store.suppress_finding(found.id, &elsewhere, at(2)),
        Err(StoreError::Invalid { field: "scope", .. })
    ));
    assert_eq!(store.suppressions(None, &Page::default()).unwrap().items, [], "nothing of it stayed");
}

#[test]
fn the_longest_one_in_force_is_told() {
    let Fixture { store, folder: _folder } = Fixture::new();
    store.add_suppression(&suppression(SuppressionScope::Rule, at(100)), at(0)).unwrap();
    store.add_suppression(&suppression(SuppressionScope::Group("field-test".into()), at(300)), at(0)).unwrap();
    let until = |groups: &[Box<str>], now| {
        let found = store.effective_suppression("volume", DeviceId(7), groups, now).unwrap();
        found.map(|stored| stored.suppression.until)
    };
    assert_eq!(until(&[], at(50)), Some(at(100)));
    assert_eq!(until(&["field-test".into()], at(50)), Some(at(300)));
    assert_eq!(until(&[], at(100)), None);
}
