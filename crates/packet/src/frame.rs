//! One frame of the wire, read down to ports: links, VLANs, IP with its extensions, tunnels, TCP, UDP, ICMP.
//!
//! # Invariants
//!
//! * **No allocation, no panic, bounded depth.** Headers within headers are followed [`DEPTH`] times at most.
//! * **Lengths are IP's.** A packet is as long as IP says, however much of it was captured and however much padding follows.

mod ip;
mod link;
mod neighbour;
mod transport;
mod tunnel;

use fleetward_fleet::Mac;

use crate::NeighbourDoes;

/// Tunnels, tags and labels within each other that are followed.
pub(crate) const DEPTH: u8 = 8;

/// Why a frame is no packet of ours. Each is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reject {
    /// It ends before its headers do: a snap length that is too short, or rubbish.
    #[error("the frame ends within its headers")]
    Truncated,
    /// A link type that is not known here.
    #[error("link type {0} is not known")]
    Link(u16),
    /// Neither IP nor ARP.
    #[error("no IP in it")]
    NotIp,
    /// A header contradicts itself.
    #[error("a header contradicts itself")]
    Malformed,
    /// Tunnels or tags within each other, more than anybody needs.
    #[error("headers within headers, {DEPTH} deep")]
    TooDeep,
}

/// An address of IP version 4 or 6; IPv4 as RFC 4291 §2.5.5.2 maps it, so that one number compares all.
pub(crate) type Address = u128;

/// The link around a packet.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// From; unknown where the link has no addresses.
    pub source: Mac,
    /// To.
    pub target: Mac,
    /// The outermost VLAN, 0 without.
    pub vlan: u16,
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen<'a> {
    Packet(Packet<'a>),
    /// Outside IP (ARP), or beside it (neighbour discovery is a packet too).
    Neighbours(Link, Neighbours),
}

/// The innermost IP packet of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    /// The link around it.
    pub link: Link,
    pub(crate) source: Address,
    pub(crate) target: Address,
    /// IANA protocol number, behind all extensions.
    pub protocol: u8,
    /// 0 where the protocol has none, or a later fragment does not tell.
    pub source_port: u16,
    /// See `source_port`; for ICMP `type << 8 | code`.
    pub target_port: u16,
    /// Flags of TCP (RFC 9293 §3.1).
    pub flags: u8,
    /// TCP's sequence number.
    pub sequence: u32,
    /// Octets of the packet, headers of IP included, as IP states them.
    pub length: u32,
    /// What lies behind the last header, as far as captured, padding cut off.
    pub payload: &'a [u8],
    /// A part of a packet (RFC 791 §3.2, RFC 8200 §4.5).
    pub fragment: Option<Fragment>,
}

impl Packet<'_> {
    /// What it says about who holds an address, beside being a packet (neighbour discovery).
    #[inline]
    pub(crate) fn neighbours(&self) -> Neighbours {
        if self.protocol == transport::ICMPV6 { neighbour::discovery(self) } else { [None; 2] }
    }
}

/// Which part of a packet it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// What joins the parts.
    pub id: u32,
    /// Octets before it.
    pub offset: u16,
    /// More follow.
    pub more: bool,
}

/// At most two statements about who holds an address.
pub(crate) type Neighbours = [Option<Claim>; 2];

/// One statement about who holds an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) does: NeighbourDoes,
    pub(crate) mac: Mac,
    pub(crate) ip: Address,
}

/// Reads one frame of this link type (LINKTYPE_ of tcpdump.org).
#[inline]
pub(crate) fn read(link: u16, frame: &[u8]) -> Result<Seen<'_>, Reject> {
    link::read(link, frame)
}

/// The octets at `at`, as many as the array wants.
#[inline]
pub(crate) fn take<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Reject> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(Reject::Truncated)
}

#[inline]
pub(crate) fn short(bytes: &[u8], at: usize) -> Result<u16, Reject> {
    take(bytes, at).map(u16::from_be_bytes)
}

/// As one number for both versions.
#[inline]
pub(crate) fn mapped(octets: [u8; 4]) -> Address {
    0xffff_0000_0000 | Address::from(u32::from_be_bytes(octets))
}

/// Back to an address of its own version.
#[inline]
pub(crate) fn address(value: Address) -> std::net::IpAddr {
    if value >> 32 == 0xffff {
        #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are the address")]
        let bits = value as u32;
        std::net::Ipv4Addr::from(bits).into()
    } else {
        std::net::Ipv6Addr::from(value).into()
    }
}

/// A multicast or broadcast address: nobody's name.
pub(crate) fn is_group(ip: std::net::IpAddr) -> bool {
    match ip {
        std::net::IpAddr::V4(ip) => ip.is_multicast() || ip.is_broadcast(),
        std::net::IpAddr::V6(ip) => ip.is_multicast(),
    }
}

#[cfg(test)]
mod tests;
