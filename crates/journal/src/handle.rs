//! The side of the journal that its users hold.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crossbeam_channel::Sender;
use fleetward_fleet::{Offset, metric::Sample};

use crate::batch::{Answer, Batch, Done, Message};
use crate::format::record_size;
use crate::shared::Shared;
use crate::{Entry, Health, Outcome, ReadError, Reader, Refused, Subjects, subjects};

/// A cheap, cloneable way to append. Outlives the [`Journal`](crate::Journal): afterwards everything is `Closed`.
pub struct Handle<T> {
    pub(crate) sender: Sender<Message<T>>,
    pub(crate) common: Arc<Common>,
}

/// What all handles share.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) shared: Arc<Shared>,
    pub(crate) dir: PathBuf,
    pub(crate) subjects: subjects::Shared,
    /// Records and payload bytes that may be under way.
    pub(crate) queue: (usize, usize),
    /// The largest batch, in bytes on disk.
    pub(crate) largest: usize,
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), common: self.common.clone() }
    }
}

impl<T: Send + 'static> Handle<T> {
    /// Hands a batch over; never waits for the disk. `done` is called exactly once: with an outcome for each entry once the
    /// batch is stored, or with the reason why nothing of it is. A refusal for want of room (`Busy`, `TooLarge`,
    /// `Closed`) is told at once, on this thread; everything else on the completer's.
    ///
    /// An empty batch is answered after everything that this thread handed over before it.
    pub fn append(&self, entries: Vec<Entry<T>>, done: impl FnOnce(Answer) + Send + 'static) {
        let done = Done::new(done);
        let shared = &self.common.shared;
        let records = entries.len().max(1);
        let bytes = entries.iter().map(|it| it.bytes.len()).sum();
        let size = entries.iter().map(|it| record_size(it.bytes.len())).sum();
        let refuse = |done: Done, why| {
            shared.count_refused(why, records);
            done.tell(Err(why));
        };
        if shared.closed.load(Relaxed) {
            return refuse(done, Refused::Closed);
        }
        if size > self.common.largest || records > self.common.queue.0 || bytes > self.common.queue.1 {
            return refuse(done, Refused::TooLarge);
        }
        let Some(ticket) = shared.enter((records, bytes), self.common.queue) else {
            return refuse(done, Refused::Busy);
        };
        // Fails when the writer is gone; the batch is dropped with the error, and its `done` says so.
        if self.sender.send(Message::Batch(Batch { entries, size, done, ticket })).is_err() {
            shared.count_refused(Refused::Closed, records);
        }
    }

    /// The same, and waits for the answer. Not for hot paths, never from within `on_commit` or `done`.
    pub fn append_wait(&self, entries: Vec<Entry<T>>) -> Result<Vec<Outcome>, Refused> {
        let (tell, told) = crossbeam_channel::bounded(1);
        self.append(entries, move |answer| {
            tell.send(answer).ok();
        });
        told.recv().unwrap_or(Err(Refused::Closed))
    }
}

impl<T> Handle<T> {
    /// Whether it accepts records, and why not.
    pub fn health(&self) -> Health {
        self.common.shared.health()
    }

    /// The offset after the last stored record.
    pub fn next_offset(&self) -> Offset {
        self.common.shared.next_offset()
    }

    /// The oldest record that is kept.
    pub fn oldest_offset(&self) -> Offset {
        self.common.shared.oldest_offset()
    }

    /// Keeps records from `offset` on, whatever the retention says: those that no snapshot covers yet. Until this is
    /// called, retention alone decides.
    pub fn keep_from(&self, offset: Offset) {
        self.common.shared.keep_from.store(offset.0, Relaxed);
    }

    /// Reads the stored records from `from` on, while more are written. Ends at what is stored at that moment; `next`
    /// may be called again later.
    pub fn reader(&self, from: Offset) -> Result<Reader, ReadError> {
        Reader::new(&self.common.dir, from, Some(self.common.shared.clone()))
    }

    /// The records of each subject; `None` without [`Config::subject_of`](crate::Config::subject_of).
    pub fn subjects(&self) -> Option<&Arc<Subjects>> {
        self.common.subjects.as_ref()
    }

    /// Counters and gauges.
    pub fn metrics(&self) -> Vec<Sample> {
        self.common.shared.metrics()
    }
}

impl<T> std::fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("dir", &self.common.dir).finish_non_exhaustive()
    }
}
