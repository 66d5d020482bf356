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

use std::time::Duration;

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

/// Buckets per window: twelve cover it, the thirteenth is the one being filled.
pub const BUCKETS: usize = 13;
/// Up to this many distinct values are counted exactly; beyond, the window says this many ("at least").
pub const DISTINCT_LIMIT: usize = 64;
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
}

/// What and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSpec {
    /// What it computes.
    pub aggregate: Aggregate,
    /// Milliseconds, [`MIN_OVER`] to [`MAX_OVER`].
    over_ms: i64,
}

impl WindowSpec {
    /// `None` where `over` is outside [`MIN_OVER`]..=[`MAX_OVER`].
    pub fn new(aggregate: Aggregate, over: Duration) -> Option<Self> {
        let over_ms = i64::try_from(over.as_millis()).ok()?;
        (MIN_OVER..=MAX_OVER).contains(&over).then_some(Self { aggregate, over_ms })
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
        u32::try_from(time.0.div_euclid(self.bucket_ms()).max(0)).unwrap_or(u32::MAX)
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
    Ring(Box<Ring>),
    /// Several distinct values, each with the newest bucket that had it.
    Set(Box<Vec<(u64, u32)>>),
    /// When the last event was (absent).
    Last(Timestamp),
}

/// Thirteen buckets; bucket `n` is at `n % 13`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    newest: u32,
    values: [u64; BUCKETS],
}

impl WindowState {
    /// Adds one event. `value` is the amount for sum and max, the value's 64-bit identity for distinct, and ignored
    /// for count and absent. Events older than the window's reach from its newest are dropped.
    pub fn add(&mut self, spec: WindowSpec, time: Timestamp, value: u64) {
        match spec.aggregate {
            Aggregate::Absent => self.add_last(time),
            Aggregate::Distinct => self.add_distinct(spec.bucket(time), value),
            Aggregate::Count => self.add_to_ring(spec.bucket(time), 1, u64::saturating_add),
            Aggregate::Sum => self.add_to_ring(spec.bucket(time), value, u64::saturating_add),
            Aggregate::Max => self.add_to_ring(spec.bucket(time), value, u64::max),
        }
    }

    /// The value of the window that ends at `now`; for absent 1 or 0. `None`: unknown (absent, never seen).
    pub fn value(&self, spec: WindowSpec, now: Timestamp) -> Option<u64> {
        let newest = spec.bucket(now);
        match self {
            Self::Empty => (spec.aggregate != Aggregate::Absent).then_some(0),
            Self::Last(last) => Some(u64::from(now.0.saturating_sub(last.0) >= spec.over_ms)),
            Self::One { bucket, value } => Some(match (covers(newest, *bucket), spec.aggregate) {
                (false, _) => 0,
                (true, Aggregate::Distinct) => 1,
                (true, _) => *value,
            }),
            Self::Ring(ring) => Some(ring.value(newest, spec.aggregate)),
            Self::Set(set) => Some(set.iter().filter(|(_, bucket)| covers(newest, *bucket)).count() as u64),
        }
    }

