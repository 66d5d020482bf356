//! Networks, cells and outages.

use fleetward_fleet::Plmn;

use crate::calendar::{DAY, HOUR, SLOT};
use crate::random::{Layer, Random};

/// Regions of the home country; a device lives in one.
pub(crate) const REGIONS: u64 = 40;

/// Cells of a region.
pub(crate) const CELLS: u64 = 200;

/// The home network, its national roaming partner, and the neighbours (test codes, as in the profiles of [`crate::CLASSES`]).
pub(crate) struct Networks {
    pub(crate) home: Plmn,
    pub(crate) partner: Plmn,
    pub(crate) abroad: [Plmn; 4],
}

impl Networks {
    pub(crate) fn new() -> Self {
        let network = |text: &str| match text.parse() {
            Ok(network) => network,
            Err(error) => unreachable!("{text}: {error}"),
        };
        Self {
            home: network("26299"),
            partner: network("26298"),
            abroad: [network("23299"), network("20899"), network("20499"), network("26099")],
        }
    }
}

/// A cell of a region. Of the same 28 bits as an LTE cell identity.
pub(crate) fn cell(region: u64, number: u64) -> u32 {
    ((region as u32 & 0xFF) << 16) | ((number % CELLS) as u32) << 2 | 1
}

/// When which region has no network.
#[derive(Debug)]
pub(crate) struct Outages {
    /// (region, or all; from; until), seconds since 1970, by their beginning.
    list: Vec<(Option<u64>, i64, i64)>,
}

impl Outages {
    /// Each region about once in five weeks for about an hour and a half, and the core network twice for half an hour.
    pub(crate) fn new(seed: u64, start: i64, end: i64, on: bool) -> Self {
        let mut list = Vec::new();
        if on {
            for region in 0..REGIONS {
                let mut random = Random::of(seed, Layer::Network, 1 << 48 | region);
                let mut at = start as f64;
                loop {
                    at += random.exponential(35.0 * DAY as f64);
                    if at >= end as f64 {
                        break;
                    }
                    let lasts = random.log_normal(1.5 * HOUR as f64, 0.8).min(18.0 * HOUR as f64);
                    list.push((Some(region), at as i64, (at + lasts) as i64));
                }
            }
            let mut random = Random::of(seed, Layer::Network, 2 << 48);
            for third in 1..=2 {
                let at = start + (end - start) * third / 3 + random.below(9 * DAY as u64).cast_signed();
                list.push((None, at, at + random.between(15.0, 50.0) as i64 * 60));
            }
            list.sort_by_key(|(_, from, _)| *from);
        }
        Self { list }
    }

    /// Those that overlap the hour that begins here.
    pub(crate) fn of_hour(&self, hour: i64) -> Vec<(Option<u64>, i64, i64)> {
        let overlaps = |(_, from, until): &&(Option<u64>, i64, i64)| *from < hour + HOUR && hour < *until;
        self.list.iter().filter(overlaps).copied().collect()
    }
}

/// The outage that a region has in a slot, if any: from when until when.
pub(crate) fn outage_of(current: &[(Option<u64>, i64, i64)], region: u64, slot: i64) -> Option<(i64, i64)> {
    let concerns = |(which, from, until): &&(Option<u64>, i64, i64)| {
        which.is_none_or(|which| which == region) && *from < slot + SLOT && slot < *until
    };
    current.iter().find(concerns).map(|(_, from, until)| (*from, *until))
}

/// How long a device waits before it connects again after an outage: Beta(3, 4), as TR 37.868 model 2 has it, stretched
/// from its ten seconds to five minutes (a fleet, not a cell).
pub(crate) fn comes_back(random: &mut Random) -> i64 {
    // Beta(3,4) as the third smallest of six uniform draws.
    let mut draws: [f64; 6] = std::array::from_fn(|_| random.unit());
    draws.sort_by(f64::total_cmp);
    (draws[2] * 300.0) as i64 + 1
}
