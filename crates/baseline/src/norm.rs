//! What is typical for the devices of a model: what a device is judged by until it has taught enough itself.

use serde::{Deserialize, Serialize};

/// A mean and a variance that fade: each value weighs 1/`n` until `MEMORY`, then that much.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Norm {
    count: f64,
    mean: f64,
    variance: f64,
}

/// Values that a norm remembers.
const MEMORY: f64 = 20_000.0;

impl Norm {
    pub(crate) fn add(&mut self, value: f64) {
        self.count = (self.count + 1.0).min(MEMORY);
        let way = value - self.mean;
        self.mean += way / self.count;
        self.variance += (way * (value - self.mean) - self.variance) / self.count;
    }

    /// The mean, or `otherwise` while nothing is known.
    pub(crate) fn mean_or(&self, otherwise: f64) -> f64 {
        if self.count > 0.0 { self.mean } else { otherwise }
    }

    /// One deviation above the mean: where most values lie below.
    pub(crate) fn high(&self) -> f64 {
        self.mean + self.deviation()
    }

    pub(crate) fn deviation(&self) -> f64 {
        libm::sqrt(self.variance.max(0.0))
    }
}
