//! How many octets one transfer has.

use crate::random::Random;

/// A distribution of octets. Physical: never in units of anything a detector computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    /// Nothing in this direction.
    None,
    /// Log-normal: median, spread in natural units, and a most.
    Log(f64, f64, f64),
    /// Pareto: least, exponent, and a most (TR 45.820 Annex E has 20 to 200 octets with 2.5).
    Pareto(f64, f64, f64),
}

impl Size {
    /// The octets of `count` transfers.
    pub fn sum(self, count: u32, random: &mut Random) -> f64 {
        match self {
            Self::None => 0.0,
            _ if count <= 6 => (0..count).map(|_| self.draw(random)).sum(),
            _ => {
                // Many transfers: one draw of their mean's spread around it, as the central limit has it.
                let (mean, variation) = self.moments();
                let count = f64::from(count);
                (count * mean * (1.0 + variation / count.sqrt() * random.normal())).max(count * mean * 0.2)
            }
        }
    }

    fn draw(self, random: &mut Random) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Log(median, sigma, most) => random.log_normal(median, sigma).min(most),
            Self::Pareto(least, exponent, most) => (least / (1.0 - random.unit()).powf(1.0 / exponent)).min(most),
        }
    }

    /// Mean and coefficient of variation, of the distribution without its most.
    fn moments(self) -> (f64, f64) {
        match self {
            Self::None => (0.0, 0.0),
            Self::Log(median, sigma, _) => (median * (sigma * sigma / 2.0).exp(), ((sigma * sigma).exp() - 1.0).sqrt()),
            Self::Pareto(least, exponent, _) => {
                let mean = exponent * least / (exponent - 1.0);
                (mean, (1.0 / (exponent * (exponent - 2.0).max(0.1))).sqrt())
            }
        }
    }
}
