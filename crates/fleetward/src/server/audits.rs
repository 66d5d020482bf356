//! Audits that come again and again: the audit of the command line, carried out by the server when its time comes, and told to
//! the journal like everything else.
//!
//! # Invariants
//!
//! * **One at a time.** A thread of its own carries them out, one after the other, at the temperament's pace.
//! * **Nothing is missed in silence.** A run that failed, was cut or could not begin is in the log, in `/health` and in
//!   `/api/v1/audits` until a whole one follows.
//! * **The budget of attempts is the machine's**: it is the file that the command line keeps, too.

mod memory;
mod run;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use fleetward_aaa::Directory;
use fleetward_api::{AuditGoing, Component, Health, ScheduledAudit};
use fleetward_fleet::Timestamp;
use fleetward_fleet::metric::Sample;
use fleetward_journal::Handle;
use fleetward_store::Store;
use parking_lot::Mutex;

use self::memory::{Memory, Parts};
use super::Record;
use crate::audit::Far;
use crate::audit::schedule::Schedule;
use crate::audit::when::Turn;
use crate::clock;
use crate::config::Settings;

/// How often it is looked whether one is due.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// All that the configuration names.
pub(super) struct Audits {
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the rest of the server asks of them.
#[derive(Clone)]
pub(super) struct Watch(Arc<Shared>);

struct Shared {
    entries: Vec<Entry>,
    /// The thread lives.
    is_alive: AtomicBool,
}

struct Entry {
    schedule: Schedule,
    memory: Mutex<Memory>,
    going: Mutex<Option<Going>>,
}

/// A run, while it runs.
#[derive(Clone)]
struct Going {
    since: Timestamp,
    far: Arc<Far>,
}

/// What a run needs of the server.
struct Hands {
    shared: Arc<Shared>,
    scope: fleetward_audit::scope::Scope,
    /// This machine is the devices' gateway.
    has_gateway: bool,
    data: std::path::PathBuf,
    parts: Parts,
    store: Store,
    directory: Arc<Directory>,
    journal: Handle<Record>,
    stop: Arc<AtomicBool>,
}

impl Audits {
    /// Takes up what was left.
    pub(super) fn open(settings: &Settings, store: &Store) -> anyhow::Result<Self> {
        let now = clock::now();
        let entry = |wanted| {
            let schedule = Schedule::new(wanted, &settings.base);
            let memory = Memory::read(store, &schedule.name, now).map_err(super::folder::failure)?;
            memory.write(store, &schedule.name).map_err(super::folder::failure)?;
            anyhow::Ok(Entry { schedule, memory: Mutex::new(memory), going: Mutex::default() })
        };
        let entries = settings.config.audit.schedule.iter().map(entry).collect::<anyhow::Result<Vec<_>>>()?;
        let shared = Arc::new(Shared { entries, is_alive: AtomicBool::new(true) });
        Ok(Self { shared, stop: Arc::default(), thread: None })
    }

    /// Waits for the first one that is due, from now on: once nothing is in the server's way any more.
    pub(super) fn begin(
        &mut self,
        settings: &Settings,
        store: &Store,
        directory: &Arc<Directory>,
        journal: &Handle<Record>,
    ) -> anyhow::Result<()> {
        if self.shared.entries.is_empty() {
            return Ok(());
        }
        let data = settings.data();
        let hands = Hands {
            shared: Arc::clone(&self.shared),
            scope: settings.config.audit.scope(),
            has_gateway: settings.config.enforce.is_some(),
            parts: Parts::new(&data),
            data,
            store: store.clone(),
            directory: Arc::clone(directory),
            journal: journal.clone(),
            stop: Arc::clone(&self.stop),
        };
        let thread = std::thread::Builder::new().name("audits".into()).spawn(move || hands.work());
        self.thread = Some(thread.context("cannot start a thread")?);
        Ok(())
    }

    /// For the rest of the server.
    pub(super) fn watch(&self) -> Watch {
        Watch(Arc::clone(&self.shared))
    }

    /// Ends the one that runs within a moment; what it knows is told, and the rest is gone on with after a start.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Err(_)) = self.thread.map(JoinHandle::join) {
            tracing::error!("the thread of scheduled audits had panicked");
        }
    }
}

