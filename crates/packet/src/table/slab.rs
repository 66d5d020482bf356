//! Where entries live: in blocks that never move, so that growing copies nothing and doubles nothing.

use std::ops::{Index, IndexMut};

use super::entry::{Entry, Key};

/// Entries of a block.
const BLOCK: usize = 4096;

/// Slots by number; a slot that is free is used again, under another generation.
#[derive(Debug, Default)]
pub(super) struct Slab {
    blocks: Vec<Vec<Slot>>,
    free: Vec<u32>,
    generation: u32,
}

#[derive(Debug)]
enum Slot {
    Live(Entry),
    Free,
}

impl Slab {
    pub(super) fn put(&mut self, mut entry: Entry) -> u32 {
        self.generation = self.generation.wrapping_add(1);
        entry.generation = self.generation;
        if let Some(at) = self.free.pop() {
            self.blocks[at as usize / BLOCK][at as usize % BLOCK] = Slot::Live(entry);
            return at;
        }
        if self.blocks.last().is_none_or(|block| block.len() == BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        let block = self.blocks.len() - 1;
        self.blocks[block].push(Slot::Live(entry));
        u32::try_from(block * BLOCK + self.blocks[block].len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn remove(&mut self, at: u32) {
        self.blocks[at as usize / BLOCK][at as usize % BLOCK] = Slot::Free;
        self.free.push(at);
    }

    #[inline]
    pub(super) fn get(&self, at: u32) -> Option<&Entry> {
        match self.blocks.get(at as usize / BLOCK)?.get(at as usize % BLOCK)? {
            Slot::Live(entry) => Some(entry),
            Slot::Free => None,
        }
    }

    #[inline]
    pub(super) fn key(&self, at: u32) -> &Key {
        self[at].key()
    }

    pub(super) fn live(&self) -> impl Iterator<Item = (u32, &Entry)> {
        let numbered = (0_u32..).zip(self.blocks.iter().flatten());
        numbered.filter_map(|(at, slot)| if let Slot::Live(entry) = slot { Some((at, entry)) } else { None })
    }

    pub(super) fn memory(&self) -> usize {
        self.blocks.len() * BLOCK * size_of::<Slot>() + self.free.capacity() * size_of::<u32>()
    }
}

impl Index<u32> for Slab {
    type Output = Entry;

    #[inline]
    fn index(&self, at: u32) -> &Entry {
        match &self.blocks[at as usize / BLOCK][at as usize % BLOCK] {
            Slot::Live(entry) => entry,
            Slot::Free => unreachable!("the index holds live slots only"),
        }
    }
}

impl IndexMut<u32> for Slab {
    #[inline]
    fn index_mut(&mut self, at: u32) -> &mut Entry {
        match &mut self.blocks[at as usize / BLOCK][at as usize % BLOCK] {
            Slot::Live(entry) => entry,
            Slot::Free => unreachable!("the index holds live slots only"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_takes_two_cache_lines() {
        assert!(size_of::<Slot>() <= 136, "{}", size_of::<Slot>());
    }
}
