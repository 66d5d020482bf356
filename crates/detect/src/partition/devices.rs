//! The devices of a partition: dense, found by id, in an order that follows from the journal alone.

use fleetward_fleet::DeviceId;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::device::Entry;
use super::places::{Half, Places};

/// Entries in chunks (a sweep reads them in order) and a table of their places.
#[derive(Debug, Default, Clone)]
pub(crate) struct Devices {
    /// All but the last are full.
    chunks: Vec<Vec<Entry>>,
    places: Places,
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
        self.places.insert(Half::of(id), place);
        place
    }

    /// Takes an entry out; the last one takes its place.
    pub(crate) fn remove(&mut self, id: DeviceId) -> Option<Entry> {
        let chunks = &self.chunks;
        let is_it = |place: usize| chunks[place / CHUNK][place % CHUNK].id == id;
        let place = self.places.remove(Half::of(id), is_it)?;
        let last = self.chunks.last_mut()?.pop()?;
        let was = self.places.len();
        if self.chunks.last().is_some_and(Vec::is_empty) {
            self.chunks.pop();
        }
        if place == was {
            return Some(last);
        }
        self.places.moved(Half::of(last.id), was, place);
        Some(std::mem::replace(self.at(place), last))
    }

    pub(crate) fn from_entries(entries: Vec<Entry>) -> Self {
        let mut all = Self { chunks: Vec::new(), places: Places::with_capacity(entries.len()) };
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
