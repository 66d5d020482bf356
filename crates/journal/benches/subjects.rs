//! How long it takes to find all records of one subject among those of a million, and what keeping the index costs.
//!
//! `cargo bench -p fleetward-journal --bench subjects`.

use std::sync::Arc;
use std::time::Duration;

use divan::Bencher;
use fleetward_fleet::{Offset, Timestamp};
use fleetward_journal::{Config, Entry, Journal, Subjects};

fn main() {
    divan::main();
}

const RECORDS: u64 = 1_000_000;
const PAYLOAD: usize = 160;
/// The subject that is asked for has a record every so many.
const EVERY: u64 = 33_333;
const WANTED: u64 = 0x1234_5678_9abc_def1;
const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn subject_of(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?))
}

fn entry(number: u64) -> Entry<()> {
    let other = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 63;
    let mut bytes = vec![7; PAYLOAD];
    let subject = if number.is_multiple_of(EVERY) { WANTED } else { other };
    bytes[..8].copy_from_slice(&subject.to_le_bytes());
    Entry { key: 0, event_time: NOW, observed_at: NOW, bytes, item: () }
}

fn filled(subject_of: Option<fleetward_journal::SubjectOf>) -> (tempfile::TempDir, Journal<()>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let config = Config { subject_of, ..Config::new(dir.path()) };
    let (journal, _) = Journal::open(config, Arc::new(|| NOW), |_| {}).expect("a journal");
    for from in (0..RECORDS).step_by(4000) {
        journal.append_wait((from..from + 4000).map(entry).collect()).expect("room");
    }
    (dir, journal)
}

/// 31 records of one subject out of a million, in four segments.
#[divan::bench]
fn find_31_of_a_million(bencher: Bencher) {
    let (dir, journal) = filled(Some(subject_of));
    drop(journal); // its indexes are written or will be when asked for
    let subjects = Subjects::open(dir.path(), subject_of).expect("it opens");
    let count = || subjects.records(WANTED, Timestamp(0), Offset(RECORDS)).expect("it reads").len();
    assert_eq!(count(), 31);
    bencher.bench_local(count);
}

/// A million records with the index and without it.
#[divan::bench(args = [true, false], sample_count = 2, sample_size = 1, max_time = Duration::from_secs(30))]
fn append_a_million(bencher: Bencher, indexed: bool) {
    bencher.bench_local(|| filled(indexed.then_some(subject_of as fleetward_journal::SubjectOf)));
}
