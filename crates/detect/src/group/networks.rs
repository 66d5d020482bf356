//! How many devices of each network are silent: what tells an outage of a network from a silent device.
//!
//! A device is silent once it rests twice as long as it usually does. Partitions count as they sweep, about once a minute, and
//! the second stage adds up what each of them said last.

use std::collections::BTreeMap;

use fleetward_fleet::{Offset, Plmn};
use serde::{Deserialize, Serialize};

/// Fewer devices of a network say nothing about it.
const ENOUGH: u64 = 10;

/// Devices by network: all, and those that are silent.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Networks(BTreeMap<Plmn, (u32, u32)>);

impl Networks {
    /// One more device that was last heard of in this network.
    pub(crate) fn count(&mut self, network: Plmn, is_silent: bool) {
        let (all, silent) = self.0.entry(network).or_default();
        *all = all.saturating_add(1);
        *silent = silent.saturating_add(u32::from(is_silent));
    }
}

/// What one partition counted in one sweep.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NetworkFact {
    pub(crate) offset: Offset,
    pub(crate) partition: u8,
    pub(crate) counts: Networks,
}

/// What all partitions counted last.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Outages(BTreeMap<u8, Networks>);

impl Outages {
    pub(super) fn note(&mut self, fact: NetworkFact) {
        self.0.insert(fact.partition, fact.counts);
    }

    /// See [`fleetward_rules::Around::outage_share`].
    pub(super) fn share(&self, network: Plmn) -> Option<f64> {
        let counts = self.0.values().filter_map(|networks| networks.0.get(&network));
        let (all, silent) =
            counts.fold((0, 0), |(all, silent), count| (all + u64::from(count.0), silent + u64::from(count.1)));
        #[expect(clippy::cast_precision_loss, reason = "a share of a few million")]
        (all >= ENOUGH).then(|| silent as f64 / all as f64)
    }
}
