//! Observations that others tell, and the server's own audits: recorded, and what makes a repetition the same.

use std::hash::Hasher as _;

use fleetward_api::Told;
use fleetward_fleet::{Observation, Timestamp, wire};
use fleetward_journal::{Handle, Outcome, Refused};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use super::{Record, ticks};

/// Records that go into the journal at a time; a batch is all or nothing, and what went before it counts once anyway.
pub(super) const BATCH: usize = 1000;

/// Writes them into the journal: durable when it returns. Says how many were new; where it is refused, part of them may be
/// recorded already, and counts once when all of it is told again.
pub(super) fn record(journal: &Handle<Record>, told: Vec<Told>) -> Result<usize, Refused> {
    let mut left = told.into_iter().map(|told| ticks::entry(content_key(&told), told.observation)).peekable();
    let mut new = 0;
    while left.peek().is_some() {
        let outcomes = journal.append_wait(left.by_ref().take(BATCH).collect())?;
        new += outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Appended(_))).count();
    }
    Ok(new)
}

/// By the source's own number of the event where it has one, else by everything but when we learnt it. Never 0, which to
/// the journal means "no key".
pub(super) fn content_key(told: &Told) -> u128 {
    // Fixed keys: the journal keeps the hash over restarts and upgrades. A source could only hide its own events by it.
    let mut hasher = SipHasher13::new_with_keys(0x666c_6565_7477_6172, 0x6f62_7365_7276_6564);
    let mut part = |octets: &[u8]| {
        hasher.write(&(octets.len() as u64).to_be_bytes());
        hasher.write(octets);
    };
    part(told.observation.source.as_bytes());
    if let Some(id) = &told.id {
        part(id.as_bytes());
    } else {
        let plain = Observation { observed_at: Timestamp(0), ..told.observation.clone() };
        let mut bytes = Vec::with_capacity(128);
        wire::to_wire(&plain, &mut bytes);
        part(b"content");
        part(&bytes);
    }
    hasher.finish128().as_u128().max(1)
}

#[cfg(test)]
mod tests {
    use fleetward_fleet::{Body, DeviceId, Direction, Message};

    use super::*;

    fn told(id: Option<&str>, at: i64, learnt: i64) -> Told {
        let message = Message { direction: Direction::Out, peer: Some("81234".into()), count: 1 };
        let observation = Observation {
            event_time: Timestamp(at),
            observed_at: Timestamp(learnt),
            source: "kore".into(),
            device: DeviceId(7),
            identity: None,
            body: Body::Message(Box::new(message)),
        };
        Told { observation, id: id.map(str::to_owned) }
    }

    #[test]
    fn a_repetition_is_the_same_and_another_event_is_not() {
        let key = |id, at, learnt| content_key(&told(id, at, learnt));
        assert_eq!(key(None, 1, 10), key(None, 1, 99));
        assert_ne!(key(None, 1, 10), key(None, 2, 10));
        assert_eq!(key(Some("e1"), 1, 10), key(Some("e1"), 2, 20));
        assert_ne!(key(Some("e1"), 1, 10), key(Some("e2"), 1, 10));
    }
}
