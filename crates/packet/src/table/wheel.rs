//! When to look whether a conversation fell idle: a wheel of seconds. A packet never touches it; who was active is put back when its
//! turn comes.

use crate::Time;

/// Seconds around.
const SPOKES: i64 = 1024;
const SECOND: i64 = 1_000_000_000;

#[derive(Debug)]
pub(super) struct Wheel {
    spokes: Vec<Vec<(u32, u32)>>,
    /// The next second to be looked at; `None` before the first packet.
    next: Option<i64>,
}

impl Default for Wheel {
    fn default() -> Self {
        Self { spokes: vec![Vec::new(); SPOKES as usize], next: None }
    }
}

impl Wheel {
    /// Looks at slot `at` again at `until` (nanoseconds), or sooner.
    pub(super) fn put(&mut self, until: i64, at: u32, generation: u32) {
        let next = self.next.unwrap_or(0);
        let second = until.div_euclid(SECOND).clamp(next, next + SPOKES - 1)
            + i64::from(self.next.is_some() && until.div_euclid(SECOND) < next);
        self.spokes[second.rem_euclid(SPOKES) as usize].push((at, generation));
    }

    /// A second has passed.
    #[inline]
    pub(super) fn is_due(&self, time: Time) -> bool {
        self.next.is_none_or(|next| time.0 >= (next + 1) * SECOND)
    }

    /// Asks about every slot whose second is over; `look` says until when it may live on, or `None` for one that is gone.
    pub(super) fn turn(&mut self, time: Time, mut look: impl FnMut(u32, u32) -> Option<i64>) {
        let now = time.0.div_euclid(SECOND);
        let Some(from) = self.next else {
            self.next = Some(now);
            return;
        };
        // After a long silence every spoke is looked at once.
        let from = from.max(now - SPOKES);
        for second in from..now {
            self.next = Some(second + 1);
            let mut due = std::mem::take(&mut self.spokes[second.rem_euclid(SPOKES) as usize]);
            for (at, generation) in due.drain(..) {
                if let Some(until) = look(at, generation) {
                    self.put(until, at, generation);
                }
            }
            let spoke = &mut self.spokes[second.rem_euclid(SPOKES) as usize];
            if spoke.is_empty() && due.capacity() < 1 << 16 {
                *spoke = due;
            }
        }
        self.next = Some(now.max(from));
    }

    pub(super) fn memory(&self) -> usize {
        self.spokes.iter().map(|spoke| spoke.capacity() * size_of::<(u32, u32)>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_active_is_asked_again_and_who_was_not_is_gone() {
        let mut wheel = Wheel::default();
        wheel.turn(Time(0), |_, _| None);
        wheel.put(10 * SECOND, 1, 1);
        let mut asked = Vec::new();
        for second in 1..40 {
            wheel.turn(Time(second * SECOND), |at, _| {
                asked.push((second, at));
                (second < 20).then_some((second + 14) * SECOND)
            });
        }
        assert_eq!(asked, [(11, 1), (26, 1)]);
    }

    #[test]
    fn a_long_silence_passes_nobody_over() {
        let mut wheel = Wheel::default();
        wheel.turn(Time(0), |_, _| None);
        for slot in 0..100 {
            wheel.put(i64::from(slot) * 50 * SECOND, slot, 0);
        }
        let mut asked = 0;
        wheel.turn(Time(1_000_000 * SECOND), |_, _| {
            asked += 1;
            None
        });
        assert_eq!(asked, 100);
    }
}
