//! Fleet events as one device lives through them: joining, leaving, updates, steps, an exchanged module.

use crate::calendar::{DAY, HOUR, SLOT};
use crate::nuisance::Nuisances;
use crate::random::Random;

/// When what happens to a device, seconds since 1970; `i64::MAX`: never.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) joins: i64,
    pub(crate) leaves: i64,
    /// From then on its volume is multiplied.
    pub(crate) step: (i64, f64),
    /// Its module is exchanged, and the inventory is told.
    pub(crate) service: i64,
    /// Downloads of updates.
    pub(crate) updates: [i64; 2],
    /// Volume grows by this a day, as a logarithm.
    pub(crate) growth: f64,
}

/// What all devices share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: i64,
    /// The first second of the test.
    pub(crate) test: i64,
    pub(crate) end: i64,
}

/// One firmware wave of a class: it begins, and lasts three days.
const WAVE: i64 = 3 * DAY;

impl Life {
    pub(crate) fn of(span: Span, class: usize, nuisances: Nuisances, random: &mut Random) -> Self {
        let months = (span.end - span.start) as f64 / (30.4 * DAY as f64);
        let mut sometime = |from: i64, share: f64| {
            let (happens, when) = (random.chance(share), random.below((span.end - from).max(1) as u64));
            if happens { from + when.cast_signed() } else { i64::MAX }
        };
        // All draws are made whether their layer is on or not, so that one layer does not shift another's chance.
        let joins = sometime(span.start + 7 * DAY, 0.06);
        let leaves = sometime(span.start + 21 * DAY, 0.004 * months);
        let step = sometime(span.start + 7 * DAY, 0.003 * months);
        let service = sometime(span.start + 7 * DAY, 0.003 * months);
        let factor = if random.chance(0.5) { random.octave(1.3, 3.0) } else { random.octave(0.2, 0.7) };
        let growth = (0.015 + 0.02 * random.normal()) / 30.4;
        let updates = waves(span, class).map(|wave| {
            let (in_it, at) = (random.chance(0.5), wave + random.below(WAVE as u64).cast_signed());
            if in_it && nuisances.firmware { at } else { i64::MAX }
        });
        let unless = |off: bool, value: i64, other: i64| if off { other } else { value };
        Self {
            joins: if joins == i64::MAX || !nuisances.growth { span.start } else { joins / SLOT * SLOT },
            leaves: unless(!nuisances.growth, leaves, i64::MAX),
            step: (unless(!nuisances.steps, step, i64::MAX), factor),
            service: unless(!nuisances.service, service, i64::MAX),
            updates,
            growth: if nuisances.growth { growth } else { 0.0 },
        }
    }

    /// How much more than at first it transfers by then, legitimately.
    pub(crate) fn level(&self, now: i64) -> f64 {
        let days = (now - self.joins).max(0) as f64 / DAY as f64;
        let step = if now >= self.step.0 { self.step.1 } else { 1.0 };
        (self.growth * days).exp() * step
    }
}

/// One wave in the middle of the training, one in the test; each class has its own days. Working days are not spared.
fn waves(span: Span, class: usize) -> [i64; 2] {
    let class = (class as u64).cast_signed();
    let training = span.start + (span.test - span.start) / 2 + class * 30 * HOUR;
    let room = (span.end - span.test - WAVE).max(DAY);
    let test = span.test + (class * 53 * HOUR + 4 * DAY) % room;
    [if span.test - span.start < 10 * DAY { i64::MAX - WAVE } else { training }, test]
}
