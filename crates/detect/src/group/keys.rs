//! What is kept of the keys of one subject: groups, models, networks, modules, ... a bounded table.
//!
//! # Invariants
//!
//! * **Deterministic**: what is kept follows from the events alone; the order of visits is the order of last use.
//! * **Bounded**: at most [`Keys::insert`]'s `limits` of keys and bytes. Beyond it the key that was idle longest leaves. While keys
//!   would have to leave that are still inside their windows, a newcomer gets a place only once a sketch has seen it
//!   twice, so that a flood of names that come once displaces nothing; [`Keys::is_estimated`] says so.

use std::sync::Arc;
use std::time::Duration;

use fleetward_baseline::ModelWide;
use fleetward_fleet::{Device, DeviceId, Timestamp};
use fleetward_rules::{Subject as Kind, SubjectState};
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use super::doorkeeper::Doorkeeper;
use crate::pack::Moment;

/// How much the keys of one subject may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Keys.
    pub(crate) keys: usize,
    /// Bytes of state, tables included.
    pub(crate) bytes: usize,
    /// A key that was idle for this long is in no window any more.
    pub(crate) idle: Duration,
}

/// What is kept of one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Slot {
    pub(crate) id: u64,
    /// The newest event time.
    last: Moment,
    last_contact: Moment,
    pub(crate) rules: SubjectState,
    pub(crate) known: Option<Box<Known>>,
}

impl Slot {
    fn last(&self) -> Timestamp {
        self.last.value().unwrap_or(Timestamp(i64::MIN))
    }

    pub(crate) fn last_contact(&self) -> Option<Timestamp> {
        self.last_contact.value()
    }

    pub(crate) fn contacted(&mut self, at: Option<Timestamp>) {
        self.last_contact = at.into();
    }
}

/// What is kept only of keys that the operator named or that have an episode under way.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) name: Box<str>,
    /// The device that was last heard of: a tick is judged as if it came from it.
    pub(crate) member: Option<Arc<Device>>,
    /// Devices that took part since the episode began, at most [`Known::listed`].
    pub(crate) devices: Vec<DeviceId>,
}

impl Known {
    /// Devices that a finding about such a subject lists at most. A model's event lists all of a flood: these are whom an
    /// operator must look after, one by one.
    pub(crate) fn listed(subject: Kind) -> usize {
        if subject == Kind::Model { ModelWide::LISTED } else { 64 }
    }

    /// One more that took part.
    pub(crate) fn took_part(&mut self, device: DeviceId, most: usize) {
        if self.devices.len() < most && !self.devices.contains(&device) {
            self.devices.push(device);
        }
    }
}

/// The keys of one subject, in order of last use.
#[derive(Debug, Default, Clone)]
pub(crate) struct Keys {
    slots: Vec<Linked>,
    places: HashTable<u32>,
    free: Vec<u32>,
    /// Longest idle, and last used.
    oldest: Option<u32>,
    newest: Option<u32>,
    bytes: usize,
    doorkeeper: Option<Box<Doorkeeper>>,
    estimated_until: Option<Timestamp>,
    pub(crate) refused: u64,
}

#[derive(Debug, Clone)]
struct Linked {
    slot: Slot,
    older: Link,
    newer: Link,
}

/// The place of another slot, or of none, in four octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Link(u32);

impl Link {
    fn of(place: Option<u32>) -> Self {
        Self(place.unwrap_or(u32::MAX))
    }

    fn place(self) -> Option<u32> {
        (self.0 != u32::MAX).then_some(self.0)
    }
}

/// Keys as bytes: slots in order of last use.
#[derive(Serialize, Deserialize)]
pub(crate) struct Frozen<T> {
    slots: Vec<T>,
    doorkeeper: Option<Box<Doorkeeper>>,
    estimated_until: Option<Timestamp>,
}

/// Octets of a slot with its place in the table.
const SLOT: usize = size_of::<Linked>() + 8;

impl Keys {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Octets that they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// At `now` some keys were counted by the sketch until they came twice, or had to leave early.
    pub(crate) fn is_estimated(&self, now: Timestamp) -> bool {
        self.estimated_until.is_some_and(|until| now < until)
    }

    /// The key's slot, as the one that was used last. `None`: no room, the sketch remembers it.
    pub(crate) fn insert(&mut self, id: u64, at: Timestamp, room: Room) -> Option<u32> {
        if let Some(place) = self.place(id) {
            self.unlink(place);
            self.link(place);
            let slot = self.at(place);
            slot.last = slot.last().max(at).into();
            return Some(place);
        }
        if !self.make_room(id, at, room) {
            self.refused += 1;
            return None;
        }
        let slot =
            Slot { id, last: at.into(), last_contact: Moment::NEVER, rules: SubjectState::default(), known: None };
        Some(self.push(slot))
    }

    fn make_room(&mut self, id: u64, at: Timestamp, room: Room) -> bool {
        let is_full = |keys: &Self| keys.len() >= room.keys.max(1) || keys.bytes >= room.bytes;
        if !is_full(self) {
            return true;
        }
        while is_full(self) {
            let Some(place) = self.idle(at, room.idle) else { break };
            self.remove(place);
        }
        if !is_full(self) {
            return true;
        }
        self.estimated_until = self.estimated_until.max(Some(at + room.idle));
        if !self.doorkeeper.get_or_insert_default().saw_before(id, at, room.idle) {
            return false;
        }
        while is_full(self) {
            let Some(place) = self.leaver() else { return false };
            self.remove(place);
        }
        true
    }

