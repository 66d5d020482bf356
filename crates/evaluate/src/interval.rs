//! How sure a rate is.

use serde::Serialize;

/// A 95 % interval.
#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

const Z: f64 = 1.959_964;

/// The share of `found` in `all` (Wilson's score interval).
pub fn wilson(found: u64, all: u64) -> Interval {
    if all == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let (n, share) = (all as f64, found as f64 / all as f64);
    let centre = share + Z * Z / (2.0 * n);
    let margin = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    Interval { low: ((centre - margin) / scale).max(0.0), high: ((centre + margin) / scale).min(1.0) }
}

/// The mean of a count that was `count` once (Byar's approximation of the exact Poisson interval).
pub fn poisson(count: u64) -> Interval {
    let bound = |n: f64, z: f64| n * (1.0 - 1.0 / (9.0 * n) + z / (3.0 * n.sqrt())).powi(3);
    let n = count as f64;
    Interval { low: if count == 0 { 0.0 } else { bound(n, -Z) }, high: bound(n + 1.0, Z) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_intervals() {
        // Exact Poisson limits: 0 -> 3.69, 10 -> 4.80 to 18.39.
        assert!((poisson(0).high - 3.69).abs() < 0.05);
        assert!((poisson(10).low - 4.80).abs() < 0.05 && (poisson(10).high - 18.39).abs() < 0.05);
        let half = wilson(50, 100);
        assert!((half.low - 0.404).abs() < 0.002 && (half.high - 0.596).abs() < 0.002);
        assert_eq!(wilson(0, 0), Interval { low: 0.0, high: 1.0 });
    }
}
