//! How often scores of a certain height happen: a fading histogram with a generalised Pareto tail.

use serde::{Deserialize, Serialize};

/// Bins of 1/8 from 0 to 32; the last one holds everything above.
const BINS: usize = 256;
/// Bins of one unit of score.
const UNIT: f64 = 8.0;
/// Peaks that the tail is fitted to, at most.
const PEAKS: f64 = 150.0;
/// Peaks without which there is no tail to speak of.
const FEWEST: f64 = 20.0;
/// Where it is seen whether a day is unlike others.
const HEIGHTS: [f64; 5] = [0.5, 1.0, 2.0, 4.0, 8.0];
/// Scale of a tail of which too few peaks were seen: a deviation.
const COMMON: f64 = 1.0;
/// Scale of the tail, at least: one bin.
const NARROWEST: f64 = 1.0 / UNIT;
/// Shape of the tail, at least: real tails are never as thin as a few hundred peaks make believe.
const THINNEST: f64 = 0.05;
/// Shape of the tail, at most: beyond, the mean of the peaks says nothing any more.
const HEAVIEST: f64 = 0.7;

/// The score of everything that counts, and in how many device-hours it was gathered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// Empty until the first score.
    bins: Vec<f32>,
    exposure: f64,
}

/// A fitted tail: above `from`, scores are rarer by a generalised Pareto law.
#[derive(Debug, Clone)]
struct Fit {
    passed: Vec<f64>,
    from: f64,
    count: f64,
    scale: f64,
    shape: f64,
}

impl Tail {
    /// A score. Negative scores count as time only.
    pub fn add(&mut self, score: f64) {
        self.put(score, 1.0);
    }

    /// Undoes one count at the height of an earlier peak of the same episode, so that an episode counts once at each height.
    pub(crate) fn undo(&mut self, score: f64) {
        self.put(score, -1.0);
    }

    /// Time in which scores could have happened, in device-hours (or in tests of whatever kind).
    pub fn pass(&mut self, exposure: f64) {
        self.exposure += exposure;
    }

    /// The time gathered.
    pub fn exposure(&self) -> f64 {
        self.exposure
    }

    /// Forgets: everything gathered so far counts `by` times as much from now on.
    pub(crate) fn fade(&mut self, by: f64) {
        self.exposure *= by;
        for bin in &mut self.bins {
            *bin *= by as f32;
        }
    }

