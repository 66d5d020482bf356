//! Networks and countries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidIdentity;

mod cell;
mod countries;
mod geo;
mod mcc;

pub use cell::CellId;
pub use geo::Point;

/// A public land mobile network: country code and network code (3GPP TS 23.003 §2.2). `26201` and `262001` differ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Plmn {
    /// Mobile country code, 0 to 999.
    pub mcc: u16,
    /// Mobile network code, 0 to 999.
    pub mnc: u16,
    /// Whether the network code has three digits.
    pub long_mnc: bool,
}

impl Plmn {
    /// From the three octets of TS 29.061 (swapped nibbles): `62 F2 10` is 262-01. `None` where a nibble is no digit.
    pub fn from_octets(octets: [u8; 3]) -> Option<Self> {
        let digit = |nibble: u8| (nibble < 10).then_some(u16::from(nibble));
        let [a, b, c] = octets;
        let mcc = digit(a & 15)? * 100 + digit(a >> 4)? * 10 + digit(b & 15)?;
        let short = digit(c & 15)? * 10 + digit(c >> 4)?;
        if b >> 4 == 15 {
            return Some(Self { mcc, mnc: short, long_mnc: false });
        }
        Some(Self { mcc, mnc: short * 10 + digit(b >> 4)?, long_mnc: true })
    }

    /// The country of the network, where its MCC belongs to one (ITU-T E.212); shared codes (9xx) belong to none.
    pub fn country(self) -> Option<Country> {
        mcc::country(self.mcc)
    }
}

impl FromStr for Plmn {
    type Err = InvalidIdentity;
    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        let wrong = InvalidIdentity::new("a network of 5 or 6 digits (MCC and MNC)");
        if !matches!(text.len(), 5 | 6) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong);
        }
        let number = |range: &str| range.parse::<u16>().map_err(|_| wrong);
        Ok(Self { mcc: number(&text[..3])?, mnc: number(&text[3..])?, long_mnc: text.len() == 6 })
    }
}

impl fmt::Display for Plmn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = if self.long_mnc { 3 } else { 2 };
        write!(f, "{:03}{:0width$}", self.mcc, self.mnc)
    }
}

impl fmt::Debug for Plmn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plmn({self})")
    }
}

/// ISO 3166-1 alpha-2, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// Whether the code belongs to a country or territory.
    pub fn is_assigned(self) -> bool {
        ASSIGNED.split(' ').any(|code| code.as_bytes() == self.0)
    }

    /// It, where it is assigned; else what to write instead.
    pub fn assigned(self) -> Result<Self, String> {
        if self.is_assigned() {
            return Ok(self);
        }
        let meant = MEANT.iter().find(|(written, _)| *written == self.as_str());
        Err(meant.map_or_else(
            || "write its two letters of ISO 3166-1, for example `DE`".to_owned(),
            |(_, code)| format!("did you mean `{code}`?"),
        ))
    }

    /// The two letters as octets.
    pub fn letters(self) -> [u8; 2] {
        self.0
    }

    const fn of(letters: [u8; 2]) -> Self {
        Self(letters)
    }
}

/// Codes that are no country of ISO 3166-1 but are often written for one.
const MEANT: [(&str, &str); 2] = [("UK", "GB"), ("EL", "GR")];

impl FromStr for Country {
    type Err = InvalidIdentity;
    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([*a, *b])),
            _ => Err(InvalidIdentity::new("a country of two capital letters (ISO 3166-1)")),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Country({self})")
    }
}

/// ISO 3166-1 alpha-2 (249 codes), and the customary `XK` of Kosovo.
const ASSIGNED: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK \
    FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR \
    IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK \
    ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF \
    TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

as_text!(Plmn);
as_text!(Country);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_swapped_nibbles() {
        for (octets, text) in
            [([0x62, 0xF2, 0x10], "26201"), ([0x62, 0xF0, 0x10], "26001"), ([0x02, 0xF6, 0x10], "20601")]
        {
            assert_eq!(Plmn::from_octets(octets).map(|p| p.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Plmn::from_octets([0x13, 0x00, 0x14]).map(|p| p.to_string()).as_deref(), Some("310410"));
        assert_eq!(Plmn::from_octets([0xFF; 3]), None);
    }

    #[test]
    fn knows_countries() {
        let country = |text: &str| text.parse::<Plmn>().ok().and_then(Plmn::country).map(|c| c.to_string());
        assert_eq!(country("26201").as_deref(), Some("DE"));
        assert_eq!(country("310410").as_deref(), Some("US"));
        assert_eq!(country("90128"), None);
        for mcc in 0..1000 {
            let country = Plmn { mcc, mnc: 1, long_mnc: false }.country();
            assert!(country.is_none_or(Country::is_assigned), "{mcc}: {country:?}");
        }
    }
}
