//! What a device usually does in a day, and the evidence that its days have moved up.

use serde::{Deserialize, Serialize};

use crate::dice::{Dice, towards, towards16};
use crate::octaves::{self, OCTAVE};
use crate::week::Usual;

/// Units of one standard deviation.
pub(crate) const SIGMA: i32 = 256;
/// One day adds at most this much evidence: one burst is the business of the hours.
const MOST: i32 = 6 * SIGMA;
/// An hour takes at most this much evidence away: hours below their centre say little, and how much below depends on the
/// spread, which a change of the clock changes for the whole model.
const LEAST: i32 = SIGMA / 2;
/// Deviation of a day, at least, in 1/256 octaves: very regular devices have legitimate steps too, and a factor of two must
/// still differ from a factor of three.
const NARROWEST: i32 = OCTAVE * 3 / 10;
/// Days until which what a device learns about its spread is not winsorised.
const SETTLED: u8 = 14;
/// Evidence is a mean over about this many days.
const MEMORY: i32 = 7;
/// Evidence above which a device stops learning upwards: a mean of one deviation over a week.
const SUSPICIOUS: i16 = SIGMA as i16;
/// Days after which a new level is taken for the new normal.
const ACCEPT: u8 = 14;
/// How much of an old peak of evidence is forgotten in a day.
const FORGET: i16 = SIGMA as i16 / 16;
/// The record loses this much a day: an octave in 51 days.
const FADE: u16 = 5;

/// The learnt days of one device.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Days {
    /// Bytes of the day so far.
    today: u64,
    /// Centre of the log-volume by day type.
    level: [u16; 3],
    /// Active days that the centre rests on, by day type.
    seen: [u8; 3],
    /// Mean absolute residual, 1/32 octaves.
    spread: u8,
    /// Highest log-volume of a day, fading.
    record: u16,
    busiest: Busiest,
    /// Evidence that days have more bytes.
    volume: Evidence,
    /// Evidence that hours are higher than usual for their time of the week, though each may be below the record.
    pattern: Evidence,
    /// Winsorised deviations of today's hours, and what they usually sum up to, in 1/16 deviations.
    today_pattern: i16,
    usual_pattern: i16,
    /// Days in a row with suspicious evidence.
    suspicious: u8,
}

/// The busiest hour of a day: where it usually lies and how much that varies. The scale of whatever is above the record, also
/// for devices whose hours are either nothing or much.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Busiest {
    /// Today's so far. *octaves*
    today: u16,
    /// Huber centre of the days' busiest hours. *octaves*
    pub(crate) centre: u16,
    /// Huber centre of the distances from it. *octaves*
    pub(crate) spread: u16,
    /// Days that both rest on.
    pub(crate) days: u8,
}

impl Busiest {
    pub(crate) fn add_hour(&mut self, octaves: u16) {
        self.today = self.today.max(octaves);
    }

    fn close(&mut self, dice: Dice) {
        let today = i32::from(std::mem::take(&mut self.today));
        self.days = self.days.saturating_add(1);
        let (rate, reach) = if self.days <= SETTLED { (u32::from(self.days), 8 * OCTAVE) } else { (4, OCTAVE / 4) };
        let near = |now: u16, target: i32| target.clamp(i32::from(now) - reach, i32::from(now) + reach);
        let target = if self.days == 1 { today } else { near(self.centre, today) };
        self.centre = towards16(self.centre, target, rate, dice);
        let distance = (today - i32::from(self.centre)).abs();
        self.spread = towards16(self.spread, near(self.spread, distance), rate.max(2), dice.again());
    }
}

/// A mean of winsorised deviations over about a week, with its highest value of late. In 1/256 deviations.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    pub(crate) now: i16,
    /// The highest before the present climb, fading.
    pub(crate) peak: i16,
    /// Where a climb ended today, 0 if none did: the tail learns whole climbs, so that one that is still going on (and may
    /// turn out to be an attack) does not colour what is usual.
    pub(crate) crest: i16,
    /// From where that climb had come.
    pub(crate) base: i16,
    /// The most that a day of the climb (the one that ended today, or the present one) weighed. *octaves*
    pub(crate) weight: u16,
}

impl Evidence {
    /// Whether it is higher than of late.
    pub(crate) fn rises(&self) -> bool {
        self.now > self.peak
    }

    /// A day of so many deviations, which weighed so much.
    fn add(&mut self, deviations: i32, weight: u16) {
        let before = *self;
        self.now = (i32::from(before.now) + (deviations.clamp(-MOST, MOST) - i32::from(before.now)) / MEMORY) as i16;
        (self.crest, self.base) = (0, 0);
        if !before.rises() {
            self.peak = before.peak.saturating_sub(FORGET).max(0);
            self.weight = weight;
        } else if self.now <= before.now {
            (self.crest, self.base) = (before.now, before.peak);
            self.peak = before.now;
        } else {
            self.weight = before.weight.max(weight);
        }
    }

    /// The level has been accepted: the climb is over and taught nothing.
    fn settle(&mut self) {
        self.peak = self.peak.max(self.now);
        self.now = 0;
    }
}

