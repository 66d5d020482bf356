//! What a gateway can be told, what it tells, and what it counts.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::packet::Record;

/// Acct-Terminate-Cause (RFC 2866 §5.10).
pub mod cause {
    /// The device hung up.
    pub const USER_REQUEST: u32 = 1;
    /// The radio was lost.
    pub const LOST_CARRIER: u32 = 2;
    /// Ended by the operator; what a Disconnect leads to.
    pub const ADMIN_RESET: u32 = 6;
}

/// A session at one gateway; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionRef(pub(super) u64);

/// Whether the gateway asks before it opens a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Access-Request first; accounting begins after the Accept.
    Asks,
    /// A legacy gateway: accounting begins at once, nobody is asked.
    Unasked,
}

/// What the gateway does with a Disconnect-Request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obedience {
    /// ACK, and after this long the Stop.
    Obeys(Duration),
    /// ACK, and the session goes on.
    SaysYesDoesNothing,
    /// NAK with this Error-Cause (RFC 5176 §3.5); without one where 0.
    Refuses(u32),
    /// No answer at all.
    Silent,
}

/// How long to wait before sending again: doubles from `first` to `cap`, with 10 % jitter (RFC 5080 §2.2.1).
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Before the first retransmit.
    pub first: Duration,
    /// At most.
    pub cap: Duration,
    /// An Access-Request is given up after this long.
    pub give_up: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { first: Duration::from_secs(2), cap: Duration::from_secs(16), give_up: Duration::from_secs(30) }
    }
}

/// What happened at a gateway.
#[derive(Debug, Clone)]
pub enum Event {
    /// Access-Accept; the Start is on its way.
    Admitted(Admitted),
    /// Access-Reject.
    Rejected(SessionRef),
    /// Nobody answered the Access-Request.
    Unanswered(SessionRef),
    /// The server has acknowledged this accounting record.
    Acknowledged(SessionRef, Box<Record>),
    /// Accounting-On (`true`) or -Off was acknowledged.
    ResetAcknowledged(bool),
    /// A valid Disconnect-Request for this session arrived then; it was answered as [`Obedience`] says.
    Disconnected(SessionRef, Instant),
    /// A CoA-Request changed this session's Session-Timeout (seconds).
    Changed(SessionRef, Option<u32>),
    /// The session is over and its Stop is acknowledged (cause as in the Stop).
    Closed(SessionRef, u32),
}

/// What an Access-Accept granted.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The session.
    pub session: SessionRef,
    /// Framed-IP-Address.
    pub ip: Option<Ipv4Addr>,
    /// Session-Timeout, seconds.
    pub timeout_secs: Option<u32>,
    /// Acct-Interim-Interval, seconds. The owner decides whether to obey (RFC 2869 §2.1 lets the gateway override).
    pub interim_secs: Option<u32>,
    /// Whether the answer carried a Message-Authenticator, which was right.
    pub has_message_authenticator: bool,
}

/// What a gateway counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Requests sent, retransmits included.
    pub sent: u64,
    /// Of these, retransmits.
    pub retransmits: u64,
    /// Answers that were proven.
    pub answered: u64,
    /// Datagrams that were malformed or unproven.
    pub bad: u64,
    /// Answers to nothing: to a request that was sent again meanwhile under another Identifier, or given up.
    pub late: u64,
    /// Disconnect- and CoA-Requests answered with ACK.
    pub dae_acks: u64,
    /// Disconnect- and CoA-Requests answered with NAK.
    pub dae_naks: u64,
    /// Disconnect- and CoA-Requests dropped: wrong secret, too old, malformed.
    pub dae_dropped: u64,
}
