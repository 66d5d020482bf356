//! What detection says, on its way to the database, to admission and to responses.
//!
//! One thread takes the outputs of all workers, in batches: findings go into the database in one transaction, and only
//! then to the responder, so that nothing is stopped that is not written down.

use std::sync::{Arc, Weak};

use crossbeam_channel::{Receiver, Sender};
use fleetward_aaa::Directory;
use fleetward_detect::engine::{Outputs, Sink};
use fleetward_detect::{Engine, Output, Raised};
use fleetward_fleet::{FindingState, SessionKey, Timestamp};
use fleetward_respond::machine::FindingRaised;
use fleetward_store::{ExcusedDeviation, Outcome, Store};

use super::aim::Aim;
use super::events::{Event, Events};
use super::kin::Kin;
use super::quota::Quota;
use super::responder::Late;
use super::translate;

/// Batches that may wait here before detection waits too.
const QUEUE: usize = 1024;
/// Outputs that one transaction takes at most.
const BATCH: usize = 4096;

enum Message {
    Outputs(Outputs),
    /// Everything sent before this is stored: tell so.
    Barrier(Sender<()>),
}

/// A cheap handle on the thread that takes outputs.
#[derive(Clone)]
pub(crate) struct Outbox {
    messages: Sender<Message>,
}

/// What the thread needs.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) directory: Arc<Directory>,
    /// Set once the journal is replayed; until then what it should hear waits.
    pub(crate) responder: Late,
    /// Asked for the sessions of devices that a finding about many names; not owned, because its outputs lead here.
    pub(crate) engine: Weak<Engine>,
    pub(crate) events: Events,
    pub(crate) clock: fn() -> Timestamp,
}

impl Outbox {
    /// A channel whose thread is not started yet.
    pub(crate) fn new() -> (Self, Incoming) {
        let (messages, incoming) = crossbeam_channel::bounded(QUEUE);
        (Self { messages }, Incoming(incoming))
    }

    /// The sink for the engine.
    pub(crate) fn sink(&self) -> Sink {
        let messages = self.messages.clone();
        // The receiving thread ends only after the engine has.
        Arc::new(move |outputs| drop(messages.send(Message::Outputs(outputs))))
    }

    /// Waits until everything that was handed over before is stored. `false`: the thread is gone.
    pub(crate) fn flush(&self) -> bool {
        let (done, wait) = crossbeam_channel::bounded(1);
        self.messages.send(Message::Barrier(done)).is_ok() && wait.recv().is_ok()
    }
}

/// The other end of an [`Outbox`].
pub(crate) struct Incoming(Receiver<Message>);

impl Incoming {
    /// Starts the thread; it ends when the last [`Outbox`] and sink are dropped.
    pub(crate) fn start(self, parts: Parts) -> std::io::Result<std::thread::JoinHandle<()>> {
        let aim = Aim::start(super::aim::Parts {
            store: parts.store.clone(),
            directory: Arc::clone(&parts.directory),
            engine: parts.engine.clone(),
            responder: Arc::clone(&parts.responder),
            clock: parts.clock,
        })?;
        std::thread::Builder::new().name("outputs".into()).spawn(move || {
            let quota = Quota::counted(&parts.store, (parts.clock)());
            let mut parts = Taker { parts, waiting: Vec::new(), quota, kin: Kin::default(), aim };
            while let Ok(first) = self.0.recv() {
                let mut batch = Vec::new();
                let mut barriers = Vec::new();
                let rest = std::iter::from_fn(|| self.0.try_recv().ok());
                for message in std::iter::once(first).chain(rest) {
                    match message {
                        Message::Outputs(outputs) => batch.extend(outputs.outputs),
                        Message::Barrier(done) => barriers.push(done),
                    }
                    if batch.len() >= BATCH {
                        break;
                    }
                }
                parts.take(batch);
                parts.deliver();
                // Whoever asked may have given up.
                for done in barriers {
                    done.send(()).unwrap_or_default();
                }
            }
        })
    }
}

