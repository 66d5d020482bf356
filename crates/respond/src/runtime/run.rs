//! The machine's thread.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, select};
use fleetward_fleet::{Response, ResponseId};
use fleetward_store::{Lookup, Store};

use super::Hooks;
use super::hands::{Delivery, Task};
use crate::dac::{Clock, Dac};
use crate::machine::{Effect, Input, Machine, Mode, Refused};
use crate::metrics::Metrics;

/// What reaches the machine's thread from outside.
pub(super) enum Message {
    Input(Input),
    Ask(Ask),
    Stop,
}

/// An input of a person, who waits for the answer.
pub(super) struct Ask {
    pub(super) input: Input,
    pub(super) reply: Sender<Result<(), Refused>>,
}

/// Who asked, and what to say once it is stored.
type Reply = (Sender<Result<(), Refused>>, Result<(), Refused>);

pub(super) struct Worker {
    pub(super) machine: Machine,
    pub(super) store: Store,
    pub(super) hooks: Arc<dyn Hooks>,
    pub(super) clock: Clock,
    pub(super) dac: Arc<Dac>,
    /// One bounded queue a channel.
    pub(super) queues: HashMap<Box<str>, Sender<Delivery>>,
    pub(super) hands: Sender<Task>,
    pub(super) outside: Receiver<Message>,
    /// Answers of our own threads; unbounded, because this thread writes to it, too. What is outstanding bounds it.
    pub(super) inside: Sender<Input>,
    pub(super) returns: Receiver<Input>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) healthy: Arc<AtomicBool>,
    pub(super) stopping: Arc<AtomicBool>,
}

impl Worker {
    pub(super) fn run(mut self, unfinished: Vec<Response>, recent: &[Response]) {
        let mut effects = Vec::new();
        for response in recent {
            // A device that is gone belongs to no group any more.
            if let Ok(Some(device)) = self.store.device(&Lookup::Id(response.device)) {
                self.machine.belongs(response.device, device.groups);
            }
        }
        self.machine.restore((self.clock)(), unfinished, recent, &mut effects);
        self.act(&mut effects);
        loop {
            let dac_due = self.dac.poll(Instant::now());
            let mut replies = Vec::new();
            if !self.take(self.patience(dac_due), &mut effects, &mut replies) {
                return;
            }
            let now = (self.clock)();
            if self.machine.next_due().is_some_and(|due| due <= now) {
                drop(self.step(Input::Tick, &mut effects)); // a tick is never refused
            }
            if self.act(&mut effects) {
                for (reply, outcome) in replies {
                    drop(reply.send(outcome)); // whoever asked may have left
                }
            }
        }
    }

    /// Waits for something to happen, then takes what else is there. `false`: stop.
    fn take(&mut self, patience: Duration, effects: &mut Vec<Effect>, replies: &mut Vec<Reply>) -> bool {
        let (outside, returns) = (self.outside.clone(), self.returns.clone());
        let first = select! {
            recv(returns) -> input => input.ok().map(Message::Input),
            recv(outside) -> message => Some(message.unwrap_or(Message::Stop)),
            default(patience) => None,
        };
        let mut next = first;
        let mut room = BATCH;
        while let Some(message) = next {
            match message {
                Message::Stop => return false,
                Message::Input(input) => drop(self.step(input, effects)),
                Message::Ask(Ask { input, reply }) => replies.push((reply, self.step(input, effects))),
            }
            room -= 1;
            if room == 0 {
                break;
            }
            next = returns.try_recv().map(Message::Input).ok().or_else(|| outside.try_recv().ok());
        }
        true
    }

    fn step(&mut self, input: Input, effects: &mut Vec<Effect>) -> Result<(), Refused> {
        if let Input::Finding(raised) = &input
            && matches!(raised.mode, Mode::NotifyOnly | Mode::Enforce)
        {
            for id in Machine::ids_of(raised) {
                if !self.machine.knows(id) && self.is_stored(id) {
                    self.machine.remember(id);
                }
            }
        }
        self.machine.step((self.clock)(), input, effects)
    }

    /// Whether an earlier run made this response already.
    fn is_stored(&self, id: ResponseId) -> bool {
        self.insist(|| self.store.response(id)).is_some_and(|found| found.is_some())
    }

    /// How long nothing needs to be done.
    fn patience(&self, dac_due: Option<Instant>) -> Duration {
        let dac = dac_due.map_or(IDLE, |due| due.saturating_duration_since(Instant::now()));
        let machine = self.machine.next_due().map_or(IDLE, |due| due.since((self.clock)()));
        dac.min(machine).min(IDLE)
    }

    /// Does it until the store takes it; `None` only when stopping. Until then nothing is sent: what is not written
    /// down would be forgotten by a crash.
    pub(super) fn insist<T>(&self, what: impl Fn() -> fleetward_store::Result<T>) -> Option<T> {
        let mut pause = Duration::from_millis(20);
        loop {
            match what() {
                Ok(done) => {
                    self.healthy.store(true, Ordering::Relaxed);
                    return Some(done);
                }
                Err(error) => {
                    self.healthy.store(false, Ordering::Relaxed);
                    self.metrics.store_retries.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(%error, "the store does not take a response's step; nothing is sent until it does");
                }
            }
            if self.stopping.load(Ordering::Relaxed) {
                return None;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }
}

/// The most inputs of one batch: one transaction is written for it.
const BATCH: usize = 512;
/// The longest sleep.
const IDLE: Duration = Duration::from_mins(1);
