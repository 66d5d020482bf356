//! The windows that one event feeds, one after the other: nearly all are sliding sums with room for it, and go by in one pass
//! over the block.

use fleetward_fleet::Timestamp;

use super::block::{ENTRY, seek};
use super::packed::{Form, Packed};
use super::{SubjectState, ring};
use crate::window::WindowSpec;

/// Windows of a subject in order of their keys, to be fed in that order with an event that is its newest.
pub(crate) struct Row<'a> {
    entries: &'a [[u8; ENTRY]],
    octets: &'a mut [u8],
    near: usize,
    now: Timestamp,
}

/// A window that is a sliding sum or count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sliding {
    pub(crate) key: u32,
    /// Milliseconds of a bucket.
    pub(crate) length: u32,
    /// See [`Fed::least`]; the largest of all where nobody asks.
    pub(crate) least: u64,
}

impl SubjectState {
    /// The windows that are kept here, for an event at `now`, which none was after.
    pub(crate) fn row(&mut self, now: Timestamp) -> Row<'_> {
        let (entries, octets) = self.block.split();
        Row { entries, octets, near: 0, now }
    }
}

impl Row<'_> {
    /// Adds an event, if that is done in place, and says what the window holds then. `None`: nothing was changed, it takes
    /// [`SubjectState::feed_and_ask`].
    #[inline]
    pub(crate) fn feed(&mut self, window: Sliding, value: u64) -> Option<u64> {
        let now = self.now.0;
        let (form, bytes) = self.seek(window.key)?;
        ring::sum(bytes, form.0, window.length, now, value, window.least)
    }

    /// What the window holds without a new event. `None`: likewise.
    pub(crate) fn ask(&mut self, key: u32, spec: WindowSpec) -> Option<u64> {
        let now = self.now;
        let (form, bytes) = self.seek(key)?;
        Packed { form, bytes }.value(spec, now)
    }

    #[inline]
    fn seek(&mut self, key: u32) -> Option<(Form, &mut [u8])> {
        seek(self.entries, self.octets, &mut self.near, key).filter(|(form, _)| form.is_ring())
    }
}
