//! What the API needs from the running server: one trait, in words of the domain.

use std::net::Ipv4Addr;
use std::sync::Arc;

use fleetward_fleet::metric::Sample;
use fleetward_fleet::{
    Country, Device, DeviceId, Finding, FindingId, Imeisv, PlannedChange, Plmn, Rat, Response, ResponseId, SessionKey,
    Severity, Timestamp, counted,
};
use fleetward_store::{Conflict, Listing, Page};
use tokio::sync::broadcast;

use crate::inventory::LineError;
use crate::observations::Told;

/// The running server. Methods may block for as long as a journal write takes: the API calls them off its event loop.
///
/// Methods that change something return when the change is stored *and* visible through the store, so that the answer to
/// the next request knows it. `actor` is the user or token that asked.
pub trait Control: Send + Sync + 'static {
    /// Sessions, one page at a time. The cursor is the implementation's own text.
    fn sessions(&self, filter: &SessionFilter, page: &Page) -> Result<Listing<SessionInfo>, ControlError>;
    /// One session.
    fn session(&self, key: &SessionKey) -> Result<Option<SessionInfo>, ControlError>;
    /// Puts devices into the inventory, new ones and known ones; all or none. Conflicts with the inventory were looked
    /// for before; one import or change at a time gets here.
    fn import(&self, devices: Vec<Device>, actor: &str) -> Result<Imported, ControlError>;
    /// Whether there is a profile of the model.
    fn describes(&self, model: &str) -> bool;
    /// Puts one device into the inventory, new or known.
    fn change_device(&self, device: Device, actor: &str) -> Result<(), ControlError>;
    /// How far the learning of a device's baseline has come.
    fn baseline(&self, device: &Device) -> Result<Baseline, ControlError>;
    /// Takes a device out of the inventory.
    fn remove_device(&self, device: DeviceId, actor: &str) -> Result<(), ControlError>;
    /// Admits the device no more, and ends its sessions.
    fn suspend(&self, device: DeviceId, actor: &str) -> Result<Response, ControlError>;
    /// Admits the device again.
    fn resume(&self, device: DeviceId, actor: &str) -> Result<Response, ControlError>;
    /// Cuts the device off at the firewall, or lets it back.
    fn isolate(&self, device: DeviceId, cut: bool, actor: &str) -> Result<Response, ControlError>;
    /// Ends every open session of the device; empty where it has none.
    fn disconnect_device(&self, device: DeviceId, actor: &str) -> Result<Vec<Response>, ControlError>;
    /// Ends one session.
    fn disconnect(&self, session: &SessionKey, actor: &str) -> Result<Response, ControlError>;
    /// Lets a proposed response go out.
    fn approve(&self, response: ResponseId, actor: &str, note: &str) -> Result<Response, ControlError>;
    /// Refuses a proposed response.
    fn reject(&self, response: ResponseId, actor: &str, note: &str) -> Result<Response, ControlError>;
    /// Undoes a response that took effect.
    fn revert(&self, response: ResponseId, actor: &str, note: &str) -> Result<Response, ControlError>;
    /// How each component is. Quick: it is asked by load balancers.
    fn health(&self) -> Vec<Component>;
    /// What the components measure; the API adds the store's own.
    fn metrics(&self) -> Vec<Sample>;
    /// The rules in force.
    fn rules(&self) -> Vec<RuleInfo>;
    /// The audits that come again and again. Quick.
    fn audits(&self) -> Vec<ScheduledAudit>;
    /// Announces a planned change, or replaces the one of its name.
    fn plan(&self, change: PlannedChange) -> Result<(), ControlError>;
    /// Records observations: durable when it returns. Says how many were new.
    fn observe(&self, told: Vec<Told>) -> Result<usize, ControlError>;
    /// Reads rules, lists and models again and judges by them from the next record on; all or nothing.
    fn reload(&self) -> Result<Reloaded, ControlError>;
    /// What is right and wrong in the text of one or several rules, held against the configuration.
    fn check_rules(&self, text: &str) -> Result<RuleCheck, ControlError>;
    /// Tries a text of rules on the last `days` of the journal, within a bound of time; one at a time. The report is that of
    /// `fleetward rules backtest --format json`, with `complete`: `false` where the time did not suffice.
    fn backtest_rules(&self, text: &str, days: u32) -> Result<serde_json::Value, ControlError>;
    /// The operator's own rules with their texts.
    fn own_rules(&self) -> Result<Vec<OwnRule>, ControlError>;
    /// Writes a rule of the operator's own and judges by it; all or nothing.
    fn put_rule(&self, rule: &NewRule<'_>) -> Result<RuleWritten, ControlError>;
    /// Takes one away.
    fn remove_rule(&self, name: &str) -> Result<(), ControlError>;
    /// What happens from now on.
    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>>;
}

