//! What comes of the alarms of a model, one story a test.

use fleetward_fleet::{DeviceId, Timestamp};

use super::Guard;
use crate::{Basis, Direction, Metric, Unusual};

/// Devices of the model.
const DEVICES: u32 = 300;

fn received(device: u64, at: Timestamp, bytes: u64) -> Unusual {
    Unusual {
        device: DeviceId(device),
        metric: Metric::Bytes,
        basis: Basis::ReceivedHour,
        at,
        is_open: true,
        first: true,
        usual_low: 10_000,
        usual_high: 40_000,
        now: bytes,
        days: 60,
        is_record: true,
        once_in_hours: 1_000_000,
        others_high: 0,
        devices: DEVICES,
        is_supported: false,
    }
}

/// What comes of the alarms of a model, by minutes.
#[derive(Default)]
struct Story {
    guard: Guard,
    minute: i64,
    singly: Vec<u64>,
    listed: Vec<u64>,
    /// Of these, in events that are beyond another one.
    beyond: Vec<u64>,
}

impl Story {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_795_000_000 + self.minute * 60)
    }

    fn alarm(&mut self, unusual: &Unusual, carried: u64) {
        let now = self.now();
        let hour = u32::try_from(now.secs() / 3600).unwrap();
        if self.guard.start((hour, carried), now, unusual, DEVICES) {
            self.singly.push(unusual.device.0);
        }
        self.pass(0);
    }

    /// A device receives so much in an hour.
    fn receives(&mut self, device: u64, bytes: u64) {
        let unusual = received(device, self.now(), bytes);
        self.alarm(&unusual, bytes);
    }

    /// A device receives so much in an hour, which is no alarm, but nearly one.
    fn nearly(&mut self, device: u64, direction: Direction, bytes: u64) {
        let hour = u32::try_from(self.now().secs() / 3600).unwrap();
        self.guard.notice((hour, bytes - 40_000), DeviceId(device), direction);
    }

    fn pass(&mut self, minutes: i64) {
        self.minute += minutes;
        let now = self.now();
        self.singly.extend(self.guard.release(now).iter().map(|unusual| unusual.device.0));
        let told = self.guard.tell(now, DEVICES);
        for wide in &told {
            let list = if wide.is_beyond { &mut self.beyond } else { &mut self.listed };
            list.extend(wide.joined.iter().map(|device| device.0));
        }
    }

    /// Devices from `first` on, two an hour for so many hours, are updated.
    fn wave(&mut self, first: u64, hours: u64, bytes: u64) {
        for device in first..first + 2 * hours {
            self.receives(device, bytes);
            self.pass(30);
        }
    }
}

#[test]
fn a_slow_wave_of_updates_in_a_small_model_is_hardly_told_device_by_device() {
    let mut story = Story::default();
    story.wave(1, 72, 12_000_000);
    assert!(story.singly.len() <= 2, "{:?} were told singly", story.singly);
    assert!(story.listed.len() >= 140, "{} of 144 are listed", story.listed.len());
}

#[test]
fn what_an_update_does_not_explain_is_told_while_a_wave_goes_on() {
    let mut story = Story::default();
    story.wave(1, 10, 45_000_000);
    story.singly.clear();
    story.receives(1000, 900_000_000);
    story.receives(1001, 60_000_000);
    story.pass(60);
    assert_eq!(story.singly, [1000], "films are no update, and one and a third updates are");
    // A day is more than its hours: a member that goes on receiving, and one of whom the mean of some days has risen.
    story.receives(1001, 400_000_000);
    let drift =
        Unusual { metric: Metric::Drift, basis: Basis::ReceivedDrift, ..received(1002, story.now(), 5_000_000) };
    story.alarm(&drift, 2_000_000);
    story.alarm(&Unusual { device: DeviceId(1003), ..drift }, 500_000_000);
    story.pass(60);
    assert_eq!(story.singly, [1000, 1001, 1003]);
    assert!(story.listed.contains(&1002) && !story.listed.contains(&1000), "{:?}", story.listed);
}

#[test]
fn who_waits_when_a_wave_begins_is_no_part_of_it() {
    let mut story = Story::default();
    story.receives(1, 12_000_000);
    story.receives(1000, 900_000_000);
    (2..6).for_each(|device| story.receives(device, 12_000_000));
    story.pass(61);
    assert_eq!((story.singly.as_slice(), story.listed.as_slice()), (&[1, 1000][..], &[1, 2, 3, 4, 5][..]));
}

#[test]
fn evidence_of_another_kind_does_not_wait() {
    let mut story = Story::default();
    (1..4).for_each(|device| story.receives(device, 12_000_000));
    // The one that completes the event, which does not explain it; and one that waits while evidence comes.
    let alone = Unusual { is_supported: true, ..received(1000, story.now(), 900_000_000) };
    story.alarm(&alone, 900_000_000);
    assert_eq!(story.singly, [1, 1000]);
    (4..6).for_each(|device| story.receives(device, 12_000_000));
    story.receives(1001, 900_000_000);
    story.pass(10);
    assert_eq!(story.singly, [1, 1000], "it waits");
    story.alarm(&Unusual { device: DeviceId(1001), ..alone }, 900_000_000);
    story.pass(61);
    assert_eq!(story.singly, [1, 1000, 1001], "once");
}

