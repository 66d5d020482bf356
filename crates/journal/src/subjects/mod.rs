//! By subject: all records of one device, newest first, without reading those of the others.
//!
//! The journal does not understand its payload; it is told by a function ([`SubjectOf`]) whom a record is about. Beside
//! each sealed segment lies a sorted run of (subject, place), written in the background; that of the segment which is being
//! written is in memory. Why beside and not inside: the index follows from the records, so it needs no sync before an
//! answer, and a lost or damaged one is built anew from its segment.
//!
//! # Invariants
//!
//! * **Nothing is left out.** Where an index is missing or damaged, its segment is read instead.
//! * **A record is given as it was stored**, or not at all: each is checked by itself.
//! * **Bounded**: in memory is the index of one segment (20 bytes a record), of those just sealed, and a few open files.
//! * **Retention takes it along**: the index of a deleted segment is deleted.

mod build;
mod cache;
mod file;
mod posting;
mod read;
mod runs;
mod state;
#[cfg(test)]
mod tests;
mod write;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use fleetward_fleet::{Offset, Timestamp};
use parking_lot::Mutex;

use self::cache::Cache;
use self::state::State;
use crate::format::RecordRef;
use crate::{ReadError, segment};

/// Whom a record's payload is about; `None`: nobody that is asked for. Subjects should be hashes: they are looked for by
/// proportion.
pub type SubjectOf = fn(&[u8]) -> Option<u64>;

/// How far back [`Subjects::each`] went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The visitor had enough.
    Enough,
    /// All records since then were given, and perhaps a few older ones.
    Since,
    /// All records that there ever were.
    Start,
    /// All that are kept; older ones were deleted.
    Kept,
}

/// The records of each subject.
pub struct Subjects {
    dir: PathBuf,
    subject_of: SubjectOf,
    state: Mutex<State>,
    cache: Cache,
    /// It may write indexes: the journal is open for writing here.
    owns: bool,
    stop: AtomicBool,
    /// Writes indexes of sealed segments.
    indexer: Mutex<Option<JoinHandle<()>>>,
}

impl Subjects {
    /// For reading beside a server that may be writing: sees what is written, acknowledged or not, and writes nothing.
    pub fn open(dir: &Path, subject_of: SubjectOf) -> Result<Self, ReadError> {
        let segments = segment::list(dir).map_err(ReadError::io(dir))?;
        let new = Self::new(dir, subject_of, false);
        new.state.lock().follow(dir, &segments)?;
        Ok(new)
    }

    fn new(dir: &Path, subject_of: SubjectOf, owns: bool) -> Self {
        Self {
            dir: dir.to_owned(),
            subject_of,
            state: Mutex::default(),
            cache: Cache::new(owns),
            owns,
            stop: AtomicBool::new(false),
            indexer: Mutex::new(None),
        }
    }

    /// Visits the subject's records before `before`, newest first, back to `since` (by arrival) or until the visitor
    /// breaks off.
    pub fn each(
        &self,
        subject: u64,
        since: Timestamp,
        before: Offset,
        visit: &mut dyn FnMut(RecordRef<'_>) -> ControlFlow<()>,
    ) -> Result<Reach, ReadError> {
        if !self.owns {
            self.catch_up(before)?;
        }
        let mut upper = before;
        let mut buffer = Vec::new();
        loop {
            let Some(part) = self.state.lock().part_before(upper, subject) else {
                return Ok(if upper.0 == 0 { Reach::Start } else { Reach::Kept });
            };
            let opened = self.cache.open(&self.dir, part.first)?;
            let found = match part.found {
                Some(found) => found,
                None => self.find(&opened, subject)?,
            };
            for posting in found.iter().rev() {
                let offset = Offset(part.first.0 + u64::from(posting.ordinal));
                if offset >= before {
                    continue;
                }
                if visit(opened.record(*posting, offset, &mut buffer)?).is_break() {
                    return Ok(Reach::Enough);
                }
            }
            upper = part.first;
            if upper.0 > 0 && part.begun < since {
                return Ok(Reach::Since);
            }
        }
    }

    /// The same as owned records, oldest first, those that arrived since `since`.
    pub fn records(&self, subject: u64, since: Timestamp, before: Offset) -> Result<Vec<crate::Record>, ReadError> {
        let mut found = Vec::new();
        self.each(subject, since, before, &mut |record| {
            if record.observed_at >= since {
                found.push(record.to_record());
            }
            ControlFlow::Continue(())
        })?;
        found.reverse();
        Ok(found)
    }

    /// Bytes of indexes in memory.
    pub fn bytes(&self) -> usize {
        self.state.lock().bytes()
    }
}

impl std::fmt::Debug for Subjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subjects").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// What the journal's threads share.
pub(crate) type Shared = Option<Arc<Subjects>>;
