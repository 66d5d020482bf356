//! When to look whether a conversation fell idle: a wheel of seconds. A packet never touches it; who was active is put back when its
//! turn comes. It says as well who would be over soonest, where one must give way.

use std::collections::VecDeque;

use crate::Time;

/// Seconds around.
const SPOKES: i64 = 1024;
const SECOND: i64 = 1_000_000_000;
/// Slots whose end lies beyond the wheel that are compared when one must give way.
const CANDIDATES: usize = 16;
/// Slots that are put in their right place, at most, before one must give way.
const MOVES: usize = 1024;

/// Slot and generation; the first put is the first looked at.
type Spoke = VecDeque<(u32, u32)>;

#[derive(Debug)]
pub(super) struct Wheel {
    spokes: Vec<Spoke>,
    /// The next second to be looked at; `None` before the first packet.
    next: Option<i64>,
    /// Before this second there is nothing.
    front: i64,
    len: usize,
}

impl Default for Wheel {
    fn default() -> Self {
        Self { spokes: vec![Spoke::new(); SPOKES as usize], next: None, front: i64::MAX, len: 0 }
    }
}

impl Wheel {
    /// Looks at slot `at` again at `until` (nanoseconds), or sooner.
    pub(super) fn put(&mut self, until: i64, at: u32, generation: u32) {
        let next = self.next.unwrap_or(0);
        let second = until.div_euclid(SECOND).clamp(next, next + SPOKES - 1)
            + i64::from(self.next.is_some() && until.div_euclid(SECOND) < next);
        self.spoke(second).push_back((at, generation));
        self.front = self.front.min(second);
        self.len += 1;
    }

    /// Slots in it, those of conversations that are gone included.
    pub(super) fn len(&self) -> usize {
        self.len
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
            let mut due = std::mem::take(self.spoke(second));
            self.len -= due.len();
            for (at, generation) in due.drain(..) {
                if let Some(until) = look(at, generation) {
                    self.put(until, at, generation);
                }
            }
            let spoke = self.spoke(second);
            if spoke.is_empty() && due.capacity() < 1 << 16 {
                *spoke = due;
            }
        }
        self.next = Some(now.max(from));
    }

    /// Takes out the slot that would be over soonest. `look` is as in [`Self::turn`], and does not close anything.
    ///
    /// To the second: of those within one, who was put first. Where all ends lie beyond the wheel, the soonest of some.
    pub(super) fn soonest(&mut self, mut look: impl FnMut(u32, u32) -> Option<i64>) -> Option<u32> {
        let last = self.next.unwrap_or(0) + SPOKES - 1;
        let mut best: Option<(i64, u32, u32)> = None;
        let (mut seen, mut moved) = (0, 0);
        while let Some((second, at, generation)) = self.pop() {
            let Some(until) = look(at, generation) else { continue };
            let is_late = until.div_euclid(SECOND) > second;
            if is_late && second < last && moved < MOVES {
                moved += 1;
                self.put(until, at, generation);
                continue;
            }
            seen += 1;
            let this = (until, at, generation);
            let (sooner, other) = match best {
                Some(best) if best.0 <= until => (best, Some(this)),
                other => (this, other),
            };
            best = Some(sooner);
            if let Some((until, at, generation)) = other {
                self.put(until, at, generation);
            }
            if !is_late || seen >= CANDIDATES {
                break;
            }
        }
        best.map(|(_, at, _)| at)
    }

    /// Drops the slots of conversations that are gone.
    pub(super) fn sweep(&mut self, is_live: impl Fn(u32, u32) -> bool) {
        for spoke in &mut self.spokes {
            spoke.retain(|(at, generation)| is_live(*at, *generation));
            spoke.shrink_to(spoke.len() * 2);
        }
        self.len = self.spokes.iter().map(Spoke::len).sum();
    }

    pub(super) fn memory(&self) -> usize {
        self.spokes.iter().map(|spoke| spoke.capacity() * size_of::<(u32, u32)>()).sum()
    }

    /// The first slot of the soonest second, and that second.
    fn pop(&mut self) -> Option<(i64, u32, u32)> {
        let next = self.next.unwrap_or(0);
        for second in self.front.max(next)..next + SPOKES {
            self.front = second;
            if let Some((at, generation)) = self.spoke(second).pop_front() {
                self.len -= 1;
                return Some((second, at, generation));
            }
        }
        None
    }

    fn spoke(&mut self, second: i64) -> &mut Spoke {
        &mut self.spokes[second.rem_euclid(SPOKES) as usize]
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
    fn the_soonest_gives_way_and_who_was_active_is_put_in_place() {
        let mut wheel = Wheel::default();
        wheel.turn(Time(0), |_, _| None);
        for (at, until) in [(1, 60), (2, 10), (3, 5000), (4, 10), (5, 9), (6, 4000)] {
            wheel.put(until * SECOND, at, 0);
        }
        // Slot 2 was active and lives until 70 s; slot 5 is gone.
        let mut gone = vec![5];
        let ends = |at: u32| [0, 60, 70, 5000, 10, 9, 4000][at as usize] * SECOND;
        let mut order = Vec::new();
        while let Some(at) = wheel.soonest(|at, _| (!gone.contains(&at)).then(|| ends(at))) {
            order.push(at);
            gone.push(at);
        }
        assert_eq!((order, wheel.len()), (vec![4, 1, 2, 6, 3], 0));
    }

    #[test]
    fn a_sweep_leaves_the_living() {
        let mut wheel = Wheel::default();
        (0..1000).for_each(|at| wheel.put(i64::from(at) * SECOND, at, at % 2));
        wheel.sweep(|_, generation| generation == 1);
        assert_eq!(wheel.len(), 500);
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
