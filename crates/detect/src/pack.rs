//! Identities in eight bytes, times in six, networks in four.

use std::marker::PhantomData;

use fleetward_fleet::{Imei, Imeisv, Imsi, Msisdn, Plmn, Timestamp};
use serde::{Deserialize, Serialize};

/// An optional string of digits as one number; 0 for none.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Packed<T>(u64, PhantomData<fn() -> T>);

/// What can be packed.
pub(crate) trait Digits: Copy {
    fn pack(self) -> u64;
    fn unpack(packed: u64) -> Option<Self>;
}

macro_rules! digits {
    ($($name:ident),*) => {$(impl Digits for $name {
        fn pack(self) -> u64 { self.to_packed() }
        fn unpack(packed: u64) -> Option<Self> { Self::from_packed(packed) }
    })*};
}
digits!(Imsi, Imei, Imeisv, Msisdn);

impl<T: Digits> Packed<T> {
    pub(crate) fn of(value: Option<T>) -> Self {
        Self(value.map_or(0, T::pack), PhantomData)
    }

    pub(crate) fn value(self) -> Option<T> {
        if self.0 == 0 { None } else { T::unpack(self.0) }
    }

    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl Packed<Imei> {
    /// The same as [`Self::value`] without going through text: an IMEI is needed for every record.
    pub(crate) fn imei(self) -> Option<Imei> {
        self.0.checked_sub(100_000_000_000_000).and_then(Imei::from_number)
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

/// A time that may not have been yet, in six octets: milliseconds, 4400 years to either side.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Moment([u8; 6]);

impl Moment {
    /// No time yet; no event can carry it.
    pub(crate) const NEVER: Self = Self([0, 0, 0, 0, 0, 0x80]);

    pub(crate) fn value(self) -> Option<Timestamp> {
        let mut wide = [0; 8];
        wide[2..].copy_from_slice(&self.0);
        let number = i64::from_le_bytes(wide) >> 16; // with its sign
        (self != Self::NEVER).then_some(Timestamp(number))
    }
}

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        let mut narrow = [0; 6];
        narrow.copy_from_slice(&at.0.clamp(1 - (1 << 47), (1 << 47) - 1).to_le_bytes()[..6]);
        Self(narrow)
    }
}

impl From<Option<Timestamp>> for Moment {
    fn from(at: Option<Timestamp>) -> Self {
        at.map_or(Self::NEVER, Self::from)
    }
}

impl std::fmt::Debug for Moment {
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
        let imei: Imei = "00000000000017".parse().unwrap();
        assert_eq!((Packed::of(Some(imei)).imei(), Packed::of(Some(imei)).value()), (Some(imei), Some(imei)));
        assert_eq!((Packed::<Imsi>::of(None).value(), Packed::of(None).imei()), (None, None));
        for at in [0, -1, 1_795_000_000_123, 1 - (1 << 47)] {
            assert_eq!(Moment::from(Timestamp(at)).value(), Some(Timestamp(at)));
        }
        assert_eq!((Moment::NEVER.value(), Moment::from(None)), (None, Moment::NEVER));
        for text in ["26201", "310410", "00101", "001001"] {
            let plmn: Plmn = text.parse().unwrap();
            assert_eq!(PackedPlmn::of(Some(plmn)).value(), Some(plmn));
        }
    }
}
