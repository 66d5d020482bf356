//! What a backtest says, for people and machines.

use std::collections::BTreeMap;

use fleetward_fleet::{FindingId, Severity, Timestamp};
use serde::Serialize;

/// The result of one backtest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The span that counts.
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
    /// Records that were judged, those before the span included, ticks of the clock not.
    pub records: u64,
    /// Days in the span; they may be a part of one.
    pub days: f64,
    /// CPU nanoseconds a record: all of judging with these rules alone. Where it was not measured, absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nanos_per_record: Option<f64>,
    /// One for each rule, by name.
    pub rules: Vec<RuleReport>,
}

/// What one rule would have found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleReport {
    /// Its name.
    pub rule: Box<str>,
    /// Its version.
    pub version: u32,
    /// How bad its findings are.
    pub severity: Severity,
    /// No device in the records was in its scope.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_about_nobody: bool,
    /// Findings.
    pub alarms: u64,
    /// ... a day, on the average; absent where the span is shorter than a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarms_per_day: Option<f64>,
    /// By UTC date; days without are absent.
    pub per_day: BTreeMap<String, u64>,
    /// About whom it is, as after `per:` in its file.
    pub per: &'static str,
    /// Different ones found: devices, groups, networks, ...
    pub subjects: u64,
    /// Different devices found; absent where the rule is not about devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub devices: Option<u64>,
    /// Findings beyond `max_alarms_per_day`, of which nobody is told.
    pub untold: u64,
    /// Findings whose windows could not be measured exactly.
    pub at_least: u64,
    /// Findings from late records.
    pub late: u64,
    /// What it would have done, by action.
    pub would: BTreeMap<&'static str, Would>,
    /// Some findings, of different devices where there are.
    pub examples: Vec<Example>,
    /// Against another version; absent where there is none to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// One kind of response, within the budgets.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Would {
    /// Times it would have been done.
    pub done: u64,
    /// ... on so many devices; of a finding about a group, interventions are done on those that took part.
    pub devices: u64,
    /// Times it would have waited for a person: the rule says so, or the device is safety-critical.
    pub waiting: u64,
    /// Times a budget would have stopped it.
    pub over_budget: u64,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Its id, as live.
    pub id: FindingId,
    /// When it began.
    pub at: Timestamp,
    /// Device or group, identities masked.
    pub subject: Box<str>,
    /// One line.
    pub title: String,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub observed: String,
    /// How sure; may be empty.
    pub confidence: String,
    /// Names of what the rule would have asked for.
    pub responses: Vec<&'static str>,
}

/// Against another version, incident by incident: two alarms about the same device (or group, ...) are the same where their
/// episodes overlap, or one begins within an hour of the end of the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The other version.
    pub version: u32,
    /// The file that it was read from.
    pub file: Box<str>,
    /// Alarms of both.
    pub same: u64,
    /// Alarms that only the new one has.
    pub new: u64,
    /// Alarms that only the old one had.
    pub gone: u64,
    /// Some of the new ones.
    pub new_examples: Vec<Example>,
    /// Some of those that are gone.
    pub gone_examples: Vec<Example>,
}
