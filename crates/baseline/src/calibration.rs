//! Which height of score means how rare: tails by basis and by the age of the device.

use serde::{Deserialize, Serialize};

use crate::lessons::Lessons;
use crate::pace::Pace;
use crate::score::{BRANCHES, Basis, Score};
use crate::tail::Tail;

/// Ages of a device in days at which its records have become so much rarer that the tail is another one.
const AGES: [u16; 4] = [1, 3, 7, crate::Learning::DAYS];
/// Strata of age.
const STRATA: usize = AGES.len() + 1;
/// Device-hours that a model borrows from the whole fleet: its own word counts as much after that many.
const BORROWED: f64 = 30_000.0;
/// Device-hours, own and borrowed, below which nothing is said.
const READY: f64 = 15_000.0;
/// Days of all devices in which everything teaches: a young tail knows no attack from chance.
const YOUNG_HOURS: f64 = 21.0 * 24.0;
/// What is nearly an alarm happens so many times as often as an alarm.
const NEAR: f64 = 30.0;
/// What a day forgets: half in eight weeks.
const FADE: f64 = 0.987_7;

/// The tails of one model, or of the whole fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calibration {
    /// Told episodes against the budget. Slow and bounded.
    pace: Pace,
    tails: [[Tail; BRANCHES]; STRATA],
    /// What the day has taught so far.
    today: [[Tail; BRANCHES]; STRATA],
    thresholds: [[Threshold; BRANCHES]; STRATA],
}

impl Default for Calibration {
    fn default() -> Self {
        Self {
            pace: Pace::new(0.05, 0.5, 2.5),
            tails: Default::default(),
            today: Default::default(),
            thresholds: Default::default(),
        }
    }
}

/// Where alarms begin.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Threshold {
    plain: Option<f64>,
    supported: Option<f64>,
    /// Where what is nearly an alarm begins.
    near: Option<f64>,
    rate: f64,
    lessons: Lessons,
}

/// How a score compares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Standing {
    /// Nothing to say yet.
    Learning,
    Usual,
    /// Above the threshold.
    Unusual,
}

pub(crate) fn stratum(days: u16) -> usize {
    AGES.iter().filter(|age| days >= **age).count()
}

impl Calibration {
    /// Time passed for a device of that age, on all basises of hours or of days.
    pub(crate) fn pass(&mut self, stratum: usize, basis: Basis, hours: f64, devices: u32) {
        self.today[stratum][basis as usize].pass(hours);
        let threshold = &mut self.thresholds[stratum][basis as usize];
        if basis == Basis::SentHour && threshold.plain.is_some() {
            self.pace.settle(threshold.rate / Basis::SentHour.share() * hours, 0.0);
        }
        threshold.lessons.pass(hours, 168.0 * f64::from(devices));
    }

    /// An episode that was told is over. `odds`: how much rarer its highest score was than what just passes. Half of what
    /// chance brings lies within a half of the threshold's odds, whatever the tail; what lies far beyond is most often no
    /// chance. So those within count twice and those beyond not at all: attacks, however many, do not raise the threshold.
    pub(crate) fn told(&mut self, odds: f64) {
        self.pace.settle(0.0, if odds > 0.5 { 2.0 } else { 0.0 });
    }

    /// How often such a score happens, of what just passes: 1 at the threshold, less above.
    pub(crate) fn odds(&self, stratum: usize, basis: Basis, score: f64) -> f64 {
        let tail = &self.tails[stratum][basis as usize];
        let least = self.thresholds[stratum][basis as usize].plain.map_or(0.0, |limit| tail.rate(limit));
        if least > 0.0 { (tail.rate(score) / least).min(1.0) } else { 1.0 }
    }

    pub(crate) fn standing(&self, stratum: usize, basis: Basis, score: Score, is_supported: bool) -> Standing {
        let threshold = &self.thresholds[stratum][basis as usize];
        let limit = if is_supported { threshold.supported } else { threshold.plain };
        match limit {
            None => Standing::Learning,
            Some(limit) if score.score > limit => Standing::Unusual,
            Some(_) => Standing::Usual,
        }
    }

