//! What was asked lately, so that an answer nobody asked for names nothing.
//!
//! A table of fingerprints of fixed size: a flood of questions can make it forget (and names go missing, counted), never believe.

use std::hash::BuildHasher;
use std::net::IpAddr;

use hashbrown::DefaultHashBuilder;

/// Fingerprints of questions; 128 KiB.
#[derive(Debug)]
pub(crate) struct Asked {
    marks: Box<[[u32; 2]]>,
    hasher: DefaultHashBuilder,
}

/// Who asks whom, and under which number.
pub(crate) type Key = (IpAddr, u16, IpAddr, u16);

const SLOTS: usize = 1 << 14;

impl Asked {
    pub(crate) fn new() -> Self {
        Self { marks: vec![[0; 2]; SLOTS].into(), hasher: DefaultHashBuilder::default() }
    }

    /// A question was asked.
    pub(crate) fn note(&mut self, key: Key) {
        let (slot, mark) = self.place(key);
        let marks = &mut self.marks[slot];
        if marks[0] != mark {
            marks[1] = marks[0];
            marks[0] = mark;
        }
    }

    /// It was asked. Stays true, since answers are repeated.
    pub(crate) fn has(&self, key: Key) -> bool {
        let (slot, mark) = self.place(key);
        self.marks[slot].contains(&mark)
    }

    fn place(&self, key: Key) -> (usize, u32) {
        let hash = self.hasher.hash_one(key);
        (hash as usize % SLOTS, (hash >> 32) as u32 | 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_is_known() {
        let mut asked = Asked::new();
        let key = |id| (IpAddr::from([192, 0, 2, 1]), 5_000, IpAddr::from([192, 0, 2, 53]), id);
        asked.note(key(7));
        assert!(asked.has(key(7)));
        assert!(!asked.has(key(8)));
    }
}
