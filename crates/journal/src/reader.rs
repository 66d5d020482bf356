//! Reads stored records in order, across segments, also while they are written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fleetward_fleet::Offset;

use crate::cursor::{Cursor, Step, Tail};
use crate::format::RecordRef;
use crate::shared::Shared;
use crate::{ReadError, Record, segment};

/// Reads stored records in order. Holds one group of records in memory.
///
/// As an iterator it gives owned records; [`Reader::next_ref`] borrows. Either ends at what is stored at that moment and
/// may be asked again later. After an error it gives the same error again.
pub struct Reader {
    dir: PathBuf,
    /// `None`: not yet at a segment.
    cursor: Option<Cursor>,
    /// The next record to give.
    next: Offset,
    /// Whose stored records end where it says; `None`: read what is there.
    limit: Option<Arc<Shared>>,
}

impl Reader {
    /// Reads the journal in `dir` from record `from` on, without opening it for writing: for the command line.
    /// It may see records that are written but not yet acknowledged; [`Handle::reader`](crate::Handle::reader) does not.
    pub fn open(dir: &Path, from: Offset) -> Result<Self, ReadError> {
        Self::new(dir, from, None)
    }

    /// The same, from the oldest record that is kept.
    pub fn open_oldest(dir: &Path) -> Result<Self, ReadError> {
        let segments = segment::list(dir).map_err(ReadError::io(dir))?;
        Self::new(dir, segments.first().copied().unwrap_or_default(), None)
    }

    pub(crate) fn new(dir: &Path, from: Offset, limit: Option<Arc<Shared>>) -> Result<Self, ReadError> {
        let mut reader = Self { dir: dir.to_owned(), cursor: None, next: from, limit };
        reader.cursor = reader.segment_of_next()?;
        Ok(reader)
    }

    /// The next record, borrowed until the next call.
    pub fn next_ref(&mut self) -> Result<Option<RecordRef<'_>>, ReadError> {
        if self.limit.as_ref().is_some_and(|it| self.next >= it.next_offset()) || !self.seek()? {
            return Ok(None);
        }
        let found = self.cursor.as_mut().and_then(Cursor::record);
        self.next.0 += u64::from(found.is_some());
        Ok(found)
    }

    /// Brings the cursor before record `self.next`; `false` where that is not written.
    fn seek(&mut self) -> Result<bool, ReadError> {
        loop {
            let Some(cursor) = &mut self.cursor else {
                self.cursor = self.segment_of_next()?;
                if self.cursor.is_none() {
                    return Ok(false);
                }
                continue;
            };
            if cursor.seek_in_frame(self.next) {
                return Ok(true);
            }
            match cursor.step()? {
                Step::Frame => {}
                Step::End | Step::Bad(_) => {
                    if !self.pass()? {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// At the end of a segment: goes to the next one. `false`: this is the end of the journal.
    fn pass(&mut self) -> Result<bool, ReadError> {
        let Some(cursor) = &mut self.cursor else { return Ok(false) };
        let segments = segment::list(&self.dir).map_err(ReadError::io(&self.dir))?;
        let later = segments.iter().copied().find(|&first| first > cursor.header.first);
        // A writer may have added to this segment, or begun the next, between our look and the listing.
        let again = cursor.step()?;
        if again == Step::Frame {
            return Ok(true);
        }
        let wrong = match again {
            Step::Bad(_) => "a group is not as it was written",
            _ => "records are missing",
        };
        match later {
            Some(first) if first == cursor.next && again == Step::End => {
                self.cursor = self.open_segment(first)?;
                Ok(self.cursor.is_some())
            }
            Some(first) if segments.first() == Some(&first) && first > self.next => {
                Err(ReadError::Gone { wanted: self.next, oldest: first })
            }
            Some(_) => Err(ReadError::corrupt(&cursor.path, cursor.at, wrong)),
            None if self.limit.is_some() => Err(ReadError::corrupt(&cursor.path, cursor.at, wrong)),
            None => match cursor.tail()? {
                Tail::Continues(_) if cursor.step()? != Step::Frame => {
                    Err(ReadError::corrupt(&cursor.path, cursor.at, wrong))
                }
                Tail::Continues(_) => Ok(true),
                Tail::Clean | Tail::Torn(_) => Ok(false),
            },
        }
    }

    /// Opens the segment that holds `self.next`.
    fn segment_of_next(&self) -> Result<Option<Cursor>, ReadError> {
        let segments = segment::list(&self.dir).map_err(ReadError::io(&self.dir))?;
        let Some(&oldest) = segments.first() else { return Ok(None) };
        match segments.iter().rev().copied().find(|&first| first <= self.next) {
            Some(first) => self.open_segment(first),
            None => Err(ReadError::Gone { wanted: self.next, oldest }),
        }
    }

    fn open_segment(&self, first: Offset) -> Result<Option<Cursor>, ReadError> {
        match Cursor::open(&segment::path(&self.dir, first), first) {
            // Retention was quicker.
            Err(ReadError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                let segments = segment::list(&self.dir).map_err(ReadError::io(&self.dir))?;
                let oldest = segments.first().copied().unwrap_or_default();
                Err(ReadError::Gone { wanted: self.next, oldest })
            }
            other => other.map(Some),
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Record, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_ref() {
            Ok(found) => found.map(|it| Ok(it.to_record())),
            Err(error) => Some(Err(error)),
        }
    }
}
