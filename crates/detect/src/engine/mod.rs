//! Worker threads that own the partitions, fed in journal order.
//!
//! # Invariants
//!
//! * **A device's records are judged in journal order**: one worker owns its partition, and [`Engine::submit`] hands
//!   over under a lock. Between devices of different workers there is no order.
//! * **Nothing is dropped**: queues are bounded, and a full one makes `submit` wait. The journal's completer waits
//!   with it, appends are refused, senders retry: what cannot be judged in time is not acknowledged.
//! * **A snapshot is never ahead of its outputs**: see [`Engine::snapshot`].
//! * **Groups see one order**: what concerns a group or model as a whole goes through one more thread, which judges in
//!   journal order whatever the number of workers (see `stage`).

mod ahead;
mod query;
mod stage;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use fleetward_fleet::metric::Sample;
use fleetward_fleet::{Observation, Offset, PARTITIONS};
use parking_lot::Mutex;

use self::stage::Stage;
use self::worker::{Message, Owned, Share, Shown};
use crate::partition::Tally;
use crate::snapshot::{self, SnapshotError, Written};
use crate::{Compiled, Counts, History, Output};

/// How the engine is set up.
#[derive(Clone)]
pub struct Config {
    /// Worker threads; each owns every `workers`-th of the 256 partitions. 0 means as many as cores, at most 4.
    pub workers: usize,
    /// Batches that may wait for a worker; then [`Engine::submit`] blocks.
    pub queue: usize,
    /// Where snapshots lie; `None` keeps none, and every start replays the whole journal.
    pub snapshots: Option<PathBuf>,
    /// The past of each device, so that windows are measured exactly before an alarm; `None`: findings say "at least".
    pub history: Option<Arc<dyn History>>,
}

impl Default for Config {
    fn default() -> Self {
        Self { workers: 0, queue: 64, snapshots: None, history: None }
    }
}

/// What one worker says about one batch. The sink is called on the worker's thread, in journal order per device (or
/// group); while it blocks, that worker waits.
#[derive(Debug)]
pub struct Outputs {
    /// Which worker; the number of workers for what concerns groups and models.
    pub worker: usize,
    /// This worker has judged every record before this offset that concerns it.
    pub upto: Offset,
    /// Never empty.
    pub outputs: Vec<Output>,
}

/// Where outputs go.
pub type Sink = Arc<dyn Fn(Outputs) + Send + Sync>;

/// From where to replay the journal after [`Engine::start`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// Feed records from this offset on (earlier ones do no harm: each partition skips what it has).
    pub next: Offset,
    /// The snapshot that was loaded, if any.
    pub snapshot: Option<PathBuf>,
    /// Why snapshots were passed over, in words for the log.
    pub problems: Vec<String>,
}

/// A worker thread is gone (it panicked or the engine was stopped): nothing more is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("detection has stopped")]
pub struct Stopped;

/// The running engine. Dropping it stops the workers after what was submitted.
pub struct Engine {
    workers: Vec<Sender<Message>>,
    /// The second stage; `None` only while the engine is dropped.
    stage: Option<Sender<stage::Message>>,
    /// The workers', then the stage's.
    threads: Vec<JoinHandle<()>>,
    shown: Vec<Arc<Shown>>,
    groups: Arc<stage::Shown>,
    /// Whether a rule about groups or models is in force.
    wants_groups: AtomicBool,
    /// Held while a batch or a reload is handed to all workers, so that all see them in one order. Holds the offset
    /// after the last record handed over.
    feed: Mutex<Offset>,
    snapshots: Option<PathBuf>,
    /// One snapshot at a time.
    writing: Mutex<()>,
}

impl Engine {
    /// Loads the newest valid snapshot and starts the workers. Replay the journal from [`Resume::next`] through
    /// [`Self::submit`], then go on with what is committed live.
    #[expect(clippy::needless_pass_by_value, reason = "the engine keeps both; callers hand them over")]
    pub fn start(config: Config, compiled: Arc<Compiled>, sink: Sink) -> Result<(Self, Resume), SnapshotError> {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from).min(4);
        let workers = if config.workers == 0 { cores() } else { config.workers.min(PARTITIONS) };
        let loaded = match &config.snapshots {
            Some(folder) => snapshot::load(folder, workers)?,
            None => snapshot::Loaded::nothing(),
        };
        let mut next = loaded.states.iter().map(crate::PartitionState::next).min().unwrap_or_default();
        let mut groups = loaded.groups;
        let wants_groups = compiled.groups.any();
        if wants_groups {
            next = next.min(groups.next());
        } else {
            groups.forget();
        }
        let resume = Resume { next, snapshot: loaded.path, problems: loaded.problems };

