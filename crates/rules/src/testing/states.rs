//! What a rule remembers while its example runs.

use std::collections::BTreeMap;

use crate::facts::{Facts, Trigger};
use crate::firing::Firing;
use crate::key::Key;
use crate::rule::Rule;
use crate::ruleset::RuleSet;
use crate::state::SubjectState;
use crate::subject::Subject;

#[derive(Default)]
pub(super) struct States {
    /// Of the device.
    one: SubjectState,
    /// By key (a group, a model, ...), where the rule is about one.
    keys: BTreeMap<Box<str>, SubjectState>,
}

impl States {
    /// A key that the event does not carry concerns nobody: a device without groups is in none.
    pub(super) fn judge(&mut self, set: &RuleSet, rule: &Rule, facts: &Facts<'_>, out: &mut Vec<Firing>) {
        let kind = rule.subject;
        match kind {
            Subject::Device if rule.second_stage() => {
                let key = Key { subject: kind, id: facts.device_id.0, name: None };
                set.observe_key(facts, &key, &mut self.one, out);
            }
            Subject::Device => set.observe(facts, &mut self.one, out),
            _ if facts.trigger == Trigger::Tick => {
                for (name, state) in &mut self.keys {
                    set.observe_key(facts, &Key::named(kind, name), state, out);
                }
            }
            Subject::Group => {
                for group in facts.device.iter().flat_map(|device| &device.groups) {
                    self.judge_key(set, &Key::named(kind, group), group, facts, out);
                }
            }
            _ => {
                let Some(name) = kind.key_of(facts) else { return };
                self.judge_key(set, &Key::named(kind, &name), &name, facts, out);
            }
        }
    }

    fn judge_key(&mut self, set: &RuleSet, key: &Key<'_>, name: &str, facts: &Facts<'_>, out: &mut Vec<Firing>) {
        let state = self.keys.entry(name.into()).or_default();
        set.observe_key(facts, key, state, out);
    }

    /// Whether it matters that time passes: to a rule about time, and to an episode under way.
    pub(super) fn wait(&self, rule: &Rule) -> bool {
        let mut all = self.keys.values().chain([&self.one]);
        rule.triggers().contains(Trigger::Tick) || all.any(SubjectState::has_episodes)
    }
}
