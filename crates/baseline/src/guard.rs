//! The fleet guard: alarms of many devices of a model at once are one event, not many. What an event does not explain, because
//! it is far larger than what most of its members do, is told all the same: nobody may hide in a wave of updates.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use fleetward_fleet::{DeviceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Direction, ModelWide, Phase, Unusual};

/// Alarms start together if their hours lie within this many of each other.
const TOGETHER: u32 = 2;
/// At least this many devices make an event of the model. With more, a wave of updates in a model of some hundred devices, two
/// an hour, is told device by device.
const FEWEST: usize = 4;
/// And at least this part of the model's devices.
const PART: f64 = 0.005;
/// Alarms with about the same excess are one event even when they begin over a day: a campaign of updates.
const CAMPAIGN: u32 = 24;
/// The same excess: within this many octaves.
const ALIKE: f64 = 0.75;
/// An event is over when nobody joined for this long: a day is judged after its end, and belongs to the event that was in it.
const QUIET: Duration = Duration::from_hours(30);
/// An event that goes on for longer than this many hours is what is usual now.
const LONGEST: u32 = 5 * 24;
/// Days of events, fading by half in eight weeks, after which no more are excused.
const EXCUSES: f64 = 10.0;
/// How long an alarm waits to see whether it is one of many, when others have begun too.
pub(crate) const WAIT: Duration = Duration::from_hours(1);
/// What a device has above its usual is not explained by an event whose members mostly have so many octaves less, or so many
/// times as much less as the lower of them lie apart: somebody's films are no part of a wave of updates.
const BEYOND: f64 = 1.5;
const APART: f64 = 3.0;
/// Heights within an event are counted by quarters of an octave.
const QUARTERS: f32 = 4.0;
/// Memory of recent starts is bounded; a model that passes it has an event anyway.
const MOST: usize = 20_000;

/// Recent starts of alarms of one model, those that wait, and the events that go on: one for each direction at most, because
/// an update is received and a flood is sent, and one must not hide in the other.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Guard {
    recent: VecDeque<Start>,
    waiting: BTreeMap<DeviceId, (Timestamp, Unusual)>,
    events: Vec<Event>,
    /// Days excused of late, fading.
    excused: f64,
    day: u32,
}

/// An alarm began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Start {
    hour: u32,
    device: DeviceId,
    /// log2 of the bytes above the usual.
    excess: f32,
    direction: Option<Direction>,
    /// Its mean of some days has risen, which is another height than that of an hour or a day.
    is_slow: bool,
}

impl Start {
    fn of(hour: u32, unusual: &Unusual, carried: u64) -> Self {
        let excess = unusual.now.max(carried).saturating_sub(unusual.usual_high).max(1);
        let direction = unusual.basis.direction();
        let is_slow = unusual.basis.is_slow();
        Self { hour, device: unusual.device, excess: libm::log2(excess as f64) as f32, direction, is_slow }
    }

    /// The excess in quarters of an octave, of at most 64; 0 where it is not that of an hour or a day.
    fn height(&self) -> u8 {
        if self.is_slow { 0 } else { (self.excess * QUARTERS).max(1.0) as u8 }
    }

    /// Whether both are likely to have the same cause.
    fn belongs_with(&self, other: &Self) -> bool {
        // An update is received, a flood is sent: one does not hide the other.
        if self.direction != other.direction {
            return false;
        }
        let apart = self.hour.abs_diff(other.hour);
        apart <= TOGETHER || apart <= CAMPAIGN && self.is_like(other)
    }

