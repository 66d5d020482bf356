//! Planned changes as detection holds them: which cover a device now, and which deviations they have excused.
//!
//! Every partition and the second stage hold all of them: they come through the journal like everything, so each part
//! sees them at the same place in the order, and a replay excuses what the live run excused.
//!
//! # Invariants
//!
//! * **Nothing planned, nothing paid**: with none in force a look-up is one comparison.
//! * **Bounded**: [`MAX_PLANNED`] at a time, one that is over goes a day later (late records may still fall into it), and
//!   of what it excused at most [`MAX_EXCUSED`] pairs of subject and rule are told, each once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::{DeviceId, PlannedChange, Timestamp};
use serde::{Deserialize, Serialize};

/// Planned changes that are held at a time; beyond it the one that ends first goes.
pub const MAX_PLANNED: usize = 1000;
/// Pairs of subject and rule that one part (a partition, or the second stage) tells of one planned change.
const MAX_EXCUSED: usize = 1000;
/// How long one that is over is kept.
const KEPT: Duration = Duration::from_hours(24);

/// All that were announced and are not long over.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Planned {
    held: Vec<Held>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
struct Held {
    change: Arc<PlannedChange>,
    /// The devices that it names, sorted.
    ids: Vec<DeviceId>,
    /// What was told already: hashes of subject and rule.
    excused: BTreeSet<u64>,
}

/// As bytes.
pub(crate) type Frozen = Vec<(PlannedChange, BTreeSet<u64>)>;

impl Held {
    fn of(change: PlannedChange) -> Self {
        let mut ids: Vec<DeviceId> = change.device_ids().collect();
        ids.sort_unstable();
        Self { change: Arc::new(change), ids, excused: BTreeSet::new() }
    }
}

impl Planned {
    /// Announces it, or replaces the one of its name.
    pub(crate) fn announce(&mut self, change: &PlannedChange) {
        if let Some(held) = self.held.iter_mut().find(|held| held.change.name == change.name) {
            let excused = std::mem::take(&mut held.excused);
            *held = Held { excused, ..Held::of(change.clone()) };
            return;
        }
        if self.held.len() >= MAX_PLANNED {
            let first = self.held.iter().enumerate().min_by_key(|(_, held)| held.change.until).map(|(at, _)| at);
            first.map(|at| self.held.remove(at));
        }
        self.held.push(Held::of(change.clone()));
    }

    /// Holds it if it is not held yet.
    pub(crate) fn know(&mut self, change: &PlannedChange) {
        if self.held.iter().all(|held| held.change.name != change.name) {
            self.announce(change);
        }
    }

    /// Time passed: forgets what has long been over.
    pub(crate) fn pass(&mut self, now: Timestamp) {
        self.held.retain(|held| now < held.change.until + KEPT);
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Those that cover this device at this event time. Does not allocate where there is none.
    pub(crate) fn covering(
        &self,
        id: DeviceId,
        groups: &[Box<str>],
        model: Option<&str>,
        at: Timestamp,
    ) -> Vec<Arc<PlannedChange>> {
        let covers = |held: &&Held| {
            let change = &held.change;
            change.is_in_force(at) && (held.ids.binary_search(&id).is_ok() || change.covers_kin(groups, model))
        };
        self.held.iter().filter(covers).map(|held| held.change.clone()).collect()
    }

    /// All that are in force at this time, whomever they cover.
    pub(crate) fn in_force(&self, at: Timestamp) -> Vec<Arc<PlannedChange>> {
        self.held.iter().map(|held| &held.change).filter(|change| change.is_in_force(at)).cloned().collect()
    }

    /// Whether it is to be told that `change` excused `rule` on a subject: the first time, within the bound.
    pub(crate) fn is_news(&mut self, change: &PlannedChange, subject: u64, rule: &str) -> bool {
        let Some(held) = self.held.iter_mut().find(|held| held.change.name == change.name) else { return false };
        let rule = DeviceId::of(rule).0; // a stable hash of a text, no more
        held.excused.len() < MAX_EXCUSED && held.excused.insert(subject ^ rule.rotate_left(23))
    }

    pub(crate) fn freeze(&self) -> Frozen {
        self.held.iter().map(|held| ((*held.change).clone(), held.excused.clone())).collect()
    }

    pub(crate) fn thaw(frozen: Frozen) -> Self {
        let held = |(change, excused)| Held { excused, ..Held::of(change) };
        Self { held: frozen.into_iter().map(held).collect() }
    }
}

/// A planned change excused a deviation: no finding, and worth a line in its account. Said once for each planned change, rule
/// and subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excused {
    /// The planned change, by its name.
    pub change: Box<str>,
    /// The rule.
    pub rule: Box<str>,
    /// The device; `DeviceId(0)` where it is about a group or model.
    pub device: DeviceId,
    /// The device's name, or the group's, for people.
    pub subject: Box<str>,
    /// When it first deviated, by event time.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use fleetward_fleet::{PlannedKind, PlannedScope};

    use super::*;

    fn change(name: &str, until: i64) -> PlannedChange {
        PlannedChange {
            name: name.into(),
            scope: PlannedScope { groups: vec!["north".into()], ..PlannedScope::default() },
            excuses: vec![PlannedKind::Move],
            rules: Vec::new(),
            from: Timestamp(0),
            until: Timestamp(until),
            reason: "because".into(),
            reference: "".into(),
            by: "test".into(),
        }
    }

    #[test]
    fn the_same_name_replaces_and_time_takes_away() {
        let mut planned = Planned::default();
        planned.announce(&change("a", 10_000));
        planned.announce(&change("a", 5_000));
        let covering =
            |planned: &Planned, at| planned.covering(DeviceId(3), &["north".into()], None, Timestamp(at)).len();
        assert_eq!((covering(&planned, 4_999), covering(&planned, 5_000)), (1, 0));
        planned.pass(Timestamp(5_000) + KEPT);
        assert_eq!(planned, Planned::default());
    }

    #[test]
    fn it_is_bounded_and_the_one_that_ends_first_goes() {
        let mut planned = Planned::default();
        for (number, end) in (0..=MAX_PLANNED).zip(1_000..) {
            planned.announce(&change(&format!("c{number}"), end));
        }
        assert_eq!(planned.held.len(), MAX_PLANNED);
        assert_eq!(&*planned.held[0].change.name, "c1");
    }

    #[test]
    fn what_it_excused_is_told_once_and_survives_freezing() {
        let mut planned = Planned::default();
        let change = change("a", 10_000);
        planned.announce(&change);
        assert!(planned.is_news(&change, 7, "r"));
        let mut again = Planned::thaw(planned.freeze());
        assert_eq!(again, planned);
        assert!(!again.is_news(&change, 7, "r"));
        assert!(again.is_news(&change, 8, "r"));
    }
}
