//! The server, wired: one file to read from the packet to the response.
//!
//! The order of starting is the reverse of an observation's way, so that nothing arrives where nobody listens yet:
//! database, directory, responses, detection, journal (and its replay), RADIUS, API. Stopping is the way itself.

mod aim;
mod audits;
mod capture;
mod control;
mod enforce;
mod events;
mod folder;
mod gateways;
mod kin;
pub(crate) mod log;
mod observed;
mod outputs;
mod projector;
mod quota;
mod replay;
mod responder;
mod ruledesk;
mod ruletrial;
mod sources;
mod ticks;
mod translate;
mod web;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use fleetward_aaa as aaa;
use fleetward_api::{Control as _, ControlError};
use fleetward_detect::engine::{Config as EngineConfig, Engine, Resume};
use fleetward_detect::{Compiled, History};
use fleetward_fleet::{Device, Observation, Offset, PlannedChange, wire};
use fleetward_journal::{Committed, Config as JournalConfig, Journal, Retention};
use fleetward_store::Store;
use parking_lot::{Mutex, RwLock};

pub(crate) use capture::{flow_limits, flow_of, network_of};
pub(crate) use events::{Event, Events};
pub(crate) use folder::{failure as store_failure, has_store, make_private_folder, names, open_store};
pub(crate) use replay::observation as observation_of;
pub(crate) use web::{Signal, signals};

use crate::clock;
use crate::config::{Problem, Settings};
use crate::exit::Failure;
use crate::history::JournalHistory;
use control::ServerControl;
use outputs::Outbox;
use projector::Projector;
use responder::Late;
use ruledesk::RuleDesk;
use sources::Sources;

/// What rides along in the journal.
type Record = Arc<Observation>;

/// A running server. [`Server::stop`] answers what was received, then closes.
pub(crate) struct Server {
    radius: Arc<aaa::Server>,
    web: web::Web,
    ticker: JoinHandle<()>,
    capture: capture::Capture,
    audits: audits::Audits,
    wall: Option<enforce::Wall>,
    journal: Journal<Record>,
    engine: Arc<Engine>,
    outbox: Outbox,
    control: Arc<ServerControl>,
    stop: Arc<AtomicBool>,
    pub(crate) store: Store,
    pub(crate) events: Events,
    pub(crate) addresses: Addresses,
}

/// Where it listens, once it does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses {
    pub(crate) authentication: Vec<SocketAddr>,
    pub(crate) accounting: Vec<SocketAddr>,
    pub(crate) radsec: Vec<SocketAddr>,
    /// The API's base URL.
    pub(crate) api: String,
}

impl Addresses {
    fn of(radius: &aaa::Server, web: &web::Web) -> Self {
        let at = radius.local_addrs();
        Self {
            authentication: at.auth.clone(),
            accounting: at.acct.clone(),
            radsec: at.radsec.clone(),
            api: web.url.clone(),
        }
    }
}

/// How often time is written into the journal.
const TICK_EVERY: Duration = Duration::from_secs(5);

/// What would keep [`run`] from starting, as far as it shows without opening a port or an interface.
pub(crate) fn rehearse(settings: &Settings) -> Vec<Problem> {
    let mut wrong = responder::unusable(settings);
    wrong.extend(capture::missing(settings));
    wrong
}

/// `fleetward serve`: runs until SIGINT or SIGTERM.
pub(crate) fn run(settings: &Settings) -> anyhow::Result<()> {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let signals = signals()?;
    let server = Server::start(settings, TICK_EVERY)?;
    let at = &server.addresses;
    tracing::info!(authentication = ?at.authentication, accounting = ?at.accounting, radsec = ?at.radsec, api = %at.api, "ready");
    while signals.wait() == Signal::Reload {
        match server.control.reload() {
            Ok(reloaded) => reloaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}")),
            Err(ControlError::Mistakes(mistakes)) => {
                for mistake in mistakes {
                    tracing::error!("{}:{}:{}: {}", mistake.file, mistake.line, mistake.column, mistake.message);
                }
                tracing::error!("nothing was reloaded: the rules and models before stay in force");
            }
            Err(error) => tracing::error!(%error, "nothing was reloaded"),
        }
    }
    tracing::info!("stopping");
    server.stop();
    Ok(())
}

