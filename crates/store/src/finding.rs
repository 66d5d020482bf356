//! Findings: written under the id of their episode, so that a replay writes nothing twice.

use fleetward_fleet::{DeviceId, Finding, FindingId, FindingState, Response, Severity, Timestamp};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use crate::connection::Fault;
use crate::finding_state::{self, FindingStep, ITSELF, key, name};
use crate::query::{Query, like};
use crate::{Listing, Page, Result, Store, response, suppression};

/// The most offsets a finding keeps as evidence; the first ones, because they show how it began.
const MAX_EVIDENCE: usize = 16;

/// What recording a finding changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not known.
    Inserted,
    /// It was known and has grown: count, last seen, evidence.
    Updated,
    /// Nothing new in it (a replay).
    Unchanged,
}

/// What recording a finding changed, and where the finding is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// What was changed.
    pub outcome: Outcome,
    /// The state it is in now; `Suppressed` asks for no response and no notification.
    pub state: FindingState,
    /// It was resolved or asleep and is new again, because it returned.
    pub reopened: bool,
}

/// A finding with all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingDetail {
    /// The finding.
    pub finding: Finding,
    /// When its condition stopped to hold, if it did.
    pub cleared_at: Option<Timestamp>,
    /// Until when it is suppressed, if it is.
    pub suppressed_until: Option<Timestamp>,
    /// Every step of its life, oldest first.
    pub history: Vec<FindingStep>,
    /// What was done about it, oldest first.
    pub responses: Vec<Response>,
}

/// Which findings. Empty means all; several conditions must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// In one of these states.
    pub states: Vec<FindingState>,
    /// At least so bad.
    pub min_severity: Option<Severity>,
    /// Of this rule.
    pub rule: Option<String>,
    /// On this device.
    pub device: Option<DeviceId>,
    /// Last seen at or after this.
    pub since: Option<Timestamp>,
    /// In subject, title or observed; `*` and `?` are wildcards, without them it may stand anywhere.
    pub text: Option<String>,
}

/// How many findings there are, by state and severity; only what is not zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingCounts {
    /// State, severity, how many.
    pub rows: Vec<(FindingState, Severity, u64)>,
}

impl Store {
    /// [`Store::record_findings`] for one.
    pub fn record_finding(&self, finding: &Finding, now: Timestamp) -> Result<Recorded> {
        self.write(|tx| record(tx, finding, now))
    }

