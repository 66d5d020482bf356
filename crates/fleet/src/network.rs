//! The network part of a profile: what a model needs of the network, thing by thing; all else is a deviation.
//!
//! RFC 8520 (MUD) is its form for exchange; this is the form that people read and edit, in `models/NAME.yaml` under `network:`.
//! There is no way to write "everybody": a peer is a name, an address or network, a role, or another model.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Direction, Timestamp};

mod written;

/// What devices of a model may do on the network. Nothing listed means that they may do nothing.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkProfile {
    /// What the gateway does with the rest.
    #[serde(default)]
    pub mode: GuardMode,
    /// What it was learnt from; absent where a person wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<Learned>,
    /// Where the model's MUD file was said to be (RFC 8520 §3.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mud_url: Option<Box<str>>,
    /// Thing by thing.
    #[serde(default)]
    pub allow: Vec<Allow>,
    /// How its TLS clients introduce themselves (RFC 9761); empty: not stated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tls: Vec<TlsShape>,
}

/// What is done with traffic outside a profile.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardMode {
    /// Passed and told.
    #[default]
    Audit,
    /// Dropped and told.
    Enforce,
}

/// One thing that is allowed. Reading refuses unknown keys, two peers, TCP and UDP without ports, and whatever means everybody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "written::Written")]
pub struct Allow {
    /// The other end.
    #[serde(flatten)]
    pub peer: Peer,
    /// Above IP.
    pub protocol: Protocol,
    /// Ports of the side that is called; for protocols without ports empty. TCP and UDP must state some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortRange>,
    /// Who begins: the device (`out`) or the peer (`in`).
    #[serde(default, skip_serializing_if = "is_out")]
    pub begins: Direction,
    /// The most of it that is usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// What speaks for it; absent where a person wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<Support>,
}

/// The other end of something allowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Peer {
    /// What the device asked for by name: `api.vendor.example`, or a pattern as the learner writes it.
    Name(Box<str>),
    /// An address, or a network.
    Net(IpNet),
    /// What it is to the network, wherever it is.
    Role(Role),
    /// Devices of this model on the same site.
    Model(Box<str>),
}

/// What a peer is to the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The router that devices were given.
    Gateway,
    /// The resolver that they were given (RFC 8520: `urn:ietf:params:mud:dns`).
    Dns,
    /// A time server (RFC 8520: `urn:ietf:params:mud:ntp`): the given one, or any at a clock's rate.
    Ntp,
    /// The server of addresses.
    Dhcp,
    /// Everybody on the link, by broadcast.
    Broadcast,
    /// Link-local groups: mDNS, SSDP, LLMNR, IGMP, neighbour discovery.
    LinkMulticast,
    /// The app or hub that controls it, on the same site (RFC 8520: `my-controller`).
    Controller,
    /// Devices of the same model (RFC 8520: `same-manufacturer`, narrower).
    SameModel,
}

/// Above IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocol(pub u8);

impl Protocol {
    /// 1
    pub const ICMP: Self = Self(1);
    /// 2
    pub const IGMP: Self = Self(2);
    /// 6
    pub const TCP: Self = Self(6);
    /// 17
    pub const UDP: Self = Self(17);
    /// 58
    pub const ICMPV6: Self = Self(58);
    /// Names that files use; others are numbers (IANA protocol numbers).
    const NAMES: [(Self, &'static str); 5] =
        [(Self::ICMP, "icmp"), (Self::IGMP, "igmp"), (Self::TCP, "tcp"), (Self::UDP, "udp"), (Self::ICMPV6, "icmpv6")];

    /// TCP or UDP.
    pub fn has_ports(self) -> bool {
        matches!(self, Self::TCP | Self::UDP)
    }
}

/// Ports from `first` to `last`, both included. Written `443` or `8000-8010`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRange {
    /// The lowest.
    pub first: u16,
    /// The highest; never below `first`.
    pub last: u16,
}

impl PortRange {
    /// One port.
    pub fn one(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// It lies within.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }

    /// How many ports it is.
    pub fn size(self) -> u32 {
        u32::from(self.last) - u32::from(self.first) + 1
    }
}

/// The most of something allowed that is usual for one device. What is absent is not stated.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rate {
    /// Octets from the device in any hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_up_per_hour: Option<u64>,
    /// Octets to the device in any hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_down_per_hour: Option<u64>,
    /// Conversations in any hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flows_per_hour: Option<u32>,
    /// Packets from the device in any second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packets_per_second: Option<u32>,
}

/// What speaks for something learnt, so that a person can judge it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Support {
    /// How many devices did it.
    pub devices: u32,
    /// On how many days (UTC) it was seen, or in how many captures where these are more.
    pub days: u32,
    /// In how many captures.
    #[serde(default)]
    pub captures: u32,
    /// Conversations.
    pub flows: u64,
    /// First seen.
    pub first_seen: Timestamp,
    /// Last seen.
    pub last_seen: Timestamp,
    /// How sure.
    pub confidence: Confidence,
    /// Where a name was while it was learnt, at most 64: a conversation that no name led to is known by them (the answer was given before
    /// anybody listened).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// Why a person should look, or what was generalised from what, in words; empty where nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// How sure a learner is that the model needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Seen once, or on one device: look before you enforce.
    Low,
    /// Seen more than once.
    Medium,
    /// Several devices, several days.
    High,
}

