//! One session's two cumulative counters.

use serde::{Deserialize, Serialize};

/// Octets up and down as the NAS counts them, and what they sum to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    up: Counter,
    down: Counter,
    up_wrapped: bool,
    down_wrapped: bool,
}

/// One direction.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Counter {
    /// The NAS's value that was counted last: its highest since the last wrap.
    raw: u64,
    /// What was counted before the last wrap.
    before: u64,
}

/// What a record added.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delta {
    pub(crate) up: u64,
    pub(crate) down: u64,
    /// At least one direction went down without Gigawords.
    pub(crate) wrapped: bool,
}

impl Delta {
    pub(crate) fn is_zero(self) -> bool {
        self.up == 0 && self.down == 0 && !self.wrapped
    }
}

impl Counters {
    /// Counts a record's cumulative values. `advanced`: its event time is after that of every record so far;
    /// only then can a lower value be a wrap instead of an old record.
    pub(crate) fn count(&mut self, up: u64, down: u64, has_gigawords: bool, advanced: bool) -> Delta {
        let (up, up_wrap) = self.up.count(up, has_gigawords, advanced, &mut self.up_wrapped);
        let (down, down_wrap) = self.down.count(down, has_gigawords, advanced, &mut self.down_wrapped);
        Delta { up, down, wrapped: up_wrap || down_wrap }
    }

    /// Octets up since the session's start, as far as they are certain.
    pub(crate) fn up(&self) -> u64 {
        self.up.before.saturating_add(self.up.raw)
    }

    /// Octets down since the session's start, as far as they are certain.
    pub(crate) fn down(&self) -> u64 {
        self.down.before.saturating_add(self.down.raw)
    }

    /// What the NAS last said was more, in at least one direction.
    pub(crate) fn is_above(&self, up: u64, down: u64) -> bool {
        self.up.raw > up || self.down.raw > down
    }

    /// A wrap was seen, so the sums are lower bounds.
    pub(crate) fn wrapped(&self) -> bool {
        self.up_wrapped || self.down_wrapped
    }
}

impl Counter {
    fn count(&mut self, value: u64, has_gigawords: bool, advanced: bool, wrapped: &mut bool) -> (u64, bool) {
        if value < self.raw && advanced && !has_gigawords {
            // Go on from the new value; what happened around the wrap is unknown and not added.
            self.before = self.before.saturating_add(self.raw).saturating_sub(value);
            self.raw = value;
            *wrapped = true;
            return (0, true);
        }
        if *wrapped && !advanced {
            // After a wrap an old record can be from either side of it.
            return (0, false);
        }
        let delta = value.saturating_sub(self.raw);
        self.raw = self.raw.max(value);
        (delta, false)
    }
}
