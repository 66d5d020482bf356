//! Decides what happens to every response. Pure: inputs and the time come in, effects come out.
//!
//! # Invariants
//!
//! * Every live response is waiting for a person, or for a leader that it joined, or has a due time.
//! * At most one request is outstanding for a response; a stale answer (an earlier attempt's) changes nothing.
//! * A response that reached a final state is forgotten here; its id is remembered, so the same finding does not
//!   make it again.
//! * Steps of automation go through a budget; steps of a person do not.

mod alarm;
mod budget;
mod deliver;
mod intake;
mod life;
mod restart;
mod seen;
mod session;
mod timer;
mod words;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::{Action, DeviceId, Response, ResponseId, SessionKey, Timestamp};

pub use words::{
    Approval, Effect, FindingRaised, Input, ManualRequest, Mode, NasAnswer, NasPlan, Notice, Outcome, Refused,
    RespondSpec, Wish,
};

use budget::{Budget, Share};
use seen::Seen;

/// What the machine is told once.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The NASes that can be asked, by the name of the RADIUS client.
    pub nases: HashMap<Box<str>, NasPlan>,
    /// Devices that a rule may touch in an hour where it states no budget itself.
    pub rule_per_hour: u32,
    /// Devices that all rules together may touch in an hour.
    pub fleet_per_hour: u32,
    /// Share of a group's devices that all rules together may touch in an hour, in percent.
    pub group_percent: u32,
    /// ... and always so many of them: a share of a small group would be none.
    pub group_at_least: u32,
    /// How long a change of the inventory may take to come back through the journal.
    pub change_within: Duration,
    /// How long a channel may take to answer one delivery, its queue included.
    pub notify_within: Duration,
    /// Who is told when a response failed or a rule hit its budget.
    pub alarm_channels: Vec<Box<str>>,
    /// Longer after we learnt of it, nothing is done to a device unless a person says so: a journal that is judged late (from
    /// a backup, from elsewhere) tells of sessions that are long over.
    pub act_within: Duration,
    /// How many proposals may wait for a person; what is beyond is counted and noted, not kept.
    pub open_proposals: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            nases: HashMap::new(),
            rule_per_hour: 20,
            fleet_per_hour: 50,
            group_percent: 20,
            group_at_least: 5,
            change_within: Duration::from_secs(30),
            notify_within: Duration::from_mins(2),
            alarm_channels: Vec::new(),
            act_within: Duration::from_hours(24),
            open_proposals: 10_000,
        }
    }
}

impl Settings {
    /// The default bound for all rules together: 1 % of the devices an hour, and at least 50.
    pub fn fleet_bound(devices: u64) -> u32 {
        u32::try_from(devices / 100).unwrap_or(u32::MAX).max(50)
    }
}

/// All responses that are not finished, and the rules by which they move.
#[derive(Debug)]
pub struct Machine {
    settings: Settings,
    live: HashMap<ResponseId, Live>,
    /// Who is acting on a session or device; later responses with the same aim join.
    leaders: HashMap<Aim, ResponseId>,
    by_session: HashMap<SessionKey, Vec<ResponseId>>,
    by_device: HashMap<DeviceId, Vec<ResponseId>>,
    timers: BTreeSet<(Timestamp, ResponseId)>,
    budget: Budget,
    /// Groups of devices that were touched before a restart; see [`Machine::belongs`].
    belongs: HashMap<DeviceId, Vec<Box<str>>>,
    /// Rule, and the hour (since 1970) in which its alarm was given.
    over_budget_told: HashMap<Box<str>, i64>,
    proposals: usize,
    dropped_proposals: u64,
    seen: Seen,
}

