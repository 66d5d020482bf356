//! Random histories against a model: a list of what must be stored.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::Refused;

#[derive(Debug, Clone)]
enum Step {
    /// Keys of a batch, small so that they repeat.
    Append(Vec<u8>),
    Reopen,
    Crash,
    FailWrite,
    FailSync,
    NoRoom,
    Repair,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..8).prop_map(Step::Append),
        1 => Just(Step::Reopen),
        1 => Just(Step::Crash),
        1 => Just(Step::FailWrite),
        1 => Just(Step::FailSync),
        1 => Just(Step::NoRoom),
        2 => Just(Step::Repair),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn every_history_stores_exactly_what_was_answered(steps in prop::collection::vec(step(), 1..40)) {
        let mut bench = Bench::new();
        bench.config.segment_bytes = 2 << 10;
        let mut journal = Some(bench.open());
        let (mut stored, mut known, mut item) = (Vec::new(), HashSet::new(), 0);
        for step in steps {
            match step {
                Step::Append(keys) => {
                    let batch: Vec<_> = keys.iter().map(|&key| { item += 1; (u128::from(key), item) }).collect();
                    let entries = batch.iter().map(|&(key, item)| entry(key, item)).collect();
                    match journal.as_ref().expect("open").append_wait(entries) {
                        Ok(outcomes) => for ((key, item), outcome) in batch.into_iter().zip(outcomes) {
                            if key == 0 || known.insert(key) {
                                prop_assert_eq!(outcome, Outcome::Appended(Offset(stored.len() as u64)));
                                stored.push(item);
                            } else {
                                prop_assert_eq!(outcome, Outcome::Duplicate);
                            }
                        },
                        Err(why) => prop_assert_eq!(why, Refused::Full),
                    }
                }
                Step::Reopen => {
                    bench.disk.set(Faults::default());
                    drop(journal.take());
                    journal = Some(bench.open());
                }
                Step::Crash => {
                    let after = bench.crash();
                    drop(journal.take());
                    bench = after;
                    journal = Some(bench.open());
                }
                Step::FailWrite => bench.disk.set(Faults { write: Some(28), ..Faults::default() }),
                Step::FailSync => bench.disk.set(Faults { sync: Some(5), ..Faults::default() }),
                Step::NoRoom => bench.disk.set(Faults { allocate: Some(28), ..Faults::default() }),
                Step::Repair => {
                    bench.disk.set(Faults::default());
                    eventually("healthy", || journal.as_ref().is_some_and(|it| it.health().ok));
                }
            }
            prop_assert_eq!(&payloads(bench.dir.path()), &stored);
        }
        drop(journal);
        let report = verify(bench.dir.path()).unwrap();
        prop_assert_eq!((report.records, report.problems.len()), (stored.len() as u64, 0));
    }
}
