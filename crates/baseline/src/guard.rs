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

/// Recent starts of alarms of one model, those that wait, and the events that go on: for each direction one at most, because
/// an update is received and a flood is sent, and one must not hide in the other; and one that is far larger than that one.
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
        apart <= TOGETHER || apart <= CAMPAIGN && f64::from((self.excess - other.excess).abs()) <= ALIKE
    }

    /// Whether it has more than so many octaves above its usual.
    fn is_above(&self, octaves: f64) -> bool {
        f64::from(self.excess) > octaves
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Event {
    since: u32,
    until: u32,
    direction: Option<Direction>,
    /// It began while another of its direction went on that does not explain it.
    is_beyond: bool,
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
        let limits: Vec<(usize, f64)> = (self.events.iter().enumerate())
            .filter(|(_, event)| event.direction == this.direction)
            .map(|(at, event)| (at, event.limit()))
            .collect();
        let explains = |limit: f64| f64::from(this.excess) <= limit;
        let is_member = |at: usize| self.events[at].members.contains_key(&this.device);
        let candidates = limits.iter().filter(|(_, limit)| explains(*limit)).map(|(at, _)| *at);
        let by = candidates.clone().find(|at| is_member(*at)).or(candidates.min());
        if let Some(at) = by.filter(|at| is_member(*at)) {
            self.events[at].join(&this);
            return false;
        }
        self.remember(this);
        // Where events go on that do not explain it, only such starts count that they do not explain either.
        let above = by.is_none().then(|| limits.iter().map(|(_, limit)| *limit).fold(0.0, f64::max));
        let is_kin = |start: &Start| start.belongs_with(&this) && above.is_none_or(|above| start.is_above(above));
        let together = self.recent.iter().filter(|start| is_kin(start)).count();
        let enough = enough(devices);
        match by {
            Some(at) if together > enough / 2 => {
                self.events[at].joined_at = now;
                self.events[at].join(&this);
                return false;
            }
            None if together > enough / 2 => {
                let kin: Vec<Start> = self.recent.iter().filter(|start| is_kin(start)).copied().collect();
                if let Some(at) = limits.iter().map(|(at, _)| *at).find(|at| self.events[*at].grows(&kin)) {
                    self.events[at].joined_at = now;
                    self.take(at, &kin);
                    return false;
                }
                if together >= enough {
                    if !self.gather(&kin, &this, now, !limits.is_empty()) {
                        self.waiting.insert(unusual.device, (now, *unusual));
                    }
                    return false;
                }
            }
            _ => {}
        }
        // What it does beside its part in an event of the other direction is told only as an event.
        let beside = |event: &Event| event.direction != this.direction && event.members.contains_key(&this.device);
        if self.events.iter().any(beside) {
            return false;
        }
        let is_unexplained = by.is_none() && !limits.is_empty();
        if (together > enough / 4 || is_unexplained) && !unusual.is_supported {
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
        let is_over = |event: &Event| {
            let same = |wide: &ModelWide| (wide.direction, wide.is_beyond) == (event.direction, event.is_beyond);
            told.iter().any(|wide| wide.phase == Phase::Over && same(wide))
        };
        self.events.retain(|event| !is_over(event));
        told
    }

    fn take(&mut self, at: usize, kin: &[Start]) {
        for start in kin {
            self.events[at].join(start);
            self.waiting.remove(&start.device);
        }
    }

    /// All that began together, told or waiting, become one event, but for those that it does not explain; or part of the one
    /// that is beyond another, where there is one. Whether it explains `this`.
    fn gather(&mut self, kin: &[Start], this: &Start, now: Timestamp, is_beyond: bool) -> bool {
        let is_same = |event: &Event| event.direction == this.direction && event.is_beyond;
        let at = self.events.iter().position(|event| is_beyond && is_same(event)).unwrap_or(self.events.len());
        if at == self.events.len() {
            self.events.push(Event::new(this, now, is_beyond));
        }
        let event = &mut self.events[at];
        event.joined_at = now;
        let before = event.affected;
        for start in kin {
            event.join(start);
        }
        let limit = event.limit();
        for start in kin {
            if before == 0 && start.is_above(limit) {
                event.leave(start.device);
            } else {
                self.waiting.remove(&start.device);
            }
        }
        event.members.contains_key(&this.device)
    }
}

impl Event {
    fn new(first: &Start, now: Timestamp, is_beyond: bool) -> Self {
        Self {
            since: first.hour,
            until: first.hour,
            direction: first.direction,
            is_beyond,
            members: BTreeMap::new(),
            heights: Vec::new(),
            joined: Vec::new(),
            affected: 0,
            told: 0,
            told_at: 0,
            joined_at: now,
        }
    }

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
            is_beyond: self.is_beyond,
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

    /// Whether most of these are members already, so that it is the event itself that grows: its hours are told while they are
    /// open.
    fn grows(&self, kin: &[Start]) -> bool {
        kin.iter().filter(|start| self.members.contains_key(&start.device)).count() * 2 >= kin.len()
    }

    /// How much above the usual it explains, in octaves. By the median of its members and what lies below it, because those
    /// that have more for a reason of their own must not vouch for each other.
    fn limit(&self) -> f64 {
        let (Some(low), Some(median)) = (self.height(0.2), self.height(0.5)) else { return f64::INFINITY };
        median + BEYOND.max(APART * (median - low))
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
}
