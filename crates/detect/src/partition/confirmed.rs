//! Windows are measured exactly before an alarm: against a plain model of the same traffic.

use std::sync::Arc;

use fleetward_fleet::SessionStatus::{Interim, Start, Stop};
use fleetward_fleet::{DeviceState, Observation, Offset};
use fleetward_rules::{Options, RuleSet};
use proptest::prelude::*;

use super::{PartitionState, apply, apply_with};
use crate::history::Recorded;
use crate::testing::{at, change, device, record, session, tick};
use crate::{Compiled, Output, Raised};

const LIMIT: u64 = 100_000;

fn compiled(rule: &str) -> Compiled {
    Compiled::new(Arc::new(RuleSet::compile(&[("own.yaml", rule)], &Options::default()).unwrap()), [])
}

fn volume() -> Compiled {
    compiled(
        "rule: volume\ntitle: Much\nwatch: { used: { sum: bytes, over: 1h } }\nwhen: used > 100 kB\nobserved: '{used}'\n",
    )
}

/// The findings, with the past at hand or without.
fn judge(records: &[Observation], compiled: &Compiled, with_past: bool) -> Vec<Raised> {
    let history = Recorded::default();
    for (offset, observation) in records.iter().enumerate() {
        history.add(Offset(offset as u64), &Arc::new(observation.clone()));
    }
    let numbered = records.iter().enumerate().map(|(offset, record)| (Offset(offset as u64), record));
    let (mut state, mut out) = (PartitionState::default(), Vec::new());
    if with_past {
        apply_with(&mut state, numbered, compiled, &history, &mut out);
    } else {
        apply(&mut state, numbered, compiled, &mut out);
    }
    let raised = out.into_iter().filter_map(|output| match output {
        Output::Finding(raised) => Some(*raised),
        _ => None,
    });
    raised.collect()
}

#[test]
fn what_lies_just_outside_the_window_raises_nothing() {
    let records = |last: i64| {
        vec![
            change(0, 1, device(1)),
            session(1, 10, record("a", Start, 0, 0)),
            session(1, 100, record("a", Interim, 60_000, 0)),
            session(1, last, record("a", Interim, 60_000, 50_000)),
        ]
    };
    let inside = judge(&records(3_650), &volume(), true);
    assert_eq!(inside.len(), 1);
    assert_eq!(inside[0].finding.confidence, "", "measured exactly: nothing to say");
    let outside = records(3_760);
    assert!(judge(&outside, &volume(), true).is_empty());
    let blind = judge(&outside, &volume(), false);
    assert_eq!(blind.len(), 1, "without the past it can only say at least");
    assert!(blind[0].finding.confidence.starts_with("at least"), "{}", blind[0].finding.confidence);
}

#[test]
fn a_finding_says_what_was_measured() {
    let mut records = vec![change(0, 1, device(1)), session(1, 10, record("a", Start, 0, 0))];
    for (secs, up) in [(90, 40_000), (3_000, 80_000), (3_720, 170_000)] {
        records.push(session(1, secs, record("a", Interim, up, 0)));
    }
    let found = judge(&records, &volume(), true);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].finding.observed, "130 kB", "the 40 kB of 62 minutes ago are not in it");
}

#[test]
fn attributes_count_as_they_were() {
    let text = "rule: stock\ntitle: Stock\nscope: device.state == \"stock\"\nwatch: { n: { count: contact, over: 1h } }\n\
                when: n >= 3\n";
    let stock = || {
        let mut stock = device(1);
        stock.state = DeviceState::Stock;
        stock
    };
    let mut records = vec![change(0, 1, stock())];
    records.push(session(1, 310, record("a", Start, 0, 0))); // outside the last hour, in its bucket
    records.push(change(1_000, 1, device(1)));
    records.push(session(1, 1_100, record("a", Interim, 5, 0))); // inside, but active then
    records.push(change(1_200, 1, stock()));
    records.push(session(1, 1_300, record("a", Interim, 6, 0)));
    records.push(session(1, 3_990, record("a", Interim, 7, 0)));
    assert!(judge(&records, &compiled(text), true).is_empty(), "two in stock within the hour");
    assert_eq!(judge(&records, &compiled(text), false).len(), 1);
}

#[test]
fn a_condition_that_compares_knows_the_value_before_the_window() {
    let text = "rule: hops\ntitle: Hops\nwatch: { hops: { count: changed(country), over: 1h } }\nwhen: hops >= 2\n";
    let abroad = |id: &str, network: &str| {
        let mut start = record(id, Start, 0, 0);
        start.attach.network = network.parse().ok();
        start
    };
    let mut records = vec![change(0, 1, device(1)), session(1, 10, abroad("a", "26201"))];
    records.push(session(1, 250, abroad("b", "20801"))); // a hop, outside but in the last bucket
    records.push(session(1, 3_895, abroad("c", "26201"))); // a hop, seen by what was before the window
    assert!(judge(&records, &compiled(text), true).is_empty());
    assert_eq!(judge(&records, &compiled(text), false).len(), 1);
    records.push(session(1, 3_899, abroad("d", "20801")));
    assert_eq!(judge(&records, &compiled(text), true).len(), 1);
}

/// One step of a device: seconds passed, octets used, what kind of record.
type Move = (i64, u64, u8);

/// The records of the steps; and when, by a plain sum over the deltas, more than the limit was used within an hour.
fn play(moves: &[Move]) -> (Vec<Observation>, Option<i64>) {
    let mut records = vec![change(0, 1, device(1))];
    let (mut secs, mut used, mut number, mut open) = (10, 0, 0, false);
    let mut deltas: Vec<(i64, u64)> = Vec::new();
    let mut first = None;
    for (pause, octets, kind) in moves {
        secs += pause;
        let status = match (open, kind) {
            (false, _) => Start,
            (true, 0) => Stop,
            (true, _) => Interim,
        };
        if status == Start {
            (number, used) = (number + 1, 0);
        }
        let delta = if status == Start { 0 } else { *octets };
        used += delta;
        open = status != Stop;
        let seen = session(1, secs, record(&number.to_string(), status, used / 3, used - used / 3));
        records.extend([tick(secs), seen.clone()]);
        if kind % 5 == 1 {
            records.push(seen); // said twice, counted once
        }
        deltas.push((secs, delta));
        let within: u64 = deltas.iter().filter(|(at, _)| *at > secs - 3600).map(|(_, delta)| delta).sum();
        first = first.or((within > LIMIT).then_some(secs));
    }
    (records, first)
}

proptest! {
    #[test]
    fn the_first_alarm_is_where_the_exact_sum_says(
        moves in prop::collection::vec((1_i64..900, 0_u64..30_000, 0_u8..12), 1..120)
    ) {
        let (records, first) = play(&moves);
        let found = judge(&records, &volume(), true);
        prop_assert_eq!(found.first().map(|raised| raised.finding.first_seen), first.map(at));
    }
}
