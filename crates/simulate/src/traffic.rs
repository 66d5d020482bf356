//! The device layer: what a device transfers in a quarter of an hour, by its own sources.

use crate::calendar::{self, DAY, HOUR, Local, SLOT};
use crate::class::{Class, MOST_SOURCES, Shape, Source};
use crate::load::Load;
use crate::random::Random;

/// What is kept of a device's sources.
#[derive(Debug, Clone)]
pub(crate) struct Traffic {
    /// Of all its volumes; the median device has 1.
    level: f64,
    /// Of all its counts.
    rate: f64,
    /// Its schedule is off by this, seconds.
    shift: i64,
    /// Of the day under way.
    today: (i64, f64),
    sources: [Running; MOST_SOURCES],
}

/// A source under way: when it reports next, or until when an activity lasts; and its period.
#[derive(Debug, Default, Clone, Copy)]
struct Running {
    at: i64,
    every: f64,
}

/// A slot's transfers.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Transfers {
    /// Octets only; packets follow from them and from `count`.
    pub(crate) own: Load,
    /// How many transfers.
    pub(crate) count: u32,
    /// Seconds into the slot when the first begins.
    pub(crate) first: i64,
    /// Seconds into the slot when the last is over.
    pub(crate) last: i64,
    pub(crate) moving: bool,
}

impl Traffic {
    pub(crate) fn new(class: &Class, start: i64, random: &mut Random) -> Self {
        let mut new = Self {
            level: random.log_normal(1.0, class.level_spread),
            rate: random.log_normal(1.0, 0.35),
            shift: (random.normal() * 2400.0) as i64,
            today: (i64::MIN, 1.0),
            sources: [Running::default(); MOST_SOURCES],
        };
        for (source, running) in class.sources.iter().zip(&mut new.sources) {
            *running = match source {
                Source::Report { every, .. } => {
                    let mut draw = random.unit();
                    let period = every.iter().find(|(_, share)| {
                        draw -= share;
                        draw < 0.0
                    });
                    let every = period.or(every.last()).map_or(DAY as f64, |(period, _)| *period);
                    Running { at: start + (random.unit() * every) as i64, every }
                }
                // The minute of its own, kept in `every` as seconds after midnight.
                Source::Daily { hour, within, .. } => {
                    Running { at: 0, every: hour * 3600.0 + random.unit() * within * 60.0 }
                }
                _ => Running::default(),
            };
        }
        new
    }

    /// What it transfers in the slot, by a clock on the wall that is `offset` ahead of UTC.
    pub(crate) fn slot(
        &mut self,
        class: &Class,
        slot: i64,
        offset: i64,
        billing: bool,
        random: &mut Random,
    ) -> Transfers {
        let local = calendar::local(slot + self.shift, offset);
        if self.today.0 != local.day {
            self.today = (local.day, random.log_normal(1.0, class.day_spread));
        }
        let mut done = Transfers { first: SLOT, ..Transfers::default() };
        for (source, running) in class.sources.iter().zip(&mut self.sources) {
            running.slot(source, slot, local, (self.rate * self.today.1, billing), &mut done, random);
        }
        let level = self.level;
        done.own.up *= level;
        done.own.down *= level;
        done
    }
}

impl Running {
    fn slot(
        &mut self,
        source: &Source,
        slot: i64,
        local: Local,
        (rate, billing): (f64, bool),
        done: &mut Transfers,
        random: &mut Random,
    ) {
        match source {
            Source::Beat { every, up, down } => {
                let count = (SLOT as f64 / every).round().max(1.0) as u32;
                // A source slower than a slot beats in some slots only.
                if *every <= SLOT as f64 || random.chance(SLOT as f64 / every) {
                    done.add(count, (up.sum(count, random), down.sum(count, random)), (5, SLOT));
                }
            }
            Source::Report { jitter, up, down, .. } => {
                while self.at < slot + SLOT {
                    if self.at >= slot {
                        let seconds = (self.at - slot, self.at - slot + 20);
                        done.add(1, (up.sum(1, random), down.sum(1, random)), seconds);
                    }
                    self.at += (self.every + jitter * random.normal()).max(60.0) as i64;
                }
            }
            Source::Daily { up, down, on_the_first, .. } => {
                // By its own clock, which may be off.
                let due = self.every as i64 - local.second;
                if (0..SLOT).contains(&due) {
                    let more = if billing && calendar::is_first_of_month(local.day) { *on_the_first } else { 1.0 };
                    done.add(1, (up.sum(1, random) * more, down.sum(1, random) * more), (due, due + 30));
                }
            }
            Source::Events { per_hour, shape, up, down } => {
                let count = random.poisson(per_hour * busy(shape, local) * rate * SLOT as f64 / HOUR as f64);
                if count > 0 {
                    let first = random.below(SLOT as u64 / u64::from(count)).cast_signed();
                    let last = SLOT * i64::from(count) / i64::from(count + 1);
                    let seconds = (first, last.max(first + 20));
                    done.add(count, (up.sum(count, random), down.sum(count, random)), seconds);
                }
            }
            Source::Activity { per_hour, shape, minutes, up, down, moving } => {
                let mut first = 0;
                if self.at <= slot {
                    let begins = per_hour * busy(shape, local) * rate * SLOT as f64 / HOUR as f64;
                    if !random.chance(begins.min(0.9)) {
                        return;
                    }
                    first = random.below(SLOT as u64).cast_signed();
                    let lasts = random.log_normal(minutes.0, minutes.1).clamp(2.0, 900.0) * 60.0;
                    self.at = slot + first + lasts as i64;
                }
                let until = self.at.min(slot + SLOT);
                let count = ((until - slot - first) / 60).max(1) as u32;
                done.add(count, (up.sum(count, random), down.sum(count, random)), (first, until - slot));
                done.moving |= moving;
            }
        }
    }
}

impl Transfers {
    fn add(&mut self, count: u32, (up, down): (f64, f64), (first, last): (i64, i64)) {
        self.count += count;
        self.own.up += up;
        self.own.down += down;
        self.first = self.first.min(first);
        self.last = self.last.max(last);
    }
}

fn busy(shape: &Shape, local: Local) -> f64 {
    f64::from(shape.0[local.day_type][local.hour])
}
