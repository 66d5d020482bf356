//! Sums and signs as observations in the journal.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fleetward_api::Told;
use fleetward_capture::Total;
use fleetward_fleet::{Body, DeviceId, Flow, Identity, NetworkSign, Observation, Timestamp};
use fleetward_journal::{Entry, Handle, Refused};

use super::gauges::Gauges;
use crate::clock;
use crate::server::{Record, observed, ticks};

/// How often a full journal is asked again, a second apart, before observations are given up and counted.
const TRIES: u32 = 30;

/// Writes for one source.
pub(super) struct Recorder {
    source: Box<str>,
    /// The same file may be read again after a restart: what it says counts once.
    once: bool,
    journal: Handle<Record>,
    gauges: Arc<Gauges>,
    waiting: Vec<Entry<Record>>,
}

impl Recorder {
    pub(super) fn new(source: &str, once: bool, journal: Handle<Record>, gauges: Arc<Gauges>) -> Self {
        Self { source: source.into(), once, journal, gauges, waiting: Vec::new() }
    }

    /// A sum of flows.
    pub(super) fn sum(&mut self, total: Total<DeviceId>) {
        self.gauges.sums.fetch_add(1, Ordering::Relaxed);
        let (device, at) = (total.device, total.sum.last.timestamp());
        self.observe(device, None, at, Body::Flow(Box::new(flow_of(total))));
    }

    /// Something that does not fit.
    pub(super) fn sign(&mut self, device: DeviceId, identity: Option<Identity>, at: Timestamp, sign: NetworkSign) {
        self.gauges.signs.fetch_add(1, Ordering::Relaxed);
        self.observe(device, identity, at, Body::Network(Box::new(sign)));
    }

    fn observe(&mut self, device: DeviceId, identity: Option<Identity>, event_time: Timestamp, body: Body) {
        let observed_at = clock::now();
        let observation = Observation { event_time, observed_at, source: self.source.clone(), device, identity, body };
        let told = Told { observation, id: None };
        let key = if self.once { observed::content_key(&told) } else { 0 };
        self.waiting.push(ticks::entry(key, told.observation));
        if self.waiting.len() >= observed::BATCH {
            self.write();
        }
    }

    /// Appends what waits. A journal that is busy or full is asked again, then the loss is counted.
    pub(super) fn write(&mut self) {
        let mut tries = 0;
        while !self.waiting.is_empty() {
            let batch = std::mem::take(&mut self.waiting);
            let (count, again) = (batch.len() as u64, batch.iter().map(again).collect());
            match self.journal.append_wait(batch) {
                Ok(_) => return,
                Err(Refused::Busy | Refused::Full) if tries < TRIES => {
                    tries += 1;
                    self.waiting = again;
                    std::thread::sleep(Duration::from_secs(1));
                }
                Err(refused) => {
                    self.gauges.lost.fetch_add(count, Ordering::Relaxed);
                    tracing::error!(source = %self.source, observations = count, %refused, "what packets told is lost");
                }
            }
        }
    }
}

/// What a sum says.
pub(crate) fn flow_of(total: Total<DeviceId>) -> Flow {
    let has_ports = matches!(total.protocol, 6 | 17);
    Flow {
        address: total.peer.map(|(ip, _)| ip),
        name: total.name,
        port: total.peer.map(|(_, port)| port).filter(|_| has_ports),
        protocol: Some(total.protocol),
        direction: total.begins,
        bytes_up: total.sum.bytes.0,
        bytes_down: total.sum.bytes.1,
        // One that began before this interval and goes on is one here, too.
        count: u32::try_from(total.sum.flows.max(1)).unwrap_or(u32::MAX),
    }
}

fn again(entry: &Entry<Record>) -> Entry<Record> {
    Entry {
        key: entry.key,
        event_time: entry.event_time,
        observed_at: entry.observed_at,
        bytes: entry.bytes.clone(),
        item: Arc::clone(&entry.item),
    }
}
