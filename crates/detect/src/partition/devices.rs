//! The devices of a partition: dense, found by id, in an order that follows from the journal alone.

use fleetward_fleet::DeviceId;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::device::Entry;
use super::habit::Habit;
use super::places::{Half, Places};

/// Entries in chunks (a sweep reads them in order) and a table of their places.
#[derive(Debug, Default, Clone)]
pub(crate) struct Devices {
    /// All but the last are full.
    chunks: Vec<Chunk>,
    places: Places,
}

/// Devices of a chunk. One long vector would be copied whole whenever it grows; so many of them fill the sizes in which memory is
/// handed out (16 and 32 KiB) but for a hundredth.
const CHUNK: usize = 113;

#[derive(Debug, Default, Clone)]
struct Chunk {
    entries: Vec<Entry>,
    /// By place, once the first of them is kept: strangers have none, and there may be many of them.
    habits: Box<[Habit]>,
    /// Which of them are kept: a bit each.
    kept: u128,
}

impl Devices {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// All, in order of their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.chunks.iter().flat_map(|chunk| &chunk.entries)
    }

    pub(crate) fn place(&self, id: DeviceId) -> Option<usize> {
        self.places.find(Half::of(id), |place| self.get(place).id == id)
    }

    /// Asks for what [`Self::likely_place`] looks at first.
    pub(crate) fn prefetch_place(&self, id: DeviceId) {
        self.places.prefetch(Half::of(id));
    }

    /// Where it is most likely kept, for reading ahead: the device itself is not looked at.
    pub(crate) fn likely_place(&self, id: DeviceId) -> Option<usize> {
        self.places.likely(Half::of(id))
    }

    pub(crate) fn find(&self, id: DeviceId) -> Option<&Entry> {
        self.place(id).map(|place| self.get(place))
    }

    pub(crate) fn get(&self, place: usize) -> &Entry {
        &self.chunks[place / CHUNK].entries[place % CHUNK]
    }

    pub(crate) fn at(&mut self, place: usize) -> &mut Entry {
        &mut self.chunks[place / CHUNK].entries[place % CHUNK]
    }

    /// What the device is used to; `None` where nothing is kept of that.
    pub(crate) fn habit(&self, place: usize) -> Option<&Habit> {
        self.chunks[place / CHUNK].habit(place % CHUNK)
    }

    /// The same, to change it.
    pub(crate) fn habit_mut(&mut self, place: usize) -> Option<&mut Habit> {
        let (chunk, at) = (&mut self.chunks[place / CHUNK], place % CHUNK);
        chunk.keeps(at).then(|| &mut chunk.habits[at])
    }

    /// The same; a new one where nothing is kept yet.
    pub(crate) fn habit_or(&mut self, place: usize, new: impl FnOnce() -> Habit) -> &mut Habit {
        let (chunk, at) = (&mut self.chunks[place / CHUNK], place % CHUNK);
        if !chunk.keeps(at) {
            chunk.keep(at, new());
        }
        &mut chunk.habits[at]
    }

    /// The device, to change it, and its habit.
    pub(crate) fn with_habit(&mut self, place: usize) -> (&mut Entry, Option<&Habit>) {
        let (chunk, at) = (&mut self.chunks[place / CHUNK], place % CHUNK);
        let habit = chunk.keeps(at).then(|| &chunk.habits[at]);
        (&mut chunk.entries[at], habit)
    }

    /// Adds an entry whose id is not there yet.
    pub(crate) fn insert(&mut self, entry: Entry) -> usize {
        let (place, id) = (self.len(), entry.id);
        if place.is_multiple_of(CHUNK) {
            self.chunks.push(Chunk { entries: Vec::with_capacity(CHUNK), ..Chunk::default() });
        }
        self.chunks[place / CHUNK].entries.push(entry);
        self.places.insert(Half::of(id), place);
        place
    }

    /// Takes an entry out; the last one takes its place.
    pub(crate) fn remove(&mut self, id: DeviceId) -> Option<Entry> {
        let chunks = &self.chunks;
        let is_it = |place: usize| chunks[place / CHUNK].entries[place % CHUNK].id == id;
        let place = self.places.remove(Half::of(id), is_it)?;
        let (last, habit) = self.chunks.last_mut()?.pop()?;
        let was = self.places.len();
        if self.chunks.last().is_some_and(|chunk| chunk.entries.is_empty()) {
            self.chunks.pop();
        }
        if place == was {
            return Some(last);
        }
        self.places.moved(Half::of(last.id), was, place);
        let (chunk, at) = (&mut self.chunks[place / CHUNK], place % CHUNK);
        chunk.take(at);
        if let Some(habit) = habit {
            chunk.keep(at, habit);
        }
        Some(std::mem::replace(&mut chunk.entries[at], last))
    }

    pub(crate) fn from_entries(entries: Vec<(Entry, Option<Habit>)>) -> Self {
        let mut all = Self { chunks: Vec::new(), places: Places::with_capacity(entries.len()) };
        for (entry, habit) in entries {
            let place = all.insert(entry);
            if let Some(habit) = habit {
                all.habit_or(place, || habit);
            }
        }
        all
    }
}

