//! Windows over event time that cost an idle device nothing.
//!
//! A window of length `over` keeps 13 buckets of `over / 12`. What it reports covers the last `over` and at most one
//! bucket (8 %) more: it can over-report, never under-report ("at least").
//!
//! # Invariants
//!
//! * **Deterministic**: state follows from the added events alone; no clock.
//! * **Order inside the window does not matter**: adding the same events in any order gives the same values, as long
//!   as each is no older than `over` before the newest (older ones are outside every window that can still be asked for).
//! * **Idle is small**: nothing in the window is [`WindowState::Empty`], one busy bucket needs no allocation.

mod sketch;

use std::time::Duration;

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

pub use sketch::Sketch;

/// Buckets per window: twelve cover it, the thirteenth is the one being filled.
pub const BUCKETS: usize = 13;
/// Up to this many distinct values are counted exactly; beyond, approximately (see [`Sketch`]).
pub const DISTINCT_LIMIT: usize = 64;
/// For so long after the first value of all nothing counts as new.
pub const LEARNING: Duration = Duration::from_hours(24);
/// The shortest window.
pub const MIN_OVER: Duration = Duration::from_mins(1);
/// The longest window.
pub const MAX_OVER: Duration = Duration::from_hours(31 * 24);

/// What a window computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Sum of a value.
    Sum,
    /// How many events.
    Count,
    /// How many different values, exact up to [`DISTINCT_LIMIT`].
    Distinct,
    /// The largest value.
    Max,
    /// Whether no event came for `over`; unknown before the first.
    Absent,
    /// The smallest value; unknown where there is none.
    Min,
    /// The newest value; unknown where there is none. Of two in one second the larger one.
    Last,
    /// Which values there ever were, up to [`DISTINCT_LIMIT`], each with the second in which it was first there.
    Known,
}

/// What and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSpec {
    /// What it computes.
    pub aggregate: Aggregate,
    /// Milliseconds, [`MIN_OVER`] to [`MAX_OVER`]; 0 for what is not [`Span::Sliding`].
    over_ms: i64,
    span: Span,
}

/// Over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// The time before now.
    Sliding,
    /// Everything, ever.
    Life,
    /// The billing cycle that now lies in; it begins on this day (1 to 28) of a month, UTC.
    Cycle(u8),
}

impl WindowSpec {
    /// `None` where `over` is outside [`MIN_OVER`]..=[`MAX_OVER`].
    pub fn new(aggregate: Aggregate, over: Duration) -> Option<Self> {
        let over_ms = i64::try_from(over.as_millis()).ok()?;
        let fits = (MIN_OVER..=MAX_OVER).contains(&over) && aggregate != Aggregate::Known;
        fits.then_some(Self { aggregate, over_ms, span: Span::Sliding })
    }

    /// Over everything, ever, exactly. `None` for what needs an end.
    pub fn life(aggregate: Aggregate) -> Option<Self> {
        let fits = !matches!(aggregate, Aggregate::Absent | Aggregate::Last);
        fits.then_some(Self { aggregate, over_ms: 0, span: Span::Life })
    }

    /// Over the billing cycle that begins on `day` of a month, exactly; a record of an earlier cycle that comes late is
    /// left out. `None` for a day after the 28th, which not every month has, and for what is never over.
    pub fn cycle(aggregate: Aggregate, day: u8) -> Option<Self> {
        let fits = !matches!(aggregate, Aggregate::Absent | Aggregate::Last | Aggregate::Known);
        (fits && (1..=28).contains(&day)).then_some(Self { aggregate, over_ms: 0, span: Span::Cycle(day) })
    }

    /// Over what.
    pub fn span(self) -> Span {
        self.span
    }

    /// Its length.
    pub fn over(self) -> Duration {
        Duration::from_millis(self.over_ms.unsigned_abs())
    }

    /// Rounded up, so that twelve buckets always cover the window.
    fn bucket_ms(self) -> i64 {
        (self.over_ms + 11) / 12
    }

    /// Which bucket holds this time. 32 bits last until the year 2600 with the smallest buckets.
    fn bucket(self, time: Timestamp) -> u32 {
        match (self.aggregate, self.span) {
            (Aggregate::Last | Aggregate::Known, _) => seconds(time),
            (_, Span::Sliding) => u32::try_from(time.0.div_euclid(self.bucket_ms()).max(0)).unwrap_or(u32::MAX),
            (_, Span::Life) => 0,
            (_, Span::Cycle(day)) => crate::calendar::cycle(time, day),
        }
    }

