//! Promises of the device half: size, duplicates of ticks, order within the lateness, snapshots.

use proptest::prelude::*;

use super::*;

const START: i64 = 1_768_780_800;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_secs(START + minutes * 60)
}

fn traffic(bytes: u64) -> Traffic {
    Traffic { up: bytes, down: bytes / 2, since: None, started: false }
}

/// Some weeks of records, an hour or so apart.
fn records() -> impl Strategy<Value = Vec<(i64, u64)>> {
    prop::collection::vec((1_i64..180, 0_u64..5_000_000), 1..300).prop_map(|steps| {
        let mut minute = 0;
        steps
            .into_iter()
            .map(|(step, bytes)| {
                minute += step;
                (minute, bytes)
            })
            .collect()
    })
}

fn run(records: &[(i64, u64)]) -> (DeviceBaseline, Vec<Measure>) {
    let (mut device, mut out) = (DeviceBaseline::new(at(0)), Vec::new());
    for (minute, bytes) in records {
        device.add(at(*minute), &traffic(*bytes), &mut out);
    }
    (device, out)
}

#[test]
fn is_small() {
    assert!(size_of::<DeviceBaseline>() <= 272, "{}", size_of::<DeviceBaseline>());
    assert!(size_of::<Measure>() <= 136, "{}", size_of::<Measure>());
}

proptest! {
    #[test]
    fn ticks_change_nothing_but_the_moment(records in records(), every in 1_usize..20) {
        let (expected, measures) = run(&records);
        let (mut device, mut out) = (DeviceBaseline::new(at(0)), Vec::new());
        for (index, (minute, bytes)) in records.iter().enumerate() {
            if index % every == 0 {
                device.pass(at(*minute - 1), &mut out);
            }
            device.add(at(*minute), &traffic(*bytes), &mut out);
        }
        prop_assert_eq!(&device, &expected);
        prop_assert_eq!(out, measures);
    }

    #[test]
    fn order_within_ten_minutes_does_not_matter(records in records(), late in 0_i64..10) {
        // Two records of the same device, the second delayed behind the first: closed measures and state agree.
        let mut pairs: Vec<(i64, u64)> = records.iter().flat_map(|(m, b)| [(*m * 3, *b), (*m * 3 + late, b / 3)]).collect();
        let (expected, measures) = run(&pairs);
        pairs.chunks_mut(2).for_each(|pair| pair.swap(0, 1));
        let (device, out) = run(&pairs);
        let closed = |all: Vec<Measure>| all.into_iter().filter(|m| m.kind != Kind::Open).collect::<Vec<_>>();
        prop_assert_eq!(closed(out), closed(measures));
        prop_assert_eq!((device.week, device.lanes, device.level), (expected.week, expected.lanes, expected.level));
    }

    #[test]
    fn a_snapshot_at_any_point_changes_nothing(records in records(), cut in 0_usize..300) {
        let (expected, measures) = run(&records);
        let cut = cut.min(records.len());
        let (device, mut out) = run(&records[..cut]);
        let bytes = postcard::to_allocvec(&device).unwrap();
        let mut device: DeviceBaseline = postcard::from_bytes(&bytes).unwrap();
        for (minute, bytes) in &records[cut..] {
            device.add(at(*minute), &traffic(*bytes), &mut out);
        }
        prop_assert_eq!(device, expected);
        prop_assert_eq!(out, measures);
    }

    #[test]
    fn any_input_is_survived(records in prop::collection::vec((any::<i64>(), any::<u64>(), any::<Option<i64>>()), 0..40)) {
        let (mut device, mut out) = (DeviceBaseline::new(at(0)), Vec::new());
        for (time, bytes, since) in records {
            let traffic = Traffic { up: bytes, down: bytes, since: since.map(Timestamp), started: true };
            device.add(Timestamp(time), &traffic, &mut out);
        }
    }
}
