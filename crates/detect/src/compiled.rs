//! What the records are judged by: rules, profiles and bounds. Immutable; a reload swaps the whole.

use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::{Profile, Severity};
use hashbrown::HashMap;

/// Everything that judging needs beside the state. Cheap to share: workers hold it in an [`Arc`].
#[derive(Debug)]
pub struct Compiled {
    pub(crate) profiles: HashMap<Box<str>, Arc<Profile>>,
    pub(crate) limits: Limits,
}

/// Bounds of the state. They are part of what a replay must hold equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long after its end a session's last counters are remembered, so that a late retransmit counts nothing.
    pub closed_for: Duration,
    /// Closed sessions remembered per device; beyond it the oldest is forgotten.
    pub closed_per_device: usize,
    /// Open sessions per device; beyond it the one that was silent longest ends as [`crate::EndCause::Forgotten`].
    pub open_per_device: usize,
    /// Devices outside the inventory per partition (there are 256); beyond it the oldest is forgotten.
    pub unknown_per_partition: usize,
    /// The interim interval where the profile states none and the session has shown none.
    pub interim: Duration,
    /// When a session that never sent an interim, and was not asked to, is given up.
    pub silent_session: Duration,
    /// An event time this far ahead of its arrival is a wrong clock; the arrival counts instead.
    pub clock_ahead: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            closed_for: Duration::from_hours(24),
            closed_per_device: 32,
            open_per_device: 32,
            unknown_per_partition: 1024,
            interim: Duration::from_mins(15),
            silent_session: Duration::from_hours(7 * 24),
            clock_ahead: Duration::from_mins(5),
        }
    }
}

/// What a rule wants done and within which bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct RulePolicy {
    /// The rule's name.
    pub name: Box<str>,
    /// The rule's version.
    pub version: u32,
    /// How bad its findings are.
    pub severity: Severity,
}
