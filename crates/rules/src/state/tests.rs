//! What is packed says the same as [`WindowState`], whatever happens to it.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetward_fleet::Timestamp;
use proptest::prelude::*;

use super::{Fed, Sliding, SubjectState};
use crate::expr::read::Value;
use crate::window::{Aggregate, WindowSpec, WindowState};

const MINUTE: i64 = 60_000;

fn spec() -> impl Strategy<Value = WindowSpec> {
    let sliding = prop_oneof![
        Just(Aggregate::Sum),
        Just(Aggregate::Count),
        Just(Aggregate::Distinct),
        Just(Aggregate::Max),
        Just(Aggregate::Min),
        Just(Aggregate::Last),
        Just(Aggregate::Absent)
    ];
    let exact =
        prop_oneof![Just(Aggregate::Sum), Just(Aggregate::Count), Just(Aggregate::Distinct), Just(Aggregate::Min)];
    prop_oneof![
        4 => sliding.prop_map(|it| WindowSpec::new(it, Duration::from_hours(1)).expect("in range")),
        1 => exact.clone().prop_map(|it| WindowSpec::life(it).expect("it needs no end")),
        1 => exact.prop_map(|it| WindowSpec::cycle(it, 1).expect("a day of every month")),
        1 => Just(WindowSpec::life(Aggregate::Known).expect("it needs no end")),
    ]
}

/// Minutes after the one before, and a value: now and then a step of days, a step back, or an amount that is large.
fn event() -> impl Strategy<Value = (i64, u64)> {
    let step = prop_oneof![8 => 0_i64..20, 1 => 100_i64..30_000, 1 => -90_i64..0];
    let value = prop_oneof![6 => 1_u64..40, 2 => 1_u64..70_000, 1 => 1_u64..1 << 40];
    (step, value)
}

proptest! {
    #[test]
    fn packed_windows_say_what_windows_say(
        specs in prop::collection::vec(spec(), 1..6),
        events in prop::collection::vec((event(), any::<prop::sample::Index>(), 0_u8..10), 1..150),
    ) {
        let mut whole = vec![WindowState::default(); specs.len()];
        let mut packed = SubjectState::default();
        let (mut time, mut newest) = (Timestamp(1_795_000_000_000), Timestamp(1_795_000_000_000));
        for ((step, value), which, chance) in events {
            time = Timestamp((time.0 + step * MINUTE).max(1_790_000_000_000));
            newest = newest.max(time);
            let which = which.index(specs.len());
            whole[which].add(specs[which], time, value);
            if chance % 2 == 0 {
                packed.feed(which as u32 * 7, specs[which], time, value);
            } else {
                let (key, spec) = (which as u32 * 7, &specs[which]);
                let least = if value % 2 == 0 { 300 } else { 1 << 33 };
                let fed = Fed { key, spec, time, value: Some(value), least: Some(least) };
                // What is not the newest event does not go by in the row.
                let length = spec.slides().filter(|_| chance != 3 && time == newest).map(std::num::NonZeroU32::get);
                let counted = if spec.aggregate == Aggregate::Count { 1 } else { value };
                let in_row = length.and_then(|length| packed.row(newest).feed(Sliding { key, length, least }, counted));
                let told = in_row.or_else(|| packed.feed_and_ask(&mut (chance as usize % 3), &fed, newest));
                let real = whole[which].value(*spec, newest);
                let is_told = told == real || told.max(real) < Some(least) && told.is_some() && real.is_some();
                prop_assert!(is_told, "{:?} {:?}", told, real);
                let asked = packed.row(newest).ask(key, *spec);
                prop_assert!(asked.is_none() || asked == real, "{:?} {:?}", asked, real);
            }
            match chance {
                0 => {
                    whole.iter_mut().zip(&specs).for_each(|(window, spec)| window.expire(*spec, newest));
                    packed.expire(newest, |key| Some(specs[key as usize / 7]), |_| true, |_| true);
                }
                1 => {
                    let bytes = postcard::to_extend(&packed, Vec::new()).expect("memory takes it");
                    let read: SubjectState = postcard::from_bytes(&bytes).expect("what was written");
                    prop_assert_eq!(&read, &packed);
                    packed = read;
                }
                2 => packed.remember(time, [(value as u8 % 5, Value::Symbol(value))].into_iter()),
                _ => {}
            }
            for (key, (window, spec)) in (0..).step_by(7).zip(whole.iter().zip(&specs)) {
                // Judged is always at the newest time or later.
                for now in [newest, newest + Duration::from_mins(50), newest + Duration::from_hours(30)] {
                    prop_assert_eq!(packed.window(key, *spec, now), window.value(*spec, now), "{:?} {:?}", spec, window);
                    let real = window.value(*spec, now);
                    for least in [20_u64, 300, 70_000, 1 << 31] {
                        let fed = Fed { key, spec, time, value: None, least: Some(least) };
                        let told = packed.feed_and_ask(&mut which.clone(), &fed, now);
                        prop_assert!(told == real || told.max(real) < Some(least) && told.is_some() && real.is_some());
                    }
                }
                prop_assert_eq!(packed.is_blurred(key, *spec, newest), window.is_blurred(*spec, newest));
                if spec.aggregate == Aggregate::Known {
                    prop_assert_eq!(packed.is_new(key, value, time), window.is_new(value, time));
                }
            }
        }
    }

    /// Records state some of six fields each, in any order of time; or all again that were stated.
    #[test]
    fn each_field_has_its_newest_value_and_time(
        records in prop::collection::vec((0_u8..64, -3_i64..6, prop::option::weighted(0.9, any::<u64>())), 1..60),
    ) {
        let mut held: BTreeMap<u8, (Timestamp, u64)> = BTreeMap::new();
        let (mut state, mut time) = (SubjectState::default(), Timestamp(1_795_000_000_000));
        for (fields, step, value) in records {
            time = Timestamp(time.0 + step * MINUTE);
            if let Some(value) = value {
                let stated = (0..6).filter(|field| fields >> field & 1 == 1);
                state.remember(time, stated.clone().map(|field| (field, Value::Symbol(value))));
                for field in stated {
                    let newest = held.entry(field).or_insert((time, value));
                    *newest = if newest.0 <= time { (time, value) } else { *newest };
                }
            } else if fields % 4 == 1 {
                state.advance(time);
            } else if fields % 2 == 0 {
                state.hold_on(time);
                for (at, _) in held.values_mut() {
                    *at = time.max(*at);
                }
            } else {
                state.expire(time, |_| None, |field| fields >> field & 1 == 1, |_| true);
                held.retain(|field, _| fields >> field & 1 == 1);
            }
            prop_assert_eq!(state.fields(), held.len());
            let mut last = state.last();
            for (field, (at, value)) in &held {
                let remembered = state.remembered(*field).expect("it was stated");
                prop_assert_eq!((remembered.at, remembered.value), (*at, Value::Symbol(*value)));
                prop_assert!(last.holds(*field, Value::Symbol(*value)));
                prop_assert!(!last.clone().holds(*field, Value::Symbol(value.wrapping_add(1))));
            }
            let bytes = postcard::to_extend(&state, Vec::new()).expect("memory takes it");
            prop_assert_eq!(&postcard::from_bytes::<SubjectState>(&bytes).expect("what was written"), &state);
            let first = held.values().next();
            let is_apart = held.values().any(|(at, _)| Some(at) != first.map(|(at, _)| at));
            let octets = match held.len() {
                0 => 0,
                count if is_apart => 10 + count * 15,
                count if first.map(|(at, _)| *at) == state.watermark() => 10 + count * 9,
                count => 10 + 6 + count * 9,
            };
            prop_assert!(state.block.in_use().len() == octets, "{octets} {:?}", state.block);
        }
    }

    #[test]
    fn no_octets_are_taken_for_a_state_that_they_are_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(mut state) = postcard::from_bytes::<SubjectState>(&bytes) {
            let spec = WindowSpec::new(Aggregate::Sum, Duration::from_hours(1)).expect("in range");
            state.feed(1, spec, Timestamp(0), 5);
            state.expire(Timestamp(1 << 40), |_| None, |_| false, |_| false);
            prop_assert!(state.is_empty() || state.watermark().is_some());
        }
    }
}

