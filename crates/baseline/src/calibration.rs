//! Which height of score means how rare: tails by branch and by the age of the device.

use serde::{Deserialize, Serialize};

use crate::score::{Branch, Score};
use crate::tail::Tail;

/// Ages of a device in days at which its records have become so much rarer that the tail is another one.
const AGES: [u16; 4] = [1, 3, 7, 28];
/// Strata of age.
const STRATA: usize = AGES.len() + 1;
/// Device-hours that a model borrows from the whole fleet: its own word counts as much after that many.
const BORROWED: f64 = 30_000.0;
/// Device-hours, own and borrowed, below which nothing is said.
const READY: f64 = 15_000.0;
/// An alarm may teach the tail, but alarms no more than this many times as often as the budget expects: attacks are not
/// what is usual, yet a tail that is really heavier must be learnt.
const TEACHING: f64 = 2.0;
/// Alarms that the budget must have expected before the limit on teaching holds: a young tail has to learn everything.
const SETTLED: f64 = 1.5;
/// What a day forgets: half in eight weeks.
const FADE: f64 = 0.987_7;

/// The tails of one model, or of the whole fleet.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Calibration {
    tails: [[Tail; 3]; STRATA],
    thresholds: [[Threshold; 3]; STRATA],
}

/// Where alarms begin.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Threshold {
    plain: Option<f64>,
    supported: Option<f64>,
    /// How many more alarms may teach.
    lessons: f64,
    rate: f64,
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
    /// Time passed for a device of that age, on all branches of hours or of days.
    pub(crate) fn pass(&mut self, stratum: usize, branch: Branch, hours: f64) {
        self.tails[stratum][branch as usize].pass(hours);
        let threshold = &mut self.thresholds[stratum][branch as usize];
        threshold.lessons = (threshold.lessons + TEACHING * threshold.rate * hours).min(10.0);
    }

    pub(crate) fn standing(&self, stratum: usize, branch: Branch, score: Score, is_supported: bool) -> Standing {
        let threshold = &self.thresholds[stratum][branch as usize];
        let limit = if is_supported { threshold.supported } else { threshold.plain };
        match limit {
            None => Standing::Learning,
            Some(limit) if score.score > limit => Standing::Unusual,
            Some(_) => Standing::Usual,
        }
    }

    /// Learns a score. What is above the threshold teaches within limits only.
    pub(crate) fn learn(&mut self, stratum: usize, branch: Branch, score: Score) {
        let threshold = &mut self.thresholds[stratum][branch as usize];
        let mut height = score.score;
        let is_young = self.tails[stratum][branch as usize].exposure() * threshold.rate < SETTLED;
        if let Some(limit) = threshold.plain
            && height > limit
            && !is_young
        {
            if threshold.lessons >= 1.0 {
                threshold.lessons -= 1.0;
            } else {
                height = limit;
            }
        }
        if height > score.before {
            let tail = &mut self.tails[stratum][branch as usize];
            tail.add(height);
            tail.undo(score.before);
        }
    }

    /// By chance about once in this many device-hours.
    pub(crate) fn once_in_hours(&self, stratum: usize, branch: Branch, score: f64) -> u64 {
        let rate = self.tails[stratum][branch as usize].rate(score);
        if rate > 0.0 { (1.0 / rate).min(1e12) as u64 } else { 1_000_000_000_000 }
    }

    pub(crate) fn fade(&mut self) {
        self.tails.iter_mut().flatten().for_each(|tail| tail.fade(FADE));
    }

    /// New thresholds for `rate` alarms a device-hour; `boost` times as many where other evidence supports them.
    pub(crate) fn refresh(&mut self, whole: &Self, rate: f64, boost: f64) {
        for stratum in 0..STRATA {
            for branch in Branch::ALL {
                let at = branch as usize;
                let mut tail = self.tails[stratum][at].clone();
                tail.borrow(&whole.tails[stratum][at], BORROWED);
                let rate = rate * branch.share();
                let is_ready = tail.exposure() >= READY;
                let threshold = &mut self.thresholds[stratum][at];
                threshold.rate = rate;
                threshold.plain = tail.quantile(rate).filter(|_| is_ready);
                threshold.supported = tail.quantile(rate * boost).filter(|_| is_ready);
            }
        }
    }

    /// Adds the tails of `other` to these.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.tails.iter_mut().flatten().zip(other.tails.iter().flatten()) {
            mine.borrow(theirs, f64::INFINITY);
        }
    }

    /// Device-hours of grown devices on the hourly branch.
    pub(crate) fn exposure(&self) -> f64 {
        self.tails.iter().map(|tails| tails[0].exposure()).sum()
    }

    /// Whether alarms of grown devices are told.
    pub(crate) fn is_ready(&self) -> bool {
        self.thresholds.iter().any(|by_branch| by_branch[0].plain.is_some())
    }
}