        let mut states: Vec<Option<crate::PartitionState>> = loaded.states.into_iter().map(Some).collect();
        let mut engine = Self {
            workers: Vec::new(),
            stage: None,
            threads: Vec::new(),
            shown: Vec::new(),
            groups: Arc::default(),
            wants_groups: AtomicBool::new(wants_groups),
            feed: Mutex::new(next),
            snapshots: config.snapshots,
            writing: Mutex::new(()),
        };
        let (stage, facts) = bounded(config.queue.max(1) * workers);
        engine.stage = Some(stage.clone());
        for worker in 0..workers {
            let share = Share { worker, workers };
            let own = share.partitions().map(|p| states[p].take().unwrap_or_default()).collect();
            let owned = Owned::new(share, own, compiled.clone(), config.history.clone());
            engine.spawn(owned, worker, config.queue, sink.clone(), stage.clone())?;
        }
        let stage = Stage::new(groups, workers, engine.groups.clone());
        engine.threads.push(thread("detect-groups", move || stage.run(&facts, &sink))?);
        Ok((engine, resume))
    }

    fn spawn(
        &mut self,
        owned: Owned,
        worker: usize,
        queue: usize,
        sink: Sink,
        stage: Sender<stage::Message>,
    ) -> Result<(), SnapshotError> {
        let (sender, messages) = bounded(queue.max(1));
        let shown = Arc::new(Shown::default());
        shown.applied.store(owned.applied.0, Ordering::Release);
        let show = shown.clone();
        let run = move || owned.run(&messages, &sink, &stage, &show);
        self.workers.push(sender);
        self.threads.push(thread(&format!("detect-{worker}"), run)?);
        self.shown.push(shown);
        Ok(())
    }

    /// Hands over committed records in journal order, with one message per worker. Blocks while a worker's queue is full.
    pub fn submit(&self, records: impl IntoIterator<Item = (Offset, Arc<Observation>)>) -> Result<(), Stopped> {
        let workers = self.workers.len();
        let records = records.into_iter();
        let share = records.size_hint().0.div_ceil(workers);
        let mut shares: Vec<_> = (0..workers).map(|_| Vec::with_capacity(share)).collect();
        let mut next = None;
        let mut feed = self.feed.lock();
        for (offset, observation) in records {
            next = Some(Offset(offset.0 + 1));
            if observation.body.concerns_all() {
                for share in &mut shares {
                    share.push((offset, observation.clone()));
                }
            } else {
                shares[Share::owner(observation.device.partition(), workers)].push((offset, observation));
            }
        }
        let Some(upto) = next else { return Ok(()) };
        *feed = upto.max(*feed);
        for (sender, records) in self.workers.iter().zip(shares) {
            sender.send(Message::Batch { records, upto }).map_err(|_| Stopped)?;
        }
        Ok(())
    }

    /// Waits until everything submitted so far is judged and the sink has returned from its outputs.
    pub fn drain(&self) -> Result<(), Stopped> {
        self.settled(|_| (), |_, _| ())
    }

    /// Asks all workers at one place of the journal, and then the second stage, which by then has judged all before that
    /// place (its offset is handed to `last`).
    fn settled<T: Send + 'static>(
        &self,
        each: impl Fn(&mut Owned) + Clone + Send + 'static,
        last: impl FnOnce(&mut Stage, Offset) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let feed = self.feed.lock();
        let (answers, place) = (self.ask_all(each)?, *feed);
        drop(feed);
        answers.iter().try_for_each(|answer| answer.recv().map_err(|_| Stopped))?;
        let (sender, answer) = bounded(1);
        let ask = stage::Message::Ask(Box::new(move |stage| {
            drop(sender.send(last(stage, place))); // whoever asked may have gone
        }));
        self.stage.as_ref().ok_or(Stopped)?.send(ask).map_err(|_| Stopped)?;
        answer.recv().map_err(|_| Stopped)
    }

    /// Swaps rules and profiles between two batches, on all workers between the same two. Windows and episodes of rules
    /// that stay are kept; those of rules that are gone are dropped by and by.
    pub fn reload(&self, compiled: Arc<Compiled>) -> Result<(), Stopped> {
        let (wants, rules) = (compiled.groups, compiled.rules.clone());
        let wants_groups = wants.any();
        self.settled(
            move |owned| owned.compiled = compiled.clone(),
            move |stage, place| {
                if wants_groups {
                    stage.state.forget_unwatched(&rules, &wants);
                } else {
                    stage.state.forget();
                }
                stage.settle(place);
            },
        )?;
        self.wants_groups.store(wants_groups, Ordering::Release);
        Ok(())
    }

    /// Writes a snapshot, in two phases. First all partitions are collected, one after the other between batches, so no
    /// worker stands still for longer than one partition takes. The groups come last: they have then judged everything
    /// that any of the partitions has handed on, so no fact is lost, and facts that a replay hands on again are skipped.
    /// At that moment the sink has returned from every output before `upto`, but may only have queued it:
    /// `confirm(upto)` is called and must return `true` only when all of that is durable; `false` abandons the snapshot.
    /// Then it is synced and takes the place of the oldest.
    pub fn snapshot(&self, confirm: impl FnOnce(Offset) -> bool) -> Result<Written, SnapshotError> {
        let folder = self.snapshots.as_ref().ok_or(SnapshotError::NotConfigured)?;
        let _one_at_a_time = self.writing.lock();
        let mut file = snapshot::Writer::create(folder)?;
        let mut upto = Offset(0);
        let workers = self.workers.len();
        for round in (0..PARTITIONS).step_by(workers) {
            // One partition of each worker at a time: in parallel, and never two in a row on one worker's queue.
            let answers: Vec<_> = (round..PARTITIONS.min(round + workers))
                .map(|partition| {
                    self.ask(partition % workers, move |owned| {
                        let applied = owned.applied;
                        let state = owned.partition(partition);
                        state.applied_until(applied);
                        (state.next(), state.freeze())
                    })
                })
                .collect::<Result<_, Stopped>>()?;
            for answer in answers {
                let (next, bytes) = answer.recv().map_err(|_| Stopped)?;
                upto = upto.max(next);
                file.partition(next, &bytes)?;
            }
        }
        let (next, bytes) = self.settled(
            |_| (),
            move |stage, place| {
                stage.settle(place);
                (stage.state.next(), stage.state.freeze())
            },
        )?;
        upto = upto.max(next);
        file.groups(next, &bytes)?;
        if !confirm(upto) {
            return Err(SnapshotError::NotConfirmed);
        }
        file.finish()
    }

    /// Sums over all workers, without waiting for any: as of a few batches ago.
    pub fn counts(&self) -> Counts {
        let tally = self.shown.iter().map(|shown| *shown.tally.lock()).fold(Tally::default(), Tally::plus);
        let mut counts = tally.counts();
        counts.findings += self.groups.findings.load(Ordering::Relaxed);
        counts
    }

    /// Every record before this offset has been judged.
    pub fn applied(&self) -> Offset {
        let groups = self.wants_groups.load(Ordering::Acquire).then(|| self.groups.applied.load(Ordering::Acquire));
        let workers = self.shown.iter().map(|shown| shown.applied.load(Ordering::Acquire));
        Offset(workers.chain(groups).min().unwrap_or(0))
    }

    /// For `/metrics`, without waiting for any worker.
    pub fn metrics(&self) -> Vec<Sample> {
        let mut samples = self.counts().metrics();
        samples.extend(self.groups.metrics(self.stage.as_ref().map_or(0, Sender::len)));
        let submitted = self.feed.try_lock().map(|feed| *feed);
        for (worker, (shown, sender)) in self.shown.iter().zip(&self.workers).enumerate() {
            let applied = shown.applied.load(Ordering::Acquire);
            let behind = submitted.map_or(0, |next| next.0.saturating_sub(applied));
            #[expect(clippy::cast_precision_loss, reason = "Prometheus values are doubles")]
            let gauge =
                |name, help, value: u64| Sample::gauge(name, help, value as f64).with("worker", worker.to_string());
            samples.push(gauge(
                "fleetward_detect_applied_offset",
                "Journal offset before which all is judged.",
                applied,
            ));
            if submitted.is_some() {
                samples.push(gauge(
                    "fleetward_detect_lag_records",
                    "Committed records that wait to be judged.",
                    behind,
                ));
            }
            samples.push(gauge(
                "fleetward_detect_queue_batches",
                "Batches that wait for the worker.",
                sender.len() as u64,
            ));
        }
        samples
    }

    /// Lets a worker do something between two batches.
    fn ask<T: Send + 'static>(
        &self,
        worker: usize,
        question: impl FnOnce(&mut Owned) -> T + Send + 'static,
    ) -> Result<Receiver<T>, Stopped> {
        let (sender, answer) = bounded(1);
        let ask = Message::Ask(Box::new(move |owned| {
            let answered = question(owned);
            drop(sender.send(answered)); // whoever asked may have gone
        }));
        self.workers[worker].send(ask).map_err(|_| Stopped)?;
        Ok(answer)
    }

    fn ask_all<T: Send + 'static>(
        &self,
        question: impl Fn(&mut Owned) -> T + Clone + Send + 'static,
    ) -> Result<Vec<Receiver<T>>, Stopped> {
        (0..self.workers.len()).map(|worker| self.ask(worker, question.clone())).collect()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("workers", &self.workers.len())
            .field("applied", &self.applied())
            .finish_non_exhaustive()
    }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, SnapshotError> {
    let failed = |source| SnapshotError::Io { doing: "start a thread for", path: name.into(), source };
    std::thread::Builder::new().name(name.into()).spawn(run).map_err(failed)
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.workers.clear();
        self.stage = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!(
                    "a detection worker panicked; what it had not stored is judged again on the next start"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
