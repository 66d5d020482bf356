//! The journal as detection's past: the records of one device, found by the journal's index.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use fleetward_detect::History;
use fleetward_detect::history::{Reach, Visit};
use fleetward_fleet::{Offset, Timestamp, wire};
use fleetward_journal::{ReadError, Subjects};

/// Detection is started before its journal is open, so the index comes later.
#[derive(Debug, Default)]
pub(crate) struct JournalHistory {
    subjects: OnceLock<Arc<Subjects>>,
    /// It was said already that the journal cannot be read.
    told: AtomicBool,
}

impl JournalHistory {
    /// Of a journal that another process may be writing.
    pub(crate) fn open(dir: &Path) -> Result<Self, ReadError> {
        let new = Self::default();
        new.set(Arc::new(Subjects::open(dir, wire::subject)?));
        Ok(new)
    }

    /// From now on it has a past to tell.
    pub(crate) fn set(&self, subjects: Arc<Subjects>) {
        if self.subjects.set(subjects).is_err() {
            tracing::error!("detection was given a second journal; it keeps the first");
        }
    }
}

impl History for JournalHistory {
    fn each(&self, subject: u64, since: Timestamp, before: Offset, visit: &mut Visit<'_>) -> Reach {
        let Some(subjects) = self.subjects.get() else { return Reach::Partial };
        let visited = subjects.each(subject, since, before, &mut |record| match wire::from_wire(record.bytes) {
            Ok(observation) => visit(record.offset, observation),
            // A kind that a newer version wrote: live, it was not judged either.
            Err(_) => ControlFlow::Continue(()),
        });
        match visited {
            Ok(fleetward_journal::Reach::Enough) => Reach::Enough,
            Ok(fleetward_journal::Reach::Since) => Reach::Since,
            Ok(fleetward_journal::Reach::Start) => Reach::Start,
            Ok(fleetward_journal::Reach::Kept) => Reach::Partial,
            Err(error) => {
                if !self.told.swap(true, Relaxed) {
                    tracing::error!(%error, "the journal's past cannot be read: findings say \"at least\"");
                }
                Reach::Partial
            }
        }
    }
}