    /// Whether the window that ends in bucket `newest` covers `bucket`.
    fn covers(self, newest: u32, bucket: u32) -> bool {
        match (self.aggregate, self.span) {
            (_, Span::Life) => true,
            (Aggregate::Last, _) => i64::from(newest.saturating_sub(bucket)) * 1000 < self.over_ms,
            (_, Span::Sliding) => covers(newest, bucket),
            (_, Span::Cycle(_)) => bucket >= newest,
        }
    }
}

/// What one window knows of one subject: 16 bytes, plus a heap block while it is busy.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum WindowState {
    /// Nothing in the window.
    #[default]
    Empty,
    /// One busy bucket.
    One {
        /// Which bucket.
        bucket: u32,
        /// Its sum, count or maximum; for distinct the one value.
        value: u64,
    },
    /// Several busy buckets.
    Ring(Box<Ring<u32>>),
    /// ... of which one holds more than 32 bits.
    Wide(Box<Ring<u64>>),
    /// Several distinct values, each with the newest bucket that had it.
    Set(Box<Vec<(u64, u32)>>),
    /// When the last event was (absent).
    Last(Timestamp),
    /// More distinct values than [`DISTINCT_LIMIT`].
    Sketch(Box<Sketch>),
}

/// Thirteen buckets; bucket `n` is at `n % 13`. Narrow ones are half the size, and nearly all of millions are narrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring<T> {
    newest: u32,
    values: [T; BUCKETS],
}

impl WindowState {
    /// Adds one event. `value` is the amount for sum and max, the value's 64-bit identity for distinct, and ignored
    /// for count and absent. Events older than the window's reach from its newest are dropped.
    pub fn add(&mut self, spec: WindowSpec, time: Timestamp, value: u64) {
        if matches!(spec.span, Span::Cycle(_)) && !self.turn(spec.bucket(time)) {
            return;
        }
        match spec.aggregate {
            Aggregate::Min => self.add_to_ring(spec.bucket(time), inverted(value), u64::max),
            Aggregate::Last => self.add_newest(spec.bucket(time), value),
            Aggregate::Known => self.add_known(spec.bucket(time), value),
            Aggregate::Absent => self.add_last(time),
            Aggregate::Distinct => self.add_distinct(spec.bucket(time), value),
            Aggregate::Count => self.add_to_ring(spec.bucket(time), 1, u64::saturating_add),
            Aggregate::Sum => self.add_to_ring(spec.bucket(time), value, u64::saturating_add),
            Aggregate::Max => self.add_to_ring(spec.bucket(time), value, u64::max),
        }
    }

    /// The value of the window that ends at `now`; for absent 1 or 0. `None`: unknown (absent, never seen; the smallest or
    /// newest of none).
    pub fn value(&self, spec: WindowSpec, now: Timestamp) -> Option<u64> {
        let newest = spec.bucket(now);
        match (spec.aggregate, self) {
            (Aggregate::Min, _) => return self.amount(spec, newest).filter(|held| *held > 0).map(inverted),
            (Aggregate::Last, Self::One { bucket, value }) => return spec.covers(newest, *bucket).then_some(*value),
            (Aggregate::Last, _) => return None,
            (Aggregate::Absent, Self::Last(last)) => {
                return Some(u64::from(now.0.saturating_sub(last.0) >= spec.over_ms));
            }
            _ => {}
        }
        self.amount(spec, newest)
    }

    /// As it is kept: of the smallest value its inverse.
    fn amount(&self, spec: WindowSpec, newest: u32) -> Option<u64> {
        match self {
            Self::Empty => (spec.aggregate != Aggregate::Absent).then_some(0),
            Self::Last(_) => None,
            Self::Sketch(sketch) => Some(sketch.count(spec, newest)),
            Self::One { bucket, value } => Some(match (spec.covers(newest, *bucket), spec.aggregate) {
                (false, _) => 0,
                (true, Aggregate::Distinct | Aggregate::Known) => 1,
                (true, _) => *value,
            }),
            Self::Ring(ring) => Some(ring.value(newest, spec.aggregate)),
            Self::Wide(ring) => Some(ring.value(newest, spec.aggregate)),
            Self::Set(set) => Some(set.iter().filter(|(_, bucket)| spec.covers(newest, *bucket)).count() as u64),
        }
    }

