//! One action on a finding, and what became of it.

use serde::{Deserialize, Serialize};

use crate::{DeviceId, FindingId, ResponseId, SessionKey, Timestamp};

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// End one session at its NAS (RFC 5176 Disconnect-Request). Verified by the session's Stop.
    Disconnect {
        /// Which session.
        session: SessionKey,
    },
    /// Change a session's Session-Timeout (RFC 5176 CoA-Request). Verified by the ACK and the session's end in time.
    ChangeOfAuthorization {
        /// Which session.
        session: SessionKey,
        /// The new Session-Timeout in seconds.
        session_timeout_secs: u32,
    },
    /// Admit the device no more. Verified by the inventory's change coming back through the journal.
    SuspendSim,
    /// Admit the device again.
    ResumeSim,
    /// Cut the device off the network at our firewall, connections that live included. Verified by the firewall: its counters of what
    /// it dropped of the device rise, or nothing of the device was seen for a while.
    Quarantine,
    /// Let the device back on the network. Verified by the firewall, which no longer holds it.
    Release,
    /// Tell a channel (webhook, mail, syslog). Verified by the channel's acceptance.
    Notify {
        /// The channel's configured name.
        channel: Box<str>,
    },
}

impl Action {
    /// The stable name, as rules and metrics use it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Disconnect { .. } => "disconnect",
            Self::ChangeOfAuthorization { .. } => "change_of_authorization",
            Self::SuspendSim => "suspend_sim",
            Self::ResumeSim => "resume_sim",
            Self::Quarantine => "quarantine",
            Self::Release => "release",
            Self::Notify { .. } => "notify",
        }
    }

    /// Whether it cuts the device off at the firewall (`true`) or lets it back; `None`: neither.
    pub fn isolates(&self) -> Option<bool> {
        match self {
            Self::Quarantine => Some(true),
            Self::Release => Some(false),
            _ => None,
        }
    }

    /// It touches a device (and so needs budget and, where critical, a person); a notification does not.
    pub fn is_intervention(&self) -> bool {
        !matches!(self, Self::Notify { .. })
    }
}

/// `proposed -> approved -> sent -> accepted -> verified`, or `failed`, or `reverted`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseState {
    /// Waits for a person, or for budget.
    Proposed,
    /// May go out.
    Approved,
    /// Asked for; no word yet.
    Sent,
    /// The other side said yes; nothing proves it yet.
    Accepted,
    /// Its effect was observed.
    Verified,
    /// Given up, refused by a person, or not verified in time.
    Failed,
    /// Undone.
    Reverted,
}

impl ResponseState {
    /// Nothing more will happen by itself.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Verified | Self::Failed | Self::Reverted)
    }
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A rule, by name.
    Rule(Box<str>),
    /// A person or token, by name.
    User(Box<str>),
}

/// One step of a response's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// Into which state.
    pub state: ResponseState,
    /// Why, in words: `Disconnect-ACK from pgw-1`, `Stop seen, cause Admin-Reset`.
    pub note: String,
}

/// A response and its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// Follows from finding, action and target.
    pub id: ResponseId,
    /// Because of which finding, if any.
    pub finding: Option<FindingId>,
    /// On which device.
    pub device: DeviceId,
    /// What is done.
    pub action: Action,
    /// Where it is.
    pub state: ResponseState,
    /// Who asked.
    pub by: Actor,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the misuse was observed (the finding's `observed_at`), for the time to stop.
    pub observed_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// When the next step is due (a retry, a deadline), where one is.
    pub due_at: Option<Timestamp>,
    /// How to undo it, in words with the command.
    pub undo: String,
    /// Every step so far, oldest first.
    pub history: Vec<Transition>,
}
