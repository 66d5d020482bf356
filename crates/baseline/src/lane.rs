//! One direction of a device's traffic: what it sends, or what it receives. A device that is a heavy user in one direction is
//! none in the other: a camera receives next to nothing, a car hardly sends.

use serde::{Deserialize, Serialize};

use crate::busiest::Busiest;
use crate::dice::{Dice, towards};
use crate::evidence::{Evidence, SIGMA};
use crate::octaves::{self, OCTAVE};

/// Bytes are counted in these.
pub(crate) const UNIT: u64 = 64;
/// Days of the short mean.
const WEEK: u32 = 7;
/// And of the long one.
const BASE: u32 = 56;
/// A day counts no more than so many mean days, or so much (in [`UNIT`]): one burst is the business of hours and days.
const BURST: (u32, u32) = (5, 16);
/// Days in which bursts count whole, because no mean is known.
const FIRST: u8 = 4;
/// Deviation of a day, at least, and of the short mean from the long one: very regular devices have legitimate steps too, and
/// a factor of two must still differ from a factor of three.
const NARROWEST: i32 = OCTAVE * 3 / 10;
/// The same before anything is known, 1/32 octaves.
const UNKNOWN: u8 = 12;
/// While the long mean rests on few days, both means are uncertain: after so many days half as much again.
const DOUBT: i32 = 14;
/// Evidence above which nothing is learnt upwards.
const SUSPICIOUS: i16 = 2 * SIGMA as i16;
/// Days after which what is known holds against what is suspicious.
const SETTLED: u8 = 14;
/// Days after which a new level is taken for the new normal.
const ACCEPT: u8 = 14;
/// A record loses this much a day: an octave in 51 days.
const FADE: u16 = 5;

/// What one direction has taught.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lane {
    /// Of the day so far, in [`UNIT`].
    today: u32,
    /// Mean of its days of late and of all of two months, in [`UNIT`]. Linear, so that days without any are no deviation of
    /// a device that rests now and then.
    week: u32,
    base: u32,
    /// The highest hour and the highest day, fading. *octaves*
    record: u16,
    day_record: u16,
    busiest: Busiest,
    /// Evidence that its days have moved up: how far the short mean lies above the long one.
    drift: Evidence,
    /// Mean distance of the two means, and of a day from the long one, 1/32 octaves.
    spread: u8,
    day_spread: u8,
    /// Days in a row with suspicious evidence.
    suspicious: u8,
}

/// What is known about one direction of an hour or a day before it teaches: where it usually lies, how much that varies, and
/// the highest before. *octaves*
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) centre: u16,
    pub(crate) spread: u16,
    pub(crate) record: u16,
}

/// A day of one direction that is over.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Closed {
    pub(crate) bytes: u64,
    pub(crate) known: Known,
    /// Bytes that a day of late has above the usual.
    pub(crate) more: u64,
    /// What counts of it, in [`UNIT`].
    today: u32,
}

impl Lane {
    /// What is known about the busiest hours of its days.
    pub(crate) fn hours(&self) -> Known {
        Known { centre: self.busiest.centre, spread: self.busiest.spread, record: self.record }
    }

    /// The mean of a day of late, in bytes.
    pub(crate) fn mean_day(&self) -> u64 {
        u64::from(self.week) * UNIT
    }

    /// Whether there was any today.
    pub(crate) fn is_busy(&self) -> bool {
        self.today > 0
    }

    /// An hour is over.
    pub(crate) fn end_hour(&mut self, bytes: u64) {
        let octaves = octaves::from_bytes(bytes);
        self.record = self.record.max(octaves);
        self.busiest.add_hour(octaves);
        self.today = self.today.saturating_add(units(bytes));
    }

    /// A day without traffic in any direction is over. `days`: how many were, with this one.
    pub(crate) fn rest(&mut self, days: u8, dice: Dice) {
        self.fade();
        self.move_week(0, days, dice);
        self.gather(days, 0);
        self.move_base(0, days, dice);
    }

    /// A day is over. `days`: how many were, with this one, and how many of them had traffic. [`Self::judge`] comes next.
    pub(crate) fn close(&mut self, (days, busy): (u8, u8), dice: Dice) -> Closed {
        self.fade();
        let today = std::mem::take(&mut self.today);
        let bytes = u64::from(today) * UNIT;
        let octaves = octaves::from_bytes(bytes);
        self.busiest.close(busy, dice.again());
        let known = Known {
            centre: log(self.base),
            spread: (i32::from(self.day_spread) * 8).max(NARROWEST) as u16,
            record: self.day_record,
        };
        if busy > 1 {
            let miss = (i32::from(octaves) - i32::from(known.centre)).abs() / 8;
            let rate = u32::from(busy).min(24);
            self.day_spread = towards(self.day_spread, miss.clamp(1, 255), rate, dice.again().again());
        }
        self.day_record = self.day_record.max(octaves);
        let today = self.move_week(today, days, dice);
        Closed { bytes, today, known, more: u64::from(self.week.saturating_sub(self.base)) * UNIT }
    }

