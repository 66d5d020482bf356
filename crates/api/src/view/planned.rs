//! Planned changes.

use fleetward_fleet::{PlannedChange, Timestamp};
use fleetward_store::ExcusedDeviation;
use serde::Serialize;
use utoipa::ToSchema;

use super::PlannedKindName;

/// A planned change.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlannedChangeView {
    /// Its name.
    pub name: String,
    /// `coming`, `in_force` or `over`.
    pub state: &'static str,
    /// What it excuses.
    pub excuses: Vec<PlannedKindName>,
    /// Rules that it excuses by name.
    pub rules: Vec<String>,
    /// Devices, by name.
    pub devices: Vec<String>,
    /// Every device of these groups.
    pub groups: Vec<String>,
    /// Every device of these models.
    pub models: Vec<String>,
    /// From when, by event time.
    pub from: String,
    /// Until when, by event time.
    pub until: String,
    /// Why.
    pub reason: String,
    /// Work order, ticket or change request.
    pub reference: String,
    /// Who said so.
    pub by: String,
}

impl PlannedChangeView {
    pub(crate) fn of(change: PlannedChange, now: Timestamp) -> Self {
        let texts = |texts: Vec<Box<str>>| texts.into_iter().map(String::from).collect();
        let state = if change.until <= now {
            "over"
        } else if change.from <= now {
            "in_force"
        } else {
            "coming"
        };
        Self {
            name: change.name.into(),
            state,
            excuses: change.excuses.into_iter().map(Into::into).collect(),
            rules: texts(change.rules),
            devices: change.scope.devices.iter().map(|name| crate::mask::name(name)).collect(),
            groups: texts(change.scope.groups),
            models: texts(change.scope.models),
            from: change.from.to_string(),
            until: change.until.to_string(),
            reason: change.reason.into(),
            reference: change.reference.into(),
            by: change.by.into(),
        }
    }
}

/// A deviation that was no finding.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ExcusedView {
    /// The rule that would have spoken.
    pub rule: String,
    /// The device's id; `null` for a group or model.
    pub device: Option<String>,
    /// Its name.
    pub subject: String,
    /// When it first deviated, by event time.
    pub at: String,
}

impl ExcusedView {
    pub(crate) fn of(excused: ExcusedDeviation) -> Self {
        Self {
            rule: excused.rule.into(),
            device: (excused.device.0 != 0).then(|| excused.device.to_string()),
            subject: excused.subject.into(),
            at: excused.at.to_string(),
        }
    }
}
