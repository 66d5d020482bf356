//! Classes: devices that the rules cannot tell apart beforehand share one entry with the plan that is made for them.
//!
//! There are millions of devices and a few classes, so what a class knows ([`Ready`]) costs nothing a device; it is the same in
//! all partitions, so it is at hand for every record.

use std::sync::Arc;

use fleetward_fleet::{Device, DeviceState, ImeiLock};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::names::Names;
use crate::Compiled;
use crate::intern::Symbol;
use crate::ready::{Plans, Ready};

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
    ready: Vec<Option<Arc<Ready>>>,
    of: Option<Arc<Plans>>,
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

    /// The class, made ready for what is in force.
    pub(crate) fn ready(&mut self, id: ClassId, names: &Names, compiled: &Compiled) -> &Ready {
        if !self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, &compiled.plans)) {
            self.ready.clear();
            self.of = Some(Arc::clone(&compiled.plans));
        }
        let at = id.0 as usize;
        if self.ready.len() <= at {
            self.ready.resize(self.values.len(), None);
        }
        let class = self.values[at];
        self.ready[at].get_or_insert_with(|| compiled.ready(class.device(names), class.known))
    }
}

impl Class {
    /// What its devices have in common, as rules read it.
    fn device(&self, names: &Names) -> Device {
        let mut device = Device::named("");
        device.model = self.model.map(|model| names.models.value(model).clone());
        device.groups.clone_from(names.groups.value(self.groups));
        device.state = self.state;
        device.imei_lock = self.imei_lock;
        device.critical = self.critical;
        device
    }
}
