//! What judging says. Everything in here follows from the journal, so a replay says the same again, under the same ids.

use std::sync::Arc;

use fleetward_rules::{Respond, Rule};

use fleetward_fleet::{DeviceId, Finding, FindingId, Offset, SessionKey, Timestamp};

/// One thing that `apply` says.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A rule began an episode on a device.
    Finding(Box<Raised>),
    /// The condition of a known finding held again: its `last_seen`, `count` and `observed` changed. With responses
    /// where it is another session; said at growing distances otherwise.
    FindingUpdated(Box<Raised>),
    /// The episode is over: the rule's `clear` held, by event time `at`.
    FindingCleared {
        /// Which finding.
        id: FindingId,
        /// On which device.
        device: DeviceId,
        /// When, by event time.
        at: Timestamp,
        /// How often the condition held in all.
        count: u64,
    },
    /// A rule's condition held and a planned change had announced it: no finding.
    Excused(Box<crate::Excused>),
    /// A session is open: by its Start, or by the first record that we saw of it.
    SessionOpened(Box<SessionOpened>),
    /// A session is over. Always preceded by its [`Output::SessionOpened`].
    SessionEnded(Box<SessionEnded>),
}

/// A finding and what a response to it needs to know.
#[derive(Debug, Clone)]
pub struct Raised {
    /// The finding itself.
    pub finding: Finding,
    /// The rule, with its mode and budget. Keeping the budget is the receiver's work.
    pub rule: Arc<Rule>,
    /// What is to be done: the rule's `unless` and mode are applied already (empty in dry-run).
    pub responds: Vec<Respond>,
    /// The device, as far as a response must know it.
    pub subject: Subject,
    /// The device's open sessions when the rule fired, newest first (at most 16): what a disconnect is aimed at.
    pub sessions: Vec<SessionTarget>,
    /// For a finding about a group, a network, ...: devices that took part (at most 64), which interventions are aimed at.
    pub devices: Vec<DeviceId>,
}

impl PartialEq for Raised {
    fn eq(&self, other: &Self) -> bool {
        let rule = |raised: &Self| (raised.rule.name.clone(), raised.rule.version);
        self.finding == other.finding
            && rule(self) == rule(other)
            && self.responds == other.responds
            && self.subject == other.subject
            && self.sessions == other.sessions
            && self.devices == other.devices
    }
}

/// The device of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Whether the inventory has it.
    pub known: bool,
    /// Its name; for a device that the inventory does not have, its masked identity.
    pub name: Box<str>,
    /// The kind of device.
    pub model: Option<Box<str>>,
    /// Its groups (for suppressions).
    pub groups: Vec<Box<str>>,
    /// The device or its model is safety-critical: automation waits for a person.
    pub critical: bool,
}

/// What a Disconnect- or CoA-Request may have to say about a session; which of it a NAS wants is that NAS's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionTarget {
    /// The NAS and its Acct-Session-Id.
    pub key: SessionKey,
    /// User-Name as the session said it.
    pub user_name: Option<Box<str>>,
    /// Acct-Multi-Session-Id.
    pub multi_session_id: Option<Box<str>>,
    /// Framed-IP-Address.
    pub ip: Option<std::net::Ipv4Addr>,
    /// Framed-IPv6-Prefix.
    pub ipv6: Option<ipnet::Ipv6Net>,
    /// The device's SIM.
    pub imsi: Option<fleetward_fleet::Imsi>,
    /// Calling-Station-Id where it is a telephone number.
    pub msisdn: Option<fleetward_fleet::Msisdn>,
    /// 3GPP-NSAPI.
    pub nsapi: Option<u8>,
}

/// A session began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOpened {
    /// Whose.
    pub device: DeviceId,
    /// Which.
    pub key: SessionKey,
    /// When, by event time.
    pub event_time: Timestamp,
    /// When we learnt it.
    pub observed_at: Timestamp,
    /// The record that says so.
    pub offset: Offset,
    /// How many sessions the device has open now, this one included.
    pub open_sessions: u32,
}

/// A session is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEnded {
    /// Whose.
    pub device: DeviceId,
    /// Which.
    pub key: SessionKey,
    /// When, by event time.
    pub event_time: Timestamp,
    /// When we learnt it.
    pub observed_at: Timestamp,
    /// The record that says so.
    pub offset: Offset,
    /// How it ended. Only some prove that the network let go: [`EndCause::is_proof`].
    pub cause: EndCause,
    /// How many sessions the device has open now.
    pub open_sessions: u32,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// Its Stop, with its Acct-Terminate-Cause (RFC 2866 §5.10) where stated.
    Stop(Option<u32>),
    /// Its NAS restarted (Accounting-On) or shut down (Accounting-Off).
    NasReset,
    /// Its NAS said that there is no such session (Error-Cause 503).
    Vanished,
    /// Its NAS began another session under the same id; the Stop was lost.
    Superseded,
    /// Nothing was heard of it for three interim intervals. It comes back if something is.
    Lost,
    /// The device left the inventory, or had to make room (unknown devices, sessions beyond the bound).
    Forgotten,
}

impl EndCause {
    /// The network itself said that the session is over, so a disconnect is verified by it.
    pub fn is_proof(self) -> bool {
        matches!(self, Self::Stop(_) | Self::NasReset | Self::Vanished | Self::Superseded)
    }

    /// The name in the API and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop(_) => "stop",
            Self::NasReset => "nas_reset",
            Self::Vanished => "vanished",
            Self::Superseded => "superseded",
            Self::Lost => "lost",
            Self::Forgotten => "forgotten",
        }
    }
}
