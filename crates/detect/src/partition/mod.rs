//! One of the 256 partitions: the devices that it owns, and the one function that changes them.
//!
//! # Invariants
//!
//! * **[`apply`] is pure**: state and outputs follow from the records, the rules and the limits. No clock, no I/O, no
//!   randomness; nothing is read in the order of a hash table. So live, replay and any batching give the same.
//! * **A record is applied once**: offsets grow, and one that is not above the last is skipped.
//! * **Strangers cannot fill the memory**: devices outside the inventory are bounded, sessions per device are bounded.
//!
//! Ticks do not touch every device: those with an episode under way are looked at on every tick, the others in
//! turn, as many as needed to come round once per [`crate::Limits::sweep`].

mod activity;
mod class;
mod device;
mod devices;
mod exposed;
mod frozen;
mod habit;
mod judge;
mod learn;
mod names;
mod past;
mod places;
mod records;
mod tally;
mod ticks;
mod views;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use fleetward_baseline::Measure;
use fleetward_fleet::{Body, DeviceId, Observation, Offset, PlannedChange, Timestamp};
use fleetward_rules::{Facts, Gaps};

pub(crate) use tally::Tally;
pub(crate) use views::Wanted;

use self::class::Classes;
use self::devices::Devices;
use self::names::Names;
use crate::group::{Handed, Networks};
use crate::planned::Planned;
use crate::prefetch::prefetch;
use crate::{Compiled, History, Output};

/// The state of one partition.
#[derive(Debug, Default, Clone)]
pub struct PartitionState {
    /// The first offset that was not applied yet.
    next: Offset,
    devices: Devices,
    names: Names,
    classes: Classes,
    /// Devices outside the inventory, oldest first.
    unknown: VecDeque<DeviceId>,
    /// Devices that every tick looks at: an episode is under way.
    watched: BTreeSet<DeviceId>,
    /// Where the sweep goes on.
    sweep: usize,
    last_tick: Option<Timestamp>,
    /// Devices by network, as far as the sweep has come; only where a rule asks.
    networks: Networks,
    /// Deviations that were announced.
    planned: Planned,
    /// What audits found.
    exposed: exposed::Exposed,
    /// When sources were silent; every partition knows.
    gaps: Gaps,
    tally: Tally,
}

/// Applies records in journal order. Records of devices that this partition does not own must not be among them. Rules
/// about groups and models are not judged here: they look across partitions, which is the [`crate::Engine`]'s second stage.
///
/// ```
/// use std::sync::Arc;
/// use fleetward_detect::{Compiled, PartitionState, apply};
/// use fleetward_fleet::{Body, DeviceId, Observation, Offset, Timestamp};
///
/// let compiled = Compiled::new(Arc::default(), []);
/// let mut state = PartitionState::default();
/// let tick = Observation {
///     event_time: Timestamp(1_000), observed_at: Timestamp(1_000), source: "clock".into(),
///     device: DeviceId(0), identity: None, body: Body::Tick,
/// };
/// let mut out = Vec::new();
/// apply(&mut state, [(Offset(0), &tick)], &compiled, &mut out);
/// assert!(out.is_empty());
/// assert_eq!(state.next(), Offset(1));
/// ```
pub fn apply<'a>(
    state: &mut PartitionState,
    batch: impl IntoIterator<Item = (Offset, &'a Observation)>,
    compiled: &Compiled,
    out: &mut Vec<Output>,
) {
    apply_told(state, batch, compiled, None, out);
}

/// The same with the past at hand: windows are measured exactly before an alarm.
pub fn apply_with<'a>(
    state: &mut PartitionState,
    batch: impl IntoIterator<Item = (Offset, &'a Observation)>,
    compiled: &Compiled,
    history: &dyn History,
    out: &mut Vec<Output>,
) {
    apply_told(state, batch, compiled, Some(history), out);
}

fn apply_told<'a>(
    state: &mut PartitionState,
    batch: impl IntoIterator<Item = (Offset, &'a Observation)>,
    compiled: &Compiled,
    history: Option<&dyn History>,
    out: &mut Vec<Output>,
) {
    let mut told = Told { outputs: std::mem::take(out), history, ..Told::default() };
    for (offset, observation) in batch {
        state.apply_one(offset, observation, compiled, &mut told);
    }
    *out = told.outputs;
}

