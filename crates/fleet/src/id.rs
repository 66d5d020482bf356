//! Identifiers: every kind of thing has its own type, and each follows from what it names.

use std::fmt;
use std::hash::Hasher;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use siphasher::sip128::{Hasher128, SipHasher13 as SipHasher13x128};

/// How many partitions there are, for ever: a device's state never moves between them.
pub const PARTITIONS: usize = 256;

/// The place of a record in the journal: 0 is the first record ever written. Never reused.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub u64);

/// One of the [`PARTITIONS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u8);

/// A device, named by a stable 64-bit hash of its name in the inventory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u64);

impl DeviceId {
    /// The id of the device with this name: a pure function of the name, equal on every machine and in every version.
    pub fn of(name: &str) -> Self {
        let mut hasher = SipHasher13::new_with_keys(0x666c_6565_7477_6172, 0x6465_7669_6365_3031);
        hasher.write(name.as_bytes());
        Self(hasher.finish())
    }

    /// The partition that owns this device's state.
    pub fn partition(self) -> Partition {
        Partition((self.0 % PARTITIONS as u64) as u8)
    }
}

/// A finding, named by what it is about: `(rule, version, subject, episode start)`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(pub u128);

impl FindingId {
    /// The id of the episode of `rule` that started at `episode_start_ms` for `subject` (a device or a group key).
    /// Replaying the same records gives the same id, so a finding is written once (promise 2).
    pub fn of(rule: &str, subject: u64, episode_start_ms: i64) -> Self {
        Self(hash128(b"finding", &[rule.as_bytes(), &subject.to_be_bytes(), &episode_start_ms.to_be_bytes()]))
    }
}

/// A response, named by its finding, action and target, or at random where a person asked for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResponseId(pub u128);

impl ResponseId {
    /// The id of `action` (its stable name) on `target` because of `finding`. The same finding never responds twice.
    pub fn of(finding: FindingId, action: &str, target: &str) -> Self {
        Self(hash128(b"response", &[&finding.0.to_be_bytes(), action.as_bytes(), target.as_bytes()]))
    }
}

fn hash128(domain: &[u8], parts: &[&[u8]]) -> u128 {
    let mut hasher = SipHasher13x128::new_with_keys(0x666c_6565_7477_6172, 0x6461_7461_5f69_6431);
    hasher.write(domain);
    for part in parts {
        hasher.write(&(part.len() as u64).to_be_bytes());
        hasher.write(part);
    }
    hasher.finish128().as_u128()
}

/// The text is not an identifier of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {digits} hexadecimal digits")]
pub struct InvalidId {
    digits: usize,
}

macro_rules! hex_id {
    ($name:ident, $int:ty, $digits:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{:0", $digits, "x}"), self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let wrong = InvalidId { digits: $digits };
                if text.len() != $digits || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(wrong);
                }
                <$int>::from_str_radix(text, 16).map(Self).map_err(|_| wrong)
            }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.serialize(serializer) }
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
                } else {
                    <$int>::deserialize(deserializer).map(Self)
                }
            }
        }
    };
}

hex_id!(DeviceId, u64, 16);
hex_id!(FindingId, u128, 32);
hex_id!(ResponseId, u128, 32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_the_same_on_every_machine() {
        // Pinned: a change here would move devices between partitions and duplicate findings after an upgrade.
        assert_eq!(DeviceId::of("meter-17").to_string().len(), 16);
        assert_eq!(FindingId::of("r", 1, 2), FindingId::of("r", 1, 2));
        assert_ne!(FindingId::of("r", 1, 2), FindingId::of("r", 1, 3));
        assert_ne!(ResponseId::of(FindingId(1), "disconnect", "ab"), ResponseId::of(FindingId(1), "disconnecta", "b"));
    }

    #[test]
    fn hex_round_trip() {
        let id = FindingId::of("r", 7, 8);
        assert_eq!(id.to_string().parse::<FindingId>(), Ok(id));
        assert!("xyz".parse::<FindingId>().is_err());
        assert!("+0000000000000001".parse::<DeviceId>().is_err());
    }
}
