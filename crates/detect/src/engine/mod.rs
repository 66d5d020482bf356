//! Worker threads that own the partitions, fed in journal order.

use std::path::PathBuf;
use std::sync::Arc;

use fleetward_fleet::metric::Sample;
use fleetward_fleet::{DeviceId, Observation, Offset, SessionKey};

use crate::snapshot::SnapshotError;
use crate::{Compiled, Counts, Cursor, DeviceView, Output, Page, SessionFilter, SessionView};

/// How the engine is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Worker threads; each owns every `workers`-th of the 256 partitions. 0 means as many as cores, at most 4.
    pub workers: usize,
    /// Batches that may wait for a worker; then [`Engine::submit`] blocks.
    pub queue: usize,
    /// Where snapshots lie; `None` keeps none, and every start replays the whole journal.
    pub snapshots: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self { workers: 0, queue: 64, snapshots: None }
    }
}

/// What one worker says about one batch. The sink is called on the worker's thread, in journal order per device;
/// while it blocks, that worker waits.
#[derive(Debug)]
pub struct Outputs {
    /// Which worker.
    pub worker: usize,
    /// This worker has judged every record before this offset; these outputs and all before them are due to it.
    pub upto: Offset,
    /// Never empty.
    pub outputs: Vec<Output>,
}

/// Where outputs go.
pub type Sink = Arc<dyn Fn(Outputs) + Send + Sync>;

/// From where to replay the journal after [`Engine::start`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// Feed records from this offset on (earlier ones do no harm).
    pub next: Offset,
    /// The snapshot that was loaded, if any.
    pub snapshot: Option<PathBuf>,
    /// Why snapshots were passed over, in words for the log.
    pub problems: Vec<String>,
}

/// A worker thread is gone (it panicked or the engine was stopped): nothing more is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("detection has stopped")]
pub struct Stopped;

/// The running engine. Dropping it stops the workers after what was submitted.
#[derive(Debug)]
pub struct Engine {}

#[expect(clippy::unused_self, unused_variables, reason = "being written")]
impl Engine {
    /// Loads the newest valid snapshot and starts the workers.
    pub fn start(config: Config, compiled: Arc<Compiled>, sink: Sink) -> Result<(Self, Resume), SnapshotError> {
        unimplemented!()
    }

    /// Hands over committed records in journal order. `upto` is the offset after the last one.
    /// Blocks while a worker's queue is full: the journal's completer waits, appends are refused, senders retry.
    pub fn submit(&self, records: impl IntoIterator<Item = (Offset, Arc<Observation>)>) -> Result<(), Stopped> {
        unimplemented!()
    }

    /// Waits until everything submitted so far is judged and its outputs were taken by the sink.
    pub fn drain(&self) -> Result<(), Stopped> {
        unimplemented!()
    }

    /// Swaps rules and profiles between two batches, on all workers between the same two.
    pub fn reload(&self, compiled: Arc<Compiled>) -> Result<(), Stopped> {
        unimplemented!()
    }

    /// Writes a snapshot. `confirm(upto)` is called when all state is collected; it must return only when every output
    /// before `upto` is durable, and `false` abandons the snapshot.
    pub fn snapshot(&self, confirm: impl FnOnce(Offset) -> bool) -> Result<Written, SnapshotError> {
        unimplemented!()
    }

    /// One page of sessions, by cursor.
    pub fn sessions(
        &self,
        filter: &SessionFilter,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Page<SessionView>, Stopped> {
        unimplemented!()
    }

    /// One session of a device.
    pub fn session(&self, device: DeviceId, key: &SessionKey) -> Result<Option<SessionView>, Stopped> {
        unimplemented!()
    }

    /// One session whose device the caller does not know: asks every partition.
    pub fn find_session(&self, key: &SessionKey) -> Result<Option<SessionView>, Stopped> {
        unimplemented!()
    }

    /// What is known of a device; `None` if nothing.
    pub fn device(&self, device: DeviceId) -> Result<Option<DeviceView>, Stopped> {
        unimplemented!()
    }

    /// Sums over all workers, without waiting for any.
    pub fn counts(&self) -> Counts {
        unimplemented!()
    }

    /// Every record before this offset has been judged.
    pub fn applied(&self) -> Offset {
        unimplemented!()
    }

    /// For `/metrics`, without waiting for any worker.
    pub fn metrics(&self) -> Vec<Sample> {
        unimplemented!()
    }
}

/// A snapshot that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// A restart replays from here.
    pub next: Offset,
    /// How large it is.
    pub bytes: u64,
}
