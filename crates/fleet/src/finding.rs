//! A deviation that someone should know of.

use serde::{Deserialize, Serialize};

use crate::{DeviceId, FindingId, Offset, SessionKey, Timestamp};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth a line.
    Info,
    /// Worth a look this week.
    Low,
    /// Worth a look today.
    Medium,
    /// Misuse is likely.
    High,
    /// Misuse is under way.
    Critical,
}

/// Where a finding is in its life (`new -> acknowledged -> resolved`, or `suppressed`).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingState {
    /// Nobody has looked yet.
    #[default]
    New,
    /// Somebody has it.
    Acknowledged,
    /// The cause is gone, or somebody said so.
    Resolved,
    /// Expected for a stated reason, in a stated scope, until a stated date.
    Suppressed,
}

/// One episode of one rule on one device (or group): what was expected, what happened, what shows it, what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Follows from rule, subject and episode start.
    pub id: FindingId,
    /// The rule's name.
    pub rule: Box<str>,
    /// The rule's version.
    pub rule_version: u32,
    /// The device; for a finding about a group, `DeviceId(0)` and `subject` names the group.
    pub device: DeviceId,
    /// The device's name or the group key, for people. Identities in it are masked.
    pub subject: Box<str>,
    /// How bad.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// What was expected, in words.
    pub expected: String,
    /// What happened, in words.
    pub observed: String,
    /// What to do about it.
    pub advice: String,
    /// Provisions and techniques that it touches, e.g. `etsi-en-303-645:5.5-1`, `attack:T1496`.
    pub tags: Vec<Box<str>>,
    /// When the episode began, by event time.
    pub first_seen: Timestamp,
    /// When it was last confirmed, by event time.
    pub last_seen: Timestamp,
    /// When we learnt of it.
    pub observed_at: Timestamp,
    /// How often the condition held in this episode.
    pub count: u64,
    /// Journal offsets of the records that show it (at most 16, the first ones).
    pub evidence: Vec<Offset>,
    /// The session in which it happened, where there is one: what a disconnect is aimed at.
    pub session: Option<SessionKey>,
    /// The record that showed it arrived after its window's lateness.
    pub late: bool,
    /// Why it is not certain, or how sure we are, in words; empty where the rule is exact.
    pub confidence: String,
    /// Where it is in its life.
    pub state: FindingState,
}

/// What a suppression covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionScope {
    /// This rule on this device.
    Device(DeviceId),
    /// This rule on every device of this group.
    Group(Box<str>),
    /// This rule everywhere.
    Rule,
}

/// A stated reason why findings of a rule are expected, with an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// The rule.
    pub rule: Box<str>,
    /// On which devices.
    pub scope: SuppressionScope,
    /// Why.
    pub reason: String,
    /// Until when; afterwards findings wake up.
    pub until: Timestamp,
    /// Who said so.
    pub by: Box<str>,
}