#[test]
fn what_goes_on_while_it_waits_is_told_at_its_most() {
    let mut story = Story::default();
    story.wave(1, 10, 12_000_000);
    for bytes in [300_000_000, 900_000_000, 700_000_000] {
        story.receives(1000, bytes);
        story.minute += 10;
    }
    story.minute += 40;
    let told: Vec<_> = story.guard.release(story.now()).iter().map(|unusual| (unusual.device.0, unusual.now)).collect();
    assert_eq!(told, [(1000, 900_000_000)]);
}

#[test]
fn who_grows_alike_hours_apart_is_told_by_itself() {
    let mut story = Story::default();
    story.wave(1, 10, 1_000_000);
    story.singly.clear();
    // Three come to 1.6 GB while they wait, each from another height; a fourth begins there.
    for (device, first) in (1000..1004).zip([20_000_000, 90_000_000, 400_000_000, 1_600_000_000]) {
        story.receives(device, first);
        story.minute += 40;
        story.receives(device, 1_600_000_000);
        story.pass(180);
    }
    assert_eq!(story.singly, [1000, 1001, 1002, 1003]);
}

#[test]
fn a_larger_wave_within_a_wave_is_hardly_told_device_by_device() {
    let mut story = Story::default();
    story.wave(1, 12, 1_000_000);
    story.wave(100, 24, 45_000_000);
    story.pass(60);
    assert!(story.singly.len() <= 4, "{:?} were told singly", story.singly);
    assert!(story.listed.len() + story.beyond.len() >= 68, "{:?} {:?}", story.listed, story.beyond);
}

#[test]
fn a_flood_within_a_wave_is_an_event_of_its_own() {
    let mut story = Story::default();
    story.wave(1, 12, 1_000_000);
    story.singly.clear();
    // Twenty devices within twenty minutes, from 50 MB to 1.6 GB.
    for device in 1000..1020 {
        story.receives(device, 50_000_000 << (device % 6));
        story.pass(1);
    }
    story.wave(200, 2, 1_000_000);
    story.pass(60);
    assert_eq!(story.singly, [] as [u64; 0], "nobody alone");
    story.beyond.sort_unstable();
    assert_eq!(story.beyond, (1000..1020).collect::<Vec<_>>(), "the flood, and nobody of the wave");
    assert!((200..204).all(|device| story.listed.contains(&device)), "{:?}", story.listed);
}

#[test]
fn a_flood_of_very_different_devices_is_one_event() {
    let mut story = Story::default();
    // From 2 MB to 4 GB, evenly in octaves.
    for device in 1..=120_u64 {
        let octaves = 21.0 + (device * 47 % 120) as f64 / 120.0 * 11.0;
        story.receives(device, libm::exp2(octaves) as u64);
        story.pass(1);
    }
    story.pass(60);
    assert!(story.singly.len() <= 6, "{:?} were told singly", story.singly);
}

/// An update of 12 MB, of which one in six is an alarm; to be confirmed by 250 kB, which is an alarm for another one.
fn confirmed_wave(story: &mut Story, first: u64, hours: u64) {
    for device in first..first + 2 * hours {
        story.nearly(device, Direction::Received, 12_000_000);
        story.nearly(device, Direction::Sent, 250_000);
        match device % 6 {
            0 => story.receives(device, 12_000_000),
            3 => {
                let sent = Unusual { basis: Basis::SentHour, ..received(device, story.now(), 250_000) };
                story.alarm(&sent, 250_000);
            }
            _ => {}
        }
        story.pass(30);
    }
}

#[test]
fn a_wave_of_which_few_are_alarms_is_an_event() {
    let mut story = Story::default();
    confirmed_wave(&mut story, 1, 72);
    assert!(story.singly.len() <= 1, "{:?} were told singly", story.singly);
    assert!(story.listed.len() >= 46, "{} of 48 alarms are listed", story.listed.len());
}

#[test]
fn who_was_updated_is_told_for_what_an_update_does_not_explain() {
    let mut story = Story::default();
    confirmed_wave(&mut story, 1, 36);
    story.singly.clear();
    // Updated just now: a flood, and films; both were members, or nearly.
    for (device, bytes) in [(66, 900_000_000), (67, 900_000_000)] {
        let sent = Unusual { basis: Basis::SentHour, ..received(device, story.now(), bytes) };
        story.alarm(&sent, bytes);
    }
    // And the day before: what is about as much as an update, but not the same.
    for device in [6, 7] {
        story.pass(181);
        story.receives(device, 21_000_000);
    }
    story.pass(61);
    assert_eq!(story.singly, [66, 67, 6, 7]);
}

#[test]
fn what_is_nearly_an_alarm_says_nothing_of_what_is_not_the_same() {
    let mut story = Story::default();
    for device in 1..40 {
        story.nearly(device, Direction::Received, 12_000_000);
        story.pass(10);
    }
    story.receives(1000, 17_000_000);
    story.pass(30);
    assert_eq!((story.singly.as_slice(), story.listed.as_slice()), (&[1000][..], &[][..]));
}
