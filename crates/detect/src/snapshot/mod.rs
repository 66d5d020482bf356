//! The state as a file: written beside, synced, renamed; the last two are kept.
//!
//! `state-<next offset>.snap` is a header (magic, format, program version, next offset, CRC-32C), then each of the 256
//! partitions in order (length, CRC-32C, bytes), the state of groups and models likewise, then a mark of the end. Numbers are little-endian. A partition carries
//! its own next offset: partitions need not be of one moment, since none reads another, and a replay from
//! the smallest offset is skipped by those that are further. The state of the groups is as far as the furthest partition
//! or further: it reads what partitions hand on, and a partition hands on nothing that it skips.
//!
//! # Invariants
//!
//! * **A file under its final name is whole**: it was synced before it got the name, and the folder after.
//! * **Damage is noticed and survived**: a wrong magic, format, version, length or checksum means the older file, or
//!   none and a replay of the whole journal. It is never an error, and never half a state.

mod read;
mod write;

use std::path::{Path, PathBuf};

pub(crate) use read::{Loaded, load};
pub(crate) use write::Writer;

use fleetward_fleet::Offset;

/// Why a snapshot was not written, or the folder of snapshots cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The configuration keeps none.
    #[error("no folder for snapshots is configured")]
    NotConfigured,
    /// The outputs up to the snapshot are not durable, so it must not be kept.
    #[error("the outputs before the snapshot were not confirmed to be stored")]
    NotConfirmed,
    /// A worker is gone.
    #[error(transparent)]
    Stopped(#[from] crate::engine::Stopped),
    /// The system refused.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// A snapshot that is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// A restart replays from here.
    pub next: Offset,
    /// How large it is.
    pub bytes: u64,
}

const MAGIC: [u8; 8] = *b"FWSTATE\n";
const END: [u8; 8] = *b"FWEND.\n\n";
/// Grows whenever the bytes of a partition change meaning. The state of `rules` is part of them.
const FORMAT: u32 = 26;
/// Magic, format, version, next, checksum.
const HEADER: usize = 8 + 4 + 4 + 8 + 4;
/// Snapshots that are kept.
const KEEP: usize = 2;

/// The header of a file that a replay continues at `next`.
fn header(next: Offset) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    header[12..16].copy_from_slice(&crc32c::crc32c(env!("CARGO_PKG_VERSION").as_bytes()).to_le_bytes());
    header[16..24].copy_from_slice(&next.0.to_le_bytes());
    let sum = crc32c::crc32c(&header[..24]);
    header[24..].copy_from_slice(&sum.to_le_bytes());
    header
}

/// The snapshots of a folder, newest first.
fn files(folder: &Path) -> Result<Vec<PathBuf>, SnapshotError> {
    let io = |source| SnapshotError::Io { doing: "read the folder", path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if offset_of(&path).is_some() {
            found.push(path);
        }
    }
    found.sort_unstable_by_key(|path| std::cmp::Reverse(offset_of(path)));
    Ok(found)
}

fn offset_of(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let digits = name.strip_prefix("state-")?.strip_suffix(".snap")?;
    if digits.len() == 20 { digits.parse().ok() } else { None }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> SnapshotError + use<> {
    let path = path.to_owned();
    move |source| SnapshotError::Io { doing, path, source }
}

#[cfg(test)]
mod tests;
