//! Real series: 414 hourly ones of the M4 competition. Not shipped; the test says aloud when they are absent.

use std::path::PathBuf;

use super::*;
use crate::{Pace, Tail};

/// Hours of a series that only teach the device, that teach the tail, and where testing begins.
const LEARNT: u32 = 504;
const TEST: u32 = 672;
/// A Monday.
const BASE: u32 = 490_896 + 4 * 24;

fn data() -> Option<Vec<Vec<u64>>> {
    let root = std::env::var_os("FLEETWARD_TESTDATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let read = |name: &str| std::fs::read_to_string(root.join("m4-hourly").join(name)).ok();
    let (train, test) = (read("Hourly-train.csv")?, read("Hourly-test.csv")?);
    let values = |line: &str| -> Vec<u64> {
        line.split(',')
            .skip(1)
            .filter_map(|v| v.trim_matches('"').parse::<f64>().ok())
            .map(|v| (v * 1000.0) as u64)
            .collect()
    };
    let rows = train.lines().skip(1).zip(test.lines().skip(1));
    Some(rows.map(|(train, test)| [values(train), values(test)].concat()).collect())
}

/// All scores of the series in order of time: (hour, deviations).
fn scores(series: &[Vec<u64>]) -> Vec<(u32, f64)> {
    let mut scores = Vec::new();
    for values in series {
        let mut device = DeviceBaseline::new(Timestamp::from_secs(i64::from(BASE + 2) * 3600));
        for (hour, value) in (0_u32..).zip(values) {
            let measure = device.measure(BASE + hour, [*value, 0], Kind::Closed);
            if hour >= LEARNT {
                scores.push((hour, measure.deviations()));
            }
            device.learn(&measure);
        }
    }
    scores.sort_by_key(|(hour, _)| *hour);
    scores
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn the_adaptive_threshold_holds_its_rate_on_real_series() {
    let Some(series) = data() else {
        eprintln!("SKIPPED: no m4-hourly below FLEETWARD_TESTDATA or ../shared/data");
        return;
    };
    assert_eq!(series.len(), 414);
    let scores = scores(&series);
    for wanted in [1e-2, 1e-3, 3e-4] {
        let (mut tail, mut pace) = (Tail::default(), Pace::new(0.5, 1e-3, 10.0));
        let (mut tests, mut fixed, mut adaptive, mut limit) = (0.0, 0.0, 0.0, None);
        for (hour, score) in &scores {
            if *hour >= TEST {
                let limit = *limit.get_or_insert_with(|| tail.quantile(wanted).unwrap());
                let alarm = *score > 0.0 && tail.rate(*score) < pace.rate(wanted);
                pace.settle(wanted, f64::from(u8::from(alarm)));
                tests += 1.0;
                fixed += f64::from(u8::from(*score > limit));
                adaptive += f64::from(u8::from(alarm));
            } else {
                tail.add(*score);
                tail.pass(1.0);
            }
        }
        let (fixed, adaptive) = (fixed / tests / wanted, adaptive / tests / wanted);
        eprintln!("{tests} tests at {wanted}: fixed {fixed:.2}, adaptive {adaptive:.2} of the wanted rate");
        assert!((0.9..=1.15).contains(&adaptive), "at {wanted}: {adaptive:.3} of the wanted rate");
    }
}
