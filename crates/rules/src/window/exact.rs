//! Where "at least" is not enough: whether a value may be too large, and what was measured instead.

use fleetward_fleet::Timestamp;

use super::ring::covers;
use super::{Aggregate, Span, WindowSpec, WindowState, inverted};

impl WindowState {
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
}
