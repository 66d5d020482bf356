//! The durable order of observations: an append-only log in segment files.
//!
//! Why: everything else in the product is derived from this log and can be rebuilt from it, so this is the one place
//! where "stored" must mean stored (promise 1) and "once" must mean once (promise 2).
//!
//! A [`Journal`] has two threads. The *writer* takes everything that waits, drops what it has seen before, writes the
//! rest with one `write` and one `fdatasync`, and hands the group to the *completer*, which calls `on_commit` and then
//! each batch's `done` while the writer is already at the next group.
//!
//! # Invariants
//!
//! * **Stored before answered.** `done(Ok(..))` is called only after the `fdatasync` that covers the batch; also for
//!   a batch that held nothing but duplicates.
//! * **All or nothing.** `done(Err(..))` means that no record of the batch is in the journal, now or after a crash.
//! * **`done` is called exactly once**, on the completer's thread, or at once on the caller's thread if refused there.
//! * **Offsets are dense and never reused.** The first record ever is 0.
//! * **`on_commit` sees each appended record once, in offset order**, before the `done` of its batch.
//! * **Bounded.** Records between `append` and `done` are counted; beyond [`Config::queue`] a batch is refused.
//! * **A key counts once** within the horizon: at least the last [`Config::dedup_keys`] keys, also after a restart.
//!
//! The bytes on disk are described in [`format`](mod@format); the index by subject in [`subjects`].
//!
//! ```
//! use std::sync::Arc;
//! use fleetward_fleet::{Offset, Timestamp};
//! use fleetward_journal::{Config, Entry, Journal, Outcome};
//! # let dir = tempfile::tempdir().unwrap();
//! let clock = Arc::new(|| Timestamp(1_795_000_000_000));
//! let (journal, _recovery) = Journal::open(Config::new(dir.path()), clock, |batch| {
//!     for committed in batch {
//!         let (_offset, _item): (Offset, String) = (committed.offset, committed.item);
//!     }
//! })?;
//! let now = Timestamp(1_795_000_000_000);
//! let entry = Entry { key: 17, event_time: now, observed_at: now, bytes: b"payload".to_vec(), item: "rides along".to_owned() };
//! let outcomes = journal.append_wait(vec![entry.clone(), entry]).unwrap();
//! assert_eq!(outcomes, [Outcome::Appended(Offset(0)), Outcome::Duplicate]);
//! # Ok::<(), fleetward_journal::OpenError>(())
//! ```

mod batch;
mod completer;
mod config;
mod cursor;
mod dedup;
mod disk;
mod entry;
mod error;
pub mod format;
mod handle;
mod journal;
mod log;
mod reader;
mod recover;
mod segment;
mod shared;
pub mod subjects;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub use config::{Config, Retention};
pub use entry::{Committed, Entry, Health, Outcome, Record, Recovery, Refused};
pub use error::{OpenError, ReadError};
pub use handle::Handle;
pub use journal::Journal;
pub use reader::Reader;
pub use subjects::{Reach, SubjectOf, Subjects};
pub use verify::{Problem, Report, verify};
