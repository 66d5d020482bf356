//! What a partition counts of itself. Not part of the state that a replay must hold equal.

use crate::Counts;

/// Sums over partitions become [`crate::Counts`].
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) known_devices: u64,
    pub(crate) unknown_devices: u64,
    pub(crate) unknown_dropped: u64,
    pub(crate) open_sessions: u64,
    pub(crate) applied: u64,
    pub(crate) findings: u64,
    pub(crate) excused: u64,
    pub(crate) stale_records: u64,
    pub(crate) wraps: u64,
}

impl Tally {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            known_devices: self.known_devices + other.known_devices,
            unknown_devices: self.unknown_devices + other.unknown_devices,
            unknown_dropped: self.unknown_dropped + other.unknown_dropped,
            open_sessions: self.open_sessions + other.open_sessions,
            applied: self.applied + other.applied,
            findings: self.findings + other.findings,
            excused: self.excused + other.excused,
            stale_records: self.stale_records + other.stale_records,
            wraps: self.wraps + other.wraps,
        }
    }

    pub(crate) fn counts(self) -> Counts {
        let Self {
            known_devices,
            unknown_devices,
            unknown_dropped,
            open_sessions,
            applied,
            findings,
            excused,
            stale_records,
            wraps,
        } = self;
        Counts {
            known_devices,
            unknown_devices,
            unknown_dropped,
            open_sessions,
            applied,
            findings,
            excused,
            stale_records,
            wraps,
        }
    }
}
