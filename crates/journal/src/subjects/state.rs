//! Which segments there are, and what of their indexes is in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use fleetward_fleet::{Offset, Timestamp};

use super::posting::Posting;
use super::runs::Runs;
use crate::cursor::Cursor;
use crate::format::SegmentHeader;
use crate::{ReadError, segment};

/// All segments, by their first offset.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) sealed: BTreeMap<u64, Sealed>,
    pub(super) active: Option<Growing>,
}

/// One that is not written any more.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) header: SegmentHeader,
    /// Its index, until that is on disk.
    pub(super) held: Option<Arc<Runs>>,
    /// The indexer has looked at it.
    pub(super) done: bool,
}

/// The one that is written.
#[derive(Debug)]
pub(super) struct Growing {
    pub(super) header: SegmentHeader,
    pub(super) runs: Runs,
    /// Where reading goes on, beside another process that writes.
    pub(super) cursor: Option<Cursor>,
}

/// What a look-up needs of one segment.
pub(super) struct Part {
    pub(super) first: Offset,
    pub(super) begun: Timestamp,
    /// The subject's postings, where the index is in memory.
    pub(super) found: Option<Vec<Posting>>,
}

impl State {
    /// The newest segment that begins before `upper`.
    pub(super) fn part_before(&self, upper: Offset, subject: u64) -> Option<Part> {
        if let Some(active) = self.active.as_ref().filter(|active| active.header.first < upper) {
            let found = Some(active.runs.find(subject));
            return Some(Part { first: active.header.first, begun: active.header.begun, found });
        }
        let (_, sealed) = self.sealed.range(..upper.0).next_back()?;
        let found = sealed.held.as_ref().map(|runs| runs.find(subject));
        Some(Part { first: sealed.header.first, begun: sealed.header.begun, found })
    }

    /// Another segment is written from now on.
    pub(super) fn begin(&mut self, header: SegmentHeader) {
        // One without records is replaced under its name.
        self.active.take_if(|active| active.header.first == header.first);
        self.seal();
        self.active = Some(Growing { header, runs: Runs::default(), cursor: None });
    }

    /// The one that was written is complete.
    pub(super) fn seal(&mut self) {
        let Some(active) = self.active.take() else { return };
        let sealed = Sealed { header: active.header, held: Some(Arc::new(active.runs)), done: false };
        self.sealed.insert(active.header.first.0, sealed);
    }

    /// Takes up the segments of another process's journal, and drops those that it deleted.
    pub(super) fn follow(&mut self, dir: &Path, segments: &[Offset]) -> Result<(), ReadError> {
        self.sealed.retain(|first, _| segments.iter().any(|kept| kept.0 == *first));
        let Some((&last, before)) = segments.split_last() else { return Ok(()) };
        let known = |state: &Self, first: Offset| state.sealed.contains_key(&first.0);
        for &first in before {
            if self.active.as_ref().is_some_and(|active| active.header.first == first) {
                self.active = None; // its index may be on disk soon, and can be built
            }
            if !known(self, first) {
                let header = Cursor::open(&segment::path(dir, first), first)?.header;
                self.sealed.insert(first.0, Sealed { header, held: None, done: false });
            }
        }
        if self.active.is_none() {
            let cursor = Cursor::open(&segment::path(dir, last), last)?;
            self.active = Some(Growing { header: cursor.header, runs: Runs::default(), cursor: Some(cursor) });
        }
        Ok(())
    }

    pub(super) fn bytes(&self) -> usize {
        let held = self.sealed.values().filter_map(|sealed| sealed.held.as_ref()).map(|runs| runs.bytes());
        held.sum::<usize>() + self.active.as_ref().map_or(0, |active| active.runs.bytes())
    }
}