impl Hands {
    fn work(self) {
        // Also where it panics: a schedule that nobody keeps any more is a fault that is shown.
        struct Alive(Arc<Shared>);
        impl Drop for Alive {
            fn drop(&mut self) {
                self.0.is_alive.store(false, Ordering::Relaxed);
            }
        }
        let _alive = Alive(Arc::clone(&self.shared));
        let entries = &self.shared.entries;
        let mut looked = vec![clock::now(); entries.len()];
        while !self.stop.load(Ordering::Relaxed) {
            let now = clock::now();
            let due = entries.iter().zip(&mut looked).filter_map(|(entry, looked)| {
                let turn = entry.next_after(*looked, now);
                if turn.at > now {
                    self.note_missed(entry, now);
                }
                (turn.at <= now).then_some((entry, looked, turn))
            });
            if let Some((entry, looked, turn)) = due.min_by_key(|(.., turn)| turn.at) {
                self.run(entry, turn);
                *looked = turn.at;
            } else {
                std::thread::sleep(LOOK_EVERY);
                // A machine that slept was not busy: what it missed is not made up for by day.
                looked.fill(clock::now());
            }
        }
    }

    /// Writes down that the time of a run came and went, and says so once.
    fn note_missed(&self, entry: &Entry, now: Timestamp) {
        let mut memory = entry.memory.lock();
        let Some(at) = entry.schedule.when.missed(memory.known_until(), now) else { return };
        memory.missed = Some(at);
        self.write(entry, &memory);
        let audit = &entry.schedule.name;
        tracing::warn!(%audit, %at, "a scheduled audit was missed: the server was down, or another audit ran through its window");
    }

    fn write(&self, entry: &Entry, memory: &Memory) {
        if let Err(error) = memory.write(&self.store, &entry.schedule.name) {
            let audit = &entry.schedule.name;
            tracing::warn!(%audit, %error, "what became of a scheduled audit was not written down; a restart does not know");
        }
    }
}

impl Entry {
    fn next_after(&self, looked: Timestamp, now: Timestamp) -> Turn {
        self.schedule.when.next_after(self.memory.lock().before(), looked, now)
    }

    fn shown(&self, now: Timestamp) -> ScheduledAudit {
        let going = self.going.lock().clone();
        let (next, memory) = (self.next_after(now, now).at, self.memory.lock().clone());
        let running = going.map(|Going { since, far }| {
            let (addresses, done) = far.hosts();
            AuditGoing { since, addresses, done, share: far.share() }
        });
        ScheduledAudit {
            name: self.schedule.name.clone(),
            when: self.schedule.words.clone(),
            targets: self.schedule.targets.clone(),
            next: running.is_none().then_some(next),
            last: memory.ended.as_ref().map(memory::Last::shown),
            running,
            missed: memory.missed,
        }
    }
}

impl Watch {
    pub(super) fn list(&self) -> Vec<ScheduledAudit> {
        let now = clock::now();
        self.0.entries.iter().map(|entry| entry.shown(now)).collect()
    }

    /// For `/health`: an audit that is not whole does not stop the server, and somebody should look.
    pub(super) fn health(&self) -> Option<Component> {
        if self.0.entries.is_empty() {
            return None;
        }
        if !self.0.is_alive.load(Ordering::Relaxed) {
            let reason = "nobody keeps the schedule any more; see the log, and restart the server".to_owned();
            return Some(Component { name: "audits", health: Health::Failing, reason });
        }
        let named = |entry: &Entry| Some(format!("{}: {}", entry.schedule.name, entry.memory.lock().trouble()?));
        let wrong: Vec<String> = self.0.entries.iter().filter_map(named).collect();
        let health = if wrong.is_empty() { Health::Ok } else { Health::Degraded };
        let more = if wrong.is_empty() { "" } else { "; `fleetward audit --scheduled` says why" };
        Some(Component { name: "audits", health, reason: wrong.join("; ") + more })
    }

    pub(super) fn metrics(&self) -> Vec<Sample> {
        let samples = self.0.entries.iter().flat_map(|entry| {
            let memory = entry.memory.lock();
            let last = memory.ended.as_ref();
            let is_well = memory.trouble().is_none();
            #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 and counts of faults")]
            let ended = last.and_then(|it| it.ended).map_or(0.0, |at| at.secs() as f64);
            #[expect(clippy::cast_precision_loss, reason = "counts of faults are small")]
            let faults = last.map_or(0.0, |it| it.faults as f64);
            let name = &*entry.schedule.name;
            [
                ("fleetward_audit_ended_seconds", "When the last run of a scheduled audit ended; 0: none did.", ended),
                ("fleetward_audit_faults", "Faults that the last run of a scheduled audit found.", faults),
                (
                    "fleetward_audit_up",
                    "The last run of a scheduled audit was whole, and none was missed.",
                    if is_well { 1.0 } else { 0.0 },
                ),
            ]
            .map(|(metric, help, value)| Sample::gauge(metric, help, value).with("audit", name))
        });
        samples.collect()
    }
}
