//! Log-ins tried: counted by peer, and over all peers.

use std::net::IpAddr;

use fleetward_packet::Time;

/// Of one peer within [`WINDOW`]; a person mistypes three times, a manager logs in every minute.
pub(super) const MANY: u64 = 10;
/// Of all peers within the window.
pub(super) const MANY_OF_ALL: u64 = 24;
/// Three minutes, in nanoseconds.
const WINDOW: i64 = 180_000_000_000;
const MAX_COUNTED: usize = 16;

/// Whether the device tries, and whom it concerns (nobody: all together).
type Key = (bool, Option<IpAddr>);

#[derive(Debug, Default)]
pub(super) struct Attempts(Vec<(Key, Time, [u64; 2])>);

impl Attempts {
    /// One more; how many in this window and the one before.
    pub(super) fn add(&mut self, key: Key, time: Time) -> u64 {
        let at = self.0.iter().position(|(it, ..)| *it == key).unwrap_or_else(|| self.make(key, time));
        let (_, since, counts) = &mut self.0[at];
        let age = time.0.saturating_sub(since.0);
        if age > WINDOW {
            *counts = if age > 2 * WINDOW { [0, 0] } else { [0, counts[0]] };
            *since = time;
        }
        counts[0] += 1;
        counts[0] + counts[1]
    }

    fn make(&mut self, key: Key, time: Time) -> usize {
        if self.0.len() < MAX_COUNTED {
            self.0.push((key, time, [0, 0]));
            return self.0.len() - 1;
        }
        let oldest =
            self.0.iter().enumerate().filter(|(_, ((_, ip), ..))| ip.is_some()).min_by_key(|(_, (_, at, _))| *at);
        let at = oldest.map_or(0, |(at, _)| at);
        self.0[at] = (key, time, [0, 0]);
        at
    }
}
