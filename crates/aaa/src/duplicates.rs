//! The wire's duplicate cache: a retransmitted Access-Request gets the same answer again, octet for octet
//! (RFC 5080 §2.2.2; RFC 2865 §3).
//!
//! A request is known by source address, source port and Identifier at one socket, and is the same request only if the
//! Request Authenticator is the same. Bounded by count and by age; the oldest goes first. Callers ask only for
//! packets whose Message-Authenticator (where required) verified, so that a forger can neither fill nor purge it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::Timestamp;
use hashbrown::HashMap;

/// How long an answer is kept: the longest a client retransmits before it gives up (RFC 5080 §2.2.1, 30 s).
pub(crate) const MAX_AGE: Duration = Duration::from_secs(30);

/// Who sent which Identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WireKey {
    pub(crate) from: SocketAddr,
    pub(crate) identifier: u8,
}

/// What the cache says about a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Not before: it is entered as in progress, under this ticket.
    New(Ticket),
    /// Its answer is on its way: drop this one.
    InProgress,
    /// It was answered so: answer so again.
    Answered(Arc<[u8]>),
}

/// Names one entry, so that a late answer cannot land on a newer request with the same Identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    key: WireKey,
    sequence: u64,
}

/// One socket's cache.
#[derive(Debug)]
pub(crate) struct DuplicateCache {
    entries: HashMap<WireKey, Entry>,
    /// Every entry in order of arrival, also those that were replaced since.
    order: VecDeque<(Ticket, Timestamp)>,
    capacity: usize,
    sequence: u64,
}

#[derive(Debug)]
struct Entry {
    sequence: u64,
    authenticator: [u8; 16],
    answer: Option<Arc<[u8]>>,
}

impl DuplicateCache {
    /// An empty one for at most `capacity` requests.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), capacity: capacity.max(1), sequence: 0 }
    }

    /// Looks a request up and enters it where it is new.
    pub(crate) fn check(&mut self, key: WireKey, authenticator: &[u8; 16], now: Timestamp) -> Seen {
        self.expire(now);
        if let Some(entry) = self.entries.get(&key)
            && entry.authenticator == *authenticator
        {
            return entry.answer.as_ref().map_or(Seen::InProgress, |answer| Seen::Answered(Arc::clone(answer)));
        }
        self.sequence += 1;
        let ticket = Ticket { key, sequence: self.sequence };
        self.entries.insert(key, Entry { sequence: self.sequence, authenticator: *authenticator, answer: None });
        self.order.push_back((ticket, now));
        Seen::New(ticket)
    }

    /// Keeps the answer for the next time.
    pub(crate) fn answered(&mut self, ticket: Ticket, answer: &[u8]) {
        if let Some(entry) = self.entries.get_mut(&ticket.key)
            && entry.sequence == ticket.sequence
        {
            entry.answer = Some(answer.into());
        }
    }

    /// There will be no answer: the next retransmission is a new request.
    pub(crate) fn forget(&mut self, ticket: Ticket) {
        if self.entries.get(&ticket.key).is_some_and(|entry| entry.sequence == ticket.sequence) {
            self.entries.remove(&ticket.key);
        }
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some(&(ticket, at)) = self.order.front() {
            // A clock that was set back makes `at` lie in the future; such entries go when the count demands it.
            if self.order.len() < self.capacity && now.since(at) <= MAX_AGE {
                break;
            }
            self.order.pop_front();
            self.forget(ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(port: u16, identifier: u8) -> WireKey {
        WireKey { from: SocketAddr::from(([192, 0, 2, 1], port)), identifier }
    }

    fn ticket(seen: &Seen) -> Ticket {
        match seen {
            Seen::New(ticket) => *ticket,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_same_request_gets_the_same_answer() {
        let mut cache = DuplicateCache::new(8);
        let first = ticket(&cache.check(key(1, 7), &[1; 16], Timestamp(0)));
        assert_eq!(cache.check(key(1, 7), &[1; 16], Timestamp(1)), Seen::InProgress);
        cache.answered(first, b"yes");
        assert_eq!(cache.check(key(1, 7), &[1; 16], Timestamp(2)), Seen::Answered(b"yes"[..].into()));
        // Another port or Identifier is another request.
        ticket(&cache.check(key(2, 7), &[1; 16], Timestamp(2)));
        ticket(&cache.check(key(1, 8), &[1; 16], Timestamp(2)));
    }

    #[test]
    fn a_new_authenticator_is_a_new_request_and_late_answers_miss_it() {
        let mut cache = DuplicateCache::new(8);
        let old = ticket(&cache.check(key(1, 7), &[1; 16], Timestamp(0)));
        let new = ticket(&cache.check(key(1, 7), &[2; 16], Timestamp(1)));
        cache.answered(old, b"old");
        assert_eq!(cache.check(key(1, 7), &[2; 16], Timestamp(2)), Seen::InProgress);
        cache.forget(new);
        ticket(&cache.check(key(1, 7), &[2; 16], Timestamp(3)));
    }

    #[test]
    fn bounded_by_count_and_age() {
        let mut cache = DuplicateCache::new(100);
        for n in 0..10_000_u16 {
            cache.check(key(n, 0), &[0; 16], Timestamp(0));
            assert!(cache.entries.len() <= 100 && cache.order.len() <= 100);
        }
        // The same Identifier over and over, with new authenticators, does not grow it either.
        for n in 0..10_000_u64 {
            cache.check(key(1, 0), &(u128::from(n)).to_be_bytes(), Timestamp(0));
            assert!(cache.order.len() <= 100);
        }
        cache.check(key(1, 1), &[0; 16], Timestamp(31_000));
        assert_eq!((cache.entries.len(), cache.order.len()), (1, 1));
    }
}
