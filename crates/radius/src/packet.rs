//! A packet: header, length, attribute walk (RFC 2865 §3).

use crate::attribute::{Attribute, Attributes};
use crate::vendor::VendorAttributes;
use crate::{Code, HEADER, MAX_PACKET};

/// Why bytes are not a RADIUS packet. The RFC's answer to each is silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The datagram ends before the header or before its own Length says.
    #[error("packet ends at octet {at}, {wanted} more expected")]
    Truncated {
        /// Octets that were there.
        at: usize,
        /// Octets that were missing.
        wanted: usize,
    },
    /// The Length field is below 20 or above 4096.
    #[error("packet length {length} is outside 20 to 4096")]
    Length {
        /// What the field says.
        length: usize,
    },
    /// An attribute's length is 0 or 1, or it runs past the end of the packet.
    #[error("attribute at octet {at} has length {length}, {left} left")]
    Attribute {
        /// Where the attribute starts.
        at: usize,
        /// What its length octet says; 0 also when that octet is missing.
        length: usize,
        /// Octets from its start to the end of the packet.
        left: usize,
    },
}

/// A well-formed packet, borrowed from the datagram it came in. Well-formed is not authentic: see [`crate::auth`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The first 20 of `bytes`.
    header: &'a [u8; HEADER],
    /// Exactly Length octets, attribute lengths checked.
    bytes: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Checks the header and every attribute length. Octets beyond Length are padding and dropped (RFC 2865 §3).
    pub fn parse(datagram: &'a [u8]) -> Result<Self, Malformed> {
        let Some(header) = datagram.first_chunk() else {
            return Err(Malformed::Truncated { at: datagram.len(), wanted: HEADER - datagram.len() });
        };
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if !(HEADER..=MAX_PACKET).contains(&length) {
            return Err(Malformed::Length { length });
        }
        let Some(bytes) = datagram.get(..length) else {
            return Err(Malformed::Truncated { at: datagram.len(), wanted: length - datagram.len() });
        };
        walk(bytes)?;
        Ok(Self { header, bytes })
    }

    /// How many octets the packet at the start of a stream takes, once its first four octets are there (RFC 6613 §2.6):
    /// for TCP and TLS, where Length is the framing. `Ok(None)` asks for more octets.
    pub fn frame_length(stream: &[u8]) -> Result<Option<usize>, Malformed> {
        let Some(header) = stream.get(..4) else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if (HEADER..=MAX_PACKET).contains(&length) { Ok(Some(length)) } else { Err(Malformed::Length { length }) }
    }

    /// What kind of packet it is.
    pub fn code(&self) -> Code {
        Code(self.header[0])
    }

    /// Pairs a reply with its request.
    pub fn identifier(&self) -> u8 {
        self.header[1]
    }

    /// The Request or Response Authenticator.
    pub fn authenticator(&self) -> &'a [u8; 16] {
        let [_code, _identifier, _length_high, _length_low, authenticator @ ..] = self.header;
        authenticator
    }

    /// The whole packet, without padding.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// All attributes in order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(&self.bytes[HEADER..])
    }

    /// Every value of one attribute type, in order (Class, Proxy-State, EAP-Message may repeat).
    pub fn all(&self, kind: u8) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.attributes().filter(move |attribute| attribute.kind == kind).map(|attribute| attribute.value)
    }

    /// The first attribute of a type.
    pub fn attribute(&self, kind: u8) -> Option<Attribute<'a>> {
        self.attributes().find(|attribute| attribute.kind == kind)
    }

    /// The first value of a type.
    pub fn first(&self, kind: u8) -> Option<&'a [u8]> {
        self.attribute(kind).map(|attribute| attribute.value)
    }

    /// Whether an attribute of this type is there.
    pub fn has(&self, kind: u8) -> bool {
        self.attribute(kind).is_some()
    }

    /// Every sub-attribute of a vendor (26, RFC 2865 §5.26), whether it comes one per VSA or many in one.
    pub fn vendor(&self, vendor: u32) -> VendorAttributes<'a> {
        VendorAttributes::new(self.attributes(), vendor)
    }
}

/// Every length at least 2, no attribute past the end.
fn walk(bytes: &[u8]) -> Result<(), Malformed> {
    let mut at = HEADER;
    while at < bytes.len() {
        let left = bytes.len() - at;
        let length = bytes.get(at + 1).map_or(0, |&length| usize::from(length));
        if length < 2 || length > left {
            return Err(Malformed::Attribute { at, length, left });
        }
        at += length;
    }
    Ok(())
}
