//! All rules in force, with the tables that find those that an event concerns.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleetward_fleet::Timestamp;

use crate::compile::Feed;
use crate::diagnostic::Diagnostic;
use crate::evaluate::{self, Whom};
use crate::expr::reach::carriers;
use crate::expr::read::{Context, Value};
use crate::facts::{Facts, Trigger, Triggers};
use crate::firing::Firing;
use crate::plan::{Class, Plan};
use crate::rule::{Mode, Rule};
use crate::state::SubjectState;
use crate::subject::Subject;
use crate::vocabulary::{self, Field};

/// What rule files may refer to.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// The configured notification channels. `None`: not known, any name is taken. A `notify` to a channel that is not
    /// configured is an error in an operator's rule and left out of a built-in one.
    pub channels: Option<Vec<String>>,
    /// Named lists for `in_list(field, "name")`, beside those that the files define.
    pub lists: BTreeMap<String, Vec<String>>,
    /// Takes every rule as if its file stated this mode: for backtests, which ask what a rule would do.
    pub mode: Option<Mode>,
}

/// A group, or another key, that a rule watches as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupKey {
    /// What kind of key; never [`Subject::Device`].
    pub kind: Subject,
    /// Its name ([`Subject::key_of`]).
    pub name: Box<str>,
}

/// The compiled rules.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Arc<Rule>>,
    /// By [`Subject`]; the last one is for rules about one device that ask the baseline.
    routes: [Routes; ROUTES],
    /// Fields whose last value some rule reads.
    pub(crate) memory: Vec<Field>,
    /// Fields of which rules ask whether a value is new.
    new_to_group: Vec<(u8, Triggers)>,
    /// (key, index into `rules`), sorted.
    keys: Vec<(u32, u16)>,
}

/// How many tables there are.
const ROUTES: usize = Subject::COUNT + 1;

/// Who wants to see what.
#[derive(Default)]
pub(crate) struct Routes {
    rules: [Vec<u16>; Trigger::ALL.len()],
    feeds: [Vec<Arc<Feed>>; Trigger::ALL.len()],
    /// Every window of these rules, each once.
    pub(crate) windows: Vec<Arc<Feed>>,
}