    /// The longest idle one, if it is in no window any more.
    fn idle(&mut self, now: Timestamp, idle: Duration) -> Option<u32> {
        self.leaver().filter(|place| self.slots[*place as usize].slot.last() + idle < now)
    }

    /// Who leaves first: the longest idle one without an episode. Those with one go to the end of the line.
    fn leaver(&mut self) -> Option<u32> {
        for _ in 0..self.len() {
            let place = self.oldest?;
            if !self.at(place).rules.has_episodes() {
                return Some(place);
            }
            self.unlink(place);
            self.link(place);
        }
        None
    }

    /// Lets go of all that are in no window any more.
    pub(crate) fn expire(&mut self, now: Timestamp, idle: Duration) {
        for _ in 0..self.len() {
            let Some(place) = self.oldest.filter(|place| self.slots[*place as usize].slot.last() + idle < now) else {
                break;
            };
            if self.at(place).rules.has_episodes() {
                self.unlink(place);
                self.link(place);
            } else {
                self.remove(place);
            }
        }
        if self.estimated_until.is_some_and(|until| until <= now) {
            self.estimated_until = None;
            self.doorkeeper = None;
        }
    }

    pub(crate) fn place(&self, id: u64) -> Option<u32> {
        self.places.find(hash(id), |&place| self.slots[place as usize].slot.id == id).copied()
    }

    pub(crate) fn at(&mut self, place: u32) -> &mut Slot {
        &mut self.slots[place as usize].slot
    }

    /// Notes how much a slot has grown or shrunk.
    pub(crate) fn resized(&mut self, before: usize, after: usize) {
        self.bytes = (self.bytes + after).saturating_sub(before);
    }

    /// All places in order of last use.
    pub(crate) fn in_order(&self) -> Vec<u32> {
        let mut places = Vec::with_capacity(self.len());
        let mut next = self.oldest;
        while let Some(place) = next {
            places.push(place);
            next = self.slots[place as usize].newer.place();
        }
        places
    }

    /// The places that a tick looks at, in order of last use: all, or those with an episode under way.
    pub(crate) fn to_visit(&self, all: bool) -> Vec<u32> {
        if all {
            return self.in_order();
        }
        let mut places = self.in_order();
        places.retain(|place| self.slots[*place as usize].slot.rules.has_episodes());
        places
    }

    pub(crate) fn remove(&mut self, place: u32) {
        self.unlink(place);
        let id = self.at(place).id;
        let slots = &self.slots;
        if let Ok(found) = self.places.find_entry(hash(id), |&held| slots[held as usize].slot.id == id) {
            found.remove();
        }
        let slot = self.at(place);
        let was = slot.rules.bytes() + SLOT;
        slot.rules = SubjectState::default();
        slot.known = None;
        self.bytes = self.bytes.saturating_sub(was);
        self.free.push(place);
    }

    fn push(&mut self, slot: Slot) -> u32 {
        self.bytes += slot.rules.bytes() + SLOT;
        let id = slot.id;
        let linked = Linked { slot, older: Link::of(None), newer: Link::of(None) };
        let place = if let Some(place) = self.free.pop() {
            self.slots[place as usize] = linked;
            place
        } else {
            if self.slots.len() == self.slots.capacity() {
                // Doubling would leave half of it empty.
                self.slots.reserve_exact(self.slots.len() / 8 + 64);
            }
            self.slots.push(linked);
            (self.slots.len() - 1) as u32
        };
        let Self { slots, places, .. } = self;
        places.insert_unique(hash(id), place, |&place| hash(slots[place as usize].slot.id));
        self.link(place);
        place
    }

    fn unlink(&mut self, place: u32) {
        let Linked { older, newer, .. } = self.slots[place as usize];
        match older.place() {
            Some(older) => self.slots[older as usize].newer = newer,
            None => self.oldest = newer.place(),
        }
        match newer.place() {
            Some(newer) => self.slots[newer as usize].older = older,
            None => self.newest = older.place(),
        }
    }

    fn link(&mut self, place: u32) {
        let older = self.newest.replace(place);
        let linked = &mut self.slots[place as usize];
        (linked.older, linked.newer) = (Link::of(older), Link::of(None));
        match older {
            Some(older) => self.slots[older as usize].newer = Link::of(Some(place)),
            None => self.oldest = Some(place),
        }
    }

    pub(crate) fn freeze(&self) -> Frozen<&Slot> {
        let slots = self.in_order().into_iter().map(|place| &self.slots[place as usize].slot).collect();
        Frozen { slots, doorkeeper: self.doorkeeper.clone(), estimated_until: self.estimated_until }
    }

    /// `None`: a key is there twice.
    pub(crate) fn thaw(frozen: Frozen<Slot>) -> Option<Self> {
        let mut keys = Self {
            doorkeeper: frozen.doorkeeper.filter(|keeper| keeper.is_sound()),
            estimated_until: frozen.estimated_until,
            ..Self::default()
        };
        for slot in frozen.slots {
            if keys.place(slot.id).is_some() {
                return None;
            }
            keys.push(slot);
        }
        Some(keys)
    }
}

impl PartialEq for Keys {
    fn eq(&self, other: &Self) -> bool {
        let slots = |keys: &Self| keys.in_order().into_iter().map(|at| keys.slots[at as usize].slot.clone()).collect();
        let (a, b): (Vec<Slot>, Vec<Slot>) = (slots(self), slots(other));
        a == b && self.doorkeeper == other.doorkeeper && self.estimated_until == other.estimated_until
    }
}

/// Numbers of networks and addresses are not spread; this spreads them.
fn hash(id: u64) -> u64 {
    super::doorkeeper::spread(id)
}