impl Server {
    /// Starts everything, or says what is in the way.
    pub(crate) fn start(settings: &Settings, tick_every: Duration) -> anyhow::Result<Self> {
        let data = settings.data();
        let store = folder::open(&data)?;
        let events = Events::default();
        let directory = directory(settings, &store)?;

        // Judging and what follows from it. The responder comes once the journal is replayed.
        let responder = Late::default();
        let (outbox, incoming) = Outbox::new();
        let history = Arc::new(JournalHistory::default());
        let (engine, resume) = judging(settings, data.join("snapshots"), &history, &outbox)?;
        incoming.start(outputs::Parts {
            store: store.clone(),
            directory: Arc::clone(&directory),
            responder: Arc::clone(&responder),
            engine: Arc::downgrade(&engine),
            events: events.clone(),
            clock: clock::now,
        })?;
        let people = Arc::new(capture::People::new(&settings.config.capture, &settings.profiles));
        let wall_told = Arc::new(OnceLock::new());
        let on_change = on_change(&responder, &people, &wall_told);
        let projector = Projector::start(store.clone(), Arc::clone(&directory), on_change)?;

        // The journal, and what it holds that nobody knows yet.
        let sources = Arc::new(sources(settings, &store)?);
        let journal = open_journal(settings, data.join("journal"), &engine, &projector, &sources)?;
        if let Some(subjects) = journal.subjects() {
            history.set(Arc::clone(subjects));
        }
        journal.keep_from(resume.next);
        recover(&journal, &engine, &projector, &store, &resume)?;
        outbox.flush();
        replay::open_sessions(&engine, &directory)?;
        let wall = enforce::Wall::start(settings, &store, &journal.handle(), &responder)?;
        wall_told.set(wall.as_ref().map(enforce::Wall::door)).ok();
        let hands = hands(settings, wall.as_ref(), &journal, &engine, &store, &events);
        if responder.set(responder::start(settings, hands)?).is_err() {
            bail!("the responder was started twice");
        }
        outbox.flush();

        // The outside world.
        let stop = Arc::new(AtomicBool::new(false));
        let ticker = ticks::Ticker {
            journal: journal.handle(),
            engine: Arc::clone(&engine),
            outbox: outbox.clone(),
            store: store.clone(),
            sources: Arc::clone(&sources),
            tick_every,
            snapshot_every: settings.config.snapshot_every.0,
            stop: Arc::clone(&stop),
        };
        let ticker = std::thread::Builder::new().name("ticker".into()).spawn(move || ticker.run())?;
        let capture = capture::Capture::start(settings, people, &store, &engine, &journal.handle())?;
        let mut audits = audits::Audits::open(settings, &store)?;
        let desk = Arc::new(RuleDesk {
            capture: capture.watch(),
            wall: wall.as_ref().map(enforce::Wall::door),
            config: settings.file.clone(),
            channels: settings.config.channels.keys().cloned().collect(),
            engine: Arc::clone(&engine),
            directory: Arc::clone(&directory),
            in_force: RwLock::new(Arc::clone(&settings.rules)),
            turn: Mutex::default(),
            trying: Mutex::default(),
        });
        let radius =
            aaa::Server::start(gateways::radius(settings)?, Arc::clone(&directory), journal.handle(), clock::shared());
        let radius = Arc::new(radius.map_err(|error| Failure::unfinished(error.to_string(), "nothing was started"))?);
        let control = Arc::new(ServerControl {
            store: store.clone(),
            engine: Arc::clone(&engine),
            journal: journal.handle(),
            projector,
            responder,
            radius: Arc::clone(&radius),
            desk,
            sources,
            capture: capture.watch(),
            audits: audits.watch(),
            wall: wall.as_ref().map(enforce::Wall::door),
            watchers: control::broadcast(&events),
        });
        let web = web::Web::start(settings, &data, &store, Arc::clone(&control) as Arc<dyn fleetward_api::Control>)?;
        audits.begin(settings, &store, &directory, &journal.handle())?;
        let addresses = Addresses::of(&radius, &web);
        Ok(Self {
            radius,
            web,
            ticker,
            capture,
            audits,
            wall,
            journal,
            engine,
            outbox,
            control,
            stop,
            store,
            events,
            addresses,
        })
    }

