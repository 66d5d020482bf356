//! Many places or ports tried.
//!
//! Fast: many different peers (or ports of one) called within a minute, before it is known who answers. Slow: many that did not answer or
//! refused, within a day. Nobody's legitimate device has dozens of unanswered peers on one port.

use std::net::IpAddr;

use fleetward_packet::Time;

use super::distinct::Distinct;

/// Ports (and peers, for vertical scans) that are counted at once; the longest silent gives way.
const MAX_COUNTED: usize = 8;

/// What is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Different peers on this protocol and port.
    Port(u8, u16),
    /// Different ports of this peer.
    Peer(IpAddr),
    /// Different peers on any port.
    All,
    /// Different addresses asked for on the link.
    Link,
}

#[derive(Debug)]
struct Counter {
    by: By,
    since: Time,
    last: Time,
    distinct: Distinct,
}

/// One speed of counting.
#[derive(Debug, Default)]
pub(super) struct Counters(Vec<Counter>);

impl Counters {
    /// Adds one; how many different ones there were in the window of so many nanoseconds.
    pub(super) fn add(&mut self, by: By, hash: u64, time: Time, window: i64) -> u64 {
        let at = self.0.iter().position(|it| it.by == by).unwrap_or_else(|| self.make(by, time));
        let counter = &mut self.0[at];
        if time.0.saturating_sub(counter.since.0) > window {
            counter.since = time;
            counter.distinct = Distinct::default();
        }
        counter.last = counter.last.max(time);
        counter.distinct.add(hash)
    }

    fn make(&mut self, by: By, time: Time) -> usize {
        let counter = Counter { by, since: time, last: time, distinct: Distinct::default() };
        if self.0.len() < MAX_COUNTED {
            self.0.push(counter);
            return self.0.len() - 1;
        }
        // The least advanced gives way first, so that churn does not wash out a slow scan.
        let least =
            self.0.iter().enumerate().min_by_key(|(_, it)| (it.distinct.count(), it.last)).map_or(0, |(at, _)| at);
        self.0[least] = counter;
        least
    }
}
