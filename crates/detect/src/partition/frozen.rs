//! A partition as bytes and back.

use std::collections::VecDeque;

use fleetward_fleet::{DeviceId, Offset, Timestamp};
use fleetward_rules::Gaps;
use serde::{Deserialize, Serialize};

use super::class::{Class, Classes};
use super::device::Entry;
use super::devices::Devices;
use super::exposed::Exposed;
use super::habit::Habit;
use super::names::{Names, Nas};
use super::{PartitionState, Tally};
use crate::group::Networks;
use crate::intern::{Interner, Symbol};
use crate::planned::{self, Planned};

/// Everything of a [`PartitionState`] that a restart needs, written without copying it.
#[derive(Serialize)]
pub(crate) struct Frozen<'a> {
    next: Offset,
    entries: &'a Devices,
    models: &'a [Box<str>],
    groups: &'a [Vec<Box<str>>],
    classes: &'a [Class],
    nases: &'a [Box<str>],
    nas: &'a [Nas],
    unknown: &'a VecDeque<DeviceId>,
    sweep: u64,
    last_tick: Option<Timestamp>,
    planned: planned::Frozen,
    gaps: &'a Gaps,
    networks: &'a Networks,
    exposed: &'a Exposed,
}

/// The same, read. Field for field in the order of [`Frozen`].
#[derive(Deserialize)]
struct Thawed {
    next: Offset,
    entries: Vec<(Entry, Option<Habit>)>,
    models: Vec<Box<str>>,
    groups: Vec<Vec<Box<str>>>,
    classes: Vec<Class>,
    nases: Vec<Box<str>>,
    nas: Vec<Nas>,
    unknown: VecDeque<DeviceId>,
    sweep: u64,
    last_tick: Option<Timestamp>,
    planned: planned::Frozen,
    gaps: Gaps,
    networks: Networks,
    exposed: Exposed,
}

impl PartitionState {
    /// As bytes, for [`Self::thaw`] of the same version of the program.
    pub fn freeze(&self) -> Vec<u8> {
        let frozen = Frozen {
            next: self.next,
            entries: &self.devices,
            models: self.names.models.values(),
            groups: self.names.groups.values(),
            classes: self.classes.values(),
            nases: self.names.nases.values(),
            nas: &self.names.nas,
            unknown: &self.unknown,
            sweep: self.sweep as u64,
            last_tick: self.last_tick,
            planned: self.planned.freeze(),
            gaps: &self.gaps,
            networks: &self.networks,
            exposed: &self.exposed,
        };
        let room = Vec::with_capacity(self.devices.len() * 160 + 64);
        // It cannot fail: memory takes any length, and all types are plain. If it did, what is empty does not thaw.
        postcard::to_extend(&frozen, room).unwrap_or_default()
    }

    /// From the bytes that [`Self::freeze`] made; `None` where they are not such bytes.
    pub fn thaw(bytes: &[u8]) -> Option<Self> {
        let thawed: Thawed = postcard::from_bytes(bytes).ok()?;
        let names = Names {
            models: Interner::from_values(thawed.models),
            groups: Interner::from_values(thawed.groups),
            nases: Interner::from_values(thawed.nases),
            nas: thawed.nas,
            last_nas: Symbol::default(),
        };
        let (models, groups) = (names.models.values().len(), names.groups.values().len());
        let stands = |class: &Class| {
            class.model.is_none_or(|model| (model.0 as usize) < models) && (class.groups.0 as usize) < groups
        };
        let classes = Classes::from_values(thawed.classes);
        let is_sound = |(entry, _): &(Entry, Option<Habit>)| {
            classes.has(entry.class)
                && entry.sessions.open.iter().all(|s| (s.nas.0 as usize) < names.nas.len())
                && entry.sessions.closed().iter().all(|s| (s.nas.0 as usize) < names.nas.len())
        };
        if names.nas.len() != names.nases.values().len()
            || !classes.values().iter().all(stands)
            || !thawed.entries.iter().all(is_sound)
        {
            return None;
        }
        let watched = thawed.entries.iter().filter(|(entry, _)| entry.watched).map(|(entry, _)| entry.id).collect();
        Some(Self {
            next: thawed.next,
            devices: Devices::from_entries(thawed.entries),
            names,
            classes,
            unknown: thawed.unknown,
            watched,
            sweep: thawed.sweep as usize,
            last_tick: thawed.last_tick,
            planned: Planned::thaw(thawed.planned),
            gaps: thawed.gaps,
            networks: thawed.networks,
            exposed: thawed.exposed,
            tally: Tally::default(),
        })
    }
}