/// Something for the responder.
enum Word {
    Raised(Box<FindingRaised>),
    Ended(SessionKey, String),
}

struct Taker {
    parts: Parts,
    /// For the responder, as long as it is not there.
    waiting: Vec<Word>,
    quota: Quota,
    kin: Kin,
    aim: Aim,
}

impl Taker {
    fn take(&mut self, outputs: Vec<Output>) {
        let mut raised = Vec::new();
        for output in outputs {
            match output {
                Output::Finding(finding) | Output::FindingUpdated(finding) => raised.push(*finding),
                other => {
                    // Order matters per device: a finding goes out before a later end of its session.
                    self.record(std::mem::take(&mut raised));
                    self.one(other);
                }
            }
        }
        self.record(raised);
    }

    fn record(&mut self, mut raised: Vec<Raised>) {
        if raised.is_empty() {
            return;
        }
        let recorded = loop {
            match self.parts.store.record_findings(raised.iter().map(|raised| &raised.finding), (self.parts.clock)()) {
                Ok(recorded) => break recorded,
                Err(error) => {
                    // The journal has what led here; a finding is never dropped because a disk is full.
                    tracing::error!(%error, "findings wait for the database");
                    std::thread::sleep(std::time::Duration::from_secs(1));
                }
            }
        };
        for (raised, recorded) in raised.iter_mut().zip(&recorded) {
            raised.finding.state = recorded.state;
        }
        for (mut raised, recorded) in raised.into_iter().zip(recorded) {
            if recorded.outcome == Outcome::Inserted {
                self.quota.count(&mut raised, (self.parts.clock)());
            }
            if recorded.outcome == Outcome::Inserted && recorded.state != FindingState::Suppressed {
                self.parts.events.publish(&Event::Finding(Box::new(raised.finding.clone())));
            }
            if !raised.devices.is_empty() && recorded.state != FindingState::Suppressed {
                self.aim.at(&raised);
                raised.responds.retain(|respond| !respond.action.is_intervention());
            }
            let kin = self.kin.of(&raised, &self.parts.store, (self.parts.clock)());
            self.tell(Word::Raised(Box::new(translate::raised(raised, kin))));
        }
    }

    fn one(&mut self, output: Output) {
        match output {
            Output::Finding(raised) | Output::FindingUpdated(raised) => self.record(vec![*raised]),
            Output::FindingCleared { id, at, .. } => match self.parts.store.clear_finding(id, at) {
                Ok(_) => self.parts.events.publish(&Event::Cleared(id, at)),
                Err(error) => tracing::warn!(%error, finding = %id, "a finding was not resolved"),
            },
            Output::Excused(excused) => {
                let excused = ExcusedDeviation {
                    change: excused.change,
                    rule: excused.rule,
                    device: excused.device,
                    subject: excused.subject,
                    at: excused.at,
                };
                self.parts.events.publish(&Event::Excused(Box::new(excused.clone())));
                if let Err(error) = self.parts.store.record_excused(std::slice::from_ref(&excused)) {
                    tracing::warn!(%error, change = %excused.change, rule = %excused.rule, "an excused deviation was not noted");
                }
            }
            Output::SessionOpened(opened) => {
                self.parts.directory.session_opened(opened.device, &opened.key, opened.event_time);
                self.parts.events.publish(&Event::SessionOpened(opened));
            }
            Output::SessionEnded(ended) => {
                self.parts.directory.session_ended(ended.device, &ended.key);
                if ended.cause.is_proof() {
                    self.tell(Word::Ended(ended.key.clone(), translate::cause(&ended)));
                }
                self.parts.events.publish(&Event::SessionEnded(ended));
            }
        }
    }

    fn tell(&mut self, word: Word) {
        self.waiting.push(word);
        self.deliver();
    }

    fn deliver(&mut self) {
        let Some(responder) = self.parts.responder.get() else { return };
        for word in self.waiting.drain(..) {
            match word {
                Word::Raised(raised) => responder.raise(*raised),
                Word::Ended(session, cause) => responder.session_ended(session, cause),
            }
        }
    }
}
