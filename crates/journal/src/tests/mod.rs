//! The journal as a whole, on a real directory and on a disk that fails when told to.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use fleetward_fleet::{Offset, Timestamp};
use parking_lot::Mutex;
use tempfile::TempDir;

use crate::disk::{Disk, RealDisk};
use crate::{Committed, Config, Entry, Journal, OpenError, Outcome, Reader, Record, Recovery, verify};

mod damage;
mod full;
mod model;
mod order;
mod retention;

/// What `on_commit` saw.
type Seen = Arc<Mutex<Vec<(Offset, u64)>>>;

/// A journal in a directory of its own, on a disk that can be made to fail, with a clock that can be moved.
struct Bench {
    dir: TempDir,
    config: Config,
    disk: Arc<FaultyDisk>,
    now: Arc<AtomicI64>,
    seen: Seen,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            segment_bytes: 16 << 10,
            dedup_keys: 1000,
            probe_every: Duration::from_millis(1),
            ..Config::new(dir.path())
        };
        let now = Arc::new(AtomicI64::new(1_795_000_000_000));
        Self { dir, config, disk: Arc::default(), now, seen: Seen::default() }
    }

    fn try_open(&self) -> Result<(Journal<u64>, Recovery), OpenError> {
        let (now, seen) = (self.now.clone(), self.seen.clone());
        let on_commit = move |batch: Vec<Committed<u64>>| {
            seen.lock().extend(batch.into_iter().map(|it| (it.offset, it.item)));
        };
        let clock = Arc::new(move || Timestamp(now.load(Relaxed)));
        Journal::open_on(self.disk.clone(), self.config.clone(), clock, on_commit)
    }

    fn open(&self) -> Journal<u64> {
        self.try_open().unwrap().0
    }

    /// What a restart after a crash at this moment would find.
    fn crash(&self) -> Self {
        let after = Self::new();
        for entry in fs::read_dir(self.dir.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some() {
                fs::copy(&path, after.dir.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        Self { config: Config { dir: after.dir.path().to_owned(), ..self.config.clone() }, ..after }
    }

    fn segments(&self) -> Vec<std::path::PathBuf> {
        let offsets = crate::segment::list(self.dir.path()).unwrap();
        offsets.into_iter().map(|first| crate::segment::path(self.dir.path(), first)).collect()
    }
}

fn entry(key: u128, item: u64) -> Entry<u64> {
    let time = Timestamp(1_795_000_000_000 + item.cast_signed());
    Entry {
        key,
        event_time: time,
        observed_at: time + Duration::from_secs(1),
        bytes: item.to_string().into_bytes(),
        item,
    }
}

/// An entry of this many payload bytes.
fn large(key: u128, item: u64, bytes: usize) -> Entry<u64> {
    Entry { bytes: vec![b'x'; bytes], ..entry(key, item) }
}

fn read_all(dir: &Path) -> Vec<Record> {
    Reader::open_oldest(dir).unwrap().map(Result::unwrap).collect()
}

fn payloads(dir: &Path) -> Vec<u64> {
    read_all(dir).iter().map(|it| std::str::from_utf8(&it.bytes).unwrap().parse().unwrap()).collect()
}

/// Waits for something that happens by itself, at most ten seconds.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::yield_now();
    }
}

/// Which operations fail, and how, until told otherwise.
#[derive(Debug, Default)]
struct FaultyDisk {
    faults: Mutex<Faults>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Faults {
    allocate: Option<i32>,
    /// Half of what should be written is.
    write: Option<i32>,
    /// What was written since the last sync is lost.
    sync: Option<i32>,
    truncate: Option<i32>,
    /// What was written last.
    unsynced: Option<(u64, usize)>,
    /// Writes that may still succeed before `write` takes effect.
    writes_left: u32,
}

impl FaultyDisk {
    fn set(&self, faults: Faults) {
        *self.faults.lock() = faults;
    }
}

impl Disk for FaultyDisk {
    fn allocate(&self, file: &File, bytes: u64) -> io::Result<()> {
        match self.faults.lock().allocate {
            Some(errno) => Err(io::Error::from_raw_os_error(errno)),
            None => RealDisk.allocate(file, bytes),
        }
    }

    fn write_at(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        let mut faults = self.faults.lock();
        faults.unsynced = Some((at, bytes.len()));
        if let Some(errno) = faults.write {
            if faults.writes_left == 0 {
                file.write_all_at(&bytes[..bytes.len() / 2], at)?;
                return Err(io::Error::from_raw_os_error(errno));
            }
            faults.writes_left -= 1;
        }
        RealDisk.write_at(file, bytes, at)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let faults = *self.faults.lock();
        if let (Some(errno), Some((at, length))) = (faults.sync, faults.unsynced) {
            file.write_all_at(&vec![0xEE; length], at)?;
            return Err(io::Error::from_raw_os_error(errno));
        }
        Ok(())
    }

    fn truncate(&self, file: &File, bytes: u64) -> io::Result<()> {
        match self.faults.lock().truncate {
            Some(errno) => Err(io::Error::from_raw_os_error(errno)),
            None => file.set_len(bytes),
        }
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }
}
