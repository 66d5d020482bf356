//! The buckets of a sliding window.

use serde::{Deserialize, Serialize};

use super::{Aggregate, WindowState};

/// Buckets per window: twelve cover it, the thirteenth is the one being filled.
pub const BUCKETS: usize = 13;

/// Thirteen buckets; bucket `n` is at `n % 13`. Narrow ones are half the size, and nearly all of millions are narrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring<T> {
    pub(super) newest: u32,
    values: [T; BUCKETS],
}

impl<T: Copy + Default + Into<u64> + TryFrom<u64>> Ring<T> {
    /// Joins a value to its bucket. `false`: the bucket cannot hold it, and nothing was changed but the newest bucket.
    pub(super) fn add(&mut self, bucket: u32, value: u64, join: fn(u64, u64) -> u64) -> bool {
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

    pub(super) fn value(&self, newest: u32, aggregate: Aggregate) -> u64 {
        let largest = matches!(aggregate, Aggregate::Max | Aggregate::Min);
        if newest <= self.newest && !largest {
            // The usual case: all of it.
            return self.values.iter().fold(0, |sum: u64, value| sum.saturating_add((*value).into()));
        }
        let values = self.buckets().filter(|(bucket, _)| covers(newest, *bucket)).map(|(_, value)| value);
        if largest { values.max().unwrap_or(0) } else { values.fold(0, u64::saturating_add) }
    }

    /// Each bucket with its value, the newest first.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (u32, u64)> {
        let buckets = (0..BUCKETS as u32).filter_map(|back| self.newest.checked_sub(back));
        buckets.map(|bucket| (bucket, self.values[slot(bucket)].into()))
    }

    /// The same without those that hold nothing.
    pub(crate) fn busy(&self) -> Vec<(u32, u64)> {
        self.buckets().filter(|(_, value)| *value != 0).collect()
    }

    pub(super) fn widen(&self) -> Ring<u64> {
        Ring { newest: self.newest, values: self.values.map(Into::into) }
    }
}

impl Ring<u64> {
    pub(super) fn of(bucket: u32, value: u64) -> Self {
        let mut values = [0; BUCKETS];
        values[slot(bucket)] = value;
        Self { newest: bucket, values }
    }

    /// With these buckets, none of them newer than `newest` or thirteen or more older.
    pub(crate) fn of_buckets(newest: u32, buckets: &[(u32, u64)]) -> Self {
        let mut values = [0; BUCKETS];
        for (bucket, value) in buckets {
            values[slot(*bucket)] = *value;
        }
        Self { newest, values }
    }

    /// As small as it can be: a ring whose other buckets fell out needs no heap block.
    pub(crate) fn compact(self) -> WindowState {
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

pub(super) fn slot(bucket: u32) -> usize {
    bucket as usize % BUCKETS
}

/// Whether a window that ends in bucket `newest` covers `bucket`. What is newer than `newest` counts too: a record that
/// comes late is judged with all that is known.
pub(super) fn covers(newest: u32, bucket: u32) -> bool {
    newest.saturating_sub(bucket) < BUCKETS as u32
}
