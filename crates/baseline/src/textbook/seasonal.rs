//! The median of the same hour of the week, and the median distance from it.

use std::collections::BTreeMap;

use fleetward_fleet::DeviceId;

use super::{Detector, DeviceHour, log};

/// Median absolute deviations that make an alarm; 1.4826 of them are a standard deviation of a normal distribution.
const DEVIATIONS: f64 = 6.0 * 1.4826;
/// The least deviation, in octaves: eight values often agree by chance.
const LEAST: f64 = 0.1;
/// Hours of a week.
const WEEK: usize = 168;

/// Six scaled median absolute deviations above the median of the same hour of the week.
#[derive(Debug, Default)]
pub struct HourOfWeekMedian {
    seen: BTreeMap<DeviceId, Vec<Vec<f32>>>,
    /// Limits by device and hour of the week.
    limits: BTreeMap<DeviceId, Vec<f32>>,
}

impl Detector for HourOfWeekMedian {
    fn name(&self) -> &'static str {
        "hour-of-week median/MAD"
    }

    fn learn(&mut self, hour: &DeviceHour) {
        let slots = self.seen.entry(hour.device).or_insert_with(|| vec![Vec::new(); WEEK]);
        slots[hour.hour as usize % WEEK].push(log(hour.bytes) as f32);
    }

    fn fit(&mut self, _per_device_month: f64) {
        for (device, mut slots) in std::mem::take(&mut self.seen) {
            self.limits.insert(device, slots.iter_mut().map(|slot| limit(slot)).collect());
        }
    }

    fn judge(&mut self, hour: &DeviceHour) -> bool {
        let limits = self.limits.get(&hour.device);
        limits.is_some_and(|limits| log(hour.bytes) as f32 > limits[hour.hour as usize % WEEK])
    }
}

fn limit(values: &mut [f32]) -> f32 {
    let Some(centre) = median(values) else { return f32::INFINITY };
    let mut distances: Vec<f32> = values.iter().map(|value| (value - centre).abs()).collect();
    let spread = f64::from(median(&mut distances).unwrap_or(0.0)).max(LEAST);
    centre + (DEVIATIONS * spread) as f32
}

fn median(values: &mut [f32]) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}
