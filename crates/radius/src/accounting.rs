//! The typed view of an Accounting-Request (RFC 2866, 2869; corrections of RFC 5080 §2.3.1).
//!
//! Interim counters are cumulative since the session's start, never deltas. A Start may lack the address, a Stop may come
//! without a Start, an interim may be missing or late: all of that is normal and left to the caller.

use std::fmt;

use crate::dictionary as d;
use crate::subject::first;
use crate::{Attribute, Packet, Subject};

/// Acct-Status-Type (40). Any number is one; the named ones are acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u32);

impl Status {
    /// The session begins.
    pub const START: Self = Self(1);
    /// The session ended: the proof of every disconnect.
    pub const STOP: Self = Self(2);
    /// It goes on; counters so far.
    pub const INTERIM_UPDATE: Self = Self(3);
    /// The NAS came up: every session it had is over.
    pub const ACCOUNTING_ON: Self = Self(7);
    /// The NAS goes down: every session it has is over.
    pub const ACCOUNTING_OFF: Self = Self(8);

    /// Whether it is about the NAS as a whole instead of one session.
    pub const fn is_nas_wide(self) -> bool {
        matches!(self, Self::ACCOUNTING_ON | Self::ACCOUNTING_OFF)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::START => f.write_str("Start"),
            Self::STOP => f.write_str("Stop"),
            Self::INTERIM_UPDATE => f.write_str("Interim-Update"),
            Self::ACCOUNTING_ON => f.write_str("Accounting-On"),
            Self::ACCOUNTING_OFF => f.write_str("Accounting-Off"),
            Self(other) => write!(f, "Status-{other}"),
        }
    }
}

/// Why an Accounting-Request cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Acct-Status-Type is missing or not a number: the record says nothing (RFC 2866 §5.13 requires it).
    #[error("Acct-Status-Type is missing")]
    NoStatus,
}

/// One direction's volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// Gigawords * 2^32 + Octets.
    pub octets: u64,
    /// Whether Gigawords was there. Without it the counter wraps at 4 GiB: a decrease within one session is a wrap or a lie,
    /// and the caller should flag it instead of guessing silently.
    pub has_gigawords: bool,
}

/// What was transferred, from the device's point of view: input is what it sent into the NAS (uplink).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// From the device.
    pub input: Option<Volume>,
    /// To the device.
    pub output: Option<Volume>,
    /// Packets from the device.
    pub input_packets: Option<u32>,
    /// Packets to the device.
    pub output_packets: Option<u32>,
}

/// An Accounting-Request, read in one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountingRequest<'a> {
    /// Start, Stop, …
    pub status: Status,
    /// Who and where; the session id and Event-Timestamp are in here.
    pub subject: Subject<'a>,
    /// Volumes since the session's start.
    pub counters: Counters,
    /// Acct-Session-Time (46): seconds since the session's start.
    pub session_time: Option<u32>,
    /// Acct-Delay-Time (41): seconds the NAS has been trying to send this; `None` is not 0 for a NAS that never sends it.
    pub delay_time: Option<u32>,
    /// Acct-Terminate-Cause (49): see [`crate::dictionary::terminate_cause`].
    pub terminate_cause: Option<u32>,
    /// Acct-Authentic (45).
    pub authentic: Option<u32>,
    /// Acct-Link-Count (51).
    pub link_count: Option<u32>,
}

impl<'a> AccountingRequest<'a> {
    /// Reads the packet, whatever its code.
    pub fn read(packet: &Packet<'a>) -> Result<Self, Unusable> {
        let mut numbers = Numbers::default();
        let mut subject = Subject::default();
        for attribute in packet.attributes() {
            let _ = subject.take(attribute) || numbers.take(attribute);
        }
        Ok(Self {
            status: Status(numbers.status.ok_or(Unusable::NoStatus)?),
            subject,
            counters: numbers.counters(),
            session_time: numbers.session_time,
            delay_time: numbers.delay_time,
            terminate_cause: numbers.terminate_cause,
            authentic: numbers.authentic,
            link_count: numbers.link_count,
        })
    }

    /// When it happened, in seconds since 1970: Event-Timestamp, else `arrival` less Acct-Delay-Time. Delay is whole seconds,
    /// so two sends of one record may differ by one. The NAS's clock may be wrong: keep `arrival` too.
    pub fn event_time(&self, arrival: i64) -> i64 {
        match self.subject.event_timestamp {
            Some(stamp) => i64::from(stamp),
            None => arrival.saturating_sub(i64::from(self.delay_time.unwrap_or(0))),
        }
    }
}

/// The attributes that only accounting has.
#[derive(Default)]
struct Numbers {
    status: Option<u32>,
    delay_time: Option<u32>,
    input_octets: Option<u32>,
    output_octets: Option<u32>,
    input_gigawords: Option<u32>,
    output_gigawords: Option<u32>,
    input_packets: Option<u32>,
    output_packets: Option<u32>,
    session_time: Option<u32>,
    terminate_cause: Option<u32>,
    authentic: Option<u32>,
    link_count: Option<u32>,
}

impl Numbers {
    fn take(&mut self, attribute: Attribute<'_>) -> bool {
        let slot = match attribute.kind {
            d::ACCT_STATUS_TYPE => &mut self.status,
            d::ACCT_DELAY_TIME => &mut self.delay_time,
            d::ACCT_INPUT_OCTETS => &mut self.input_octets,
            d::ACCT_OUTPUT_OCTETS => &mut self.output_octets,
            d::ACCT_INPUT_GIGAWORDS => &mut self.input_gigawords,
            d::ACCT_OUTPUT_GIGAWORDS => &mut self.output_gigawords,
            d::ACCT_INPUT_PACKETS => &mut self.input_packets,
            d::ACCT_OUTPUT_PACKETS => &mut self.output_packets,
            d::ACCT_SESSION_TIME => &mut self.session_time,
            d::ACCT_TERMINATE_CAUSE => &mut self.terminate_cause,
            d::ACCT_AUTHENTIC => &mut self.authentic,
            d::ACCT_LINK_COUNT => &mut self.link_count,
            _ => return false,
        };
        first(slot, attribute.u32());
        true
    }

    fn counters(&self) -> Counters {
        Counters {
            input: volume(self.input_octets, self.input_gigawords),
            output: volume(self.output_octets, self.output_gigawords),
            input_packets: self.input_packets,
            output_packets: self.output_packets,
        }
    }
}

fn volume(octets: Option<u32>, gigawords: Option<u32>) -> Option<Volume> {
    if octets.is_none() && gigawords.is_none() {
        return None;
    }
    let high = u64::from(gigawords.unwrap_or(0)) << 32;
    Some(Volume { octets: high | u64::from(octets.unwrap_or(0)), has_gigawords: gigawords.is_some() })
}
