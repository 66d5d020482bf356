//! Evidence that gathers over days.

use serde::{Deserialize, Serialize};

/// Units of one standard deviation.
pub(crate) const SIGMA: i32 = 256;
/// One day adds at most this much evidence: one burst is the business of the hours.
const MOST: i32 = 6 * SIGMA;
/// Evidence is a mean over about this many days.
const MEMORY: i32 = 7;
/// How much of an old peak of evidence is forgotten in a day.
const FORGET: i16 = SIGMA as i16 / 16;
/// No evidence is stronger.
const STRONGEST: i32 = 60 * SIGMA;

/// How many deviations something lies above the usual, with its highest value of late. In 1/256 deviations.
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
    pub(crate) const NONE: Self = Self { now: 0, peak: 0, crest: 0, base: 0, weight: 0 };

    /// Whether it is higher than of late.
    pub(crate) fn rises(&self) -> bool {
        self.now > self.peak
    }

    /// A day of so many deviations, which weighed so much, joins the mean.
    pub(crate) fn add(&mut self, deviations: i32, weight: u16) {
        self.set(i32::from(self.now) + (deviations.clamp(-MOST, MOST) - i32::from(self.now)) / MEMORY, weight);
    }

    /// After this day it stands at `now`.
    pub(crate) fn set(&mut self, now: i32, weight: u16) {
        let before = *self;
        self.now = now.clamp(-STRONGEST, STRONGEST) as i16;
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
    pub(crate) fn settle(&mut self) {
        self.peak = self.peak.max(self.now);
        self.now = 0;
    }
}
