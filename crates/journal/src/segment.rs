//! Segment files: names, creation, the one that is written.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use fleetward_fleet::{Offset, Timestamp};

use crate::disk::{Disk, is_full};
use crate::format::{ALIGN, SEGMENT_HEADER, SegmentHeader};

const EXTENSION: &str = "seg";
const UNFINISHED: &str = "new";

/// The path of the segment whose first record has this offset.
pub(crate) fn path(dir: &Path, first: Offset) -> PathBuf {
    dir.join(format!("{:020}.{EXTENSION}", first.0))
}

/// The first offsets of all segments, in order.
pub(crate) fn list(dir: &Path) -> io::Result<Vec<Offset>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_suffix(EXTENSION)?.strip_suffix('.'));
        found.extend(digits.filter(|it| it.len() == 20).and_then(|it| it.parse().ok()).map(Offset));
    }
    found.sort_unstable();
    Ok(found)
}

/// Removes what an interrupted [`Active::create`] left.
pub(crate) fn remove_unfinished(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == UNFINISHED) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// The segment that is written.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) header: SegmentHeader,
    /// Where the next frame goes: everything before is synced.
    pub(crate) end: u64,
    /// Where the preallocated space ends.
    pub(crate) size: u64,
}

impl Active {
    /// Creates a segment of `want` bytes, of a sixteenth where there is not that much room, but at least `need`.
    /// It appears under its name only when it is whole, and is durable when this returns.
    pub(crate) fn create(
        disk: &dyn Disk,
        dir: &Path,
        (first, begun): (Offset, Timestamp),
        (want, need): (u64, u64),
    ) -> io::Result<Self> {
        let unfinished = dir.join(format!("{:020}.{UNFINISHED}", first.0));
        let created = Self::create_at(disk, dir, &unfinished, (first, begun), want);
        let small = (want / 16).next_multiple_of(ALIGN).max(need);
        let created = match created {
            Err(error) if is_full(&error) && small < want => {
                Self::create_at(disk, dir, &unfinished, (first, begun), small)
            }
            other => other,
        };
        if created.is_err() {
            // Best effort: the next start removes it otherwise.
            fs::remove_file(&unfinished).ok();
        }
        created
    }

    fn create_at(
        disk: &dyn Disk,
        dir: &Path,
        unfinished: &Path,
        (first, begun): (Offset, Timestamp),
        size: u64,
    ) -> io::Result<Self> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(unfinished)?;
        let salt = RandomState::new().hash_one(first.0);
        let header = SegmentHeader { length: SEGMENT_HEADER as u32, first, begun, salt };
        disk.allocate(&file, size)?;
        disk.write_at(&file, &header.to_bytes(), 0)?;
        disk.sync(&file)?;
        let path = path(dir, first);
        fs::rename(unfinished, &path)?;
        disk.sync_dir(dir)?;
        Ok(Self { file, path, header, end: SEGMENT_HEADER as u64, size })
    }

    /// Whether a frame of this size still fits.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.size.saturating_sub(self.end) >= bytes as u64
    }

    /// Whether it holds a record.
    pub(crate) fn has_records(&self) -> bool {
        self.end > u64::from(self.header.length)
    }

    /// Gives the unused space back. Not needed for correctness: readers stop at zeros.
    pub(crate) fn trim(&self) {
        if let Err(error) = self.file.set_len(self.end) {
            tracing::warn!(file = %self.path.display(), %error, "cannot give unused space back");
        }
    }
}
