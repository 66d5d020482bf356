//! Why a journal could not be opened or read.

use std::io;
use std::path::{Path, PathBuf};

use fleetward_fleet::Offset;

/// Why a journal could not be opened. Nothing was changed on disk.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{} is open in another process; stop that one, or choose another directory", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The operating system said no.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// What is stored cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why the stored records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Bytes in the middle are not what was written.
    #[error(
        "{} is damaged at byte {at}: {what}; restore the file from a backup, or move the whole directory away (with the \
         snapshots and the database that follow from it) and start anew; nothing was changed",
        file.display()
    )]
    Corrupt {
        /// The segment.
        file: PathBuf,
        /// Where in it.
        at: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// A later version wrote it.
    #[error("{} was written by a newer version (format {version}); upgrade this program", file.display())]
    Newer {
        /// The segment.
        file: PathBuf,
        /// Its format version, or its unknown flags.
        version: u16,
    },
    /// The wanted record is not there any more.
    #[error("record {} is no longer kept; the oldest is {}", wanted.0, oldest.0)]
    Gone {
        /// The wanted record.
        wanted: Offset,
        /// The oldest that is there.
        oldest: Offset,
    },
    /// The operating system said no.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }
}

impl ReadError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }

    pub(crate) fn corrupt(file: &Path, at: u64, what: &'static str) -> Self {
        Self::Corrupt { file: file.to_owned(), at, what }
    }
}
