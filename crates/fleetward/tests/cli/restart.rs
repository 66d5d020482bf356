//! Ends and starts, good ones and bad ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use fleetward_testkit::fleet::Fleet;
use fleetward_testkit::nas::Nas;
use serde_json::Value;

use crate::support::{LIMIT, Place, active, assert_unchanged, attach, closed, contents, settle, steal};

/// Everything that a person can see of the past.
fn seen(place: &Place) -> [Value; 4] {
    [
        place.json(&["devices", "list"]),
        place.json(&["sessions", "list", "--all"]),
        place.json(&["findings", "list"]),
        place.json(&["responses", "list"]),
    ]
}

/// A stolen SIM that was stopped, and a good one that is still there.
fn something_happens(place: &Place, nas: &mut Nas) {
    let fleet = Fleet::new(1, 40);
    let (meter, camera) = (active(&fleet, "water-meter"), active(&fleet, "alarm-camera"));
    place.import(&[meter, camera]);
    let good = attach(nas, &camera.sim).expect("an accept").session;
    nas.traffic(good, 3_000, 9_000);
    nas.interim(good).unwrap();
    let session = attach(nas, &meter.sim).expect("an accept").session;
    steal(nas, session, &meter.sim);
    closed(nas, session);
    settle(nas);
    place.until(&["responses", "list", "--state", "verified"], |rows| rows.as_array().unwrap().len() == 1);
    place.until(&["sessions", "list"], |rows| rows.as_array().unwrap().len() == 1 && rows[0]["bytes_down"] == 9_000);
}

#[test]
fn kill_9_loses_nothing_and_doubles_nothing() {
    for snapshots in ["60 s", "1 s"] {
        let place = Place::init();
        place.edit("snapshot_every: 60 s", &format!("snapshot_every: {snapshots}"));
        let mut nas = place.with_gateway();
        let mut server = place.serve();
        something_happens(&place, &mut nas);
        if snapshots == "1 s" {
            std::thread::sleep(Duration::from_millis(1_500));
        }
        let before = seen(&place);
        for _ in 0..2 {
            server.kill();
            server = place.serve();
            let after = seen(&place);
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(before, after, "with a snapshot every {snapshots}");
            }
        }
        let changes = place.json(&["changes", "list"]);
        assert_eq!(crate::misuse::with(&changes, "what", "device.import").len(), 1);
        assert!(
            nas.wait_for(Duration::from_millis(300), |event| {
                matches!(event, fleetward_testkit::nas::Event::Disconnected(..)).then_some(())
            })
            .unwrap()
            .is_none(),
            "a Disconnect was sent again"
        );
    }
}

#[test]
fn sigterm_ends_cleanly_and_the_next_start_goes_on_from_there() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    let mut server = place.serve();
    something_happens(&place, &mut nas);
    let before = seen(&place);
    let ended = server.terminate(LIMIT).unwrap();
    assert_eq!(ended.code(), Some(0), "{}", server.output());
    assert!(!server.output().contains("ERROR"), "{}", server.output());
    let error = place.run(&["devices", "list"]).fails(3);
    assert!(error.contains("is `fleetward serve` running?"), "{error}");
    let server = place.serve();
    assert_eq!(seen(&place), before);
    let replayed = server.output().lines().find(|line| line.contains("journal replayed")).unwrap().to_owned();
    assert!(!replayed.contains("from=0"), "the snapshot of the end was not used: {replayed}");
}

/// Findings are in the database alone; detection, which has them behind it, does not find them twice.
#[test]
fn a_database_that_is_gone_is_told_and_without_snapshots_the_past_is_judged_again() {
    let place = Place::init();
    let mut nas = place.with_gateway();
    let mut server = place.serve();
    something_happens(&place, &mut nas);
    let ids = |place: &Place| {
        let rows = place.json(&["findings", "list"]);
        rows.as_array().unwrap().iter().map(|row| row["id"].to_string()).collect::<std::collections::BTreeSet<_>>()
    };
    let before = ids(&place);
    server.terminate(LIMIT).unwrap();
    assert!(!server.output().contains("the database is gone"), "{}", server.output());
    for name in ["fleetward.db", "fleetward.db-wal", "fleetward.db-shm"] {
        fs::remove_file(place.path("data").join(name)).ok();
    }
    let mut server = place.serve();
    assert!(server.output().contains("the database is gone and data/snapshots is not"), "{}", server.output());
    assert!(ids(&place).is_empty());
    server.terminate(LIMIT).unwrap();

    fs::remove_dir_all(place.path("data/snapshots")).unwrap();
    let server = place.serve();
    assert!(!server.output().contains("the database is gone"), "{}", server.output());
    place.until(&["findings", "list"], |_| before.is_subset(&ids(&place)));
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let place = Place::init();
    place.with_gateway();
    let _server = place.serve();
    let token = place.read("data/cli-token");
    let error = place.plain(&place.run(&["serve"]).fails(3));
    let error: Vec<&str> = error.lines().filter(|line| !line.contains("Z ")).collect();
    insta::assert_snapshot!("second_server", error.join("\n"));
    assert_eq!(place.read("data/cli-token"), token);
    place.run(&["devices", "list"]).ok();
}

