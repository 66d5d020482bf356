//! A disk that is full or fails: refused, rolled back, recovered, nothing lost and nothing twice.

use super::*;
use crate::Refused;

const ENOSPC: i32 = 28;
const EDQUOT: i32 = 122;
const EIO: i32 = 5;

/// Fails in this way, then recovers; checks what is stored before, during and after, also after a crash in between.
fn refuses_and_recovers(faults: Faults, why: &str) {
    let bench = Bench::new();
    let journal = bench.open();
    journal.append_wait(vec![entry(1, 0), entry(2, 1)]).unwrap();
    bench.disk.set(faults);
    assert_eq!(journal.append_wait(vec![large(3, 2, 100), entry(4, 3)]), Err(Refused::Full), "{why}");
    let health = journal.health();
    assert!(!health.ok && health.reason.contains("free some space"), "{why}: {}", health.reason);
    for item in 4..20 {
        assert_eq!(journal.append_wait(vec![entry(u128::from(item), item)]), Err(Refused::Full), "{why}");
    }
    // What is stored already is still answered, so that a sender need not ask for ever.
    assert_eq!(journal.append_wait(vec![entry(1, 0)]), Ok(vec![Outcome::Duplicate]), "{why}");
    assert_eq!(payloads(bench.dir.path()), [0, 1], "{why}");
    let crashed = bench.crash();
    assert_eq!(crashed.try_open().unwrap().1.next, Offset(2), "{why}: refused records came back after a crash");

    bench.disk.set(Faults::default());
    eventually("healthy again", || journal.health().ok);
    // The sender asks again, and nothing of the first try is in the way.
    let outcomes = journal.append_wait(vec![entry(3, 2), entry(4, 3)]).unwrap();
    assert_eq!(outcomes, [Outcome::Appended(Offset(2)), Outcome::Appended(Offset(3))], "{why}");
    assert_eq!(payloads(bench.dir.path()), [0, 1, 2, 3], "{why}");
    let expected: Vec<_> = (0..4).map(|at| (Offset(at), at)).collect();
    assert_eq!(*bench.seen.lock(), expected, "{why}");
    drop(journal);
    let (journal, recovery) = bench.try_open().unwrap();
    assert_eq!(recovery.next, Offset(4), "{why}");
    assert_eq!(journal.append_wait(vec![entry(4, 3)]), Ok(vec![Outcome::Duplicate]), "{why}");
    assert_eq!(verify(bench.dir.path()).unwrap().problems, [], "{why}");
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    for errno in [ENOSPC, EDQUOT] {
        refuses_and_recovers(
            Faults { write: Some(errno), allocate: Some(errno), ..Faults::default() },
            "no room to write",
        );
        refuses_and_recovers(
            Faults { sync: Some(errno), allocate: Some(errno), ..Faults::default() },
            "no room at sync",
        );
    }
}

#[test]
fn a_failing_disk_refuses_and_recovers() {
    refuses_and_recovers(Faults { write: Some(EIO), ..Faults::default() }, "write fails");
    // The pages of the failed sync are lost, as after a real one.
    refuses_and_recovers(Faults { sync: Some(EIO), ..Faults::default() }, "sync fails");
}

#[test]
fn what_cannot_be_undone_yet_is_undone_later() {
    let bench = Bench::new();
    let journal = bench.open();
    journal.append_wait(vec![entry(1, 0)]).unwrap();
    bench.disk.set(Faults { sync: Some(EIO), truncate: Some(EIO), ..Faults::default() });
    assert_eq!(journal.append_wait(vec![entry(2, 1)]), Err(Refused::Full));
    bench.disk.set(Faults { truncate: Some(EIO), ..Faults::default() });
    for _ in 0..10 {
        assert_eq!(journal.append_wait(vec![entry(2, 1)]), Err(Refused::Full));
    }
    bench.disk.set(Faults::default());
    eventually("stored", || journal.append_wait(vec![entry(2, 1)]).is_ok());
    assert_eq!(payloads(bench.dir.path()), [0, 1]);
}

#[test]
fn no_room_for_the_next_segment_refuses_and_recovers() {
    let bench = Bench::new();
    let journal = bench.open();
    bench.disk.set(Faults { allocate: Some(ENOSPC), ..Faults::default() });
    let mut item = 0;
    while journal.append_wait(vec![large(u128::from(item) + 1, item, 1000)]).is_ok() {
        item += 1;
    }
    assert_eq!(bench.segments().len(), 1);
    assert_eq!(read_all(bench.dir.path()).len() as u64, item);
    bench.disk.set(Faults::default());
    eventually("stored", || journal.append_wait(vec![entry(999, 999)]).is_ok());
    assert_eq!(read_all(bench.dir.path()).last().map(|it| it.offset), Some(Offset(item)));
    assert_eq!(bench.segments().len(), 2);
}

#[test]
fn stored_records_that_cannot_be_read_back_break_the_journal() {
    let bench = Bench::new();
    let journal = bench.open();
    journal.append_wait(vec![entry(1, 0)]).unwrap();
    // The disk loses a page that it had said it stored, and then fails.
    let file = fs::OpenOptions::new().write(true).open(&bench.segments()[0]).unwrap();
    file.write_all_at(&[0xEE; 8], 64 + 40).unwrap();
    bench.disk.set(Faults { sync: Some(EIO), ..Faults::default() });
    assert_eq!(journal.append_wait(vec![entry(2, 1)]), Err(Refused::Broken));
    bench.disk.set(Faults::default());
    assert_eq!(journal.append_wait(vec![entry(2, 1)]), Err(Refused::Broken));
    assert!(journal.health().reason.contains("read back"));
}

#[test]
fn a_disk_that_is_full_at_the_start_is_no_reason_to_stay_down() {
    let bench = Bench::new();
    bench.disk.set(Faults { allocate: Some(ENOSPC), ..Faults::default() });
    let journal = bench.open();
    assert_eq!(journal.append_wait(vec![entry(1, 0)]), Err(Refused::Full));
    bench.disk.set(Faults::default());
    eventually("stored", || journal.append_wait(vec![entry(1, 0)]).is_ok());
    assert_eq!(payloads(bench.dir.path()), [0]);
}
