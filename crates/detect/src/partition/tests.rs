//! What `apply` promises.

use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::{
    Observation, Offset,
    SessionStatus::{Interim, Start, Stop},
};
use proptest::prelude::*;

use super::{PartitionState, apply};
use crate::testing::{
    at, broadcast, change, device, profile, record, removal, reset, rules, seen, session, tick, vanished,
};
use crate::{Compiled, EndCause, Limits, Output};

fn compiled() -> Compiled {
    Compiled::with_limits(Arc::default(), [], Limits { unknown_per_partition: 3, ..Limits::default() })
}

/// With the default rules and a profile, so that there are windows and episodes, too.
fn judging() -> Compiled {
    let limits = Limits { unknown_per_partition: 3, ..Limits::default() };
    Compiled::with_limits(rules(), [profile()], limits)
}

fn run(state: &mut PartitionState, from: u64, records: &[Observation], compiled: &Compiled) -> Vec<Output> {
    let mut out = Vec::new();
    let numbered = records.iter().enumerate().map(|(i, record)| (Offset(from + i as u64), record));
    apply(state, numbered, compiled, &mut out);
    out
}

fn ends(outputs: &[Output]) -> Vec<(&str, EndCause, u32)> {
    let ended = outputs.iter().filter_map(|output| match output {
        Output::SessionEnded(ended) => Some((&*ended.key.id, ended.cause, ended.open_sessions)),
        _ => None,
    });
    ended.collect()
}

#[test]
fn a_session_is_opened_and_ended() {
    let mut state = PartitionState::default();
    let records = [
        change(0, 1, device(1)),
        session(1, 10, record("a", Start, 0, 0)),
        session(1, 20, record("b", Start, 0, 0)),
        session(1, 30, record("a", Stop, 5, 6)),
    ];
    let out = run(&mut state, 0, &records, &compiled());
    let Output::SessionOpened(opened) = &out[1] else { panic!("{out:?}") };
    assert_eq!((&*opened.key.id, opened.open_sessions, opened.offset), ("b", 2, Offset(2)));
    assert_eq!(ends(&out), [("a", EndCause::Stop(Some(1)), 1)]);
    let view = state.device_view(records[1].device).unwrap();
    assert_eq!((view.bytes_up, view.bytes_down, view.sessions, view.open.len()), (5, 6, 2, 1));
    assert_eq!((&*view.name, view.known), ("sim-1", true));
    assert_eq!(state.tally().open_sessions, 1);
}

#[test]
fn a_reset_reaches_every_device_of_the_nas() {
    let mut state = PartitionState::default();
    let mut records: Vec<_> =
        (0..3).map(|n| session(n, n.cast_signed(), record(&format!("s{n}"), Start, 0, 0))).collect();
    records.push(reset(100, "pgw-2"));
    records.push(reset(200, "pgw-1"));
    let out = run(&mut state, 0, &records, &compiled());
    assert_eq!(ends(&out).len(), 3);
    assert!(ends(&out).iter().all(|(_, cause, open)| (*cause, *open) == (EndCause::NasReset, 0)));
    assert_eq!(state.tally().open_sessions, 0);
}

#[test]
fn strangers_are_bounded_and_the_oldest_makes_room() {
    let mut state = PartitionState::default();
    let mut records = vec![change(0, 100, device(100))];
    records.extend((0..10).map(|n| session(n, n.cast_signed(), record(&format!("s{n}"), Start, 0, 0))));
    let out = run(&mut state, 0, &records, &compiled());
    let tally = state.tally();
    assert_eq!((tally.known_devices, tally.unknown_devices, tally.unknown_dropped), (1, 3, 7));
    assert_eq!(ends(&out).iter().filter(|(_, cause, _)| *cause == EndCause::Forgotten).count(), 7);
    // A stranger that the inventory gets to know stays, and makes room for another.
    run(&mut state, 20, &[change(20, 9, device(9)), session(11, 21, record("x", Start, 0, 0))], &compiled());
    let tally = state.tally();
    assert_eq!((tally.known_devices, tally.unknown_devices, tally.unknown_dropped), (2, 3, 7));
    let view = state.device_view(records[9].device).unwrap();
    assert!(!view.known && view.name.contains('•'), "masked: {}", view.name);
}