/// What a profile was learnt from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learned {
    /// Devices.
    pub devices: u32,
    /// Captures, or sources in the journal.
    pub captures: u32,
    /// Conversations.
    pub flows: u64,
    /// The first packet.
    pub from: Timestamp,
    /// The last packet.
    pub until: Timestamp,
    /// What was seen and never learnt, in words: `telnet to 203.0.113.9 (3 flows)`; at most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
}

/// The shape of a `ClientHello` (RFC 9761 §5): what software on the model offers, in its order, GREASE removed.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsShape {
    /// Versions offered, wire values (0x0303 is TLS 1.2).
    pub versions: Vec<u16>,
    /// Cipher suites.
    pub ciphers: Vec<u16>,
    /// Extension types.
    pub extensions: Vec<u16>,
    /// Named groups.
    pub groups: Vec<u16>,
    /// Signature algorithms.
    pub signatures: Vec<u16>,
    /// ALPN protocols.
    pub alpn: Vec<Box<str>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out a reference")]
fn is_out(direction: &Direction) -> bool {
    *direction == Direction::Out
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(it, _)| it == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::NAMES.iter().find(|(_, name)| *name == text).map(|(it, _)| *it);
        named
            .or_else(|| text.parse().ok().map(Self))
            .ok_or_else(|| format!("unknown protocol `{text}`; write tcp, udp, icmp, icmpv6, igmp or a number to 255"))
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no port and no range of ports; write 443 or 8000-8010");
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |text: &str| text.trim().parse::<u16>().map_err(|_| wrong());
        let (first, last) = (port(first)?, port(last)?);
        if first <= last { Ok(Self { first, last }) } else { Err(wrong()) }
    }
}

/// A number or a text, as YAML writers do.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u16),
    Text(String),
}

macro_rules! as_text {
    ($name:ident, |$self:ident| $number:expr) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&$self, serializer: S) -> Result<S::Ok, S::Error> {
                match $number {
                    Some(number) => serializer.serialize_u16(number),
                    None => serializer.collect_str($self),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = match Written::deserialize(deserializer)? {
                    Written::Number(number) => number.to_string(),
                    Written::Text(text) => text,
                };
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(PortRange, |self| (self.first == self.last).then_some(self.first));
as_text!(Protocol, |self| Self::NAMES.iter().all(|(it, _)| it != self).then_some(u16::from(self.0)));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_reads_as_people_write_it() {
        let text = "
mode: enforce
allow:
  - { name: api.vendor.example, protocol: tcp, ports: [443, 8000-8010] }
  - { role: dns, protocol: udp, ports: [53] }
  - { net: 192.0.2.0/24, protocol: icmp, begins: in }
";
        let profile: NetworkProfile = serde_saphyr::from_str(text).expect("it is well written");
        assert_eq!(profile.mode, GuardMode::Enforce);
        assert_eq!(profile.allow[0].peer, Peer::Name("api.vendor.example".into()));
        assert_eq!(profile.allow[0].ports, [PortRange::one(443), PortRange { first: 8000, last: 8010 }]);
        assert_eq!(profile.allow[1].peer, Peer::Role(Role::Dns));
        assert_eq!((profile.allow[2].protocol, profile.allow[2].begins), (Protocol::ICMP, Direction::In));
        assert!(
            serde_saphyr::from_str::<NetworkProfile>("allow: [{ role: dns, protocol: udp, ports: [9-1] }]").is_err()
        );
        assert!(serde_saphyr::from_str::<NetworkProfile>("allow: [{ role: everybody, protocol: udp }]").is_err());
    }
}
