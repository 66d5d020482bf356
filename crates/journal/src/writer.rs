//! The first thread: takes what waits, drops duplicates, writes and syncs once, passes on.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use fleetward_fleet::Offset;
use hashbrown::HashSet;

use crate::batch::{Batch, Group, Message, Waiting};
use crate::dedup::Dedup;
use crate::format::FrameBuilder;
use crate::log::Log;
use crate::shared::Shared;
use crate::{Committed, Outcome, Refused};

/// A group of records is not made larger than this, unless a single batch is: the disk should not wait for more.
const GROUP_BYTES: usize = 4 << 20;

pub(crate) struct Writer<T> {
    log: Log,
    dedup: Dedup,
    shared: Arc<Shared>,
    max_group: usize,
    /// Bytes that a group may have.
    largest: usize,
    frame: FrameBuilder,
    /// Keys in the group that is being built.
    pending: HashSet<u128>,
    /// Did not fit into the last group.
    carried: Option<Batch<T>>,
}

impl<T> Writer<T> {
    pub(crate) fn new(log: Log, dedup: Dedup, shared: Arc<Shared>, max_group: usize, largest: usize) -> Self {
        shared.counted.keys.store(dedup.len() as u64, Relaxed);
        let largest = largest.min(GROUP_BYTES);
        let (frame, pending) = (FrameBuilder::default(), HashSet::new());
        Self { log, dedup, shared, max_group, largest, frame, pending, carried: None }
    }

    /// Runs until told to close, then stores what still waits.
    pub(crate) fn run(mut self, batches: &Receiver<Message<T>>, groups: &Sender<Group<T>>) {
        let _alarm = Alarm(self.shared.clone());
        let mut open = true;
        while open || self.carried.is_some() {
            let first = match self.carried.take() {
                Some(batch) => Ok(Message::Batch(batch)),
                None => batches.recv_deadline(self.log.wake_at()),
            };
            match first {
                Ok(Message::Batch(batch)) => {
                    let (taken, closing) = self.take(batch, batches);
                    open = open && !closing;
                    let group = self.store(taken);
                    // The completer ends only after us.
                    groups.send(group).ok();
                }
                Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => open = false,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.log.idle();
        }
    }

    /// Takes everything that waits, up to the limits of a group.
    fn take(&mut self, first: Batch<T>, batches: &Receiver<Message<T>>) -> (Vec<Batch<T>>, bool) {
        let (mut records, mut bytes) = (first.entries.len(), first.size);
        let mut taken = vec![first];
        while records < self.max_group && bytes < self.largest {
            match batches.try_recv() {
                Ok(Message::Batch(batch)) if bytes + batch.size > self.largest => {
                    self.carried = Some(batch);
                    break;
                }
                Ok(Message::Batch(batch)) => {
                    records += batch.entries.len();
                    bytes += batch.size;
                    taken.push(batch);
                }
                Ok(Message::Close) => return (taken, true),
                Err(_) => break,
            }
        }
        (taken, false)
    }

    /// Stores a group, or refuses it; either way every batch has its answer.
    fn store(&mut self, batches: Vec<Batch<T>>) -> Group<T> {
        let first = self.log.next();
        self.frame.begin();
        self.pending.clear();
        let mut group = Group { committed: Vec::new(), waiting: Vec::with_capacity(batches.len()) };
        let (mut keys, mut duplicates) = (Vec::new(), 0);
        // Batches that need nothing from this group: all their records were stored before.
        let mut settled = Vec::with_capacity(batches.len());
        for batch in batches {
            let mut needs = false;
            let mut outcomes = Vec::with_capacity(batch.entries.len());
            for entry in batch.entries {
                let stored = entry.key != 0 && self.dedup.contains(entry.key);
                needs |= !stored;
                if stored || (entry.key != 0 && !self.pending.insert(entry.key)) {
                    duplicates += 1;
                    outcomes.push(Outcome::Duplicate);
                    continue;
                }
                let offset = Offset(first.0 + u64::from(self.frame.count()));
                self.frame.push(entry.key, entry.event_time, entry.observed_at, &entry.bytes);
                keys.push(entry.key);
                outcomes.push(Outcome::Appended(offset));
                group.committed.push(Committed { offset, item: entry.item });
            }
            settled.push(!needs);
            group.waiting.push(Waiting { answer: Ok(outcomes), done: batch.done, ticket: batch.ticket });
        }
        if self.frame.count() == 0 {
            self.shared.counted.duplicates.fetch_add(duplicates, Relaxed);
            return group;
        }
        match self.log.ready().and_then(|()| self.log.write(&mut self.frame)) {
            Ok(()) => {
                for key in keys {
                    self.dedup.insert(key);
                }
                self.shared.counted.keys.store(self.dedup.len() as u64, Relaxed);
                self.shared.counted.duplicates.fetch_add(duplicates, Relaxed);
            }
            Err(why) => self.refuse(&mut group, &settled, why),
        }
        self.frame.shrink();
        group
    }

    fn refuse(&self, group: &mut Group<T>, settled: &[bool], why: Refused) {
        group.committed.clear();
        for (waiting, _) in group.waiting.iter_mut().zip(settled).filter(|(_, settled)| !**settled) {
            self.shared.count_refused(why, waiting.ticket.records());
            waiting.answer = Err(why);
        }
    }
}

/// Says so if the writer dies.
struct Alarm(Arc<Shared>);

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.closed.store(true, Relaxed);
        if std::thread::panicking() {
            self.0.set_trouble(Some("the journal's writer failed; restart the server".to_owned()));
        }
    }
}
