//! All rules in force, with the tables that find those that an event concerns.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleetward_fleet::Timestamp;

use crate::compile::Feed;
use crate::diagnostic::Diagnostic;
use crate::evaluate;
use crate::facts::{Facts, Trigger};
use crate::firing::Firing;
use crate::rule::{Rule, Subject};
use crate::state::SubjectState;
use crate::vocabulary::Field;

/// What rule files may refer to.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// The configured notification channels. `None`: not known, any name is taken. A `notify` to a channel that is not
    /// configured is an error in an operator's rule and left out of a built-in one.
    pub channels: Option<Vec<String>>,
    /// Named lists for `in_list(field, "name")`, beside those that the files define.
    pub lists: BTreeMap<String, Vec<String>>,
}

/// A group or model that a rule watches as one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GroupKey {
    /// [`Subject::Group`] or [`Subject::Model`].
    pub kind: Subject,
    /// Its name.
    pub name: Box<str>,
}

/// The compiled rules.
#[derive(Debug, Default)]
pub struct RuleSet {
    rules: Vec<Arc<Rule>>,
    /// By [`Subject`].
    routes: [Routes; 3],
    /// Fields whose last value some rule reads.
    pub(crate) memory: Vec<Field>,
    /// (key, index into `rules`), sorted.
    keys: Vec<(u32, u16)>,
}

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
            let routes = &mut set.routes[rule.subject as usize];
            for trigger in Trigger::ALL {
                if rule.compiled.triggers.contains(trigger) {
                    routes.rules[trigger as usize].push(index as u16);
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
        evaluate::observe(self, Subject::Device, None, facts, state, out);
    }

    /// The groups and models whose rules may want this event: call [`Self::observe_group`] for each, with its state.
    /// Empty, at the cost of two look-ups, where no rule is about groups.
    pub fn groups_of(&self, facts: &Facts<'_>) -> Vec<GroupKey> {
        let wants = |subject| {
            let routes = self.routes(subject);
            !routes.rules(facts.trigger).is_empty() || !routes.feeds(facts.trigger).is_empty()
        };
        let Some(device) = facts.device else { return Vec::new() };
        let groups = device.groups.iter().filter(|_| wants(Subject::Group));
        let groups = groups.map(|name| GroupKey { kind: Subject::Group, name: name.clone() });
        let model = device.model.iter().filter(|_| wants(Subject::Model));
        groups.chain(model.map(|name| GroupKey { kind: Subject::Model, name: name.clone() })).collect()
    }

    /// Judges one event for a group or model as a whole. Findings carry `DeviceId(0)`; responses that touch a device are
    /// left to people.
    pub fn observe_group(&self, facts: &Facts<'_>, group: &GroupKey, state: &mut SubjectState, out: &mut Vec<Firing>) {
        evaluate::observe(self, group.kind, Some(&group.name), facts, state, out);
    }

    /// Drops windows that are over at `now`, and what belonged to rules that are no more. For the snapshot or a slow
    /// sweep: an idle subject shrinks to what its rules must remember.
    pub fn expire(&self, state: &mut SubjectState, now: Timestamp) {
        evaluate::expire(self, state, now);
    }

    pub(crate) fn routes(&self, subject: Subject) -> &Routes {
        &self.routes[subject as usize]
    }

    pub(crate) fn by_index(&self, index: u16) -> &Arc<Rule> {
        &self.rules[usize::from(index)]
    }

    pub(crate) fn by_key(&self, key: u32) -> Option<&Arc<Rule>> {
        let at = self.keys.binary_search_by_key(&key, |(held, _)| *held).ok()?;
        Some(self.by_index(self.keys[at].1))
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

    pub(crate) fn rules(&self, trigger: Trigger) -> &[u16] {
        &self.rules[trigger as usize]
    }

    pub(crate) fn feeds(&self, trigger: Trigger) -> &[Arc<Feed>] {
        &self.feeds[trigger as usize]
    }
}
