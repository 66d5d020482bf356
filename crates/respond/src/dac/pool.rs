//! Which source port and identifier a request gets.
//!
//! A NAS remembers (source address, source port, identifier) for about 300 s and answers a repeated one from memory,
//! however different the request is (RFC 5176 §6.3; strongSwan compares nothing else). So an identifier rests that
//! long after its last use, and more requests than 256 need more ports.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The identifiers of every source port towards one destination.
#[derive(Debug)]
pub(super) struct Lane {
    ports: Vec<Identifiers>,
    limit: usize,
    rest: Duration,
}

impl Lane {
    pub(super) fn new(limit: usize, rest: Duration) -> Self {
        Self { ports: Vec::new(), limit: limit.clamp(1, super::MAX_PORTS), rest }
    }

    /// A port (its number in order of use) and an identifier that nobody used within the rest, or `None`: wait.
    pub(super) fn take(&mut self, now: Instant) -> Option<(usize, u8)> {
        let rest = self.rest;
        let free = self.ports.iter_mut().enumerate().find_map(|(port, ids)| Some((port, ids.take(now, rest)?)));
        if free.is_some() || self.ports.len() >= self.limit {
            return free;
        }
        self.ports.push(Identifiers::default());
        let port = self.ports.len() - 1;
        self.ports[port].take(now, rest).map(|identifier| (port, identifier))
    }

    /// The request is over: the identifier rests from now.
    pub(super) fn put_back(&mut self, port: usize, identifier: u8, now: Instant) {
        if let Some(ids) = self.ports.get_mut(port) {
            ids.resting.push_back((now, identifier));
        }
    }
}

/// The identifiers of one port, the least recently used first.
#[derive(Debug, Default)]
struct Identifiers {
    unused: u16,
    resting: VecDeque<(Instant, u8)>,
}

impl Identifiers {
    fn take(&mut self, now: Instant, rest: Duration) -> Option<u8> {
        if let Ok(fresh) = u8::try_from(self.unused) {
            self.unused += 1;
            return Some(fresh);
        }
        let (since, identifier) = *self.resting.front()?;
        if now.saturating_duration_since(since) < rest {
            return None;
        }
        self.resting.pop_front();
        Some(identifier)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn grows_to_its_ports_and_then_waits() {
        let rest = Duration::from_mins(5);
        let mut lane = Lane::new(2, rest);
        let start = Instant::now();
        let mut taken = HashSet::new();
        for _ in 0..512 {
            let slot = lane.take(start).expect("there is room");
            assert!(taken.insert(slot), "{slot:?} twice");
            lane.put_back(slot.0, slot.1, start);
        }
        assert_eq!(lane.take(start + Duration::from_secs(299)), None);
        assert_eq!(lane.take(start + rest), Some((0, 0)), "the least recently used one comes back first");
    }

    #[test]
    fn what_is_in_use_is_not_given_away_however_long_it_takes() {
        let mut lane = Lane::new(1, Duration::from_secs(1));
        let start = Instant::now();
        for _ in 0..256 {
            lane.take(start).expect("there is room");
        }
        assert_eq!(lane.take(start + Duration::from_hours(1)), None);
    }
}
