//! Where one rule is with one subject, as it is kept. What may follow is in [`crate::episode`].

use fleetward_fleet::{Offset, Timestamp};
use serde::{Deserialize, Serialize};

/// Where one rule is with one subject. There is none while all is well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Episode {
    /// Hash of the rule's name.
    pub(crate) rule: u32,
    pub(crate) phase: Phase,
    /// When the condition first held.
    pub(crate) start: Timestamp,
    /// When it last held.
    pub(crate) last: Timestamp,
    /// Since when it is in this phase.
    pub(crate) since: Timestamp,
    /// When the finding was last written.
    pub(crate) told: Timestamp,
    /// How often it held.
    pub(crate) count: u64,
    /// The value that `once per new …` compares.
    pub(crate) value: u64,
    /// Hash of the session that was last responded to.
    pub(crate) session: u64,
    /// The first records that show it.
    pub(crate) evidence: Vec<Offset>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// The condition holds, but not yet for long enough.
    Pending,
    /// A finding is open.
    Firing,
    /// The way back holds, but not yet for long enough.
    Clearing,
    /// Cleared; the cooldown runs, and a relapse reopens the same finding.
    Cooling,
}
