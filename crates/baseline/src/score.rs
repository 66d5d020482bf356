//! How far above everything known a measure lies: one number for each basis of judgement.

use serde::{Deserialize, Serialize};

use crate::evidence::{Evidence, SIGMA};
use crate::lane::Known;
use crate::norm::Norm;
use crate::octaves::OCTAVE;
use crate::{Direction, Kind, Measure};

/// How many ways of being unusual there are.
pub(crate) const BRANCHES: usize = 7;

/// A way of being unusual. Each has tails and thresholds of its own and a share of the alarm budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Basis {
    /// It sent more in one hour than in all hours before.
    SentHour,
    /// It received more in one hour than in all hours before.
    ReceivedHour,
    /// It sent more in one day than in all days before.
    SentDay,
    /// It received more in one day than in all days before.
    ReceivedDay,
    /// It sends more, day after day.
    SentDrift,
    /// It receives more, day after day.
    ReceivedDrift,
    /// Hours higher than usual for their time of the week, over days, though each may lie below the record.
    Pattern,
}

impl Basis {
    pub(crate) const ALL: [Self; BRANCHES] = [
        Self::SentHour,
        Self::ReceivedHour,
        Self::SentDay,
        Self::ReceivedDay,
        Self::SentDrift,
        Self::ReceivedDrift,
        Self::Pattern,
    ];

    /// In which direction; `None`: both together.
    pub fn direction(self) -> Option<Direction> {
        match self {
            Self::SentHour | Self::SentDay | Self::SentDrift => Some(Direction::Sent),
            Self::ReceivedHour | Self::ReceivedDay | Self::ReceivedDrift => Some(Direction::Received),
            Self::Pattern => None,
        }
    }

    /// Whether it needs many days to show.
    pub fn is_slow(self) -> bool {
        matches!(self, Self::SentDrift | Self::ReceivedDrift | Self::Pattern)
    }

    /// A score below which nothing is an alarm, whatever the tail says: a quarter of a deviation above the record, a week of one
    /// and a half deviations, hours that are a third of a deviation high on the mean.
    pub(crate) fn least(self) -> f64 {
        match self {
            Self::SentDrift | Self::ReceivedDrift => 7.5,
            Self::Pattern => 1.5,
            _ => 0.25,
        }
    }

    /// Its share of the budget. Slow leaks show in what is sent.
    pub(crate) fn share(self) -> f64 {
        match self {
            Self::SentHour | Self::ReceivedHour | Self::SentDrift => 0.2,
            Self::SentDay | Self::ReceivedDay | Self::ReceivedDrift | Self::Pattern => 0.1,
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
/// Largest deviation that heights are measured in, octaves: where days are either nothing or much, the distance between the two
/// says nothing about what lies above both.
const WIDEST: f64 = 1.0;
/// Days of evidence over which the floor may be reached.
pub(crate) const WEEK: u64 = 7;
/// A standard deviation in median distances of a normal distribution.
const WIDTH: f64 = 1.48;
/// Smallest deviation that heights are measured in, octaves: below, arithmetic noise would count.
const NARROWEST: f64 = 0.5;

/// What is typical for the devices of a model: hours and days, sent and received.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Typical {
    hours: [Usual; 2],
    days: [Usual; 2],
}

/// Where devices of a model usually lie, how much that varies, and how far above their records are. In octaves.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Usual {
    centre: Norm,
    spread: Norm,
    reach: Norm,
}

/// How much a device's own word counts, in days: against one of the model's about the centre, about the spread.
struct Trust {
    centre: f64,
    spread: f64,
    otherwise: f64,
}

const HOURS: Trust = Trust { centre: 0.5, spread: 4.0, otherwise: 1.0 };
const DAYS: Trust = Trust { centre: 1.0, spread: 7.0, otherwise: 0.5 };

impl Typical {
    /// Learns from a device that knows itself.
    pub(crate) fn learn(&mut self, measure: &Measure) {
        if measure.days < GROWN {
            return;
        }
        let usual = if measure.kind == Kind::Day { &mut self.days } else { &mut self.hours };
        usual.iter_mut().zip(&measure.lanes).for_each(|(usual, known)| usual.learn(*known));
    }

    /// The heights of a measure; `floor` is how many bytes above the usual matter.
    pub(crate) fn scores(&self, measure: &Measure, floor: u64) -> [Option<(Basis, Score)>; 5] {
        let [sent, received] = measure.lanes;
        let days = f64::from(measure.busy_days);
        if measure.kind != Kind::Day {
            let [of_sent, of_received] = &self.hours;
            let sent = of_sent.score(measure.sent, sent, days, &HOURS, floor);
            let received = of_received.score(measure.received, received, days, &HOURS, floor);
            return [Some((Basis::SentHour, sent)), Some((Basis::ReceivedHour, received)), None, None, None];
        }
        let [of_sent, of_received] = &self.days;
        let sent = of_sent.score(measure.sent, sent, days, &DAYS, floor);
        let received = of_received.score(measure.received, received, days, &DAYS, floor);
        [
            Some((Basis::SentDay, sent)),
            Some((Basis::ReceivedDay, received)),
            Some((Basis::SentDrift, risen(measure.drifts[0], floor))),
            Some((Basis::ReceivedDrift, risen(measure.drifts[1], floor))),
            Some((Basis::Pattern, risen(measure.pattern, floor))),
        ]
    }
}

impl Usual {
    fn learn(&mut self, known: Known) {
        let centre = octaves(known.centre);
        self.centre.add(centre);
        self.spread.add(octaves(known.spread));
        self.reach.add((octaves(known.record) - centre).max(0.0));
    }

    fn score(&self, bytes: u64, known: Known, days: f64, trust: &Trust, floor: u64) -> Score {
        let own = octaves(known.centre);
        let centre = blend(own, days, self.centre.mean_or(own), trust.centre);
        let reach = centre + self.reach.high();
        let record = blend(octaves(known.record), days, reach, RECORD_DAYS).max(reach).max(octaves(known.record));
        let spread = blend(octaves(known.spread), days, self.spread.mean_or(trust.otherwise), trust.spread) * WIDTH;
        let spread = spread.clamp(NARROWEST, WIDEST);
        let doubt = self.centre.deviation() / (1.0 + days);
        let above = octaves(crate::octaves::from_bytes(bytes)) - record;
        let more = bytes.saturating_sub(crate::octaves::to_bytes(f64::from(known.centre)));
        height(above, libm::sqrt(spread * spread + doubt * doubt), more >= floor)
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

fn blend(own: f64, weight: f64, others: f64, others_weight: f64) -> f64 {
    (own * weight + others * others_weight) / (weight + others_weight)
}

fn octaves(units: u16) -> f64 {
    f64::from(units) / f64::from(OCTAVE)
}
