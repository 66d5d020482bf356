//! The fleet guard: alarms of many devices of a model at once are one event, not many.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
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
}

impl Start {
    fn of(hour: u32, unusual: &Unusual) -> Self {
        let excess = unusual.now.saturating_sub(unusual.usual_high).max(1);
        let direction = unusual.basis.direction();
        Self { hour, device: unusual.device, excess: libm::log2(excess as f64) as f32, direction }
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
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Event {
    since: u32,
    until: u32,
    direction: Option<Direction>,
    members: BTreeSet<DeviceId>,
    joined: Vec<DeviceId>,
    affected: u32,
    told: u32,
    told_at: u32,
    /// When it last grew, by the clock and not by the hours that it is about: some records come late.
    joined_at: Timestamp,
}

impl Guard {
    /// An alarm of `unusual.device` begins in `hour`; `devices` is how many the model has. Whether to tell it now: otherwise
    /// it waits, or is part of an event of the model.
    pub(crate) fn start(&mut self, hour: u32, now: Timestamp, unusual: &Unusual, devices: u32) -> bool {
        let this = Start::of(hour, unusual);
        let event = self.events.iter_mut().find(|event| event.direction == this.direction);
        if self.waiting.contains_key(&this.device) || event.is_some_and(|event| event.members.contains(&this.device)) {
            return false;
        }
        let is_again = |start: &Start| start.device == this.device && start.direction == this.direction;
        self.recent.retain(|start| start.hour + CAMPAIGN >= hour && !is_again(start));
        self.recent.push_back(this);
        if self.recent.len() > MOST {
            self.recent.pop_front();
        }
        let together = self.recent.iter().filter(|start| start.belongs_with(&this)).count();
        let enough = enough(devices);
        match self.events.iter_mut().find(|event| event.direction == this.direction) {
            Some(event) if together > enough / 2 => {
                event.join(hour, unusual.device);
                event.joined_at = now;
                return false;
            }
            None if together >= enough => {
                self.begin(&this, now);
                return false;
            }
            _ => {}
        }
        // What it does beside its part in an event of the other direction is told only as an event.
        if self.events.iter().any(|event| event.members.contains(&this.device)) {
            return false;
        }
        if together > enough / 4 && !unusual.is_supported {
            self.waiting.insert(unusual.device, (now, *unusual));
            return false;
        }
        true
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

    /// All that began together, told or waiting, become one event.
    fn begin(&mut self, this: &Start, now: Timestamp) {
        let mut event = Event {
            since: this.hour,
            until: this.hour,
            direction: this.direction,
            members: BTreeSet::new(),
            joined: Vec::new(),
            affected: 0,
            told: 0,
            told_at: 0,
            joined_at: now,
        };
        for start in self.recent.iter().filter(|start| start.belongs_with(this)) {
            event.join(start.hour, start.device);
            self.waiting.remove(&start.device);
        }
        self.events.push(event);
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

    fn join(&mut self, hour: u32, device: DeviceId) {
        self.since = self.since.min(hour);
        self.until = self.until.max(hour);
        if self.members.len() < MOST && self.members.insert(device) {
            self.affected += 1;
            if self.joined.len() < ModelWide::LISTED {
                self.joined.push(device);
            }
        }
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

    fn update_of(device: u64, at: Timestamp) -> Unusual {
        Unusual {
            device: DeviceId(device),
            metric: Metric::Bytes,
            basis: Basis::ReceivedHour,
            at,
            is_open: true,
            first: true,
            usual_low: 10_000,
            usual_high: 40_000,
            now: 12_000_000,
            days: 60,
            is_record: true,
            once_in_hours: 1_000_000,
            others_high: 0,
            devices: 300,
            is_supported: false,
        }
    }

    #[test]
    fn a_slow_wave_of_updates_in_a_small_model_is_hardly_told_device_by_device() {
        let (mut guard, mut singly, mut listed) = (Guard::default(), 0, 0);
        // Two devices an hour for three days, as when half of 300 are updated.
        for minute in (0..3 * 24 * 60).step_by(5) {
            let now = Timestamp::from_secs(1_795_000_000 + minute * 60);
            if minute % 30 == 0 {
                let hour = u32::try_from(now.secs() / 3600).unwrap();
                singly += u32::from(guard.start(hour, now, &update_of(minute.unsigned_abs() / 30 + 1, now), 300));
            }
            singly += u32::try_from(guard.release(now).len()).unwrap();
            listed += guard.tell(now, 300).iter().map(|wide| wide.joined.len()).sum::<usize>();
        }
        assert!(singly <= 2, "{singly} were told singly");
        assert!(listed >= 140, "{listed} of 144 are listed");
    }
}