    /// Puts devices into the inventory, as the API would.
    pub(crate) fn import(&self, devices: Vec<Device>, by: &str) -> anyhow::Result<()> {
        fleetward_api::Control::import(&*self.control, devices, by)?;
        Ok(())
    }

    /// Announces a change, as the API would.
    pub(crate) fn plan(&self, change: PlannedChange) -> anyhow::Result<()> {
        Ok(self.control.plan(change)?)
    }

    /// Takes no more requests, lets what was received be stored, judged and answered, writes a snapshot, closes.
    pub(crate) fn stop(self) {
        let Self {
            radius, mut web, ticker, capture, audits, wall, journal, engine, outbox, control, stop, store, ..
        } = self;
        web.stop();
        stop.store(true, Ordering::Relaxed);
        audits.stop();
        capture.stop();
        if let Some(wall) = wall {
            wall.stop();
        }
        if ticker.join().is_err() {
            tracing::error!("the ticker had panicked");
        }
        drop(control);
        if let Ok(radius) = Arc::try_unwrap(radius) {
            radius.stop();
        } else {
            tracing::warn!("RADIUS is still in use; it ends with the process");
        }
        let handle = journal.handle();
        drop(journal);
        if engine.drain().is_ok() {
            ticks::snapshot(&engine, &outbox, &handle);
        }
        if let Err(error) = store.checkpoint() {
            tracing::warn!(%error, "the database keeps a write-ahead log beside it; the next start reads both");
        }
    }
}

/// What the responder does with.
fn hands(
    settings: &Settings,
    wall: Option<&enforce::Wall>,
    journal: &Journal<Record>,
    engine: &Arc<Engine>,
    store: &Store,
    events: &Events,
) -> responder::Hands {
    responder::Hands {
        wall: wall.map(enforce::Wall::door),
        journal: journal.handle(),
        engine: Arc::clone(engine),
        store: store.clone(),
        events: events.clone(),
        by_name_alone: responder::by_name_alone(settings),
        by_station: responder::by_station(settings),
    }
}

/// The inventory as admission asks it.
fn directory(settings: &Settings, store: &Store) -> anyhow::Result<Arc<aaa::Directory>> {
    let directory = Arc::new(aaa::Directory::new());
    directory.set_profiles(settings.profiles.iter().cloned().map(Arc::new));
    store.each_device(|device| directory.upsert(&device)).map_err(folder::failure)?;
    Ok(directory)
}

/// Starts detection where its last snapshot ended.
fn judging(
    settings: &Settings,
    snapshots: PathBuf,
    history: &Arc<JournalHistory>,
    outbox: &Outbox,
) -> anyhow::Result<(Arc<Engine>, Resume)> {
    let past = Some(Arc::clone(history) as Arc<dyn History>);
    let config = EngineConfig { snapshots: Some(snapshots), history: past, ..EngineConfig::default() };
    let compiled = Arc::new(compiled(settings));
    let (engine, resume) = Engine::start(config, compiled, outbox.sink()).context("cannot start detection")?;
    resume.problems.iter().for_each(|problem| tracing::warn!("{problem}"));
    Ok((Arc::new(engine), resume))
}

