//! Reads everything and says what is wrong.

use std::path::{Path, PathBuf};

use fleetward_fleet::{Offset, Timestamp};

use crate::ReadError;

/// What [`verify`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Segment files.
    pub segments: usize,
    /// Records that can be read.
    pub records: u64,
    /// Bytes that hold records (without preallocated space).
    pub bytes: u64,
    /// The first record's place and time.
    pub first: Option<(Offset, Timestamp)>,
    /// The last record's place and time.
    pub last: Option<(Offset, Timestamp)>,
    /// Bytes of a half-written group at the end: normal after a crash, cut off by the next start.
    pub torn_bytes: u64,
    /// Everything that is wrong; empty for a sound journal.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which segment.
    pub file: PathBuf,
    /// Where in it.
    pub at: u64,
    /// What.
    pub what: String,
}

/// Reads every record in `dir` and checks it; changes nothing. Fails only where the directory itself cannot be read.
pub fn verify(dir: &Path) -> Result<Report, ReadError> {
    let _ = dir;
    todo!()
}
