//! The few things that the journal asks of a disk, so that a test can make it fail.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{Advice, FallocateFlags};

/// What can fail when a disk is full or dying.
pub(crate) trait Disk: Send + Sync {
    /// Reserves space. A file system that cannot is fine: the file grows instead.
    fn allocate(&self, file: &File, bytes: u64) -> io::Result<()>;
    /// Writes all of it.
    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Returns when what was written is on stable storage.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Cuts the file off.
    fn truncate(&self, file: &File, bytes: u64) -> io::Result<()>;
    /// Makes creations and deletions in the directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
}

/// The real one.
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn allocate(&self, file: &File, bytes: u64) -> io::Result<()> {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, bytes) {
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            other => Ok(other?),
        }
    }

    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn truncate(&self, file: &File, bytes: u64) -> io::Result<()> {
        file.set_len(bytes)?;
        file.sync_all()
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }
}

/// Asks the kernel to forget its copy of the file, so that the next read comes from the disk: after a failed sync the
/// copy in memory may look written and not be.
pub(crate) fn forget_cache(file: &File) {
    if let Err(error) = rustix::fs::fadvise(file, 0, None, Advice::DontNeed) {
        tracing::debug!(%error, "cannot drop cached pages");
    }
}

/// Whether this says that there is no room (rather than that the disk fails).
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::WriteZero
    )
}
