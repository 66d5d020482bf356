//! The RADIUS wire protocol and its dictionary, sans-I/O.
//!
//! Bytes come in, values go out; this crate opens no socket, reads no clock, keeps no state and writes no log. It exists
//! because the packet format is small, the 3GPP part has to be written anyway, and what a SIM platform promises ("answered
//! means recorded", "verified before believed") starts at the codec.
//!
//! # Invariants
//!
//! - **Walk once.** [`Packet::parse`] validates the header and every attribute length; whatever it returns can be iterated
//!   without a further check, in time linear to its length (at most [`MAX_PACKET`] octets, so at most 2038 attributes).
//! - **No copy.** Reading borrows from the datagram; nothing allocates per attribute.
//! - **No panic, no loop.** Any bytes are input. A sub-attribute of length 0 or 1 ends its own VSA ([`manual::sub_length_zero`]).
//! - **Parsed is not trusted.** A [`Packet`] says what somebody wrote; only [`auth`] says whether they knew the secret.
//! - **Replies cannot forget.** [`Builder::reply_to`] copies Proxy-State in order and puts Message-Authenticator first.
//!
//! # A server's answer
//!
//! ```
//! use fleetward_radius::{Builder, Code, Packet, auth, dictionary, tgpp::Tgpp};
//!
//! fn answer(datagram: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
//!     let request = Packet::parse(datagram).ok()?;
//!     auth::verify_request(&request, secret, auth::Policy::Require).ok()?;
//!     let known = Tgpp::read(&request).imsi == Some("262011234567890");
//!     let mut reply = Builder::reply_to(&request, if known { Code::ACCESS_ACCEPT } else { Code::ACCESS_REJECT });
//!     if known {
//!         reply.u32(dictionary::ACCT_INTERIM_INTERVAL, 300);
//!     }
//!     reply.sign(secret).ok()
//! }
//!
//! let mut request = Builder::access_request(7, [9; 16]);
//! request.text(dictionary::USER_NAME, "meter").vendor_text(10415, 1, "262011234567890");
//! let request = request.sign(b"a secret of sixteen").unwrap();
//! let reply = answer(&request, b"a secret of sixteen").unwrap();
//! let (request, reply) = (Packet::parse(&request).unwrap(), Packet::parse(&reply).unwrap());
//! assert_eq!(reply.code(), Code::ACCESS_ACCEPT);
//! auth::verify_reply(&reply, &request, b"a secret of sixteen", auth::Policy::Require).unwrap();
//! ```

mod access;
pub mod accounting;
mod attribute;
pub mod auth;
mod builder;
mod code;
pub mod dae;
mod describe;
pub mod dictionary;
pub mod manual;
mod packet;
mod subject;
mod text;
pub mod tgpp;
mod vendor;

pub use access::{AccessRequest, Credentials};
pub use accounting::AccountingRequest;
pub use attribute::{Attribute, Attributes, Ipv6Prefix};
pub use builder::{Builder, Unencodable};
pub use code::Code;
pub use describe::Describe;
pub use packet::{Malformed, Packet};
pub use subject::Subject;
pub use text::Text;
pub use vendor::VendorAttributes;

/// The longest packet, in octets (RFC 2865 §3; RFC 2866's 4095 is not enforced).
pub const MAX_PACKET: usize = 4096;
/// The shortest packet: a header without attributes.
pub const HEADER: usize = 20;
/// The longest attribute value (RFC 2865 §5).
pub const MAX_VALUE: usize = 253;
