//! All models of a fleet, and the tail that small models borrow from.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetward_fleet::{DeviceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;
use crate::{Budget, Evidence, Learning, Measure, ModelBaseline, Settings, Verdict};

/// Hours of a month, as the budget counts it.
const MONTH: f64 = 730.0;
/// Thresholds follow what was learnt every so many hours.
const REFRESH: i64 = 6;

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
    /// The last refresh, in units of [`REFRESH`] hours, and the last day that faded.
    refreshed: i64,
    faded: i64,
}

impl FleetBaseline {
    /// The longest time between a measure and the verdict that it leads to.
    pub const LONGEST_WAIT: Duration = crate::guard::WAIT;

    /// Judges one measure of `device` and learns from it. Measures come in one defined order (journal offset, then device).
    pub fn judge(
        &mut self,
        model: ModelKey,
        device: DeviceId,
        measure: &Measure,
        evidence: Evidence,
        settings: &Settings,
        out: &mut Vec<Verdict>,
    ) {
        let from = out.len();
        self.models.entry(model).or_default().judge(device, measure, evidence, settings, out);
        name(&mut out[from..], model);
    }

    /// Time passed: tells alarms that waited to see whether the whole model is affected, ends what is over, recalibrates.
    /// Call it at every tick of the journal.
    pub fn pass(&mut self, now: Timestamp, settings: &Settings, out: &mut Vec<Verdict>) {
        let hour = now.secs() / 3600;
        if hour / 24 > self.faded {
            self.faded = hour / 24;
            self.models.values_mut().for_each(|model| model.calibration.close_day());
        }
        if hour / REFRESH > self.refreshed {
            self.refreshed = hour / REFRESH;
            self.refresh(settings);
        }
        for (key, model) in &mut self.models {
            let from = out.len();
            model.pass(now, out);
            name(&mut out[from..], *key);
        }
    }

    /// How far the learning of `model` has come; `None` if it has no device yet.
    pub fn learning(&self, model: ModelKey) -> Option<Learning> {
        self.models.get(&model).map(ModelBaseline::learning)
    }

    fn refresh(&mut self, settings: &Settings) {
        let devices: u32 = self.models.values().map(ModelBaseline::devices).sum();
        let rate = match settings.budget {
            Budget::PerDeviceMonth(alarms) => alarms / MONTH,
            Budget::AlarmsPerDay(alarms) => alarms / (24.0 * f64::from(devices.max(1))),
        };
        let mut whole = Calibration::default();
        self.models.values().for_each(|model| whole.merge(&model.calibration));
        for model in self.models.values_mut() {
            let boost = model.boost();
            model.calibration.refresh(&whole, rate, boost);
        }
    }
}

/// A model does not know its own key.
fn name(verdicts: &mut [Verdict], key: ModelKey) {
    for verdict in verdicts {
        if let Verdict::ModelWide(wide) = verdict {
            wide.model = key;
        }
    }
}

#[cfg(test)]
mod tests;
