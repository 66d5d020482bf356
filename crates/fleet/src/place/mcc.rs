//! Mobile country codes (ITU-T E.212) and the country each belongs to.

use super::Country;

/// The country of a mobile country code, `None` for shared (9xx), test (001) and unassigned codes.
pub(super) fn country(mcc: u16) -> Option<Country> {
    MCC.binary_search_by_key(&mcc, |entry| entry.0).ok().map(|at| Country::of(*MCC[at].1))
}

/// Sorted by code.
const MCC: &[(u16, &[u8; 2])] = &[(262, b"DE"), (310, b"US")];