#[test]
fn a_removed_device_ends_its_sessions() {
    let mut state = PartitionState::default();
    let records = [change(0, 1, device(1)), session(1, 10, record("a", Start, 0, 0)), removal(20, 1), removal(30, 1)];
    let out = run(&mut state, 0, &records, &compiled());
    assert_eq!(ends(&out), [("a", EndCause::Forgotten, 0)]);
    assert_eq!(state.device_view(records[1].device), None);
}

#[test]
fn ticks_find_lost_sessions_in_their_turn() {
    let mut state = PartitionState::default();
    let records: Vec<_> = (0..3)
        .flat_map(|n| {
            [
                session(n, 0, record(&format!("s{n}"), Start, 0, 0)),
                session(n, 60, record(&format!("s{n}"), Interim, 1, 1)),
            ]
        })
        .collect();
    run(&mut state, 0, &records, &compiled());
    let interval = Limits::default().interim.as_secs().cast_signed();
    assert_eq!(ends(&run(&mut state, 10, &[tick(61), tick(3 * interval)], &compiled())), []);
    // A minute later all had their turn.
    let ticks: Vec<_> = (0..7).map(|n| tick(3 * interval + 61 + n * 10)).collect();
    let out = run(&mut state, 20, &ticks, &compiled());
    assert_eq!(ends(&out).len(), 3);
    assert!(ends(&out).iter().all(|(_, cause, _)| *cause == EndCause::Lost));
}

#[test]
fn a_wrong_clock_is_not_believed() {
    let mut state = PartitionState::default();
    let mut ahead = session(1, 0, record("a", Start, 0, 0));
    ahead.event_time = ahead.observed_at + Duration::from_hours(24 * 365);
    let mut unset = session(1, 10, record("b", Start, 0, 0));
    unset.event_time = fleetward_fleet::Timestamp(0);
    run(&mut state, 0, &[ahead.clone(), unset.clone()], &compiled());
    let view = state.device_view(ahead.device).unwrap();
    assert_eq!((view.first_seen, view.last_seen), (Some(ahead.observed_at), Some(unset.observed_at)));
}

#[test]
fn a_record_handed_over_twice_is_applied_once() {
    let mut state = PartitionState::default();
    let records =
        [session(1, 0, record("a", Start, 0, 0)), vanished(1, 5, "a"), session(1, 10, record("b", Start, 0, 0))];
    let first = run(&mut state, 0, &records, &compiled());
    assert_eq!(first.len(), 3);
    assert_eq!(run(&mut state, 0, &records, &compiled()), []);
}

/// Any record of a small world: few devices, few session ids, times that jump.
fn any_record() -> impl Strategy<Value = Observation> {
    let time = 0_i64..20_000;
    let status = prop_oneof![Just(Start), Just(Interim), Just(Stop)];
    prop_oneof![
        12 => (0_u64..6, time.clone(), 0_u8..4, status, 0_u64..5000, any::<bool>()).prop_map(|(n, t, id, status, up, giga)| {
            let mut one = record(&format!("s{id}"), status, up, up / 2);
            one.has_gigawords = giga;
            session(n, t, one)
        }),
        2 => (0_u64..6, time.clone()).prop_map(|(n, t)| change(t, n, device(n))),
        1 => (0_u64..6, time.clone()).prop_map(|(n, t)| removal(t, n)),
        1 => (0_u64..6, time.clone(), 0_u8..4).prop_map(|(n, t, id)| vanished(n, t, &format!("s{id}"))),
        1 => time.clone().prop_map(|t| reset(t, "pgw-1")),
        3 => time.prop_map(tick),
    ]
}

