//! All models of a fleet, and the tail that small models borrow from.

use std::collections::BTreeMap;

use fleetward_fleet::{DeviceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Evidence, Learning, Measure, ModelBaseline, Settings, Verdict};

/// A model by number: any stable hash of its name. [`ModelKey::NONE`] stands for devices without a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelKey(pub u64);

impl ModelKey {
    /// Devices that have no model share one baseline.
    pub const NONE: Self = Self(0);
}

/// The model half of all models: how unusual a measure is among its peers, within one budget for the fleet.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct FleetBaseline {
    models: BTreeMap<ModelKey, ModelBaseline>,
}

impl FleetBaseline {
    /// Judges one measure of `device` and learns from it. Measures come in one defined order (journal offset, then device).
    pub fn judge(
        &mut self,
        _model: ModelKey,
        _device: DeviceId,
        _measure: &Measure,
        _evidence: Evidence,
        _settings: &Settings,
        _out: &mut Vec<Verdict>,
    ) {
    }

    /// Time passed: tells alarms that waited to see whether the whole model is affected, ends what is over, recalibrates.
    /// Call it at every tick of the journal.
    pub fn pass(&mut self, _now: Timestamp, _settings: &Settings, _out: &mut Vec<Verdict>) {}

    /// How far the learning of `model` has come; `None` if it has no device yet.
    pub fn learning(&self, _model: ModelKey) -> Option<Learning> {
        None
    }
}
