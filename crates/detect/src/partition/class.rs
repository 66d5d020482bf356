//! Classes: devices that the rules cannot tell apart beforehand share one entry with the plan that is made for them.
//!
//! There are millions of devices and a few classes, so what a class knows (profile, plan, the device as rules read it)
//! costs nothing a device and is at hand for every record.

use std::sync::Arc;

use fleetward_baseline::ModelKey;
use fleetward_fleet::{Device, DeviceState, ImeiLock, Profile};
use fleetward_rules::Plan;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::names::Names;
use super::shapes::Shapes;
use crate::Compiled;
use crate::compiled::Plans;
use crate::group::model_key;
use crate::intern::Symbol;

/// Number of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClassId(u32);

/// What makes a class.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Class {
    pub(crate) model: Option<Symbol>,
    pub(crate) groups: Symbol,
    pub(crate) state: DeviceState,
    pub(crate) imei_lock: ImeiLock,
    pub(crate) critical: bool,
    /// The inventory has the device.
    pub(crate) known: bool,
}

/// The classes of a partition, each once. They are made by the inventory, so strangers cannot add to them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Classes {
    values: Vec<Class>,
    index: HashMap<Class, ClassId>,
    /// Looked up before.
    stranger: Option<ClassId>,
    /// By number of the class, for the rules of `of`.
    ready: Vec<Option<Ready>>,
    of: Option<Arc<Plans>>,
}

/// What judging needs to know of a class.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) plan: Arc<Plan>,
    pub(super) shapes: Shapes,
    pub(crate) profile: Option<Arc<Profile>>,
    /// As rules read it; name, module and address are lent for each record. Not a device where the class is unknown.
    pub(crate) device: Device,
    pub(crate) known: bool,
    /// The same device for what is handed on to the second stage, where no rule there reads more of it.
    pub(crate) kind: Arc<Device>,
    /// Its model, where the baseline of devices like this one is learnt.
    pub(crate) learns: Option<ModelKey>,
}

impl Classes {
    /// Its number; a new one where it was not known.
    pub(crate) fn intern(&mut self, class: Class) -> ClassId {
        let next = ClassId(u32::try_from(self.values.len()).expect("fewer classes than devices"));
        let id = *self.index.entry(class).or_insert(next);
        if id == next {
            self.values.push(class);
        }
        id
    }

    pub(crate) fn get(&self, id: ClassId) -> &Class {
        &self.values[id.0 as usize]
    }

    pub(crate) fn values(&self) -> &[Class] {
        &self.values
    }

    /// From classes in order of their numbers.
    pub(crate) fn from_values(classes: Vec<Class>) -> Self {
        let mut all = Self::default();
        for class in classes {
            all.intern(class);
        }
        all
    }

    /// Whether it is the number of a class.
    pub(crate) fn has(&self, id: ClassId) -> bool {
        (id.0 as usize) < self.values.len()
    }

    /// The class of devices that the inventory does not have.
    pub(crate) fn stranger(&mut self, names: &mut Names) -> ClassId {
        if let Some(id) = self.stranger {
            return id;
        }
        let id = self.intern(Class { groups: names.groups(&[]), ..Class::default() });
        self.stranger = Some(id);
        id
    }

    /// Reads a little of a class that is ready, so that its cache lines come in ahead of use; the result means nothing.
    pub(crate) fn touch(&self, id: ClassId) -> usize {
        let Some(Some(ready)) = self.ready.get(id.0 as usize) else { return 0 };
        let device = &ready.device;
        Arc::as_ptr(&ready.plan).addr() ^ device.groups.len() ^ device.name.len() ^ usize::from(device.critical)
    }

    /// The class, made ready for what is in force.
    pub(crate) fn ready(&mut self, id: ClassId, names: &Names, compiled: &Compiled) -> &mut Ready {
        if !self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, &compiled.plans)) {
            self.ready.clear();
            self.of = Some(Arc::clone(&compiled.plans));
        }
        let at = id.0 as usize;
        if self.ready.len() <= at {
            self.ready.resize(self.values.len(), None);
        }
        let class = self.values[at];
        self.ready[at].get_or_insert_with(|| Ready::new(&class, names, compiled))
    }
}

impl Ready {
    fn new(class: &Class, names: &Names, compiled: &Compiled) -> Self {
        let mut device = Device::named("");
        device.model = class.model.map(|model| names.models.value(model).clone());
        device.groups.clone_from(names.groups.value(class.groups));
        device.state = class.state;
        device.imei_lock = class.imei_lock;
        device.critical = class.critical;
        let known = class.known.then_some(&device);
        let profile = known.and_then(|device| device.model.as_deref()).and_then(|model| compiled.profiles.get(model));
        Self {
            plan: compiled.plan(known, profile.map(|profile| &**profile)),
            shapes: Shapes::default(),
            profile: profile.cloned(),
            known: class.known,
            kind: Arc::new(device.clone()),
            learns: Some(model_key(device.model.as_deref())).filter(|key| class.known && compiled.has_baseline(*key)),
            device,
        }
    }
}
