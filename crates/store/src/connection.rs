//! The handle: one writer behind a mutex, a few readers that never wait for it (WAL).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use crate::{Result, StoreError};

/// Readers that are kept when idle; more are opened when more threads read at once.
const IDLE_READERS: usize = 8;

/// How long a connection waits for a lock that somebody else holds.
pub(crate) const BUSY: Duration = Duration::from_secs(3);

/// The database: a cheap handle that threads share.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    pub(crate) counters: Counters,
}

/// What the store counts of itself.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) transactions: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) write_micros: AtomicU64,
    pub(crate) rows_written: AtomicU64,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Store {
    pub(crate) fn new(path: PathBuf, writer: Connection) -> Self {
        let readers = Mutex::new(Vec::new());
        Self { inner: Arc::new(Inner { path, writer: Mutex::new(writer), readers, counters: Counters::default() }) }
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.inner.counters
    }

    /// Moves everything from the write-ahead log into the database file, so that this one file is a whole backup. For a
    /// clean end; readers that are still at work are not waited for long.
    pub fn checkpoint(&self) -> Result<()> {
        let writer = self.inner.writer.lock();
        let done = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        done.map_err(|error| Fault::from(error).at(&self.inner.path))
    }

    /// Runs `work` in one transaction that is committed and synced when this returns `Ok`, and undone otherwise.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T> {
        let started = Instant::now();
        let mut writer = self.inner.writer.lock();
        let before = writer.total_changes();
        let outcome = transact(&mut writer, work);
        let counters = self.counters();
        let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        counters.write_micros.fetch_add(micros, Ordering::Relaxed);
        counters.rows_written.fetch_add(writer.total_changes().saturating_sub(before), Ordering::Relaxed);
        drop(writer);
        let counter = if outcome.is_ok() { &counters.transactions } else { &counters.failures };
        counter.fetch_add(1, Ordering::Relaxed);
        outcome.map_err(|fault| fault.at(&self.inner.path))
    }

    /// Runs `work` on a connection that cannot write; it sees one consistent state.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T> {
        let idle = self.inner.readers.lock().pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => crate::open::reader(&self.inner.path).map_err(|e| Fault::from(e).at(&self.inner.path))?,
        };
        let outcome = read_transaction(&mut reader, work);
        let mut readers = self.inner.readers.lock();
        if readers.len() < IDLE_READERS {
            readers.push(reader);
        }
        drop(readers);
        outcome.map_err(|fault| fault.at(&self.inner.path))
    }
}

fn transact<T>(writer: &mut Connection, work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
    // IMMEDIATE: a transaction that reads first and writes later must not find out late that it may not.
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

fn read_transaction<T>(
    reader: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = reader.transaction()?;
    work(&transaction)
}

/// An error inside a transaction, before it is known which file to name.
pub(crate) enum Fault {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Fault {
    /// A row of this kind could not be turned into its type.
    pub(crate) fn unreadable(what: &'static str) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> Self {
        move |source| Self::Store(StoreError::Unreadable { what, source })
    }

    /// Names the file and sorts `SQLite`'s errors by what can be done about them.
    pub(crate) fn at(self, path: &Path) -> StoreError {
        let path = path.to_owned();
        match self {
            Self::Store(error) => error,
            Self::Sqlite(source) => match source.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked { path },
                Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt { path, detail: source.to_string() },
                Some(ErrorCode::NotADatabase) => StoreError::NotOurs { path },
                Some(ErrorCode::DiskFull) => StoreError::Full { path },
                _ => StoreError::Sqlite { path, source },
            },
        }
    }
}