    fn is_like(&self, other: &Self) -> bool {
        f64::from((self.excess - other.excess).abs()) <= ALIKE
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Event {
    since: u32,
    until: u32,
    direction: Option<Direction>,
    members: BTreeMap<DeviceId, u8>,
    /// How many members have at most so much above their usual, by quarters of an octave; at 0 those of whom it is not known.
    heights: Vec<u32>,
    joined: Vec<DeviceId>,
    affected: u32,
    told: u32,
    told_at: u32,
    /// When it last grew, by the clock and not by the hours that it is about: some records come late.
    joined_at: Timestamp,
}

impl Guard {
    /// An alarm of `unusual.device` begins in `hour`, in which (or in whose day) it `carried` so many bytes in the direction of
    /// the alarm; `devices` is how many the model has. Whether to tell it now: otherwise it waits, or is part of an event of
    /// the model.
    pub(crate) fn start(
        &mut self,
        (hour, carried): (u32, u64),
        now: Timestamp,
        unusual: &Unusual,
        devices: u32,
    ) -> bool {
        let this = Start::of(hour, unusual, carried);
        if self.waiting.contains_key(&this.device) {
            return false;
        }
        let event = self.events.iter().position(|event| event.direction == this.direction);
        let is_explained = event.is_none_or(|at| self.events[at].explains(&this));
        if let (Some(at), true) = (event, is_explained)
            && self.events[at].members.contains_key(&this.device)
        {
            self.events[at].join(&this);
            return false;
        }
        self.remember(this);
        let is_kin = |start: &Start| start.belongs_with(&this) && (is_explained || start.is_like(&this));
        let together = self.recent.iter().filter(|start| is_kin(start)).count();
        let enough = enough(devices);
        match event {
            Some(at) if together > enough / 2 => {
                self.join(at, &this, now, is_explained);
                return false;
            }
            None if together >= enough => {
                if !self.begin(&this, now) {
                    self.waiting.insert(unusual.device, (now, *unusual));
                }
                return false;
            }
            _ => {}
        }
        // What it does beside its part in an event of the other direction is told only as an event.
        let beside = |event: &Event| event.direction != this.direction && event.members.contains_key(&this.device);
        if self.events.iter().any(beside) {
            return false;
        }
        if (together > enough / 4 || !is_explained) && !unusual.is_supported {
            self.waiting.insert(unusual.device, (now, *unusual));
            return false;
        }
        true
    }

    fn remember(&mut self, this: Start) {
        let is_again = |start: &Start| start.device == this.device && start.direction == this.direction;
        self.recent.retain(|start| start.hour + CAMPAIGN >= this.hour && !is_again(start));
        self.recent.push_back(this);
        if self.recent.len() > MOST {
            self.recent.pop_front();
        }
    }

    /// One more in an event that goes on; where it did not explain this one until enough were like it, these too.
    fn join(&mut self, at: usize, this: &Start, now: Timestamp, is_explained: bool) {
        let event = &mut self.events[at];
        event.joined_at = now;
        event.join(this);
        if !is_explained {
            for start in self.recent.iter().filter(|start| start.belongs_with(this) && start.is_like(this)) {
                event.join(start);
                self.waiting.remove(&start.device);
            }
        }
    }

    /// Whether a model-wide event explains what happens, so that it teaches nothing. After five days it is the new usual.
    pub(crate) fn excuses(&self, now: Timestamp) -> bool {
        let hour = u32::try_from(now.secs() / 3600).unwrap_or(0);
        self.excused < EXCUSES && self.events.iter().any(|event| hour < event.since + LONGEST)
    }

    /// Counts the days that are excused: a model that has an event every week has a wrong threshold, and must learn.
    fn count(&mut self, now: Timestamp) {
        let day = u32::try_from(now.secs() / 86_400).unwrap_or(0);
        if day > self.day {
            self.day = day;
            self.excused = self.excused * 0.987_7 + if self.excuses(now) { 1.0 } else { 0.0 };
        }
    }

    /// Other devices whose alarm began within two hours.
    pub(crate) fn others(&self, hour: u32, device: DeviceId) -> u32 {
        let near = |start: &&Start| start.hour.abs_diff(hour) <= TOGETHER && start.device != device;
        self.recent.iter().filter(near).count() as u32
    }

    /// Alarms that have waited long enough without becoming an event.
    pub(crate) fn release(&mut self, now: Timestamp) -> Vec<Unusual> {
        let due: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, (since, _))| now.since(*since) >= WAIT)
            .map(|(device, _)| *device)
            .collect();
        due.iter().filter_map(|device| self.waiting.remove(device)).map(|(_, unusual)| unusual).collect()
    }

    /// What is to be told about the events, if anything.
    pub(crate) fn tell(&mut self, now: Timestamp, devices: u32) -> Vec<ModelWide> {
        self.count(now);
        let told: Vec<ModelWide> = self.events.iter_mut().filter_map(|event| event.tell(now, devices)).collect();
        let is_over =
            |event: &Event| told.iter().any(|wide| wide.phase == Phase::Over && wide.direction == event.direction);
        self.events.retain(|event| !is_over(event));
        told
    }

