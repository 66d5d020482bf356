//! Dynamic authorisation, our side: Disconnect- and CoA-Requests and their answers (RFC 5176).
//!
//! An ACK is a promise, not a proof: several NASes send it before the session is gone. The proof is the accounting Stop.
//! What identifies a session differs per NAS ([`Request`] only writes what it is told to), and a NAS remembers identifiers
//! for its Event-Timestamp window, so at most 256 requests leave one source port in 300 seconds (RFC 5176 §6.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::auth::{self, Policy, Untrusted};
use crate::dictionary as d;
use crate::tgpp::kind;
use crate::{Builder, Code, Malformed, Packet, Unencodable};

/// How far an Event-Timestamp may be from now, in seconds: RFC 5176 §6.3's default.
pub const WINDOW: u32 = 300;

/// A Disconnect- or CoA-Request in the making. Retransmit the signed bytes as they are, from the same port, with the old
/// Event-Timestamp (RFC 5176 §2.3).
#[derive(Debug)]
pub struct Request {
    builder: Builder,
}

impl Request {
    /// Ends a session. Only identification attributes belong into it: no Service-Type (RFC 5176 §3).
    pub fn disconnect(identifier: u8) -> Self {
        Self { builder: Builder::request(Code::DISCONNECT_REQUEST, identifier) }
    }

    /// Changes a session.
    pub fn change(identifier: u8) -> Self {
        Self { builder: Builder::request(Code::COA_REQUEST, identifier) }
    }

    /// Event-Timestamp, seconds since 1970. Several NASes drop requests without it in silence.
    pub fn event_timestamp(&mut self, seconds: u32) -> &mut Self {
        self.builder.u32(d::EVENT_TIMESTAMP, seconds);
        self
    }

    /// Message-Authenticator, first.
    pub fn message_authenticator(&mut self) -> &mut Self {
        self.builder.message_authenticator();
        self
    }

    /// User-Name: the only thing strongSwan looks at, and it closes *every* session of that name.
    pub fn user_name(&mut self, name: &[u8]) -> &mut Self {
        self.attribute(d::USER_NAME, name)
    }

    /// Acct-Session-Id.
    pub fn session_id(&mut self, id: &[u8]) -> &mut Self {
        self.attribute(d::ACCT_SESSION_ID, id)
    }

    /// Acct-Multi-Session-Id.
    pub fn multi_session_id(&mut self, id: &[u8]) -> &mut Self {
        self.attribute(d::ACCT_MULTI_SESSION_ID, id)
    }

    /// Calling-Station-Id.
    pub fn calling_station(&mut self, id: &[u8]) -> &mut Self {
        self.attribute(d::CALLING_STATION_ID, id)
    }

    /// Called-Station-Id.
    pub fn called_station(&mut self, id: &[u8]) -> &mut Self {
        self.attribute(d::CALLED_STATION_ID, id)
    }

    /// Framed-IP-Address: accepted by many, promised by none (RFC 5176 contradicts itself).
    pub fn framed_ipv4(&mut self, address: Ipv4Addr) -> &mut Self {
        self.builder.ipv4(d::FRAMED_IP_ADDRESS, address);
        self
    }

    /// NAS-IP-Address or NAS-IPv6-Address.
    pub fn nas_address(&mut self, address: IpAddr) -> &mut Self {
        self.builder.nas_address(address);
        self
    }

    /// NAS-Identifier.
    pub fn nas_identifier(&mut self, id: &[u8]) -> &mut Self {
        self.attribute(d::NAS_IDENTIFIER, id)
    }

    /// 3GPP-IMSI.
    pub fn imsi(&mut self, digits: &str) -> &mut Self {
        self.vendor(d::VENDOR_3GPP, kind::IMSI, digits.as_bytes())
    }

    /// 3GPP-NSAPI, one hex digit as the gateway sent it.
    pub fn nsapi(&mut self, digit: &[u8]) -> &mut Self {
        self.vendor(d::VENDOR_3GPP, kind::NSAPI, digit)
    }

    /// 3GPP-Teardown-Indicator: whether all contexts of the PDN connection go.
    pub fn teardown(&mut self, all: bool) -> &mut Self {
        self.vendor(d::VENDOR_3GPP, kind::TEARDOWN_INDICATOR, &[u8::from(all)])
    }

    /// Acct-Terminate-Cause, for the Stop (allowed by RFC 5176 §3; few obey).
    pub fn terminate_cause(&mut self, cause: u32) -> &mut Self {
        self.builder.u32(d::ACCT_TERMINATE_CAUSE, cause);
        self
    }

    /// Session-Timeout in seconds, for a change.
    pub fn session_timeout(&mut self, seconds: u32) -> &mut Self {
        self.builder.u32(d::SESSION_TIMEOUT, seconds);
        self
    }

    /// Filter-Id, for a change.
    pub fn filter(&mut self, name: &str) -> &mut Self {
        self.attribute(d::FILTER_ID, name.as_bytes())
    }

    /// Anything else a NAS's profile asks for.
    pub fn attribute(&mut self, kind: u8, value: &[u8]) -> &mut Self {
        self.builder.attribute(kind, value);
        self
    }

    /// Any vendor's sub-attribute.
    pub fn vendor(&mut self, vendor: u32, kind: u8, value: &[u8]) -> &mut Self {
        self.builder.vendor(vendor, kind, value);
        self
    }

