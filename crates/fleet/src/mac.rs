//! A hardware address.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Six octets (IEEE 802, EUI-48). Prints as `1c:5f:2b:aa:fd:4e`.
#[derive(Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

/// The text is no hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a hardware address of six octets, like `1c:5f:2b:aa:fd:4e`")]
pub struct InvalidMac;

impl Mac {
    /// All ones: everybody on the link.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// It addresses a group (or everybody), never one device (IEEE 802: the lowest bit of the first octet).
    pub fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// It was made up by software (random for privacy, or virtual), so its first half names no maker.
    pub fn is_local(self) -> bool {
        self.0[0] & 2 == 2
    }

    /// All zeros: not known.
    pub fn is_unknown(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0;
        write!(f, "{first:02x}")?;
        rest.iter().try_for_each(|octet| write!(f, ":{octet:02x}"))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Mac {
    type Err = InvalidMac;

    /// Takes `1c:5f:2b:aa:fd:4e`, `1C-5F-2B-AA-FD-4E` and `1c5f2baafd4e`.
    fn from_str(text: &str) -> Result<Self, InvalidMac> {
        let digits: Vec<u8> = match text.len() {
            17 => {
                let mark = text.as_bytes()[2];
                let separated = text.bytes().skip(2).step_by(3).all(|it| it == mark);
                if !separated || !matches!(mark, b':' | b'-') {
                    return Err(InvalidMac);
                }
                text.bytes().enumerate().filter(|(at, _)| at % 3 != 2).map(|(_, it)| it).collect()
            }
            12 => text.bytes().collect(),
            _ => return Err(InvalidMac),
        };
        let mut octets = [0; 6];
        for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
            let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
            *octet = (high.ok_or(InvalidMac)? << 4 | low.ok_or(InvalidMac)?) as u8;
        }
        Ok(Self(octets))
    }
}

impl Serialize for Mac {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mac {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_three_ways_people_write_it() {
        let mac = Mac([0x1c, 0x5f, 0x2b, 0xaa, 0xfd, 0x4e]);
        for text in ["1c:5f:2b:aa:fd:4e", "1C-5F-2B-AA-FD-4E", "1c5f2baafd4e"] {
            assert_eq!(text.parse(), Ok(mac), "{text}");
        }
        assert_eq!(mac.to_string(), "1c:5f:2b:aa:fd:4e");
        for text in ["", "1c:5f:2b:aa:fd", "1c:5f-2b:aa:fd:4e", "1c:5f:2b:aa:fd:4g", "+c5f2baafd4e", "é:5f:2b:aa:fd:4e"]
        {
            assert_eq!(text.parse::<Mac>(), Err(InvalidMac), "{text}");
        }
    }

    #[test]
    fn knows_groups_and_made_up_ones() {
        assert!(Mac::BROADCAST.is_group());
        assert!(Mac([0x01, 0, 0x5e, 0, 0, 0xfb]).is_group());
        assert!(Mac([0x02, 0, 0, 0, 0, 1]).is_local());
        assert!(!Mac([0x1c, 0x5f, 0x2b, 0, 0, 1]).is_local());
    }
}
