//! What a device usually does in a day, and the evidence that its days have moved up.

use serde::{Deserialize, Serialize};

use crate::dice::{Dice, towards, towards16};
use crate::octaves::{self, OCTAVE};
use crate::week::Usual;

/// Units of [`Days::drift`] for one standard deviation.
pub(crate) const SIGMA: i32 = 64;
/// Deviations a day that are expected anyway, so that chance does not add up to evidence.
const ALLOWANCE: i32 = SIGMA / 2;
/// One day adds at most this much evidence: one burst is the business of the hours.
const MOST: i32 = 4 * SIGMA;
/// Evidence above which a device stops learning upwards.
const SUSPICIOUS: u16 = 8 * SIGMA as u16;
/// Days after which a new level is taken for the new normal.
const ACCEPT: u8 = 14;
/// How much of an old peak of evidence is forgotten in a day.
const FORGET: u16 = SIGMA as u16 / 4;
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
    /// Evidence for a higher level: a one-sided sum of winsorised deviations (CUSUM).
    drift: u16,
    /// Highest evidence of late, fading.
    peak: u16,
    /// Days in a row with suspicious evidence.
    suspicious: u8,
}

/// A day that is over, as seen before it taught anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closed {
    pub bytes: u64,
    pub usual: Usual,
    pub spread: u16,
    pub record: u16,
    pub drift: u16,
    pub peak: u16,
}

impl Days {
    /// Adds to the day that is still open.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.today = self.today.saturating_add(bytes);
    }

    /// The day (its type: 0 weekday, 1 Saturday, 2 Sunday) is over. `None` for a day without traffic.
    pub(crate) fn close(&mut self, kind: usize, dice: Dice) -> Option<Closed> {
        self.record = self.record.saturating_sub(FADE);
        self.peak = self.peak.saturating_sub(FORGET);
        let bytes = std::mem::take(&mut self.today);
        if bytes == 0 {
            self.drift = self.drift.saturating_sub(ALLOWANCE as u16);
            return None;
        }
        let octaves = octaves::from_bytes(bytes);
        let usual = self.usual(kind);
        let (record, peak, spread) = (self.record, self.peak, self.sigma() as u16);
        if usual.weight > 0 {
            self.gather(i32::from(octaves) - i32::from(usual.centre), usual.weight);
        }
        self.learn(kind, octaves, usual, dice);
        Some(Closed { bytes, usual, spread, record, drift: self.drift, peak })
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
        (i32::from(self.spread) * 10).max(OCTAVE / 6)
    }

    fn gather(&mut self, above: i32, weight: u8) {
        // A young centre is itself uncertain: the same distance says less.
        let doubt = SIGMA + 4 * SIGMA / i32::from(weight);
        let sigmas = above * SIGMA * SIGMA / (self.sigma() * doubt);
        let drift = i32::from(self.drift) + sigmas.clamp(-MOST, MOST) - ALLOWANCE;
        self.drift = drift.clamp(0, 60_000) as u16;
        self.peak = self.peak.max(self.drift);
    }

    fn learn(&mut self, kind: usize, octaves: u16, usual: Usual, dice: Dice) {
        self.record = self.record.max(octaves);
        self.suspicious = if self.drift > SUSPICIOUS { self.suspicious + 1 } else { 0 };
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
            let miss = (above.abs().min(4 * self.sigma()) / 8).clamp(1, 255);
            self.spread = if self.spread == 0 { miss as u8 } else { towards(self.spread, miss, 24, dice.again()) };
        }
    }

    /// The new level has lasted: learn it quickly.
    fn accept(&mut self) {
        self.suspicious = 0;
        self.drift = 0;
        self.seen = self.seen.map(|n| n.min(1));
    }
}
