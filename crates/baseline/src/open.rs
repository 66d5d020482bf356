//! Hours that can still grow, and how the bytes of a long interval fall on the hours in it.

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

use crate::lane::{UNIT, units};

/// Seconds in an hour.
const HOUR: i64 = 3600;
/// Records may come this late against each other, in seconds.
const LATENESS: i64 = 600;
/// An hour stays open for one more hour, because the interim record that covers its end comes up to an hour later.
const WAIT: i64 = 1;
/// Bytes of a longer interval are spread over its last two days.
const LONGEST: i64 = 48 * HOUR;

/// The last moment that is believed: a clock that says the year 20,000 is wrong, and hours must fit.
const LAST: i64 = 160_000_000 * HOUR;

/// The oldest hour that is still open at `now`.
pub(crate) fn oldest_open(now: Timestamp) -> u32 {
    u32::try_from((now.secs().clamp(0, LAST) - LATENESS).div_euclid(HOUR) - WAIT).unwrap_or(0)
}

/// The last hours of a device: at most four are open at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OpenHours {
    /// What was sent and what was received, in [`UNIT`].
    bytes: [[u32; 2]; 3],
    oldest: u32,
    /// The highest log-volumes of an open hour that were told early: sent, received.
    told: [u16; 2],
}

impl OpenHours {
    pub(crate) fn new(oldest: u32) -> Self {
        Self { bytes: [[0; 2]; 3], oldest, told: [0; 2] }
    }

    pub(crate) fn oldest(&self) -> u32 {
        self.oldest
    }

    /// When the oldest open hour closes.
    pub(crate) fn due(&self) -> Timestamp {
        Timestamp::from_secs((i64::from(self.oldest) + 1 + WAIT) * HOUR + LATENESS)
    }

    /// Adds what was sent and received to an open hour; false if that hour has closed. Hours further ahead than fit count as
    /// the newest.
    pub(crate) fn add(&mut self, hour: u32, bytes: [u64; 2]) -> bool {
        let Some(ahead) = hour.checked_sub(self.oldest) else { return false };
        for (sum, more) in self.bytes[(ahead as usize).min(2)].iter_mut().zip(bytes) {
            *sum = sum.saturating_add(units(more));
        }
        true
    }

    /// What was sent and received in an open hour.
    pub(crate) fn bytes(&self, hour: u32) -> [u64; 2] {
        self.bytes[(hour.saturating_sub(self.oldest) as usize).min(2)].map(|units| u64::from(units) * UNIT)
    }

    /// Whether any of `octaves` is an octave above what was told already; remembers it. 0: nothing to tell.
    pub(crate) fn tell(&mut self, octaves: [u16; 2]) -> bool {
        let mut is_new = false;
        for (told, octaves) in self.told.iter_mut().zip(octaves) {
            if octaves >= told.saturating_add(256) {
                *told = octaves;
                is_new = true;
            }
        }
        is_new
    }

    /// Closes the oldest hour.
    pub(crate) fn close(&mut self) -> (u32, [u64; 2]) {
        let closed = (self.oldest, self.bytes(self.oldest));
        self.bytes = [self.bytes[1], self.bytes[2], [0; 2]];
        self.oldest += 1;
        self.told = self.told.map(|told| told.saturating_sub(32));
        closed
    }

    /// Forgets that there were hours until `hour`; all open hours are idle.
    pub(crate) fn skip_to(&mut self, hour: u32) {
        *self = Self::new(hour);
    }
}

/// Gives each hour between `since` and `at` its share of `bytes`, oldest first. No byte is lost.
pub(crate) fn spread(since: Option<Timestamp>, at: Timestamp, bytes: u64, mut give: impl FnMut(u32, u64)) {
    let end = at.secs().clamp(0, LAST);
    let start = since.map_or(end, |since| since.secs().clamp((end - LONGEST).max(0), end));
    let (first, last) = (start / HOUR, end / HOUR);
    let total = (end - start).max(1);
    let mut left = bytes;
    for hour in first..last {
        let seconds = (hour + 1) * HOUR - start.max(hour * HOUR);
        let part = (u128::from(bytes) * seconds as u128 / total as u128) as u64;
        left -= part.min(left);
        if part > 0 {
            give(hour as u32, part);
        }
    }
    if left > 0 {
        give(last as u32, left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64, minute: i64) -> Timestamp {
        Timestamp::from_secs(hour * HOUR + minute * 60)
    }

    #[test]
    fn an_interval_falls_on_its_hours() {
        let mut parts = Vec::new();
        spread(Some(at(10, 30)), at(12, 30), 1_200, |hour, part| parts.push((hour, part)));
        assert_eq!(parts, [(10, 300), (11, 600), (12, 300)]);
    }

    #[test]
    fn no_byte_is_lost_and_no_time_is_needed() {
        for (since, bytes) in [(None, 7), (Some(at(99, 59)), 7), (Some(at(200, 0)), 1), (Some(at(0, 1)), u64::MAX)] {
            let mut sum = 0_u64;
            spread(since, at(100, 1), bytes, |_, part| sum += part);
            assert_eq!(sum, bytes);
        }
    }

    #[test]
    fn an_hour_waits_for_the_interim_that_covers_its_end() {
        assert_eq!(oldest_open(at(14, 9)), 12);
        assert_eq!(oldest_open(at(14, 10)), 13);
        assert_eq!(OpenHours::new(12).due(), at(14, 10));
    }
}