#[test]
fn values_that_have_times_and_are_not_there_are_no_state() {
    let bytes = |block: &[u8]| [&[10], block, &[0]].concat();
    for kinds in [0x80, 0x40, 0xC0] {
        let block = [0, 0, 0, 0, 0, 0, 10, 0, kinds, 0];
        assert!(postcard::from_bytes::<SubjectState>(&bytes(&block)).is_err(), "{kinds:#x}");
    }
    let none = [0, 0, 0, 0, 0, 0, 10, 0, 0, 0];
    assert!(postcard::from_bytes::<SubjectState>(&bytes(&none)).is_ok());
}

#[test]
fn last_values_are_remembered_by_field_and_texts_too() {
    let mut state = SubjectState::default();
    let at = Timestamp(1_795_000_000_123);
    state.remember(at, [(3, Value::Symbol(u64::MAX)), (9, Value::Text("iot.example"))].into_iter());
    state.remember(Timestamp(0), [(3, Value::Symbol(4)), (9, Value::Text("other.example"))].into_iter());
    let held = state.remembered(3).expect("it was remembered");
    assert_eq!((held.at, held.value), (at, Value::Symbol(u64::MAX)), "an older one does not overwrite");
    assert_eq!(state.remembered(9).map(|held| held.value), Some(Value::Text("iot.example")));
    assert!(state.remembered(4).is_none());
    state.expire(at, |_| None, |field| field == 3, |_| true);
    assert_eq!((state.fields(), state.remembered(9).is_none()), (1, true));
    state.expire(at, |_| None, |_| false, |_| true);
    assert!(state.is_empty());
}

#[test]
fn more_fields_than_fit_leave_those_before_as_they_are() {
    let (mut state, at) = (SubjectState::default(), Timestamp(1_795_000_000_000));
    state.remember(at, (0..100).map(|field| (field, Value::Symbol(u64::from(field)))));
    let held = |field| state.remembered(field).map(|held| (held.at, held.value));
    assert_eq!((state.fields(), held(62)), (63, Some((at, Value::Symbol(62)))));
    assert!(held(63).is_none());
}

#[test]
fn what_most_devices_have_is_small() {
    let mut state = SubjectState::default();
    for (key, hours) in [(1, 1), (2, 24)] {
        let spec = WindowSpec::new(Aggregate::Sum, Duration::from_hours(hours)).expect("in range");
        for quarter in 0..96 {
            state.feed(key, spec, Timestamp(1_795_000_000_000 + quarter * 15 * MINUTE), 3000);
        }
    }
    state.remember(Timestamp(1_795_000_000_000), (0..4).map(|field| (field, Value::Symbol(7))));
    assert!(state.bytes() <= 180, "{}", state.bytes());
}
