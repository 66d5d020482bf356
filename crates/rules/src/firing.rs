//! What an evaluation says.

use std::sync::Arc;

use fleetward_fleet::{Finding, FindingId, PlannedChange, Timestamp};

use crate::rule::{Respond, Rule};

/// A change in the life of one episode of one rule.
#[derive(Debug, Clone)]
pub enum Firing {
    /// The rule fires: a new finding.
    Started {
        /// The rule.
        rule: Arc<Rule>,
        /// The finding, complete.
        finding: Box<Finding>,
        /// What the rule asks for. Empty in dry-run; the rule's [`crate::Budget`] is for the caller to keep.
        responds: Vec<Respond>,
    },
    /// The condition held again in the same episode: the same finding with new `count`, `last_seen`, `observed`.
    /// Said at once when it is another session (then with responses), otherwise at growing distances.
    Again {
        /// The rule.
        rule: Arc<Rule>,
        /// The finding, with the id it had.
        finding: Box<Finding>,
        /// What the rule asks for because this is another session; empty otherwise.
        responds: Vec<Respond>,
    },
    /// The episode is over.
    Cleared {
        /// The rule.
        rule: Arc<Rule>,
        /// The finding that is resolved.
        id: FindingId,
        /// When.
        at: Timestamp,
        /// How often the condition held in all.
        count: u64,
    },
    /// The rule's condition held, and a planned change said beforehand that it would: no finding. Said for every event.
    Excused {
        /// The rule.
        rule: Arc<Rule>,
        /// What excuses it.
        change: Arc<PlannedChange>,
        /// When, by event time.
        at: Timestamp,
    },
}

impl Firing {
    /// The rule.
    pub fn rule(&self) -> &Arc<Rule> {
        match self {
            Self::Started { rule, .. }
            | Self::Again { rule, .. }
            | Self::Cleared { rule, .. }
            | Self::Excused { rule, .. } => rule,
        }
    }

    /// The finding it is about; an excused deviation has none.
    pub fn id(&self) -> Option<FindingId> {
        match self {
            Self::Started { finding, .. } | Self::Again { finding, .. } => Some(finding.id),
            Self::Cleared { id, .. } => Some(*id),
            Self::Excused { .. } => None,
        }
    }
}
