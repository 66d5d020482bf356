//! Old segments go, the one that is written never does.

use super::*;
use crate::{ReadError, Retention};

fn fill(journal: &Journal<u64>, from: u64, count: u64) {
    for item in from..from + count {
        journal.append_wait(vec![large(0, item, 1000)]).unwrap();
    }
}

#[test]
fn by_size_the_oldest_segments_go() {
    let mut bench = Bench::new();
    bench.config.retention = Retention { max_bytes: Some(50_000), max_age: None };
    let journal = bench.open();
    fill(&journal, 0, 100);
    let total: u64 = bench.segments().iter().map(|it| it.metadata().unwrap().len()).sum();
    assert!(total <= 50_000 + 16_384, "{total}");
    let oldest = journal.oldest_offset();
    assert!(oldest > Offset(0));
    assert!(matches!(journal.reader(Offset(0)), Err(ReadError::Gone { oldest: it, .. }) if it == oldest));
    assert_eq!(journal.reader(oldest).unwrap().count() as u64, 100 - oldest.0);
    drop(journal);
    let (journal, recovery) = bench.try_open().unwrap();
    assert_eq!((recovery.oldest, recovery.next), (oldest, Offset(100)));
    assert_eq!(journal.append_wait(vec![entry(0, 1)]).unwrap(), [Outcome::Appended(Offset(100))]);
}

#[test]
fn by_age_a_segment_goes_when_its_last_record_is_old() {
    let mut bench = Bench::new();
    bench.config.retention = Retention { max_age: Some(Duration::from_hours(1)), max_bytes: None };
    let journal = bench.open();
    fill(&journal, 0, 40);
    assert_eq!(journal.oldest_offset(), Offset(0));
    bench.now.fetch_add(2 * 3_600_000, Relaxed);
    // The next segment is begun now; those that ended before are judged by when their successor began.
    fill(&journal, 40, 40);
    let oldest = journal.oldest_offset();
    assert!(oldest > Offset(0) && oldest < Offset(40), "{oldest:?}");
    assert_eq!(journal.reader(oldest).unwrap().count() as u64, 80 - oldest.0);
}

#[test]
fn what_no_snapshot_covers_is_kept() {
    let mut bench = Bench::new();
    bench.config.retention = Retention { max_bytes: Some(1), max_age: None };
    let journal = bench.open();
    journal.keep_from(Offset(30));
    fill(&journal, 0, 100);
    assert!(journal.oldest_offset() <= Offset(30));
    assert_eq!(journal.reader(Offset(30)).unwrap().count(), 70);
    journal.keep_from(Offset(100));
    fill(&journal, 100, 20);
    assert!(journal.oldest_offset() > Offset(60));
}
