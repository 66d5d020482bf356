//! The device half: hours that are still open, and what the device learns when they close.

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

use crate::days::{Days, Evidence, SIGMA};
use crate::dice::{Dice, towards16};
use crate::octaves::{self, OCTAVE};
use crate::open::{OpenHours, oldest_open, spread};
use crate::week::{Slot, Usual, Week};
use crate::{Kind, Measure};

/// Idle hours that are worked through one by one; after a longer silence the rest teaches nothing more.
const IDLE: u32 = 14 * 24;
/// The record of an hour loses this much a day: an octave in 51 days.
const FADE: u16 = 5;
/// Days in which every hour is told to the model half.
const YOUNG: u32 = 7;
/// After that one in this many ordinary hours is told.
const SAMPLE: u32 = 8;

/// What one record adds to a device's traffic. Deltas, not counters: the caller removes duplicates and resets.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes sent by the device.
    pub up: u64,
    /// Bytes sent to the device.
    pub down: u64,
    /// When the session's previous record was, if the bytes gathered since then: they are spread over the hours between.
    pub since: Option<Timestamp>,
    /// Whether the record began a session.
    pub started: bool,
}

/// What one device has taught about itself. Fixed size, no pointers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceBaseline {
    open: OpenHours,
    days: Days,
    week: Week,
    /// Hour of the first record.
    first: u32,
    /// Centre of the log-volume of all active hours.
    level: u16,
    /// Active hours so far.
    active: u16,
    /// The highest hour, fading.
    record: u16,
    /// Device-hours closed since the last measure of a closed hour.
    untold: u16,
}

impl DeviceBaseline {
    /// Knows nothing yet; `first` is the time of the device's first record.
    pub fn new(first: Timestamp) -> Self {
        let base = oldest_open(first);
        Self {
            open: OpenHours::new(base),
            days: Days::default(),
            week: Week::default(),
            first: base,
            level: 0,
            active: 0,
            record: 0,
            untold: 0,
        }
    }

    /// One record. `at` is its event time; records may come in any order within ten minutes of each other.
    /// Closes the hours and days that are over by `at` and appends what they measured to `out`.
    pub fn add(&mut self, at: Timestamp, traffic: &Traffic, out: &mut Vec<Measure>) {
        self.pass(at, out);
        let bytes = traffic.up.saturating_add(traffic.down);
        if bytes == 0 {
            return;
        }
        spread(traffic.since, at, bytes, |hour, part| {
            if self.open.add(hour, part) {
                self.early(hour, out);
            } else {
                self.active_hour(hour, part, out);
            }
        });
    }

    /// Time passed: closes the hours and days that are over. Calling it at every tick or only now and then gives the
    /// same measures.
    pub fn pass(&mut self, now: Timestamp, out: &mut Vec<Measure>) {
        let until = oldest_open(now);
        if until <= self.open.oldest() {
            return;
        }
        if until - self.open.oldest() > IDLE {
            self.close_until(self.open.oldest() + IDLE, out);
            self.open.skip_to(until);
        }
        self.close_until(until, out);
    }

    /// Before this time [`Self::pass`] does nothing: the next hour closes then. Waiting longer is fine too, it only makes
    /// the measures later.
    pub fn due(&self) -> Timestamp {
        self.open.due()
    }

    /// Whole days of learning, for "learning, day 3 of 14".
    pub fn days(&self, now: Timestamp) -> u32 {
        oldest_open(now).saturating_sub(self.first) / 24
    }

    fn close_until(&mut self, until: u32, out: &mut Vec<Measure>) {
        while self.open.oldest() < until {
            let (hour, bytes) = self.open.close();
            self.untold = self.untold.saturating_add(1);
            if bytes == 0 {
                self.week.was_idle(Slot::of(hour), self.dice(hour));
            } else {
                self.active_hour(hour, bytes, out);
            }
            if hour % 24 == 23 {
                self.close_day(hour, out);
            }
        }
    }