#[test]
fn a_port_that_is_taken_is_named() {
    let place = Place::init();
    place.with_gateway();
    let taken = std::net::UdpSocket::bind(place.ports.accounting).unwrap();
    let error = place.run(&["serve"]).fails(3);
    assert!(error.contains(&taken.local_addr().unwrap().to_string()) && error.contains("hint: "), "{error}");
    drop(taken);
    let taken = std::net::TcpListener::bind(place.ports.api).unwrap();
    let error = place.run(&["serve"]).fails(3);
    assert!(error.contains("api.listen") && error.contains(&taken.local_addr().unwrap().to_string()), "{error}");
}

#[test]
fn a_database_that_is_damaged_locked_or_not_ours_is_refused_as_it_is() {
    let place = Place::init();
    place.with_gateway();
    let fleet = Fleet::new(1, 200);
    let (last, others) = fleet.members.split_last().unwrap();
    let mut server = place.serve();
    place.import(&others.iter().collect::<Vec<_>>());
    assert!(server.terminate(LIMIT).unwrap().success());
    let database = place.path("data/fleetward.db");
    assert!(fs::metadata(&database).unwrap().len() > 50_000, "a clean end leaves the data beside the database file");
    // A write-ahead log is there, too.
    let mut server = place.serve();
    place.import(&[last]);
    server.kill();
    let log = fs::read(place.path("data/fleetward.db-wal")).unwrap();
    assert!(!log.is_empty());

    let refused = |says: &str, lock: &dyn Fn() -> Option<fs::File>| {
        let before = contents(&place.path("data"));
        let locked = lock();
        let error = place.plain(&place.run(&["serve"]).fails(3));
        drop(locked);
        assert!(error.contains("data/fleetward.db") && error.contains(says) && error.contains("hint: "), "{error}");
        assert_unchanged(&before, &contents(&place.path("data")));
    };
    let good = fs::read(&database).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 8192 * 4096;
    bad[middle..].fill(0xA5);
    fs::write(&database, &bad).unwrap();
    refused("is damaged", &|| None);
    fs::rename(place.path("data/fleetward.db-wal"), place.path("log")).unwrap();
    fs::write(&database, "Dear diary, today I was mistaken for a database.\n".repeat(100)).unwrap();
    refused("is not a Fleetward database", &|| None);
    fs::write(&database, &good).unwrap();
    fs::rename(place.path("log"), place.path("data/fleetward.db-wal")).unwrap();
    refused("is locked by another process", &|| Some(lock(&database)));
    let _server = place.serve();
    assert_eq!(place.json(&["devices", "list", "--limit", "500"]).as_array().unwrap().len(), 200);
}

/// Locks the file as another `SQLite` would that writes (its bytes from 2^30 on, "PENDING", "RESERVED" and "SHARED"). The
/// lock is gone as soon as this process closes the file, by whichever handle.
fn lock(path: &Path) -> fs::File {
    let file = fs::File::options().write(true).open(path).unwrap();
    let range = nix::libc::flock {
        l_type: nix::libc::F_WRLCK as i16,
        l_whence: nix::libc::SEEK_SET as i16,
        l_start: 0x4000_0000,
        l_len: 512,
        l_pid: 0,
    };
    nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETLK(&range)).unwrap();
    file
}

#[test]
fn a_data_folder_that_others_can_read_is_refused() {
    let place = Place::init();
    fs::create_dir(place.path("data")).unwrap();
    fs::set_permissions(place.path("data"), fs::Permissions::from_mode(0o755)).unwrap();
    let error = place.run(&["serve"]).fails(2);
    let error: Vec<String> =
        place.plain(&error).lines().filter(|line| !line.contains("Z ")).map(str::to_owned).collect();
    insta::assert_snapshot!("open_data_folder", error.join("\n"));
    assert_eq!(fs::read_dir(place.path("data")).unwrap().count(), 0);
    place.run(&["tokens", "list"]).fails(2);
}