impl Chunk {
    fn habit(&self, at: usize) -> Option<&Habit> {
        self.keeps(at).then(|| &self.habits[at])
    }

    fn keeps(&self, at: usize) -> bool {
        self.kept >> at & 1 == 1
    }

    fn keep(&mut self, at: usize, habit: Habit) {
        if self.habits.is_empty() {
            self.habits = std::iter::repeat_with(Habit::default).take(CHUNK).collect();
        }
        self.habits[at] = habit;
        self.kept |= 1 << at;
    }

    fn take(&mut self, at: usize) -> Option<Habit> {
        let is_kept = self.keeps(at);
        self.kept &= !(1 << at);
        is_kept.then(|| std::mem::take(&mut self.habits[at]))
    }

    /// The last one.
    fn pop(&mut self) -> Option<(Entry, Option<Habit>)> {
        let entry = self.entries.pop()?;
        let habit = self.take(self.entries.len());
        Some((entry, habit))
    }
}

/// Each entry with its habit.
impl Serialize for Devices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_seq(Some(self.len()))?;
        for (place, entry) in self.iter().enumerate() {
            all.serialize_element(&(entry, self.habit(place)))?;
        }
        all.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use fleetward_fleet::Timestamp;
    use proptest::prelude::*;

    use super::super::class::Classes;
    use super::super::names::Names;
    use super::*;

    proptest! {
        /// Devices come, are learnt and go; each keeps what it is used to.
        #[test]
        fn a_habit_stays_with_its_device(steps in prop::collection::vec((0_u64..150, 0_u8..4), 1..600)) {
            let (mut names, mut classes) = (Names::default(), Classes::default());
            let mut devices = Devices::default();
            let mut known: BTreeMap<u64, Option<Habit>> = BTreeMap::new();
            for (number, what) in steps {
                let id = DeviceId(number << 8);
                match (what, devices.place(id)) {
                    (0, Some(_)) => {
                        prop_assert_eq!(devices.remove(id).map(|entry| entry.id), Some(id));
                        known.remove(&number);
                    }
                    (1, Some(place)) => {
                        let new = || Habit::new(Timestamp::from_secs(1_795_000_000 + number.cast_signed() * 3600));
                        let habit = devices.habit_or(place, new).clone();
                        known.insert(number, Some(habit));
                    }
                    (_, None) => {
                        devices.insert(Entry::unknown(id, None, &mut names, &mut classes));
                        known.insert(number, None);
                    }
                    _ => {}
                }
                prop_assert_eq!(devices.len(), known.len());
            }
            let bytes = postcard::to_extend(&devices, Vec::new()).expect("memory takes it");
            let read = Devices::from_entries(postcard::from_bytes(&bytes).expect("what was written"));
            for devices in [&devices, &read] {
                for (number, habit) in &known {
                    let place = devices.place(DeviceId(number << 8)).expect("it was added");
                    prop_assert_eq!(devices.habit(place), habit.as_ref());
                }
            }
        }
    }
}
