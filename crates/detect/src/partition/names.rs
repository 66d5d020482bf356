//! The names that a partition's devices and sessions refer to by number.

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

use crate::intern::{Interner, Symbol};

/// Models, sets of groups and NASes. All of them are chosen by the operator.
#[derive(Debug, Default, Clone)]
pub(crate) struct Names {
    pub(crate) models: Interner<Box<str>>,
    pub(crate) groups: Interner<Vec<Box<str>>>,
    pub(crate) nases: Interner<Box<str>>,
    /// By number of the NAS.
    pub(crate) nas: Vec<Nas>,
    /// The one that was looked up last: one NAS serves many devices.
    pub(crate) last_nas: Symbol,
}

/// What a partition knows of one NAS.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Nas {
    /// Open sessions in this partition; none means that a reset has nothing to do.
    pub(crate) open: u32,
    /// When it last said that all its sessions are over.
    pub(crate) reset: Option<Timestamp>,
}

impl Names {
    pub(crate) fn model(&mut self, model: &str) -> Symbol {
        self.models.intern(model)
    }

    pub(crate) fn groups(&mut self, groups: &[Box<str>]) -> Symbol {
        self.groups.intern(groups)
    }

    pub(crate) fn nas(&mut self, name: &str) -> Symbol {
        let symbol = self.nases.intern_near(self.last_nas, name);
        self.last_nas = symbol;
        if self.nas.len() <= symbol.0 as usize {
            self.nas.resize(symbol.0 as usize + 1, Nas::default());
        }
        symbol
    }

    pub(crate) fn nas_mut(&mut self, nas: Symbol) -> &mut Nas {
        &mut self.nas[nas.0 as usize]
    }
}
