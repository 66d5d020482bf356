//! Suppressions: a stated reason why findings are expected, in a stated scope, until a stated date.

use fleetward_fleet::{DeviceId, FindingId, FindingState, Suppression, SuppressionScope, Timestamp};
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use crate::connection::Fault;
use crate::finding_state::{self, ITSELF, check_words, key, may, name, write_step};
use crate::{Listing, Page, Result, Store, StoreError};

/// A suppression as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSuppression {
    /// Its number.
    pub id: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it says.
    pub suppression: Suppression,
}

const COLUMNS: &str = "id, rule, scope, device, grp, reason, until, by, created_at";

/// Which open or sleeping findings a suppression (?1 rule, ?2 device or NULL, ?3 group or NULL) covers.
const COVERED: &str = "rule = ?1 AND (?2 IS NULL OR device = ?2)
    AND (?3 IS NULL OR device IN (SELECT device FROM device_group WHERE name = ?3))";

/// No suppression covers the finding `f` at ?1.
const UNCOVERED: &str = "NOT EXISTS (SELECT 1 FROM suppression AS s WHERE s.rule = f.rule AND s.until > ?1
    AND (s.scope = 'rule' OR (s.scope = 'device' AND s.device = f.device)
      OR (s.scope = 'group' AND f.device IN (SELECT device FROM device_group WHERE name = s.grp))))";

/// After one of rule ?1 was removed: until when the findings that still sleep do so.
const REMAINING: &str = "UPDATE finding AS f SET suppressed_until = (SELECT max(s.until) FROM suppression AS s
    WHERE s.rule = f.rule AND (s.scope = 'rule' OR (s.scope = 'device' AND s.device = f.device)
      OR (s.scope = 'group' AND f.device IN (SELECT device FROM device_group WHERE name = s.grp))))
    WHERE f.rule = ?1 AND f.state = 'suppressed'";

impl Store {
    /// Stores a suppression and suppresses the open findings that it covers. Returns its number and those findings.
    pub fn add_suppression(&self, suppression: &Suppression, now: Timestamp) -> Result<(u64, Vec<FindingId>)> {
        check(suppression, now)?;
        self.write(|tx| {
            let id = insert(tx, suppression, now)?;
            Ok((id, cover(tx, suppression, now)?))
        })
    }

    /// Suppresses the rule of this finding in `scope`; the finding must be open. Returns the suppression's number and all
    /// findings that it put to sleep.
    pub fn suppress_finding(
        &self,
        finding: FindingId,
        suppression: &Suppression,
        now: Timestamp,
    ) -> Result<(u64, Vec<FindingId>)> {
        check(suppression, now)?;
        self.write(|tx| {
            let from = finding_state::state(tx, finding)?.ok_or_else(|| StoreError::not_found("finding", &finding))?;
            if !may(from, FindingState::Suppressed) {
                return Err(StoreError::IllegalTransition { from, to: FindingState::Suppressed }.into());
            }
            let id = insert(tx, suppression, now)?;
            let covered = cover(tx, suppression, now)?;
            if !covered.contains(&finding) {
                return Err(StoreError::invalid("scope", "does not cover this finding").into());
            }
            Ok((id, covered))
        })
    }

    /// Ends a suppression before its time; findings that slept only because of it are new again. Returns it and them.
    pub fn remove_suppression(&self, id: u64, by: &str, now: Timestamp) -> Result<(StoredSuppression, Vec<FindingId>)> {
        check_words(by, "")?;
        self.write(|tx| {
            let stored = get(tx, id)?.ok_or_else(|| StoreError::not_found("suppression", &id))?;
            tx.execute("DELETE FROM suppression WHERE id = ?1", [id.cast_signed()])?;
            let woken = wake(tx, &format!("suppression {id} removed"), by, now)?;
            tx.execute(REMAINING, [&*stored.suppression.rule])?;
            Ok((stored, woken))
        })
    }