/// A response that is not finished.
#[derive(Debug)]
struct Live {
    response: Response,
    /// An answer to attempt number `response.attempts` is awaited.
    outstanding: bool,
    /// The session table is being asked a last time.
    confirming: bool,
    /// The response that acts on the same session or device; this one shares its fate.
    leader: Option<ResponseId>,
    /// Those that joined this one.
    joined: Vec<ResponseId>,
    /// What to say, for notifications.
    notice: Option<Notice>,
    /// The device's name, masked, for messages.
    subject: Option<Arc<str>>,
}

/// What an action is aimed at: two with the same aim are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Aim {
    Session(&'static str, SessionKey),
    Device(&'static str, DeviceId),
}

impl Aim {
    fn of(response: &Response) -> Option<Self> {
        let name = response.action.name();
        match &response.action {
            Action::Disconnect { session } | Action::ChangeOfAuthorization { session, .. } => {
                Some(Self::Session(name, session.clone()))
            }
            Action::SuspendSim | Action::ResumeSim | Action::Quarantine | Action::Release => {
                Some(Self::Device(name, response.device))
            }
            Action::Notify { .. } => None,
        }
    }
}

impl Machine {
    /// A machine that knows of no response yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            budget: Budget::new(
                settings.fleet_per_hour,
                Share { percent: settings.group_percent, at_least: settings.group_at_least },
            ),
            belongs: HashMap::new(),
            settings,
            live: HashMap::new(),
            leaders: HashMap::new(),
            by_session: HashMap::new(),
            by_device: HashMap::new(),
            timers: BTreeSet::new(),
            over_budget_told: HashMap::new(),
            proposals: 0,
            dropped_proposals: 0,
            seen: Seen::default(),
        }
    }

    /// One step. Effects are appended to `out`; only a person's input can be refused.
    pub fn step(&mut self, now: Timestamp, input: Input, out: &mut Vec<Effect>) -> Result<(), Refused> {
        match input {
            Input::Finding(raised) => self.on_finding(now, &raised, out),
            Input::Manual(request) => return self.on_manual(now, request, None, out),
            Input::Approve { id, by } => return self.on_approve(now, id, &by, out),
            Input::Reject { id, by } => return self.on_reject(now, id, &by, out),
            Input::Revert { original, id, by } => return self.on_revert(now, &original, id, &by, out),
            Input::Nas { id, attempt, answer } => self.on_nas(now, id, attempt, answer, out),
            Input::SessionEnded { session, cause } => self.on_session_ended(now, &session, &cause, out),
            Input::DeviceChanged { device, state } => self.on_device_changed(now, device, state, out),
            Input::Isolated { device, cut, proof } => self.on_isolated(now, device, cut, &proof, out),
            Input::Channel { id, attempt, outcome } => self.on_channel(now, id, attempt, outcome, out),
            Input::DeviceAnswer { id, attempt, outcome } => self.on_device_answer(now, id, attempt, outcome, out),
            Input::Standing { id, open } => self.on_standing(now, id, open, out),
            Input::Tick => self.on_tick(now, out),
        }
        Ok(())
    }

    /// When the next [`Input::Tick`] is worth sending.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// A response that is not finished.
    pub fn get(&self, id: ResponseId) -> Option<&Response> {
        self.live.get(&id).map(|live| &live.response)
    }

    /// All responses that are not finished, in no order.
    pub fn unfinished(&self) -> impl Iterator<Item = &Response> {
        self.live.values().map(|live| &live.response)
    }

    /// How many responses are not finished.
    pub fn count_unfinished(&self) -> usize {
        self.live.len()
    }

    /// This response is known: the same finding will not make it again.
    pub fn knows(&self, id: ResponseId) -> bool {
        self.live.contains_key(&id) || self.seen.contains(id)
    }

    /// The store has this response already; it is not made again.
    pub fn remember(&mut self, id: ResponseId) {
        if !self.knows(id) {
            self.seen.insert(id);
        }
    }

    /// Proposals that were not kept because too many were waiting.
    pub fn dropped_proposals(&self) -> u64 {
        self.dropped_proposals
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