    /// Forgets what no window that ends at `now` or later can contain; [`WindowState::Empty`] where that is all.
    pub fn expire(&mut self, spec: WindowSpec, now: Timestamp) {
        if spec.span == Span::Life {
            return;
        }
        let newest = spec.bucket(now);
        if spec.span != Span::Sliding || spec.aggregate == Aggregate::Last {
            self.expire_exactly(spec, newest);
            return;
        }
        let gone = match self {
            Self::Empty => return,
            Self::Last(_) => false,
            Self::One { bucket, .. } => newest.saturating_sub(*bucket) >= BUCKETS as u32,
            Self::Ring(ring) => newest.saturating_sub(ring.newest) >= BUCKETS as u32,
            Self::Wide(ring) => newest.saturating_sub(ring.newest) >= BUCKETS as u32,
            Self::Sketch(sketch) => sketch.is_over(newest),
            Self::Set(set) => {
                set.retain(|(_, bucket)| newest.saturating_sub(*bucket) < BUCKETS as u32);
                set.is_empty()
            }
        };
        if gone {
            *self = Self::Empty;
        }
    }

    /// Whether the bucket that lies across the window's begin holds something, so that the value may be too large.
    pub(crate) fn is_blurred(&self, spec: WindowSpec, now: Timestamp) -> bool {
        if spec.span != Span::Sliding || spec.aggregate == Aggregate::Last {
            return false;
        }
        let newest = spec.bucket(now);
        let across = spec.bucket(Timestamp(now.0.saturating_sub(spec.over_ms)));
        let outside = |bucket: u32| bucket <= across && covers(newest, bucket);
        match self {
            // Of so many, one bucket more or less does not matter, and the past would be long.
            Self::Empty | Self::Last(_) | Self::Sketch(_) => false,
            Self::One { bucket, .. } => outside(*bucket),
            Self::Ring(ring) => ring.buckets().any(|(bucket, value)| outside(bucket) && value != 0),
            Self::Wide(ring) => ring.buckets().any(|(bucket, value)| outside(bucket) && value != 0),
            Self::Set(set) => set.iter().any(|(_, bucket)| outside(*bucket)),
        }
    }

    /// Holds exactly these events from now on, all of which lie in the window that ends at `now`: what was measured.
    pub(crate) fn become_exactly(&mut self, spec: WindowSpec, now: Timestamp, events: &[(Timestamp, u64)]) {
        let bucket = spec.bucket(now);
        let values = || events.iter().map(|(_, value)| *value);
        let value = match spec.aggregate {
            Aggregate::Distinct => {
                let distinct: std::collections::BTreeSet<u64> = values().collect();
                *self = Self::Set(Box::new(distinct.into_iter().map(|value| (value, bucket)).collect()));
                return;
            }
            Aggregate::Absent | Aggregate::Last | Aggregate::Known => return,
            Aggregate::Min => values().map(inverted).max().unwrap_or(0),
            Aggregate::Sum => values().fold(0, u64::saturating_add),
            Aggregate::Count => events.len() as u64,
            Aggregate::Max => values().max().unwrap_or(0),
        };
        *self = Self::One { bucket, value };
    }

    /// The different values that it counts, as far as it knows them one by one.
    pub(crate) fn values(&self) -> Vec<u64> {
        match self {
            Self::One { value, .. } => vec![*value],
            Self::Set(set) => set.iter().map(|(value, _)| *value).collect(),
            Self::Empty | Self::Ring(_) | Self::Wide(_) | Self::Last(_) | Self::Sketch(_) => Vec::new(),
        }
    }

