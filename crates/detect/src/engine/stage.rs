//! The thread of the second stage: it puts the workers' facts about groups back into journal order and judges them.
//!
//! Every worker sends one message for every batch, as long as a rule about groups is in force, and all workers see the
//! same batches in the same order. So the n-th message of each belongs to the n-th batch, and once all are there, nothing
//! earlier can come. Without such a rule nobody sends anything, and the thread sleeps.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::Receiver;
use fleetward_fleet::Offset;
use fleetward_fleet::metric::Sample;

use super::{Outputs, Sink};
use crate::group::{GroupState, Handed};
use crate::{Compiled, Output};

/// What the stage is told.
pub(super) enum Message {
    /// What worker number `.0` hands on about one batch.
    Batch(usize, Batch),
    /// Something to be done between two batches.
    Ask(Box<dyn FnOnce(&mut Stage) + Send>),
}

/// One worker's facts of one batch, perhaps none.
pub(super) struct Batch {
    pub(super) facts: Handed,
    /// All facts of the batch are before this.
    pub(super) upto: Offset,
    /// What the batch was judged by.
    pub(super) compiled: Arc<Compiled>,
}

/// What the stage owns.
pub(super) struct Stage {
    pub(super) state: GroupState,
    /// By worker: batches that wait for those of the others. No longer than the workers' own queues.
    waiting: Vec<VecDeque<Batch>>,
    shown: Arc<Shown>,
}

/// What the stage shows without being asked.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) applied: AtomicU64,
    pub(super) findings: AtomicU64,
    facts: AtomicU64,
    groups: AtomicU64,
    key_bytes: AtomicU64,
    refused: AtomicU64,
}

impl Stage {
    pub(super) fn new(state: GroupState, workers: usize, shown: Arc<Shown>) -> Self {
        let new = Self { state, waiting: std::iter::repeat_with(VecDeque::new).take(workers).collect(), shown };
        new.show();
        new
    }

    /// Works until all senders are gone.
    pub(super) fn run(mut self, messages: &Receiver<Message>, sink: &Sink) {
        for message in messages {
            match message {
                Message::Batch(worker, batch) => {
                    self.waiting[worker].push_back(batch);
                    while let Some(outputs) = self.step() {
                        if !outputs.outputs.is_empty() {
                            sink(outputs);
                        }
                        self.show();
                    }
                }
                Message::Ask(question) => question(&mut self),
            }
        }
    }

    /// Judges one batch, if all workers have handed over their part of it.
    fn step(&mut self) -> Option<Outputs> {
        if self.waiting.iter().any(VecDeque::is_empty) {
            return None;
        }
        let parts: Vec<Batch> = self.waiting.iter_mut().filter_map(VecDeque::pop_front).collect();
        let first = parts.first()?;
        let (upto, compiled) = (first.upto, first.compiled.clone());
        let mut facts = Handed::default();
        for part in parts {
            facts.append(part.facts);
        }
        self.shown.facts.fetch_add(facts.len() as u64, Ordering::Relaxed);
        let mut outputs = Vec::new();
        self.state.apply(&mut facts, upto, &compiled, &mut outputs);
        let findings = outputs.iter().filter(|output| matches!(output, Output::Finding(_))).count();
        self.shown.findings.fetch_add(findings as u64, Ordering::Relaxed);
        Some(Outputs { worker: self.waiting.len(), upto, outputs })
    }

    /// All that was submitted before `place` has come through here, or concerned no group.
    pub(super) fn settle(&mut self, place: Offset) {
        self.state.applied_until(place);
        self.show();
    }

    fn show(&self) {
        let (mut keys, mut bytes, mut refused) = (0, 0, 0);
        for (_, len, size, missed) in self.state.sizes() {
            (keys, bytes, refused) = (keys + len, bytes + size, refused + missed);
        }
        self.shown.groups.store(keys as u64, Ordering::Relaxed);
        self.shown.key_bytes.store(bytes as u64, Ordering::Relaxed);
        self.shown.refused.store(refused, Ordering::Relaxed);
        self.shown.applied.store(self.state.next().0, Ordering::Release);
    }
}

impl Shown {
    /// For `/metrics`; `waiting`: messages in the queue.
    pub(super) fn metrics(&self, waiting: usize) -> [Sample; 6] {
        #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
        let gauge = |name, help, value: u64| Sample::gauge(name, help, value as f64);
        [
            gauge(
                "fleetward_detect_groups",
                "Groups, models, networks and other keys that rules watch as one.",
                self.groups.load(Ordering::Relaxed),
            ),
            gauge(
                "fleetward_detect_key_bytes",
                "Bytes that the windows of these keys take.",
                self.key_bytes.load(Ordering::Relaxed),
            ),
            Sample::counter(
                "fleetward_detect_keys_refused_total",
                "Events of keys for which there was no room: findings about that kind of key are estimated meanwhile.",
                self.refused.load(Ordering::Relaxed),
            ),
            gauge(
                "fleetward_detect_group_queue_batches",
                "Batches of facts that wait to be judged for groups.",
                waiting as u64,
            ),
            Sample::counter(
                "fleetward_detect_group_facts_total",
                "Events that were judged for groups and models.",
                self.facts.load(Ordering::Relaxed),
            ),
            Sample::counter(
                "fleetward_detect_group_findings_total",
                "Findings raised about groups and models.",
                self.findings.load(Ordering::Relaxed),
            ),
        ]
    }
}