    /// After [`Self::close`] of both directions: the evidence that its days have moved up. `more`: bytes a day above the usual,
    /// in both directions, because that is what matters to somebody.
    pub(crate) fn judge(&mut self, closed: &Closed, days: u8, more: u64, dice: Dice) -> Evidence {
        self.gather(days, octaves::from_bytes(more));
        self.move_base(closed.today, days, dice);
        self.drift
    }

    fn fade(&mut self) {
        self.record = self.record.saturating_sub(FADE);
        self.day_record = self.day_record.saturating_sub(FADE);
    }

    /// Returns what counts of the day.
    fn move_week(&mut self, today: u32, days: u8, dice: Dice) -> u32 {
        let most = if days <= FIRST { u32::MAX } else { self.base.saturating_mul(BURST.0).max(BURST.1) };
        let today = today.min(most);
        self.week = mean(self.week, today, u32::from(days).min(WEEK), dice);
        today
    }

    fn gather(&mut self, days: u8, weight: u16) {
        let doubtful = self.sigma() * (i32::from(days) + DOUBT) / i32::from(days.max(1));
        self.drift.set(if days < 3 { 0 } else { self.above() * SIGMA / doubtful }, weight);
        self.suspicious = if self.drift.now > SUSPICIOUS { self.suspicious + 1 } else { 0 };
        if self.suspicious > ACCEPT {
            self.suspicious = 0;
            self.drift.settle();
            self.base = self.week;
        }
    }

    fn move_base(&mut self, today: u32, days: u8, dice: Dice) {
        if self.suspicious > 0 && days > SETTLED {
            return;
        }
        let miss = (self.above().abs().min(4 * self.sigma()) / 8).clamp(1, 255);
        self.base = mean(self.base, today, u32::from(days).min(BASE), dice);
        self.spread = if u32::from(days) <= WEEK { UNKNOWN } else { towards(self.spread, miss, 14, dice.again()) };
    }

    fn above(&self) -> i32 {
        i32::from(log(self.week)) - i32::from(log(self.base))
    }

    fn sigma(&self) -> i32 {
        (i32::from(self.spread) * 10).max(NARROWEST)
    }
}

/// Bytes as they are counted here.
pub(crate) fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

fn log(units: u32) -> u16 {
    octaves::from_bytes(u64::from(units) * UNIT)
}

/// A mean over `days`, with one more value; rounded by chance, so that small steps are not lost.
fn mean(before: u32, value: u32, days: u32, dice: Dice) -> u32 {
    let (way, days) = (i64::from(value) - i64::from(before), days.max(1));
    let rest = (way.unsigned_abs() % u64::from(days)) as u32;
    let step = way / i64::from(days) + way.signum() * i64::from(dice.hits(rest, days));
    (i64::from(before) + step).clamp(0, i64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(days: impl Iterator<Item = u64>) -> (Lane, Vec<Evidence>) {
        let mut lane = Lane::default();
        let mut drifts = Vec::new();
        for (day, bytes) in (1_u32..).zip(days) {
            lane.end_hour(bytes);
            let (days, dice) = (day.min(255) as u8, Dice::of(day, 7));
            let closed = lane.close((days, days), dice);
            drifts.push(lane.judge(&closed, days, closed.more, dice));
        }
        (lane, drifts)
    }

    #[test]
    fn three_times_as_much_for_a_week_stands_out_and_one_burst_does_not() {
        let usual = |day: u64| if day % 7 > 4 { 0 } else { 2_000_000 + day * 10_000 };
        let (_, leak) = live((0..70).map(|day| usual(day) * if day < 60 { 1 } else { 3 }));
        assert!(leak[59].now < SIGMA as i16, "{:?}", leak[59]);
        assert!(leak[69].now > 2 * SIGMA as i16, "{:?}", leak[69]);
        let (_, burst) = live((0..70).map(|day| if day == 65 { 900_000_000 } else { usual(day) }));
        assert!(burst.iter().all(|day| day.now < 2 * SIGMA as i16));
    }

    #[test]
    fn a_new_level_is_accepted_after_two_weeks() {
        let (lane, closed) = live((0..120).map(|day| if day < 60 { 1_000_000 } else { 4_000_000 }));
        assert!(closed[70].now > SUSPICIOUS);
        assert!(closed[119].now < SIGMA as i16);
        assert!(lane.mean_day() > 3_900_000);
    }
}
