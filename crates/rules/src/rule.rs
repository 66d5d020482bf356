//! A compiled rule and what it asks for.

use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::{DeviceId, Severity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::called::Call;
use crate::compile::{Compiled, Feed, FeedValue};
use crate::diagnostic::Diagnostic;
use crate::expr::Sym;
use crate::facts::Triggers;
use crate::named::Meanings;
use crate::planned::PlannedKinds;
use crate::state::SubjectState;
use crate::subject::Subject;
use crate::vocabulary::Symbol;
use crate::window::Aggregate;

/// Whether and how far a rule acts.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Not evaluated at all.
    Off,
    /// Findings only; nothing is asked of anyone. New rules start here.
    #[default]
    DryRun,
    /// Findings and notifications; no intervention.
    NotifyOnly,
    /// Everything it asks for.
    Enforce,
}

/// What a rule asks for when it fires; the target (session, device) comes from the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RespondAction {
    /// Tell a configured channel.
    Notify {
        /// Its name.
        channel: Box<str>,
    },
    /// End the session.
    Disconnect,
    /// Admit the device no more.
    SuspendSim,
    /// Set the session's Session-Timeout.
    ChangeOfAuthorization {
        /// In seconds.
        session_timeout_secs: u32,
    },
    /// Cut the device off at the firewall.
    Quarantine,
}

impl RespondAction {
    /// The stable name, as in rule files and [`fleetward_fleet::Action::name`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::Notify { .. } => "notify",
            Self::Disconnect => "disconnect",
            Self::SuspendSim => "suspend_sim",
            Self::Quarantine => "quarantine",
            Self::ChangeOfAuthorization { .. } => "change_of_authorization",
        }
    }

    /// It touches a device; a notification does not.
    pub fn is_intervention(&self) -> bool {
        !matches!(self, Self::Notify { .. })
    }
}

/// One response of one firing, decided: its `unless` was false, the mode allows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Respond {
    /// What.
    pub action: RespondAction,
    /// A person must approve it: the rule says so, or the device or its model is safety-critical.
    pub needs_approval: bool,
}

/// How much a rule may do. `None`: the server's default applies.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Findings a day, over all devices.
    pub max_alarms_per_day: Option<u32>,
    /// Interventions an hour, over all devices.
    pub max_actions_per_hour: Option<u32>,
}

/// How often a rule may make a new finding about one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    /// A new finding at the earliest this long after the last one began.
    pub every: Duration,
    /// ... unless the value that the rule names is another one.
    pub per_value: bool,
}

impl Default for Repeat {
    fn default() -> Self {
        Self { every: Duration::from_hours(24), per_value: false }
    }
}

/// What evaluating a rule costs, estimated when it is compiled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Nanoseconds for a record that concerns it (this machine class: a 2020s server core).
    pub nanos: f64,
    /// The same while an episode is under way: its condition is asked together with all that may end it, and the episode moved on.
    /// Telling of it again (each hour at the latest) is not in it: some microseconds.
    pub nanos_under_way: f64,
    /// Windows that it keeps for a subject.
    pub windows: usize,
    /// Bytes of state for a subject whose windows are all full.
    pub bytes: usize,
}

/// One rule, checked and compiled.
pub struct Rule {
    /// Unique; part of every finding's id.
    pub name: Box<str>,
    /// Grows with every change of meaning.
    pub version: u32,
    /// One line, a template.
    pub title: Box<str>,
    /// The file it came from.
    pub file: Box<str>,
    /// About whom.
    pub subject: Subject,
    /// How bad.
    pub severity: Severity,
    /// Whether and how far it acts.
    pub mode: Mode,
    /// How much it may do.
    pub budget: Budget,
    /// How often it may make a finding.
    pub repeat: Repeat,
    /// What it asks for, as written.
    pub responds: Vec<Respond>,
    /// Provisions and techniques.
    pub tags: Vec<Box<str>>,
    /// Why it matters, in words for people; empty where the file does not say.
    pub why: Box<str>,
    /// What makes it speak though nothing is wrong; empty where the file does not say.
    pub false_alarms: Box<str>,
    /// Where to read more.
    pub references: Vec<Box<str>>,
    /// How many examples the file gives.
    pub tests: usize,
    pub(crate) planned: PlannedKinds,
    pub(crate) text: Text,
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) calls: Vec<Call>,
    pub(crate) compiled: Compiled,
}

