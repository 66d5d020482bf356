//! Both halves together on a small fleet whose days are known.

use super::*;
use crate::{Basis, DeviceBaseline, Direction, Metric, Phase, Traffic};

const MODEL: ModelKey = ModelKey(7);
const START: i64 = 1_768_780_800;
const DEVICES: u64 = 80;
const TAUGHT: i64 = 24 * 40;

struct Fleet {
    halves: Vec<DeviceBaseline>,
    model: FleetBaseline,
    verdicts: Vec<(i64, Verdict)>,
}

impl Fleet {
    fn new() -> Self {
        let halves = (0..DEVICES).map(|_| DeviceBaseline::new(Timestamp::from_secs(START))).collect();
        Self { halves, model: FleetBaseline::default(), verdicts: Vec::new() }
    }

    /// One hour: each device sends some 20 kB, and `extra` of it.
    fn hour(&mut self, hour: i64, extra: impl Fn(u64) -> u64) {
        self.both(hour, extra, |_| 0);
    }

    /// The same, and it receives `down`.
    fn both(&mut self, hour: i64, extra: impl Fn(u64) -> u64, down: impl Fn(u64) -> u64) {
        let settings = Settings::default();
        let (mut measures, mut out) = (Vec::new(), Vec::new());
        let now = Timestamp::from_secs(START + hour * 3600 + 1800);
        for device in 0..DEVICES {
            let noise = (device * 7_919 + hour as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50;
            let traffic = Traffic { up: 15_000 + noise + extra(device), down: down(device), ..Traffic::default() };
            self.halves[device as usize].add(now, &traffic, &mut measures);
            for measure in measures.drain(..) {
                self.model.judge(MODEL, DeviceId(device), &measure, Evidence::default(), &settings, &mut out);
            }
        }
        self.model.pass(now, &settings, &mut out);
        self.verdicts.extend(out.into_iter().map(|verdict| (hour, verdict)));
    }

    fn taught() -> Self {
        let mut fleet = Self::new();
        (0..TAUGHT).for_each(|hour| fleet.hour(hour, |_| 0));
        assert!(fleet.verdicts.is_empty(), "{:?}", fleet.verdicts);
        assert!(fleet.model.learning(MODEL).is_some_and(|learning| learning.is_ready));
        fleet
    }
}

#[test]
fn one_loud_device_is_told_in_the_hour_and_once() {
    let mut fleet = Fleet::taught();
    (TAUGHT..TAUGHT + 100)
        .for_each(|hour| fleet.hour(hour, |n| if n == 3 && hour < TAUGHT + 3 { 40_000_000 } else { 0 }));
    let first: Vec<_> = fleet.verdicts.iter().filter(|(_, v)| matches!(v, Verdict::Unusual(u) if u.first)).collect();
    let [(hour, Verdict::Unusual(unusual))] = &first[..] else { panic!("{first:?}") };
    assert_eq!(
        (*hour, unusual.device, unusual.basis, unusual.metric),
        (TAUGHT, DeviceId(3), Basis::SentHour, Metric::Bytes)
    );
    assert!(unusual.is_record && unusual.is_open && unusual.once_in_hours > 10_000, "{unusual:?}");
    assert!(unusual.usual_low > 5_000 && unusual.usual_high < 100_000, "{unusual:?}");
    let over = |v: &Verdict| matches!(v, Verdict::Over { device, metric: Metric::Bytes, .. } if *device == DeviceId(3));
    assert_eq!(fleet.verdicts.iter().filter(|(_, verdict)| over(verdict)).count(), 1);
}

#[test]
fn many_loud_devices_are_one_event() {
    let mut fleet = Fleet::taught();
    (TAUGHT..TAUGHT + 60).for_each(|hour| fleet.hour(hour, |n| if n < 40 && hour == TAUGHT { 2_000_000 } else { 0 }));
    let began = |v: &Verdict| matches!(v, Verdict::ModelWide(w) if w.phase == Phase::Began && w.model == MODEL);
    assert_eq!(fleet.verdicts.iter().filter(|(_, verdict)| began(verdict)).count(), 1, "{:?}", fleet.verdicts);
    let listed: usize = fleet
        .verdicts
        .iter()
        .filter_map(|(_, v)| if let Verdict::ModelWide(w) = v { Some(w.joined.len()) } else { None })
        .sum();
    assert_eq!(listed, 40);
    let alone = fleet.verdicts.iter().filter(|(_, v)| matches!(v, Verdict::Unusual(u) if u.first)).count();
    assert!(alone < 6, "{alone} were told by themselves");
    let over = |v: &Verdict| matches!(v, Verdict::ModelWide(w) if w.phase == Phase::Over);
    assert!(fleet.verdicts.iter().any(|(_, verdict)| over(verdict)));
}

#[test]
fn a_flood_during_a_wave_of_updates_is_an_event_of_its_own() {
    let mut fleet = Fleet::taught();
    let wave = |n: u64, hour: i64| if n < 40 && hour == TAUGHT { 2_000_000 } else { 0 };
    let flood = |n: u64, hour: i64| if (30..60).contains(&n) && hour == TAUGHT + 1 { 40_000_000 } else { 0 };
    (TAUGHT..TAUGHT + 20).for_each(|hour| fleet.both(hour, |n| flood(n, hour), |n| wave(n, hour)));
    let mut listed: BTreeMap<Option<Direction>, Vec<u64>> = BTreeMap::new();
    for (_, verdict) in &fleet.verdicts {
        if let Verdict::ModelWide(wide) = verdict {
            listed.entry(wide.direction).or_default().extend(wide.joined.iter().map(|device| device.0));
        }
    }
    for devices in listed.values_mut() {
        devices.sort_unstable();
    }
    assert_eq!(listed[&Some(Direction::Received)], (0..40).collect::<Vec<_>>());
    assert_eq!(listed[&Some(Direction::Sent)], (30..60).collect::<Vec<_>>(), "also those of the wave");
    let alone = fleet.verdicts.iter().filter(|(_, v)| matches!(v, Verdict::Unusual(u) if u.first)).count();
    assert!(alone < 6, "{alone} were told by themselves");
}

#[test]
fn a_planned_change_is_no_alarm_and_a_small_excess_is_none() {
    let mut fleet = Fleet::taught();
    fleet.hour(TAUGHT, |n| if n == 3 { 60_000 } else { 0 });
    assert!(fleet.verdicts.is_empty(), "below the floor: {:?}", fleet.verdicts);
    let (mut measures, mut out) = (Vec::new(), Vec::new());
    let now = Timestamp::from_secs(START + (TAUGHT + 1) * 3600 + 1800);
    let traffic = Traffic { up: 40_000_000, ..Traffic::default() };
    fleet.halves[3].add(now, &traffic, &mut measures);
    assert!(!measures.is_empty() && measures.iter().any(|measure| measure.may_alarm(&Settings::default())));
    let expected = Evidence { expected: true, ..Evidence::default() };
    for measure in measures {
        fleet.model.judge(MODEL, DeviceId(3), &measure, expected, &Settings::default(), &mut out);
    }
    assert!(out.is_empty(), "{out:?}");
}

#[test]
fn a_snapshot_changes_nothing() {
    let mut fleet = Fleet::taught();
    let bytes = postcard::to_allocvec(&fleet.model).unwrap();
    let restored: FleetBaseline = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(restored, fleet.model);
    fleet.model = restored;
    fleet.hour(TAUGHT, |n| if n == 3 { 40_000_000 } else { 0 });
    assert_eq!(fleet.verdicts.len(), 1);
}
