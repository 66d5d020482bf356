//! How much an attack may teach: next to nothing, at any height.

use serde::{Deserialize, Serialize};

/// Heights whose lessons are limited, each a third above the one before.
const RUNGS: usize = 16;
/// The lowest of them.
const LOWEST: f64 = 0.5;
const STEP: f64 = 1.32;
/// Each height may be passed so many times as often as it was until now: attacks are not what is usual, yet a tail that is
/// really heavier must be learnt. At 1.5 a tail that is too thin corrects itself by a third at a time.
const TEACHING: f64 = 1.5;

/// What may still be learnt, by height. Many misused devices at once would else raise the very threshold that they pass.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lessons {
    /// How many more.
    left: [f32; RUNGS],
    /// How often each height was passed in a device-hour until now.
    usual: [f32; RUNGS],
}

impl Lessons {
    /// Each height is passed so often in a device-hour.
    pub(crate) fn know(&mut self, rate: impl Fn(f64) -> f64) {
        self.usual = std::array::from_fn(|rung| rate(height(rung)) as f32);
    }

    /// Time passed, in device-hours; a week of the model has `week` of them, and what it allows is not saved for longer.
    pub(crate) fn pass(&mut self, hours: f64, week: f64) {
        for (left, usual) in self.left.iter_mut().zip(self.usual) {
            let more = TEACHING * f64::from(usual);
            *left = (f64::from(*left) + more * hours).min((more * week).max(1.0)) as f32;
        }
    }

    /// How much of a lesson of this height may be learnt; it takes its share.
    pub(crate) fn take(&mut self, of: f64) -> f64 {
        for (rung, left) in self.left.iter_mut().enumerate() {
            if height(rung) > of {
                break;
            }
            if *left < 1.0 {
                return height(rung) * 0.99;
            }
            *left -= 1.0;
        }
        of
    }
}

fn height(rung: usize) -> f64 {
    LOWEST * libm::pow(STEP, rung as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_attacks_teach_no_more_than_a_few_would() {
        let mut lessons = Lessons::default();
        lessons.know(|height| 1e-3 * libm::exp(-height));
        lessons.pass(100_000.0, 50_000.0);
        let high = (0..100).filter(|_| lessons.take(9.0) > 5.0).count();
        assert!(high <= 2, "{high} of 100 lessons were learnt whole");
        assert!(lessons.take(0.4) > 0.39, "below the ladder everything teaches");
    }
}
