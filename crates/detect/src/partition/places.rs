//! Where the device of an id is kept: one cache line for nearly every look.
//!
//! A slot is half of the hash and a place, so a look that only wants to read ahead ([`Places::likely`]) touches no device, and
//! a table that grows does not either.
//!
//! # Invariants
//!
//! * **A slot lies at or behind where its hash belongs**, and no slot in between is empty (linear probing).
//! * **At least a quarter is empty**, so every look ends soon.

use fleetward_fleet::DeviceId;

use crate::prefetch::prefetch;

/// The table. It does not know the ids: who asks says whether a place is the right one.
#[derive(Debug, Default, Clone)]
pub(super) struct Places {
    slots: Vec<u64>,
    len: usize,
}

/// The upper half of a hash of an id. Ids are hashes already, but all of one partition end in the same eight bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Half(u32);

impl Half {
    pub(super) fn of(id: DeviceId) -> Self {
        Self(((id.0 >> 8).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32)
    }
}

/// No device.
const EMPTY: u64 = 0;
/// Slots of the first table.
const FEWEST: usize = 16;

impl Places {
    pub(super) fn with_capacity(devices: usize) -> Self {
        Self { slots: vec![EMPTY; devices + devices / 2 + FEWEST], len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The place of which `is_it` holds.
    pub(super) fn find(&self, half: Half, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        self.slot(half, is_it).map(|at| place(self.slots[at]))
    }

    /// The place of some device with this half of a hash: nearly always the right one.
    pub(super) fn likely(&self, half: Half) -> Option<usize> {
        self.find(half, |_| true)
    }

    /// Asks for the slot where a half belongs.
    pub(super) fn prefetch(&self, half: Half) {
        let home = self.home(u64::from(half.0) << 32);
        if let Some(slot) = self.slots.get(home) {
            prefetch(slot);
        }
    }

    /// Adds a place that is not there yet.
    pub(super) fn insert(&mut self, half: Half, place: usize) {
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.put(u64::from(half.0) << 32 | (place as u64 + 1));
        self.len += 1;
    }

    /// What was at one place is at another now.
    pub(super) fn moved(&mut self, half: Half, from: usize, to: usize) {
        if let Some(at) = self.slot(half, |place| place == from) {
            self.slots[at] = u64::from(half.0) << 32 | (to as u64 + 1);
        }
    }

    /// Takes out the place of which `is_it` holds.
    pub(super) fn remove(&mut self, half: Half, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let mut gap = self.slot(half, is_it)?;
        let removed = place(self.slots[gap]);
        // Those behind move up, unless that were before where they belong.
        let mut next = self.after(gap);
        while self.slots[next] != EMPTY {
            let home = self.home(self.slots[next]);
            if self.distance(home, next) >= self.distance(gap, next) {
                self.slots[gap] = self.slots[next];
                gap = next;
            }
            next = self.after(next);
        }
        self.slots[gap] = EMPTY;
        self.len -= 1;
        Some(removed)
    }

    fn slot(&self, half: Half, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = self.home(u64::from(half.0) << 32);
        loop {
            let slot = self.slots[at];
            if slot == EMPTY {
                return None;
            }
            if slot >> 32 == u64::from(half.0) && is_it(place(slot)) {
                return Some(at);
            }
            at = self.after(at);
        }
    }

    fn put(&mut self, slot: u64) {
        let mut at = self.home(slot);
        while self.slots[at] != EMPTY {
            at = self.after(at);
        }
        self.slots[at] = slot;
    }

    fn grow(&mut self) {
        let room = (self.slots.len() + self.slots.len() / 4).max(FEWEST);
        let before = std::mem::replace(&mut self.slots, vec![EMPTY; room]);
        before.into_iter().filter(|slot| *slot != EMPTY).for_each(|slot| self.put(slot));
    }

    /// Where the hash of a slot belongs: the larger, the further behind.
    fn home(&self, slot: u64) -> usize {
        (((slot >> 32) * self.slots.len() as u64) >> 32) as usize
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.slots.len() - from }
    }
}

fn place(slot: u64) -> usize {
    (slot & u64::from(u32::MAX)) as usize - 1
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Ids whose hashes are alike, so that slots stand in each other's way, at the end of the table, too.
        #[test]
        fn it_says_what_a_map_says(steps in prop::collection::vec((any::<bool>(), 0_u32..40, any::<bool>()), 1..300)) {
            let mut places = Places::default();
            let mut map: HashMap<u32, usize> = HashMap::new();
            // A place stands for the number of a device here, several of which share one half of a hash.
            let half = |number: u32, high: bool| Half(if high { u32::MAX - number / 4 } else { number / 4 });
            let mut halves: HashMap<u32, Half> = HashMap::new();
            for (adds, number, high) in steps {
                let half = *halves.entry(number).or_insert_with(|| half(number, high));
                if adds && !map.contains_key(&number) {
                    places.insert(half, number as usize);
                    map.insert(number, number as usize);
                } else if let Some(place) = map.get(&number).copied() {
                    let other = place + 1000;
                    if adds && place < 1000 {
                        places.moved(half, place, other);
                        map.insert(number, other);
                    } else {
                        prop_assert_eq!(places.remove(half, |held| held == place), Some(place));
                        map.remove(&number);
                    }
                }
                prop_assert_eq!(places.len(), map.len());
                for (number, half) in &halves {
                    let found = places.find(*half, |place| place % 1000 == *number as usize);
                    prop_assert_eq!(found, map.get(number).copied());
                }
            }
        }
    }
}