    /// Touches what it keeps on the heap, so that a batch waits for memory once and not record by record.
    pub(crate) fn touch(&self) -> u64 {
        match self {
            Self::Empty | Self::One { .. } | Self::Last(_) => 0,
            Self::Ring(ring) => u64::from(ring.newest),
            Self::Wide(ring) => u64::from(ring.newest),
            Self::Set(set) => set.first().map_or(0, |(value, _)| *value),
            Self::Sketch(sketch) => u64::from(sketch.newest()),
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether it is a value that the device has never shown before this moment. `None`: nobody can tell yet, because the
    /// first value of all is not [`LEARNING`] old, or no more, because there were too many.
    pub(crate) fn is_new(&self, value: u64, at: Timestamp) -> Option<bool> {
        let now = seconds(at);
        let (first_of_all, first) = match self {
            Self::One { bucket, value: held } => (*bucket, (*held == value).then_some(*bucket)),
            Self::Set(set) => {
                let all = set.iter().map(|(_, first)| *first).min()?;
                (all, set.iter().find(|(held, _)| *held == value).map(|(_, first)| *first))
            }
            Self::Empty | Self::Ring(_) | Self::Wide(_) | Self::Last(_) | Self::Sketch(_) => return None,
        };
        if u64::from(now.saturating_sub(first_of_all)) < LEARNING.as_secs() {
            return None;
        }
        first.map(|first| first >= now)
    }

    /// Begins anew where a later cycle begins. `false`: the event belongs to a cycle that is over.
    fn turn(&mut self, bucket: u32) -> bool {
        let held = match self {
            Self::One { bucket, .. } => *bucket,
            Self::Set(set) => set.iter().map(|(_, bucket)| *bucket).max().unwrap_or(0),
            Self::Sketch(sketch) => sketch.newest(),
            Self::Empty | Self::Ring(_) | Self::Wide(_) | Self::Last(_) => return true,
        };
        if bucket > held {
            *self = Self::Empty;
        }
        bucket >= held
    }

    fn expire_exactly(&mut self, spec: WindowSpec, newest: u32) {
        let over = match self {
            Self::One { bucket, .. } => !spec.covers(newest, *bucket),
            Self::Set(set) => !set.iter().any(|(_, bucket)| spec.covers(newest, *bucket)),
            Self::Sketch(sketch) => !spec.covers(newest, sketch.newest()),
            Self::Empty | Self::Ring(_) | Self::Wide(_) | Self::Last(_) => false,
        };
        if over {
            *self = Self::Empty;
        }
    }

    fn add_newest(&mut self, second: u32, value: u64) {
        match self {
            Self::One { bucket, value: held } if (*bucket, *held) >= (second, value) => {}
            _ => *self = Self::One { bucket: second, value },
        }
    }

    fn add_known(&mut self, second: u32, value: u64) {
        match self {
            Self::One { bucket, value: held } if *held == value => *bucket = second.min(*bucket),
            Self::One { bucket, value: held } => {
                *self = Self::Set(Box::new(vec![(*held, *bucket), (value, second)]));
            }
            Self::Set(set) => {
                if let Some((_, first)) = set.iter_mut().find(|(held, _)| *held == value) {
                    *first = second.min(*first);
                } else if set.len() < DISTINCT_LIMIT {
                    set.push((value, second));
                }
            }
            Self::Empty | Self::Ring(_) | Self::Wide(_) | Self::Last(_) | Self::Sketch(_) => {
                *self = Self::One { bucket: second, value }
            }
        }
    }

    fn add_last(&mut self, time: Timestamp) {
        let last = if let Self::Last(last) = self { (*last).max(time) } else { time };
        *self = Self::Last(last);
    }

    fn add_to_ring(&mut self, bucket: u32, value: u64, join: fn(u64, u64) -> u64) {
        match self {
            Self::One { bucket: held, value: sum } if *held == bucket => *sum = join(*sum, value),
            Self::One { bucket: held, value: sum } => {
                let mut ring = Ring::<u64>::of(*held, *sum);
                ring.add(bucket, value, join);
                *self = ring.compact();
            }
            Self::Ring(ring) => {
                if !ring.add(bucket, value, join) {
                    let mut wide = ring.widen();
                    wide.add(bucket, value, join);
                    *self = Self::Wide(Box::new(wide));
                }
            }
            Self::Wide(ring) => {
                ring.add(bucket, value, join);
            }
            Self::Empty | Self::Set(_) | Self::Last(_) | Self::Sketch(_) => *self = Self::One { bucket, value },
        }
    }

    fn add_distinct(&mut self, bucket: u32, value: u64) {
        match self {
            Self::One { bucket: held, value: known } if *known == value => *held = bucket.max(*held),
            Self::One { bucket: held, value: known } => {
                *self = Self::Set(Box::new(vec![(*known, *held), (value, bucket)]));
            }
            Self::Set(set) => {
                if !add_to_set(set, value, bucket) {
                    let mut sketch = Sketch::of(set);
                    sketch.add(bucket, value);
                    *self = Self::Sketch(Box::new(sketch));
                }
            }
            Self::Sketch(sketch) => sketch.add(bucket, value),
            Self::Empty | Self::Ring(_) | Self::Wide(_) | Self::Last(_) => *self = Self::One { bucket, value },
        }
    }
}

impl<T: Copy + Default + Into<u64> + TryFrom<u64>> Ring<T> {
    /// Joins a value to its bucket. `false`: the bucket cannot hold it, and nothing was changed but the newest bucket.
    fn add(&mut self, bucket: u32, value: u64, join: fn(u64, u64) -> u64) -> bool {
        if bucket > self.newest {
            let steps = (bucket - self.newest).min(BUCKETS as u32);
            for step in 0..steps {
                self.values[slot(bucket - step)] = T::default();
            }
            self.newest = bucket;
        } else if self.newest - bucket >= BUCKETS as u32 {
            return true;
        }
        let held = &mut self.values[slot(bucket)];
        let joined = T::try_from(join((*held).into(), value));
        joined.is_ok_and(|joined| {
            *held = joined;
            true
        })
    }

    fn value(&self, newest: u32, aggregate: Aggregate) -> u64 {
        let largest = matches!(aggregate, Aggregate::Max | Aggregate::Min);
        if newest <= self.newest && !largest {
            // The usual case: all of it.
            return self.values.iter().fold(0, |sum: u64, value| sum.saturating_add((*value).into()));
        }
        let values = self.buckets().filter(|(bucket, _)| covers(newest, *bucket)).map(|(_, value)| value);
        if largest { values.max().unwrap_or(0) } else { values.fold(0, u64::saturating_add) }
    }

    /// Each bucket with its value, the newest first.
    fn buckets(&self) -> impl Iterator<Item = (u32, u64)> {
        let buckets = (0..BUCKETS as u32).filter_map(|back| self.newest.checked_sub(back));
        buckets.map(|bucket| (bucket, self.values[slot(bucket)].into()))
    }

    fn widen(&self) -> Ring<u64> {
        Ring { newest: self.newest, values: self.values.map(Into::into) }
    }
}

impl Ring<u64> {
    fn of(bucket: u32, value: u64) -> Self {
        let mut values = [0; BUCKETS];
        values[slot(bucket)] = value;
        Self { newest: bucket, values }
    }

    /// As small as it can be: a ring whose other buckets fell out needs no heap block.
    fn compact(self) -> WindowState {
        let busy = self.values.iter().filter(|value| **value != 0).count();
        let value = self.values[slot(self.newest)];
        if busy == 1 && value != 0 {
            return WindowState::One { bucket: self.newest, value };
        }
        if self.values.iter().any(|value| *value > u64::from(u32::MAX)) {
            return WindowState::Wide(Box::new(self));
        }
        let values = self.values.map(|value| value as u32);
        WindowState::Ring(Box::new(Ring { newest: self.newest, values }))
    }
}

/// The smallest value is the one with the largest inverse, so that a bucket with 0 in it is one with nothing in it.
fn inverted(value: u64) -> u64 {
    u64::MAX - value
}

fn seconds(time: Timestamp) -> u32 {
    u32::try_from(time.secs().max(0)).unwrap_or(u32::MAX)
}

fn slot(bucket: u32) -> usize {
    bucket as usize % BUCKETS
}

/// Whether a window that ends in bucket `newest` covers `bucket`. What is newer than `newest` counts too: a record that
/// comes late is judged with all that is known.
fn covers(newest: u32, bucket: u32) -> bool {
    newest.saturating_sub(bucket) < BUCKETS as u32
}

/// `false`: there is no room for it.
fn add_to_set(set: &mut Vec<(u64, u32)>, value: u64, bucket: u32) -> bool {
    if let Some(known) = set.iter_mut().find(|(known, _)| *known == value) {
        known.1 = known.1.max(bucket);
        return true;
    }
    let newest = set.iter().map(|(_, bucket)| *bucket).max().unwrap_or(bucket).max(bucket);
    set.retain(|(_, held)| covers(newest, *held));
    let has_room = set.len() < DISTINCT_LIMIT;
    if has_room {
        set.push((value, bucket));
    }
    has_room
}