    /// All that began together, told or waiting, become one event, but for those that it does not explain. Whether it explains
    /// `this`.
    fn begin(&mut self, this: &Start, now: Timestamp) -> bool {
        let mut event = Event {
            since: this.hour,
            until: this.hour,
            direction: this.direction,
            members: BTreeMap::new(),
            heights: Vec::new(),
            joined: Vec::new(),
            affected: 0,
            told: 0,
            told_at: 0,
            joined_at: now,
        };
        let kin: Vec<Start> = self.recent.iter().filter(|start| start.belongs_with(this)).copied().collect();
        for start in &kin {
            event.join(start);
        }
        for start in &kin {
            if event.explains(start) {
                self.waiting.remove(&start.device);
            } else {
                event.leave(start.device);
            }
        }
        let is_in = event.members.contains_key(&this.device);
        self.events.push(event);
        is_in
    }
}

impl Event {
    /// What is to be told of it now; when it is over, it has been told for the last time.
    fn tell(&mut self, now: Timestamp, devices: u32) -> Option<ModelWide> {
        let hour = u32::try_from(now.secs() / 3600).unwrap_or(0);
        let phase = if self.told == 0 {
            Phase::Began
        } else if self.affected > self.told && hour > self.told_at {
            Phase::Grew
        } else if now.since(self.joined_at) > QUIET {
            Phase::Over
        } else {
            return None;
        };
        (self.told, self.told_at) = (self.affected, hour);
        Some(ModelWide {
            model: crate::ModelKey::NONE,
            metric: crate::Metric::Bytes,
            phase,
            direction: self.direction,
            since: Timestamp::from_secs(i64::from(self.since) * 3600),
            until: Timestamp::from_secs(i64::from(self.until) * 3600),
            joined: std::mem::take(&mut self.joined),
            affected: self.affected,
            devices,
        })
    }

    /// Takes a device in, or learns that it has more above its usual than before.
    fn join(&mut self, start: &Start) {
        self.since = self.since.min(start.hour);
        self.until = self.until.max(start.hour);
        let height = start.height();
        if let Some(before) = self.members.get(&start.device).copied() {
            self.measure(start.device, height.max(before));
        } else if self.members.len() < MOST {
            self.measure(start.device, height);
            self.affected += 1;
            if self.joined.len() < ModelWide::LISTED {
                self.joined.push(start.device);
            }
        }
    }

    fn measure(&mut self, device: DeviceId, height: u8) {
        self.heights.resize(usize::from(u8::MAX) + 1, 0);
        if let Some(before) = self.members.insert(device, height) {
            self.heights[usize::from(before)] -= 1;
        }
        self.heights[usize::from(height)] += 1;
    }

    /// It is no part of it, as is seen before anybody was told of it.
    fn leave(&mut self, device: DeviceId) {
        if let Some(height) = self.members.remove(&device) {
            self.heights[usize::from(height)] -= 1;
            self.affected -= 1;
            self.joined.retain(|joined| *joined != device);
        }
    }

    /// Whether the members have about as much above their usual as this device, or more. By their median and what lies below
    /// it, because those that have more for a reason of their own must not vouch for each other.
    fn explains(&self, start: &Start) -> bool {
        let (Some(low), Some(median)) = (self.height(0.2), self.height(0.5)) else { return true };
        f64::from(start.excess) <= median + BEYOND.max(APART * (median - low))
    }

    /// What this part of the members does not have above the usual, in octaves, of those of whom an hour or a day is known;
    /// `None` where these are few.
    fn height(&self, part: f64) -> Option<f64> {
        let known = self.heights.get(1..)?;
        let count: u32 = known.iter().sum();
        let wanted = ((part * f64::from(count)) as u32).max(1);
        let mut passed = 0;
        let reaches = |count: &u32| {
            passed += count;
            passed >= wanted
        };
        let at = known.iter().position(reaches).filter(|_| count as usize >= FEWEST)?;
        Some((at + 1) as f64 / f64::from(QUARTERS))
    }
}

/// Devices that must begin together to be an event.
fn enough(devices: u32) -> usize {
    FEWEST.max((f64::from(devices) * PART) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Basis, Metric};

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

        fn pass(&mut self, minutes: i64) {
            self.minute += minutes;
            let now = self.now();
            self.singly.extend(self.guard.release(now).iter().map(|unusual| unusual.device.0));
            let told = self.guard.tell(now, DEVICES);
            self.listed.extend(told.iter().flat_map(|wide| &wide.joined).map(|device| device.0));
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
    fn a_larger_wave_within_a_wave_is_hardly_told_device_by_device() {
        let mut story = Story::default();
        story.wave(1, 12, 1_000_000);
        story.wave(100, 24, 45_000_000);
        story.pass(60);
        assert!(story.singly.len() <= 4, "{:?} were told singly", story.singly);
        assert!(story.listed.len() >= 68, "{} of 72 are listed", story.listed.len());
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
}
