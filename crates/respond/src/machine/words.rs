//! What goes into the machine and what comes out.

use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::{Action, DeviceId, DeviceState, Finding, FindingId, Response, ResponseId, SessionKey};

/// How far a rule may go.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing at all.
    Off,
    /// Says what it would have done, and does nothing.
    #[default]
    DryRun,
    /// Tells the channels; touches no device.
    NotifyOnly,
    /// Acts, within its budget.
    Enforce,
}

/// Whether a person has to say yes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// The rule may act by itself, within its budget.
    #[default]
    Automatic,
    /// A person approves each one.
    Human,
}

/// What a rule asks for, before it is aimed at a session or device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// End the finding's session, or every open session of the device where the finding names none.
    Disconnect,
    /// Shorten the session's Session-Timeout to this many seconds.
    ChangeOfAuthorization {
        /// Seconds.
        session_timeout_secs: u32,
    },
    /// Admit the device no more.
    SuspendSim,
    /// Cut the device off at the firewall.
    Quarantine,
    /// Tell a channel.
    Notify {
        /// The channel's configured name.
        channel: Box<str>,
    },
}

impl Wish {
    /// The stable name, the same as that of the [`Action`] it becomes.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Disconnect => "disconnect",
            Self::ChangeOfAuthorization { .. } => "change_of_authorization",
            Self::SuspendSim => "suspend_sim",
            Self::Quarantine => "quarantine",
            Self::Notify { .. } => "notify",
        }
    }
}

/// One line of a rule's `respond`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RespondSpec {
    /// What.
    pub wish: Wish,
    /// Whether a person decides.
    pub approval: Approval,
}

/// A finding with everything the machine needs to respond to it.
#[derive(Debug, Clone)]
pub struct FindingRaised {
    /// The finding. In state `Suppressed` it leads to nothing.
    pub finding: Arc<Finding>,
    /// What its rule asks for.
    pub respond: Vec<RespondSpec>,
    /// How far its rule may go.
    pub mode: Mode,
    /// Devices that this rule may touch in an hour; `None` means the configured default.
    pub budget_per_hour: Option<u32>,
    /// The device or its model is safety-critical: every intervention waits for a person.
    pub critical: bool,
    /// The device's groups, for the reader of a notification.
    pub groups: Vec<Box<str>>,
    /// Groups whose size is known, with it: of each only a share is touched in an hour.
    pub kin: Vec<(Box<str>, u32)>,
    /// Open sessions of the device, aimed at where the finding names no session.
    pub sessions: Vec<SessionKey>,
}

/// What a person asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualRequest {
    /// The new response's id; random, made by the caller.
    pub id: ResponseId,
    /// Because of which finding, if any.
    pub finding: Option<FindingId>,
    /// On which device.
    pub device: DeviceId,
    /// What.
    pub action: Action,
    /// Who.
    pub by: Box<str>,
}

/// The NAS's answer, or the lack of one, to one [`Effect::Send`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NasAnswer {
    /// Disconnect-ACK or CoA-ACK.
    Ack,
    /// Disconnect-NAK or CoA-NAK, with its Error-Cause (RFC 5176 §3.5) where it had one.
    Nak {
        /// The number, for example 503.
        error_cause: Option<u32>,
    },
    /// No valid answer to any of the transmissions.
    Timeout,
    /// It could not be sent with this key set: an attribute is not known, a guard refused, the socket failed.
    CannotSend {
        /// Why, in words.
        reason: String,
    },
    /// It waits: every identifier of every source port towards this NAS was used within the last minutes.
    Queued,
    /// The session table does not have this session (any more), so nothing was sent.
    NotOpen,
}

/// What a channel said to one [`Effect::Notify`], or the world to one [`Effect::ChangeDevice`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Taken over, with a word on by what.
    Done(String),
    /// Not now; trying again may help.
    Retry(String),
    /// Never; trying again is pointless.
    Refused(String),
}

/// Something happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// A rule found something.
    Finding(Box<FindingRaised>),
    /// A person asks for an action.
    Manual(ManualRequest),
    /// A person approves a proposed response.
    Approve {
        /// Which.
        id: ResponseId,
        /// Who.
        by: Box<str>,
    },
    /// A person refuses a proposed response.
    Reject {
        /// Which.
        id: ResponseId,
        /// Who.
        by: Box<str>,
    },
    /// A person wants a response undone.
    Revert {
        /// The response as it stands in the store.
        original: Box<Response>,
        /// The id of the response that undoes it, made by the caller.
        id: ResponseId,
        /// Who.
        by: Box<str>,
    },
    /// An answer from a NAS to the attempt with this number.
    Nas {
        /// The response that was sent.
        id: ResponseId,
        /// The attempt in [`Effect::Send`].
        attempt: u32,
        /// What it said.
        answer: NasAnswer,
    },
    /// A session ended: a Stop, an Accounting-On/-Off, or a vanished session, come back through the journal.
    SessionEnded {
        /// Which.
        session: SessionKey,
        /// In words: `Stop, cause Admin-Reset`.
        cause: String,
    },
    /// The inventory's word on a device came back through the journal.
    DeviceChanged {
        /// Which.
        device: DeviceId,
        /// Its state from now on.
        state: DeviceState,
    },
    /// The firewall's word on a device, read back from it.
    Isolated {
        /// Which.
        device: DeviceId,
        /// It is cut off, and that shows; `false`: it is let back.
        cut: bool,
        /// What shows it, in words: `17 packets of it were dropped`.
        proof: String,
    },
    /// A channel's answer to the attempt with this number.
    Channel {
        /// The notification.
        id: ResponseId,
        /// The attempt in [`Effect::Notify`].
        attempt: u32,
        /// What it said.
        outcome: Outcome,
    },
    /// The answer to [`Effect::ChangeDevice`] or [`Effect::Isolate`].
    DeviceAnswer {
        /// The response.
        id: ResponseId,
        /// The attempt in the effect.
        attempt: u32,
        /// Whether the change is in the journal, or in the firewall.
        outcome: Outcome,
    },
    /// The answer to [`Effect::Confirm`].
    Standing {
        /// The response.
        id: ResponseId,
        /// The session table still has the session.
        open: bool,
    },
    /// Time passed.
    Tick,
}

