//! Latencies in buckets that grow with the value: 32 per doubling, so within about 3 %, usually 2 %.

use std::time::Duration;

const STEPS: u64 = 32;

/// Counts of latencies.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; (STEPS as usize) * 40], total: 0, max: 0 }
    }
}

impl Histogram {
    pub(super) fn record(&mut self, latency: Duration) {
        let us = latency.as_micros() as u64;
        let last = self.counts.len() - 1;
        self.counts[bucket(us).min(last)] += 1;
        self.total += 1;
        self.max = self.max.max(us);
    }

    /// Microseconds that this part of all latencies did not exceed.
    pub(super) fn quantile(&self, part: f64) -> u64 {
        let wanted = (self.total as f64 * part).ceil() as u64;
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        found.map_or(0, |index| middle(index).min(self.max))
    }

    /// The longest, microseconds.
    pub(super) fn max(&self) -> u64 {
        self.max
    }
}

fn bucket(us: u64) -> usize {
    if us < STEPS {
        return us as usize;
    }
    let shift = us.ilog2() - STEPS.ilog2();
    (u64::from(shift) * STEPS + (us >> shift)) as usize
}

fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS * 2 {
        return bucket;
    }
    let shift = bucket / STEPS - 1;
    let low = (bucket % STEPS + STEPS) << shift;
    low + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_three_percent() {
        let mut histogram = Histogram::default();
        (1..=100_000_u64).for_each(|us| histogram.record(Duration::from_micros(us)));
        for (part, exact) in [(0.5, 50_000_f64), (0.99, 99_000.0), (0.0001, 10.0)] {
            let found = histogram.quantile(part) as f64;
            assert!((found - exact).abs() <= exact * 0.03, "{part}: {found}");
        }
        assert_eq!((histogram.max(), Histogram::default().quantile(0.5)), (100_000, 0));
    }
}