    /// Tells an open hour that is already above everything the device remembers, again after each octave.
    fn early(&mut self, hour: u32, out: &mut Vec<Measure>) {
        let bytes = self.open.bytes(hour);
        let octaves = octaves::from_bytes(bytes);
        if octaves <= self.record.saturating_add(OCTAVE as u16 / 4) || !self.open.tell(octaves) {
            return;
        }
        let measure = self.measure(hour, bytes, Kind::Open);
        if measure.deviations() > 3.0 {
            out.push(measure);
        }
    }

    fn active_hour(&mut self, hour: u32, bytes: u64, out: &mut Vec<Measure>) {
        let measure = self.measure(hour, bytes, Kind::Closed);
        if self.is_worth_telling(&measure) {
            out.push(measure);
            self.untold = 0;
        }
        if measure.active > 0 {
            let above = measure.octaves() - measure.centre();
            self.days.add_hour(above * SIGMA / i32::from(measure.spread));
        }
        self.learn(&measure);
        self.days.add(bytes);
        self.days.end_hour(octaves::from_bytes(bytes));
    }

    fn is_worth_telling(&self, measure: &Measure) -> bool {
        u32::from(measure.days) < YOUNG
            || measure.octaves() > i32::from(self.record) - OCTAVE / 4
            || self.dice(measure.hour).hits(1, SAMPLE)
    }

    fn measure(&self, hour: u32, bytes: u64, kind: Kind) -> Measure {
        let days = hour.saturating_sub(self.first) / 24;
        let usual = |hour| self.week.usual(Slot::of(hour), days);
        Measure {
            bytes,
            hour,
            hours: self.untold,
            days: days.min(65_535) as u16,
            kind,
            usual: [usual(hour.saturating_sub(1)), usual(hour), usual(hour + 1)],
            spread: (self.week.spread(Slot::of(hour)) * 5 / 4) as u16,
            level: self.level,
            busiest: self.days.busiest().centre,
            variety: self.days.busiest().spread,
            busy_days: self.days.busiest().days,
            active: self.active,
            record: self.record,
            volume: Evidence::default(),
            pattern: Evidence::default(),
        }
    }

    fn learn(&mut self, measure: &Measure) {
        let dice = self.dice(measure.hour);
        let octaves = measure.octaves();
        let centre = if measure.active == 0 { octaves } else { measure.centre() };
        // Winsorised: a burst moves the centre no further than three deviations would. While little is known, more.
        let doubt = OCTAVE * 4 / (1 + i32::from(measure.active) / 8);
        let limit = i32::from(measure.spread) * 3 + doubt;
        let near = octaves.clamp(centre - limit, centre + limit);
        let own = measure.usual[1];
        let expected = if own.weight == 0 { centre } else { i32::from(own.centre) };
        let rate = u32::from(own.weight).clamp(1, 8);
        self.week.was_active(Slot::of(measure.hour), near, expected, rate, dice);
        self.learn_level(octaves, near, dice);
    }

    fn learn_level(&mut self, octaves: i32, near: i32, dice: Dice) {
        self.active = self.active.saturating_add(1);
        let rate = u32::from(self.active).min(256);
        self.level = towards16(self.level, near, rate, dice.again());
        self.record = self.record.max(octaves.clamp(0, 65_535) as u16);
    }

    fn close_day(&mut self, hour: u32, out: &mut Vec<Measure>) {
        self.record = self.record.saturating_sub(FADE);
        let Some(day) = self.days.close(Slot::of(hour).day, self.dice(hour)) else { return };
        let mut measure = self.measure(hour - 23, day.bytes, Kind::Day);
        measure.hours = 24;
        measure.usual = [Usual::default(), day.usual, Usual::default()];
        (measure.spread, measure.record) = (day.spread, day.record);
        (measure.volume, measure.pattern) = (day.volume, day.pattern);
        out.push(measure);
    }

    fn dice(&self, hour: u32) -> Dice {
        Dice::of(hour ^ (self.first << 12), u32::from(self.level) << 16 | u32::from(self.active))
    }
}

#[cfg(test)]
mod m4;
#[cfg(test)]
mod tests;