impl std::fmt::Debug for Routes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Routes").field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl RuleSet {
    /// Reads and compiles rule files, given as (name, text). All mistakes are reported, not just the first.
    pub fn compile(files: &[(&str, &str)], options: &Options) -> Result<Self, Vec<Diagnostic>> {
        crate::compile::compile(files, options)
    }

    /// The rules that come with Fleetward. A `notify` to a channel that is not configured is left out.
    pub fn builtin(options: &Options) -> Self {
        Self::of(crate::builtin::compile(options))
    }

    /// The rules that come with Fleetward and the operator's. An operator's rule takes the place of the built-in one of
    /// the same name.
    pub fn with_builtin(files: &[(&str, &str)], options: &Options) -> Result<Self, Vec<Diagnostic>> {
        let own = Self::compile(files, options)?;
        let mut rules = own.rules;
        let builtin = crate::builtin::compile(options);
        let missing: Vec<_> =
            builtin.into_iter().filter(|rule| rules.iter().all(|own| own.name != rule.name)).collect();
        rules.extend(missing);
        Ok(Self::of(rules))
    }

    /// The same without the rules of these names.
    #[must_use]
    pub fn without(self, names: &[String]) -> Self {
        let stays = |rule: &Arc<Rule>| names.iter().all(|name| **name != *rule.name);
        Self::of(self.rules.into_iter().filter(stays).collect())
    }

    pub(crate) fn of(mut rules: Vec<Arc<Rule>>) -> Self {
        rules.sort_by(|a, b| a.name.cmp(&b.name));
        let mut set = Self { rules, ..Self::default() };
        for (index, rule) in set.rules.iter().enumerate() {
            set.keys.push((rule.compiled.key, index as u16));
            let routes = &mut set.routes[route_of(rule)];
            for trigger in Trigger::ALL {
                if rule.compiled.triggers.contains(trigger) {
                    routes.rules[trigger as usize].push(index as u16);
                }
            }
            for field in &rule.compiled.new_to_group {
                let entry = (field.code().unwrap_or_default(), carriers(*field));
                if !set.new_to_group.contains(&entry) {
                    set.new_to_group.push(entry);
                }
            }
            for feed in &rule.compiled.feeds {
                routes.add(feed);
            }
            for field in &rule.compiled.memory {
                if !set.memory.contains(field) {
                    set.memory.push(*field);
                }
            }
        }
        set.keys.sort_unstable();
        set
    }

    /// The rules, sorted by name.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The rule of this name.
    pub fn rule(&self, name: &str) -> Option<&Arc<Rule>> {
        self.rules.binary_search_by(|rule| (*rule.name).cmp(name)).ok().map(|at| &self.rules[at])
    }

    /// Whether an event of this kind may matter to a device in `state`; where not, [`Self::observe`] does nothing.
    /// Ticks matter to rules about time (silence, absence) and to open episodes.
    pub fn concerns(&self, trigger: Trigger, state: &SubjectState) -> bool {
        let routes = self.routes(Subject::Device);
        let remembers = trigger != Trigger::Tick && !self.memory.is_empty();
        remembers || !routes.rules(trigger).is_empty() || !routes.feeds(trigger).is_empty() || state.has_episodes()
    }

    /// Judges one event of one device: feeds windows, evaluates the rules that concern it, remembers values, and appends
    /// what is to be told. Events of one device come in journal order; their event times may be out of order.
    pub fn observe(&self, facts: &Facts<'_>, state: &mut SubjectState, out: &mut Vec<Firing>) {
        evaluate::observe(self, self.routes(Subject::Device), Whom::DEVICE, facts, state, out);
    }

    /// Makes the rules ready for devices of one class; `None`: for all of them. It takes about as long as compiling the
    /// rules, so keep it.
    pub fn plan(&self, class: Option<Class<'_>>) -> Plan {
        Plan::of(self, class)
    }

    /// The same as [`Self::observe`], for less. `plan` is [`Self::plan`] of these rules for the class of the device in
    /// `facts`.
    pub fn observe_planned(&self, plan: &Plan, facts: &Facts<'_>, state: &mut SubjectState, out: &mut Vec<Firing>) {
        evaluate::observe_planned(self, plan, facts, state, out);
    }

    /// Judges one event of one device with the rules that ask the baseline, in the second stage. They have a state of their
    /// own; nothing that [`Self::observe`] remembers is in it.
    pub fn observe_later(&self, facts: &Facts<'_>, state: &mut SubjectState, out: &mut Vec<Firing>) {
        evaluate::observe(self, self.later(), Whom::LATER, facts, state, out);
    }

    /// The fields of which some rule asks whether a value is new to a model (their numbers, for [`Self::value_of`] and
    /// [`crate::Around::is_new`]), and the events that may carry them.
    pub fn new_to_group(&self) -> &[(u8, Triggers)] {
        &self.new_to_group
    }

    /// A number that stands for the value of this field in one event.
    pub fn value_of(&self, field: u8, facts: &Facts<'_>) -> Option<u64> {
        let field = vocabulary::by_code(field)?;
        let context = Context { facts, state: None, now: facts.time() };
        context.stored(field).map(Value::identity)
    }

    /// Which events concern the rules about this subject, open episodes aside.
    pub fn wanted_by(&self, subject: Subject) -> Triggers {
        self.routes(subject).wanted()
    }

    /// Which events concern the rules about single devices that ask the baseline, open episodes aside.
    pub fn wanted_later(&self) -> Triggers {
        self.later().wanted()
    }

    /// Those that share something with this event and whose rules may want it: call [`Self::observe_group`] for each,
    /// with its state. Empty, at the cost of a few look-ups, where no rule is about more than a device.
    pub fn groups_of(&self, facts: &Facts<'_>) -> Vec<GroupKey> {
        let mut keys = Vec::new();
        for kind in Subject::ALL.into_iter().skip(1).filter(|kind| self.routes(*kind).wants(facts.trigger)) {
            if kind == Subject::Group {
                let groups = facts.device.map(|device| device.groups.as_slice()).unwrap_or_default();
                keys.extend(groups.iter().map(|name| GroupKey { kind, name: name.clone() }));
            } else if let Some(name) = kind.key_of(facts) {
                keys.push(GroupKey { kind, name: name.into() });
            }
        }
        keys
    }

    /// Judges one event for a group or another key as a whole. Findings carry `DeviceId(0)`; responses that touch a device
    /// are left to people.
    pub fn observe_group(&self, facts: &Facts<'_>, group: &GroupKey, state: &mut SubjectState, out: &mut Vec<Firing>) {
        let whom = Whom { subject: group.kind, group: Some(&group.name), remembers: false };
        evaluate::observe(self, self.routes(group.kind), whom, facts, state, out);
    }

    /// Drops windows that are over at `now`, and what belonged to rules that are no more. For the snapshot or a slow
    /// sweep: an idle subject shrinks to what its rules must remember.
    pub fn expire(&self, state: &mut SubjectState, now: Timestamp) {
        evaluate::expire(self, state, now);
    }

    pub(crate) fn routes(&self, subject: Subject) -> &Routes {
        &self.routes[subject as usize]
    }

    /// All tables of routes.
    pub(crate) fn all_routes(&self) -> &[Routes] {
        &self.routes
    }

    fn later(&self) -> &Routes {
        &self.routes[Subject::COUNT]
    }

    pub(crate) fn by_index(&self, index: u16) -> &Arc<Rule> {
        &self.rules[usize::from(index)]
    }

    pub(crate) fn by_key(&self, key: u32) -> Option<&Arc<Rule>> {
        self.index_of(key).map(|index| self.by_index(index))
    }

    pub(crate) fn index_of(&self, key: u32) -> Option<u16> {
        let at = self.keys.binary_search_by_key(&key, |(held, _)| *held).ok()?;
        Some(self.keys[at].1)
    }
}

fn route_of(rule: &Rule) -> usize {
    match rule.subject {
        Subject::Device if rule.compiled.later => Subject::COUNT,
        subject => subject as usize,
    }
}

impl Routes {
    /// Rules that share a window feed it once.
    fn add(&mut self, feed: &Arc<Feed>) {
        if self.windows.iter().any(|held| held.key == feed.key) {
            return;
        }
        self.windows.push(Arc::clone(feed));
        for trigger in Trigger::ALL {
            if feed.triggers.contains(trigger) {
                self.feeds[trigger as usize].push(Arc::clone(feed));
            }
        }
    }

    fn wants(&self, trigger: Trigger) -> bool {
        !self.rules(trigger).is_empty() || !self.feeds(trigger).is_empty()
    }

    fn wanted(&self) -> Triggers {
        let wanted = Trigger::ALL.into_iter().filter(|trigger| self.wants(*trigger));
        wanted.fold(Triggers::NONE, |set, trigger| set.or(Triggers::of(trigger)))
    }

    pub(crate) fn rules(&self, trigger: Trigger) -> &[u16] {
        &self.rules[trigger as usize]
    }

    pub(crate) fn feeds(&self, trigger: Trigger) -> &[Arc<Feed>] {
        &self.feeds[trigger as usize]
    }
}