/// Why the running server did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// There is no such thing (404).
    #[error("no such {what}: {key}")]
    NotFound {
        /// Which kind of thing.
        what: &'static str,
        /// What was asked for.
        key: String,
    },
    /// Its state does not allow it (409), e.g. a response that is sent already.
    #[error("{0}")]
    Refused(String),
    /// Devices would share what only one may have (409).
    #[error("{} with the inventory", counted(.0.len(), "conflict"))]
    Conflicts(Vec<Conflict>),
    /// Files or texts have mistakes (422); nothing was changed.
    #[error("{}; nothing was changed", counted(.0.len(), "mistake"))]
    Mistakes(Vec<LineError>),
    /// Not now: the journal is full or broken, the server is stopping (503).
    #[error("{0}")]
    Unavailable(String),
    /// A fault of ours (500); the text goes into the log, not to the client.
    #[error("{0}")]
    Internal(String),
}

/// What an import changed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Devices that were not known.
    pub added: usize,
    /// Devices that were known and are different now.
    pub changed: usize,
    /// Devices that were known and are the same.
    pub unchanged: usize,
}

/// How far the learning of a device's baseline has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Baseline {
    /// None is learnt: baselines are off, all or those of its model.
    Off,
    /// Nothing was heard of it yet.
    Unheard,
    /// It is learnt.
    Days {
        /// Whole days that it has taught.
        days: u32,
        /// Days after which it is learnt.
        of: u32,
        /// Device-hours that its model has taught.
        model_hours: u64,
        /// Whether its model has taught enough to say that something is unusual.
        model_is_ready: bool,
    },
}

/// How well something is; worse is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Ok,
    /// It works, and somebody should look: a source that sends nothing, a queue that grows.
    Degraded,
    /// It does not do its work.
    Failing,
}

/// How one component is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// `journal`, `store`, `radius`, `detect`, `respond`, `audits`.
    pub name: &'static str,
    /// How well.
    pub health: Health,
    /// Why it is not ok, and what to do; empty where it is.
    pub reason: String,
}

/// Which sessions. Empty means all; several conditions must all hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Of this device.
    pub device: Option<DeviceId>,
    /// At this NAS.
    pub nas: Option<String>,
    /// `Some(true)`: open ones; `Some(false)`: ended ones that are still remembered.
    pub open: Option<bool>,
    /// Part of the device's name, the session id, the address or the APN.
    pub text: Option<String>,
}

/// One session as the running server knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionInfo {
    /// NAS and Acct-Session-Id.
    pub key: SessionKey,
    /// Whose.
    pub device: DeviceId,
    /// The device's name.
    pub device_name: Box<str>,
    /// When it began, by event time.
    pub opened_at: Timestamp,
    /// Event time of its newest record.
    pub last_seen: Timestamp,
    /// When it ended, by event time.
    pub ended_at: Option<Timestamp>,
    /// How it ended, as a stable name.
    pub ended: Option<&'static str>,
    /// Octets from the device.
    pub bytes_up: u64,
    /// Octets to the device.
    pub bytes_down: u64,
    /// A counter wrapped, so the sums are too small.
    pub wrapped: bool,
    /// Framed-IP-Address.
    pub ip: Option<Ipv4Addr>,
    /// Framed-IPv6-Prefix, as text.
    pub ipv6: Option<Box<str>>,
    /// The module.
    pub imeisv: Option<Imeisv>,
    /// Serving network.
    pub network: Option<Plmn>,
    /// Its country.
    pub country: Option<Country>,
    /// Access point name.
    pub apn: Option<Box<str>>,
    /// Radio technology.
    pub rat: Option<Rat>,
}

