//! The device half: hours that are still open, and what the device learns when they close.

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

use crate::dice::{Dice, towards16};
use crate::evidence::SIGMA;
use crate::lane::{Closed, Lane};
use crate::octaves::{self, OCTAVE};
use crate::open::{OpenHours, oldest_open, spread};
use crate::pattern::Pattern;
use crate::week::{Slot, Week};
use crate::{Kind, Measure};

/// Idle hours that are worked through one by one; after a longer silence the rest teaches nothing more.
const IDLE: u32 = 14 * 24;
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
    week: Week,
    pattern: Pattern,
    /// What it sends, and what it receives.
    lanes: [Lane; 2],
    /// Hour of the first record.
    first: u32,
    /// Centre of the log-volume of all active hours.
    level: u16,
    /// Active hours so far.
    active: u16,
    /// Device-hours closed since the last measure of a closed hour.
    untold: u16,
    /// Days that are over, and those of them with traffic; at most 255.
    days: u8,
    busy: u8,
}

impl DeviceBaseline {
    /// Knows nothing yet; `first` is the time of the device's first record.
    pub fn new(first: Timestamp) -> Self {
        let base = oldest_open(first);
        Self {
            open: OpenHours::new(base),
            week: Week::default(),
            pattern: Pattern::default(),
            lanes: Default::default(),
            first: base,
            level: 0,
            active: 0,
            untold: 0,
            days: 0,
            busy: 0,
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
            let share = || (u128::from(part) * u128::from(traffic.up) / u128::from(bytes)) as u64;
            let sent = if part == bytes { traffic.up } else { share() };
            let lanes = [sent, part - sent];
            if self.open.add(hour, lanes) {
                self.early(hour, out);
            } else {
                self.active_hour(hour, lanes, out);
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
            let (hour, lanes) = self.open.close();
            self.untold = self.untold.saturating_add(1);
            if lanes == [0; 2] {
                self.week.was_idle(Slot::of(hour), self.dice(hour));
            } else {
                self.active_hour(hour, lanes, out);
            }
            if hour % 24 == 23 {
                self.close_day(hour, out);
            }
        }
    }

    /// Tells an open hour that is already above everything the device remembers in one direction, again after each octave.
    fn early(&mut self, hour: u32, out: &mut Vec<Measure>) {
        let lanes = self.open.bytes(hour);
        let above = |bytes: u64, lane: &Lane| {
            let octaves = octaves::from_bytes(bytes);
            if octaves > lane.hours().record.saturating_add(OCTAVE as u16 / 4) { octaves } else { 0 }
        };
        if self.open.tell([above(lanes[0], &self.lanes[0]), above(lanes[1], &self.lanes[1])]) {
            out.push(self.measure(hour, lanes, Kind::Open));
        }
    }

    fn active_hour(&mut self, hour: u32, lanes: [u64; 2], out: &mut Vec<Measure>) {
        let measure = self.measure(hour, lanes, Kind::Closed);
        if self.is_worth_telling(&measure) {
            out.push(measure);
            self.untold = 0;
        }
        if measure.active > 0 {
            let above = measure.octaves() - measure.centre();
            self.pattern.add_hour(above * SIGMA / i32::from(measure.spread));
        }
        self.learn(&measure);
        self.lanes.iter_mut().zip(lanes).for_each(|(lane, bytes)| lane.end_hour(bytes));
    }

    fn is_worth_telling(&self, measure: &Measure) -> bool {
        u32::from(measure.days) < YOUNG || measure.is_near_record(OCTAVE / 4) || self.dice(measure.hour).hits(1, SAMPLE)
    }

    fn measure(&self, hour: u32, [sent, received]: [u64; 2], kind: Kind) -> Measure {
        let days = hour.saturating_sub(self.first) / 24;
        let usual = |hour| self.week.usual(Slot::of(hour), days);
        Measure {
            sent,
            received,
            hour,
            hours: self.untold,
            days: days.min(65_535) as u16,
            kind,
            usual: [usual(hour.saturating_sub(1)), usual(hour), usual(hour + 1)],
            spread: (self.week.spread(Slot::of(hour)) * 5 / 4) as u16,
            level: self.level,
            busy_days: self.busy,
            active: self.active,
            lanes: [self.lanes[0].hours(), self.lanes[1].hours()],
            ..Measure::EMPTY
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
        self.learn_level(near, dice);
    }

    fn learn_level(&mut self, near: i32, dice: Dice) {
        self.active = self.active.saturating_add(1);
        let rate = u32::from(self.active).min(256);
        self.level = towards16(self.level, near, rate, dice.again());
    }

    fn close_day(&mut self, hour: u32, out: &mut Vec<Measure>) {
        let dice = self.dice(hour);
        self.days = self.days.saturating_add(1);
        if !self.lanes.iter().any(Lane::is_busy) {
            self.pattern.rest();
            self.lanes.iter_mut().for_each(|lane| lane.rest(self.days, dice));
            return;
        }
        let before = self.busy;
        self.busy = self.busy.saturating_add(1);
        let days = (self.days, self.busy);
        let lanes: [Closed; 2] = self.lanes.each_mut().map(|lane| lane.close(days, dice.again()));
        let mut measure = self.measure(hour - 23, lanes.map(|lane| lane.bytes), Kind::Day);
        (measure.hours, measure.busy_days) = (24, before);
        measure.lanes = lanes.map(|lane| lane.known);
        let more = lanes[0].more.saturating_add(lanes[1].more);
        measure.drifts = [0, 1].map(|lane| self.lanes[lane].judge(&lanes[lane], self.days, more, dice.again()));
        measure.means = self.lanes.each_ref().map(Lane::mean_day);
        measure.pattern = self.pattern.close(self.busy, measure.octaves() as u16);
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
