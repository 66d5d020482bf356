//! A device's past, told again: its records since a moment go through the same counting and the same facts as live, on a
//! partition of their own.
//!
//! Counters are cumulative, so what a record adds follows from the one before it: reading goes back until every session
//! that is counted has its Start or an earlier record, and the device's attributes are known.
//!
//! # Deliberately inexact
//!
//! When a session is given up as lost depends on ticks, which are not read again: one is supposed before each record. Rules
//! that count lost sessions are not measured this way (see `fleetward_rules`).

use std::ops::ControlFlow;
use std::time::Duration;

use fleetward_fleet::wire::nas_subject;
use fleetward_fleet::{
    Body, Device, DeviceChange, DeviceId, Observation, Offset, SessionKey, SessionStatus, Timestamp,
};
use fleetward_rules::{Facts, Past};
use hashbrown::HashSet;

use super::{PartitionState, Record, Told};
use crate::history::{History, Reach};
use crate::{Compiled, Limits};

/// No more records of one device are read for one finding.
const MOST: usize = 50_000;
/// How much further back than its window a session's earlier record is looked for.
const FURTHER: Duration = Duration::from_hours(31 * 24);

/// What tells it.
pub(super) struct DevicePast<'a> {
    pub(super) history: &'a dyn History,
    pub(super) compiled: &'a Compiled,
}

impl std::fmt::Debug for DevicePast<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevicePast").finish_non_exhaustive()
    }
}

impl Past for DevicePast<'_> {
    fn tell(&self, of: &Facts<'_>, since: Timestamp, each: &mut dyn FnMut(&Facts<'_>)) -> bool {
        let Some(records) = self.gather(of, since) else { return false };
        let compiled = self.compiled.without_rules();
        let mut state = PartitionState::default();
        let mut told = Told { listener: Some(each), ..Told::default() };
        if let (Some(device), Some((offset, first))) = (of.device, records.first())
            && !matches!(first.body, Body::DeviceChange(_))
        {
            let known = introduction(of.device_id, device.clone(), first);
            state.apply_one(*offset, &known, &compiled, &mut told);
            state.next = Offset(0);
        }
        for (offset, observation) in &records {
            supposed_tick(&mut state, (*offset, observation), &compiled, &mut told);
            state.apply_one(*offset, observation, &compiled, &mut told);
        }
        true
    }
}

impl DevicePast<'_> {
    /// All records of the device that matter since `since`, in order; `None` where some are missing.
    fn gather(&self, of: &Facts<'_>, since: Timestamp) -> Option<Vec<(Offset, Observation)>> {
        let limits = self.compiled.limits();
        let mut missing = Missing::new(since, limits);
        let mut records = Vec::new();
        let reach = self.history.each(of.device_id.0, since - FURTHER, of.offset, &mut |offset, observation| {
            let enough = missing.note(&observation);
            records.push((offset, observation));
            if enough || records.len() >= MOST { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let known = match reach {
            Reach::Start => true,
            Reach::Enough => records.len() < MOST,
            Reach::Since => missing.is_nothing(),
            Reach::Partial => false,
        };
        if !known {
            return None;
        }
        let begin = records.last().map_or(since, |(_, oldest)| oldest.observed_at);
        for nas in missing.nases {
            let reach = self.history.each(nas_subject(&nas), begin, of.offset, &mut |offset, observation| {
                let is_older = observation.observed_at < begin;
                records.push((offset, observation));
                if is_older { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            if reach == Reach::Partial {
                return None;
            }
        }
        records.sort_by_key(|(offset, _)| *offset);
        Some(records)
    }
}

/// What has to be found further back, while records are read newest first.
struct Missing {
    /// What arrived before this is of no interest for itself.
    horizon: Timestamp,
    /// Sessions of which an earlier record is needed.
    sessions: HashSet<SessionKey>,
    /// The inventory changed the device; how it was before is in an earlier change.
    device: bool,
    nases: HashSet<Box<str>>,
}

impl Missing {
    fn new(since: Timestamp, limits: &Limits) -> Self {
        // Records within the lateness may have come in another order.
        Self { horizon: since - limits.lateness, sessions: HashSet::new(), device: false, nases: HashSet::new() }
    }

    fn is_nothing(&self) -> bool {
        self.sessions.is_empty() && !self.device
    }

    /// Notes a record; `true`: nothing more is needed.
    fn note(&mut self, observation: &Observation) -> bool {
        let inside = observation.observed_at >= self.horizon;
        match &observation.body {
            Body::Session(session) => {
                self.nases.get_or_insert_with(&session.key.nas, Clone::clone);
                if inside && session.status != SessionStatus::Start {
                    self.sessions.insert(session.key.clone());
                } else {
                    self.sessions.remove(&session.key);
                }
            }
            // Two changes with nothing between them need no third.
            Body::DeviceChange(_) => self.device = inside,
            _ => {}
        }
        !inside && self.is_nothing()
    }
}

/// The inventory's word about the device, before its first record.
fn introduction(id: DeviceId, device: Device, first: &Observation) -> Observation {
    let change = DeviceChange { device, removed: false, by: "history".into() };
    Observation { device: id, body: Body::DeviceChange(Box::new(change)), ..first.clone() }
}

fn supposed_tick(
    state: &mut PartitionState,
    (offset, observation): (Offset, &Observation),
    compiled: &Compiled,
    told: &mut Told<'_>,
) {
    let at = observation.observed_at;
    if state.last_tick.is_some_and(|last| at < last + compiled.limits().sweep) {
        return;
    }
    let tick =
        Observation { event_time: at, device: DeviceId(0), identity: None, body: Body::Tick, ..observation.clone() };
    state.tick(&Record { offset, observation: &tick, at, compiled }, told);
}
