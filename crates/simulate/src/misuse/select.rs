//! Which devices a scenario befalls: disjoint, drawn from each class by the seed alone.

use super::document::{OverlayError, Scenario, Select};
use super::draw::Drawn;
use crate::calendar::{DAY, HOUR, SLOT};
use crate::random::{Layer, Random};

/// One device and what befalls it.
#[derive(Debug, Clone)]
pub(crate) struct Cast {
    pub(crate) unit: u32,
    /// Index into the scenarios.
    pub(crate) scenario: usize,
    pub(crate) drawn: Drawn,
}

/// The test's time, seconds since 1970, and the local offset at its beginning.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stage {
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) offset: i64,
}

/// Draws devices and times. `classes`: the units of each class that live through the whole test; `otherwise`: how many
/// of each class a scenario befalls that does not say.
pub(crate) fn cast(
    seed: u64,
    scenarios: &[Scenario],
    classes: &[Vec<u32>],
    otherwise: u32,
    stage: Stage,
) -> Result<Vec<Cast>, OverlayError> {
    let mut casts = Vec::new();
    for (class, units) in classes.iter().enumerate().filter(|(_, units)| !units.is_empty()) {
        let mut left = shuffled(units, &mut Random::of(seed, Layer::Misuse, 1 << 40 | class as u64));
        for (index, scenario) in scenarios.iter().enumerate().filter(|(_, s)| s.select.wants(class)) {
            let count = scenario.select.count_of(units.len(), otherwise);
            if count > left.len() {
                let message = format!(
                    "{}: {count} devices of class {} wanted, {} left of {}; simulate more devices or misuse fewer",
                    scenario.scenario,
                    crate::CLASSES[class].name,
                    left.len(),
                    units.len()
                );
                return Err(OverlayError { line: 0, column: 0, message });
            }
            let common = Random::of(seed, Layer::Misuse, 2 << 40 | index as u64);
            for unit in left.drain(..count) {
                let mut random = Random::of(seed, Layer::Misuse, (index as u64 + 1) << 32 | u64::from(unit));
                let from = start(scenario, stage, &common, &mut random);
                casts.push(Cast { unit, scenario: index, drawn: Drawn::of(scenario, from, stage.until, &mut random) });
            }
        }
    }
    Ok(casts)
}

/// When it begins for one device. Days and hours are of the local calendar at the beginning of the test.
fn start(scenario: &Scenario, stage: Stage, common: &Random, random: &mut Random) -> i64 {
    let start = &scenario.start;
    let days = (stage.until - stage.from) / DAY;
    let (first, last) = match start.day {
        Some(day) => (day.least, day.most),
        #[expect(clippy::cast_precision_loss, reason = "days")]
        None => (0.0, (days - 5).max(0) as f64),
    };
    let draw = |random: &mut Random| {
        let day = random.between(first.floor(), last.floor() + 1.0).floor() as i64;
        let hour = random.between(start.hour.least, start.hour.most);
        let midnight = (stage.from + stage.offset).div_euclid(DAY) * DAY - stage.offset;
        midnight + day * DAY + (hour * HOUR as f64) as i64
    };
    let from = match start.together {
        Some(within) => draw(&mut common.clone()) + random.between(0.0, within.0) as i64,
        None => draw(random),
    };
    // Devices do everything in slots, so misuse begins with one: nothing of it can be seen before it begins.
    from.clamp(stage.from, (stage.until - HOUR).max(stage.from)).div_euclid(SLOT) * SLOT
}

fn shuffled(units: &[u32], random: &mut Random) -> std::collections::VecDeque<u32> {
    let mut units = units.to_vec();
    for at in (1..units.len()).rev() {
        units.swap(at, random.below(at as u64 + 1) as usize);
    }
    units.into()
}

impl Select {
    /// Whether devices of this class may be among them.
    pub(crate) fn wants(&self, class: usize) -> bool {
        let known = &crate::CLASSES[class];
        self.classes.is_empty() || self.classes.iter().any(|name| **name == *known.name || **name == *known.prefix)
    }

    fn count_of(&self, all: usize, otherwise: u32) -> usize {
        match (self.count, self.share) {
            (Some(count), _) => count as usize,
            #[expect(clippy::cast_precision_loss, reason = "devices of a class are far below 2^52")]
            (None, Some(share)) => (all as f64 * share.0).round() as usize,
            (None, None) => otherwise as usize,
        }
    }
}
