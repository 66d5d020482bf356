//! Which values a device ever showed, and since when: what "new to the device" asks.

use std::time::Duration;

use fleetward_fleet::Timestamp;

use super::spec::seconds;
use super::{DISTINCT_LIMIT, WindowState};

/// For so long after the first value of all nothing counts as new.
pub const LEARNING: Duration = Duration::from_hours(24);

impl WindowState {
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
