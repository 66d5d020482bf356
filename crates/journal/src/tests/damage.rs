//! Crashes and damage: everything before survives, nothing is invented, damage in the middle is named.

use super::*;
use crate::ReadError;

/// What is done to a file, from this byte on.
type Damage = fn(&mut Vec<u8>, usize);

/// Three groups and a last one of two records; gives where that begins and ends in the file.
fn four_groups(bench: &Bench) -> (usize, usize) {
    let journal = bench.open();
    for item in 0..3 {
        journal.append_wait(vec![entry(u128::from(item) + 1, item)]).unwrap();
    }
    let before = used(bench);
    journal.append_wait(vec![entry(4, 3), entry(5, 4)]).unwrap();
    (before, used(bench))
}

/// Where the zeros at the end of the only segment begin.
fn used(bench: &Bench) -> usize {
    let bytes = fs::read(&bench.segments()[0]).unwrap();
    bytes.iter().rposition(|&byte| byte != 0).unwrap() + 1
}

/// Opens what is there, expects these records, adds one more, opens again.
fn survives(bench: &Bench, at_least: u64, at_most: u64, context: &str) -> Recovery {
    let (journal, recovery) = bench.try_open().unwrap_or_else(|error| panic!("{context}: {error}"));
    let found = recovery.next.0;
    assert!((at_least..=at_most).contains(&found), "{context}: {found} records");
    assert_eq!(payloads(bench.dir.path()), (0..found).collect::<Vec<_>>(), "{context}");
    let outcome = journal.append_wait(vec![entry(99, found)]).unwrap();
    assert_eq!(outcome, [Outcome::Appended(Offset(found))], "{context}");
    drop(journal);
    let (_journal, again) = bench.try_open().unwrap_or_else(|error| panic!("{context}, again: {error}"));
    assert_eq!((again.next.0, again.cut_bytes), (found + 1, 0), "{context}");
    assert_eq!(payloads(bench.dir.path()), (0..=found).collect::<Vec<_>>(), "{context}");
    let report = verify(bench.dir.path()).unwrap();
    assert_eq!((report.records, report.problems.len(), report.torn_bytes), (found + 1, 0, 0), "{context}");
    recovery
}

#[test]
fn a_torn_tail_loses_only_what_was_torn() {
    let bench = Bench::new();
    let (before, after) = four_groups(&bench);
    let file = bench.segments()[0].clone();
    let whole = fs::read(&file).unwrap();
    // Three groups have one record each; the fourth survives only if all of it is there (padding does not matter).
    for at in before.next_multiple_of(8)..after {
        let cut = at - before.next_multiple_of(8);
        let variants: [(&str, Damage); 4] = [
            ("file ends", |bytes, at| bytes.truncate(at)),
            ("zeros from here", |bytes, at| bytes[at..].fill(0)),
            ("one byte wrong", |bytes, at| bytes[at] ^= 0x5A),
            ("eight bytes never written", |bytes, at| bytes[at / 8 * 8..at / 8 * 8 + 8].fill(0)),
        ];
        for (what, damage) in variants {
            let crashed = bench.crash();
            let mut bytes = whole.clone();
            damage(&mut bytes, at);
            if bytes == whole {
                continue;
            }
            fs::write(&crashed.segments()[0], &bytes).unwrap();
            let context = format!("{what} at byte {cut} of the last group");
            let recovery = survives(&crashed, 3, 3, &context);
            let nothing_left = cut == 0 && matches!(what, "file ends" | "zeros from here");
            assert_eq!(recovery.cut_bytes > 0, !nothing_left, "{context}");
        }
    }
    assert!(file.exists());
}

