//! Writing a snapshot.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fleetward_fleet::Offset;

use super::{END, KEEP, SnapshotError, Written, files, header, io_error};

/// A snapshot being written, under another name until it is whole. Dropped before that, it is removed.
pub(crate) struct Writer {
    folder: PathBuf,
    path: PathBuf,
    file: BufWriter<File>,
    /// The smallest of the partitions.
    next: Option<Offset>,
    bytes: u64,
    is_finished: bool,
}

impl Writer {
    pub(crate) fn create(folder: &Path) -> Result<Self, SnapshotError> {
        std::fs::create_dir_all(folder).map_err(io_error("make the folder", folder))?;
        let path = folder.join("state.tmp");
        let file = File::create(&path).map_err(io_error("create", &path))?;
        let mut writer = Self {
            folder: folder.to_owned(),
            path,
            file: BufWriter::with_capacity(1 << 20, file),
            next: None,
            bytes: 0,
            is_finished: false,
        };
        writer.put(&header(Offset(0)))?;
        Ok(writer)
    }

    /// The next partition, in order.
    pub(crate) fn partition(&mut self, next: Offset, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.next = Some(self.next.map_or(next, |least| least.min(next)));
        self.put(&(bytes.len() as u64).to_le_bytes())?;
        self.put(&crc32c::crc32c(bytes).to_le_bytes())?;
        self.put(bytes)
    }

    /// The groups and models, after all partitions.
    pub(crate) fn groups(&mut self, next: Offset, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.partition(next, bytes)
    }

    /// Syncs it, gives it its name, and removes what is older than the last two.
    pub(crate) fn finish(mut self) -> Result<Written, SnapshotError> {
        let next = self.next.unwrap_or_default();
        self.put(&END)?;
        let failed = |path: &Path| io_error("write", path);
        self.file.seek(SeekFrom::Start(0)).map_err(failed(&self.path))?;
        self.file.write_all(&header(next)).map_err(failed(&self.path))?;
        self.file.flush().map_err(failed(&self.path))?;
        self.file.get_ref().sync_all().map_err(io_error("sync", &self.path))?;
        let path = self.folder.join(format!("state-{:020}.snap", next.0));
        std::fs::rename(&self.path, &path).map_err(io_error("rename to", &path))?;
        self.is_finished = true;
        let sync_folder = || File::open(&self.folder)?.sync_all();
        sync_folder().map_err(io_error("sync the folder", &self.folder))?;
        for old in files(&self.folder)?.into_iter().skip(KEEP) {
            std::fs::remove_file(&old).map_err(io_error("remove", &old))?;
        }
        Ok(Written { path, next, bytes: self.bytes })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(io_error("write", &self.path))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.is_finished {
            // It would be overwritten by the next one anyway.
            drop(std::fs::remove_file(&self.path));
        }
    }
}
