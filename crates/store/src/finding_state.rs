//! Which state a finding may go to, from which, and what is kept of it.

use fleetward_fleet::{FindingId, FindingState, Timestamp};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use crate::connection::Fault;
use crate::{Result, Store, StoreError};

/// The longest note or reason, in characters.
const MAX_NOTE: usize = 4000;

/// Who the store names when it acts by itself.
pub(crate) const ITSELF: &str = "fleetward";

/// One step of a finding's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingStep {
    /// When.
    pub at: Timestamp,
    /// Into which state.
    pub state: FindingState,
    /// Who: a user or token by name, or `fleetward` itself.
    pub by: Box<str>,
    /// Why, in words; may be empty.
    pub note: String,
}

impl Store {
    /// Somebody has it: `new -> acknowledged`.
    pub fn acknowledge_finding(&self, id: FindingId, by: &str, note: &str, at: Timestamp) -> Result<()> {
        self.step(id, FindingState::Acknowledged, by, note, at)
    }

    /// Somebody says that it is dealt with: anything but `resolved` becomes `resolved`.
    pub fn resolve_finding(&self, id: FindingId, by: &str, note: &str, at: Timestamp) -> Result<()> {
        self.step(id, FindingState::Resolved, by, note, at)
    }

    /// Back to `new`, from any other state.
    pub fn reopen_finding(&self, id: FindingId, by: &str, note: &str, at: Timestamp) -> Result<()> {
        self.step(id, FindingState::New, by, note, at)
    }

    /// Acknowledges those that are new, in one transaction, and returns them; others stay as they are.
    pub fn acknowledge_findings(
        &self,
        ids: &[FindingId],
        by: &str,
        note: &str,
        at: Timestamp,
    ) -> Result<Vec<FindingId>> {
        check_words(by, note)?;
        self.write(|tx| {
            let mut changed = Vec::new();
            for id in ids {
                if state(tx, *id)? == Some(FindingState::New) {
                    enter(tx, *id, FindingState::Acknowledged, by, note, at)?;
                    changed.push(*id);
                }
            }
            Ok(changed)
        })
    }

    /// The condition no longer holds: the finding is resolved, whatever state it was in, and its history stays. Returns
    /// whether that was news.
    pub fn clear_finding(&self, id: FindingId, at: Timestamp) -> Result<bool> {
        self.write(|tx| {
            let Some(from) = state(tx, id)? else { return Ok(false) };
            let mut statement =
                tx.prepare("UPDATE finding SET cleared_at = ?2 WHERE id = ?1 AND cleared_at IS NULL")?;
            let news = statement.execute(params![key(id), at.0])? > 0;
            if news && from != FindingState::Resolved {
                enter(tx, id, FindingState::Resolved, ITSELF, "cause gone", at)?;
            }
            Ok(news)
        })
    }

    fn step(&self, id: FindingId, to: FindingState, by: &str, note: &str, at: Timestamp) -> Result<()> {
        check_words(by, note)?;
        self.write(|tx| {
            let from = state(tx, id)?.ok_or_else(|| StoreError::not_found("finding", &id))?;
            if !may(from, to) {
                return Err(StoreError::IllegalTransition { from, to }.into());
            }
            Ok(enter(tx, id, to, by, note, at)?)
        })
    }
}

/// What a person may do: look at what is new, close what is open, take back anything.
pub(crate) fn may(from: FindingState, to: FindingState) -> bool {
    match to {
        FindingState::New => from != FindingState::New,
        FindingState::Acknowledged => from == FindingState::New,
        FindingState::Resolved => from != FindingState::Resolved,
        FindingState::Suppressed => matches!(from, FindingState::New | FindingState::Acknowledged),
    }
}

/// Actor and note are what the audit of tomorrow reads: one is there, the other has an end.
pub(crate) fn check_words(by: &str, note: &str) -> Result<()> {
    if by.trim().is_empty() {
        return Err(StoreError::invalid("by", "say who does it"));
    }
    if note.chars().count() > MAX_NOTE {
        return Err(StoreError::invalid("note", format!("at most {MAX_NOTE} characters")));
    }
    Ok(())
}

/// Sets the state and writes the step.
pub(crate) fn enter(
    tx: &Transaction<'_>,
    id: FindingId,
    to: FindingState,
    by: &str,
    note: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    tx.prepare("UPDATE finding SET state = ?2, state_at = ?3, suppressed_until = NULL WHERE id = ?1")?
        .execute(params![key(id), name(to), at.0])?;
    write_step(tx, id, to, by, note, at)
}

pub(crate) fn write_step(
    tx: &Transaction<'_>,
    id: FindingId,
    to: FindingState,
    by: &str,
    note: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    tx.prepare("INSERT INTO finding_step (finding, at, state, by, note) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![key(id), at.0, name(to), by, note])
        .map(drop)
}

pub(crate) fn steps(tx: &Transaction<'_>, id: FindingId) -> Result<Vec<FindingStep>, Fault> {
    let sql = "SELECT at, state, by, note FROM finding_step WHERE finding = ?1 ORDER BY seq";
    let mut statement = tx.prepare(sql)?;
    let mut rows = statement.query([key(id)])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        let (at, by, note) = (Timestamp(row.get(0)?), row.get(2)?, row.get(3)?);
        steps.push(FindingStep { at, state: read_state(row, 1)?, by, note });
    }
    Ok(steps)
}

pub(crate) fn state(tx: &Transaction<'_>, id: FindingId) -> Result<Option<FindingState>, Fault> {
    let mut statement = tx.prepare("SELECT state FROM finding WHERE id = ?1")?;
    statement.query_row([key(id)], |row| Ok(read_state(row, 0))).optional()?.transpose()
}

pub(crate) fn read_state(row: &Row<'_>, column: usize) -> Result<FindingState, Fault> {
    let text: String = row.get(column)?;
    [FindingState::New, FindingState::Acknowledged, FindingState::Resolved, FindingState::Suppressed]
        .into_iter()
        .find(|state| name(*state) == text)
        .ok_or_else(|| Fault::unreadable("finding")(format!("unknown state {text:?}").into()))
}

/// The name in the database, in messages and in the API.
pub(crate) fn name(state: FindingState) -> &'static str {
    match state {
        FindingState::New => "new",
        FindingState::Acknowledged => "acknowledged",
        FindingState::Resolved => "resolved",
        FindingState::Suppressed => "suppressed",
    }
}

/// An id as it is stored.
pub(crate) fn key(id: FindingId) -> [u8; 16] {
    id.0.to_be_bytes()
}
