//! Packets as a sense of the server: each source has a thread that reads, assembles flows, sums them up by device and destination,
//! and appends the sums to the journal; what does not fit goes there at once.
//!
//! # Invariants
//!
//! * **Bounded.** Flows, destinations of an interval, and signs that wait have limits; what is beyond is summed up or counted.
//! * **What was lost is counted**: frames that the kernel dropped, flows that gave way, sums that the journal did not take.
//! * **A capture file counts once**, however often the server starts: its sums have keys of their content.

mod gauges;
mod people;
mod record;
mod source;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::Context;
use fleetward_api::{Component, Health};
use fleetward_detect::Engine;
use fleetward_fleet::Profile;
use fleetward_fleet::metric::Sample;
use fleetward_guard::watch::NameList;
use fleetward_journal::Handle;
use fleetward_store::Store;
use serde_saphyr::Spanned;

use self::gauges::Gauges;
pub(super) use self::people::People;
pub(crate) use self::people::network_of;
use self::record::Recorder;
pub(crate) use self::record::flow_of;
use self::source::Source;
pub(crate) use self::source::flow_limits;
use super::Record;
use crate::config::{Problem, Settings};

/// All sources of packets.
pub(super) struct Capture {
    people: Arc<People>,
    gauges: Vec<Arc<Gauges>>,
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

/// What the rest of the server asks of it.
#[derive(Clone)]
pub(super) struct Watch {
    people: Arc<People>,
    gauges: Vec<Arc<Gauges>>,
}

impl Capture {
    /// Opens every source and begins to read. What is missing at the start (a privilege, a file) is an error; an interface that goes
    /// away later is tried again.
    pub(super) fn start(
        settings: &Settings,
        people: Arc<People>,
        store: &Store,
        engine: &Arc<Engine>,
        journal: &Handle<Record>,
    ) -> anyhow::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (mut gauges, mut threads) = (Vec::new(), Vec::new());
        let sources = &settings.config.capture.sources;
        if !sources.is_empty() {
            people.look(store, engine);
        }
        let lists = lists(settings)?;
        // All are opened before one begins.
        let opened = sources.iter().map(|wanted| Source::open(wanted, settings)).collect::<anyhow::Result<Vec<_>>>()?;
        for (wanted, source) in sources.iter().zip(opened) {
            let gauge = Arc::new(Gauges::new(&wanted.name.value));
            let recorder = Recorder::new(&wanted.name.value, source.is_once(), journal.clone(), Arc::clone(&gauge));
            let mut reader = source::Reader {
                people: Arc::clone(&people),
                store: store.clone(),
                engine: Arc::clone(engine),
                gauges: Arc::clone(&gauge),
                stop: Arc::clone(&stop),
                flush_every: settings.config.capture.flush_every.0,
                lists: lists.clone(),
            }
            .begin(recorder)?;
            let thread = std::thread::Builder::new().name(format!("capture {}", wanted.name.value));
            threads.push(thread.spawn(move || reader.run(source)).context("cannot start a thread")?);
            gauges.push(gauge);
        }
        Ok(Self { people, gauges, threads, stop })
    }

    /// For the rest of the server.
    pub(super) fn watch(&self) -> Watch {
        Watch { people: Arc::clone(&self.people), gauges: self.gauges.clone() }
    }

    /// Writes down what is summed up so far, and ends.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread that reads packets had panicked");
            }
        }
    }
}

/// What a start would miss of what the configuration names: lists, and files to read.
pub(super) fn missing(settings: &Settings) -> Vec<Problem> {
    let capture = &settings.config.capture;
    let mut missing = Vec::new();
    for list in capture.trackers.iter().chain(&capture.doh) {
        if let Err(error) = list_text(settings, &list.value) {
            missing.push(settings.problem(list.referenced, format!("capture: {error:#}")));
        }
    }
    for source in &capture.sources {
        let Some(file) = &source.file else { continue };
        let path = settings.path(&file.value);
        if !path.exists() {
            let message = format!("capture source {:?}: there is no file {}", source.name.value, path.display());
            missing.push(settings.problem(file.referenced, message));
        }
    }
    missing
}

/// The lists of names that the configuration names.
fn lists(settings: &Settings) -> anyhow::Result<fleetward_guard::watch::Settings> {
    let read = |paths: &[Spanned<PathBuf>]| {
        let mut list = NameList::default();
        for path in paths {
            let _names = list.add(&list_text(settings, &path.value)?);
        }
        anyhow::Ok(list)
    };
    let wanted = &settings.config.capture;
    Ok(fleetward_guard::watch::Settings { trackers: read(&wanted.trackers)?, doh: read(&wanted.doh)? })
}

fn list_text(settings: &Settings, path: &Path) -> anyhow::Result<String> {
    let path = settings.path(path);
    std::fs::read_to_string(&path).with_context(|| format!("cannot read the list {}", path.display()))
}

impl Watch {
    /// Profiles changed.
    pub(super) fn set_profiles(&self, profiles: &[Profile]) {
        self.people.set_profiles(profiles);
    }

    pub(super) fn metrics(&self) -> Vec<Sample> {
        self.gauges.iter().flat_map(|gauges| gauges.samples()).collect()
    }

    /// For `/health`: a source that cannot be read does not stop the server, and somebody should look.
    pub(super) fn health(&self) -> Option<Component> {
        if self.gauges.is_empty() {
            return None;
        }
        let wrong: Vec<String> = self.gauges.iter().filter_map(|gauges| gauges.trouble()).collect();
        let health = if wrong.is_empty() { Health::Ok } else { Health::Degraded };
        Some(Component { name: "capture", health, reason: wrong.join("; ") })
    }
}
