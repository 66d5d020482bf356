//! All rules in force, and the evaluation of one event against them.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleetward_fleet::Timestamp;

use crate::diagnostic::Diagnostic;
use crate::facts::{Facts, Trigger};
use crate::firing::Firing;
use crate::rule::{Rule, Subject};
use crate::state::SubjectState;

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
    pub(crate) rules: Vec<Arc<Rule>>,
}

impl RuleSet {
    /// Reads and compiles rule files, given as (name, text). All mistakes are reported, not just the first.
    pub fn compile(files: &[(&str, &str)], options: &Options) -> Result<Self, Vec<Diagnostic>> {
        crate::compile::compile(files, options)
    }

    /// The rules that come with Fleetward.
    pub fn builtin(options: &Options) -> Self {
        crate::builtin::compile(options)
    }

    /// The rules, by name.
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// The rule of this name.
    pub fn rule(&self, name: &str) -> Option<&Arc<Rule>> {
        self.rules.iter().find(|rule| &*rule.name == name)
    }

    /// Whether any rule about devices may react to `trigger` for a subject in `state`. `false`: [`Self::observe`] would do nothing.
    /// For ticks: only rules about time (silence, absence) and open episodes want them.
    pub fn concerns(&self, trigger: Trigger, state: &SubjectState) -> bool {
        todo!("{trigger:?} {state:?}")
    }

    /// Judges one event of one device: feeds windows, evaluates the rules that concern it, remembers values.
    /// Events of one device must come in journal order; event times may be out of order.
    pub fn observe(&self, facts: &Facts<'_>, state: &mut SubjectState, out: &mut Vec<Firing>) {
        todo!("{facts:?} {state:?} {out:?}")
    }

    /// The groups and models whose rules want to see this event: call [`Self::observe_group`] for each with its state.
    pub fn groups_of(&self, facts: &Facts<'_>) -> Vec<GroupKey> {
        todo!("{facts:?}")
    }

    /// Judges one event for a group or model as a whole.
    pub fn observe_group(&self, facts: &Facts<'_>, group: &GroupKey, state: &mut SubjectState, out: &mut Vec<Firing>) {
        todo!("{facts:?} {group:?} {state:?} {out:?}")
    }

    /// Drops windows that are over and what belonged to rules that are no more. Cheap; for the snapshot or a slow sweep.
    pub fn expire(&self, state: &mut SubjectState, now: Timestamp) {
        todo!("{state:?} {now:?}")
    }
}