/// What is judged by: at the start, and after a reload.
fn compiled(settings: &Settings) -> Compiled {
    let baseline = &settings.config.baseline;
    Compiled::new(Arc::clone(&settings.rules), settings.profiles.iter().cloned())
        .with_baseline(baseline.settings(), baseline.off_for.iter().map(|model| &*model.value))
}

/// The sources that are expected to speak.
fn sources(settings: &Settings, store: &Store) -> anyhow::Result<Sources> {
    let wanted = settings.config.sources.iter();
    let wanted = wanted.map(|source| (source.name.value.clone(), source.silent_after.0));
    let captures = settings.config.capture.sources.iter();
    let captures = captures.filter_map(|source| Some((source.name.value.clone(), source.silent_after?.0)));
    let wanted = wanted.chain(captures);
    Sources::new(wanted, store, clock::now()).map_err(folder::failure)
}

/// What the projector says about each device, passed on: a suspension is verified by it, packets are told apart by it.
fn on_change(
    responder: &Late,
    people: &Arc<capture::People>,
    wall: &Arc<OnceLock<Option<enforce::Door>>>,
) -> projector::OnChange {
    let (responder, people, wall) = (Arc::clone(responder), Arc::clone(people), Arc::clone(wall));
    Box::new(move |device, removed| {
        people.changed();
        if let Some(Some(door)) = wall.get() {
            door.inventory_changed();
        }
        if let (Some(responder), false) = (responder.get(), removed) {
            responder.device_changed(device.id(), device.state);
        }
    })
}

fn open_journal(
    settings: &Settings,
    dir: PathBuf,
    engine: &Arc<Engine>,
    projector: &Projector,
    sources: &Arc<Sources>,
) -> anyhow::Result<Journal<Record>> {
    let wanted = &settings.config.journal;
    let mut config = JournalConfig::new(dir);
    config.segment_bytes = wanted.segment.0;
    config.subject_of = Some(wire::subject);
    config.retention = Retention {
        max_age: (wanted.keep_days > 0).then(|| Duration::from_secs(u64::from(wanted.keep_days) * 86_400)),
        max_bytes: (wanted.keep_bytes.0 > 0).then_some(wanted.keep_bytes.0),
    };
    let (engine, projector, sources) = (Arc::clone(engine), projector.clone(), Arc::clone(sources));
    let on_commit = move |records: Vec<Committed<Record>>| {
        for record in &records {
            projector.project(record.offset, &record.item);
            sources.heard(&record.item);
        }
        if engine.submit(records.into_iter().map(|record| (record.offset, record.item))).is_err() {
            tracing::error!("detection has stopped: records are kept and will be judged after a restart");
        }
    };
    let (journal, recovery) = Journal::open(config, clock::shared(), on_commit).context("cannot open the journal")?;
    if recovery.cut_bytes > 0 {
        tracing::info!(
            bytes = recovery.cut_bytes,
            "a half-written group at the journal's end was cut off; it was never acknowledged"
        );
    }
    Ok(journal)
}

fn recover(
    journal: &Journal<Record>,
    engine: &Engine,
    projector: &Projector,
    store: &Store,
    resume: &Resume,
) -> anyhow::Result<()> {
    let projected = store.devices_projected().map_err(folder::failure)?.map_or(Offset(0), |last| Offset(last.0 + 1));
    let replayed = replay::replay(journal, engine, projector, resume.next, projected)?;
    tracing::info!(records = replayed.records, from = resume.next.0, "journal replayed");
    if replayed.unreadable > 0 {
        tracing::error!(records = replayed.unreadable, "records of a newer version were passed over; upgrade again");
    }
    if resume.snapshot.is_none() && journal.oldest_offset() > Offset(0) {
        let devices = replay::reseed(journal, store, clock::now())?;
        tracing::warn!(devices, "no snapshot and an old journal: the inventory was written into the journal again");
    }
    Ok(())
}
