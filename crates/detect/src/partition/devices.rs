//! The devices of a partition: dense, found by id, in an order that follows from the journal alone.

use fleetward_fleet::DeviceId;
use hashbrown::HashTable;

use super::device::Entry;

/// Entries side by side (a sweep reads them in order) and a table of their places.
#[derive(Debug, Default, Clone)]
pub(crate) struct Devices {
    entries: Vec<Entry>,
    places: HashTable<u32>,
}

impl Devices {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn as_slice(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn place(&self, id: DeviceId) -> Option<usize> {
        self.places.find(hash(id), |&place| self.entries[place as usize].id == id).map(|&place| place as usize)
    }

    pub(crate) fn find(&self, id: DeviceId) -> Option<&Entry> {
        self.place(id).map(|place| &self.entries[place])
    }

    pub(crate) fn at(&mut self, place: usize) -> &mut Entry {
        &mut self.entries[place]
    }

    /// Adds an entry whose id is not there yet.
    pub(crate) fn insert(&mut self, entry: Entry) -> usize {
        let place = self.entries.len();
        let id = entry.id;
        if place == self.entries.capacity() {
            // Doubling would leave half of the largest thing in memory empty.
            self.entries.reserve_exact(place / 8 + 4);
        }
        self.entries.push(entry);
        let Self { entries, places } = self;
        places.insert_unique(hash(id), place as u32, |&place| hash(entries[place as usize].id));
        place
    }

    /// Takes an entry out; the last one takes its place.
    pub(crate) fn remove(&mut self, id: DeviceId) -> Option<Entry> {
        let place = {
            let entries = &self.entries;
            let found = self.places.find_entry(hash(id), |&place| entries[place as usize].id == id).ok()?;
            found.remove().0 as usize
        };
        let last = self.entries.len() - 1;
        if place != last {
            let moved = self.entries[last].id;
            if let Some(slot) = self.places.find_mut(hash(moved), |&p| p as usize == last) {
                *slot = place as u32;
            }
        }
        Some(self.entries.swap_remove(place))
    }

    pub(crate) fn from_entries(entries: Vec<Entry>) -> Self {
        let mut places = HashTable::with_capacity(entries.len());
        for (place, entry) in entries.iter().enumerate() {
            places.insert_unique(hash(entry.id), place as u32, |&place: &u32| hash(entries[place as usize].id));
        }
        Self { entries, places }
    }
}

/// Ids are hashes already, but all of one partition end in the same eight bits; the table reads both ends.
fn hash(id: DeviceId) -> u64 {
    (id.0 >> 8).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
