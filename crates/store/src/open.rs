//! Opening: look before touching. A file that is locked, damaged, newer or somebody else's is refused as it was found.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::connection::{BUSY, Fault};
use crate::schema::{APPLICATION_ID, MIGRATIONS};
use crate::{Result, Store, StoreError};

impl Store {
    /// Opens the database, creating it (mode 0600) or moving it to this version's schema as needed.
    pub fn open(path: &Path) -> Result<Self> {
        make_private_file(path).map_err(|source| StoreError::Io { path: path.to_owned(), source })?;
        let writer = prepare(path).map_err(|fault| fault.at(path))?;
        tighten(path).map_err(|source| StoreError::Io { path: path.to_owned(), source })?;
        Ok(Self::new(path.to_owned(), writer))
    }
}

fn prepare(path: &Path) -> Result<Connection, Fault> {
    let mut connection = Connection::open_with_flags(path, flags())?;
    connection.busy_timeout(BUSY)?;
    // A file that is refused is left as it was found, its write-ahead log included, which a close would move into it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    inspect(&connection, path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    configure(&connection)?;
    migrate(&mut connection)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

/// A connection that cannot write.
pub(crate) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags())?;
    connection.busy_timeout(BUSY)?;
    configure(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn flags() -> OpenFlags {
    // One thread at a time uses a connection (the mutex, the pool), so SQLite's own mutex is not needed.
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cache_size", -8192)?;
    Ok(())
}

/// Reads only: whose file is it, which schema, is it whole?
fn inspect(connection: &Connection, path: &Path) -> Result<(), Fault> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && number("application_id")? != i64::from(APPLICATION_ID) {
        return Err(StoreError::NotOurs { path: path.to_owned() }.into());
    }
    let (found, known) = (number("user_version")?, MIGRATIONS.len());
    if usize::try_from(found).map_or(true, |found| found > known) {
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        return Err(StoreError::NewerSchema { path: path.to_owned(), found, known: known as u32 }.into());
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Corrupt { path: path.to_owned(), detail: verdict }.into());
    }
    Ok(())
}

/// One transaction for all steps: an upgrade happens or does not.
fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let from: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let pending = usize::try_from(from).ok().and_then(|from| MIGRATIONS.get(from..)).unwrap_or_default();
    for step in pending {
        transaction.execute_batch(step)?;
    }
    if !pending.is_empty() {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", MIGRATIONS.len().to_string())?;
    }
    Ok(transaction.commit()?)
}

/// Identities and password hashes are in it: nobody else reads it, from its first moment on. `SQLite` gives the `-wal` and
/// `-shm` files the same mode.
fn make_private_file(path: &Path) -> std::io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Takes the six bits for group and others away, where one is set.
fn tighten(path: &Path) -> std::io::Result<()> {
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode.trailing_zeros() >= 6 { Ok(()) } else { std::fs::set_permissions(path, Permissions::from_mode(0o600)) }
}
