//! The device half.

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Measure;

/// What one record adds to a device's traffic. Deltas, not counters: the caller removes duplicates and resets.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes sent by the device.
    pub up: u64,
    /// Bytes sent to the device.
    pub down: u64,
    /// When the session's previous record was, if the bytes gathered since then: they are spread over the hours between.
    pub since: Option<Timestamp>,
    /// Whether the record began a session.
    pub started: bool,
}

/// What one device has taught about itself. Fixed size, no pointers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceBaseline {
    first: u32,
}

impl DeviceBaseline {
    /// Knows nothing yet; `first` is the time of the device's first record.
    pub fn new(first: Timestamp) -> Self {
        Self { first: u32::try_from(first.secs() / 3600).unwrap_or(0) }
    }

    /// One record. `at` is its event time; records may come in any order within an hour of each other.
    /// Closes the hours and days that are over by `at` and appends what they measured to `out`.
    pub fn add(&mut self, _at: Timestamp, _traffic: &Traffic, _out: &mut Vec<Measure>) {}

    /// Time passed: closes the hours and days that are over. Calling it at every tick or only now and then gives the
    /// same measures.
    pub fn pass(&mut self, _now: Timestamp, _out: &mut Vec<Measure>) {}

    /// Whole days of learning, for "learning, day 3 of 14".
    pub fn days(&self, now: Timestamp) -> u32 {
        u32::try_from(now.secs() / 3600).unwrap_or(0).saturating_sub(self.first) / 24
    }
}
