//! The audit log: who changed what, when. It only grows, and each row carries a hash over itself and the one before, so
//! that a row that was changed, taken out or cut off around the triggers shows.

use fleetward_fleet::Timestamp;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use sha2::{Digest as _, Sha256};

use crate::connection::Fault;
use crate::query::{Query, like};
use crate::{Listing, Page, Result, Store, StoreError, meta};

/// Where the chain ends, kept beside it: rows that are cut off at the end show too.
const HEAD: &str = "audit_head";

/// What is to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAudit<'a> {
    /// When.
    pub at: Timestamp,
    /// Who: a user or token by name, `cli`, `fleetward`.
    pub who: &'a str,
    /// What: a stable name, `device.suspend`, `token.create`.
    pub what: &'a str,
    /// On what: a device's name, a finding's id.
    pub target: &'a str,
    /// More, in words. Never a secret, never a whole identity.
    pub detail: &'a str,
}

/// One row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number; the first is 1, none is missing.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
    /// On what.
    pub target: String,
    /// More, in words.
    pub detail: String,
    /// SHA-256 over the previous row's hash and this row.
    pub hash: [u8; 32],
}

/// Which rows. Empty means all; several conditions must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// By this user or token.
    pub who: Option<String>,
    /// This kind of change; `*` is a wildcard (`device.*`).
    pub what: Option<String>,
    /// At or after this.
    pub since: Option<Timestamp>,
}

/// Whether the log is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// How many rows were looked at.
    pub rows: u64,
    /// The first row that does not fit, or is missing.
    pub first_bad: Option<u64>,
}

impl Store {
    /// Appends one row and returns its number.
    pub fn audit(&self, entry: &NewAudit<'_>) -> Result<u64> {
        if entry.who.trim().is_empty() || entry.what.trim().is_empty() {
            return Err(StoreError::invalid("audit", "needs who and what"));
        }
        self.write(|tx| append(tx, entry))
    }

    /// Rows, newest first, one page at a time.
    pub fn audit_log(&self, filter: &AuditFilter, page: &Page) -> Result<Listing<AuditEntry>> {
        let mut query = Query::new("SELECT seq, at, who, what, target, detail, hash FROM audit");
        if let Some(who) = &filter.who {
            query.and("who = ?", who.clone());
        }
        if let Some(what) = &filter.what {
            query.and("what LIKE ? ESCAPE '\\'", like(what));
        }
        if let Some(since) = filter.since {
            query.and("at >= ?", since.0);
        }
        if let Some(before) = page.sequence()? {
            query.and("seq < ?", before);
        }
        self.read(|tx| {
            let sql = query.sql(&format!("ORDER BY seq DESC LIMIT {}", page.rows() + 1));
            let mut statement = tx.prepare(&sql)?;
            let rows = statement.query_map(rusqlite::params_from_iter(query.values), read)?;
            let rows = rows.map(|row| row.map(|row| (row.seq.to_string(), row))).collect::<Result<Vec<_>, _>>()?;
            Ok(Listing::of(rows, page.rows()))
        })
    }

    /// Walks the whole chain.
    pub fn verify_audit(&self) -> Result<AuditReport> {
        self.read(|tx| {
            let mut statement =
                tx.prepare("SELECT seq, at, who, what, target, detail, hash FROM audit ORDER BY seq")?;
            let (mut rows, mut previous) = (0, [0; 32]);
            for row in statement.query_map([], read)? {
                let row = row?;
                let entry =
                    NewAudit { at: row.at, who: &row.who, what: &row.what, target: &row.target, detail: &row.detail };
                rows += 1;
                if row.seq != rows || row.hash != link(&previous, rows, &entry) {
                    return Ok(AuditReport { rows, first_bad: Some(rows) });
                }
                previous = row.hash;
            }
            let head = meta::get(tx, HEAD)?;
            let whole = head.map_or(rows == 0, |head| head == head_text(rows, &previous));
            Ok(AuditReport { rows, first_bad: (!whole).then_some(rows + 1) })
        })
    }
}

/// For changes of this crate that must leave their trace in the same transaction.
pub(crate) fn append(tx: &Transaction<'_>, entry: &NewAudit<'_>) -> Result<u64, Fault> {
    let mut last = tx.prepare("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?;
    let last = last.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?))).optional()?;
    let (seq, previous) = last.map_or((1, [0; 32]), |(seq, hash)| (seq.cast_unsigned() + 1, hash));
    let hash = link(&previous, seq, entry);
    tx.prepare("INSERT INTO audit (seq, at, who, what, target, detail, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
        .execute(params![seq.cast_signed(), entry.at.0, entry.who, entry.what, entry.target, entry.detail, hash])?;
    meta::set(tx, HEAD, &head_text(seq, &hash))?;
    Ok(seq)
}

/// Every field goes in with its length: no two different rows give the same bytes.
fn link(previous: &[u8; 32], seq: u64, entry: &NewAudit<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(seq.to_be_bytes());
    hash.update(entry.at.0.to_be_bytes());
    for field in [entry.who, entry.what, entry.target, entry.detail] {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

fn head_text(seq: u64, hash: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    hash.iter().fold(format!("{seq}:"), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}

fn read(row: &Row<'_>) -> rusqlite::Result<AuditEntry> {
    Ok(AuditEntry {
        seq: row.get::<_, i64>(0)?.cast_unsigned(),
        at: Timestamp(row.get(1)?),
        who: row.get(2)?,
        what: row.get(3)?,
        target: row.get(4)?,
        detail: row.get(5)?,
        hash: row.get(6)?,
    })
}
