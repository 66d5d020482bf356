//! Detectors from the textbook, to be measured beside ours in the same run. Not used by the product.

use fleetward_fleet::DeviceId;

use crate::ModelKey;

/// The traffic of one device in one hour. Hours without traffic are reported too, with zero bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceHour {
    /// Which device.
    pub device: DeviceId,
    /// Its model.
    pub model: ModelKey,
    /// Hours since 1970-01-01T00:00Z.
    pub hour: u32,
    /// Bytes, both directions.
    pub bytes: u64,
}

/// A detector over device-hours: it learns for some weeks, is fitted once, then judges hour by hour.
pub trait Detector {
    /// Its name in tables.
    fn name(&self) -> &'static str;
    /// An hour of the training weeks.
    fn learn(&mut self, hour: &DeviceHour);
    /// The training weeks are over; `per_device_month` false alarms are wanted (only some detectors can be told).
    fn fit(&mut self, per_device_month: f64);
    /// An hour afterwards: whether it is an alarm. The caller merges alarms of one device within a day.
    fn judge(&mut self, hour: &DeviceHour) -> bool;
}
