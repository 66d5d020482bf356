//! Repeatable chance: one stream per layer and device, so that switching one layer off leaves the others as they were.
//!
//! xoroshiro128++ (Blackman and Vigna), seeded by `SplitMix64`. Not for secrets.

use std::f64::consts::TAU;

/// What a stream of chance is for. Streams of different layers never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Who a device is and what it transfers.
    Device = 1,
    /// Sessions and the loss of their records.
    Session = 2,
    /// Cells, borders, outages.
    Network = 3,
    /// Firmware, growth, steps, decommissioning.
    Events = 4,
    /// Who is misused, when and how much.
    Misuse = 5,
}

/// A seeded source of chance, 16 bytes.
#[derive(Debug, Clone)]
pub struct Random {
    a: u64,
    b: u64,
}

impl Random {
    /// The stream of one layer for one thing (a device, a scenario).
    pub fn of(seed: u64, layer: Layer, thing: u64) -> Self {
        let mut state = seed ^ (layer as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
        let mixed = split_mix(&mut state);
        let mut state = mixed ^ thing.wrapping_mul(0x9FB2_1C65_1E98_DF25);
        Self { a: split_mix(&mut state), b: split_mix(&mut state) | 1 }
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        let (a, mut b) = (self.a, self.b);
        let result = a.wrapping_add(b).rotate_left(17).wrapping_add(a);
        b ^= a;
        self.a = a.rotate_left(49) ^ b ^ (b << 21);
        self.b = b.rotate_left(28);
        result
    }

    /// Uniform in `0.0..1.0`.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `0..bound`; 0 where `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// Uniform between two values.
    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// Uniform in the logarithm between two positive values: each octave is as likely as the next.
    pub fn octave(&mut self, from: f64, to: f64) -> f64 {
        if from <= 0.0 || to <= from { self.between(from, to) } else { self.between(from.ln(), to.ln()).exp() }
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (TAU * self.unit()).cos()
    }

    /// Log-normal with this median; `sigma` in natural units.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        if sigma == 0.0 { median } else { median * (sigma * self.normal()).exp() }
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// How many events of a Poisson process fall where `mean` are expected.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 30.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u32;
        }
        let draw = self.unit();
        // Nearly always nothing: decided without an exponential.
        if draw < 1.0 - mean {
            return 0;
        }
        let (mut share, mut count) = ((-mean).exp(), 0);
        let mut below = share;
        while draw > below && count < 200 {
            count += 1;
            share *= mean / f64::from(count);
            below += share;
        }
        count
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_pinned_and_apart() {
        let first = |layer, thing| Random::of(7, layer, thing).bits();
        assert_eq!(first(Layer::Device, 0), first(Layer::Device, 0));
        assert_ne!(first(Layer::Device, 0), first(Layer::Session, 0));
        assert_ne!(first(Layer::Device, 0), first(Layer::Device, 1));
    }

    #[test]
    fn means_are_what_they_should_be() {
        let mut random = Random::of(1, Layer::Device, 1);
        let mean = |draw: &mut dyn FnMut() -> f64| (0..20_000).map(|_| draw()).sum::<f64>() / 20_000.0;
        for lambda in [0.02, 0.7, 12.0, 50.0] {
            let got = mean(&mut || f64::from(random.poisson(lambda)));
            assert!((got / lambda - 1.0).abs() < 0.15, "{lambda}: {got}");
        }
        assert!((mean(&mut || random.exponential(3.0)) - 3.0).abs() < 0.1);
        assert!(mean(&mut || random.normal()).abs() < 0.03);
        assert!((0..1000).all(|_| (2.0..=8.0).contains(&random.octave(2.0, 8.0))));
    }
}
