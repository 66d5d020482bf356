//! One attribute and the walk over all of them (RFC 2865 §5).

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::Text;

/// A type and its value, borrowed from the packet. Unknown types are kept as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The attribute type (see [`crate::dictionary`]), or the vendor's own.
    pub kind: u8,
    /// 0 to 253 octets.
    pub value: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// A 32-bit number (also an "enumerated" or "time" value). `None` when it is not four octets.
    pub fn u32(&self) -> Option<u32> {
        self.value.try_into().ok().map(u32::from_be_bytes)
    }

    /// Text, possibly not UTF-8.
    pub fn text(&self) -> Text<'a> {
        Text::new(self.value)
    }

    /// An IPv4 address.
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        <[u8; 4]>::try_from(self.value).ok().map(Ipv4Addr::from)
    }

    /// An IPv6 address.
    pub fn ipv6(&self) -> Option<Ipv6Addr> {
        <[u8; 16]>::try_from(self.value).ok().map(Ipv6Addr::from)
    }

    /// An IPv6 prefix (RFC 3162 §2.3).
    pub fn ipv6_prefix(&self) -> Option<Ipv6Prefix> {
        Ipv6Prefix::from_wire(self.value)
    }
}

/// The walk over attributes. Ends at the first broken length, so it is safe on any bytes.
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Attributes<'a> {
    /// Over a list of Type-Length-Value triples whose Length includes its two header octets.
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let (&[kind, length], _) = self.rest.split_first_chunk::<2>()?;
        // A length of 0 or 1 would not move forward; one past the end has no value. Both end the walk.
        let Some(value) = self.rest.get(2..usize::from(length)) else {
            self.rest = &[];
            return None;
        };
        self.rest = &self.rest[usize::from(length)..];
        Some(Attribute { kind, value })
    }
}

impl std::iter::FusedIterator for Attributes<'_> {}

/// An IPv6 prefix as RADIUS carries it: Framed-IPv6-Prefix (97), Delegated-IPv6-Prefix (123).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ipv6Prefix {
    /// The prefix; bits beyond `length` are zero.
    pub address: Ipv6Addr,
    /// 0 to 128 bits.
    pub length: u8,
}

impl Ipv6Prefix {
    /// With the bits beyond `length` cleared; `None` above 128.
    pub fn new(address: Ipv6Addr, length: u8) -> Option<Self> {
        let mask = match length {
            0 => 0,
            1..=128 => u128::MAX << (128 - u32::from(length)),
            _ => return None,
        };
        Some(Self { address: (u128::from(address) & mask).into(), length })
    }

    /// Reserved octet, prefix length, then as many octets of the prefix as the sender cared to send (RFC 3162 §2.3). Bits
    /// beyond the prefix length should be zero; senders that leave them set are tolerated. `None` when octets are missing.
    pub fn from_wire(value: &[u8]) -> Option<Self> {
        let (&[_, length], prefix) = value.split_first_chunk::<2>()?;
        if prefix.len() > 16 || prefix.len() < usize::from(length).div_ceil(8) {
            return None;
        }
        let mut octets = [0; 16];
        octets[..prefix.len()].copy_from_slice(prefix);
        Self::new(octets.into(), length)
    }

    /// The 18 octets that every receiver understands.
    pub fn to_wire(self) -> [u8; 18] {
        let mut value = [0; 18];
        value[1] = self.length;
        value[2..].copy_from_slice(&self.address.octets());
        value
    }
}

impl std::fmt::Display for Ipv6Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}
