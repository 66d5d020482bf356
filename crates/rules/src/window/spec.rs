//! What a window computes, and over what time.

use std::num::NonZeroU32;
use std::time::Duration;

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

use super::ring::covers;

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
    /// How many different values, exact up to [`super::DISTINCT_LIMIT`].
    Distinct,
    /// The largest value.
    Max,
    /// Whether no event came for `over`; unknown before the first.
    Absent,
    /// The smallest value; unknown where there is none.
    Min,
    /// The newest value; unknown where there is none. Of two in one second the larger one.
    Last,
    /// Which values there ever were, up to [`super::DISTINCT_LIMIT`], each with the second in which it was first there.
    Known,
}

/// What and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSpec {
    /// What it computes.
    pub aggregate: Aggregate,
    /// Milliseconds, [`MIN_OVER`] to [`MAX_OVER`]; 0 for what is not [`Span::Sliding`].
    pub(super) over_ms: i64,
    /// Of a bucket, rounded up, so that twelve of them always cover the window.
    bucket_ms: i64,
    pub(super) span: Span,
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
        fits.then_some(Self { aggregate, over_ms, bucket_ms: (over_ms + 11) / 12, span: Span::Sliding })
    }

    /// Over everything, ever, exactly. `None` for what needs an end.
    pub fn life(aggregate: Aggregate) -> Option<Self> {
        let fits = !matches!(aggregate, Aggregate::Absent | Aggregate::Last);
        fits.then_some(Self { aggregate, over_ms: 0, bucket_ms: 0, span: Span::Life })
    }

    /// Over the billing cycle that begins on `day` of a month, exactly; a record of an earlier cycle that comes late is
    /// left out. `None` for a day after the 28th, which not every month has, and for what is never over.
    pub fn cycle(aggregate: Aggregate, day: u8) -> Option<Self> {
        let fits = !matches!(aggregate, Aggregate::Absent | Aggregate::Last | Aggregate::Known);
        (fits && (1..=28).contains(&day)).then_some(Self {
            aggregate,
            over_ms: 0,
            bucket_ms: 0,
            span: Span::Cycle(day),
        })
    }

    /// Over what.
    pub fn span(self) -> Span {
        self.span
    }

    /// Its length.
    pub fn over(self) -> Duration {
        Duration::from_millis(self.over_ms.unsigned_abs())
    }

    /// The milliseconds of a bucket, where all that an event does is to add to one: of sliding sums and counts.
    pub(crate) fn slides(self) -> Option<NonZeroU32> {
        let adds = matches!(self.aggregate, Aggregate::Sum | Aggregate::Count) && self.span == Span::Sliding;
        if adds { u32::try_from(self.bucket_ms).ok().and_then(NonZeroU32::new) } else { None }
    }

    /// Which bucket holds this time. 32 bits last until the year 2600 with the smallest buckets.
    pub(crate) fn bucket(self, time: Timestamp) -> u32 {
        match (self.aggregate, self.span) {
            (Aggregate::Last | Aggregate::Known, _) => seconds(time),
            (_, Span::Sliding) => u32::try_from(time.0.div_euclid(self.bucket_ms).max(0)).unwrap_or(u32::MAX),
            (_, Span::Life) => 0,
            (_, Span::Cycle(day)) => crate::calendar::cycle(time, day),
        }
    }

    /// The same as [`Self::bucket`], for less where it is likely to be `near` or soon after it: multiplying is cheaper than
    /// dividing.
    #[inline]
    pub(crate) fn bucket_near(self, near: u32, time: Timestamp) -> u32 {
        if self.span != Span::Sliding || matches!(self.aggregate, Aggregate::Last | Aggregate::Known) {
            return self.bucket(time);
        }
        let length = self.bucket_ms;
        let into = time.0.wrapping_sub(i64::from(near).wrapping_mul(length));
        if (0..length).contains(&into) {
            return near;
        }
        match (u32::try_from(into), u32::try_from(length)) {
            // Narrow numbers are divided in a third of the time.
            (Ok(into), Ok(length)) if length > 0 => near.saturating_add(into / length),
            _ => self.bucket(time),
        }
    }

    /// Whether the window that ends in bucket `newest` covers `bucket`.
    pub(crate) fn covers(self, newest: u32, bucket: u32) -> bool {
        match (self.aggregate, self.span) {
            (_, Span::Life) => true,
            (Aggregate::Last, _) => i64::from(newest.saturating_sub(bucket)) * 1000 < self.over_ms,
            (_, Span::Sliding) => covers(newest, bucket),
            (_, Span::Cycle(_)) => bucket >= newest,
        }
    }
}

pub(super) fn seconds(time: Timestamp) -> u32 {
    u32::try_from(time.secs().max(0)).unwrap_or(u32::MAX)
}
