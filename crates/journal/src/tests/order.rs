//! Order, exactly-once answers, duplicates, limits.

use std::sync::atomic::AtomicUsize;

use super::*;
use crate::Refused;

#[test]
fn four_threads_at_once_keep_their_order_and_get_every_answer_once() {
    const THREADS: u64 = 4;
    const BATCHES: u64 = 150;
    let bench = Bench::new();
    let journal = bench.open();
    let (answers, outcomes) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (handle, answers, outcomes) = (journal.handle(), answers.clone(), outcomes.clone());
            scope.spawn(move || {
                for batch in 0..BATCHES {
                    let items = (0..=batch % 5).map(|it| thread << 32 | batch << 8 | it);
                    let (answers, outcomes) = (answers.clone(), outcomes.clone());
                    handle.append(items.map(|it| entry(u128::from(it) + 1, it)).collect(), move |answer| {
                        answers.fetch_add(1, Relaxed);
                        outcomes.lock().extend(answer.unwrap());
                    });
                }
            });
        }
    });
    journal.append_wait(Vec::new()).unwrap();
    assert_eq!(answers.load(Relaxed) as u64, THREADS * BATCHES);
    let seen = bench.seen.lock().clone();
    assert!(seen.iter().enumerate().all(|(at, (offset, _))| offset.0 == at as u64), "dense and in order");
    for thread in 0..THREADS {
        let of_thread: Vec<_> = seen.iter().map(|(_, item)| *item).filter(|item| item >> 32 == thread).collect();
        assert!(of_thread.is_sorted(), "a thread's batches keep their order");
    }
    let appended: Vec<_> = (0..seen.len() as u64).map(|at| Outcome::Appended(Offset(at))).collect();
    assert_eq!(*outcomes.lock(), appended, "answers come in offset order");
    assert_eq!(payloads(bench.dir.path()), seen.iter().map(|(_, item)| *item).collect::<Vec<_>>());
}

#[test]
fn records_are_handed_over_before_they_are_answered() {
    let bench = Bench::new();
    let journal = bench.open();
    for item in 0..100 {
        let seen = bench.seen.clone();
        journal.append(vec![entry(0, item)], move |_| assert!(seen.lock().iter().any(|it| it.1 == item)));
    }
    journal.append_wait(Vec::new()).unwrap();
    assert_eq!(bench.seen.lock().len(), 100);
}

#[test]
fn a_key_counts_once_also_within_a_batch_and_after_a_restart() {
    let bench = Bench::new();
    let journal = bench.open();
    let outcomes = journal.append_wait(vec![entry(1, 0), entry(1, 0), entry(0, 1), entry(0, 1)]).unwrap();
    let appended = |at| Outcome::Appended(Offset(at));
    assert_eq!(outcomes, [appended(0), Outcome::Duplicate, appended(1), appended(2)]);
    assert_eq!(journal.append_wait(vec![entry(1, 7)]).unwrap(), [Outcome::Duplicate]);
    drop(journal);
    let (journal, recovery) = bench.try_open().unwrap();
    assert_eq!(recovery, Recovery { oldest: Offset(0), next: Offset(3), segments: 1, cut_bytes: 0, keys: 1 });
    assert_eq!(journal.append_wait(vec![entry(1, 7), entry(2, 8)]).unwrap(), [Outcome::Duplicate, appended(3)]);
}

#[test]
fn the_filter_reaches_back_over_segments_after_a_restart() {
    let bench = Bench::new();
    let journal = bench.open();
    for group in 0..25 {
        journal.append_wait((0..100).map(|at| entry(1 + group * 100 + at, 5)).collect()).unwrap();
    }
    drop(journal);
    assert!(bench.segments().len() > 3);
    let (journal, recovery) = bench.try_open().unwrap();
    assert!((1000..=2000).contains(&recovery.keys));
    for first in (1501..=2500).step_by(100) {
        let outcomes = journal.append_wait((first..first + 100).map(|key| entry(key, 5)).collect()).unwrap();
        assert!(outcomes.iter().all(|it| *it == Outcome::Duplicate), "the last 1000 keys are known");
    }
}