    /// Adds `other`, but no more of it than `exposure` hours' worth.
    pub(crate) fn borrow(&mut self, other: &Self, exposure: f64) {
        if other.exposure <= 0.0 {
            return;
        }
        let part = (exposure / other.exposure).min(1.0);
        self.exposure += other.exposure * part;
        if !other.bins.is_empty() {
            self.bins.resize(BINS, 0.0);
            for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
                *bin += more * part as f32;
            }
        }
    }

    /// Adds all of the time of `other`, and `part` of its scores.
    pub(crate) fn take(&mut self, other: &Self, part: f64) {
        self.exposure += other.exposure;
        if !other.bins.is_empty() {
            self.bins.resize(BINS, 0.0);
            for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
                *bin += more * part as f32;
            }
        }
    }

    /// Which part of these scores is no more than a busy day by what is `known`: at most twice as many as usual, and what
    /// chance adds to that. `expected` is the least that counts as usual.
    pub(crate) fn ordinary_part(&self, known: &Self, expected: f64) -> f64 {
        let (today, before) = (self.passed(), known.passed());
        let part = |height: &f64| {
            let at = (height * UNIT) as usize;
            let often = |passed: &[f64]| passed.get(at).copied().unwrap_or(0.0);
            let usual = (often(&before) / known.exposure.max(1.0) * self.exposure).max(expected);
            let most = 2.0 * usual + 2.0 * libm::sqrt(usual);
            most / often(&today).max(most)
        };
        HEIGHTS.iter().map(part).fold(1.0, f64::min)
    }

    /// The height that is passed `rate` times an hour; `None` as long as too little is known.
    pub fn quantile(&self, rate: f64) -> Option<f64> {
        let wanted = rate * self.exposure;
        if wanted <= 0.0 {
            return None;
        }
        let fit = self.fit();
        if wanted >= fit.count {
            return Some(height(&fit.passed, wanted));
        }
        let times = libm::pow(fit.count / wanted, fit.shape);
        Some(fit.from + fit.scale / fit.shape * (times - 1.0))
    }

    /// How many times an hour `score` is passed; the inverse of [`Self::quantile`].
    pub fn rate(&self, score: f64) -> f64 {
        let fit = self.fit();
        let count = if score <= fit.from {
            fit.passed[(score * UNIT) as usize]
        } else {
            let times = 1.0 + fit.shape * (score - fit.from) / fit.scale;
            fit.count * libm::pow(times, -1.0 / fit.shape)
        };
        count / self.exposure.max(1.0)
    }

    fn put(&mut self, score: f64, count: f32) {
        if score < 0.0 {
            return;
        }
        self.bins.resize(BINS, 0.0);
        let bin = ((score * UNIT) as usize).min(BINS - 1);
        self.bins[bin] += count;
    }

    /// How often each height was passed, lowest first. An episode counts once at each height above where it came from.
    fn passed(&self) -> Vec<f64> {
        let (mut sum, mut most) = (0.0, 0.0_f64);
        let mut passed: Vec<f64> = self
            .bins
            .iter()
            .rev()
            .map(|count| {
                sum += f64::from(*count);
                most = most.max(sum);
                most
            })
            .collect();
        passed.reverse();
        passed
    }

    /// Probability-weighted moments (Hosking and Wallis 1987) of the highest scores, from the survival function:
    /// the mean is its integral, the weighted mean half the integral of its square.
    fn fit(&self) -> Fit {
        let passed = self.passed();
        let total = passed.first().copied().unwrap_or(0.0);
        if total < FEWEST {
            // Too few to fit. One more than were seen, and as high as scores commonly are.
            let mean = passed.iter().sum::<f64>() / UNIT / total.max(1.0);
            let passed = vec![total + 1.0];
            return Fit { passed, from: 0.0, count: total + 1.0, scale: mean.max(COMMON), shape: THINNEST };
        }
        let from_bin = (height(&passed, (total / 2.0).min(PEAKS)) * UNIT) as usize;
        let count = passed[from_bin];
        let survival = passed[from_bin..].iter().map(|above| above / count);
        let (mean, weighted) =
            survival.fold((0.0, 0.0), |(mean, weighted), part| (mean + part, weighted + part * part / 2.0));
        // The scores of a bin lie in its middle.
        let (mean, weighted) = ((mean - 0.5) / UNIT, (weighted - 0.25) / UNIT);
        let shape = (2.0 - mean / (mean - 2.0 * weighted).max(1e-9)).clamp(THINNEST, HEAVIEST);
        // With a clamped shape the scale follows from the mean.
        let scale = (mean * (1.0 - shape)).max(NARROWEST);
        Fit { passed, from: from_bin as f64 / UNIT, count, scale, shape }
    }
}

/// The height that is passed `count` times, within the histogram.
fn height(passed: &[f64], count: f64) -> f64 {
    let bin = passed.partition_point(|above| *above >= count);
    bin.saturating_sub(1) as f64 / UNIT
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exponential scores at fixed ranks: the tail is known exactly.
    fn exponential(count: u32) -> Tail {
        let mut tail = Tail::default();
        for rank in 0..count {
            tail.add(-libm::log((f64::from(rank) + 0.5) / f64::from(count)));
        }
        tail.pass(f64::from(count));
        tail
    }

    #[test]
    fn knows_the_body_and_the_tail() {
        let tail = exponential(20_000);
        for rate in [0.2, 0.01, 1e-3, 1e-5] {
            let (found, truth) = (tail.quantile(rate).unwrap(), -libm::log(rate));
            assert!((found - truth).abs() < 0.15 * truth + 0.2, "{rate}: {found} against {truth}");
            assert!(tail.rate(found) / rate < 1.3 && tail.rate(found) / rate > 0.7, "{rate}: {}", tail.rate(found));
        }
    }

    #[test]
    fn fading_changes_no_rate_and_an_undone_score_is_gone() {
        let mut tail = exponential(5_000);
        let before = tail.quantile(1e-3).unwrap();
        tail.fade(0.5);
        assert!((tail.quantile(1e-3).unwrap() - before).abs() < 0.2);
        let mut twice = exponential(5_000);
        twice.add(7.0);
        twice.undo(7.0);
        assert_eq!(twice, exponential(5_000));
    }

    #[test]
    fn nothing_seen_is_not_nothing_possible() {
        assert_eq!(Tail::default().quantile(1e-3), None);
        let mut tail = Tail::default();
        tail.pass(100.0);
        assert!(tail.quantile(1e-3).unwrap() > 2.0, "a tenth of an expected alarm");
        tail.pass(10_000.0);
        assert_eq!(tail.quantile(1e-3), Some(0.0), "ten were expected, none came");
    }
}
