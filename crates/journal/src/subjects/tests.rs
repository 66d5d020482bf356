//! Against a plain scan, in every state that a journal can be in.

use std::ops::ControlFlow;
use std::sync::Arc;

use fleetward_fleet::{Offset, Timestamp};

use super::{Reach, Subjects};
use crate::{Config, Entry, Journal, Reader, Retention};

/// The first eight octets; 0 is nobody.
fn subject_of(bytes: &[u8]) -> Option<u64> {
    let subject = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    (subject != 0).then_some(subject)
}

const BEGUN: i64 = 1_795_000_000_000;

fn config(dir: &std::path::Path) -> Config {
    Config { segment_bytes: 8 << 10, subject_of: Some(subject_of), ..Config::new(dir) }
}

fn open(config: Config) -> Journal<()> {
    Journal::open(config, Arc::new(|| Timestamp(BEGUN)), |_| {}).unwrap().0
}

/// Record `number`, of one of seven subjects (or of nobody), a second after the one before.
fn entry(number: u64) -> Entry<()> {
    let subject = (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % 8;
    let mut bytes = subject.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes().to_vec();
    bytes.extend(std::iter::repeat_n(b'x', (number % 90) as usize));
    let at = Timestamp(BEGUN + number.cast_signed() * 1000);
    Entry { key: 0, event_time: at, observed_at: at, bytes, item: () }
}

fn fill(journal: &Journal<()>, numbers: std::ops::Range<u64>) {
    for from in numbers.clone().step_by(7) {
        journal.append_wait((from..numbers.end.min(from + 7)).map(entry).collect()).unwrap();
    }
}

fn subjects() -> impl Iterator<Item = u64> {
    (1..8_u64).map(|it| it.wrapping_mul(0x9e37_79b9_7f4a_7c15)).chain([5])
}

/// The index says what a scan of the whole says.
fn check(index: &Subjects, dir: &std::path::Path, before: u64) {
    let all: Vec<_> = Reader::open_oldest(dir).unwrap().map(Result::unwrap).collect();
    for subject in subjects() {
        let expected: Vec<_> =
            all.iter().filter(|it| it.offset.0 < before && subject_of(&it.bytes) == Some(subject)).cloned().collect();
        assert_eq!(index.records(subject, Timestamp(0), Offset(before)).unwrap(), expected);
    }
}

#[test]
fn a_subjects_records_are_those_that_a_scan_finds() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(config(dir.path()));
    let index = journal.subjects().unwrap().clone();
    for end in [3, 200, 500] {
        let from = journal.next_offset().0;
        fill(&journal, from..end);
        check(&index, dir.path(), end);
        check(&index, dir.path(), end / 2);
    }
    drop(journal);
    let journal = open(config(dir.path()));
    let index = journal.subjects().unwrap().clone();
    check(&index, dir.path(), 500);
    fill(&journal, 500..600);
    check(&index, dir.path(), 600);
}

#[test]
fn without_index_files_the_segments_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let without = Config { subject_of: None, ..config(dir.path()) };
    let journal = open(without);
    assert!(journal.subjects().is_none());
    fill(&journal, 0..400);
    drop(journal);
    check(&Subjects::open(dir.path(), subject_of).unwrap(), dir.path(), 400);
    let journal = open(config(dir.path()));
    check(journal.subjects().unwrap(), dir.path(), 400);
}

/// The index files, once there are at least so many: they are written by and by, and a journal that is closed leaves the rest
/// to the next one.
fn written_indexes(dir: &std::path::Path, least: usize) -> Vec<std::path::PathBuf> {
    for _ in 0..1000 {
        let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
        let found: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "idx")).collect();
        if found.len() >= least {
            return found;
        }
        let journal = open(config(dir));
        std::thread::sleep(std::time::Duration::from_millis(10));
        drop(journal);
    }
    panic!("no {least} index files");
}

#[test]
fn damage_of_an_index_does_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(config(dir.path()));
    fill(&journal, 0..400);
    drop(journal);
    for (number, path) in written_indexes(dir.path(), 3).iter().enumerate() {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[if number % 2 == 0 { 90 } else { 10 }] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
    check(&Subjects::open(dir.path(), subject_of).unwrap(), dir.path(), 400);
    let journal = open(config(dir.path()));
    check(journal.subjects().unwrap(), dir.path(), 400);
}

#[test]
fn a_reader_beside_the_writer_sees_what_is_written_since() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(config(dir.path()));
    fill(&journal, 0..50);
    let beside = Subjects::open(dir.path(), subject_of).unwrap();
    check(&beside, dir.path(), 50);
    for end in [60, 300, 301, 700] {
        let from = journal.next_offset().0;
        fill(&journal, from..end);
        check(&beside, dir.path(), end);
    }
}

#[test]
fn it_stops_where_it_is_told_and_says_how_far_it_came() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(config(dir.path()));
    fill(&journal, 0..400);
    let index = journal.subjects().unwrap();
    let subject = subjects().next().unwrap();
    let all = Timestamp(0);
    let mut visited = 0;
    let reach = index.each(subject, all, Offset(400), &mut |_| {
        visited += 1;
        if visited == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((reach.unwrap(), visited), (Reach::Enough, 3));
    let go_on = &mut |_: crate::format::RecordRef<'_>| ControlFlow::Continue(());
    assert_eq!(index.each(subject, all, Offset(400), go_on).unwrap(), Reach::Start);
    assert_eq!(index.each(subject, Timestamp(BEGUN + 1), Offset(400), go_on).unwrap(), Reach::Since);
    let since = index.records(subject, Timestamp(BEGUN + 300_000), Offset(400)).unwrap();
    assert!(!since.is_empty() && since.iter().all(|it| it.observed_at.0 >= BEGUN + 300_000));
}

#[test]
fn retention_takes_the_index_along() {
    let dir = tempfile::tempdir().unwrap();
    let retention = Retention { max_bytes: Some(24 << 10), max_age: None };
    let journal = open(Config { retention, ..config(dir.path()) });
    fill(&journal, 0..600);
    let index = journal.subjects().unwrap().clone();
    let oldest = journal.oldest_offset();
    assert!(oldest.0 > 0);
    check(&index, dir.path(), 600);
    let subject = subjects().next().unwrap();
    let reach = index.each(subject, Timestamp(0), Offset(600), &mut |_| ControlFlow::Continue(()));
    assert_eq!(reach.unwrap(), Reach::Kept);
    drop(journal);
    let names = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path());
    let indexes: Vec<_> = names.filter(|path| path.extension().is_some_and(|end| end == "idx")).collect();
    let gone =
        |path: &std::path::PathBuf| path.file_stem().unwrap().to_str().unwrap().parse::<u64>().unwrap() < oldest.0;
    assert!(!indexes.iter().any(gone), "{indexes:?}");
}
