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

mod exact;
mod known;
mod ring;
mod sketch;
mod spec;

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

pub use known::LEARNING;
pub(crate) use known::is_new_among;
pub use ring::{BUCKETS, Ring};
pub use sketch::Sketch;
pub use spec::{Aggregate, MAX_OVER, MIN_OVER, Span, WindowSpec};

use ring::covers;

/// Up to this many distinct values are counted exactly; beyond, approximately (see [`Sketch`]).
pub const DISTINCT_LIMIT: usize = 64;

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

    /// The different values that it counts, as far as it knows them one by one.
    pub(crate) fn values(&self) -> Vec<u64> {
        match self {
            Self::One { value, .. } => vec![*value],
            Self::Set(set) => set.iter().map(|(value, _)| *value).collect(),
            Self::Empty | Self::Ring(_) | Self::Wide(_) | Self::Last(_) | Self::Sketch(_) => Vec::new(),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap(&self) -> usize {
        match self {
            Self::Ring(ring) => size_of_val(&**ring),
            Self::Wide(ring) => size_of_val(&**ring),
            Self::Set(set) => size_of::<Vec<(u64, u32)>>() + set.capacity() * size_of::<(u64, u32)>(),
            Self::Sketch(sketch) => sketch.bytes(),
            Self::Empty | Self::One { .. } | Self::Last(_) => 0,
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
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

/// The smallest value is the one with the largest inverse, so that a bucket with 0 in it is one with nothing in it.
pub(crate) fn inverted(value: u64) -> u64 {
    u64::MAX - value
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