proptest! {
    /// Any batching, and a snapshot and restart at any point, give the same outputs and the same state.
    #[test]
    fn batching_and_restarts_do_not_matter(
        records in prop::collection::vec(any_record(), 1..120),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), any::<bool>()), 0..6),
    ) {
        let compiled = judging();
        let mut whole = PartitionState::default();
        let expected = run(&mut whole, 0, &records, &compiled);

        let mut cuts: Vec<_> = cuts.into_iter().map(|(i, restart, overlap)| (i.index(records.len()), restart, overlap)).collect();
        cuts.sort_unstable();
        let mut state = PartitionState::default();
        let mut out = Vec::new();
        let mut from = 0;
        for (cut, restart, overlap) in cuts {
            out.extend(run(&mut state, from as u64, &records[from..cut.max(from)], &compiled));
            from = cut.max(from);
            if restart {
                state = PartitionState::thaw(&state.freeze()).expect("our own bytes");
            }
            if overlap {
                prop_assert_eq!(run(&mut state, 0, &records[..from], &compiled), []);
            }
        }
        out.extend(run(&mut state, from as u64, &records[from..], &compiled));
        prop_assert_eq!(out, expected);
        prop_assert_eq!(state.freeze(), whole.freeze());
    }

    /// Every session ends at most as often as it opened, and the counts of open ones agree.
    #[test]
    fn what_opens_and_what_ends_agree(records in prop::collection::vec(any_record(), 1..200)) {
        let mut state = PartitionState::default();
        let out = run(&mut state, 0, &records, &compiled());
        let mut open = std::collections::BTreeSet::new();
        for output in &out {
            match output {
                Output::SessionOpened(o) => prop_assert!(open.insert((o.device, o.key.id.clone())), "opened twice"),
                Output::SessionEnded(e) => { open.remove(&(e.device, e.key.id.clone())); }
                _ => {}
            }
        }
        let listed: std::collections::BTreeSet<_> = state.devices.iter()
            .flat_map(|e| e.sessions.open.iter().map(|s| (e.id, s.texts.id().into()))).collect();
        prop_assert_eq!(&open, &listed);
        prop_assert_eq!(state.tally().open_sessions, open.len() as u64);
        prop_assert_eq!(state.names.nas.iter().map(|n| n.open as usize).sum::<usize>(), open.len());
    }

    /// Bytes that are no snapshot are refused, never a panic.
    #[test]
    fn garbage_does_not_thaw(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(PartitionState::thaw(&bytes));
    }
}

#[test]
fn broadcasts_without_state_do_nothing() {
    let mut state = PartitionState::default();
    let unknown = broadcast(0, seen(0, 0, fleetward_fleet::Body::Tick).body);
    assert_eq!(run(&mut state, 0, &[unknown, reset(1, "pgw-9"), vanished(1, 2, "a")], &compiled()), []);
}

#[test]
fn a_flow_reaches_the_rules_and_shows_that_the_device_is_alive() {
    let text = "rule: telnet\ntitle: Talks telnet\nwhen: flow.port == 23 && flow.destination == \"203.0.113.9\"\n";
    let rules = fleetward_rules::RuleSet::compile(&[("r.yaml", text)], &fleetward_rules::Options::default()).unwrap();
    let compiled = Compiled::new(std::sync::Arc::new(rules), [profile()]);
    let flow = fleetward_fleet::Flow {
        address: "203.0.113.9".parse().ok(),
        port: Some(23),
        ..fleetward_fleet::Flow::default()
    };
    let records = [change(0, 1, device(1)), seen(1, 60, fleetward_fleet::Body::Flow(Box::new(flow)))];
    let (mut state, mut out) = (PartitionState::default(), Vec::new());
    apply(&mut state, records.iter().enumerate().map(|(i, r)| (Offset(i as u64), r)), &compiled, &mut out);
    assert!(out.iter().any(|output| matches!(output, Output::Finding(raised) if &*raised.finding.rule == "telnet")));
    let view = state.device_view(fleetward_fleet::DeviceId::of("sim-1")).unwrap();
    assert_eq!(view.last_seen, Some(at(60)));
}

#[test]
fn what_is_kept_of_a_device_stays_small() {
    // There are millions of each. What grows here grows the memory of a fleet by gigabytes: say so in the commit.
    let sizes = [
        ("entry", size_of::<super::device::Entry>(), 144),
        ("open session", size_of::<crate::session::OpenSession>(), 112),
        ("closed session", size_of::<crate::session::ClosedSession>(), 88),
        ("habit", size_of::<super::habit::Habit>(), 288),
    ];
    for (name, size, limit) in sizes {
        assert!(size <= limit, "{name}: {size} bytes, {limit} meant: {sizes:?}");
    }
}
