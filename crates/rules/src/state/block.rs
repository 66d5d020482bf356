//! One block of octets for a subject: there are millions of them, and each is read for every record.
//!
//! ```text
//! 0   newest event time, 6     octets in use, 2     values (and APART or NEWEST), 1     windows, 1
//! 10  time of the values, 6 (where there are any, and neither APART nor NEWEST)
//!     values: field, 1   value, 8   time, 6 (only where APART)
//!     windows, by key: key, 4   place of its octets behind all of these, 2   how many, 1   form, 1
//!     octets of the windows, in any order without gaps
//! ```
//!
//! # Invariants
//!
//! * **Nothing is one empty block**, without memory of its own.
//! * **Values have one time** where it is the same for all, as it is where each record states them all; otherwise they are
//!   `APART`, each with its own. Where it is the newest event time, it is not kept again: they are `NEWEST`.
//! * **What follows from the events is in use**: octets behind it are room to grow, zero, and no part of what is equal.

mod values;
mod windows;

use super::octets::{TIME, put_time, put_u16, time_at, u16_at};
use fleetward_fleet::Timestamp;

pub(crate) use values::FIELDS;
pub(super) use windows::seek;

#[derive(Debug, Default, Clone)]
pub(super) struct Block(Box<[u8]>);

/// Octets before the values and their time.
const HEAD: usize = TIME + 4;
/// The place of the number of values.
const VALUES: usize = TIME + 2;
/// The place of the number of windows.
const WINDOWS: usize = TIME + 3;
/// Octets of a value without its time.
pub(super) const VALUE: usize = 1 + 8;
/// Beside the number of values: each has a time of its own.
const APART: u8 = 0x80;
/// The same: all have the newest event time.
const NEWEST: u8 = 0x40;
/// Octets of a window's entry.
pub(super) const ENTRY: usize = 8;
/// A block grows by at least this much, as memory is handed out anyway.
const STEP: usize = 16;
/// What a block must stay below.
const MOST: usize = u16::MAX as usize - 4096;

impl Block {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Octets on the heap.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The octets in use.
    pub(super) fn in_use(&self) -> &[u8] {
        &self.0[..self.used()]
    }

    /// From octets in use; `None` where they are no block.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut block = Self::default();
        if bytes.is_empty() {
            return Some(block);
        }
        if bytes.len() < HEAD || usize::from(u16_at(bytes, TIME)) != bytes.len() {
            return None;
        }
        block.0 = bytes.into();
        block.is_sound().then_some(block)
    }

    /// Makes room for about so many octets, before the first of them come.
    pub(super) fn reserve(&mut self, octets: usize) {
        if self.is_empty() {
            self.begin(octets);
        }
    }

    pub(super) fn watermark(&self) -> Option<Timestamp> {
        (!self.is_empty()).then(|| Timestamp(time_at(&self.0, 0)))
    }

    /// Moves the newest event time on. What the values had is theirs alone then.
    pub(super) fn set_watermark(&mut self, to: Timestamp) {
        self.begin(HEAD);
        if self.is_newest() && time_at(&self.0, 0) != to.0 {
            let held = time_at(&self.0, 0);
            self.0[VALUES] &= !NEWEST;
            self.splice(HEAD, 0, TIME);
            put_time(&mut self.0, HEAD, held);
        }
        put_time(&mut self.0, 0, to.0);
    }

    /// Gives back what is not in use, where it is worth it; all of it where nothing is kept.
    pub(super) fn shrink(&mut self) {
        if self.values() == 0 && self.windows() == 0 {
            *self = Self::default();
        } else if self.len() - self.used() >= 4 * STEP {
            self.resize(self.used().next_multiple_of(STEP));
        }
    }

    /// All of it, what is not in use too.
    pub(super) fn memory(&self) -> &[u8] {
        &self.0
    }

    fn used(&self) -> usize {
        if self.is_empty() { 0 } else { usize::from(u16_at(&self.0, TIME)) }
    }

    fn begin(&mut self, octets: usize) {
        if self.is_empty() {
            self.0 = vec![0; octets.next_multiple_of(STEP)].into();
            put_u16(&mut self.0, TIME, HEAD as u16);
        }
    }

    /// Takes `cut` octets out at `at` and puts `insert` zeros there.
    fn splice(&mut self, at: usize, cut: usize, insert: usize) {
        let used = self.used();
        let after = used - cut + insert;
        if after > self.len() {
            self.resize(after.next_multiple_of(STEP));
        }
        self.0.copy_within(at + cut..used, at + insert);
        self.0[at..at + insert].fill(0);
        if after < used {
            self.0[after..used].fill(0);
        }
        put_u16(&mut self.0, TIME, after as u16);
    }

    fn resize(&mut self, octets: usize) {
        let mut grown = std::mem::take(&mut self.0).into_vec();
        grown.reserve_exact(octets.saturating_sub(grown.len()));
        grown.resize(octets, 0);
        self.0 = grown.into_boxed_slice();
    }

    fn is_sound(&self) -> bool {
        let kinds = self.0[VALUES] & (APART | NEWEST);
        if kinds == APART | NEWEST || kinds != 0 && self.values() == 0 || self.octets() > self.used() {
            return false;
        }
        let range = |place| self.range(place).1;
        let follows = |place| (0..self.windows()).any(|other| range(other).end == range(place).start);
        let fits = |place| {
            let range = range(place);
            range.end <= self.used()
                && (range.start == self.octets() || follows(place))
                && self.window(place).is_sound()
        };
        let sorted = (1..self.windows()).all(|place| self.key(place - 1) < self.key(place));
        let sum: usize = (0..self.windows()).map(|place| range(place).len()).sum();
        sorted && self.octets() + sum == self.used() && (0..self.windows()).all(fits)
    }
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.in_use() == other.in_use()
    }
}
