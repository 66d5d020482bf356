//! What travels from a handle to the writer, and on to the completer.

use crate::shared::Ticket;
use crate::{Committed, Entry, Outcome, Refused};

/// The answer to a batch.
pub(crate) type Answer = Result<Vec<Outcome>, Refused>;

/// A callback that is called exactly once, come what may: dropped unasked, it says `Closed`.
pub(crate) struct Done(Option<Box<dyn FnOnce(Answer) + Send>>);

impl Done {
    pub(crate) fn new(done: impl FnOnce(Answer) + Send + 'static) -> Self {
        Self(Some(Box::new(done)))
    }

    pub(crate) fn tell(mut self, answer: Answer) {
        if let Some(done) = self.0.take() {
            done(answer);
        }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            done(Err(Refused::Closed));
        }
    }
}

/// A batch that waits for the writer.
pub(crate) struct Batch<T> {
    pub(crate) entries: Vec<Entry<T>>,
    /// Bytes that it takes in a frame.
    pub(crate) size: usize,
    pub(crate) done: Done,
    /// Dropped after `done` was told: that is when room is free again.
    pub(crate) ticket: Ticket,
}

/// From a handle to the writer.
pub(crate) enum Message<T> {
    Batch(Batch<T>),
    Close,
}

/// A batch that waits for its answer.
pub(crate) struct Waiting {
    pub(crate) answer: Answer,
    pub(crate) done: Done,
    pub(crate) ticket: Ticket,
}

/// A group on its way from the writer to the completer.
pub(crate) struct Group<T> {
    /// In offset order.
    pub(crate) committed: Vec<Committed<T>>,
    pub(crate) waiting: Vec<Waiting>,
}
