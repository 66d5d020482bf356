//! Small facts under a key: how far a projection is, when something last ran.

use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::{Result, Store};

impl Store {
    /// The value under `key`.
    pub fn meta(&self, key: &str) -> Result<Option<String>> {
        self.read(|tx| Ok(get(tx, key)?))
    }

    /// Sets the value under `key`.
    pub fn set_meta(&self, key: &str, value: &str) -> Result<()> {
        self.write(|tx| Ok(set(tx, key, value)?))
    }
}

pub(crate) fn get(tx: &Transaction<'_>, key: &str) -> rusqlite::Result<Option<String>> {
    tx.prepare("SELECT value FROM meta WHERE key = ?1")?.query_row([key], |row| row.get(0)).optional()
}

pub(crate) fn set(tx: &Transaction<'_>, key: &str, value: &str) -> rusqlite::Result<()> {
    tx.prepare("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value")?
        .execute(params![key, value])
        .map(drop)
}
