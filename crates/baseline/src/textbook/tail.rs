//! A generalised Pareto tail for each device by itself, as SPOT does (Siffer et al. 2017), fitted once.

use std::collections::BTreeMap;

use fleetward_fleet::DeviceId;

use super::{Detector, DeviceHour, log};

/// The part of a device's hours that count as peaks.
const PEAKS: f64 = 0.02;
/// Hours of a month, as the budget counts it.
const MONTH: f64 = 730.0;

/// The height that the device's own tail passes as often as wanted. One device's thousand hours cannot know a rate of one in
/// seventy thousand: that is what this detector shows.
#[derive(Debug, Default)]
pub struct DeviceTail {
    seen: BTreeMap<DeviceId, Vec<f32>>,
    limits: BTreeMap<DeviceId, f64>,
}

impl Detector for DeviceTail {
    fn name(&self) -> &'static str {
        "per-device tail (GPD)"
    }

    fn learn(&mut self, hour: &DeviceHour) {
        self.seen.entry(hour.device).or_default().push(log(hour.bytes) as f32);
    }

    fn fit(&mut self, per_device_month: f64) {
        for (device, mut values) in std::mem::take(&mut self.seen) {
            self.limits.insert(device, limit(&mut values, per_device_month / MONTH));
        }
    }

    fn judge(&mut self, hour: &DeviceHour) -> bool {
        self.limits.get(&hour.device).is_some_and(|limit| log(hour.bytes) > *limit)
    }
}

/// Probability-weighted moments of the peaks, and the height that is passed with probability `rate`.
fn limit(values: &mut [f32], rate: f64) -> f64 {
    values.sort_by(f32::total_cmp);
    let peaks = (values.len() as f64 * PEAKS) as usize;
    let Some(from) = values.len().checked_sub(peaks + 1).filter(|_| peaks >= 5) else { return f64::INFINITY };
    let base = f64::from(values[from]);
    let (mut mean, mut weighted) = (0.0, 0.0);
    for (rank, value) in values[from + 1..].iter().enumerate() {
        let excess = f64::from(*value) - base;
        mean += excess / peaks as f64;
        weighted += excess * (1.0 - (rank as f64 + 0.65) / peaks as f64) / peaks as f64;
    }
    if mean <= 1e-9 {
        return base + 0.1;
    }
    let shape = (2.0 - mean / (mean - 2.0 * weighted).max(1e-9)).clamp(-0.5, 0.9);
    let scale = mean * (1.0 - shape);
    let times = PEAKS / rate;
    let above = if shape.abs() < 1e-6 { libm::log(times) } else { (libm::pow(times, shape) - 1.0) / shape };
    base + scale * above
}
