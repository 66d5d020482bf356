//! A session that is over: just enough to recognise its late records and to show it.

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

use super::counter::Counters;
use super::open::OpenSession;
use crate::EndCause;
use crate::intern::Symbol;

/// What is left of a closed session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClosedSession {
    pub(crate) opened_at: Timestamp,
    /// When it ended, by event time.
    pub(crate) ended_at: Timestamp,
    /// Event time of its newest record.
    pub(crate) last_event: Timestamp,
    pub(crate) counters: Counters,
    pub(crate) id: Box<str>,
    pub(crate) nas: Symbol,
    pub(crate) cause: EndCause,
    /// Its Start was seen.
    pub(crate) started: bool,
}

impl ClosedSession {
    pub(crate) fn of(session: &OpenSession, ended_at: Timestamp, cause: EndCause) -> Self {
        Self {
            opened_at: session.opened_at,
            ended_at,
            last_event: session.last_event,
            counters: session.counters.clone().of_ended(),
            id: session.texts.id().into(),
            nas: session.nas,
            cause,
            started: session.marks.is_started(),
        }
    }
}
