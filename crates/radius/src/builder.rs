//! Writing packets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::attribute::Ipv6Prefix;
use crate::auth::{self, password};
use crate::dictionary as d;
use crate::{Code, HEADER, MAX_PACKET, MAX_VALUE, Packet};

/// Why a packet could not be written. The first problem is kept and returned by [`Builder::sign`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unencodable {
    /// An attribute value is longer than 253 octets (249 less two per sub-attribute inside a VSA).
    #[error("attribute {kind} has {length} octets, more than fit")]
    Attribute {
        /// Its type.
        kind: u8,
        /// Its length in octets.
        length: usize,
    },
    /// The packet would be longer than 4096 octets.
    #[error("packet longer than 4096 octets")]
    Packet,
    /// Message-Authenticator is written by [`Builder::message_authenticator`] alone, so that there is one and it is first.
    #[error("Message-Authenticator is not written by hand")]
    Reserved,
    /// A password longer than 128 octets (RFC 2865 §5.2), or in a packet without a random Request Authenticator.
    #[error("password does not fit into this packet")]
    Password,
}

/// Writes one packet. Setters chain; the first error is remembered and comes out of [`Builder::sign`].
#[derive(Debug)]
pub struct Builder {
    bytes: Vec<u8>,
    seal: Seal,
    has_message_authenticator: bool,
    error: Option<Unencodable>,
}

/// What goes into the Authenticator field.
#[derive(Debug, Clone, Copy)]
enum Seal {
    /// Access-Request, Status-Server: the caller's random octets.
    Random([u8; 16]),
    /// Accounting-, Disconnect-, CoA-Request: MD5 over the packet with zeros in the field.
    Hash,
    /// A reply: MD5 over the packet with the request's authenticator in the field.
    Reply([u8; 16]),
}

impl Builder {
    /// An Access-Request with 16 *random* octets; Message-Authenticator first.
    pub fn access_request(identifier: u8, authenticator: [u8; 16]) -> Self {
        let mut builder = Self::start(Code::ACCESS_REQUEST, identifier, Seal::Random(authenticator), Vec::new());
        builder.message_authenticator();
        builder
    }

    /// A Status-Server probe (RFC 5997) with 16 *random* octets; Message-Authenticator first, as it must be.
    pub fn status_server(identifier: u8, authenticator: [u8; 16]) -> Self {
        let mut builder = Self::start(Code::STATUS_SERVER, identifier, Seal::Random(authenticator), Vec::new());
        builder.message_authenticator();
        builder
    }

    /// An Accounting-, Disconnect- or CoA-Request: its authenticator is computed by [`Builder::sign`], and covers the packet,
    /// so Message-Authenticator is optional and not written unless asked for.
    pub fn request(code: Code, identifier: u8) -> Self {
        debug_assert!(!code.has_random_authenticator(), "{code} takes random octets");
        Self::start(code, identifier, Seal::Hash, Vec::new())
    }

    /// A reply: same identifier, every Proxy-State of the request in order (RFC 2865 §5.33), and, when the request was an
    /// Access-Request or Status-Server or carried one itself, Message-Authenticator first ([`crate::manual::blast_radius`]).
    pub fn reply_to(request: &Packet<'_>, code: Code) -> Self {
        Self::reply_in(request, code, Vec::new())
    }

    /// [`Builder::reply_to`] into a buffer that is used again: what it held is dropped, what it allocated is kept.
    pub fn reply_in(request: &Packet<'_>, code: Code, buffer: Vec<u8>) -> Self {
        let mut builder = Self::start(code, request.identifier(), Seal::Reply(*request.authenticator()), buffer);
        if request.code().has_random_authenticator() || request.has(d::MESSAGE_AUTHENTICATOR) {
            builder.message_authenticator();
        }
        for state in request.all(d::PROXY_STATE) {
            builder.attribute(d::PROXY_STATE, state);
        }
        builder
    }

    /// Puts Message-Authenticator (80) first, whenever it is called; a second call changes nothing.
    pub fn message_authenticator(&mut self) -> &mut Self {
        if !self.has_message_authenticator {
            self.has_message_authenticator = true;
            let mut attribute = [0; auth::MESSAGE_AUTHENTICATOR_OCTETS];
            attribute[0] = d::MESSAGE_AUTHENTICATOR;
            attribute[1] = auth::MESSAGE_AUTHENTICATOR_OCTETS as u8;
            self.bytes.splice(HEADER..HEADER, attribute);
            self.check_length();
        }
        self
    }

    /// Leaves Message-Authenticator out, as old PAP clients (and Debian's ocserv) do. For tests and simulators only.
    pub fn without_message_authenticator(&mut self) -> &mut Self {
        if self.has_message_authenticator {
            self.has_message_authenticator = false;
            self.bytes.drain(HEADER..HEADER + auth::MESSAGE_AUTHENTICATOR_OCTETS);
        }
        self
    }

    /// Any attribute.
    pub fn attribute(&mut self, kind: u8, value: &[u8]) -> &mut Self {
        match kind {
            d::MESSAGE_AUTHENTICATOR => self.fail(Unencodable::Reserved),
            _ => self.write(kind, value.len(), |bytes| bytes.extend_from_slice(value)),
        }
    }

    /// Text.
    pub fn text(&mut self, kind: u8, value: &str) -> &mut Self {
        self.attribute(kind, value.as_bytes())
    }

    /// A 32-bit number.
    pub fn u32(&mut self, kind: u8, value: u32) -> &mut Self {
        self.attribute(kind, &value.to_be_bytes())
    }

