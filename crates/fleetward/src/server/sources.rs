//! Sources that are expected to speak: a gateway's accounting, a platform's events. One that is silent is a fault that is
//! shown, and silence of its devices is not theirs.
//!
//! The clock decides here, once, and writes its verdict into the journal as [`SourceState`]; everything after that is
//! judged from the record, so a replay knows what was not seen.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use fleetward_api::{Component, Health};
use fleetward_fleet::{Body, DeviceId, Observation, SourceState, Timestamp};
use fleetward_journal::Handle;
use fleetward_store::Store;

use super::{Record, ticks};

/// All that the configuration names.
#[derive(Debug, Default)]
pub(super) struct Sources {
    known: Vec<Source>,
}

#[derive(Debug)]
struct Source {
    name: Box<str>,
    silent_after: Duration,
    /// When it was last heard since the start, in milliseconds by our clock; 0: not yet.
    heard: AtomicI64,
    /// When we began to listen: before the first word, silence is counted from then.
    start: Timestamp,
    /// Since when the journal says that it is silent; 0: it does not.
    silent_since: AtomicI64,
}

/// Where the last word on a source is kept over restarts.
fn key(name: &str) -> String {
    format!("source_silent:{name}")
}

impl Sources {
    /// Those of the configuration, as they were left.
    pub(super) fn new(
        wanted: impl IntoIterator<Item = (String, Duration)>,
        store: &Store,
        now: Timestamp,
    ) -> fleetward_store::Result<Self> {
        let source = |(name, silent_after): (String, Duration)| {
            let since = store.meta(&key(&name))?.and_then(|text| text.parse().ok()).unwrap_or(0);
            Ok(Source {
                name: name.into(),
                silent_after,
                heard: AtomicI64::new(0),
                start: now,
                silent_since: AtomicI64::new(since),
            })
        };
        Ok(Self { known: wanted.into_iter().map(source).collect::<fleetward_store::Result<_>>()? })
    }

    /// Something came from there. Called for every committed record: a handful of names, compared.
    pub(super) fn heard(&self, record: &Observation) {
        if self.known.is_empty() || matches!(record.body, Body::SourceState(_) | Body::Tick) {
            return;
        }
        if let Some(source) = self.known.iter().find(|source| source.name == record.source) {
            source.heard.fetch_max(record.observed_at.0, Ordering::Relaxed);
        }
    }

    /// What has changed by now, as records for the journal.
    pub(super) fn changes(&self, now: Timestamp) -> Vec<SourceState> {
        self.known.iter().filter_map(|source| source.change(now)).collect()
    }

    /// Looks, and writes down what has changed; a refused record is tried again with the next tick.
    pub(super) fn look(&self, journal: &Handle<Record>, store: &Store, now: Timestamp) {
        for state in self.changes(now) {
            let since = state.silent_since.map_or(0, |since| since.0);
            let observation = observation(state.clone(), now);
            if let Err(refused) = journal.append_wait(vec![ticks::entry(0, observation)]) {
                tracing::debug!(%refused, "the state of a source was not recorded");
                continue;
            }
            if let Some(source) = self.known.iter().find(|source| source.name == state.name) {
                source.silent_since.store(since, Ordering::Relaxed);
            }
            if let Err(error) = store.set_meta(&key(&state.name), &since.to_string()) {
                tracing::warn!(%error, "the state of a source is in the journal, but not in the database");
            }
            if let Some(since) = state.silent_since {
                tracing::warn!(source = %state.name, %since, "a source is silent");
            } else {
                tracing::info!(source = %state.name, "a source speaks again");
            }
        }
    }

    /// For `/health`: a silent source does not stop the server, and somebody should look.
    pub(super) fn health(&self) -> Option<Component> {
        let silent: Vec<String> = self.known.iter().filter_map(Source::words).collect();
        if self.known.is_empty() {
            return None;
        }
        let health = if silent.is_empty() { Health::Ok } else { Health::Degraded };
        Some(Component { name: "sources", health, reason: silent.join("; ") })
    }
}

impl Source {
    fn change(&self, now: Timestamp) -> Option<SourceState> {
        let heard = self.heard.load(Ordering::Relaxed);
        let last = if heard == 0 { self.start } else { Timestamp(heard) };
        let is_silent = now.since(last) >= self.silent_after;
        match (self.silent_since.load(Ordering::Relaxed), is_silent) {
            (0, true) => Some(SourceState { name: self.name.clone(), silent_since: Some(last) }),
            // Only what came since shows that it speaks: the start of the process does not.
            (since, false) if since != 0 && heard > since => {
                Some(SourceState { name: self.name.clone(), silent_since: None })
            }
            _ => None,
        }
    }

    fn words(&self) -> Option<String> {
        let since = self.silent_since.load(Ordering::Relaxed);
        (since != 0).then(|| format!("{} is silent since {}", self.name, Timestamp(since)))
    }
}

fn observation(state: SourceState, now: Timestamp) -> Observation {
    Observation {
        event_time: now,
        observed_at: now,
        source: "clock".into(),
        device: DeviceId(0),
        identity: None,
        body: Body::SourceState(Box::new(state)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(source: &str, at: i64) -> Observation {
        let state = SourceState { name: source.into(), silent_since: None };
        Observation {
            source: source.into(),
            body: Body::PlannedChange(Box::new(planned())),
            ..observation(state, Timestamp(at))
        }
    }

    fn planned() -> fleetward_fleet::PlannedChange {
        fleetward_fleet::PlannedChange {
            name: "a".into(),
            scope: fleetward_fleet::PlannedScope::default(),
            excuses: Vec::new(),
            rules: Vec::new(),
            from: Timestamp(0),
            until: Timestamp(0),
            reason: "".into(),
            reference: "".into(),
            by: "".into(),
        }
    }

    fn sources(store: &Store, now: i64) -> Sources {
        Sources::new([("pgw".to_owned(), Duration::from_mins(1))], store, Timestamp(now)).unwrap()
    }

    #[test]
    fn silence_is_told_once_and_its_end_too_over_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db")).unwrap();
        let first = sources(&store, 1000);
        first.heard(&record("pgw", 5_000));
        first.heard(&record("other", 50_000));
        assert_eq!(first.changes(Timestamp(64_999)), []);
        let silent = SourceState { name: "pgw".into(), silent_since: Some(Timestamp(5_000)) };
        assert_eq!(first.changes(Timestamp(65_000)), [silent]);

        store.set_meta(&key("pgw"), "5000").unwrap();
        let again = sources(&store, 100_000);
        assert!(again.health().is_some_and(|component| component.health == Health::Degraded));
        assert_eq!(again.changes(Timestamp(100_001)), [], "a start is no word of it");
        assert_eq!(again.changes(Timestamp(900_000)), [], "it is known to be silent");
        again.heard(&record("pgw", 900_000));
        let back = SourceState { name: "pgw".into(), silent_since: None };
        assert_eq!(again.changes(Timestamp(900_001)), [back]);
    }
}
