//! Packet codes.

use std::fmt;

/// The kind of a packet (RFC 2865 §3, RFC 5176 §3, RFC 5997 §3). Any octet is a code; the named ones are spoken here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u8);

impl Code {
    /// A SIM asks to be let in.
    pub const ACCESS_REQUEST: Self = Self(1);
    /// It may.
    pub const ACCESS_ACCEPT: Self = Self(2);
    /// It may not.
    pub const ACCESS_REJECT: Self = Self(3);
    /// A session starts, goes on or ends.
    pub const ACCOUNTING_REQUEST: Self = Self(4);
    /// That was recorded (RFC 2866 §2: sent only after it was).
    pub const ACCOUNTING_RESPONSE: Self = Self(5);
    /// More is needed before a decision (EAP).
    pub const ACCESS_CHALLENGE: Self = Self(11);
    /// "Are you there?" (RFC 5997).
    pub const STATUS_SERVER: Self = Self(12);
    /// End this session (RFC 5176 §2.1).
    pub const DISCONNECT_REQUEST: Self = Self(40);
    /// It will be ended; the accounting Stop is the proof.
    pub const DISCONNECT_ACK: Self = Self(41);
    /// It was not ended.
    pub const DISCONNECT_NAK: Self = Self(42);
    /// Change what this session may do (RFC 5176 §2.2).
    pub const COA_REQUEST: Self = Self(43);
    /// Changed.
    pub const COA_ACK: Self = Self(44);
    /// Not changed.
    pub const COA_NAK: Self = Self(45);
    /// The peer could not process the request at all (RFC 7930 §4).
    pub const PROTOCOL_ERROR: Self = Self(52);

    /// Whether a packet of this code asks for an answer.
    pub const fn is_request(self) -> bool {
        matches!(self.0, 1 | 4 | 12 | 40 | 43)
    }

    /// Whether the Request Authenticator of this request is 16 random octets (and so proves nothing) instead of a hash.
    pub const fn has_random_authenticator(self) -> bool {
        matches!(self.0, 1 | 12)
    }

    /// Whether `self` may answer a request of code `request`.
    pub const fn answers(self, request: Self) -> bool {
        match request.0 {
            1 => matches!(self.0, 2 | 3 | 11 | 52),
            4 => matches!(self.0, 5 | 52),
            12 => matches!(self.0, 2 | 5 | 52),
            40 => matches!(self.0, 41 | 42 | 52),
            43 => matches!(self.0, 44 | 45 | 52),
            _ => false,
        }
    }

    /// The name the RFCs give it.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "Access-Request",
            2 => "Access-Accept",
            3 => "Access-Reject",
            4 => "Accounting-Request",
            5 => "Accounting-Response",
            11 => "Access-Challenge",
            12 => "Status-Server",
            40 => "Disconnect-Request",
            41 => "Disconnect-ACK",
            42 => "Disconnect-NAK",
            43 => "CoA-Request",
            44 => "CoA-ACK",
            45 => "CoA-NAK",
            52 => "Protocol-Error",
            _ => return None,
        })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Code-{}", self.0),
        }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
