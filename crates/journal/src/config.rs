//! Where the journal lies and how much it may hold.

use std::path::PathBuf;
use std::time::Duration;

use crate::SubjectOf;

/// Settings of a [`Journal`](crate::Journal). [`Config::new`] gives the defaults.
#[derive(Debug, Clone)]
pub struct Config {
    /// The directory; created if it does not exist. Holds nothing but the journal.
    pub dir: PathBuf,
    /// Size of a segment file, preallocated. Default 64 MiB. A group that does not fit starts the next segment.
    pub segment_bytes: u64,
    /// When old segments are deleted.
    pub retention: Retention,
    /// Keys a generation of the duplicate filter; there are two, so at least this many and at most twice as many recent
    /// keys are known. Default 917 504 (7/8 of 2²⁰: 18 MiB each). At 3,000 records a second that is five minutes.
    pub dedup_keys: usize,
    /// Records that one group (one `fdatasync`) takes at most, unless a single batch is larger. Default 4,096.
    pub max_group: usize,
    /// Records that may be under way between `append` and `done`. Default 65,536.
    pub queue: usize,
    /// Payload bytes that may be under way between `append` and `done`. Default 64 MiB.
    pub queue_bytes: usize,
    /// How long after a failed write space is probed for again. Default 250 ms.
    pub probe_every: Duration,
    /// Whom a record is about: with it, [`Handle::subjects`](crate::Handle::subjects) finds all records of one subject.
    /// Default: none, and no index.
    pub subject_of: Option<SubjectOf>,
}

impl Config {
    /// The defaults, in this directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            segment_bytes: 64 << 20,
            retention: Retention::default(),
            dedup_keys: 7 << 17,
            max_group: 4096,
            queue: 1 << 16,
            queue_bytes: 64 << 20,
            probe_every: Duration::from_millis(250),
            subject_of: None,
        }
    }
}

/// When old segments are deleted: whole sealed segments only, never the one that is written. Default: never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// A segment goes when the next one was begun longer ago than this (so every record in it is older).
    pub max_age: Option<Duration>,
    /// The oldest segments go while all together are larger than this.
    pub max_bytes: Option<u64>,
}
