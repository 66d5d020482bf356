//! How many devices the groups of a device have: what a share of a group is a share of.

use std::collections::HashMap;
use std::time::Duration;

use fleetward_detect::Raised;
use fleetward_fleet::Timestamp;
use fleetward_store::Store;

/// Sizes are looked up again after this long: groups change slowly, and findings may come by the thousand.
const KEPT: Duration = Duration::from_mins(1);
/// Groups whose size is remembered.
const MOST: usize = 10_000;

/// Sizes of groups, as of a minute ago at most.
#[derive(Debug, Default)]
pub(super) struct Kin {
    sizes: HashMap<Box<str>, (Timestamp, u32)>,
}

impl Kin {
    /// The groups of the finding's device with their sizes; none where nothing would be done to it.
    pub(super) fn of(&mut self, raised: &Raised, store: &Store, now: Timestamp) -> Vec<(Box<str>, u32)> {
        if !raised.responds.iter().any(|respond| respond.action.is_intervention()) {
            return Vec::new();
        }
        raised.subject.groups.iter().filter_map(|group| Some((group.clone(), self.size(group, store, now)?))).collect()
    }

    /// `None` where the database does not say: the bounds of rule and fleet still hold.
    fn size(&mut self, group: &str, store: &Store, now: Timestamp) -> Option<u32> {
        if let Some((at, size)) = self.sizes.get(group)
            && now.since(*at) < KEPT
        {
            return Some(*size);
        }
        let size =
            store.group_size(group).map_err(|error| tracing::warn!(%error, group, "its size is not known")).ok()?;
        if self.sizes.len() >= MOST {
            self.sizes.clear();
        }
        self.sizes.insert(group.into(), (now, size));
        Some(size)
    }
}
