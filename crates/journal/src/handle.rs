//! The side of the journal that its users hold.

use fleetward_fleet::{Offset, metric::Sample};

use crate::{Entry, Health, Outcome, ReadError, Reader, Refused};

/// A cheap, cloneable way to append. Outlives the [`Journal`](crate::Journal): afterwards everything is `Closed`.
pub struct Handle<T> {
    marker: std::marker::PhantomData<fn(T)>,
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self { marker: std::marker::PhantomData }
    }
}

impl<T: Send + 'static> Handle<T> {
    /// Hands a batch over; never waits for the disk. `done` is called exactly once: with an outcome an entry once the
    /// batch is stored, or with the reason why nothing of it is. A refusal for want of room (`Busy`, `TooLarge`,
    /// `Closed`) is told at once, on this thread; everything else on the completer's.
    pub fn append(
        &self,
        entries: Vec<Entry<T>>,
        done: impl FnOnce(Result<Vec<Outcome>, Refused>) + Send + 'static,
    ) {
        let _ = (entries, done);
        todo!()
    }

    /// The same, and waits for the answer. Not for hot paths, never from within `on_commit` or `done`.
    pub fn append_wait(&self, entries: Vec<Entry<T>>) -> Result<Vec<Outcome>, Refused> {
        let _ = entries;
        todo!()
    }

    /// Whether it accepts records, and why not.
    pub fn health(&self) -> Health {
        todo!()
    }

    /// The offset after the last stored record.
    pub fn next_offset(&self) -> Offset {
        todo!()
    }

    /// The oldest record that is kept.
    pub fn oldest_offset(&self) -> Offset {
        todo!()
    }

    /// Reads the stored records from `from` on, while more are written. Ends at what is stored at that moment; `next`
    /// may be called again later.
    pub fn reader(&self, from: Offset) -> Result<Reader, ReadError> {
        let _ = from;
        todo!()
    }

    /// Counters and gauges.
    pub fn metrics(&self) -> Vec<Sample> {
        todo!()
    }
}
