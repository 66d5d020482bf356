//! After a start: what the journal holds and the derived state does not know yet.

use std::sync::Arc;

use anyhow::Context;
use fleetward_aaa::Directory;
use fleetward_detect::{Engine, SessionFilter};
use fleetward_fleet::{Body, DeviceChange, DeviceId, Observation, Offset, PlannedChange, Timestamp, wire};
use fleetward_journal::Handle;
use fleetward_store::{Page, Store};

use super::Record;
use super::projector::Projector;
use super::ticks::entry;

/// Records that are handed over at a time.
const BATCH: usize = 1024;

/// What a replay did.
pub(super) struct Replayed {
    /// Judged again: what came after the snapshot.
    pub(super) records: u64,
    /// Records of a newer version, which this one cannot judge.
    pub(super) unreadable: u64,
}

/// Feeds detection from `judged` on and the inventory from `projected` on.
pub(super) fn replay(
    journal: &Handle<Record>,
    engine: &Engine,
    projector: &Projector,
    judged: Offset,
    projected: Offset,
) -> anyhow::Result<Replayed> {
    let from = judged.min(projected).max(journal.oldest_offset());
    let end = journal.next_offset();
    let mut done = Replayed { records: 0, unreadable: 0 };
    let mut batch = Vec::with_capacity(BATCH);
    for record in journal.reader(from).context("cannot read the journal")? {
        let record = record.context("the journal is damaged; fleetward journal verify says where")?;
        if record.offset >= end {
            break;
        }
        let Ok(observation) = wire::from_wire(&record.bytes) else {
            done.unreadable += 1;
            continue;
        };
        done.records += u64::from(record.offset >= judged);
        if record.offset >= projected {
            projector.project(record.offset, &observation);
        }
        if record.offset >= judged {
            batch.push((record.offset, Arc::new(observation)));
        }
        if batch.len() == BATCH {
            engine.submit(std::mem::take(&mut batch)).context("detection stopped during the replay")?;
        }
    }
    engine.submit(batch).context("detection stopped during the replay")?;
    engine.drain().context("detection stopped during the replay")?;
    Ok(done)
}

/// Where the journal no longer reaches back to the inventory's import and no snapshot remembers it, says it again.
pub(super) fn reseed(journal: &Handle<Record>, store: &Store, now: Timestamp) -> anyhow::Result<u64> {
    let mut devices = Vec::new();
    store.each_device(|device| devices.push(device)).context("cannot read the inventory")?;
    let count = devices.len() as u64;
    let mut left = devices.into_iter().peekable();
    while left.peek().is_some() {
        let entries = left.by_ref().take(BATCH).map(|device| {
            let change = DeviceChange { device, removed: false, by: "restart".into() };
            entry(0, observation(change, now))
        });
        journal.append_wait(entries.collect()).context("the inventory was not written into the journal again")?;
    }
    let planned = store.planned_changes(Some(now), &Page::first(1000)).context("cannot read the planned changes")?;
    let entries: Vec<_> = planned.items.into_iter().map(|change| entry(0, self::planned(change, now))).collect();
    if !entries.is_empty() {
        journal.append_wait(entries).context("planned changes were not written into the journal again")?;
    }
    Ok(count)
}

/// A planned change as an observation.
pub(super) fn planned(change: PlannedChange, now: Timestamp) -> Observation {
    Observation {
        event_time: now,
        observed_at: now,
        source: "planned".into(),
        device: DeviceId(0),
        identity: None,
        body: Body::PlannedChange(Box::new(change)),
    }
}

/// An inventory change as an observation.
pub(crate) fn observation(change: DeviceChange, now: Timestamp) -> Observation {
    Observation {
        event_time: now,
        observed_at: now,
        source: "inventory".into(),
        device: change.device.id(),
        identity: None,
        body: Body::DeviceChange(Box::new(change)),
    }
}

/// Tells admission which sessions are open.
pub(super) fn open_sessions(engine: &Engine, directory: &Directory) -> anyhow::Result<u64> {
    let filter = SessionFilter { open: Some(true), ..SessionFilter::default() };
    let mut cursor = None;
    let mut count = 0;
    loop {
        let page = engine.sessions(&filter, cursor, 1000).context("detection stopped at start")?;
        for session in &page.items {
            directory.session_opened(session.device, &session.key(), session.last_seen);
            count += 1;
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(count),
        }
    }
}