    /// Forgets what no window that ends at `now` or later can contain; [`WindowState::Empty`] where that is all.
    pub fn expire(&mut self, spec: WindowSpec, now: Timestamp) {
        let newest = spec.bucket(now);
        let gone = match self {
            Self::Empty => return,
            Self::Last(_) => false,
            Self::One { bucket, .. } => newest.saturating_sub(*bucket) >= BUCKETS as u32,
            Self::Ring(ring) => newest.saturating_sub(ring.newest) >= BUCKETS as u32,
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
        let newest = spec.bucket(now);
        let across = spec.bucket(Timestamp(now.0.saturating_sub(spec.over_ms)));
        let outside = |bucket: u32| bucket <= across && covers(newest, bucket);
        match self {
            Self::Empty | Self::Last(_) => false,
            Self::One { bucket, .. } => outside(*bucket),
            Self::Ring(ring) => {
                let mut buckets = (0..BUCKETS as u32).filter_map(|back| ring.newest.checked_sub(back));
                buckets.any(|bucket| outside(bucket) && ring.values[slot(bucket)] != 0)
            }
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
            Aggregate::Absent => return,
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
            Self::Empty | Self::Ring(_) | Self::Last(_) => Vec::new(),
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    fn add_last(&mut self, time: Timestamp) {
        let last = if let Self::Last(last) = self { (*last).max(time) } else { time };
        *self = Self::Last(last);
    }

    fn add_to_ring(&mut self, bucket: u32, value: u64, join: fn(u64, u64) -> u64) {
        match self {
            Self::One { bucket: held, value: sum } if *held == bucket => *sum = join(*sum, value),
            Self::One { bucket: held, value: sum } => {
                let mut ring = Ring::of(*held, *sum);
                ring.add(bucket, value, join);
                *self = ring.compact();
            }
            Self::Ring(ring) => ring.add(bucket, value, join),
            Self::Empty | Self::Set(_) | Self::Last(_) => *self = Self::One { bucket, value },
        }
    }

    fn add_distinct(&mut self, bucket: u32, value: u64) {
        match self {
            Self::One { bucket: held, value: known } if *known == value => *held = bucket.max(*held),
            Self::One { bucket: held, value: known } => {
                *self = Self::Set(Box::new(vec![(*known, *held), (value, bucket)]));
            }
            Self::Set(set) => add_to_set(set, value, bucket),
            Self::Empty | Self::Ring(_) | Self::Last(_) => *self = Self::One { bucket, value },
        }
    }
}

impl Ring {
    fn of(bucket: u32, value: u64) -> Self {
        let mut values = [0; BUCKETS];
        values[slot(bucket)] = value;
        Self { newest: bucket, values }
    }

    fn add(&mut self, bucket: u32, value: u64, join: fn(u64, u64) -> u64) {
        if bucket > self.newest {
            let steps = (bucket - self.newest).min(BUCKETS as u32);
            for step in 0..steps {
                self.values[slot(bucket - step)] = 0;
            }
            self.newest = bucket;
        } else if self.newest - bucket >= BUCKETS as u32 {
            return;
        }
        let held = &mut self.values[slot(bucket)];
        *held = join(*held, value);
    }

    fn value(&self, newest: u32, aggregate: Aggregate) -> u64 {
        if newest <= self.newest && aggregate != Aggregate::Max {
            return self.values.iter().fold(0, |sum, value| sum.saturating_add(*value)); // the usual case: all of it
        }
        let buckets = (0..BUCKETS as u32).filter_map(|back| self.newest.checked_sub(back));
        let values = buckets.filter(|bucket| covers(newest, *bucket)).map(|bucket| self.values[slot(bucket)]);
        if aggregate == Aggregate::Max { values.max().unwrap_or(0) } else { values.fold(0, u64::saturating_add) }
    }

    /// A ring whose other buckets fell out needs no heap block.
    fn compact(self) -> WindowState {
        let busy = self.values.iter().filter(|value| **value != 0).count();
        let value = self.values[slot(self.newest)];
        if busy == 1 && value != 0 {
            return WindowState::One { bucket: self.newest, value };
        }
        WindowState::Ring(Box::new(self))
    }
}

fn slot(bucket: u32) -> usize {
    bucket as usize % BUCKETS
}

/// Whether a window that ends in bucket `newest` covers `bucket`. What is newer than `newest` counts too: a record that
/// comes late is judged with all that is known.
fn covers(newest: u32, bucket: u32) -> bool {
    newest.saturating_sub(bucket) < BUCKETS as u32
}

fn add_to_set(set: &mut Vec<(u64, u32)>, value: u64, bucket: u32) {
    if let Some(known) = set.iter_mut().find(|(known, _)| *known == value) {
        known.1 = known.1.max(bucket);
        return;
    }
    let newest = set.iter().map(|(_, bucket)| *bucket).max().unwrap_or(bucket).max(bucket);
    set.retain(|(_, held)| covers(newest, *held));
    if set.len() < DISTINCT_LIMIT {
        set.push((value, bucket));
    } else if let Some(oldest) = set.iter_mut().min_by_key(|(_, bucket)| *bucket)
        && oldest.1 < bucket
    {
        *oldest = (value, bucket); // the newest ones stay counted longest, so "at least" stays true as time goes on
    }
}
