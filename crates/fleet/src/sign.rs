//! What the watch over packets says about one device, as an observation that rules judge.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::Direction;

/// Something about a device's traffic that does not fit: said by a sensor that saw the packets, judged by rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSign {
    /// What kind.
    pub sign: SignKind,
    /// The other end, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Its name, where known: lower case, no dot at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// The port that was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// IANA protocol number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u8>,
    /// Who began it, seen from the device.
    #[serde(default)]
    pub direction: Direction,
    /// How much of it: hosts scanned, packets a second of a flood, attempts, flows. The unit follows from the kind.
    #[serde(default)]
    pub count: u64,
    /// What was expected, in words.
    pub expected: Box<str>,
    /// What happened, in words; never a secret.
    pub observed: Box<str>,
}

impl NetworkSign {
    /// What the other end is called: its name, else its address.
    pub fn destination(&self) -> Option<Cow<'_, str>> {
        match (&self.name, self.address) {
            (Some(name), _) => Some(Cow::Borrowed(&**name)),
            (None, Some(address)) => Some(Cow::Owned(address.to_canonical().to_string())),
            (None, None) => None,
        }
    }
}

/// Kinds of [`NetworkSign`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignKind {
    /// A peer that is not in the profile.
    UnlistedPeer,
    /// A peer of the profile on a port or protocol that is not.
    UnlistedPort,
    /// A role played by somebody else: a resolver, clock or gateway that is not the given one.
    UnlistedRole,
    /// One of our devices talks to another, and no profile says so.
    DeviceToDevice,
    /// Many hosts or ports tried (`count` of them).
    Scan,
    /// The device sends a flood (`count` packets a second).
    FloodOut,
    /// The device is flooded (`count` packets a second).
    FloodIn,
    /// Small, regular contacts to a place that no profile lists (`count` of them).
    Beacon,
    /// Many log-ins tried (`count`), by the device or at it.
    BruteForce,
    /// Names resolved past the given resolver: DNS elsewhere, DNS over TLS or HTTPS.
    DnsBypass,
    /// An address was called that no name had led to.
    HardCodedAddress,
    /// A peer on the operator's list of trackers, or a place that the owner never chose.
    Tracker,
    /// A protocol without encryption, where one with it exists.
    Plaintext,
    /// A user name or password passed unencrypted.
    CredentialsInClear,
    /// More of something allowed than is usual (`count` of its unit).
    OverRate,
    /// Somebody on the network whom the inventory does not know.
    UnknownDevice,
    /// It behaves like another model than it is said to be.
    OtherModel,
    /// TLS software that the model never had (RFC 9761).
    ForeignTls,
    /// Many devices of the model began the same new thing at once (`count` devices): update or incident.
    ModelNovelty,
    /// It sends with an address that is another's, or answers for it (ARP, neighbour discovery, DHCP).
    Spoofing,
}

impl SignKind {
    /// Every kind, in order of the numbers on disk: append only.
    pub const ALL: [Self; 20] = [
        Self::UnlistedPeer,
        Self::UnlistedPort,
        Self::UnlistedRole,
        Self::DeviceToDevice,
        Self::Scan,
        Self::FloodOut,
        Self::FloodIn,
        Self::Beacon,
        Self::BruteForce,
        Self::DnsBypass,
        Self::HardCodedAddress,
        Self::Tracker,
        Self::Plaintext,
        Self::CredentialsInClear,
        Self::OverRate,
        Self::UnknownDevice,
        Self::OtherModel,
        Self::ForeignTls,
        Self::ModelNovelty,
        Self::Spoofing,
    ];

    /// The name in rules, files and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnlistedPeer => "unlisted_peer",
            Self::UnlistedPort => "unlisted_port",
            Self::UnlistedRole => "unlisted_role",
            Self::DeviceToDevice => "device_to_device",
            Self::Scan => "scan",
            Self::FloodOut => "flood_out",
            Self::FloodIn => "flood_in",
            Self::Beacon => "beacon",
            Self::BruteForce => "brute_force",
            Self::DnsBypass => "dns_bypass",
            Self::HardCodedAddress => "hard_coded_address",
            Self::Tracker => "tracker",
            Self::Plaintext => "plaintext",
            Self::CredentialsInClear => "credentials_in_clear",
            Self::OverRate => "over_rate",
            Self::UnknownDevice => "unknown_device",
            Self::OtherModel => "other_model",
            Self::ForeignTls => "foreign_tls",
            Self::ModelNovelty => "model_novelty",
            Self::Spoofing => "spoofing",
        }
    }

    /// The number on disk, from 1.
    pub fn code(self) -> u32 {
        self as u32 + 1
    }

    /// The kind of this number.
    pub fn of_code(code: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(code.checked_sub(1)?).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_on_disk_lead_back() {
        for kind in SignKind::ALL {
            assert_eq!(SignKind::of_code(kind.code()), Some(kind), "{kind:?}");
        }
        assert_eq!(SignKind::of_code(0), None);
        assert_eq!(SignKind::of_code(21), None);
    }
}
