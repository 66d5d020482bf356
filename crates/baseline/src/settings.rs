//! What the operator may say: how many alarms, and from which volume on they matter.

use serde::{Deserialize, Serialize};

/// How many false alarms the operator accepts. It is a number of alarms, not a sensitivity: thresholds follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Budget {
    /// At most about this many a day over the whole fleet, however large it is.
    AlarmsPerDay(f64),
    /// At most about this many for each device in a month of 730 hours.
    PerDeviceMonth(f64),
}

/// The settings of the baselines. The same for all models of one fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How many false alarms are acceptable.
    pub budget: Budget,
    /// Bytes above the usual below which nothing is worth an alarm: in one hour, in one day, or for a slow drift in a week.
    pub floor: u64,
}

impl Default for Settings {
    /// 0.01 false alarms per device-month, 100 KB.
    fn default() -> Self {
        Self { budget: Budget::PerDeviceMonth(0.01), floor: 100_000 }
    }
}
