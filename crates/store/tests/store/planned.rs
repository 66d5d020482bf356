use fleetward_fleet::{Device, DeviceId, Offset, PlannedChange, PlannedKind, PlannedScope};
use fleetward_store::{ExcusedDeviation, Page};

use crate::{Fixture, add_devices, at};

fn planned(name: &str, until: i64) -> PlannedChange {
    PlannedChange {
        name: name.into(),
        scope: PlannedScope { groups: vec!["north".into()], ..PlannedScope::default() },
        excuses: vec![PlannedKind::ModuleSwap],
        rules: Vec::new(),
        from: at(0),
        until: at(until),
        reason: "new modules".into(),
        reference: "WO-1".into(),
        by: "ada".into(),
    }
}

#[test]
fn the_newest_word_on_a_name_counts_whatever_is_replayed() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let (long, short) = (planned("a", 1000), planned("a", 10));
    store.project_planned(&[(Offset(5), long.clone()), (Offset(7), short.clone())]).unwrap();
    store.project_planned(&[(Offset(5), long)]).unwrap();
    assert_eq!(store.planned_change("a").unwrap(), Some(short));
    assert_eq!(store.planned_change("b").unwrap(), None);
    assert_eq!((store.count_planned(at(9)).unwrap(), store.count_planned(at(10)).unwrap()), (1, 0));
}

#[test]
fn lists_page_by_their_end_and_can_leave_out_what_is_over() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let all: Vec<_> = (0..5).map(|n| (Offset(n), planned(&format!("c{n}"), 10 * (n.cast_signed() / 2)))).collect();
    store.project_planned(&all).unwrap();
    let mut names = Vec::new();
    let mut page = Page::first(2);
    loop {
        let list = store.planned_changes(None, &page).unwrap();
        names.extend(list.items.into_iter().map(|change| change.name.to_string()));
        page.cursor = list.next;
        if page.cursor.is_none() {
            break;
        }
    }
    assert_eq!(names, ["c4", "c2", "c3", "c0", "c1"]);
    assert_eq!(store.planned_changes(Some(at(10)), &Page::default()).unwrap().items.len(), 1);
}

#[test]
fn what_was_excused_is_written_once() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let one = |device: &str, secs| ExcusedDeviation {
        change: "a".into(),
        rule: "imei-changed".into(),
        device: DeviceId::of(device),
        subject: device.into(),
        at: at(secs),
    };
    store.record_excused(&[one("m2", 20), one("m1", 10)]).unwrap();
    store.record_excused(&[one("m1", 99)]).unwrap();
    assert_eq!(store.excused("a", 1).unwrap(), (vec![one("m1", 10)], 2));
    assert_eq!(store.excused("b", 1).unwrap(), (vec![], 0));
}

#[test]
fn groups_and_models_are_known_by_their_devices() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let mut device = Device::named("m");
    (device.groups, device.model) = (vec!["north".into()], Some("meter".into()));
    add_devices(&store, [device]);
    assert!(store.has_group("north").unwrap() && store.has_model("meter").unwrap());
    assert!(!store.has_group("meter").unwrap() && !store.has_model("north").unwrap());
}