    /// Writes findings in one transaction. One that a suppression covers at `now` is stored as suppressed; one that was
    /// resolved by a person or slept, and grows, is new again. Returns one answer per finding, in order.
    pub fn record_findings<'a>(
        &self,
        findings: impl IntoIterator<Item = &'a Finding>,
        now: Timestamp,
    ) -> Result<Vec<Recorded>> {
        self.write(|tx| findings.into_iter().map(|finding| record(tx, finding, now)).collect())
    }

    /// One finding with its history and responses.
    pub fn finding(&self, id: FindingId) -> Result<Option<FindingDetail>> {
        self.read(|tx| {
            let sql = "SELECT body, state, cleared_at, suppressed_until FROM finding WHERE id = ?1";
            let mut statement = tx.prepare(sql)?;
            let found = statement.query_row([key(id)], |row| {
                let times = (row.get::<_, Option<i64>>(2)?, row.get::<_, Option<i64>>(3)?);
                Ok((read(row), times))
            });
            let Some((finding, (cleared_at, suppressed_until))) = found.optional()? else { return Ok(None) };
            Ok(Some(FindingDetail {
                finding: finding?,
                cleared_at: cleared_at.map(Timestamp),
                suppressed_until: suppressed_until.map(Timestamp),
                history: finding_state::steps(tx, id)?,
                responses: response::of_finding(tx, id)?,
            }))
        })
    }

    /// Findings, newest first, one page at a time.
    pub fn findings(&self, filter: &FindingFilter, page: &Page) -> Result<Listing<Finding>> {
        let mut query = filter.query("SELECT body, state, seq FROM finding");
        if let Some(before) = page.sequence()? {
            query.and("seq < ?", before);
        }
        self.read(|tx| {
            let sql = query.sql(&format!("ORDER BY seq DESC LIMIT {}", page.rows() + 1));
            let mut statement = tx.prepare(&sql)?;
            let mut rows = statement.query(rusqlite::params_from_iter(query.values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push((row.get::<_, i64>(2)?.to_string(), read(row)?));
            }
            Ok(Listing::of(found, page.rows()))
        })
    }

    /// How many findings of each rule were written down at or after `since`: reads back from the newest one.
    pub fn count_findings_since(&self, since: Timestamp) -> Result<Vec<(Box<str>, u32)>> {
        self.read(|tx| {
            let sql =
                "SELECT f.rule, (SELECT min(s.at) FROM finding_step AS s WHERE s.finding = f.id) FROM finding AS f
                       ORDER BY f.seq DESC";
            let mut statement = tx.prepare(sql)?;
            let mut rows = statement.query([])?;
            let mut counts: std::collections::BTreeMap<Box<str>, u32> = std::collections::BTreeMap::new();
            let mut older = 0;
            while let Some(row) = rows.next()? {
                if row.get::<_, Option<i64>>(1)?.is_some_and(|at| at < since.0) {
                    older += 1;
                    // A replay may have written a few late; so many in a row are the past.
                    if older == 1000 {
                        break;
                    }
                    continue;
                }
                *counts.entry(row.get::<_, String>(0)?.into()).or_default() += 1;
            }
            Ok(counts.into_iter().collect())
        })
    }

    /// How many findings there are, by state and severity.
    pub fn finding_counts(&self) -> Result<FindingCounts> {
        self.read(|tx| {
            let mut statement = tx.prepare("SELECT state, severity, count(*) FROM finding GROUP BY 1, 2")?;
            let mut rows = statement.query([])?;
            let mut counts = FindingCounts::default();
            while let Some(row) = rows.next()? {
                let severity = severity_of(row.get(1)?);
                counts.rows.push((finding_state::read_state(row, 0)?, severity, row.get::<_, i64>(2)?.cast_unsigned()));
            }
            Ok(counts)
        })
    }
}

impl FindingFilter {
    fn query(&self, select: &str) -> Query {
        let mut query = Query::new(select);
        query.one_of("state", self.states.iter().map(|state| Value::from(name(*state).to_owned())));
        if let Some(severity) = self.min_severity {
            query.and("severity >= ?", severity as i64);
        }
        if let Some(rule) = &self.rule {
            query.and("rule = ?", rule.clone());
        }
        if let Some(device) = self.device {
            query.and("device = ?", device.0.cast_signed());
        }
        if let Some(since) = self.since {
            query.and("last_seen >= ?", since.0);
        }
        if let Some(text) = &self.text {
            let columns = ["subject", "title", "observed"].map(|column| format!("{column} LIKE ? ESCAPE '\\'"));
            query.and(&columns.join(" OR "), like(text));
        }
        query
    }
}

fn record(tx: &Transaction<'_>, finding: &Finding, now: Timestamp) -> Result<Recorded, Fault> {
    let known = stored(tx, finding.id)?;
    let Some((known, since)) = known else {
        insert(tx, finding, now)?;
        let covered = suppression::covered_until(tx, &finding.rule, finding.device, now)?;
        let mut state = FindingState::New;
        if let Some((until, why)) = covered {
            suppression::sleep(tx, finding.id, until, &why, now)?;
            state = FindingState::Suppressed;
        }
        return Ok(Recorded { outcome: Outcome::Inserted, state, reopened: false });
    };
    let merged = merge(&known, finding);
    if merged == known {
        return Ok(Recorded { outcome: Outcome::Unchanged, state: known.state, reopened: false });
    }
    update(tx, &merged)?;
    let state = after_growth(tx, &merged, since, now)?;
    let reopened = state == FindingState::New && known.state != FindingState::New;
    Ok(Recorded { outcome: Outcome::Updated, state, reopened })
}