    /// The bytes to send, and to check answers against.
    pub fn sign(self, secret: &[u8]) -> Result<Sent, Unencodable> {
        Ok(Sent { bytes: self.builder.sign(secret)? })
    }
}

/// A signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    bytes: Vec<u8>,
}

impl Sent {
    /// What goes onto the wire, the first time and every other time.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its identifier.
    pub fn identifier(&self) -> u8 {
        self.bytes[1]
    }

    /// Its code.
    pub fn code(&self) -> Code {
        Code(self.bytes[0])
    }

    /// Reads an answer: well-formed, for this request, authentic, and not stale when it carries a time (`now` in seconds
    /// since 1970). Anything that fails is to be ignored and waited past: it may be a forgery racing the real answer.
    pub fn check(&self, datagram: &[u8], secret: &[u8], now: i64) -> Result<Answer, NotAnAnswer> {
        let request = Packet::parse(&self.bytes)?;
        let reply = Packet::parse(datagram)?;
        auth::verify_reply(&reply, &request, secret, Policy::Require)?;
        if let Some(stamp) = reply.attribute(d::EVENT_TIMESTAMP) {
            check_time(stamp.u32(), now, WINDOW)?;
        }
        Ok(Answer::read(&reply))
    }
}

/// Why a datagram is not the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAnswer {
    /// It is no RADIUS packet.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It is one, and not to be believed.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
}

/// What the NAS says it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It will. Wait for the Stop.
    Ack {
        /// Error-Cause, which an ACK may carry (201, residual context removed).
        cause: Option<ErrorCause>,
    },
    /// It will not. Many NASes give no cause.
    Nak {
        /// Why, if it says so.
        cause: Option<ErrorCause>,
    },
}

impl Answer {
    fn read(reply: &Packet<'_>) -> Self {
        let cause = reply.attribute(d::ERROR_CAUSE).and_then(|attribute| attribute.u32()).map(ErrorCause);
        match reply.code() {
            Code::DISCONNECT_ACK | Code::COA_ACK => Self::Ack { cause },
            _ => Self::Nak { cause },
        }
    }
}

/// Whether an Event-Timestamp is there and within `window` seconds of `now`.
pub fn check_time(stamp: Option<u32>, now: i64, window: u32) -> Result<(), Untrusted> {
    match stamp {
        Some(stamp) if now.abs_diff(i64::from(stamp)) <= u64::from(window) => Ok(()),
        _ => Err(Untrusted::Stale),
    }
}

/// Error-Cause (101, RFC 5176 §3.5). Any number is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorCause(pub u32);

impl ErrorCause {
    /// The session was already gone; what was left of it is gone now (in an ACK).
    pub const RESIDUAL_CONTEXT_REMOVED: Self = Self(201);
    /// An attribute the NAS does not support.
    pub const UNSUPPORTED_ATTRIBUTE: Self = Self(401);
    /// An attribute it needs is missing.
    pub const MISSING_ATTRIBUTE: Self = Self(402);
    /// NAS-Identifier or NAS-IP-Address is not its own.
    pub const NAS_IDENTIFICATION_MISMATCH: Self = Self(403);
    /// Something else about the request.
    pub const INVALID_REQUEST: Self = Self(404);
    /// Service-Type is not supported.
    pub const UNSUPPORTED_SERVICE: Self = Self(405);
    /// A value is not supported.
    pub const INVALID_ATTRIBUTE_VALUE: Self = Self(407);
    /// Its policy forbids it.
    pub const ADMINISTRATIVELY_PROHIBITED: Self = Self(501);
    /// A proxy knows no way.
    pub const REQUEST_NOT_ROUTABLE: Self = Self(502);
    /// No session matches: it is already gone, or it is known by another key.
    pub const SESSION_CONTEXT_NOT_FOUND: Self = Self(503);
    /// It cannot be removed.
    pub const SESSION_CONTEXT_NOT_REMOVABLE: Self = Self(504);
    /// A proxy failed.
    pub const PROXY_PROCESSING_ERROR: Self = Self(505);
    /// Not now.
    pub const RESOURCES_UNAVAILABLE: Self = Self(506);
    /// The NAS will send an Access-Request first.
    pub const REQUEST_INITIATED: Self = Self(507);
    /// Several sessions match and it handles one at a time.
    pub const MULTIPLE_SESSION_SELECTION_UNSUPPORTED: Self = Self(508);

    /// The RFC's name.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            201 => "Residual-Session-Context-Removed",
            202 => "Invalid-EAP-Packet",
            401 => "Unsupported-Attribute",
            402 => "Missing-Attribute",
            403 => "NAS-Identification-Mismatch",
            404 => "Invalid-Request",
            405 => "Unsupported-Service",
            406 => "Unsupported-Extension",
            407 => "Invalid-Attribute-Value",
            501 => "Administratively-Prohibited",
            502 => "Request-Not-Routable",
            503 => "Session-Context-Not-Found",
            504 => "Session-Context-Not-Removable",
            505 => "Proxy-Processing-Error",
            506 => "Resources-Unavailable",
            507 => "Request-Initiated",
            508 => "Multiple-Session-Selection-Unsupported",
            _ => return None,
        })
    }
}

impl fmt::Display for ErrorCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Error-Cause-{}", self.0),
        }
    }
}
