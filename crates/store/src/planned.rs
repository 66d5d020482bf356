//! Planned changes as the journal has them, and the account of what each has excused.

use fleetward_fleet::{DeviceId, Offset, PlannedChange, Timestamp};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::connection::Fault;
use crate::{Listing, Page, Result, Store};

/// A deviation that a planned change excused: no finding, and not forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExcusedDeviation {
    /// The planned change, by its name.
    pub change: Box<str>,
    /// The rule that would have spoken.
    pub rule: Box<str>,
    /// The device; `DeviceId(0)` for a group or model.
    pub device: DeviceId,
    /// Its name for people.
    pub subject: Box<str>,
    /// When it first deviated, by event time.
    pub at: Timestamp,
}

impl Store {
    /// Applies planned changes in journal order; the newest word on a name counts, so a replay changes nothing.
    pub fn project_planned(&self, changes: &[(Offset, PlannedChange)]) -> Result<()> {
        self.write(|tx| {
            let mut upsert = tx.prepare(
                "INSERT INTO planned_change (name, from_at, until_at, changed_offset, body) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (name) DO UPDATE SET from_at = ?2, until_at = ?3, changed_offset = ?4, body = ?5
                 WHERE changed_offset < ?4",
            )?;
            for (offset, change) in changes {
                let body =
                    serde_json::to_string(change).map_err(|e| Fault::unreadable("planned change")(Box::new(e)))?;
                upsert.execute(params![&*change.name, change.from.0, change.until.0, offset.0.cast_signed(), body])?;
            }
            Ok(())
        })
    }

    /// Planned changes, those that end last first; only those that are not over at `after`, where it is given.
    pub fn planned_changes(&self, after: Option<Timestamp>, page: &Page) -> Result<Listing<PlannedChange>> {
        let position = page.position()?;
        let (until, name) = position.as_deref().and_then(|text| text.split_once(' ')).unwrap_or_default();
        let until = until.parse().unwrap_or(i64::MAX);
        self.read(|tx| {
            let mut statement = tx.prepare(
                "SELECT body FROM planned_change WHERE until_at > ?1 AND (until_at < ?2 OR (until_at = ?2 AND name > ?3))
                 ORDER BY until_at DESC, name LIMIT ?4",
            )?;
            let after = after.map_or(i64::MIN, |at| at.0);
            let limit = i64::try_from(page.rows() + 1).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![after, until, name, limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let change = read(row)?;
                found.push((format!("{} {}", change.until.0, change.name), change));
            }
            Ok(Listing::of(found, page.rows()))
        })
    }

    /// One planned change.
    pub fn planned_change(&self, name: &str) -> Result<Option<PlannedChange>> {
        self.read(|tx| {
            let mut statement = tx.prepare("SELECT body FROM planned_change WHERE name = ?1")?;
            statement.query_row([name], |row| Ok(read(row))).optional()?.transpose()
        })
    }

    /// How many are not over at `now`.
    pub fn count_planned(&self, now: Timestamp) -> Result<u64> {
        let sql = "SELECT count(*) FROM planned_change WHERE until_at > ?1";
        self.read(|tx| Ok(tx.query_row(sql, [now.0], |row| row.get::<_, i64>(0))?.unsigned_abs()))
    }

    /// Writes down what planned changes excused. Again is the same as once.
    pub fn record_excused(&self, excused: &[ExcusedDeviation]) -> Result<()> {
        self.write(|tx| {
            let mut insert = tx.prepare(
                "INSERT OR IGNORE INTO planned_excused (change, rule, device, subject, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for one in excused {
                insert.execute(params![
                    &*one.change,
                    &*one.rule,
                    one.device.0.cast_signed(),
                    &*one.subject,
                    one.at.0
                ])?;
            }
            Ok(())
        })
    }

    /// The first deviations that a planned change excused, at most `limit`, and how many there are in all.
    pub fn excused(&self, change: &str, limit: usize) -> Result<(Vec<ExcusedDeviation>, u64)> {
        self.read(|tx| {
            let mut statement = tx.prepare(
                "SELECT rule, device, subject, at FROM planned_excused WHERE change = ?1 ORDER BY at, subject, rule LIMIT ?2",
            )?;
            let mut rows = statement.query(params![change, i64::try_from(limit).unwrap_or(i64::MAX)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(ExcusedDeviation {
                    change: change.into(),
                    rule: row.get::<_, String>(0)?.into(),
                    device: DeviceId(row.get::<_, i64>(1)?.cast_unsigned()),
                    subject: row.get::<_, String>(2)?.into(),
                    at: Timestamp(row.get(3)?),
                });
            }
            let all = "SELECT count(*) FROM planned_excused WHERE change = ?1";
            let all: i64 = tx.query_row(all, [change], |row| row.get(0))?;
            Ok((found, all.unsigned_abs()))
        })
    }

    /// Whether any device is in this group.
    pub fn has_group(&self, group: &str) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM device_group WHERE name = ?1)";
        self.read(|tx| Ok(tx.query_row(sql, [group], |row| row.get(0))?))
    }

    /// How many devices are in this group.
    pub fn group_size(&self, group: &str) -> Result<u32> {
        let sql = "SELECT count(*) FROM device_group WHERE name = ?1";
        let size: i64 = self.read(|tx| Ok(tx.query_row(sql, [group], |row| row.get(0))?))?;
        Ok(u32::try_from(size).unwrap_or(u32::MAX))
    }

    /// Whether any device is of this model.
    pub fn has_model(&self, model: &str) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM device WHERE model = ?1)";
        self.read(|tx| Ok(tx.query_row(sql, [model], |row| row.get(0))?))
    }
}

fn read(row: &Row<'_>) -> Result<PlannedChange, Fault> {
    let body: String = row.get(0)?;
    serde_json::from_str(&body).map_err(|e| Fault::unreadable("planned change")(Box::new(e)))
}