    /// Whether a score is an alarm, or nearly one.
    pub(crate) fn is_near(&self, stratum: usize, basis: Basis, score: Score) -> bool {
        self.thresholds[stratum][basis as usize].near.is_some_and(|limit| score.score > limit)
    }

    /// Learns the height of an episode and where it came from, within the limits of [`Lessons`].
    pub(crate) fn learn(&mut self, stratum: usize, basis: Basis, (mut height, base): (f64, f64), devices: u32) {
        let tail = &mut self.today[stratum][basis as usize];
        let is_young = self.tails[stratum][basis as usize].exposure() < YOUNG_HOURS * f64::from(devices);
        if !is_young {
            height = self.thresholds[stratum][basis as usize].lessons.take(height);
        }
        if height > base {
            tail.add(height);
            tail.undo(base);
        }
    }

    /// By chance about once in this many device-hours.
    pub(crate) fn once_in_hours(&self, stratum: usize, basis: Basis, score: f64) -> u64 {
        let rate = self.tails[stratum][basis as usize].rate(score);
        if rate > 0.0 { (1.0 / rate).min(1e12) as u64 } else { 1_000_000_000_000 }
    }

    /// The day is over: what it taught joins what is known, which fades a little. A day that taught far more than usual was a
    /// wave (an update, an outage, an attack): it teaches no more than a busy day would.
    pub(crate) fn close_day(&mut self) {
        for basis in 0..BRANCHES {
            for stratum in 0..STRATA {
                let today = std::mem::take(&mut self.today[stratum][basis]);
                // Records become rarer with age: until a stratum knows itself, a younger one says what is usual.
                let knows_itself = stratum == 0 || self.tails[stratum][basis].exposure() > 3.0 * today.exposure();
                let known = &self.tails[if knows_itself { stratum } else { stratum - 1 }][basis];
                let expected = self.thresholds[stratum][basis].rate * today.exposure();
                let part = if known.exposure() < READY { 1.0 } else { today.ordinary_part(known, expected) };
                let tail = &mut self.tails[stratum][basis];
                tail.fade(FADE);
                tail.take(&today, part);
            }
        }
    }

    /// New thresholds for `rate` alarms a device-hour; `boost` times as many where other evidence supports them.
    pub(crate) fn refresh(&mut self, whole: &Self, rate: f64, boost: f64) {
        for basis in Basis::ALL {
            let at = basis as usize;
            let wanted = rate * basis.share();
            let asked = self.pace.rate(wanted);
            let mut younger = Threshold::default();
            for stratum in 0..STRATA {
                let mut tail = self.tails[stratum][at].clone();
                tail.borrow(&whole.tails[stratum][at], BORROWED);
                let is_ready = tail.exposure() >= READY;
                let threshold = &mut self.thresholds[stratum][at];
                threshold.rate = wanted;
                threshold.lessons.know(|height| tail.rate(height));
                // Older devices have thinner tails: until theirs is known, the tail of younger ones is a safe bound.
                let limit = |rate| tail.quantile(rate).filter(|_| is_ready).map(|limit| limit.max(basis.least()));
                threshold.plain = limit(asked).or(younger.plain);
                threshold.supported = limit(asked * boost).or(younger.supported);
                threshold.near = limit(asked * NEAR).or(younger.near);
                younger = *threshold;
            }
        }
    }

    /// Where alarms of grown devices begin, by basis.
    pub(crate) fn limits(&self) -> [Option<f64>; BRANCHES] {
        self.thresholds[STRATA - 1].map(|threshold| threshold.plain)
    }

    /// Adds the tails of `other` to these.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.tails.iter_mut().flatten().zip(other.tails.iter().flatten()) {
            mine.borrow(theirs, f64::INFINITY);
        }
    }

    /// Device-hours of grown devices on the hourly basis.
    pub(crate) fn exposure(&self) -> f64 {
        self.tails.iter().map(|tails| tails[0].exposure()).sum()
    }

    /// Whether alarms of grown devices are told.
    pub(crate) fn is_ready(&self) -> bool {
        self.thresholds.iter().any(|by_basis| by_basis[0].plain.is_some())
    }
}
