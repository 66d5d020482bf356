//! The devices of a partition: dense, found by id, in an order that follows from the journal alone.

use fleetward_fleet::DeviceId;
use hashbrown::HashTable;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::device::Entry;

/// Entries in chunks (a sweep reads them in order) and a table of their places.
#[derive(Debug, Default, Clone)]
pub(crate) struct Devices {
    /// All but the last are full.
    chunks: Vec<Vec<Entry>>,
    places: HashTable<u32>,
}

/// Entries of a chunk. One long vector would be copied whole whenever it grows.
const CHUNK: usize = 64;

impl Devices {
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// All, in order of their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.chunks.iter().flatten()
    }

    pub(crate) fn place(&self, id: DeviceId) -> Option<usize> {
        self.places.find(hash(id), |&place| self.get(place as usize).id == id).map(|&place| place as usize)
    }

    pub(crate) fn find(&self, id: DeviceId) -> Option<&Entry> {
        self.place(id).map(|place| self.get(place))
    }

    pub(crate) fn get(&self, place: usize) -> &Entry {
        &self.chunks[place / CHUNK][place % CHUNK]
    }

    pub(crate) fn at(&mut self, place: usize) -> &mut Entry {
        &mut self.chunks[place / CHUNK][place % CHUNK]
    }

    /// Adds an entry whose id is not there yet.
    pub(crate) fn insert(&mut self, entry: Entry) -> usize {
        let (place, id) = (self.len(), entry.id);
        if place.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        self.chunks[place / CHUNK].push(entry);
        let Self { chunks, places } = self;
        let id_of = |place: u32| chunks[place as usize / CHUNK][place as usize % CHUNK].id;
        places.insert_unique(hash(id), place as u32, |&place| hash(id_of(place)));
        place
    }

    /// Takes an entry out; the last one takes its place.
    pub(crate) fn remove(&mut self, id: DeviceId) -> Option<Entry> {
        let place = {
            let chunks = &self.chunks;
            let is_it = |&place: &u32| chunks[place as usize / CHUNK][place as usize % CHUNK].id == id;
            self.places.find_entry(hash(id), is_it).ok()?.remove().0 as usize
        };
        let last = self.chunks.last_mut()?.pop()?;
        let was = self.places.len();
        if self.chunks.last().is_some_and(Vec::is_empty) {
            self.chunks.pop();
        }
        if place == was {
            return Some(last);
        }
        if let Some(slot) = self.places.find_mut(hash(last.id), |&held| held as usize == was) {
            *slot = place as u32;
        }
        Some(std::mem::replace(self.at(place), last))
    }

    pub(crate) fn from_entries(entries: Vec<Entry>) -> Self {
        let mut all = Self { chunks: Vec::new(), places: HashTable::with_capacity(entries.len()) };
        for entry in entries {
            all.insert(entry);
        }
        all
    }
}

impl Serialize for Devices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all = serializer.serialize_seq(Some(self.len()))?;
        for entry in self.iter() {
            all.serialize_element(entry)?;
        }
        all.end()
    }
}

/// Ids are hashes already, but all of one partition end in the same eight bits; the table reads both ends.
fn hash(id: DeviceId) -> u64 {
    (id.0 >> 8).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
