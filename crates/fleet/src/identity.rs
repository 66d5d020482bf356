//! Who a device is on each layer: SIM, module, login. All print masked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Mac;

/// The text is not an identity of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {what}")]
pub struct InvalidIdentity {
    what: &'static str,
}

impl InvalidIdentity {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self { what }
    }
}

/// Up to 19 digits, packed: the digits as a number and how many there are (leading zeros count).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Digits {
    value: u64,
    len: u8,
}

impl Digits {
    fn parse(text: &str, len: std::ops::RangeInclusive<usize>) -> Option<Self> {
        if !len.contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        Some(Self { value: text.parse().ok()?, len: text.len() as u8 })
    }

    fn text(self) -> String {
        format!("{:0width$}", self.value, width = usize::from(self.len))
    }

    fn masked(self, f: &mut fmt::Formatter<'_>, head: usize, tail: usize) -> fmt::Result {
        let text = self.text();
        if text.len() <= head + tail {
            return f.write_str(&"•".repeat(text.len()));
        }
        f.write_str(&text[..head])?;
        f.write_str(&"•".repeat(text.len() - head - tail))?;
        f.write_str(&text[text.len() - tail..])
    }
}

macro_rules! digits_identity {
    ($(#[$doc:meta])* $name:ident, $len:expr, $what:literal, $head:literal, $tail:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Digits);

        impl $name {
            /// The whole value; `Display` masks it.
            pub fn reveal(self) -> String {
                self.0.text()
            }

            /// The digits as one number, for compact keys; the count of digits is not part of it.
            pub fn number(self) -> u64 {
                self.0.value
            }
        }
        impl FromStr for $name {
            type Err = InvalidIdentity;
            fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
                Digits::parse(text, $len).map(Self).ok_or(InvalidIdentity { what: $what })
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.masked(f, $head, $tail)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
        impl Serialize for $name {
            /// Writes the whole value: stores and exports need it. Masking for people is the edge's job.
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.reveal())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

digits_identity!(
    /// International Mobile Subscriber Identity (3GPP TS 23.003 §2.2): names the SIM to the network.
    Imsi, 6..=15, "an IMSI of 6 to 15 digits", 5, 3
);
digits_identity!(
    /// Integrated Circuit Card Identifier (ITU-T E.118), 18 to 19 digits, with or without its check digit: names the card.
    Iccid, 18..=19, "an ICCID of 18 or 19 digits (leave a 20th, filler, digit out)", 6, 3
);
digits_identity!(
    /// The telephone number in international form without "+" (ITU-T E.164), up to 15 digits.
    Msisdn, 5..=15, "an MSISDN of 5 to 15 digits without +", 4, 2
);
digits_identity!(
    /// The first 14 digits of an IMEI (TAC and serial; 3GPP TS 23.003 §6.2): names the module. The check digit and
    /// the software version are no part of it, because an update changes the version (`reference`: IMEI lock).
    Imei, 14..=14, "14 to 16 digits of an IMEI or IMEISV", 8, 2
);
digits_identity!(
    /// IMEISV as the network reports it (TS 29.061 §16.4.7.2, sub-attribute 20): 14 to 16 digits.
    Imeisv, 14..=16, "14 to 16 digits of an IMEISV", 8, 2
);

macro_rules! packed_identity {
    ($($name:ident),*) => {$(
        impl $name {
            /// The digits with a 1 in front, as one number: keeps leading zeros. The journal's form; 0 is never one.
            pub fn to_packed(self) -> u64 {
                10_u64.pow(u32::from(self.0.len)) + self.0.value
            }

            /// Reads what `to_packed` wrote.
            pub fn from_packed(packed: u64) -> Option<Self> {
                packed.to_string().strip_prefix('1')?.parse().ok()
            }
        }
    )*};
}

// Not the ICCID: with 19 digits it does not fit.
packed_identity!(Imsi, Msisdn, Imei, Imeisv);

impl Imei {
    /// Reads an IMEI (14 or 15 digits) or IMEISV (16 digits) and keeps the first 14.
    pub fn from_any(text: &str) -> Result<Self, InvalidIdentity> {
        text.parse::<Imeisv>()
            .map(Imeisv::imei)
            .map_err(|_| InvalidIdentity { what: "14 to 16 digits of an IMEI or IMEISV" })
    }

    /// The IMEI whose 14 digits are this number, as [`Self::number`] gave it; `None` where it has more digits.
    pub fn from_number(number: u64) -> Option<Self> {
        (number < 100_000_000_000_000).then_some(Self(Digits { value: number, len: 14 }))
    }

    /// The Type Allocation Code: the model of the module.
    pub fn tac(self) -> Tac {
        Tac((self.0.value / 1_000_000) as u32)
    }
}

impl Imeisv {
    /// The module without check digit and software version.
    pub fn imei(self) -> Imei {
        let drop = u32::from(self.0.len - 14);
        Imei(Digits { value: self.0.value / 10_u64.pow(drop), len: 14 })
    }

    /// The software version number: the last two digits of a 16-digit IMEISV, otherwise unknown.
    pub fn software_version(self) -> Option<u8> {
        (self.0.len == 16).then_some((self.0.value % 100) as u8)
    }

    /// The Type Allocation Code: the model of the module.
    pub fn tac(self) -> Tac {
        self.imei().tac()
    }
}

/// Type Allocation Code: the first 8 digits of an IMEI. Names a model of module, so it is not masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tac(pub u32);

impl FromStr for Tac {
    type Err = InvalidIdentity;
    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        Digits::parse(text, 8..=8).map(|d| Self(d.value as u32)).ok_or(InvalidIdentity { what: "a TAC of 8 digits" })
    }
}

impl fmt::Display for Tac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}", self.0)
    }
}

impl Serialize for Tac {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Tac {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// By what a sensor knew the device.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// The SIM, as the network said (never what the device chose).
    Imsi(Imsi),
    /// A VPN or portal login (`User-Name`), for gateways without SIMs.
    Login(Box<str>),
    /// A hardware address, as a sensor on the device's own link saw it. Easily forged: it names, it proves nothing.
    Mac(Mac),
}

impl Identity {
    /// The name a device gets that nobody has put into the inventory: `imsi:…` `login:…` or `mac:…`.
    pub fn default_name(&self) -> String {
        match self {
            Self::Imsi(imsi) => format!("imsi:{}", imsi.reveal()),
            Self::Login(login) => format!("login:{login}"),
            Self::Mac(mac) => format!("mac:{mac}"),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Imsi(imsi) => write!(f, "imsi {imsi}"),
            Self::Login(login) => write!(f, "login {login:?}"),
            Self::Mac(mac) => write!(f, "mac {mac}"),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_by_default_and_keeps_leading_zeros() {
        let imsi: Imsi = "001010123456789".parse().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(format!("{imsi} {imsi:?}"), "00101•••••••789 Imsi(00101•••••••789)");
        assert_eq!(imsi.reveal(), "001010123456789");
    }

    #[test]
    fn an_imei_is_fourteen_digits_however_it_is_written() {
        let long: Imeisv = "3569380356438091".parse().unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(Imei::from_any("356938035643809").ok(), Some(long.imei()));
        assert_eq!(long.tac().to_string(), "35693803");
        assert_eq!(long.software_version(), Some(91));
        assert!(Imei::from_any("35693803564380a").is_err());
    }

    #[test]
    fn refuses_what_is_not_digits() {
        assert!("26201x".parse::<Imsi>().is_err());
        assert!("+49170".parse::<Msisdn>().is_err());
        assert!("1234567890123456".parse::<Imsi>().is_err());
    }
}
