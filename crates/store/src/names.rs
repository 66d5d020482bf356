//! What models and groups the inventory names: for whoever checks a configuration, with or without a server that runs.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::Result;
use crate::connection::Fault;
use crate::open::reader;
use crate::schema::{APPLICATION_ID, MIGRATIONS};

/// The names in the inventory; none of it where it cannot be read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Names {
    /// Models of devices.
    pub models: Vec<Box<str>>,
    /// Groups of devices.
    pub groups: Vec<Box<str>>,
}

/// Looks them up in a database that a server may be using, and leaves it as it is: one of another version is not moved to this one's
/// schema, and not read.
pub fn names(path: &Path) -> Result<Names> {
    read(path).map_err(|fault| fault.at(path))
}

fn read(path: &Path) -> Result<Names, Fault> {
    let has_log = log_of(path).exists();
    let connection = reader(path)?;
    // What was not closed cleanly stays so; where there was no log, the close takes away the empty one that reading makes.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)?;
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let is_ours = number("application_id")? == i64::from(APPLICATION_ID);
    if !is_ours || usize::try_from(number("user_version")?) != Ok(MIGRATIONS.len()) {
        return Ok(Names::default());
    }
    Ok(Names {
        models: column(&connection, "SELECT DISTINCT model FROM device WHERE model IS NOT NULL")?,
        groups: column(&connection, "SELECT DISTINCT name FROM device_group")?,
    })
}

fn column(connection: &Connection, sql: &str) -> Result<Vec<Box<str>>, Fault> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    Ok(rows.map(|name| name.map(Box::from)).collect::<rusqlite::Result<_>>()?)
}

/// The write-ahead log beside a database.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}