/// Whether a finding that has grown is in another state now: it returned after somebody closed it, or its suppression
/// is over (or has begun).
fn after_growth(
    tx: &Transaction<'_>,
    finding: &Finding,
    since: Timestamp,
    now: Timestamp,
) -> Result<FindingState, Fault> {
    let returned = finding.state == FindingState::Resolved && finding.last_seen > since;
    if !returned && finding.state != FindingState::Suppressed {
        return Ok(finding.state);
    }
    let covered = suppression::covered_until(tx, &finding.rule, finding.device, now)?;
    match (covered, finding.state) {
        (Some(_), FindingState::Suppressed) => Ok(FindingState::Suppressed),
        (Some((until, why)), _) => {
            suppression::sleep(tx, finding.id, until, &why, now)?;
            Ok(FindingState::Suppressed)
        }
        (None, from) => {
            let note = if from == FindingState::Resolved { "it returned" } else { "suppression ended" };
            finding_state::enter(tx, finding.id, FindingState::New, ITSELF, note, now)?;
            tx.prepare("UPDATE finding SET cleared_at = NULL WHERE id = ?1")?.execute([key(finding.id)])?;
            Ok(FindingState::New)
        }
    }
}

/// What both say, with the words of the one that knows more. Only ever grows, so order and repetition do not matter.
fn merge(known: &Finding, told: &Finding) -> Finding {
    let told_is_newer = told.count > known.count || (told.count == known.count && told.last_seen > known.last_seen);
    let mut merged = if told_is_newer { told.clone() } else { known.clone() };
    merged.state = known.state;
    merged.first_seen = known.first_seen.min(told.first_seen);
    merged.last_seen = known.last_seen.max(told.last_seen);
    merged.observed_at = known.observed_at.min(told.observed_at);
    merged.severity = known.severity.max(told.severity);
    merged.late = known.late || told.late;
    // What grew it may have no session (a tick, an answer to a response); the session that it began in stays known.
    merged.session = merged.session.or_else(|| known.session.clone()).or_else(|| told.session.clone());
    merged.evidence = known.evidence.iter().chain(&told.evidence).copied().collect();
    merged.evidence.sort_unstable();
    merged.evidence.dedup();
    merged.evidence.truncate(MAX_EVIDENCE);
    merged
}

fn stored(tx: &Transaction<'_>, id: FindingId) -> Result<Option<(Finding, Timestamp)>, Fault> {
    let mut statement = tx.prepare("SELECT body, state, state_at FROM finding WHERE id = ?1")?;
    let found = statement.query_row([key(id)], |row| Ok((read(row), Timestamp(row.get(2)?)))).optional()?;
    found.map(|(finding, since)| Ok((finding?, since))).transpose()
}

fn insert(tx: &Transaction<'_>, finding: &Finding, now: Timestamp) -> Result<(), Fault> {
    tx.prepare(
        "INSERT INTO finding (id, rule, device, subject, title, observed, severity, state, first_seen, last_seen, state_at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'new', ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        key(finding.id),
        &*finding.rule,
        finding.device.0.cast_signed(),
        &*finding.subject,
        finding.title,
        finding.observed,
        finding.severity as i64,
        finding.first_seen.0,
        finding.last_seen.0,
        now.0,
        body(finding)?,
    ])?;
    finding_state::write_step(tx, finding.id, FindingState::New, ITSELF, "", finding.observed_at)?;
    Ok(())
}

fn update(tx: &Transaction<'_>, finding: &Finding) -> Result<(), Fault> {
    tx.prepare(
        "UPDATE finding SET subject = ?2, title = ?3, observed = ?4, severity = ?5, first_seen = ?6, last_seen = ?7, body = ?8
         WHERE id = ?1",
    )?
    .execute(params![
        key(finding.id),
        &*finding.subject,
        finding.title,
        finding.observed,
        finding.severity as i64,
        finding.first_seen.0,
        finding.last_seen.0,
        body(finding)?,
    ])?;
    Ok(())
}

fn body(finding: &Finding) -> Result<String, Fault> {
    serde_json::to_string(finding).map_err(|e| Fault::unreadable("finding")(Box::new(e)))
}

/// A finding from a row that begins with `body, state`: the column knows the state, the body knows the rest.
fn read(row: &Row<'_>) -> Result<Finding, Fault> {
    let text = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
    let mut finding: Finding = serde_json::from_str(text).map_err(|e| Fault::unreadable("finding")(Box::new(e)))?;
    finding.state = finding_state::read_state(row, 1)?;
    Ok(finding)
}

fn severity_of(number: i64) -> Severity {
    const ALL: [Severity; 5] = [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    usize::try_from(number).ok().and_then(|number| ALL.get(number).copied()).unwrap_or(Severity::Critical)
}