    /// Wakes findings whose suppression is over: still there, so they are new again. Call it now and then.
    pub fn wake_findings(&self, now: Timestamp) -> Result<Vec<FindingId>> {
        let due = format!("SELECT EXISTS (SELECT 1 FROM finding AS f WHERE state = 'suppressed' AND {UNCOVERED})");
        let any: bool = self.read(|tx| Ok(tx.query_row(&due, [now.0], |row| row.get(0))?))?;
        if any { self.write(|tx| wake(tx, "suppression ended", ITSELF, now)) } else { Ok(Vec::new()) }
    }

    /// Suppressions, newest first; the ones that are over too, unless `effective_at` is given.
    pub fn suppressions(&self, effective_at: Option<Timestamp>, page: &Page) -> Result<Listing<StoredSuppression>> {
        let before = page.sequence()?.unwrap_or(i64::MAX);
        self.read(|tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM suppression WHERE id < ?1 AND until > ?2 ORDER BY id DESC LIMIT {}",
                page.rows() + 1
            );
            let mut statement = tx.prepare(&sql)?;
            let mut rows = statement.query([before, effective_at.map_or(i64::MIN, |at| at.0)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let stored = read(row)?;
                found.push((stored.id.to_string(), stored));
            }
            Ok(Listing::of(found, page.rows()))
        })
    }

    /// The suppression in force that lasts longest for this rule, device and its groups.
    pub fn effective_suppression(
        &self,
        rule: &str,
        device: DeviceId,
        groups: &[Box<str>],
        now: Timestamp,
    ) -> Result<Option<StoredSuppression>> {
        self.read(|tx| {
            let sql = format!("SELECT {COLUMNS} FROM suppression WHERE rule = ?1 AND until > ?2 ORDER BY until DESC");
            let mut statement = tx.prepare(&sql)?;
            let mut rows = statement.query(params![rule, now.0])?;
            while let Some(row) = rows.next()? {
                let stored = read(row)?;
                let covers = match &stored.suppression.scope {
                    SuppressionScope::Rule => true,
                    SuppressionScope::Device(only) => *only == device,
                    SuppressionScope::Group(group) => groups.contains(group),
                };
                if covers {
                    return Ok(Some(stored));
                }
            }
            Ok(None)
        })
    }
}

fn check(suppression: &Suppression, now: Timestamp) -> Result<()> {
    check_words(&suppression.by, &suppression.reason)?;
    if suppression.reason.trim().is_empty() {
        return Err(StoreError::invalid("reason", "say why these findings are expected"));
    }
    if suppression.rule.trim().is_empty() {
        return Err(StoreError::invalid("rule", "say which rule"));
    }
    if suppression.until <= now {
        return Err(StoreError::invalid("until", "must be in the future"));
    }
    Ok(())
}

fn insert(tx: &Transaction<'_>, suppression: &Suppression, now: Timestamp) -> Result<u64, Fault> {
    let (scope, device, group) = columns(&suppression.scope);
    tx.prepare(
        "INSERT INTO suppression (rule, scope, device, grp, reason, until, by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        &*suppression.rule,
        scope,
        device,
        group,
        suppression.reason,
        suppression.until.0,
        &*suppression.by,
        now.0
    ])?;
    Ok(tx.last_insert_rowid().cast_unsigned())
}

/// Puts open findings to sleep, and lets sleeping ones sleep longer.
fn cover(tx: &Transaction<'_>, suppression: &Suppression, now: Timestamp) -> Result<Vec<FindingId>, Fault> {
    let (_, device, group) = columns(&suppression.scope);
    let open = ids(
        tx,
        &format!("SELECT id FROM finding WHERE {COVERED} AND state IN ('new', 'acknowledged')"),
        params![&*suppression.rule, device, group],
    )?;
    tx.execute(
        &format!(
            "UPDATE finding SET state = 'suppressed', state_at = ?4, suppressed_until = max(coalesce(suppressed_until, ?5), ?5)
             WHERE {COVERED} AND state IN ('new', 'acknowledged', 'suppressed')"
        ),
        params![&*suppression.rule, device, group, now.0, suppression.until.0],
    )?;
    for id in &open {
        write_step(tx, *id, FindingState::Suppressed, &suppression.by, &suppression.reason, now)?;
    }
    Ok(open)
}

