//! What the records are judged by: rules, profiles and bounds. Immutable; a reload swaps the whole.

use std::sync::Arc;
use std::time::Duration;

use fleetward_baseline::{ModelKey, Settings};
use fleetward_fleet::{Device, Observation, Profile, Timestamp};
use fleetward_rules::RuleSet;
use hashbrown::{HashMap, HashSet};

use crate::group::{Wants, model_key};
use crate::ready::{Plans, Ready};

/// Everything that judging needs beside the state. Cheap to share: workers hold it in an [`Arc`].
#[derive(Debug)]
pub struct Compiled {
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) profiles: Arc<HashMap<Box<str>, Arc<Profile>>>,
    pub(crate) limits: Limits,
    /// Which events the second stage wants.
    pub(crate) groups: Wants,
    /// The rules made ready for classes of devices, as they turn up.
    pub(crate) plans: Arc<Plans>,
    /// How baselines are judged; `None`: they are off.
    pub(crate) baseline: Option<Settings>,
    /// Models whose baselines are off.
    baseline_off_for: HashSet<ModelKey>,
}

impl Compiled {
    /// From compiled rules and the profiles of all models, with the default [`Limits`].
    pub fn new(rules: Arc<RuleSet>, profiles: impl IntoIterator<Item = Profile>) -> Self {
        Self::with_limits(rules, profiles, Limits::default())
    }

    /// The same with other bounds.
    pub fn with_limits(rules: Arc<RuleSet>, profiles: impl IntoIterator<Item = Profile>, limits: Limits) -> Self {
        let profiles = profiles.into_iter().map(|profile| (profile.model.clone(), Arc::new(profile)));
        Self::of(rules, Arc::new(profiles.collect()), limits, Some(Settings::default()))
    }

    fn of(
        rules: Arc<RuleSet>,
        profiles: Arc<HashMap<Box<str>, Arc<Profile>>>,
        limits: Limits,
        baseline: Option<Settings>,
    ) -> Self {
        let groups = Wants::of(&rules, baseline.is_some());
        Self { rules, profiles, limits, groups, baseline, baseline_off_for: HashSet::new(), plans: Arc::default() }
    }

    /// The same profiles and bounds, and nothing to judge by.
    pub(crate) fn without_rules(&self) -> Self {
        Self::of(Arc::new(RuleSet::default()), self.profiles.clone(), self.limits.clone(), None)
    }

    /// The same with other settings of the baselines; `None` learns none. They are not learnt for the models `off_for`.
    #[must_use]
    pub fn with_baseline<'a>(mut self, settings: Option<Settings>, off_for: impl IntoIterator<Item = &'a str>) -> Self {
        self.groups = Wants::of(&self.rules, settings.is_some());
        self.plans = Arc::default(); // what was made ready knows who learns
        self.baseline = settings;
        self.baseline_off_for = off_for.into_iter().map(|model| model_key(Some(model))).collect();
        self
    }

    /// Whether the baseline of a model is learnt.
    pub(crate) fn has_baseline(&self, model: ModelKey) -> bool {
        self.baseline.is_some() && !self.baseline_off_for.contains(&model)
    }

    /// The rules.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.rules
    }

    /// The profile of a model.
    pub fn profile(&self, model: &str) -> Option<&Profile> {
        self.profiles.get(model).map(|profile| &**profile)
    }

    /// What judging needs to know of devices like this one. `known`: the inventory has them.
    pub(crate) fn ready(&self, device: Device, known: bool) -> Arc<Ready> {
        self.plans.ready(self, device, known)
    }

    /// The bounds.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// When it happened, as judged: a clock that is plainly wrong is not believed.
    pub(crate) fn event_time(&self, observation: &Observation) -> Timestamp {
        let (event, arrival) = (observation.event_time, observation.observed_at);
        let plausible = arrival - self.limits.clock_behind..=arrival + self.limits.clock_ahead;
        if plausible.contains(&event) { event } else { arrival }
    }
}

/// Bounds of the state. They are part of what a replay must hold equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How long after its end a session's last counters are remembered, so that a late retransmit counts nothing.
    pub closed_for: Duration,
    /// Closed sessions remembered per device; beyond it the oldest is forgotten.
    pub closed_per_device: usize,
    /// Open sessions per device; beyond it the one that was silent longest ends as [`crate::EndCause::Forgotten`].
    pub open_per_device: usize,
    /// Devices outside the inventory per partition (there are 256); beyond it the oldest is forgotten.
    pub unknown_per_partition: usize,
    /// The interim interval where the profile states none and the session has shown none.
    pub interim: Duration,
    /// When a session that never sent an interim, and was not asked to, is given up.
    pub silent_session: Duration,
    /// An event time this far ahead of its arrival is a wrong clock; the arrival counts instead.
    pub clock_ahead: Duration,
    /// ... and this far behind it, too (a clock that was never set).
    pub clock_behind: Duration,
    /// A record this much older than the newest of its device is late, and its findings say so.
    pub lateness: Duration,
    /// Keys (networks, modules, addresses, ...) of one kind that rules keep windows of; beyond it the longest idle leave,
    /// newcomers get a place only when they come twice, and findings say that they are estimated.
    pub keys: usize,
    /// Bytes that the windows of all keys of one kind may take, likewise.
    pub key_bytes: usize,
    /// How often a device that is quiet, with no episode under way, is looked at on ticks (silence, lost sessions).
    pub sweep: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            closed_for: Duration::from_hours(24),
            closed_per_device: 3,
            open_per_device: 32,
            unknown_per_partition: 1024,
            interim: Duration::from_mins(15),
            silent_session: Duration::from_hours(7 * 24),
            clock_ahead: Duration::from_mins(5),
            clock_behind: Duration::from_hours(62 * 24),
            lateness: Duration::from_mins(10),
            keys: 1_000_000,
            key_bytes: 512 << 20,
            sweep: Duration::from_mins(1),
        }
    }
}
