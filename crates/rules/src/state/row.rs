//! The windows that one event feeds, one after the other: nearly all are sliding sums with room for it, and go by in one pass
//! over the block.

use fleetward_fleet::Timestamp;

use super::block::{ENTRY, seek};
use super::packed::Packed;
use super::{Fed, SubjectState, ring};
use crate::window::Aggregate;

/// Windows of a subject in order of their keys, to be fed in that order.
pub(crate) struct Row<'a> {
    entries: &'a [[u8; ENTRY]],
    octets: &'a mut [u8],
    near: usize,
    now: Timestamp,
}

/// What became of an event in a [`Row`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    /// It is fed, and holds this, if that was asked; see [`SubjectState::feed_and_ask`].
    Fed(Option<u64>),
    /// Nothing was changed: it takes [`SubjectState::feed_and_ask`].
    Hard,
}

impl SubjectState {
    /// The windows that are kept here, for events that are judged at `now`.
    pub(crate) fn row(&mut self, now: Timestamp) -> Row<'_> {
        let (entries, octets) = self.block.split();
        Row { entries, octets, near: 0, now }
    }
}

impl Row<'_> {
    /// Adds an event to a sliding sum or count whose buckets are `length` milliseconds long, if that is done in place.
    #[inline]
    pub(crate) fn feed(&mut self, length: u32, fed: &Fed<'_>) -> Passed {
        let found = seek(self.entries, self.octets, &mut self.near, fed.key);
        let Some((form, bytes)) = found.filter(|(form, _)| form.is_ring()) else { return Passed::Hard };
        if let Some(value) = fed.value
            && !ring::add_newest(bytes, form.0, length, fed.time.0, value)
        {
            return Passed::Hard;
        }
        let Some(least) = fed.least else { return Passed::Fed(None) };
        if let Some(most) = ring::most(bytes, form.0, Aggregate::Sum).filter(|most| *most < least) {
            return Passed::Fed(Some(most));
        }
        let window = Packed { form, bytes };
        // What was fed now lies in the bucket that the window ends in.
        let is_all = fed.value.is_some() && self.now == fed.time;
        Passed::Fed(if is_all { Some(window.all()) } else { window.value(*fed.spec, self.now) })
    }
}