/// Findings that sleep and that no suppression covers at `now` become new again.
fn wake(tx: &Transaction<'_>, note: &str, by: &str, now: Timestamp) -> Result<Vec<FindingId>, Fault> {
    let woken =
        ids(tx, &format!("SELECT id FROM finding AS f WHERE state = 'suppressed' AND {UNCOVERED}"), params![now.0])?;
    for id in &woken {
        finding_state::enter(tx, *id, FindingState::New, by, note, now)?;
    }
    Ok(woken)
}

/// Until when a finding of this rule on this device is expected, by the store's own knowledge of its groups.
pub(crate) fn covered_until(
    tx: &Transaction<'_>,
    rule: &str,
    device: DeviceId,
    now: Timestamp,
) -> Result<Option<(Timestamp, String)>, Fault> {
    let mut statement = tx.prepare(
        "SELECT until, by, reason FROM suppression WHERE rule = ?1 AND until > ?2 AND (scope = 'rule'
           OR (scope = 'device' AND device = ?3)
           OR (scope = 'group' AND grp IN (SELECT name FROM device_group WHERE device = ?3)))
         ORDER BY until DESC LIMIT 1",
    )?;
    let found = statement.query_row(params![rule, now.0, device.0.cast_signed()], |row| {
        let (by, reason): (String, String) = (row.get(1)?, row.get(2)?);
        Ok((Timestamp(row.get(0)?), format!("{reason} ({by})")))
    });
    Ok(found.optional()?)
}

fn ids(tx: &Transaction<'_>, sql: &str, values: impl rusqlite::Params) -> Result<Vec<FindingId>, Fault> {
    let mut statement = tx.prepare(sql)?;
    let rows = statement.query_map(values, |row| row.get::<_, [u8; 16]>(0))?;
    rows.map(|id| Ok(FindingId(u128::from_be_bytes(id?)))).collect()
}

fn columns(scope: &SuppressionScope) -> (&'static str, Option<i64>, Option<&str>) {
    match scope {
        SuppressionScope::Device(device) => ("device", Some(device.0.cast_signed()), None),
        SuppressionScope::Group(group) => ("group", None, Some(group)),
        SuppressionScope::Rule => ("rule", None, None),
    }
}

fn get(tx: &Transaction<'_>, id: u64) -> Result<Option<StoredSuppression>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM suppression WHERE id = ?1");
    tx.prepare(&sql)?.query_row([id.cast_signed()], |row| Ok(read(row))).optional()?.transpose()
}

fn read(row: &Row<'_>) -> Result<StoredSuppression, Fault> {
    let scope = match row.get::<_, String>(2)?.as_str() {
        "device" => SuppressionScope::Device(DeviceId(row.get::<_, i64>(3)?.cast_unsigned())),
        "group" => SuppressionScope::Group(row.get(4)?),
        _ => SuppressionScope::Rule,
    };
    let suppression =
        Suppression { rule: row.get(1)?, scope, reason: row.get(5)?, until: Timestamp(row.get(6)?), by: row.get(7)? };
    Ok(StoredSuppression { id: row.get::<_, i64>(0)?.cast_unsigned(), created_at: Timestamp(row.get(8)?), suppression })
}

/// Used by `finding` when it writes a finding that is expected.
pub(crate) fn sleep(
    tx: &Transaction<'_>,
    id: FindingId,
    until: Timestamp,
    why: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    finding_state::enter(tx, id, FindingState::Suppressed, ITSELF, why, now)?;
    tx.prepare("UPDATE finding SET suppressed_until = ?2, state = ?3 WHERE id = ?1")?.execute(params![
        key(id),
        until.0,
        name(FindingState::Suppressed)
    ])?;
    Ok(())
}
