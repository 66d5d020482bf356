//! How far above everything known a measure lies: one number for each basis of judgement.

use serde::{Deserialize, Serialize};

use crate::days::{Evidence, SIGMA};
use crate::norm::Norm;
use crate::octaves::OCTAVE;
use crate::{Kind, Measure};

/// How many ways of being unusual there are.
pub(crate) const BRANCHES: usize = 4;

/// A way of being unusual. Each has tails and thresholds of its own and a share of the alarm budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Basis {
    /// One hour above all hours before.
    Hour,
    /// One day above all days before.
    Day,
    /// Days with more bytes that add up.
    Drift,
    /// Hours higher than usual for their time of the week, over days, though each may lie below the record.
    Pattern,
}

impl Basis {
    pub(crate) const ALL: [Self; BRANCHES] = [Self::Hour, Self::Day, Self::Drift, Self::Pattern];

    /// A score below which nothing is an alarm, whatever the tail says: half an octave above the record over a wide spread, a
    /// week of half a deviation, hours that are a third of a deviation high on the mean.
    pub(crate) fn least(self) -> f64 {
        match self {
            Self::Hour | Self::Day => 0.25,
            Self::Drift => 2.5,
            Self::Pattern => 1.5,
        }
    }

    /// Its share of the budget.
    pub(crate) fn share(self) -> f64 {
        match self {
            Self::Hour => 0.35,
            Self::Day | Self::Drift => 0.2,
            Self::Pattern => 0.25,
        }
    }
}

/// A measure from one basis's point of view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Score {
    /// Negative: nothing.
    pub score: f64,
    /// What the tail learns: the height of an episode that is over (counted once at each height), and where it came from.
    pub lesson: Option<(f64, f64)>,
}

/// Days after which a device is known well enough to say what is typical for its model.
const GROWN: u16 = 14;
/// The device's own record counts as much as the model's word after this many days.
const RECORD_DAYS: f64 = 2.0;
/// Largest deviation of a device's busiest hours, octaves: where days are either nothing or much, the distance between the two
/// says nothing about what lies above both.
const WIDEST: f64 = 1.0;
/// Days of evidence over which the floor may be reached.
pub(crate) const WEEK: u64 = 7;
/// A standard deviation in median distances of a normal distribution.
const WIDTH: f64 = 1.48;
/// Smallest deviation that heights are measured in, octaves: below, arithmetic noise would count.
const NARROWEST: f64 = 0.5;

/// What is typical for the devices of a model, in octaves.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Typical {
    /// The busiest hour of a day.
    busiest: Norm,
    /// The usual distance from there.
    variety: Norm,
    /// How far the record lies above the usual busiest hour.
    reach: Norm,
    day_level: Norm,
    day_spread: Norm,
    day_reach: Norm,
}

impl Typical {
    /// Learns from a device that knows itself.
    pub(crate) fn learn(&mut self, measure: &Measure) {
        if measure.days < GROWN {
            return;
        }
        let record = octaves(measure.record);
        if measure.kind == Kind::Day {
            let centre = octaves(measure.usual[1].centre);
            self.day_level.add(centre);
            self.day_spread.add(octaves(measure.spread));
            self.day_reach.add((record - centre).max(0.0));
        } else {
            let busiest = octaves(measure.busiest);
            self.busiest.add(busiest);
            self.variety.add(octaves(measure.variety));
            self.reach.add((record - busiest).max(0.0));
        }
    }

    /// The heights of a measure; `floor` is how many bytes above the usual matter.
    pub(crate) fn scores(&self, measure: &Measure, floor: u64) -> [Option<(Basis, Score)>; 3] {
        if measure.kind != Kind::Day {
            return [Some((Basis::Hour, self.hour(measure, floor))), None, None];
        }
        let volume = risen(measure.volume, floor);
        let pattern = risen(measure.pattern, floor);
        [Some((Basis::Day, self.day(measure, floor))), Some((Basis::Drift, volume)), Some((Basis::Pattern, pattern))]
    }

    fn hour(&self, measure: &Measure, floor: u64) -> Score {
        let days = f64::from(measure.busy_days);
        let own = octaves(measure.busiest);
        let busiest = blend(own, days, self.busiest.mean_or(own), 0.5);
        let reach = busiest + self.reach.high();
        let record = blend(octaves(measure.record), days, reach, RECORD_DAYS).max(reach);
        let spread = blend(octaves(measure.variety), days, self.variety.mean_or(1.0), 4.0) * WIDTH;
        let spread = spread.clamp(NARROWEST, WIDEST);
        let doubt = self.busiest.deviation() / (1.0 + days);
        let above = f64::from(measure.octaves()) / f64::from(OCTAVE) - record.max(octaves(measure.record));
        let is_material = exceeds(measure, measure.centre(), floor);
        height(above, libm::sqrt(spread * spread + doubt * doubt), is_material && measure.deviations() > 2.0)
    }

    fn day(&self, measure: &Measure, floor: u64) -> Score {
        let usual = measure.usual[1];
        let weight = f64::from(usual.weight);
        let own = octaves(usual.centre);
        let centre = blend(own, weight, self.day_level.mean_or(own), 1.0);
        let reach = centre + self.day_reach.high();
        let record = blend(octaves(measure.record), weight, reach, RECORD_DAYS).max(reach);
        let spread = blend(octaves(measure.spread), weight, self.day_spread.mean_or(0.5), 7.0).max(NARROWEST / 2.0);
        let doubt = self.day_level.deviation() / (1.0 + weight);
        let above = f64::from(measure.octaves()) / f64::from(OCTAVE) - record.max(octaves(measure.record));
        let is_material = exceeds(measure, i32::from(usual.centre), floor);
        height(above, libm::sqrt(spread * spread + doubt * doubt), is_material)
    }
}

fn risen(evidence: Evidence, floor: u64) -> Score {
    let is_material = evidence.weight >= crate::octaves::from_bytes(floor / WEEK);
    // Five units for a mean of one deviation: it is at most six, the histogram ends at 32.
    let height = |evidence: i16| f64::from(evidence) / f64::from(SIGMA) * 5.0;
    let counts = evidence.rises() && is_material;
    let lesson = (evidence.crest > 0 && is_material).then(|| (height(evidence.crest), height(evidence.base)));
    Score { score: if counts { height(evidence.now) } else { -1.0 }, lesson }
}

fn height(above: f64, deviation: f64, counts: bool) -> Score {
    let score = if counts && above > 0.0 { above / deviation } else { -1.0 };
    Score { score, lesson: (score > 0.0).then_some((score, -1.0)) }
}

fn exceeds(measure: &Measure, centre: i32, floor: u64) -> bool {
    measure.bytes.saturating_sub(crate::octaves::to_bytes(f64::from(centre))) >= floor
}

fn blend(own: f64, weight: f64, others: f64, others_weight: f64) -> f64 {
    (own * weight + others * others_weight) / (weight + others_weight)
}

fn octaves(units: u16) -> f64 {
    f64::from(units) / f64::from(OCTAVE)
}
