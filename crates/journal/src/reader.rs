//! Reads stored records in order, across segments, also while they are written.

use std::path::Path;

use fleetward_fleet::Offset;

use crate::{ReadError, Record};

/// Reads stored records in order with bounded memory.
pub struct Reader {
    _private: (),
}

impl Reader {
    /// Reads the journal in `dir` from record `from` on, without opening it for writing: for the command line.
    /// It may see records that are written but not yet acknowledged; [`Handle::reader`](crate::Handle::reader) does not.
    pub fn open(dir: &Path, from: Offset) -> Result<Self, ReadError> {
        let _ = (dir, from);
        todo!()
    }
}

impl Iterator for Reader {
    type Item = Result<Record, ReadError>;
    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}
