use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fleetward_fleet::Device;
use fleetward_store::{DeviceFilter, FindingFilter, Lookup, Names, Page, Store, StoreError};
use rusqlite::Connection;

use crate::{Fixture, add_devices, finding};

fn refused(path: &Path) -> StoreError {
    let before = std::fs::read(path).unwrap();
    let error = Store::open(path).unwrap_err();
    assert!(error.to_string().contains(&*path.to_string_lossy()), "{error} names the file");
    assert!(error.hint().is_some(), "{error} tells the way out");
    assert_eq!(std::fs::read(path).unwrap(), before, "nothing was changed");
    error
}

#[test]
fn nobody_else_may_read_it() {
    let Fixture { store, folder } = Fixture::new();
    add_devices(&store, [Device::named("meter-1")]);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
    }
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let Fixture { store, folder: _folder } = Fixture::new();
    add_devices(&store, [Device::named("meter-1")]);
    store.record_finding(&finding("volume", "meter-1", 1), crate::at(1)).unwrap();
    store.set_meta("snapshot", "7").unwrap();
    let path = store.path().to_owned();
    drop(store);
    let store = Store::open(&path).unwrap();
    assert!(store.device(&Lookup::Name("meter-1".into())).unwrap().is_some());
    assert!(store.finding(finding("volume", "meter-1", 1).id).unwrap().is_some());
    assert_eq!(store.meta("snapshot").unwrap().as_deref(), Some("7"));
    assert_eq!(store.meta("other").unwrap(), None);
}

/// A check looks into it while a server has it, before an upgrade, and where nobody ever ran.
#[test]
fn names_are_looked_up_and_nothing_is_changed() {
    let Fixture { store, folder } = Fixture::new();
    let path = store.path().to_owned();
    let mut meter = Device::named("meter-1");
    meter.model = Some("meter".into());
    meter.groups = vec!["north".into()];
    add_devices(&store, [meter.clone(), Device { name: "meter-2".into(), ..meter }, Device::named("other")]);
    let files = || {
        let entries = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let whole = |path: &std::path::PathBuf| !path.ends_with("fleetward.db-shm");
        entries.filter(whole).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect::<Vec<_>>()
    };
    let known = Names { models: vec!["meter".into()], groups: vec!["north".into()] };
    for checkpointed in [false, true] {
        let before = files();
        assert_eq!(fleetward_store::names(&path).unwrap(), known, "moved into the file: {checkpointed}");
        assert_eq!(files(), before);
        store.checkpoint().unwrap();
    }
    drop(store);
    assert_eq!(files().len(), 1);
    assert_eq!(fleetward_store::names(&path).unwrap(), known);
    assert_eq!(files().len(), 1, "no log is left beside it");

    Connection::open(&path).unwrap().pragma_update(None, "user_version", 1).unwrap();
    let before = files();
    assert_eq!(fleetward_store::names(&path).unwrap(), Names::default(), "another version's");
    assert_eq!(files(), before);
    fleetward_store::names(&folder.path().join("none.db")).unwrap_err();
    assert!(!folder.path().join("none.db").exists());
}

/// What a SIGKILL leaves behind: the file and its log as they are at any moment, never closed.
#[test]
fn a_copy_taken_while_open_is_whole() {
    let Fixture { store, folder } = Fixture::new();
    add_devices(&store, (0..50).map(|n| Device::named(format!("meter-{n}"))));
    let copy = folder.path().join("copy.db");
    std::fs::copy(store.path(), &copy).unwrap();
    std::fs::copy(folder.path().join("fleetward.db-wal"), folder.path().join("copy.db-wal")).unwrap();
    let recovered = Store::open(&copy).unwrap();
    assert_eq!(recovered.count_devices(&DeviceFilter::default()).unwrap(), 50);
    assert_eq!(recovered.devices_projected().unwrap(), store.devices_projected().unwrap());
}

#[test]
fn another_process_holds_it() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let path = store.path().to_owned();
    drop(store);
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    other.execute_batch("BEGIN EXCLUSIVE; INSERT INTO meta VALUES ('x', 'y')").unwrap();
    assert!(matches!(refused(&path), StoreError::Locked { .. }));
}

#[test]
fn it_is_something_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "not a database, and longer than the header of one would be: sixteen octets").unwrap();
    assert!(matches!(refused(&path), StoreError::NotOurs { .. }));
    let path = folder.path().join("other.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    assert!(matches!(refused(&path), StoreError::NotOurs { .. }));
}

#[test]
fn it_is_damaged() {
    let Fixture { store, folder: _folder } = Fixture::new();
    add_devices(&store, (0..500).map(|n| Device::named(format!("meter-{n}"))));
    let path = store.path().to_owned();
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(refused(&path), StoreError::Corrupt { .. }));
}

#[test]
fn a_newer_version_wrote_it() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let path = store.path().to_owned();
    drop(store);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(refused(&path), StoreError::NewerSchema { found: 99, .. }));
}

#[test]
fn its_folder_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(&folder.path().join("no/such/fleetward.db")).unwrap_err();
    assert!(matches!(error, StoreError::Io { .. }) && error.hint().is_some());
}

#[test]
fn many_threads_read_and_write() {
    let Fixture { store, folder: _folder } = Fixture::new();
    std::thread::scope(|scope| {
        for thread in 0..8_i64 {
            let store = store.clone();
            scope.spawn(move || {
                for n in 0..10 {
                    store.record_finding(&finding("volume", "meter-1", thread * 100 + n), crate::at(n)).unwrap();
                    store.findings(&FindingFilter::default(), &Page::default()).unwrap();
                }
            });
        }
    });
    assert_eq!(store.finding_counts().unwrap().rows.iter().map(|row| row.2).sum::<u64>(), 80);
    let metrics = store.metrics().unwrap();
    let rows = metrics.iter().find(|s| s.name == "fleetward_store_rows" && s.labels[0].1 == "finding").unwrap();
    assert!((rows.value - 80.0).abs() < 0.5);
}
