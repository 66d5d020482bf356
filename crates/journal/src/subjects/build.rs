//! Reads a segment to index it: where its index is missing, and at the end of a journal that another process writes.

use std::sync::Arc;

use fleetward_fleet::Offset;

use super::posting::Posting;
use super::runs::Runs;
use super::{SubjectOf, Subjects};
use crate::cursor::{Cursor, Step};
use crate::format::{SegmentHeader, record};
use crate::{ReadError, segment};

/// Indexes the rest of a segment, as far as it is written. Says why it stopped: at the end, or at damage.
pub(super) fn index(cursor: &mut Cursor, subject_of: SubjectOf, runs: &mut Runs) -> Result<Step, ReadError> {
    let first = cursor.header.first;
    loop {
        let step = cursor.step()?;
        if step != Step::Frame {
            return Ok(step);
        }
        let (at, bytes) = cursor.rest();
        postings(first, cursor.rest_first(), (at, bytes), subject_of, runs);
    }
}

/// Indexes the records of one group. `at`: where in the file `bytes`, its records, begin.
pub(super) fn postings(
    segment: Offset,
    mut offset: Offset,
    (mut at, mut bytes): (u64, &[u8]),
    subject_of: SubjectOf,
    runs: &mut Runs,
) {
    while !bytes.is_empty() {
        let Ok((found, rest)) = record(bytes, offset) else { return };
        let size = bytes.len() - rest.len();
        let place = (u32::try_from(offset.0 - segment.0), u32::try_from(at));
        if let (Some(subject), (Ok(ordinal), Ok(at))) = (subject_of(found.bytes), place) {
            runs.push(Posting { subject, ordinal, at, crc: crc32c::crc32c(&bytes[..size]) });
        }
        (at, bytes) = (at + size as u64, rest);
        offset.0 += 1;
    }
}

/// The index of a sealed segment, from its records. Damage is an error: what it hides is not known.
pub(super) fn whole(subjects: &Subjects, first: Offset) -> Result<(SegmentHeader, Runs), ReadError> {
    let mut cursor = Cursor::open(&segment::path(&subjects.dir, first), first)?;
    let mut runs = Runs::default();
    match index(&mut cursor, subjects.subject_of, &mut runs)? {
        Step::Bad(_) => Err(ReadError::corrupt(&cursor.path, cursor.at, "a group is not as it was written")),
        Step::Frame | Step::End => Ok((cursor.header, Runs::of(runs.to_sorted()))),
    }
}

impl Subjects {
    /// Beside another process: takes up what it wrote since, if `before` asks for more than is known.
    pub(super) fn catch_up(&self, before: Offset) -> Result<(), ReadError> {
        let mut state = self.state.lock();
        while let Some(active) = &mut state.active {
            let Some(cursor) = &mut active.cursor else { break };
            if before <= cursor.next {
                return Ok(());
            }
            index(cursor, self.subject_of, &mut active.runs)?;
            if before <= cursor.next {
                return Ok(());
            }
            let (first, known) = (active.header.first, cursor.next);
            let segments = segment::list(&self.dir).map_err(ReadError::io(&self.dir))?;
            if segments.last().is_none_or(|last| *last <= first) {
                return Ok(()); // nothing more is written
            }
            // The writer may have added to this segment between our look and the listing.
            index(cursor, self.subject_of, &mut active.runs)?;
            if cursor.next == known || segments.contains(&cursor.next) {
                let runs = std::mem::take(&mut active.runs);
                let header = active.header;
                state.active = None;
                state.follow(&self.dir, &segments)?;
                if let Some(sealed) = state.sealed.get_mut(&header.first.0) {
                    sealed.held = Some(Arc::new(runs));
                }
            }
        }
        Ok(())
    }
}
