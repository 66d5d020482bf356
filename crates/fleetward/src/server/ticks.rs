//! What happens by the clock: ticks into the journal (so that a replay judges silence the same way) and snapshots.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fleetward_detect::Engine;
use fleetward_fleet::{Body, DeviceId, Observation, wire};
use fleetward_journal::{Entry, Handle};
use fleetward_store::Store;

use super::Record;
use super::outputs::Outbox;
use super::sources::Sources;
use crate::clock;

/// What the clock moves.
pub(super) struct Ticker {
    pub(super) journal: Handle<Record>,
    pub(super) engine: Arc<Engine>,
    pub(super) outbox: Outbox,
    pub(super) store: Store,
    pub(super) sources: Arc<Sources>,
    pub(super) tick_every: Duration,
    pub(super) snapshot_every: Duration,
    pub(super) stop: Arc<AtomicBool>,
}

impl Ticker {
    /// Runs until `stop` is set; looks ten times a second.
    pub(super) fn run(self) {
        let mut tick_at = Instant::now() + self.tick_every;
        let mut snapshot_at = Instant::now() + self.snapshot_every;
        while !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(100));
            let now = Instant::now();
            if now >= tick_at {
                self.tick();
                tick_at = now + self.tick_every;
            }
            if now >= snapshot_at {
                snapshot(&self.engine, &self.outbox, &self.journal);
                snapshot_at = Instant::now() + self.snapshot_every;
            }
        }
    }

    fn tick(&self) {
        let now = clock::now();
        let observation = Observation {
            event_time: now,
            observed_at: now,
            source: "clock".into(),
            device: DeviceId(0),
            identity: None,
            body: Body::Tick,
        };
        self.journal.append(vec![entry(0, observation)], |result| {
            if let Err(refused) = result {
                // The next tick says the same; a full disk is reported by the journal's own health.
                tracing::debug!(%refused, "a tick was not recorded");
            }
        });
        self.sources.look(&self.journal, &self.store, now);
        if let Err(error) = self.store.wake_findings(now) {
            tracing::warn!(%error, "suppressed findings whose time is over were not woken");
        }
    }
}

/// Writes a snapshot, once everything before it is in the database.
/// The journal keeps what a restart would replay, whatever its retention says.
pub(super) fn snapshot(engine: &Engine, outbox: &Outbox, journal: &Handle<Record>) {
    let started = Instant::now();
    match engine.snapshot(|_| outbox.flush()) {
        Ok(written) => {
            journal.keep_from(written.next);
            let milliseconds = started.elapsed().as_millis();
            tracing::debug!(bytes = written.bytes, next = written.next.0, milliseconds, "snapshot written");
        }
        Err(error) => tracing::warn!(%error, "no snapshot; a restart will replay more of the journal"),
    }
}

/// An observation as an entry of the journal; `key` 0 is never a duplicate.
pub(super) fn entry(key: u128, observation: Observation) -> Entry<Record> {
    let mut bytes = Vec::with_capacity(256);
    wire::to_wire(&observation, &mut bytes);
    let (event_time, observed_at) = (observation.event_time, observation.observed_at);
    Entry { key, event_time, observed_at, bytes, item: Arc::new(observation) }
}
