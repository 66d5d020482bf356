//! What the second stage answers while it judges one event.

use fleetward_baseline::ModelKey;
use fleetward_fleet::{Plmn, Timestamp};
use fleetward_rules::Around;

use super::networks::Outages;
use super::novelty::Novelty;

/// The devices around the one of an event.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) novelty: &'a Novelty,
    pub(super) outages: &'a Outages,
    /// Of the event's device.
    pub(super) model: ModelKey,
    /// When it happened.
    pub(super) at: Timestamp,
}

impl Around for Surroundings<'_> {
    fn outage_share(&self, network: Plmn, area: Option<u16>) -> Option<f64> {
        self.outages.share(network, area)
    }

    fn is_new(&self, field: u8, value: u64) -> Option<bool> {
        self.novelty.is_new(self.model, field, value, self.at)
    }
}
