//! A notice that a deviation is coming, and is no finding until a date.

use serde::{Deserialize, Serialize};

use crate::{Device, DeviceId, Timestamp};

/// A planned change: somebody said beforehand what will deviate, on which devices, from when until when, and why.
///
/// A record of the same name replaces the former one: that is how it is changed, and how it is ended early.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// Names it for people and for replacing it: small letters, digits, `-`, `_` and `.`, e.g. `wo-4711`.
    pub name: Box<str>,
    /// On which devices.
    pub scope: PlannedScope,
    /// Which deviations it excuses.
    pub excuses: Vec<PlannedKind>,
    /// Rules that it excuses by name, whatever they read.
    pub rules: Vec<Box<str>>,
    /// From this event time on.
    pub from: Timestamp,
    /// Up to this event time, which is not part of it.
    pub until: Timestamp,
    /// Why, in words.
    pub reason: Box<str>,
    /// The work order, ticket or change request; may be empty.
    pub reference: Box<str>,
    /// Who said so.
    pub by: Box<str>,
}

/// The devices of a planned change: those that are named, and those of the groups and models.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedScope {
    /// By name, as in the inventory.
    pub devices: Vec<Box<str>>,
    /// Every device of these groups.
    pub groups: Vec<Box<str>>,
    /// Every device of these models.
    pub models: Vec<Box<str>>,
}

/// What kind of deviation is coming. Which rules each excuses follows from what a rule reads; the rules crate says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedKind {
    /// The device gets another SIM, profile or number.
    SimSwap,
    /// The SIM goes into another module.
    ModuleSwap,
    /// The device goes to another place, network or country.
    Move,
    /// New firmware or configuration: other volumes, peers, sessions and software versions.
    RollOut,
    /// Work on the device: it is silent, restarts, is logged in to, sends other volumes.
    Maintenance,
}

impl PlannedKind {
    /// All kinds, in the order of their numbers on disk (which never change).
    pub const ALL: [Self; 5] = [Self::SimSwap, Self::ModuleSwap, Self::Move, Self::RollOut, Self::Maintenance];

    /// The name in files, on the command line and in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::SimSwap => "sim_swap",
            Self::ModuleSwap => "module_swap",
            Self::Move => "move",
            Self::RollOut => "roll_out",
            Self::Maintenance => "maintenance",
        }
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Why a planned change cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct InvalidPlan {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

/// Most devices, groups, models and rules that one planned change names, each. For more devices, make a group.
pub const MAX_PLANNED_NAMES: usize = 1000;
/// Longest time that a planned change may last, in days: what lasts longer is a new profile.
pub const MAX_PLANNED_DAYS: i64 = 366;

impl PlannedChange {
    /// Whether it covers a device of this name, with these groups and this model.
    pub fn covers(&self, name: &str, groups: &[Box<str>], model: Option<&str>) -> bool {
        let scope = &self.scope;
        scope.devices.iter().any(|device| **device == *name) || self.covers_kin(groups, model)
    }

    /// Whether it covers every device with these groups and this model, whatever its name.
    pub fn covers_kin(&self, groups: &[Box<str>], model: Option<&str>) -> bool {
        let scope = &self.scope;
        scope.groups.iter().any(|group| groups.contains(group))
            || model.is_some_and(|model| scope.models.iter().any(|of| **of == *model))
    }

    /// Whether it covers this device.
    pub fn covers_device(&self, device: &Device) -> bool {
        self.covers(&device.name, &device.groups, device.model.as_deref())
    }

    /// The devices that it names.
    pub fn device_ids(&self) -> impl Iterator<Item = DeviceId> {
        self.scope.devices.iter().map(|name| DeviceId::of(name))
    }

    /// Whether what happened at this event time falls into it.
    pub fn is_in_force(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether it can be taken as it is; the first thing that is wrong.
    pub fn check(&self) -> Result<(), InvalidPlan> {
        let wrong = |field, problem: String| Err(InvalidPlan { field, problem });
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(good) {
            return wrong("name", "small letters, digits, `-`, `_` and `.`, at most 64".into());
        }
        let scope = &self.scope;
        if scope.devices.is_empty() && scope.groups.is_empty() && scope.models.is_empty() {
            return wrong("scope", "name devices, groups or models; the whole fleet is never excused at once".into());
        }
        let lists: [(&'static str, &[Box<str>]); 4] =
            [("devices", &scope.devices), ("groups", &scope.groups), ("models", &scope.models), ("rules", &self.rules)];
        for (field, list) in lists {
            if list.len() > MAX_PLANNED_NAMES {
                return wrong(field, format!("at most {MAX_PLANNED_NAMES}; put the devices into a group"));
            }
            if list.iter().any(|name| name.is_empty() || name.len() > 256) {
                return wrong(field, "a name has 1 to 256 bytes".into());
            }
        }
        if self.excuses.is_empty() && self.rules.is_empty() {
            return wrong("excuses", "say what is coming, or which rules are excused".into());
        }
        if self.from >= self.until {
            return wrong("until", "the end lies after the beginning".into());
        }
        if self.until.since(self.from).as_secs() > MAX_PLANNED_DAYS.unsigned_abs() * 86_400 {
            return wrong(
                "until",
                format!("at most {MAX_PLANNED_DAYS} days; what lasts longer belongs into the profile"),
            );
        }
        if self.reason.trim().is_empty() || self.reason.len() > 1000 {
            return wrong("reason", "say why, in at most 1000 bytes".into());
        }
        if self.reference.len() > 200 || self.by.len() > 200 {
            return wrong("reference", "at most 200 bytes".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> PlannedChange {
        PlannedChange {
            name: "wo-4711".into(),
            scope: PlannedScope { groups: vec!["north".into()], ..PlannedScope::default() },
            excuses: vec![PlannedKind::ModuleSwap],
            rules: Vec::new(),
            from: Timestamp(1000),
            until: Timestamp(2000),
            reason: "new modules".into(),
            reference: String::new().into(),
            by: "ops".into(),
        }
    }

    #[test]
    fn it_covers_what_it_names_and_nothing_else() {
        let mut plan = plan();
        plan.scope.devices = vec!["meter-1".into()];
        plan.scope.models = vec!["pump".into()];
        assert!(plan.covers("meter-1", &[], None));
        assert!(plan.covers("x", &["south".into(), "north".into()], None));
        assert!(plan.covers("x", &[], Some("pump")));
        assert!(!plan.covers("x", &["south".into()], Some("meter")));
        assert!(plan.device_ids().eq([DeviceId::of("meter-1")]));
    }

    #[test]
    fn it_is_in_force_from_its_beginning_to_before_its_end() {
        let in_force: Vec<bool> = [999, 1000, 1999, 2000].map(|at| plan().is_in_force(Timestamp(at))).into();
        assert_eq!(in_force, [false, true, true, false]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        type Spoil = fn(&mut PlannedChange);
        let cases: [(&str, Spoil); 6] = [
            ("name", |plan| plan.name = "Über".into()),
            ("scope", |plan| plan.scope = PlannedScope::default()),
            ("excuses", |plan| plan.excuses.clear()),
            ("until", |plan| plan.until = plan.from),
            ("until", |plan| plan.until = plan.from + std::time::Duration::from_hours(367 * 24)),
            ("reason", |plan| plan.reason = " ".into()),
        ];
        assert_eq!(plan().check(), Ok(()));
        for (field, spoil) in cases {
            let mut plan = plan();
            spoil(&mut plan);
            assert_eq!(plan.check().map_err(|error| error.field), Err(field));
        }
    }
}
