//! What a device does beside its sessions: whom it talks to, what it sends, who it calls, who logs in.
//!
//! A record may stand for several equal events of one moment (`count`), because platforms report sums.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Which way, seen from the device.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The device sent or began it.
    #[default]
    Out,
    /// The device received it.
    In,
}

impl Direction {
    /// The name in rules, files and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }
}

/// One bidirectional conversation of packets, or several with one destination summed up. Bytes are amounts of this record,
/// never cumulative.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Flow {
    /// The other end.
    pub address: Option<IpAddr>,
    /// The name that led to the address (DNS answer, TLS server name, HTTP host), lower case, no dot at its end.
    pub name: Option<Box<str>>,
    /// The port of the side that was called.
    pub port: Option<u16>,
    /// IANA protocol number: 1 ICMP, 6 TCP, 17 UDP.
    pub protocol: Option<u8>,
    /// Who began it.
    pub direction: Direction,
    /// Octets from the device.
    pub bytes_up: u64,
    /// Octets to the device.
    pub bytes_down: u64,
    /// How many conversations this record sums up; 0 counts as 1.
    pub count: u32,
}

impl Flow {
    /// What the destination is called: its name, else its address.
    pub fn destination(&self) -> Option<Cow<'_, str>> {
        match (&self.name, self.address) {
            (Some(name), _) => Some(Cow::Borrowed(&**name)),
            (None, Some(address)) => Some(Cow::Owned(address.to_canonical().to_string())),
            (None, None) => None,
        }
    }
}

/// Short messages between a device and one peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// From the device (mobile originated) or to it.
    pub direction: Direction,
    /// The other number or sender name, as the platform wrote it.
    #[serde(default)]
    pub peer: Option<Box<str>>,
    /// How many; 0 counts as 1.
    #[serde(default)]
    pub count: u32,
}

/// One voice call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Made or received by the device.
    pub direction: Direction,
    /// The other number, as the platform wrote it.
    #[serde(default)]
    pub peer: Option<Box<str>>,
    /// How long it was answered, in seconds; 0 for one that was not.
    #[serde(default)]
    pub secs: u32,
}

/// Somebody tried to log in to a service of the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Which service: `ssh`, `telnet`, `web`, ...
    pub service: Box<str>,
    /// The account that was tried.
    #[serde(default)]
    pub account: Option<Box<str>>,
    /// It was let in.
    pub ok: bool,
    /// From where.
    #[serde(default)]
    pub from: Option<IpAddr>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_its_name_or_its_address() {
        let address = "::ffff:203.0.113.9".parse().ok();
        let flow = Flow { address, ..Flow::default() };
        assert_eq!(flow.destination().as_deref(), Some("203.0.113.9"));
        let flow = Flow { name: Some("updates.vendor.example".into()), ..flow };
        assert_eq!(flow.destination().as_deref(), Some("updates.vendor.example"));
        assert_eq!(Flow::default().destination(), None);
    }
}
