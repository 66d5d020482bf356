//! The postings of a sealed segment: from its index, or where that is missing or damaged, from the segment itself.

use super::cache::{Index, Opened};
use super::file::{self, IndexFile};
use super::posting::Posting;
use super::{Subjects, build};
use crate::ReadError;
use crate::cursor::Cursor;
use crate::segment;

impl Subjects {
    pub(super) fn find(&self, opened: &Opened, subject: u64) -> Result<Vec<Posting>, ReadError> {
        let index = if let Some(index) = opened.index.get() {
            index
        } else {
            let index = self.index_of(opened)?;
            opened.index.get_or_init(|| index)
        };
        match index {
            Index::Memory(runs) => Ok(runs.find(subject)),
            Index::File(file) => match file.find(subject) {
                Some(found) => Ok(found),
                None => self.rebuilt(opened, subject),
            },
        }
    }

    fn index_of(&self, opened: &Opened) -> Result<Index, ReadError> {
        let header = Cursor::open(&segment::path(&self.dir, opened.first), opened.first)?.header;
        if let Some(file) = IndexFile::open(&self.dir, &header) {
            return Ok(Index::File(file));
        }
        let (_, runs) = build::whole(self, opened.first)?;
        if self.owns
            && file::write(&self.dir, &header, &runs.to_sorted()).is_ok()
            && let Some(file) = IndexFile::open(&self.dir, &header)
        {
            return Ok(Index::File(file));
        }
        Ok(Index::Memory(runs))
    }

    /// The index is damaged: the segment is read, and a new index takes its place.
    fn rebuilt(&self, opened: &Opened, subject: u64) -> Result<Vec<Posting>, ReadError> {
        tracing::warn!(segment = opened.first.0, "an index of the journal is damaged; building it anew");
        let (header, runs) = build::whole(self, opened.first)?;
        if self.owns {
            file::write(&self.dir, &header, &runs.to_sorted()).map_err(ReadError::io(&self.dir))?;
            self.cache.forget(opened.first);
        }
        Ok(runs.find(subject))
    }
}
