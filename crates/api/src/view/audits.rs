//! Audits that come again and again.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{AuditGoing, AuditRun, ScheduledAudit};

/// An audit that comes again and again, by `audit.schedule` of the configuration.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ScheduledAuditView {
    /// Its name.
    pub name: String,
    /// When, in words: `daily 02:30 to 05:00 UTC`.
    pub when: String,
    /// Whom, in the words of the configuration; empty: every device with an address in the owner's networks.
    pub targets: Vec<String>,
    /// When the next run is due; `null` while one runs.
    pub next: Option<String>,
    /// The run that is under way.
    pub running: Option<AuditGoingView>,
    /// The last run that ended; `null`: none has yet.
    pub last: Option<AuditRunView>,
    /// A run that was due and could not begin; `null` once a whole one followed.
    pub missed: Option<String>,
}

/// A run that is under way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditGoingView {
    /// Since when.
    pub since: String,
    /// How many addresses it audits.
    pub addresses: usize,
    /// How many of them are done.
    pub done: usize,
    /// How much of the work is behind it, 0 to 1.
    pub share: f64,
}

/// A run that ended.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditRunView {
    /// When it began.
    pub began: String,
    /// When it ended; `null` where the server ended with it.
    pub ended: Option<String>,
    /// `whole`, `partial` (its window closed), `stopped` (the server was; it is gone on with) or `failed`.
    pub end: &'static str,
    /// How many addresses it was to audit.
    pub addresses: usize,
    /// How many of them answered anything.
    pub answered: usize,
    /// How many are not audited to the end.
    pub left: usize,
    /// Faults that it found, on all addresses.
    pub faults: usize,
    /// Why it is not whole; empty where it is.
    pub reason: String,
}

impl ScheduledAuditView {
    pub(crate) fn of(audit: ScheduledAudit) -> Self {
        Self {
            name: audit.name,
            when: audit.when,
            targets: audit.targets,
            next: audit.next.map(|at| at.to_string()),
            running: audit.running.map(AuditGoingView::of),
            last: audit.last.map(AuditRunView::of),
            missed: audit.missed.map(|at| at.to_string()),
        }
    }
}

impl AuditGoingView {
    fn of(AuditGoing { since, addresses, done, share }: AuditGoing) -> Self {
        Self { since: since.to_string(), addresses, done, share }
    }
}

impl AuditRunView {
    fn of(run: AuditRun) -> Self {
        let AuditRun { began, ended, end, addresses, answered, left, faults, reason } = run;
        let (began, ended) = (began.to_string(), ended.map(|at| at.to_string()));
        Self { began, ended, end, addresses, answered, left, faults, reason }
    }
}