#[test]
fn damage_in_the_middle_is_named_and_left_alone() {
    let bench = Bench::new();
    let (before, _) = four_groups(&bench);
    let file = bench.segments()[0].clone();
    let whole = fs::read(&file).unwrap();
    for at in 0..before {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x5A;
        fs::write(&file, &bytes).unwrap();
        let harmless = (64..before).contains(&at) && bench.try_open().is_ok();
        if harmless {
            // Only padding is outside every checksum.
            assert_eq!(payloads(bench.dir.path()), (0..5).collect::<Vec<_>>(), "byte {at}");
            fs::write(&file, &whole).unwrap();
            continue;
        }
        let error = bench.try_open().expect_err("damaged");
        let text = error.to_string();
        assert!(text.contains(".seg") && (text.contains("damaged") || text.contains("newer")), "{text}");
        assert_eq!(fs::read(&file).unwrap(), bytes, "byte {at}: changed");
        assert_eq!(verify(bench.dir.path()).unwrap().problems.len(), 1, "byte {at}");
        let read = Reader::open(bench.dir.path(), Offset(0)).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        assert!(read.is_err(), "byte {at}");
    }
    fs::write(&file, &whole).unwrap();
    assert_eq!(payloads(bench.dir.path()), [0, 1, 2, 3, 4]);
}

#[test]
fn damage_and_holes_in_sealed_segments_are_named() {
    let bench = Bench::new();
    let journal = bench.open();
    for item in 0..60 {
        journal.append_wait(vec![large(0, item, 1000)]).unwrap();
    }
    drop(journal);
    assert!(bench.segments().len() >= 4);
    let first = bench.segments()[0].clone();
    let whole = fs::read(&first).unwrap();

    fs::write(&first, &whole[..whole.len() - 9]).unwrap();
    assert!(matches!(bench.try_open(), Err(OpenError::Read(ReadError::Corrupt { .. }))));
    fs::write(&first, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(bench.try_open(), Err(OpenError::Read(ReadError::Corrupt { .. }))));
    fs::write(&first, &whole).unwrap();
    fs::remove_file(&bench.segments()[1]).unwrap();
    assert!(bench.try_open().expect_err("a hole").to_string().contains("missing"));
    assert_eq!(verify(bench.dir.path()).unwrap().problems.len(), 1);
    let read = Reader::open(bench.dir.path(), Offset(0)).unwrap().collect::<Result<Vec<_>, _>>();
    assert!(matches!(read, Err(ReadError::Corrupt { .. })));
}

#[test]
fn bytes_of_a_frame_inside_a_payload_do_not_pass_for_one() {
    let bench = Bench::new();
    let journal = bench.open();
    journal.append_wait(vec![entry(1, 0)]).unwrap();
    let file = bench.segments()[0].clone();
    // An attacker who knows the format but not the salt puts a whole group, 8-byte aligned, into a payload.
    let mut frame = crate::format::FrameBuilder::default();
    frame.begin();
    frame.push(7, Timestamp(1), Timestamp(1), b"666");
    let forged = frame.finish(Offset(1), 0).to_vec();
    journal.append_wait(vec![Entry { bytes: forged, ..entry(2, 1) }]).unwrap();
    drop(journal);
    let start = used(&bench);
    let mut bytes = fs::read(&file).unwrap();
    bytes[start - 1] ^= 1;
    fs::write(&file, &bytes).unwrap();
    // The torn group is cut; the forged one inside it is not found.
    let (_journal, recovery) = bench.try_open().unwrap();
    assert_eq!((recovery.next, recovery.cut_bytes > 0), (Offset(1), true));
}

#[test]
fn a_crash_at_any_moment_keeps_what_was_answered() {
    let bench = Bench::new();
    let journal = bench.open();
    for item in 0..200 {
        journal.append_wait(vec![large(u128::from(item) + 1, item, 300)]).unwrap();
        if item % 20 == 7 {
            let crashed = bench.crash();
            let (journal, recovery) = crashed.try_open().unwrap();
            assert!(recovery.next.0 > item);
            // The sender asks again: nothing is stored twice.
            let outcomes = journal.append_wait((0..=item).map(|it| entry(u128::from(it) + 1, it)).collect()).unwrap();
            assert!(outcomes.iter().all(|it| *it == Outcome::Duplicate));
        }
    }
}

#[test]
fn only_one_may_have_it_open() {
    let bench = Bench::new();
    let journal = bench.open();
    let error = bench.try_open().expect_err("locked");
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    drop(journal);
    drop(bench.open());
}
