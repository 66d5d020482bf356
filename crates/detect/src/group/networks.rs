//! How many devices of each network, and of each of its areas, are silent: what tells an outage from a silent device.
//!
//! A device is silent once it rests twice as long as it usually does. Partitions count as they sweep, about once a minute, and
//! the second stage adds up what each of them said last.
//!
//! Devices that are heard of every few hours show an outage while those that report once a day still rest, as they do every
//! day. So the two are counted apart, and an outage is what either of them shows.

use std::collections::BTreeMap;

use fleetward_fleet::{Offset, Plmn};
use serde::{Deserialize, Serialize};

/// Devices by network and area: all, and those that are silent.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Networks(BTreeMap<Place, Count>);

/// A network (area 0), or one area of it.
type Place = (Plmn, u16);

/// The often heard, then the others; of each all, then the silent.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Count([(u32, u32); 2]);

/// A device, as it counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Where it was last heard of.
    pub(crate) network: Plmn,
    /// Its area, 0 where none was told.
    pub(crate) area: u16,
    /// It usually rests no longer than [`OFTEN`].
    pub(crate) often: bool,
    /// It rests much longer than usual.
    pub(crate) silent: bool,
}

impl Networks {
    /// One more device.
    pub(crate) fn count(&mut self, seen: Seen) {
        self.0.entry((seen.network, 0)).or_default().add(seen);
        let place = (seen.network, seen.area);
        if seen.area != 0 && (self.0.len() < PLACES || self.0.contains_key(&place)) {
            self.0.entry(place).or_default().add(seen);
        }
    }
}

impl Count {
    fn add(&mut self, seen: Seen) {
        let (all, silent) = &mut self.0[usize::from(!seen.often)];
        *all = all.saturating_add(1);
        *silent = silent.saturating_add(u32::from(seen.silent));
    }

    fn change(&mut self, other: &Self, change: fn(u32, u32) -> u32) {
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own = (change(own.0, other.0), change(own.1, other.1));
        }
    }

    fn share(&self) -> Option<f64> {
        let shares = self.0.iter().filter(|(all, _)| *all >= ENOUGH);
        shares.map(|(all, silent)| f64::from(*silent) / f64::from(*all)).reduce(f64::max)
    }
}

/// What one partition counted in one sweep.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NetworkFact {
    pub(crate) offset: Offset,
    pub(crate) partition: u8,
    pub(crate) counts: Networks,
}

/// What all partitions counted last, and the sum of it.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Outages {
    partitions: BTreeMap<u8, Networks>,
    whole: BTreeMap<Place, Count>,
}

impl Outages {
    pub(super) fn note(&mut self, fact: NetworkFact) {
        for (place, count) in &fact.counts.0 {
            self.whole.entry(*place).or_default().change(count, u32::saturating_add);
        }
        let before = self.partitions.insert(fact.partition, fact.counts).unwrap_or_default();
        for (place, count) in before.0 {
            if let Some(whole) = self.whole.get_mut(&place) {
                whole.change(&count, u32::saturating_sub);
                if *whole == Count::default() {
                    self.whole.remove(&place);
                }
            }
        }
    }

    /// See [`fleetward_rules::Around::outage_share`].
    pub(super) fn share(&self, network: Plmn, area: Option<u16>) -> Option<f64> {
        self.whole.get(&(network, area.unwrap_or(0)))?.share()
    }
}

/// Who usually rests no longer than this many seconds is heard of often. Whoever reports every hour rests two or four after
/// an outage or a lost record, and is still one of these.
pub(crate) const OFTEN: u32 = 6 * 3600;

/// Fewer devices of a place say nothing about it.
const ENOUGH: u32 = 10;

/// Networks and areas that a partition counts at most; beyond, only networks. A country has some thousand areas.
const PLACES: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(partition: u8, area: u16, often: bool, all: u32, silent: u32) -> NetworkFact {
        let mut counts = Networks::default();
        let network = "26201".parse().expect("a network");
        (0..all).for_each(|n| counts.count(Seen { network, area, often, silent: n < silent }));
        NetworkFact { offset: Offset(0), partition, counts }
    }

    fn share(outages: &Outages, area: Option<u16>) -> Option<f64> {
        outages.share("26201".parse().expect("a network"), area)
    }

    #[test]
    fn who_reports_once_a_day_does_not_hide_an_outage() {
        let mut outages = Outages::default();
        outages.note(fact(0, 7, false, 1000, 0));
        outages.note(fact(1, 7, true, 20, 18));
        assert_eq!(share(&outages, Some(7)), Some(0.9));
        assert_eq!(share(&outages, Some(8)), None, "nobody is there");
        assert_eq!(share(&outages, None), Some(0.9));
    }

    #[test]
    fn a_partition_that_counts_again_replaces_what_it_said() {
        let mut outages = Outages::default();
        outages.note(fact(0, 7, true, 6, 6));
        assert_eq!(share(&outages, Some(7)), None, "six say nothing about an area");
        outages.note(fact(1, 7, true, 6, 0));
        assert_eq!(share(&outages, Some(7)), Some(0.5));
        outages.note(fact(0, 9, true, 6, 0));
        assert_eq!((share(&outages, Some(7)), share(&outages, None)), (None, Some(0.0)));
        outages.note(fact(0, 7, true, 0, 0));
        outages.note(fact(1, 7, true, 0, 0));
        assert_eq!(outages.whole.len(), 0);
    }
}
