//! Realised against wanted: the feedback that keeps a threshold honest.

use serde::{Deserialize, Serialize};

/// The adaptive threshold: an online quantile in the logarithm of the rate. A tail says which height is passed how often; what
/// is really passed then moves the rate that is asked of it, down by `gain` at each alarm and up by `gain` for each alarm that
/// was expected. So in the long run alarms come as often as wanted, whatever is wrong with the tail:
/// after `n` tests the realised rate differs from the wanted one by no more than (change of the logarithm) / (`gain` n).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    gain: f64,
    log: f64,
    /// The logarithm stays within these.
    bounds: (f64, f64),
}

impl Pace {
    /// Corrects the rate by `gain` at each alarm, within `least` to `most` times the wanted rate.
    pub fn new(gain: f64, least: f64, most: f64) -> Self {
        Self { gain, log: 0.0, bounds: (libm::log(least), libm::log(most)) }
    }

    /// The rate to ask of the tail so that `wanted` is realised.
    pub fn rate(&self, wanted: f64) -> f64 {
        wanted * libm::exp(self.log)
    }

    /// So many alarms were expected by the wanted rate, and so many came.
    pub fn settle(&mut self, expected: f64, alarms: f64) {
        self.log = (self.log + self.gain * (expected - alarms)).clamp(self.bounds.0, self.bounds.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_that_is_wrong_by_five_is_corrected() {
        let mut pace = Pace::new(0.1, 0.05, 4.0);
        let (wanted, mut alarms, mut state) = (1e-2, 0_u32, 12_345_u64);
        for _ in 0..40_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let chance = (state >> 11) as f64 / (1_u64 << 53) as f64;
            // Whatever is asked, five times as many come.
            let alarm = chance < pace.rate(wanted) * 5.0;
            alarms += u32::from(alarm);
            pace.settle(wanted, f64::from(u8::from(alarm)));
        }
        let ratio = f64::from(alarms) / 40_000.0 / wanted;
        assert!((0.9..1.1).contains(&ratio), "{ratio}");
    }
}
