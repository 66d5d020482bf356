//! Mean and standard deviation of one device, raw or of the logarithm.

use std::collections::BTreeMap;

use fleetward_fleet::DeviceId;

use super::{Detector, DeviceHour, log};

/// Welford's running mean and variance.
#[derive(Debug, Default, Clone, Copy)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let way = value - self.mean;
        self.mean += way / self.count;
        self.squares += way * (value - self.mean);
    }

    fn limit(&self, deviations: f64) -> f64 {
        self.mean + deviations * libm::sqrt(self.squares / (self.count - 1.0).max(1.0))
    }
}

/// More bytes than the mean and three standard deviations, over all hours.
#[derive(Debug, Default)]
pub struct MeanThreeDeviations(BTreeMap<DeviceId, Moments>);

impl Detector for MeanThreeDeviations {
    fn name(&self) -> &'static str {
        "mean + 3 sd"
    }

    fn learn(&mut self, hour: &DeviceHour) {
        self.0.entry(hour.device).or_default().add(hour.bytes as f64);
    }

    fn fit(&mut self, _per_device_month: f64) {}

    fn judge(&mut self, hour: &DeviceHour) -> bool {
        self.0.get(&hour.device).is_some_and(|moments| hour.bytes as f64 > moments.limit(3.0))
    }
}

/// The logarithm above its mean and four standard deviations, over all hours.
#[derive(Debug, Default)]
pub struct LogMeanFourDeviations(BTreeMap<DeviceId, Moments>);

impl Detector for LogMeanFourDeviations {
    fn name(&self) -> &'static str {
        "log mean + 4 sd"
    }

    fn learn(&mut self, hour: &DeviceHour) {
        self.0.entry(hour.device).or_default().add(log(hour.bytes));
    }

    fn fit(&mut self, _per_device_month: f64) {}

    fn judge(&mut self, hour: &DeviceHour) -> bool {
        self.0.get(&hour.device).is_some_and(|moments| log(hour.bytes) > moments.limit(4.0))
    }
}
