//! Which responses exist already, in bounded memory.
//!
//! Two generations: when the young one is full it becomes the old one and the oldest ids are forgotten. What is
//! forgotten is still in the store, where the runtime looks before a finding reaches the machine.

use std::collections::HashSet;

use fleetward_fleet::ResponseId;

#[derive(Debug, Default)]
pub(super) struct Seen {
    young: HashSet<ResponseId>,
    old: HashSet<ResponseId>,
}

impl Seen {
    pub(super) fn contains(&self, id: ResponseId) -> bool {
        self.young.contains(&id) || self.old.contains(&id)
    }

    pub(super) fn insert(&mut self, id: ResponseId) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id);
    }
}

const GENERATION: usize = 1 << 16;