/// A case in which an operator does not mean the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excepted {
    /// The condition, as written.
    pub when: Box<str>,
    /// From then on the rule is meant again.
    pub until: Timestamp,
    /// The end as written; a day is meant whole.
    pub until_text: Box<str>,
    /// Why.
    pub reason: Box<str>,
    /// `file:line` of the end.
    pub place: Box<str>,
}

/// The rule's expressions as written, for people.
#[derive(Debug, Default, Clone)]
pub(crate) struct Text {
    pub(crate) scope: Option<String>,
    pub(crate) watch: Vec<(String, String)>,
    pub(crate) when: String,
    /// Everything that excuses it: `unless`, then `except`.
    pub(crate) excuses: Vec<String>,
    pub(crate) exceptions: Vec<Excepted>,
    /// What its expressions name: macros, lists, areas.
    pub(crate) named: Meanings,
    pub(crate) clear: Option<String>,
    pub(crate) repeat: Option<String>,
    /// One for each response.
    pub(crate) responds_unless: Vec<Option<String>>,
    pub(crate) expected: Option<String>,
    pub(crate) observed: Option<String>,
    pub(crate) advice: Option<String>,
    pub(crate) confidence: Option<String>,
}

impl Rule {
    /// Which events make it look.
    pub fn triggers(&self) -> Triggers {
        self.compiled.triggers
    }

    /// It is judged apart from the device's own records: it is about what many devices share, or asks the baseline.
    /// [`crate::RuleSet::observe`] never judges it.
    pub fn second_stage(&self) -> bool {
        self.subject != Subject::Device || self.compiled.later
    }

    /// What it costs, estimated.
    pub fn cost(&self) -> Cost {
        self.compiled.cost
    }

    /// The kinds of planned change that excuse it.
    pub fn planned(&self) -> PlannedKinds {
        self.planned
    }

    /// Whether one of its windows counts approximately by now, because there were too many different values.
    pub fn is_estimated(&self, state: &SubjectState) -> bool {
        self.compiled.feeds.iter().any(|feed| state.is_estimated(feed.key))
    }

    /// The devices that its windows count one by one, where it has `distinct: device`.
    pub fn devices(&self, state: &SubjectState) -> Vec<DeviceId> {
        let counts = |feed: &&Arc<Feed>| {
            feed.spec.aggregate == Aggregate::Distinct
                && matches!(feed.value, FeedValue::Symbol(Sym::Field(Symbol::Device)))
        };
        let feeds = self.compiled.feeds.iter().filter(counts);
        feeds.flat_map(|feed| state.values(feed.key)).map(DeviceId).collect()
    }

    /// What it means, in a sentence.
    pub fn explain(&self) -> String {
        crate::explain::explain(self)
    }

    /// The names of the vocabulary's fields that its conditions read: where the record or the profile does not carry
    /// one, the condition about it is unknown.
    pub fn reads(&self) -> Vec<&'static str> {
        crate::explain::reads(self)
    }

    /// The kinds of event that make it look, in words.
    pub fn looks_at(&self) -> Vec<&'static str> {
        crate::explain::looks_at(self.triggers())
    }

    /// The names of the kinds of planned change that excuse it, in words; `None` where none does.
    pub fn excused_by(&self) -> Option<String> {
        crate::explain::excused_by(self)
    }

    /// What operators excepted.
    pub fn exceptions(&self) -> &[Excepted] {
        &self.text.exceptions
    }

    /// Not wrong, and yet its author should know.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// What to do about a finding, as written: a template.
    pub fn advice(&self) -> &str {
        self.text.advice.as_deref().unwrap_or_default()
    }

    /// How sure a finding is, as written: a template.
    pub fn confidence(&self) -> &str {
        self.text.confidence.as_deref().unwrap_or_default()
    }
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rule").field("name", &self.name).field("version", &self.version).finish_non_exhaustive()
    }
}
