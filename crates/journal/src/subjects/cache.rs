//! A few open segments with their indexes: a look-up goes through the same newest ones again and again.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use fleetward_fleet::Offset;
use parking_lot::Mutex;

use super::file::IndexFile;
use super::posting::Posting;
use super::runs::Runs;
use crate::format::{RECORD_HEADER, RecordRef, record};
use crate::{ReadError, segment};

/// Segments that are open at once, where their indexes are files.
const OPEN: usize = 128;
/// ... and where indexes may have to be in memory.
const HELD: usize = 16;
/// Read at once; most records are smaller.
const GUESS: usize = 512;

/// The newest used last.
#[derive(Debug)]
pub(super) struct Cache {
    opened: Mutex<VecDeque<Arc<Opened>>>,
    most: usize,
}

/// A segment that is open for reading.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) first: Offset,
    path: PathBuf,
    file: File,
    /// Set when first looked for.
    pub(super) index: OnceLock<Index>,
}

/// Where the postings of a sealed segment are.
#[derive(Debug)]
pub(super) enum Index {
    File(IndexFile),
    Memory(Runs),
}

impl Cache {
    pub(super) fn new(writes_indexes: bool) -> Self {
        Self { opened: Mutex::default(), most: if writes_indexes { OPEN } else { HELD } }
    }

    pub(super) fn open(&self, dir: &Path, first: Offset) -> Result<Arc<Opened>, ReadError> {
        let mut opened = self.opened.lock();
        if let Some(at) = opened.iter().rposition(|it| it.first == first) {
            return Ok(opened[at].clone());
        }
        let path = segment::path(dir, first);
        let file = File::open(&path).map_err(ReadError::io(&path))?;
        if opened.len() >= self.most {
            opened.pop_front();
        }
        let new = Arc::new(Opened { first, path, file, index: OnceLock::new() });
        opened.push_back(new.clone());
        Ok(new)
    }

    /// It is gone, or its index is no good.
    pub(super) fn forget(&self, first: Offset) {
        self.opened.lock().retain(|it| it.first != first);
    }
}

impl Opened {
    /// The record at this place.
    pub(super) fn record<'a>(
        &self,
        posting: Posting,
        offset: Offset,
        buffer: &'a mut Vec<u8>,
    ) -> Result<RecordRef<'a>, ReadError> {
        let at = u64::from(posting.at);
        let wrong = || ReadError::corrupt(&self.path, at, "a record is not where the index says");
        let held = self.fill(at, GUESS, buffer)?;
        let header = usize::from(u16::from_le_bytes(buffer[..2].try_into().unwrap_or_default()));
        let length = u32::from_le_bytes(buffer[4..8].try_into().unwrap_or_default()) as usize;
        let size = header + length;
        if held < RECORD_HEADER || header < RECORD_HEADER || size > crate::format::MAX_FRAME {
            return Err(wrong());
        }
        if size > held && self.fill(at, size, buffer)? < size {
            return Err(wrong());
        }
        let bytes = &buffer[..size];
        if crc32c::crc32c(bytes) != posting.crc {
            return Err(wrong());
        }
        record(bytes, offset).map(|(found, _)| found).map_err(|_| wrong())
    }

    fn fill(&self, at: u64, wanted: usize, buffer: &mut Vec<u8>) -> Result<usize, ReadError> {
        if buffer.len() < wanted {
            buffer.resize(wanted, 0);
        }
        let mut held = 0;
        while held < wanted {
            match self.file.read_at(&mut buffer[held..wanted], at + held as u64) {
                Ok(0) => break,
                Ok(more) => held += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadError::io(&self.path)(error)),
            }
        }
        Ok(held)
    }
}
