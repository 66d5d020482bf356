//! Responses: every step is stored before it is acted on, so a restart knows what is under way.

use fleetward_fleet::{Action, Actor, DeviceId, FindingId, Response, ResponseId, ResponseState, Timestamp};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use crate::connection::Fault;
use crate::query::Query;
use crate::{Listing, Page, Result, Store, StoreError};

/// Whether a response was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is stored now.
    New,
    /// It was stored before and has not been touched: the same finding never responds twice.
    Known,
}

/// Which responses. Empty means all; several conditions must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseFilter {
    /// In one of these states.
    pub states: Vec<ResponseState>,
    /// [`Action::name`].
    pub action: Option<String>,
    /// On this device.
    pub device: Option<DeviceId>,
    /// Because of this finding.
    pub finding: Option<FindingId>,
    /// Asked for by this rule.
    pub rule: Option<String>,
    /// Asked for at or after this.
    pub since: Option<Timestamp>,
}

impl Store {
    /// Stores a response under its id, once.
    pub fn insert_response(&self, response: &Response) -> Result<Inserted> {
        self.write(|tx| insert(tx, response))
    }

    /// The same for several, in one transaction; one answer per response, in order.
    pub fn insert_responses<'a>(&self, responses: impl IntoIterator<Item = &'a Response>) -> Result<Vec<Inserted>> {
        self.write(|tx| responses.into_iter().map(|response| insert(tx, response)).collect())
    }

    /// Stores what became of a response. Its history must continue the stored one ([`StoreError::Stale`] otherwise): two
    /// who change it at once cannot overwrite each other.
    pub fn update_response(&self, response: &Response) -> Result<()> {
        self.write(|tx| {
            let stored = get(tx, response.id)?.ok_or_else(|| StoreError::not_found("response", &response.id))?;
            if !response.history.starts_with(&stored.history) {
                return Err(stale(response).into());
            }
            write(tx, response)
        })
    }

    /// Stores new responses and what became of known ones, all in one transaction or none: what is under way is written
    /// down with a single sync before it is acted on. A known one's history must continue the stored one
    /// ([`StoreError::Stale`] otherwise).
    pub fn save_responses<'a>(&self, responses: impl IntoIterator<Item = &'a Response>) -> Result<()> {
        self.write(|tx| {
            for response in responses {
                match get(tx, response.id)? {
                    None => drop(insert(tx, response)?),
                    Some(stored) if response.history.starts_with(&stored.history) => write(tx, response)?,
                    Some(_) => return Err(stale(response).into()),
                }
            }
            Ok(())
        })
    }

    /// One response.
    pub fn response(&self, id: ResponseId) -> Result<Option<Response>> {
        self.read(|tx| get(tx, id))
    }

    /// Responses, newest first, one page at a time.
    pub fn responses(&self, filter: &ResponseFilter, page: &Page) -> Result<Listing<Response>> {
        let mut query = filter.query();
        if let Some(before) = page.sequence()? {
            query.and("seq < ?", before);
        }
        self.read(|tx| {
            let sql = query.sql(&format!("ORDER BY seq DESC LIMIT {}", page.rows() + 1));
            let mut statement = tx.prepare(&sql)?;
            let mut rows = statement.query(rusqlite::params_from_iter(query.values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push((row.get::<_, i64>(1)?.to_string(), read(row)?));
            }
            Ok(Listing::of(found, page.rows()))
        })
    }

    /// Every response that is in no final state, oldest first: what a restart takes up again.
    pub fn unfinished_responses(&self) -> Result<Vec<Response>> {
        self.read(|tx| all(tx, "SELECT body FROM response WHERE final = 0 ORDER BY seq", params![]))
    }

    /// Unfinished responses whose next step is due, the longest waiting first.
    pub fn due_responses(&self, now: Timestamp) -> Result<Vec<Response>> {
        let sql = "SELECT body FROM response WHERE final = 0 AND due_at <= ?1 ORDER BY due_at, seq";
        self.read(|tx| all(tx, sql, params![now.0]))
    }

    /// The devices that `rule` has touched at or after `since`, each once: what a budget counts. A response counts from
    /// the moment it was approved; one that waits, or was refused before it was approved, does not.
    pub fn interventions_since(&self, rule: &str, since: Timestamp) -> Result<Vec<DeviceId>> {
        self.read(|tx| {
            let mut statement = tx.prepare(
                "SELECT DISTINCT device FROM response
                 WHERE rule = ?1 AND acted_at >= ?2 AND intervention = 1 AND acted_at IS NOT NULL",
            )?;
            let rows = statement.query_map(params![rule, since.0], |row| row.get::<_, i64>(0))?;
            rows.map(|id| Ok(DeviceId(id?.cast_unsigned()))).collect()
        })
    }
}

