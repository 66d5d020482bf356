//! Detectors from the textbook, to be measured beside ours in the same run. Not used by the product.

mod moments;
mod seasonal;
mod tail;

pub use moments::{LogMeanFourDeviations, MeanThreeDeviations};
pub use seasonal::HourOfWeekMedian;
pub use tail::DeviceTail;

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

/// One of each, in the order of a table.
pub fn all() -> Vec<Box<dyn Detector + Send>> {
    vec![
        Box::new(MeanThreeDeviations::default()),
        Box::new(LogMeanFourDeviations::default()),
        Box::new(HourOfWeekMedian::default()),
        Box::new(DeviceTail::default()),
    ]
}

/// log2 of bytes, damped so that nothing is minus infinity.
fn log(bytes: u64) -> f64 {
    libm::log2(bytes as f64 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device of 100 KB an hour with a little noise and a busy noon, for `hours`.
    fn hours(hours: std::ops::Range<u32>) -> impl Iterator<Item = DeviceHour> {
        hours.map(|hour| {
            let noise = u64::from(hour.wrapping_mul(2_654_435_761) >> 16) % 20_000;
            let bytes = if hour % 24 == 12 { 400_000 } else { 100_000 } + noise;
            DeviceHour { device: DeviceId(1), model: ModelKey::NONE, hour, bytes }
        })
    }

    #[test]
    fn every_detector_is_quiet_on_the_usual_and_finds_the_absurd() {
        for mut detector in all() {
            hours(0..1_344).for_each(|hour| detector.learn(&hour));
            detector.fit(0.01);
            let alarms = hours(1_344..1_512).filter(|hour| detector.judge(hour)).count();
            // Mean + 3 deviations cannot know that noon is busy; the others stay quiet.
            assert!(alarms <= 7, "{}: {alarms}", detector.name());
            let absurd = DeviceHour { bytes: 5_000_000_000, ..hours(1_512..1_513).next().unwrap() };
            assert!(detector.judge(&absurd), "{}", detector.name());
        }
    }

    #[test]
    fn only_the_season_finds_noon_at_midnight() {
        let found: Vec<_> = all()
            .into_iter()
            .filter_map(|mut detector| {
                hours(0..1_344).for_each(|hour| detector.learn(&hour));
                detector.fit(0.01);
                let midnight = DeviceHour { bytes: 300_000, ..hours(1_344..1_345).next().unwrap() };
                detector.judge(&midnight).then(|| detector.name())
            })
            .collect();
        assert!(found.contains(&"hour-of-week median/MAD"), "{found:?}");
        assert!(!found.contains(&"log mean + 4 sd"), "{found:?}");
    }
}
