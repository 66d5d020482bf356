//! How many within about a second.

use fleetward_packet::Time;

const HALF: i64 = 500_000_000;

/// Counts over the current and the previous half second.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Burst {
    half: i64,
    now: u32,
    before: u32,
}

impl Burst {
    /// Adds some; how many there were in the last half to whole second.
    pub(super) fn add(&mut self, time: Time, count: u32) -> u64 {
        let half = time.0.div_euclid(HALF);
        if half > self.half {
            self.before = if half == self.half + 1 { self.now } else { 0 };
            self.now = 0;
            self.half = half;
        }
        self.now = self.now.saturating_add(count);
        u64::from(self.now) + u64::from(self.before)
    }

    /// Takes one back: it proved to be wanted.
    pub(super) fn forgive(&mut self) {
        if self.now > 0 { self.now -= 1 } else { self.before = self.before.saturating_sub(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_after_a_second() {
        let mut burst = Burst::default();
        assert_eq!(burst.add(Time(0), 5), 5);
        assert_eq!(burst.add(Time(HALF), 1), 6);
        assert_eq!(burst.add(Time(2 * HALF), 1), 2);
        burst.forgive();
        assert_eq!(burst.add(Time(9 * HALF), 1), 1);
    }
}
