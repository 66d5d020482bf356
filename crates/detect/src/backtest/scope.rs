//! Whether a rule is about anybody: no alarm of a rule that is about nobody is no good news.

use std::collections::HashSet;
use std::sync::Arc;

use fleetward_fleet::{Body, DeviceId, Observation, Profile};
use fleetward_rules::{Class, Rule, RuleSet};

/// Rules that no device was in the scope of so far.
#[derive(Debug)]
pub struct Scopes {
    about_nobody: Vec<Arc<Rule>>,
    /// Devices of the inventory; only as long as a rule is about nobody.
    known: HashSet<DeviceId>,
    /// Strangers are all alike.
    met_stranger: bool,
}

impl Scopes {
    /// Nobody was seen yet.
    pub fn new(rules: &RuleSet) -> Self {
        Self { about_nobody: rules.rules().to_vec(), known: HashSet::new(), met_stranger: false }
    }

    /// Takes a record in: a change of the inventory, or what a stranger did. `profiles`: of all models.
    pub fn see(&mut self, observation: &Observation, profiles: &[Profile]) {
        if self.about_nobody.is_empty() {
            return;
        }
        let device = match &observation.body {
            Body::DeviceChange(change) if change.removed => return,
            Body::DeviceChange(change) => {
                self.known.insert(observation.device);
                Some(&change.device)
            }
            _ if self.met_stranger => return,
            body if body.concerns_all() || self.known.contains(&observation.device) => return,
            _ => {
                self.met_stranger = true;
                None
            }
        };
        let model = device.and_then(|device| device.model.as_deref());
        let profile = model.and_then(|model| profiles.iter().find(|profile| *profile.model == *model));
        self.about_nobody.retain(|rule| rule.leaves_out(Class { device, profile }));
    }

    /// Whether nobody was in the scope of the rule.
    pub fn is_about_nobody(&self, rule: &str) -> bool {
        self.about_nobody.iter().any(|held| *held.name == *rule)
    }
}
