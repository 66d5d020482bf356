//! What the records are judged by: rules, profiles and bounds. Immutable; a reload swaps the whole.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fleetward_baseline::{ModelKey, Settings};
use fleetward_fleet::{Device, DeviceState, ImeiLock, Observation, Profile, Timestamp};
use fleetward_rules::{Class, Facts, Plan, RuleSet, Shape, ShapedPlan};
use hashbrown::{HashMap, HashSet};
use parking_lot::Mutex;

use crate::group::{Wants, model_key};

/// Classes that get a plan of their own; beyond it they share one that is right for all and slower.
const MAX_PLANS: usize = 4096;
/// Plans for shapes of records; beyond it records are judged by the plan of their class.
const MAX_SHAPED: usize = 4096;

/// Plans that were made, shared by all partitions. They follow from rules and profiles, so they are no state.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    made: Mutex<HashMap<PlanKey, Arc<Plan>>>,
    general: OnceLock<Arc<Plan>>,
    shaped: Mutex<HashMap<(PlanKey, Shape), Arc<ShapedPlan>>>,
}

/// The class of a device by name; all empty where the inventory does not have it.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct PlanKey {
    known: bool,
    model: Option<Box<str>>,
    groups: Vec<Box<str>>,
    state: DeviceState,
    imei_lock: ImeiLock,
    critical: bool,
}

impl PlanKey {
    fn of(device: Option<&Device>) -> Self {
        device.map_or_else(Self::default, |device| Self {
            known: true,
            model: device.model.clone(),
            groups: device.groups.clone(),
            state: device.state,
            imei_lock: device.imei_lock,
            critical: device.critical,
        })
    }
}

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

    /// The rules made ready for devices of the class of `device`.
    pub(crate) fn plan(&self, device: Option<&Device>, profile: Option<&Profile>) -> Arc<Plan> {
        let key = PlanKey::of(device);
        let mut made = self.plans.made.lock();
        if let Some(plan) = made.get(&key) {
            return Arc::clone(plan);
        }
        if made.len() >= MAX_PLANS {
            let general = self.plans.general.get_or_init(|| Arc::new(self.rules.plan(None)));
            return Arc::clone(general);
        }
        let plan = Arc::new(self.rules.plan(Some(Class { device, profile })));
        made.insert(key, Arc::clone(&plan));
        plan
    }

    /// The rules made ready for records of a shape. `plan`: that of the class of the record.
    pub(crate) fn shaped(&self, plan: &Plan, facts: &Facts<'_>, shape: &Shape) -> Option<Arc<ShapedPlan>> {
        let key = (PlanKey::of(facts.device), shape.clone());
        let mut made = self.plans.shaped.lock();
        if let Some(shaped) = made.get(&key) {
            return Some(Arc::clone(shaped));
        }
        let class = Class { device: facts.device, profile: facts.profile };
        let shaped = (made.len() < MAX_SHAPED).then(|| Arc::new(plan.shaped(&self.rules, class, shape)))?;
        made.insert(key, Arc::clone(&shaped));
        Some(shaped)
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
