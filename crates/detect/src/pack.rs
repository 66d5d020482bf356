//! Identities in eight bytes, networks in four.

use std::marker::PhantomData;
use std::str::FromStr;

use fleetward_fleet::{Imei, Imeisv, Imsi, Msisdn, Plmn};
use serde::{Deserialize, Serialize};

/// An optional string of digits as one number: how many digits in the lowest bits, 0 for none.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Packed<T>(u64, PhantomData<fn() -> T>);

/// What can be packed: digits that fit 59 bits (17 digits).
pub(crate) trait Digits: FromStr + Copy {
    /// The digits.
    fn text(self) -> String;
}

macro_rules! digits {
    ($($name:ident),*) => {$(impl Digits for $name {
        fn text(self) -> String { self.reveal() }
    })*};
}
digits!(Imsi, Imei, Imeisv, Msisdn);

impl<T: Digits> Packed<T> {
    pub(crate) fn of(value: Option<T>) -> Self {
        let packed = value.map_or(0, |value| {
            let text = value.text();
            text.parse::<u64>().unwrap_or(0) << 5 | text.len() as u64
        });
        Self(packed, PhantomData)
    }

    pub(crate) fn value(self) -> Option<T> {
        let len = (self.0 & 31) as usize;
        if len == 0 { None } else { format!("{:0len$}", self.0 >> 5).parse().ok() }
    }

    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }

    /// The digits as one number.
    pub(crate) fn number(self) -> u64 {
        self.0 >> 5
    }
}

impl<T> Clone for Packed<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Packed<T> {}
impl<T> PartialEq for Packed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Default for Packed<T> {
    fn default() -> Self {
        Self(0, PhantomData)
    }
}
impl<T: Digits + std::fmt::Debug> std::fmt::Debug for Packed<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.value().fmt(f) // masks
    }
}

/// An optional network.
#[derive(Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PackedPlmn(u32);

impl PackedPlmn {
    pub(crate) fn of(network: Option<Plmn>) -> Self {
        Self(network.map_or(0, |n| {
            1 << 31 | u32::from(n.long_mnc) << 30 | u32::from(n.mcc & 1023) << 10 | u32::from(n.mnc & 1023)
        }))
    }

    pub(crate) fn value(self) -> Option<Plmn> {
        (self.0 != 0).then_some(Plmn {
            mcc: (self.0 >> 10 & 1023) as u16,
            mnc: (self.0 & 1023) as u16,
            long_mnc: self.0 >> 30 & 1 == 1,
        })
    }

    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Debug for PackedPlmn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.value().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was() {
        for text in ["001010123456789", "262011", "000000000000000"] {
            let imsi: Imsi = text.parse().unwrap();
            assert_eq!(Packed::of(Some(imsi)).value(), Some(imsi));
        }
        let long: Imeisv = "9999999999999999".parse().unwrap();
        assert_eq!(Packed::of(Some(long)).value(), Some(long));
        assert_eq!(Packed::<Imsi>::of(None).value(), None);
        for text in ["26201", "310410", "00101", "001001"] {
            let plmn: Plmn = text.parse().unwrap();
            assert_eq!(PackedPlmn::of(Some(plmn)).value(), Some(plmn));
        }
    }
}
