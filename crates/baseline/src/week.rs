//! What a device usually does at an hour of the week: the centre of its volume, how often it is active, how much it varies.

use serde::{Deserialize, Serialize};

use crate::dice::{Dice, towards};
use crate::octaves::OCTAVE;

/// Steps of a stored centre: 1/8 octave, 9 %.
const STEP: i32 = OCTAVE / 8;
/// The octaves of a stored centre of 1 (0 means never seen): log2(256 bytes).
const LOWEST: i32 = 8 * OCTAVE;

/// An hour of the week by day type: weekdays share their hours, Saturday and Sunday have their own. 72 slots teach five
/// times faster than 168 and cost less; a habit of one weekday only is caught by the record instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    /// 0 weekday, 1 Saturday, 2 Sunday, in UTC.
    pub day: usize,
    /// 0 to 23, in UTC.
    pub hour: usize,
}

impl Slot {
    /// The slot of an hour since the epoch, which was a Thursday.
    pub(crate) fn of(hour: u32) -> Self {
        let day = match (hour / 24 + 3) % 7 {
            5 => 1,
            6 => 2,
            _ => 0,
        };
        Self { day, hour: (hour % 24) as usize }
    }
}

/// What a device knows about one slot, small enough to travel.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Usual {
    /// Centre of the log-volume of active hours, 0 if there was none.
    pub centre: u16,
    /// How many active hours it rests on, at most 255.
    pub weight: u8,
}

/// The learnt week of one device: 128 bytes.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Week {
    centre: [[u8; 24]; 3],
    active: [[u8; 24]; 2],
    /// Mean absolute residual by three hours of the day, 1/16 octaves.
    spread: [u8; 8],
}

impl Week {
    /// What is known about `slot` after `days` of learning.
    pub(crate) fn usual(&self, slot: Slot, days: u32) -> Usual {
        let code = i32::from(self.centre[slot.day][slot.hour]);
        if code == 0 {
            return Usual::default();
        }
        let days = days.min(10_000);
        let seen = if slot.day == 0 { days * 5 / 7 } else { days / 7 } + 1;
        let active = u32::from(self.active[slot.day.min(1)][slot.hour]);
        let weight = (seen * active / 256).clamp(1, 255) as u8;
        Usual { centre: (LOWEST + (code - 1) * STEP) as u16, weight }
    }

    /// Mean absolute residual at this time of day in 1/256 octaves; never zero, as the centre is only kept in steps.
    pub(crate) fn spread(&self, slot: Slot) -> i32 {
        (i32::from(self.spread[slot.hour / 3]) * 16).max(STEP)
    }

    /// An hour without traffic.
    pub(crate) fn was_idle(&mut self, slot: Slot, dice: Dice) {
        let active = &mut self.active[slot.day.min(1)][slot.hour];
        *active = towards(*active, 0, 16, dice);
    }

    /// An active hour of `octaves`, already winsorised by the caller to lie near `expected`; `rate` is how fast the
    /// centre follows: 1 at once, 8 slowly.
    pub(crate) fn was_active(&mut self, slot: Slot, octaves: i32, expected: i32, rate: u32, dice: Dice) {
        let active = &mut self.active[slot.day.min(1)][slot.hour];
        *active = towards(*active, 255, if *active == 0 { 1 } else { 16 }, dice);
        let spread = &mut self.spread[slot.hour / 3];
        let miss = ((octaves - expected).abs() / 16).clamp(1, 255);
        *spread = towards(*spread, miss, if *spread == 0 { 1 } else { 3 * rate }, dice.again());
        let centre = &mut self.centre[slot.day][slot.hour];
        let code = ((octaves - LOWEST + STEP / 2) / STEP + 1).clamp(1, 255);
        *centre = if *centre == 0 { code as u8 } else { towards(*centre, code, rate, dice.again().again()) };
    }
}
