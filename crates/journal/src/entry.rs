//! What goes in and what comes out.

use fleetward_fleet::{Offset, Timestamp};

/// One record to append, with the value that rides along to `on_commit` so that nobody decodes it twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<T> {
    /// Names the content: a second entry with the same key is a duplicate. 0: never a duplicate.
    pub key: u128,
    /// When it happened.
    pub event_time: Timestamp,
    /// When we learnt it.
    pub observed_at: Timestamp,
    /// What is stored.
    pub bytes: Vec<u8>,
    /// What is handed to `on_commit`. Not stored.
    pub item: T,
}

/// What became of one entry of an accepted batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored, here.
    Appended(Offset),
    /// A record with this key is stored already.
    Duplicate,
}

/// Why a batch was refused. Nothing of it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too much is under way. Try again later.
    #[error("the journal has too much under way")]
    Busy,
    /// The disk is full or failed. The journal recovers by itself; see [`Health`] for the reason.
    #[error("the journal cannot write to its disk")]
    Full,
    /// The batch is larger than a segment or than the queue can ever take.
    #[error("the batch is larger than the journal takes at once")]
    TooLarge,
    /// The journal was closed.
    #[error("the journal is closed")]
    Closed,
    /// The journal can never go on in this process; see [`Health`] for the reason.
    #[error("the journal is broken")]
    Broken,
}

/// An entry that is stored, on its way to `on_commit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed<T> {
    /// Where it is stored.
    pub offset: Offset,
    /// What rode along.
    pub item: T,
}

/// Whether the journal accepts records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// It does.
    pub ok: bool,
    /// Why it does not, with the way out; empty when `ok`.
    pub reason: String,
}

/// What [`Journal::open`](crate::Journal::open) found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The oldest record that is still there (equal to `next` where there is none).
    pub oldest: Offset,
    /// The offset that the next record will get.
    pub next: Offset,
    /// Segment files.
    pub segments: usize,
    /// Bytes of a half-written group that were cut off the end. They were never acknowledged.
    pub cut_bytes: u64,
    /// Keys in the duplicate filter.
    pub keys: usize,
}

/// One record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place.
    pub offset: Offset,
    /// Its key; 0 where it had none.
    pub key: u128,
    /// When it happened.
    pub event_time: Timestamp,
    /// When we learnt it.
    pub observed_at: Timestamp,
    /// The payload.
    pub bytes: Vec<u8>,
}
