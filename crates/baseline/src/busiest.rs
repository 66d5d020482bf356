//! The busiest hour of a day: where it usually lies and how much that varies.

use serde::{Deserialize, Serialize};

use crate::dice::{Dice, towards16};
use crate::octaves::OCTAVE;

/// Days until which what is learnt is not winsorised.
const SETTLED: u8 = 14;

/// The scale of whatever is above the record, also for devices whose hours are either nothing or much. *octaves*
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Busiest {
    /// Today's so far.
    today: u16,
    /// Huber centre of the days' busiest hours.
    pub(crate) centre: u16,
    /// Huber centre of the distances from it.
    pub(crate) spread: u16,
}

impl Busiest {
    pub(crate) fn add_hour(&mut self, octaves: u16) {
        self.today = self.today.max(octaves);
    }

    /// The day is over, the `days`-th.
    pub(crate) fn close(&mut self, days: u8, dice: Dice) {
        let today = i32::from(std::mem::take(&mut self.today));
        let (rate, reach) = if days <= SETTLED { (u32::from(days), 8 * OCTAVE) } else { (4, OCTAVE / 4) };
        let near = |now: u16, target: i32| target.clamp(i32::from(now) - reach, i32::from(now) + reach);
        let target = if days <= 1 { today } else { near(self.centre, today) };
        self.centre = towards16(self.centre, target, rate, dice);
        let distance = (today - i32::from(self.centre)).abs();
        self.spread = towards16(self.spread, near(self.spread, distance), rate.max(2), dice.again());
    }
}
