//! The fleet guard: alarms of many devices of a model at once are one event, not many. What an event does not explain, because
//! it is far larger than what most of its members do, is told all the same: nobody may hide in a wave of updates.

mod event;
mod start;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use fleetward_fleet::{DeviceId, Timestamp};
use serde::{Deserialize, Serialize};

use self::event::Event;
use self::start::{CAMPAIGN, Start, TOGETHER};
use crate::{Direction, ModelWide, Phase, Unusual};

/// At least this many devices make an event of the model. With more, a wave of updates in a model of some hundred devices, two
/// an hour, is told device by device.
const FEWEST: usize = 4;
/// And at least this part of the model's devices.
const PART: f64 = 0.005;
/// An event that goes on for longer than this many hours is what is usual now.
const LONGEST: u32 = 5 * 24;
/// Days of events, fading by half in eight weeks, after which no more are excused.
const EXCUSES: f64 = 10.0;
/// How long an alarm waits to see whether it is one of many, when others have begun too.
pub(crate) const WAIT: Duration = Duration::from_hours(1);
/// Memory of recent starts is bounded; a model that passes it has an event anyway.
const MOST: usize = 20_000;

/// Recent starts of alarms of one model and of what is nearly one, those that wait, and the events that go on: for each direction
/// one at most, because an update is received and a flood is sent, and one must not hide in the other; and one that is far larger
/// than that one.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Guard {
    recent: VecDeque<Start>,
    waiting: BTreeMap<DeviceId, (Timestamp, Unusual)>,
    events: Vec<Event>,
    /// Days excused of late, fading.
    excused: f64,
    day: u32,
}

/// Where an alarm belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is told by itself.
    Alone,
    /// It is told as part of an event, or with it.
    Event,
    /// Within [`WAIT`] more of its kind may come.
    Open,
}

impl Guard {
    /// An alarm of `unusual.device` begins or goes on in `hour`, in which (or in whose day) it `carried` so many bytes in the
    /// direction of the alarm; `devices` is how many the model has. Whether to tell it now: otherwise it waits, or is part of
    /// an event of the model.
    pub(crate) fn start(
        &mut self,
        (hour, carried): (u32, u64),
        now: Timestamp,
        unusual: &Unusual,
        devices: u32,
    ) -> bool {
        let this = Start::of(hour, unusual, carried);
        let place = if self.waiting.contains_key(&this.device) {
            // It has begun already: a start that moves on with it would make an event of whoever stays unusual for long.
            Place::Open
        } else {
            self.place(&this, now, devices)
        };
        match place {
            Place::Alone => true,
            Place::Event => false,
            // Evidence of another kind does not wait.
            Place::Open if unusual.is_supported => {
                self.waiting.remove(&this.device);
                true
            }
            Place::Open => {
                let (_, waiting) = self.waiting.entry(this.device).or_insert((now, *unusual));
                // It goes on while it waits: the most of it is told.
                if waiting.basis == unusual.basis && waiting.now < unusual.now {
                    *waiting = *unusual;
                }
                false
            }
        }
    }