/// A rule in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its name.
    pub name: Box<str>,
    /// Its version.
    pub version: u32,
    /// One line.
    pub title: String,
    /// `on`, `dry-run` or `off`.
    pub mode: &'static str,
    /// How bad its findings are.
    pub severity: Severity,
    /// What it says, in words.
    pub explain: String,
}

/// An audit that comes again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduledAudit {
    /// Its name.
    pub name: String,
    /// When, in words.
    pub when: String,
    /// Whom, in the words of the configuration; empty: every device with an address in the owner's networks.
    pub targets: Vec<String>,
    /// When the next run is due; `None` while one runs.
    pub next: Option<Timestamp>,
    /// The run that is under way.
    pub running: Option<AuditGoing>,
    /// The last run that ended.
    pub last: Option<AuditRun>,
    /// A run that was due and could not begin; until a whole one follows.
    pub missed: Option<Timestamp>,
}

/// A run of an audit that is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditGoing {
    /// Since when.
    pub since: Timestamp,
    /// How many addresses it audits.
    pub addresses: usize,
    /// How many of them are done.
    pub done: usize,
    /// How much of the work is behind it, 0 to 1.
    pub share: f64,
}

/// A run of an audit that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRun {
    /// When it began.
    pub began: Timestamp,
    /// When it ended; `None` where the server ended with it.
    pub ended: Option<Timestamp>,
    /// `whole`, `partial`, `stopped` or `failed`.
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

/// What is in force after a reload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// Rules in force.
    pub rules: usize,
    /// Models with a profile.
    pub models: usize,
    /// Rules that were not in force before, by name.
    pub added: Vec<String>,
    /// Rules whose version is another one.
    pub changed: Vec<String>,
    /// Rules that are no more.
    pub removed: Vec<String>,
    /// Not wrong, and yet somebody should know.
    pub warnings: Vec<String>,
}

/// A rule of the operator's own, in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRule {
    /// Its name.
    pub name: Box<str>,
    /// Its version.
    pub version: u32,
    /// The file's name in the folder of rules.
    pub file: String,
    /// The file holds other documents too.
    pub shared_file: bool,
    /// The text of the file.
    pub text: String,
}

/// A rule to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRule<'a> {
    /// Its name; the text must state the same.
    pub name: &'a str,
    /// One YAML document.
    pub text: &'a str,
    /// A new rule may start in the mode that it states, not only in dry-run.
    pub as_written: bool,
}

/// A rule was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleWritten {
    /// Its version.
    pub version: u32,
    /// Its mode, by name.
    pub mode: &'static str,
    /// What it says, in words.
    pub explain: String,
    /// Not wrong, and yet somebody should know.
    pub warnings: Vec<String>,
}

/// What was found in a text of rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleCheck {
    /// Mistakes, by place.
    pub mistakes: Vec<LineError>,
    /// The rules, where there are no mistakes.
    pub rules: Vec<RuleInfo>,
    /// Their examples.
    pub examples: Vec<RuleExample>,
}

/// An example in a rule and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleExample {
    /// The rule.
    pub rule: String,
    /// Its line.
    pub line: usize,
    /// Its name.
    pub name: String,
    /// `None`: as expected.
    pub failure: Option<String>,
}

/// Something that happened, for those who watch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A session began or ended.
    Session(SessionChange),
    /// A finding is new or has changed.
    Finding(Box<Finding>),
    /// A finding's cause is gone.
    Cleared {
        /// Which finding.
        id: FindingId,
        /// When, by event time.
        at: Timestamp,
    },
    /// A response is new or has moved on.
    Response(Box<Response>),
}

/// A session began or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionChange {
    /// NAS and Acct-Session-Id.
    pub key: SessionKey,
    /// Whose.
    pub device: DeviceId,
    /// The device's name, where the sender has it at hand.
    pub device_name: Option<Box<str>>,
    /// When, by event time.
    pub at: Timestamp,
    /// How it ended, as a stable name; `None`: it began.
    pub ended: Option<&'static str>,
}
