//! Small, regular contacts to a place.
//!
//! Regular: the median absolute deviation of the last intervals is at most 30 % of their median (a jitter of +-50 % has 25 %; arrivals by
//! chance have 70 %). The median shrugs off one missed call.

use std::net::IpAddr;

use fleetward_packet::Time;

/// Places that are remembered for a device.
const MAX_PLACES: usize = 32;
/// Intervals that are judged.
const INTERVALS: usize = 12;
/// So many are needed.
const NEEDED: usize = 8;
const MILLISECOND: i64 = 1_000_000;

/// One place that is called again and again.
#[derive(Debug, Clone)]
pub(super) struct Place {
    key: (IpAddr, u16, u8),
    last: Time,
    pub(super) calls: u32,
    pub(super) answered: bool,
    pub(super) unanswered: u32,
    /// Octets of all calls that are over.
    pub(super) bytes: u64,
    intervals: [u32; INTERVALS],
}

/// Places of a device.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<Place>);

impl Places {
    /// A call begins.
    pub(super) fn called(&mut self, key: (IpAddr, u16, u8), time: Time) -> &Place {
        let at = self.0.iter().position(|it| it.key == key);
        let Some(at) = at else { return self.make(key, time) };
        let place = &mut self.0[at];
        let interval = time.0.saturating_sub(place.last.0) / MILLISECOND;
        place.intervals[(place.calls as usize - 1) % INTERVALS] = u32::try_from(interval).unwrap_or(u32::MAX);
        place.calls = place.calls.saturating_add(1);
        place.last = time;
        place
    }

    /// A call is over.
    pub(super) fn ended(&mut self, key: (IpAddr, u16, u8), answered: bool, bytes: u64) {
        if let Some(place) = self.0.iter_mut().find(|it| it.key == key) {
            place.answered |= answered;
            place.unanswered = place.unanswered.saturating_add(u32::from(!answered));
            place.bytes = place.bytes.saturating_add(bytes);
        }
    }

    /// Somebody took a call there.
    pub(super) fn was_answered(&self, key: (IpAddr, u16, u8)) -> bool {
        self.0.iter().any(|it| it.key == key && it.answered)
    }

    fn make(&mut self, key: (IpAddr, u16, u8), time: Time) -> &Place {
        let place =
            Place { key, last: time, calls: 1, answered: false, unanswered: 0, bytes: 0, intervals: [0; INTERVALS] };
        let at = if self.0.len() < MAX_PLACES {
            self.0.push(place);
            self.0.len() - 1
        } else {
            // What was called once gives way first: a scan does not wash out a beacon.
            let least = |(_, it): &(usize, &Place)| (it.calls > 2, it.last);
            let at = self.0.iter().enumerate().min_by_key(least).map_or(0, |(at, _)| at);
            self.0[at] = place;
            at
        };
        &self.0[at]
    }
}

impl Place {
    /// The usual interval in milliseconds, where calls are regular.
    pub(super) fn rhythm(&self) -> Option<u32> {
        let known = (self.calls as usize).saturating_sub(1).min(INTERVALS);
        if known < NEEDED {
            return None;
        }
        let median = median(self.intervals[..known].to_vec());
        let spread = self.intervals[..known].iter().map(|it| it.abs_diff(median)).collect();
        // Faster than a call in two seconds is work, not a sign of life.
        (median >= 2000 && u64::from(self::median(spread)) * 10 <= u64::from(median) * 3).then_some(median)
    }
}

fn median(mut values: Vec<u32>) -> u32 {
    let middle = values.len() / 2;
    *values.select_nth_unstable(middle).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rhythm_of(seconds: &[i64]) -> Option<u32> {
        let mut places = Places::default();
        let key = (IpAddr::from([203, 0, 113, 9]), 443, 6);
        let mut at = 0;
        let mut rhythm = None;
        for wait in seconds {
            at += wait;
            rhythm = places.called(key, Time(at * 1_000_000_000)).rhythm();
        }
        rhythm
    }

    #[test]
    fn regular_calls_have_a_rhythm_whatever_the_jitter() {
        assert_eq!(rhythm_of(&[60; 9]), Some(60_000));
        assert!(rhythm_of(&[60, 45, 71, 60, 50, 66, 120, 59, 75]).is_some());
        assert_eq!(rhythm_of(&[60; 8]), None);
        assert_eq!(rhythm_of(&[3, 200, 15, 700, 1, 90, 2400, 20, 5]), None);
    }
}
