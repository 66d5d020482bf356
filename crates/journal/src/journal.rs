//! The journal: opens, owns the threads, closes.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::ops::Deref;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::unbounded;
use fleetward_fleet::Timestamp;
use rustix::fs::{FlockOperation, flock};

use crate::batch::Message;
use crate::dedup::Dedup;
use crate::disk::{Disk, RealDisk};
use crate::format::{FRAME_HEADER, MAX_FRAME, SEGMENT_HEADER};
use crate::handle::Common;
use crate::log::Log;
use crate::shared::Shared;
use crate::writer::Writer;
use crate::{Committed, Config, Handle, OpenError, Recovery, Subjects, completer, recover, segment};

/// Reads the time.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// An open journal. Dereferences to its [`Handle`]. Dropping it stores what was handed over, then closes.
pub struct Journal<T> {
    handle: Handle<T>,
    threads: Vec<JoinHandle<()>>,
    /// Held as long as the journal is open.
    lock: File,
}

impl<T: Send + 'static> Journal<T> {
    /// Opens or creates the journal in `config.dir`, repairs a half-written end, and starts the two threads.
    ///
    /// `clock` dates segments, for retention. `on_commit` gets every appended record once, in offset order; while it
    /// runs, no answer leaves, so it should hand over and return.
    pub fn open(
        config: Config,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        on_commit: impl FnMut(Vec<Committed<T>>) + Send + 'static,
    ) -> Result<(Self, Recovery), OpenError> {
        Self::open_on(Arc::new(RealDisk), config, clock, on_commit)
    }

    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        config: Config,
        clock: Clock,
        on_commit: impl FnMut(Vec<Committed<T>>) + Send + 'static,
    ) -> Result<(Self, Recovery), OpenError> {
        let dir = config.dir.clone();
        DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(OpenError::io(&dir))?;
        let lock = lock(&dir)?;
        let mut dedup = Dedup::new(config.dedup_keys);
        let found = recover::find(&dir, config.dedup_keys, &mut dedup)?;
        segment::remove_unfinished(&dir).map_err(OpenError::io(&dir))?;

        let shared = Arc::new(Shared::default());
        shared.keep_from.store(u64::MAX, Relaxed);
        let mut recovery =
            Recovery { next: found.next(), cut_bytes: found.torn(), keys: dedup.len(), ..Recovery::default() };
        if recovery.cut_bytes > 0 {
            tracing::warn!(
                bytes = recovery.cut_bytes,
                "cut a half-written group off the journal; it was never acknowledged"
            );
        }
        let subjects = config.subject_of.map(|subject_of| Subjects::for_writer(&dir, subject_of)).transpose()?;
        let common = Common {
            shared: shared.clone(),
            subjects: subjects.clone(),
            queue: (config.queue, config.queue_bytes),
            largest: (config.segment_bytes as usize - SEGMENT_HEADER).min(MAX_FRAME) - 2 * FRAME_HEADER,
            dir: dir.clone(),
        };
        let max_group = config.max_group;
        let log = Log::open(disk, config, clock, (shared.clone(), subjects), found)?;
        recovery.oldest = shared.oldest_offset();
        recovery.segments = log.segments();
        let (sender, batches) = unbounded();
        let (groups, waiting) = unbounded();
        let writer = Writer::new(log, dedup, shared.clone(), max_group, common.largest);
        let threads = vec![
            spawn("journal-writer", move || writer.run(&batches, &groups)).map_err(OpenError::io(&dir))?,
            spawn("journal-answer", move || completer::run(&waiting, &shared, on_commit))
                .map_err(OpenError::io(&dir))?,
        ];
        Ok((Self { handle: Handle { sender, common: Arc::new(common) }, threads, lock }, recovery))
    }
}

impl<T> Journal<T> {
    /// A handle to give away.
    pub fn handle(&self) -> Handle<T> {
        self.handle.clone()
    }

    /// Stores and answers what was handed over, then closes. The same as dropping it.
    pub fn close(self) {
        drop(self);
    }
}

impl<T> Drop for Journal<T> {
    fn drop(&mut self) {
        self.handle.common.shared.closed.store(true, Relaxed);
        self.handle.sender.send(Message::Close).ok();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the journal panicked");
            }
        }
        if let Some(subjects) = &self.handle.common.subjects {
            subjects.close();
        }
        if let Err(error) = flock(&self.lock, FlockOperation::Unlock) {
            tracing::warn!(%error, "cannot unlock the journal");
        }
    }
}

impl<T> Deref for Journal<T> {
    type Target = Handle<T>;
    fn deref(&self) -> &Handle<T> {
        &self.handle
    }
}

impl<T> std::fmt::Debug for Journal<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// Only one process at a time: two writers would overwrite each other.
fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(OpenError::io(&path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked { dir: dir.to_owned() }),
        Err(error) => Err(OpenError::io(&path)(error.into())),
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(run)
}
