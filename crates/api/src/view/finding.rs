//! Findings and suppressions.

use fleetward_fleet::{DeviceId, Finding, SuppressionScope};
use fleetward_store::{FindingDetail, FindingStep, Store, StoredSuppression};
use serde::Serialize;
use utoipa::ToSchema;

use super::{FindingStateName, ResponseView, SeverityName};
use crate::mask;

/// A deviation that someone should know of.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingView {
    /// Follows from rule, subject and begin; 32 hexadecimal digits.
    pub id: String,
    /// The rule's name.
    pub rule: String,
    /// The rule's version.
    pub rule_version: u32,
    /// The device's id; `null` where it is about a group.
    pub device: Option<String>,
    /// The device's name, or the group.
    pub subject: String,
    /// How bad.
    pub severity: SeverityName,
    /// Where it is in its life.
    pub state: FindingStateName,
    /// One line.
    pub title: String,
    /// What was expected.
    pub expected: String,
    /// What happened.
    pub observed: String,
    /// What to do about it.
    pub advice: String,
    /// Why it is not certain; empty where the rule is exact.
    pub confidence: String,
    /// Provisions and techniques that it touches.
    pub tags: Vec<String>,
    /// When it began, by the network's clock.
    pub first_seen: String,
    /// When it was last confirmed.
    pub last_seen: String,
    /// When we learnt of it.
    pub observed_at: String,
    /// How often.
    pub count: u64,
    /// Journal offsets of the records that show it.
    pub evidence: Vec<u64>,
    /// NAS and Acct-Session-Id of the session, where there is one.
    pub session: Option<[String; 2]>,
    /// A record that shows it came too late to count in its window.
    pub late: bool,
}

impl FindingView {
    pub(crate) fn of(finding: &Finding) -> Self {
        let text = |time: fleetward_fleet::Timestamp| time.to_string();
        Self {
            id: finding.id.to_string(),
            rule: finding.rule.to_string(),
            rule_version: finding.rule_version,
            device: (finding.device != DeviceId(0)).then(|| finding.device.to_string()),
            subject: mask::name(&finding.subject),
            severity: finding.severity.into(),
            state: finding.state.into(),
            title: finding.title.clone(),
            expected: finding.expected.clone(),
            observed: finding.observed.clone(),
            advice: finding.advice.clone(),
            confidence: finding.confidence.clone(),
            tags: finding.tags.iter().map(ToString::to_string).collect(),
            first_seen: text(finding.first_seen),
            last_seen: text(finding.last_seen),
            observed_at: text(finding.observed_at),
            count: finding.count,
            evidence: finding.evidence.iter().map(|offset| offset.0).collect(),
            session: finding.session.as_ref().map(|key| [key.nas.to_string(), key.id.to_string()]),
            late: finding.late,
        }
    }
}

/// A finding with its history and what was done about it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingDetailView {
    /// The finding.
    #[serde(flatten)]
    pub finding: FindingView,
    /// When its cause was gone.
    pub cleared_at: Option<String>,
    /// Until when it is suppressed.
    pub suppressed_until: Option<String>,
    /// Every step of its life, oldest first.
    pub history: Vec<StepView>,
    /// Responses to it, oldest first.
    pub responses: Vec<ResponseView>,
}

impl FindingDetailView {
    pub(crate) fn of(detail: &FindingDetail, store: &Store) -> fleetward_store::Result<Self> {
        let responses = detail.responses.iter().map(|response| ResponseView::named(response, store));
        Ok(Self {
            finding: FindingView::of(&detail.finding),
            cleared_at: detail.cleared_at.map(|at| at.to_string()),
            suppressed_until: detail.suppressed_until.map(|at| at.to_string()),
            history: detail.history.iter().map(StepView::of).collect(),
            responses: responses.collect::<Result<_, _>>()?,
        })
    }
}

/// One step of a finding's life.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StepView {
    /// When.
    pub at: String,
    /// Into which state.
    pub state: FindingStateName,
    /// Who.
    pub by: String,
    /// Why; may be empty.
    pub note: String,
}

impl StepView {
    fn of(step: &FindingStep) -> Self {
        let FindingStep { at, state, by, note } = step;
        Self { at: at.to_string(), state: (*state).into(), by: by.to_string(), note: note.clone() }
    }
}

/// What a suppression covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionScopeView {
    /// The rule on this device (its id).
    Device(String),
    /// The rule on every device of this group.
    Group(String),
    /// The rule everywhere.
    Rule,
}

impl SuppressionScopeView {
    fn of(scope: &SuppressionScope) -> Self {
        match scope {
            SuppressionScope::Device(id) => Self::Device(id.to_string()),
            SuppressionScope::Group(group) => Self::Group(group.to_string()),
            SuppressionScope::Rule => Self::Rule,
        }
    }
}

/// A stated reason why findings of a rule are expected, with an end.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SuppressionView {
    /// Its number.
    pub id: u64,
    /// The rule.
    pub rule: String,
    /// On what.
    pub scope: SuppressionScopeView,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: String,
    /// Who said so.
    pub by: String,
    /// When.
    pub created_at: String,
}

impl SuppressionView {
    pub(crate) fn of(stored: &StoredSuppression) -> Self {
        let what = &stored.suppression;
        Self {
            id: stored.id,
            rule: what.rule.to_string(),
            scope: SuppressionScopeView::of(&what.scope),
            reason: what.reason.clone(),
            until: what.until.to_string(),
            by: what.by.to_string(),
            created_at: stored.created_at.to_string(),
        }
    }
}
