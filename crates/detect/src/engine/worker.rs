//! One worker thread: it owns its partitions, so nothing in them is locked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender};
use fleetward_fleet::{Observation, Offset, PARTITIONS, Partition};
use parking_lot::Mutex;

use super::{Outputs, Sink, ahead, stage};
use crate::group::GroupFact;
use crate::partition::{Tally, Told};
use crate::prefetch::prefetch;
use crate::{Compiled, History, PartitionState};

/// What a worker is told.
pub(super) enum Message {
    /// Its share of a batch. It has been handed everything before `upto` that concerns it.
    Batch { records: Vec<(Offset, Arc<Observation>)>, upto: Offset },
    /// Something to be done between two batches: a query, a reload, a snapshot of one partition.
    Ask(Box<dyn FnOnce(&mut Owned) + Send>),
}

/// What a worker owns.
pub(super) struct Owned {
    pub(super) compiled: Arc<Compiled>,
    /// Everything before this was applied.
    pub(super) applied: Offset,
    share: Share,
    /// Partition `p` is at `p / workers`.
    partitions: Vec<PartitionState>,
    history: Option<Arc<dyn History>>,
}

/// Which of the partitions are whose: partition `p` belongs to worker `p % workers`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) worker: usize,
    pub(super) workers: usize,
}

impl Share {
    pub(super) fn owner(partition: Partition, workers: usize) -> usize {
        usize::from(partition.0) % workers
    }

    /// The partitions of this worker, in order.
    pub(super) fn partitions(self) -> impl Iterator<Item = usize> {
        (self.worker..PARTITIONS).step_by(self.workers)
    }
}

/// What a worker shows without being asked. Written after a batch, when no other waits, and every few batches otherwise.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) applied: AtomicU64,
    pub(super) tally: Mutex<Tally>,
}

/// Records that are read ahead of their judging: so many that the waits overlap, so few that what they need stays near.
const AHEAD: usize = 64;

/// How many batches may pass before the tally is shown again.
const SHOW_EVERY: u32 = 16;

impl Owned {
    pub(super) fn new(
        share: Share,
        partitions: Vec<PartitionState>,
        compiled: Arc<Compiled>,
        history: Option<Arc<dyn History>>,
    ) -> Self {
        let applied = partitions.iter().map(PartitionState::next).min().unwrap_or_default();
        Self { compiled, applied, share, partitions, history }
    }

    /// A partition of this worker.
    pub(super) fn partition(&mut self, partition: usize) -> &mut PartitionState {
        &mut self.partitions[partition / self.share.workers]
    }

    /// Works until all senders are gone, or the second stage is.
    pub(super) fn run(
        mut self,
        messages: &Receiver<Message>,
        sink: &Sink,
        stage: &Sender<stage::Message>,
        shown: &Shown,
    ) {
        let history = self.history.clone();
        let mut told = Told { history: history.as_deref(), ..Told::default() };
        let mut unshown = SHOW_EVERY;
        for message in messages {
            match message {
                Message::Batch { records, upto } => {
                    self.apply(&records, &mut told);
                    self.applied = self.applied.max(upto);
                    if !told.outputs.is_empty() {
                        let outputs = std::mem::take(&mut told.outputs);
                        sink(Outputs { worker: self.share.worker, upto, outputs });
                    }
                    if self.compiled.groups.any() {
                        let room = told.facts.of_this_size();
                        let facts = std::mem::replace(&mut told.facts, room);
                        let batch = stage::Batch { facts, upto, compiled: self.compiled.clone() };
                        if stage.send(stage::Message::Batch(self.share.worker, batch)).is_err() {
                            return;
                        }
                    }
                    shown.applied.store(self.applied.0, Ordering::Release);
                    unshown += 1;
                }
                Message::Ask(question) => question(&mut self),
            }
            if unshown > 0 && (unshown >= SHOW_EVERY || messages.is_empty()) {
                *shown.tally.lock() = self.tally();
                unshown = 0;
            }
        }
    }

    fn apply(&mut self, records: &[(Offset, Arc<Observation>)], told: &mut Told<'_>) {
        for some in records.chunks(AHEAD) {
            self.prefetch(some);
            self.apply_some(some, told);
        }
    }

    fn apply_some(&mut self, records: &[(Offset, Arc<Observation>)], told: &mut Told<'_>) {
        for (offset, observation) in records {
            if observation.body.concerns_all() {
                for state in &mut self.partitions {
                    state.apply_one(*offset, observation, &self.compiled, told);
                }
                // All workers see it; the second stage hears of it once.
                if self.share.worker == 0 && self.compiled.groups.any() {
                    let planned = || self.partitions.first().map(|state| state.in_force(observation.event_time));
                    told.facts.events.extend(GroupFact::broadcast(*offset, observation, planned, &self.compiled));
                }
            } else {
                let partition = usize::from(observation.device.partition().0) / self.share.workers;
                self.partitions[partition].apply_one(*offset, observation, &self.compiled, told);
            }
        }
    }

    /// Asks for everything that the records will need. Each device, and each record, lies somewhere else in gigabytes; looked up
    /// one by one, nearly all of the time goes into waiting for memory, in a row the waits overlap.
    fn prefetch(&self, records: &[(Offset, Arc<Observation>)]) {
        let mut places = [(0, None); AHEAD];
        for ((_, observation), (partition, _)) in records.iter().zip(&mut places) {
            *partition = usize::from(observation.device.partition().0) / self.share.workers;
            self.partitions[*partition].prefetch_place(observation);
            prefetch(&**observation);
        }
        for ((_, observation), (partition, place)) in records.iter().zip(&mut places) {
            *place = self.partitions[*partition].likely_place(observation);
            if let Some(place) = *place {
                self.partitions[*partition].prefetch(place, 0);
            }
            ahead::record(observation, 0);
        }
        for step in 1..PartitionState::STEPS {
            for ((_, observation), (partition, place)) in records.iter().zip(&places) {
                if let Some(place) = *place {
                    self.partitions[*partition].prefetch(place, step);
                }
                ahead::record(observation, step);
            }
        }
    }

    fn tally(&self) -> Tally {
        self.partitions.iter().map(PartitionState::tally).fold(Tally::default(), Tally::plus)
    }
}
