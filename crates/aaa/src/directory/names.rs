//! Names of models and NASes as small numbers, and how often a NAS was reset.

use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::RwLock;

/// An interner: few names, many references. Names are configured (models, RADIUS clients), never from a packet.
#[derive(Debug, Default)]
pub(super) struct Names(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u16>,
    epochs: Vec<u16>,
}

impl Names {
    /// No name.
    pub(super) const NONE: u16 = u16::MAX;

    /// The number of this name, a new one where it is new. After 65,535 names: none.
    pub(super) fn number(&self, name: &str) -> u16 {
        if let Some(number) = self.0.read().numbers.get(name) {
            return *number;
        }
        let mut inner = self.0.write();
        if let Some(number) = inner.numbers.get(name) {
            return *number;
        }
        let number = u16::try_from(inner.names.len()).unwrap_or(Self::NONE);
        if number != Self::NONE {
            let name: Arc<str> = name.into();
            inner.names.push(Arc::clone(&name));
            inner.numbers.insert(name, number);
            inner.epochs.push(0);
        }
        number
    }

    /// The name with this number.
    pub(super) fn name(&self, number: u16) -> Option<Arc<str>> {
        self.0.read().names.get(usize::from(number)).cloned()
    }

    /// How often [`Self::next_epoch`] was called for it.
    pub(super) fn epoch(&self, number: u16) -> u16 {
        self.0.read().epochs.get(usize::from(number)).copied().unwrap_or(0)
    }

    /// Everything that was marked with the old epoch is void from now on.
    pub(super) fn next_epoch(&self, number: u16) {
        if let Some(epoch) = self.0.write().epochs.get_mut(usize::from(number)) {
            *epoch = epoch.wrapping_add(1);
        }
    }
}
