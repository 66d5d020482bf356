//! Hours that are higher than usual for their time of the week, day after day, though each may lie below the record.

use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, SIGMA};

/// An hour adds at most this much.
const MOST: i32 = 6 * SIGMA;
/// And takes at most this much away: hours below their centre say little, and how much below depends on the spread, which a
/// change of the clock changes for the whole model.
const LEAST: i32 = SIGMA / 2;
/// Evidence above which the usual sum is not learnt upwards.
const SUSPICIOUS: i16 = SIGMA as i16 / 2;
/// Days without which a sum says nothing.
const SETTLED: u8 = 7;

/// The deviations of a device's hours, summed up by day.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pattern {
    /// Winsorised deviations of today's hours, and what they usually sum up to, in 1/16 deviations.
    today: i16,
    usual: i16,
    evidence: Evidence,
}

impl Pattern {
    /// An hour lay `deviations` (in 1/256) above its centre.
    pub(crate) fn add_hour(&mut self, deviations: i32) {
        self.today = self.today.saturating_add((deviations.clamp(-LEAST, MOST) / 16) as i16);
    }

    /// A day without traffic is over.
    pub(crate) fn rest(&mut self) {
        self.today = 0;
        self.evidence.add(0, 0);
    }

    /// The day is over, the `days`-th; it weighs `octaves`. The mean deviation of an hour today against what it usually is: six
    /// of 24 hours at four deviations count as one.
    pub(crate) fn close(&mut self, days: u8, octaves: u16) -> Evidence {
        let today = i32::from(std::mem::take(&mut self.today));
        let above = (today - i32::from(self.usual)) * 16 / 24;
        let settled = days > SETTLED;
        self.evidence.add(if settled { above } else { 0 }, octaves);
        if self.evidence.now < SUSPICIOUS || above < 0 || !settled {
            self.usual += ((today - i32::from(self.usual)) / i32::from(days).clamp(1, 16)) as i16;
        }
        self.evidence
    }
}
