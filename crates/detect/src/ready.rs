//! Classes of devices made ready for the rules: what all partitions and workers share, so that it is at hand for every record.
//!
//! It follows from rules, profiles and the records that came, and changes what judging costs, never what is found: it is no
//! state.

mod shapes;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use fleetward_baseline::ModelKey;
use fleetward_fleet::{Device, DeviceState, ImeiLock, Profile};
use fleetward_rules::{Class, Facts, Plan, ShapedPlan, Triggers};
use hashbrown::HashMap;
use parking_lot::Mutex;

use self::shapes::Shapes;
use crate::Compiled;
use crate::group::model_key;

/// Classes that get a plan of their own; beyond it they share one that is right for all and slower.
const MAX_PLANS: usize = 4096;
/// Plans for shapes of records; beyond it records are judged by the plan of their class.
const MAX_SHAPED: usize = 4096;

/// Classes that were made ready.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    made: Mutex<HashMap<Key, Arc<Ready>>>,
    general: OnceLock<Arc<Plan>>,
    /// Plans for shapes, of all classes.
    shaped: AtomicUsize,
}

/// What makes a class; all empty where the inventory does not have the device.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct Key {
    known: bool,
    model: Option<Box<str>>,
    groups: Vec<Box<str>>,
    state: DeviceState,
    imei_lock: ImeiLock,
    critical: bool,
}

/// What judging needs to know of a class.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) plan: Arc<Plan>,
    shapes: Shapes,
    pub(crate) profile: Option<Arc<Profile>>,
    /// As rules read it, but for what is a device's [own](fleetward_rules::Own). Not a device where the class is unknown.
    pub(crate) device: Arc<Device>,
    pub(crate) known: bool,
    /// Its model, where the baseline of devices like this one is learnt.
    pub(crate) learns: Option<ModelKey>,
}

impl Plans {
    /// See [`Compiled::ready`]; `compiled` is what these are the plans of.
    pub(crate) fn ready(&self, compiled: &Compiled, device: Device, known: bool) -> Arc<Ready> {
        let key = if known { Key::of(&device) } else { Key::default() };
        let mut made = self.made.lock();
        if let Some(ready) = made.get(&key) {
            return Arc::clone(ready);
        }
        let of_class = made.len() < MAX_PLANS;
        let ready = Arc::new(Ready::new(self, compiled, device, (known, of_class)));
        if of_class {
            made.insert(key, Arc::clone(&ready));
        }
        ready
    }

    /// Takes room for the plan of one more shape; `false`: there is none.
    fn take_room(&self) -> bool {
        self.shaped.fetch_add(1, Ordering::Relaxed) < MAX_SHAPED
    }
}

impl Key {
    fn of(device: &Device) -> Self {
        Self {
            known: true,
            model: device.model.clone(),
            groups: device.groups.clone(),
            state: device.state,
            imei_lock: device.imei_lock,
            critical: device.critical,
        }
    }
}

impl Ready {
    fn new(plans: &Plans, compiled: &Compiled, device: Device, (known, of_class): (bool, bool)) -> Self {
        let model = device.model.as_deref();
        let profile = model.filter(|_| known).and_then(|model| compiled.profiles.get(model)).cloned();
        let class = Class { device: known.then_some(&device), profile: profile.as_deref() };
        let plan = if of_class {
            Arc::new(compiled.rules.plan(Some(class)))
        } else {
            Arc::clone(plans.general.get_or_init(|| Arc::new(compiled.rules.plan(None))))
        };
        let learns = Some(model_key(model)).filter(|key| known && compiled.has_baseline(*key));
        Self { plan, shapes: Shapes::default(), profile, known, learns, device: Arc::new(device) }
    }

    /// The rules made ready for records like this one of a device of the class, where there are many of them.
    pub(crate) fn shaped(&self, facts: &Facts<'_>, compiled: &Compiled) -> Option<&ShapedPlan> {
        if !Triggers::SESSION.contains(facts.trigger) {
            return None;
        }
        let make = |shape: &_| {
            let class = Class { device: facts.device, profile: facts.profile };
            compiled.plans.take_room().then(|| self.plan.shaped(&compiled.rules, class, shape))
        };
        self.shapes.plan(facts, make)
    }
}