#[test]
fn a_full_queue_refuses_at_once() {
    let mut bench = Bench::new();
    bench.config.queue = 10;
    let (release, gate) = crossbeam_channel::bounded::<()>(0);
    let clock = Arc::new(|| Timestamp(0));
    let (journal, _) = Journal::<u64>::open(bench.config.clone(), clock, move |_| {
        gate.recv().ok();
    })
    .unwrap();
    let (answers, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for item in 0..100 {
        let (answers, refused) = (answers.clone(), refused.clone());
        journal.append(vec![entry(0, item)], move |answer| {
            answers.fetch_add(1, Relaxed);
            refused.fetch_add(usize::from(answer == Err(Refused::Busy)), Relaxed);
        });
    }
    assert_eq!(refused.load(Relaxed), 90, "ten wait, the others are refused on the spot");
    drop(release);
    drop(journal);
    assert_eq!(answers.load(Relaxed), 100);
    assert_eq!(read_all(bench.dir.path()).len(), 10);
}

#[test]
fn a_batch_that_can_never_fit_is_refused_and_the_largest_fits() {
    let bench = Bench::new();
    let journal = bench.open();
    let largest = (16 << 10) - 64 - 64 - 40;
    assert_eq!(journal.append_wait(vec![large(0, 0, largest + 1)]), Err(Refused::TooLarge));
    for item in 0..3 {
        assert!(journal.append_wait(vec![large(0, item, largest)]).is_ok());
    }
    assert_eq!(bench.segments().len(), 3);
}

#[test]
fn after_closing_everything_is_refused_and_what_was_handed_over_is_stored() {
    let bench = Bench::new();
    let journal = bench.open();
    let handle = journal.handle();
    let answers = Arc::new(AtomicUsize::new(0));
    for item in 0..50 {
        let answers = answers.clone();
        journal.append(vec![entry(0, item)], move |answer| {
            assert!(answer.is_ok());
            answers.fetch_add(1, Relaxed);
        });
    }
    journal.close();
    assert_eq!(answers.load(Relaxed), 50);
    assert_eq!(handle.append_wait(vec![entry(0, 50)]), Err(Refused::Closed));
    assert_eq!(read_all(bench.dir.path()).len(), 50);
}

#[test]
fn a_consumer_that_panics_stops_the_journal_aloud() {
    let bench = Bench::new();
    let clock = Arc::new(|| Timestamp(0));
    let (journal, _) = Journal::<u64>::open(bench.config.clone(), clock, |_| panic!("as the test wants")).unwrap();
    // Stored is stored, and answered so.
    assert!(journal.append_wait(vec![entry(1, 0)]).is_ok());
    assert_eq!(journal.append_wait(vec![entry(2, 1)]), Err(Refused::Broken));
    assert!(!journal.health().ok);
}

#[test]
fn a_reader_follows_the_writer_across_segments() {
    let bench = Bench::new();
    let journal = bench.open();
    let mut reader = journal.reader(Offset(0)).unwrap();
    assert!(reader.next_ref().unwrap().is_none());
    let writer = journal.handle();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for item in 0..500 {
                writer.append_wait(vec![large(0, item, 200)]).unwrap();
            }
        });
        let mut wanted = 0;
        eventually("all read", || {
            while let Some(record) = reader.next_ref().unwrap() {
                assert_eq!(record.offset, Offset(wanted));
                wanted += 1;
            }
            wanted == 500
        });
    });
    assert!(bench.segments().len() > 5);
    for from in [0, 1, 250, 499, 500] {
        let offsets: Vec<_> = journal.reader(Offset(from)).unwrap().map(|it| it.unwrap().offset.0).collect();
        assert_eq!(offsets, (from..500).collect::<Vec<_>>());
        let outside = Reader::open(bench.dir.path(), Offset(from)).unwrap().count();
        assert_eq!(outside as u64, 500 - from);
    }
}

#[test]
fn metrics_count_what_happened() {
    let bench = Bench::new();
    let journal = bench.open();
    journal.append_wait(vec![entry(1, 0), entry(1, 0), entry(2, 1)]).unwrap();
    let value = |name: &str| journal.metrics().iter().filter(|it| it.name == name).map(|it| it.value).sum::<f64>();
    let near = |a: f64, b: f64| (a - b).abs() < 0.1;
    assert!(near(value("fleetward_journal_records_total"), 2.0));
    assert!(near(value("fleetward_journal_duplicates_total"), 1.0));
    assert!(near(value("fleetward_journal_groups_total"), 1.0));
    assert!(near(value("fleetward_journal_healthy"), 1.0));
    assert!(near(value("fleetward_journal_next_offset"), 2.0));
    assert!(near(value("fleetward_journal_refused_total"), 0.0));
}