/// What applying records says.
#[derive(Default)]
pub(crate) struct Told<'a> {
    pub(crate) outputs: Vec<Output>,
    /// For the second stage; empty where it has nothing to do.
    pub(crate) facts: Handed,
    /// Room for what a device measured.
    pub(crate) measures: Vec<Measure>,
    /// Asked before an alarm; `None`: findings say "at least".
    pub(crate) history: Option<&'a dyn History>,
    /// Where it is there, it hears of every event, and the rules do not.
    pub(crate) listener: Option<&'a mut dyn FnMut(&Facts<'_>)>,
}

impl Told<'_> {
    fn push(&mut self, output: Output) {
        self.outputs.push(output);
    }
}

impl PartitionState {
    /// The first offset that was not applied yet; earlier ones are skipped.
    pub fn next(&self) -> Offset {
        self.next
    }

    /// Nothing before `next` concerns this partition any more: the caller has handed over all of it.
    pub(crate) fn applied_until(&mut self, next: Offset) {
        self.next = self.next.max(next);
    }

    /// Planned changes in force at this time; every partition knows all of them.
    pub(crate) fn in_force(&self, at: Timestamp) -> Vec<Arc<PlannedChange>> {
        self.planned.in_force(at)
    }

    pub(crate) fn tally(&self) -> Tally {
        Tally {
            known_devices: (self.devices.len() - self.unknown.len()) as u64,
            unknown_devices: self.unknown.len() as u64,
            open_sessions: self.names.nas.iter().map(|nas| u64::from(nas.open)).sum(),
            ..self.tally
        }
    }

    /// How often [`Self::prefetch`] is worth calling for a place: each time it asks for what the last one brings a pointer to.
    pub(crate) const STEPS: u8 = 3;

    /// Asks for what [`Self::likely_place`] reads.
    pub(crate) fn prefetch_place(&self, observation: &Observation) {
        self.devices.prefetch_place(observation.device);
    }

    /// Where the device of a record is most likely kept.
    pub(crate) fn likely_place(&self, observation: &Observation) -> Option<usize> {
        self.devices.likely_place(observation.device)
    }

    /// Asks for what a record of the device at `place` needs; see the worker.
    pub(crate) fn prefetch(&self, place: usize, step: u8) {
        let entry = self.devices.get(place);
        match step {
            0 => prefetch(entry),
            1 => {
                if let Some(habit) = self.devices.habit(place) {
                    prefetch(habit);
                }
                prefetch(entry.rules.memory());
                prefetch(&*entry.sessions.open);
            }
            _ => entry.sessions.prefetch_texts(),
        }
    }

    pub(crate) fn apply_one(
        &mut self,
        offset: Offset,
        observation: &Observation,
        compiled: &Compiled,
        out: &mut Told<'_>,
    ) {
        if offset < self.next {
            return;
        }
        self.next = Offset(offset.0 + 1);
        self.tally.applied += 1;
        let record = Record { offset, observation, at: compiled.event_time(observation), compiled };
        match &observation.body {
            Body::Session(session) => self.session(&record, session, out),
            Body::Admission(admission) => self.admission(&record, admission, out),
            Body::NasReset(reset) => self.nas_reset(&record, reset, out),
            Body::SessionVanished(vanished) => self.vanished(&record, vanished, out),
            Body::DeviceChange(change) => self.device_change(&record, change, out),
            Body::PlannedChange(change) => self.planned.announce(change),
            Body::SourceState(state) => self.gaps.note(state, record.at),
            Body::Exposure(exposure) => self.exposure(&record, exposure, out),
            Body::Tick => self.tick(&record, out),
            body => self.activity(&record, body, out),
        }
    }
}

/// One record on its way through the state.
#[derive(Clone, Copy)]
struct Record<'a> {
    offset: Offset,
    observation: &'a Observation,
    /// When it happened, as judged.
    at: Timestamp,
    compiled: &'a Compiled,
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod confirmed;

#[cfg(test)]
mod judged;

#[cfg(test)]
mod excuses;