/// What a notification is about.
#[derive(Debug, Clone)]
pub struct Notice {
    /// The finding, with its identities masked by whoever wrote it.
    pub finding: Arc<Finding>,
    /// The device's groups.
    pub groups: Arc<[Box<str>]>,
}

/// What shall be done, in this order; every [`Effect::Persist`] of a step before anything else of that step.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Write the response down, as it now is.
    Persist(Box<Response>),
    /// Send a Disconnect- or CoA-Request. Supersedes every earlier one for the same response.
    Send {
        /// For which response.
        id: ResponseId,
        /// The session; its NAS's profile says where to.
        session: SessionKey,
        /// Which of the profile's key sets, from 0.
        key_set: usize,
        /// Comes back in the answer.
        attempt: u32,
        /// `None`: Disconnect-Request. Otherwise a CoA-Request with this Session-Timeout.
        session_timeout_secs: Option<u32>,
    },
    /// Forget an outstanding [`Effect::Send`]: the session has ended.
    Cancel {
        /// Of which response.
        id: ResponseId,
    },
    /// Change the device's state, through the journal. Idempotent.
    ChangeDevice {
        /// For which response.
        id: ResponseId,
        /// Comes back in the answer.
        attempt: u32,
        /// Which device.
        device: DeviceId,
        /// To what.
        state: DeviceState,
    },
    /// Cut the device off at the firewall, or let it back. Idempotent.
    Isolate {
        /// For which response.
        id: ResponseId,
        /// Comes back in the answer.
        attempt: u32,
        /// Which device.
        device: DeviceId,
        /// Cut off, or let back.
        cut: bool,
    },
    /// Tell a channel.
    Notify {
        /// For which response; also the message's idempotent id.
        id: ResponseId,
        /// Comes back in the answer.
        attempt: u32,
        /// Which channel.
        channel: Box<str>,
        /// What to say; `None` after a restart, when the caller looks the finding up.
        notice: Option<Notice>,
        /// The finding to look up.
        finding: Option<FindingId>,
    },
    /// The NAS does not know the session (503): append `SessionVanished` to the journal.
    Reconcile {
        /// Which.
        session: SessionKey,
    },
    /// Ask the session table once more before giving up, and answer with [`Input::Standing`].
    Confirm {
        /// For which response.
        id: ResponseId,
        /// Which session.
        session: SessionKey,
    },
    /// A finding of our own: containment failed, or a rule is over its budget.
    Raise(Arc<Finding>),
    /// The response with this id was undone by another one.
    Reverted {
        /// The response that was undone.
        original: ResponseId,
        /// By what, in words.
        note: String,
    },
    /// A rule in dry-run would have done this; or there was nothing to aim at.
    Note {
        /// The finding.
        finding: FindingId,
        /// The device.
        device: DeviceId,
        /// In words: `would have: disconnect (aaa/0012), suspend_sim`.
        text: String,
    },
}

/// What the machine needs to know of a NAS's profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NasPlan {
    /// How many key sets there are to try.
    pub key_sets: usize,
    /// The longest time until the client reports an answer or a timeout.
    pub answer_within: Duration,
    /// How long after an ACK the Stop may take.
    pub verify_within: Duration,
    /// "No such session" (503) means it is gone. `false` for a NAS that also says so when it dislikes the request
    /// (Extreme EXOS without Event-Timestamp): then the next key set is tried.
    pub not_found_is_gone: bool,
}

/// A person asked for something that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not waiting for a decision.
    #[error("the response is not waiting for a decision")]
    NotProposed,
    /// It is on its way: wait for its end.
    #[error("the response is under way; wait until it is verified or failed")]
    UnderWay,
    /// There is no way back.
    #[error("a {0} cannot be undone")]
    NoWayBack(&'static str),
    /// It is undone already.
    #[error("the response is reverted already")]
    AlreadyReverted,
    /// It was refused or given up before anything was sent.
    #[error("there is nothing to undo: nothing was sent")]
    NothingSent,
    /// It is known already.
    #[error("the response exists already")]
    Known,
}
