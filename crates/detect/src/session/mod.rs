//! The sessions of one device: cumulative counters become deltas, each octet once, in whatever order records come.
//!
//! # Invariants
//!
//! * **A record again changes nothing**: retransmits (with a new Acct-Delay-Time and so another event time, too), late
//!   and reordered records leave every total as it was. Counters are cumulative (RFC 2869 §2.1), so the sum of a
//!   session is its highest counter, whichever record said it.
//! * **A closed session is remembered** ([`closed::ClosedSession`]) so that its late Stop adds only what it has more.
//!   When one must be forgotten, `forgotten_until` keeps the newest end among the forgotten: a record of an unknown session from before
//!   that moment may belong to one of them, so it changes nothing.
//! * **Nothing is guessed.** A 32-bit counter that went down (no Gigawords, event time advanced) has wrapped at least
//!   once, but how often, and whether it was the NAS that began anew, nobody knows: the session is flagged, nothing is
//!   added for that step, and counting goes on from the new value.

mod closed;
mod counter;
mod marks;
mod open;
mod row;
mod texts;
mod track;

pub(crate) use closed::ClosedSession;
pub(crate) use counter::Counters;
pub(crate) use open::OpenSession;
pub(crate) use track::{Context, Ended, Sessions, Step};

#[cfg(test)]
mod tests;