impl ResponseFilter {
    fn query(&self) -> Query {
        let mut query = Query::new("SELECT body, seq FROM response");
        query.one_of("state", self.states.iter().map(|state| Value::from(name(*state).to_owned())));
        if let Some(action) = &self.action {
            query.and("action = ?", action.clone());
        }
        if let Some(device) = self.device {
            query.and("device = ?", device.0.cast_signed());
        }
        if let Some(finding) = self.finding {
            query.and("finding = ?", finding.0.to_be_bytes().to_vec());
        }
        if let Some(rule) = &self.rule {
            query.and("rule = ?", rule.clone());
        }
        if let Some(since) = self.since {
            query.and("created_at >= ?", since.0);
        }
        query
    }
}

pub(crate) fn of_finding(tx: &Transaction<'_>, finding: FindingId) -> Result<Vec<Response>, Fault> {
    let sql = "SELECT body FROM response WHERE finding = ?1 ORDER BY seq";
    all(tx, sql, params![finding.0.to_be_bytes()])
}

fn insert(tx: &Transaction<'_>, response: &Response) -> Result<Inserted, Fault> {
    let known = "SELECT EXISTS (SELECT 1 FROM response WHERE id = ?1)";
    if tx.prepare(known)?.query_row([response.id.0.to_be_bytes()], |row| row.get(0))? {
        return Ok(Inserted::Known);
    }
    tx.prepare(
        "INSERT INTO response (id, finding, device, action, intervention, rule, state, final, created_at, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', 0, ?7, '')",
    )?
    .execute(params![
        response.id.0.to_be_bytes(),
        response.finding.map(|finding| finding.0.to_be_bytes()),
        response.device.0.cast_signed(),
        response.action.name(),
        Action::is_intervention(&response.action),
        rule(response),
        response.created_at.0,
    ])?;
    write(tx, response)?;
    Ok(Inserted::New)
}

fn stale(response: &Response) -> StoreError {
    StoreError::Stale { what: "response", key: response.id.to_string() }
}

/// The columns that change.
fn write(tx: &Transaction<'_>, response: &Response) -> Result<(), Fault> {
    let body = serde_json::to_string(response).map_err(|e| Fault::unreadable("response")(Box::new(e)))?;
    tx.prepare("UPDATE response SET state = ?2, final = ?3, acted_at = ?4, due_at = ?5, body = ?6 WHERE id = ?1")?
        .execute(params![
            response.id.0.to_be_bytes(),
            name(response.state),
            response.state.is_final(),
            acted_at(response).map(|at| at.0),
            response.due_at.map(|at| at.0),
            body,
        ])?;
    Ok(())
}

/// When it was first allowed to touch a device.
fn acted_at(response: &Response) -> Option<Timestamp> {
    let touches = |state| !matches!(state, ResponseState::Proposed | ResponseState::Failed);
    let stepped = response.history.iter().find(|step| touches(step.state)).map(|step| step.at);
    stepped.or_else(|| touches(response.state).then_some(response.created_at))
}

fn rule(response: &Response) -> Option<&str> {
    match &response.by {
        Actor::Rule(rule) => Some(rule),
        Actor::User(_) => None,
    }
}

fn get(tx: &Transaction<'_>, id: ResponseId) -> Result<Option<Response>, Fault> {
    let mut statement = tx.prepare("SELECT body FROM response WHERE id = ?1")?;
    statement.query_row([id.0.to_be_bytes()], |row| Ok(read(row))).optional()?.transpose()
}

fn all(tx: &Transaction<'_>, sql: &str, values: impl rusqlite::Params) -> Result<Vec<Response>, Fault> {
    let mut statement = tx.prepare(sql)?;
    let mut rows = statement.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Result<Response, Fault> {
    let body = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
    serde_json::from_str(body).map_err(|e| Fault::unreadable("response")(Box::new(e)))
}

fn name(state: ResponseState) -> &'static str {
    match state {
        ResponseState::Proposed => "proposed",
        ResponseState::Approved => "approved",
        ResponseState::Sent => "sent",
        ResponseState::Accepted => "accepted",
        ResponseState::Verified => "verified",
        ResponseState::Failed => "failed",
        ResponseState::Reverted => "reverted",
    }
}