    /// Where a start belongs; it is taken into the event that it is part of.
    fn place(&mut self, this: &Start, now: Timestamp, devices: u32) -> Place {
        let limits = self.limits(this);
        let by = self.explains(&limits, this);
        if let Some(at) = by.filter(|at| self.events[*at].goes_on_with(this)) {
            self.events[at].join(this);
            return Place::Event;
        }
        self.remember(*this);
        // Where events go on that do not explain it, only such starts count that they do not explain either.
        let above = by.is_none().then(|| limits.iter().map(|(_, limit)| *limit).fold(0.0, f64::max));
        let is_kin = |start: &Start| start.belongs_with(this) && above.is_none_or(|above| start.is_above(above));
        let together = self.recent.iter().filter(|start| is_kin(start)).count();
        let enough = enough(devices);
        let alarms = self.recent.iter().filter(|start| !start.is_faint && is_kin(start)).count();
        match by {
            Some(at) if alarms > enough / 2 => {
                self.events[at].joined_at = now;
                self.events[at].join(this);
                return Place::Event;
            }
            // A device is updated once.
            Some(at) if together > enough / 2 && !self.events[at].has(this.device) => {
                self.events[at].joined_at = now;
                self.events[at].nearly_join(this);
                return Place::Event;
            }
            None if together > enough / 2 => {
                let kin: Vec<Start> = self.recent.iter().filter(|start| is_kin(start)).copied().collect();
                if let Some(at) = limits.iter().map(|(at, _)| *at).find(|at| self.events[*at].grows(&kin)) {
                    self.events[at].joined_at = now;
                    self.take(at, &kin);
                    return Place::Event;
                }
                if together >= enough {
                    let is_part = self.gather(&kin, this, now, !limits.is_empty());
                    return if is_part { Place::Event } else { Place::Open };
                }
            }
            _ => {}
        }
        // What it does beside its part in an event of the other direction is told only as an event, where it is less.
        let beside = |event: &Event| event.direction != this.direction && self.is_beside(event, this);
        let is_unexplained = by.is_none() && !limits.is_empty();
        if self.events.iter().any(beside) {
            Place::Event
        } else if together > enough / 4 || is_unexplained {
            Place::Open
        } else {
            Place::Alone
        }
    }

    /// A device has in `hour` so much `above` its usual that it is nearly an alarm. Alarms are of its kind where they have about as
    /// much: of a wave of updates only some are alarms, and they would be told one by one.
    pub(crate) fn notice(&mut self, (hour, above): (u32, u64), device: DeviceId, direction: Direction) {
        if !self.waiting.contains_key(&device) {
            self.remember(Start::faint(hour, device, direction, above));
        }
    }

    /// The events of its direction, each with what it explains at most: octaves above the usual.
    fn limits(&self, this: &Start) -> Vec<(usize, f64)> {
        let events = self.events.iter().enumerate().filter(|(_, event)| event.direction == this.direction);
        events.map(|(at, event)| (at, event.limit())).collect()
    }

    /// Of these events the one that explains it, and best the one of which the device is a member.
    fn explains(&self, limits: &[(usize, f64)], this: &Start) -> Option<usize> {
        let is_member = |at: usize| self.events[at].has(this.device);
        let candidates = limits.iter().filter(|(_, limit)| !this.is_above(*limit)).map(|(at, _)| *at);
        candidates.clone().find(|at| is_member(*at)).or(candidates.min())
    }

    /// Whether a device does this beside its part in the event of another direction, or beside what is nearly an alarm and the event
    /// explains: an update is confirmed while it is received.
    fn is_beside(&self, event: &Event, this: &Start) -> bool {
        let is_nearly_part = |start: &&Start| {
            start.is_faint
                && start.device == this.device
                && start.direction == event.direction
                && start.has_beside(this)
        };
        event.has_beside(this) || self.recent.iter().filter(is_nearly_part).any(|start| !start.is_above(event.limit()))
    }

    fn remember(&mut self, this: Start) {
        self.recent.retain(|start| start.hour + CAMPAIGN >= this.hour && (this.is_faint || !start.is_of(&this)));
        match self.recent.iter_mut().find(|start| start.is_of(&this)) {
            Some(known) => known.go_on(&this),
            None => self.recent.push_back(this),
        }
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
        let near = |start: &&Start| start.hour.abs_diff(hour) <= TOGETHER && start.device != device && !start.is_faint;
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

    /// These are part of an event that goes on, whether they were before or wait.
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
        event.has(this.device)
    }
}

/// Devices that must begin together to be an event.
fn enough(devices: u32) -> usize {
    FEWEST.max((f64::from(devices) * PART) as usize)
}

#[cfg(test)]
mod tests;
