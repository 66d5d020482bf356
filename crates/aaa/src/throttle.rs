//! At most a few log lines per reason and time, so that a flood fills no disk. Fixed size: nothing is kept per sender.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Lines in a row before it gets quiet.
const BURST: u32 = 5;
/// Then one line in this time.
const INTERVAL: Duration = Duration::from_secs(10);

/// A token bucket.
#[derive(Debug)]
pub(crate) struct Throttle(Mutex<Bucket>);

#[derive(Debug)]
struct Bucket {
    tokens: u32,
    refilled: Instant,
    suppressed: u64,
}

impl Throttle {
    /// A full one.
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(Bucket { tokens: BURST, refilled: now, suppressed: 0 }))
    }

    /// Whether a line may be written; then how many were left out before it.
    pub(crate) fn pass(&self, now: Instant) -> Option<u64> {
        let mut bucket = self.0.lock();
        let earned = now.saturating_duration_since(bucket.refilled).as_secs() / INTERVAL.as_secs();
        if earned > 0 {
            bucket.tokens = BURST.min(bucket.tokens.saturating_add(u32::try_from(earned).unwrap_or(BURST)));
            bucket.refilled = now;
        }
        if bucket.tokens == 0 {
            bucket.suppressed += 1;
            return None;
        }
        bucket.tokens -= 1;
        Some(std::mem::take(&mut bucket.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_writes_few_lines_and_says_how_many_it_left_out() {
        let start = Instant::now();
        let throttle = Throttle::new(start);
        let lines = (0..1_000_000).filter(|_| throttle.pass(start).is_some()).count();
        assert_eq!(lines, BURST as usize);
        assert_eq!(throttle.pass(start + INTERVAL), Some(1_000_000 - u64::from(BURST)));
        assert_eq!(throttle.pass(start + INTERVAL), None);
    }
}
