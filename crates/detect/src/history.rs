//! The journal's past, asked for by device: for what is measured exactly before an alarm.

use std::ops::ControlFlow;
use std::sync::Arc;

use fleetward_fleet::wire::nas_subject;
use fleetward_fleet::{Body, Observation, Offset, Timestamp};
use hashbrown::HashMap;
use parking_lot::RwLock;

/// What visits records: their places, and what they say.
pub type Visit<'a> = dyn FnMut(Offset, Observation) -> ControlFlow<()> + 'a;

/// How far back a [`History`] could go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The visitor had enough.
    Enough,
    /// All records that arrived since then, and perhaps older ones.
    Since,
    /// All that there ever were.
    Start,
    /// Something is missing: deleted by retention, or not to be read.
    Partial,
}

/// Records by whom they are about. What it says of records before an offset never changes, so that a replay measures what
/// was measured live; only retention may take it away, and then it says so.
pub trait History: Send + Sync {
    /// Visits the records of `subject` (a [`fleetward_fleet::DeviceId`], or a [`nas_subject`]) before `before`, newest
    /// first, back to `since` (by arrival) or until the visitor breaks off.
    fn each(&self, subject: u64, since: Timestamp, before: Offset, visit: &mut Visit<'_>) -> Reach;
}

/// Whom an observation is about, as [`History`] asks for it; `None` for what concerns all.
pub fn subject_of(observation: &Observation) -> Option<u64> {
    match &observation.body {
        Body::NasReset(reset) => Some(nas_subject(&reset.nas)),
        _ => (observation.device.0 != 0).then_some(observation.device.0),
    }
}

/// A history in memory: for backtests of files, and for tests.
#[derive(Debug, Default)]
pub struct Recorded(RwLock<HashMap<u64, Vec<Placed>>>);

type Placed = (Offset, Arc<Observation>);

impl Recorded {
    /// Adds a record; offsets grow.
    pub fn add(&self, offset: Offset, observation: &Arc<Observation>) {
        if let Some(subject) = subject_of(observation) {
            self.0.write().entry(subject).or_default().push((offset, observation.clone()));
        }
    }
}

impl History for Recorded {
    fn each(&self, subject: u64, since: Timestamp, before: Offset, visit: &mut Visit<'_>) -> Reach {
        let held = self.0.read();
        for (offset, observation) in held.get(&subject).into_iter().flatten().rev() {
            if *offset >= before {
                continue;
            }
            if visit(*offset, (**observation).clone()).is_break() {
                return Reach::Enough;
            }
            // Arrivals are in order but for a moment.
            if observation.observed_at + std::time::Duration::from_mins(1) < since {
                return Reach::Since;
            }
        }
        Reach::Start
    }
}