/// A day that is over, as seen before it taught anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closed {
    pub bytes: u64,
    pub usual: Usual,
    pub spread: u16,
    pub record: u16,
    pub volume: Evidence,
    pub pattern: Evidence,
}

impl Days {
    /// Adds to the day that is still open.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.today = self.today.saturating_add(bytes);
    }

    /// The busiest hours of its days.
    pub(crate) fn busiest(&self) -> &Busiest {
        &self.busiest
    }

    /// An hour of so many octaves is over.
    pub(crate) fn end_hour(&mut self, octaves: u16) {
        self.busiest.add_hour(octaves);
    }

    /// An hour lay `deviations` (in 1/256) above its centre.
    pub(crate) fn add_hour(&mut self, deviations: i32) {
        self.today_pattern = self.today_pattern.saturating_add((deviations.clamp(-LEAST, MOST) / 16) as i16);
    }

    /// The day (its type: 0 weekday, 1 Saturday, 2 Sunday) is over. `None` for a day without traffic.
    pub(crate) fn close(&mut self, kind: usize, dice: Dice) -> Option<Closed> {
        self.record = self.record.saturating_sub(FADE);
        let bytes = std::mem::take(&mut self.today);
        let pattern = std::mem::take(&mut self.today_pattern);
        if bytes == 0 {
            self.volume.add(0, 0);
            self.pattern.add(0, 0);
            return None;
        }
        self.busiest.close(dice.again());
        let octaves = octaves::from_bytes(bytes);
        let usual = self.usual(kind);
        let (record, spread) = (self.record, self.sigma() as u16);
        if usual.weight > 0 {
            let excess = bytes.saturating_sub(octaves::to_bytes(f64::from(usual.centre)));
            self.gather(i32::from(octaves) - i32::from(usual.centre), usual.weight, octaves::from_bytes(excess));
        }
        self.gather_pattern(pattern, usual.weight, octaves);
        self.learn(kind, octaves, usual, dice);
        Some(Closed { bytes, usual, spread, record, volume: self.volume, pattern: self.pattern })
    }

    /// The centre for a day type: its own once it is known, before that what all days say.
    fn usual(&self, kind: usize) -> Usual {
        let all = self.seen.iter().map(|n| u32::from(*n)).sum::<u32>();
        if self.seen[kind] >= 2 || all == 0 {
            return Usual { centre: self.level[kind], weight: all.min(255) as u8 };
        }
        let sum: u32 = (0..3).map(|d| u32::from(self.level[d]) * u32::from(self.seen[d])).sum();
        Usual { centre: (sum / all) as u16, weight: all.min(255) as u8 }
    }

    /// One standard deviation in 1/256 octaves (1.25 times the mean absolute residual).
    fn sigma(&self) -> i32 {
        (i32::from(self.spread) * 10).max(NARROWEST)
    }

    fn gather(&mut self, above: i32, weight: u8, excess: u16) {
        // A young centre is itself uncertain: the same distance says less.
        let doubt = 1 + 4 / i32::from(weight);
        self.volume.add(above * SIGMA / (self.sigma() * doubt), excess);
    }

    /// The mean deviation of an hour today against what it usually is: six of 24 hours at four deviations count as one.
    fn gather_pattern(&mut self, today: i16, weight: u8, octaves: u16) {
        let above = (i32::from(today) - i32::from(self.usual_pattern)) * 16 / 24;
        self.pattern.add(if weight < 7 { 0 } else { above }, octaves);
        let rate = i32::from(weight).clamp(1, 16);
        if self.pattern.now < SUSPICIOUS / 2 || above < 0 || weight < 7 {
            self.usual_pattern += ((i32::from(today) - i32::from(self.usual_pattern)) / rate) as i16;
        }
    }

    fn learn(&mut self, kind: usize, octaves: u16, usual: Usual, dice: Dice) {
        self.record = self.record.max(octaves);
        self.suspicious = if self.volume.now > SUSPICIOUS { self.suspicious + 1 } else { 0 };
        if self.suspicious > ACCEPT {
            self.accept();
        }
        let above = i32::from(octaves) - i32::from(usual.centre);
        let settled = usual.weight >= 7;
        if self.suspicious > 0 && above > 0 && settled {
            return;
        }
        let limit = if settled { self.sigma() * 5 / 2 } else { 8 * OCTAVE };
        let target =
            if usual.weight == 0 { i32::from(octaves) } else { i32::from(usual.centre) + above.clamp(-limit, limit) };
        let seen = self.seen[kind].saturating_add(1);
        let rate = u32::from(seen).min(if kind == 0 { 16 } else { 6 });
        self.level[kind] = towards16(self.level[kind], target, rate, dice);
        self.seen[kind] = seen;
        if usual.weight > 0 {
            let limit = if usual.weight < SETTLED { 8 * OCTAVE } else { 4 * self.sigma() };
            let miss = (above.abs().min(limit) / 8).clamp(1, 255);
            self.spread = towards(self.spread, miss, u32::from(usual.weight).min(24), dice.again());
        }
    }

    /// The new level has lasted: learn it quickly.
    fn accept(&mut self) {
        self.suspicious = 0;
        self.volume.settle();
        self.seen = self.seen.map(|n| n.min(1));
    }
}
