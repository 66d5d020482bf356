//! What a partition hands on about one hour or day of one device, for the baseline of its model.

use std::sync::Arc;

use fleetward_baseline::{Evidence, Measure, ModelKey};
use fleetward_fleet::{Device, DeviceId, Offset, PlannedChange, Timestamp};
use serde::{Deserialize, Serialize};

/// One measure. There is about one for every record, so it is small; who the device is comes along only where the device
/// itself finds the measure remarkable.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MeasureFact {
    pub(crate) offset: Offset,
    pub(crate) device: DeviceId,
    pub(crate) observed_at: Timestamp,
    pub(crate) model: ModelKey,
    pub(crate) measure: Measure,
    pub(crate) evidence: Evidence,
    pub(crate) about: Option<Arc<About>>,
}

/// Who a device is, and which planned changes cover it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) device: Arc<Device>,
    pub(crate) planned: Vec<Arc<PlannedChange>>,
}

impl MeasureFact {
    /// The order in which measures are judged; those of one device and record keep theirs.
    pub(crate) fn order(&self) -> (Offset, DeviceId) {
        (self.offset, self.device)
    }
}

/// The number of a model: a hash of its name, the same in every partition and on every machine.
pub(crate) fn model_key(name: Option<&str>) -> ModelKey {
    name.map_or(ModelKey::NONE, |name| ModelKey(DeviceId::of(name).0.max(1)))
}
