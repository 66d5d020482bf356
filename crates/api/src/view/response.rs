//! Responses.

use fleetward_fleet::{Action, Actor, Response, Transition};
use fleetward_store::{Lookup, Store};
use serde::Serialize;
use utoipa::ToSchema;

use super::ResponseStateName;
use crate::mask;

/// One action, and what became of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ResponseView {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Because of which finding.
    pub finding: Option<String>,
    /// On which device.
    pub device: String,
    /// The device's name; `null` where it has left the inventory, and in events.
    pub device_name: Option<String>,
    /// What is done.
    pub action: ActionView,
    /// Where it is.
    pub state: ResponseStateName,
    /// The rule that asked, if one did.
    pub rule: Option<String>,
    /// The user or token that asked, if one did.
    pub user: Option<String>,
    /// When it was asked for.
    pub created_at: String,
    /// When the misuse was observed.
    pub observed_at: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When the next step is due.
    pub due_at: Option<String>,
    /// How to undo it.
    pub undo: String,
    /// Every step so far, oldest first.
    pub history: Vec<TransitionView>,
}

impl ResponseView {
    pub(crate) fn of(response: &Response) -> Self {
        let (rule, user) = match &response.by {
            Actor::Rule(rule) => (Some(rule.to_string()), None),
            Actor::User(user) => (None, Some(user.to_string())),
        };
        Self {
            id: response.id.to_string(),
            finding: response.finding.map(|id| id.to_string()),
            device: response.device.to_string(),
            device_name: None,
            action: ActionView::of(&response.action),
            state: response.state.into(),
            rule,
            user,
            created_at: response.created_at.to_string(),
            observed_at: response.observed_at.to_string(),
            attempts: response.attempts,
            due_at: response.due_at.map(|at| at.to_string()),
            undo: response.undo.clone(),
            history: response.history.iter().map(TransitionView::of).collect(),
        }
    }

    /// With the device's name.
    pub(crate) fn named(response: &Response, store: &Store) -> fleetward_store::Result<Self> {
        let device = store.device(&Lookup::Id(response.device))?;
        Ok(Self { device_name: device.map(|device| mask::name(&device.name)), ..Self::of(response) })
    }
}

/// What is done.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ActionView {
    /// `disconnect`, `change_of_authorization`, `suspend_sim`, `resume_sim`, `quarantine`, `release` or `notify`.
    pub kind: &'static str,
    /// NAS of the session, where it is aimed at one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nas: Option<String>,
    /// Acct-Session-Id, where it is aimed at a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The new Session-Timeout of a change of authorization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_timeout_secs: Option<u32>,
    /// The channel of a notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
}

impl ActionView {
    fn of(action: &Action) -> Self {
        let plain = Self { kind: action.name(), ..Self::default() };
        match action {
            Action::Disconnect { session } => {
                Self { nas: Some(session.nas.to_string()), session: Some(session.id.to_string()), ..plain }
            }
            Action::ChangeOfAuthorization { session, session_timeout_secs } => Self {
                nas: Some(session.nas.to_string()),
                session: Some(session.id.to_string()),
                session_timeout_secs: Some(*session_timeout_secs),
                ..plain
            },
            Action::SuspendSim | Action::ResumeSim | Action::Quarantine | Action::Release => plain,
            Action::Notify { channel } => Self { channel: Some(channel.to_string()), ..plain },
        }
    }
}

/// One step of a response's life.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TransitionView {
    /// When.
    pub at: String,
    /// Into which state.
    pub state: ResponseStateName,
    /// Why.
    pub note: String,
}

impl TransitionView {
    fn of(step: &Transition) -> Self {
        Self { at: step.at.to_string(), state: step.state.into(), note: step.note.clone() }
    }
}
