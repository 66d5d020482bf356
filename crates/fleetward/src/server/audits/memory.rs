//! What became of a scheduled audit's runs, kept over restarts: the last one in the database, and of one that was cut what it
//! knew, as a file.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use fleetward_api::AuditRun;
use fleetward_audit::run::Report;
use fleetward_fleet::Timestamp;
use fleetward_store::Store;
use serde::{Deserialize, Serialize};

use crate::audit::when::{Before, Turn, When};

/// A run that the server did not survive so often is not begun again.
const MOST_DEATHS: u32 = 3;

/// Of one schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Since when it is there.
    pub(super) since: Timestamp,
    /// The last run, which may be under way.
    pub(super) last: Option<Last>,
    /// The last run that ended.
    pub(super) ended: Option<Last>,
    /// A run whose time came and went; until a whole one follows.
    pub(super) missed: Option<Timestamp>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Last {
    /// Its time by the schedule.
    pub(super) turn: Timestamp,
    pub(super) began: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) end: End,
    /// Addresses to audit, those that answered, those that are not audited to the end.
    pub(super) addresses: usize,
    pub(super) answered: usize,
    pub(super) left: usize,
    pub(super) faults: usize,
    /// How often the server ended with it and could not say so.
    pub(super) deaths: u32,
    pub(super) why: String,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    /// It has not.
    Running,
    /// All that was asked for was done.
    Whole,
    /// Its window closed.
    Partial,
    /// The server stopped.
    Stopped,
    /// Something was in the way.
    Failed,
}

impl End {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Whole => "whole",
            Self::Partial => "partial",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

impl Last {
    pub(super) fn begun(turn: Timestamp, now: Timestamp, deaths: u32) -> Self {
        let (addresses, answered, left, faults) = (0, 0, 0, 0);
        let (ended, end, why) = (None, End::Running, String::new());
        Self { turn, began: now, ended, end, addresses, answered, left, faults, deaths, why }
    }

    /// Whether it came to an end of its own.
    fn is_over(&self) -> bool {
        !matches!(self.end, End::Running | End::Stopped)
    }

    /// What was cut in this very run is gone on with; a run of another night looks at everything again.
    pub(super) fn is_gone_on_with(&self, when: When, turn: Turn) -> bool {
        let is_same = match when {
            When::Every(span) => turn.at.since(self.turn) < span,
            When::At { .. } => self.turn == turn.at,
        };
        self.end == End::Stopped && is_same
    }

    pub(super) fn shown(&self) -> AuditRun {
        AuditRun {
            began: self.began,
            ended: self.ended,
            end: self.end.name(),
            addresses: self.addresses,
            answered: self.answered,
            left: self.left,
            faults: self.faults,
            reason: self.why.clone(),
        }
    }
}

impl Memory {
    /// As the process before left it. A run that it did not end was cut by its death.
    pub(super) fn read(store: &Store, name: &str, now: Timestamp) -> fleetward_store::Result<Self> {
        let text = store.meta(&key(name))?;
        let read = text.and_then(|text| serde_json::from_str::<Self>(&text).ok());
        let mut memory = read.unwrap_or(Self { since: now, last: None, ended: None, missed: None });
        if let Some(last) = memory.last.as_mut().filter(|last| last.end == End::Running) {
            last.deaths += 1;
            last.end = if last.deaths < MOST_DEATHS { End::Stopped } else { End::Failed };
            last.why = format!("the server ended while it ran, {} times", last.deaths);
            memory.ended = Some(last.clone());
        }
        Ok(memory)
    }

    /// A run begins.
    pub(super) fn begin(&mut self, last: &Last) {
        self.last = Some(last.clone());
    }

    /// It ended.
    pub(super) fn end(&mut self, last: &Last) {
        (self.last, self.ended) = (Some(last.clone()), Some(last.clone()));
        if last.end == End::Whole {
            self.missed = None;
        }
    }

    pub(super) fn write(&self, store: &Store, name: &str) -> fleetward_store::Result<()> {
        store.set_meta(&key(name), &serde_json::to_string(self).unwrap_or_default())
    }

    /// What the next run depends on.
    pub(super) fn before(&self) -> Option<Before> {
        self.last.as_ref().map(|last| Before { at: last.turn, is_over: last.is_over() })
    }

    /// Up to when nothing can have been missed.
    pub(super) fn known_until(&self) -> Timestamp {
        let last = self.last.as_ref().map_or(self.since, |last| last.turn);
        last.max(self.since).max(self.missed.unwrap_or(self.since))
    }

    /// Why somebody should look; none where the last run that ended was whole. `/health` asks nobody for a token, so that it
    /// names no address.
    pub(super) fn trouble(&self) -> Option<String> {
        if let Some(at) = self.missed {
            return Some(format!("the run of {at} was missed"));
        }
        let last = self.ended.as_ref().filter(|last| last.end != End::Whole)?;
        Some(format!("the run of {} is {}", last.began, last.end.name()))
    }
}

fn key(name: &str) -> String {
    format!("audit_schedule:{name}")
}

/// What runs that were cut knew.
#[derive(Debug, Clone)]
pub(super) struct Parts(PathBuf);

impl Parts {
    pub(super) fn new(data: &Path) -> Self {
        Self(data.join("audits"))
    }

    /// None where there is none, or none that can be read: the run begins anew.
    pub(super) fn read(&self, name: &str) -> Option<Report> {
        serde_json::from_slice(&fs::read(self.file(name)).ok()?).ok()
    }

    /// In place of the one before; a report says what is open in the fleet, so that it is private.
    pub(super) fn write(&self, name: &str, report: &Report) -> anyhow::Result<()> {
        crate::server::make_private_folder(&self.0)?;
        let beside = self.file(name).with_extension("new");
        let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec(report)?)?;
        Ok(fs::rename(beside, self.file(name))?)
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.file(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_the_server_did_not_survive_is_begun_again_but_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db")).unwrap();
        let mut deaths = 0;
        for death in 1..=MOST_DEATHS {
            let last = Some(Last::begun(Timestamp(5), Timestamp(7), deaths));
            Memory { since: Timestamp(1), last, ended: None, missed: None }.write(&store, "nightly").unwrap();
            let memory = Memory::read(&store, "nightly", Timestamp(9)).unwrap();
            deaths = memory.last.as_ref().unwrap().deaths;
            let before = Before { at: Timestamp(5), is_over: death == MOST_DEATHS };
            assert_eq!((deaths, memory.before()), (death, Some(before)));
            assert!(memory.trouble().is_some() && memory.last.unwrap().why.contains("ended while it ran"));
        }
        assert_eq!(Memory::read(&store, "other", Timestamp(9)).unwrap().known_until(), Timestamp(9));
    }

    #[test]
    fn what_a_run_that_was_cut_knew_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let parts = Parts::new(folder.path());
        assert_eq!(parts.read("nightly"), None);
        let report = Report {
            began: 1,
            ended: 2,
            is_complete: false,
            hosts: Vec::new(),
            found: Vec::new(),
            left: std::collections::BTreeMap::new(),
        };
        parts.write("nightly", &report).unwrap();
        assert_eq!(parts.read("nightly"), Some(report));
        assert_eq!(fs::metadata(parts.file("nightly")).unwrap().permissions().mode() & 0o777, 0o600);
        parts.remove("nightly").unwrap();
        parts.remove("nightly").unwrap();
    }
}