    /// An IPv4 address.
    pub fn ipv4(&mut self, kind: u8, value: Ipv4Addr) -> &mut Self {
        self.attribute(kind, &value.octets())
    }

    /// An IPv6 address.
    pub fn ipv6(&mut self, kind: u8, value: Ipv6Addr) -> &mut Self {
        self.attribute(kind, &value.octets())
    }

    /// An IPv6 prefix.
    pub fn ipv6_prefix(&mut self, kind: u8, value: Ipv6Prefix) -> &mut Self {
        self.attribute(kind, &value.to_wire())
    }

    /// NAS-IP-Address or NAS-IPv6-Address, whichever it is.
    pub fn nas_address(&mut self, address: IpAddr) -> &mut Self {
        match address {
            IpAddr::V4(address) => self.ipv4(d::NAS_IP_ADDRESS, address),
            IpAddr::V6(address) => self.ipv6(d::NAS_IPV6_ADDRESS, address),
        }
    }

    /// A long value over as many attributes of the same type as it needs, in order (EAP-Message, RFC 3579 §3.1).
    pub fn split(&mut self, kind: u8, value: &[u8]) -> &mut Self {
        for part in value.chunks(MAX_VALUE) {
            self.attribute(kind, part);
        }
        self
    }

    /// One vendor sub-attribute in a VSA of its own.
    pub fn vendor(&mut self, vendor: u32, kind: u8, value: &[u8]) -> &mut Self {
        self.vendor_list(vendor, &[(kind, value)])
    }

    /// One vendor sub-attribute of text.
    pub fn vendor_text(&mut self, vendor: u32, kind: u8, value: &str) -> &mut Self {
        self.vendor(vendor, kind, value.as_bytes())
    }

    /// Several sub-attributes packed into one VSA, as some gateways do; together at most 249 octets.
    pub fn vendor_list(&mut self, vendor: u32, list: &[(u8, &[u8])]) -> &mut Self {
        let length = 4 + list.iter().map(|(_, value)| value.len() + 2).sum::<usize>();
        self.write(d::VENDOR_SPECIFIC, length, |bytes| {
            bytes.extend_from_slice(&vendor.to_be_bytes());
            for (kind, value) in list {
                bytes.extend_from_slice(&[*kind, (value.len() + 2) as u8]);
                bytes.extend_from_slice(value);
            }
        })
    }

    /// User-Password, hidden (RFC 2865 §5.2). Only in an Access-Request; at most 128 octets.
    pub fn user_password(&mut self, password: &[u8], secret: &[u8]) -> &mut Self {
        let Seal::Random(authenticator) = self.seal else { return self.fail(Unencodable::Password) };
        match password::hide(password, &authenticator, secret) {
            Some(hidden) => self.attribute(d::USER_PASSWORD, hidden.as_bytes()),
            None => self.fail(Unencodable::Password),
        }
    }

    /// CHAP-Password (RFC 2865 §5.3) with an explicit CHAP-Challenge, or over the Request Authenticator when there is none.
    pub fn chap_password(&mut self, chap_identifier: u8, password: &[u8], challenge: Option<&[u8]>) -> &mut Self {
        let Seal::Random(authenticator) = self.seal else { return self.fail(Unencodable::Password) };
        let answer = password::chap(chap_identifier, password, challenge.unwrap_or(&authenticator));
        let mut value = [chap_identifier; 17];
        value[1..].copy_from_slice(&answer);
        self.attribute(d::CHAP_PASSWORD, &value);
        if let Some(challenge) = challenge {
            self.attribute(d::CHAP_CHALLENGE, challenge);
        }
        self
    }

    /// Octets so far, header included.
    pub fn length(&self) -> usize {
        self.bytes.len()
    }

    /// Writes Length, Message-Authenticator and then the Authenticator, in that order, and gives the packet.
    pub fn sign(mut self, secret: &[u8]) -> Result<Vec<u8>, Unencodable> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let length = self.bytes.len() as u16;
        self.bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let field = match self.seal {
            Seal::Random(own) => own,
            Seal::Hash => [0; 16],
            Seal::Reply(request) => request,
        };
        self.bytes[4..HEADER].copy_from_slice(&field);
        if self.has_message_authenticator {
            let at = HEADER + 2;
            let code = auth::hmac(&self.bytes, &field, at, secret);
            self.bytes[at..at + 16].copy_from_slice(&code);
        }
        if !matches!(self.seal, Seal::Random(_)) {
            let digest = auth::digest(&self.bytes, &field, secret);
            self.bytes[4..HEADER].copy_from_slice(&digest);
        }
        Ok(self.bytes)
    }

    fn start(code: Code, identifier: u8, seal: Seal, mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        bytes.extend_from_slice(&[0; HEADER]);
        bytes[0] = code.0;
        bytes[1] = identifier;
        Self { bytes, seal, has_message_authenticator: false, error: None }
    }

    fn write(&mut self, kind: u8, length: usize, value: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        if length > MAX_VALUE {
            return self.fail(Unencodable::Attribute { kind, length });
        }
        if self.bytes.len() + length + 2 > MAX_PACKET {
            return self.fail(Unencodable::Packet);
        }
        self.bytes.extend_from_slice(&[kind, (length + 2) as u8]);
        value(&mut self.bytes);
        self
    }

    fn check_length(&mut self) {
        if self.bytes.len() > MAX_PACKET {
            self.fail(Unencodable::Packet);
        }
    }

    fn fail(&mut self, error: Unencodable) -> &mut Self {
        self.error.get_or_insert(error);
        self
    }
}
