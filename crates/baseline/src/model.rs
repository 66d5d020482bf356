//! The model half.

use serde::{Deserialize, Serialize};

/// How far a model's learning has come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Learning {
    /// Devices seen in the last day.
    pub devices: u32,
    /// Device-hours that the thresholds rest on.
    pub device_hours: u64,
    /// Whether alarms are told yet: the tail is known well enough for the budget.
    pub is_ready: bool,
}

/// What all devices of one model have taught.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelBaseline {
    measures: u64,
}
