//! Which values a device ever showed, and since when: what "new to the device" asks.

use std::time::Duration;

use fleetward_fleet::Timestamp;

use super::spec::seconds;
use super::{DISTINCT_LIMIT, WindowState};

/// For so long after the first value of all nothing counts as new.
pub const LEARNING: Duration = Duration::from_hours(24);

/// Whether `value` is one that the device has never shown before this moment, where these are the values that it ever
/// showed, each with the second in which it was first there. `None`: nobody can tell yet, because the first value of all is
/// not [`LEARNING`] old, or no more, because there were too many.
pub(crate) fn is_new_among(
    values: impl Iterator<Item = (u64, u32)> + Clone,
    value: u64,
    at: Timestamp,
) -> Option<bool> {
    let now = seconds(at);
    let first_of_all = values.clone().map(|(_, first)| first).min()?;
    if u64::from(now.saturating_sub(first_of_all)) < LEARNING.as_secs() {
        return None;
    }
    let (_, first) = values.into_iter().find(|(held, _)| *held == value)?;
    Some(first >= now)
}

impl WindowState {
    /// See [`is_new_among`].
    pub(crate) fn is_new(&self, value: u64, at: Timestamp) -> Option<bool> {
        match self {
            Self::One { bucket, value: held } => is_new_among(std::iter::once((*held, *bucket)), value, at),
            Self::Set(set) => is_new_among(set.iter().copied(), value, at),
            Self::Empty | Self::Ring(_) | Self::Wide(_) | Self::Last(_) | Self::Sketch(_) => None,
        }
    }

    pub(super) fn add_known(&mut self, second: u32, value: u64) {
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
}
