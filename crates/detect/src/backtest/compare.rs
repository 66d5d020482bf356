//! The alarms of two versions of a rule, paired by what they are about.
//!
//! A finding's id follows from when its episode began, and another limit moves that: the same incident has another id. So two
//! alarms are one incident where they are about the same device (or group, network, ...) and their episodes overlap, or one
//! begins within an hour of the end of the other. Each alarm stands for at most one of the other version.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use fleetward_fleet::{DeviceId, FindingId, Timestamp};

use super::{Difference, Example};
use crate::Raised;

/// Episodes that are so near are one incident: an open finding is told again once an hour, so its end is known no better.
const NEAR: Duration = Duration::from_hours(1);
/// Findings of a rule that are remembered.
const REMEMBERED: usize = 1_000_000;
/// Shown of each kind.
const EXAMPLES: usize = 10;

/// Findings of one rule. Those outside of the span are in it too: what is counted may be the same as one of them.
#[derive(Debug, Default)]
pub(super) struct Episodes(HashMap<FindingId, Episode>);

#[derive(Debug)]
struct Episode {
    device: DeviceId,
    example: Example,
    /// When the condition last held, as far as it was told.
    until: Timestamp,
    counts: bool,
}

impl Episodes {
    /// A new one; `counts`: it is one of the span.
    pub(super) fn begin(&mut self, raised: &Raised, counts: bool, example: Example) {
        let finding = &raised.finding;
        if self.0.len() < REMEMBERED {
            let episode = Episode { device: finding.device, example, until: finding.last_seen, counts };
            self.0.insert(finding.id, episode);
        }
    }

    /// The condition of a known one held again.
    pub(super) fn go_on(&mut self, raised: &Raised) {
        if let Some(episode) = self.0.get_mut(&raised.finding.id) {
            episode.until = episode.until.max(raised.finding.last_seen);
        }
    }

    /// What is different here from `old`, which `version` in `file` found.
    pub(super) fn against(&self, old: &Self, version: u32, file: Box<str>) -> Difference {
        let paired = paired(self, old);
        let (new, new_examples) = self.without(&paired);
        let (gone, gone_examples) = old.without(&paired);
        let counted = self.0.values().filter(|episode| episode.counts).count() as u64;
        Difference { version, file, same: counted - new, new, gone, new_examples, gone_examples }
    }

    /// Those of the span that no other stands for, and the first of them.
    fn without(&self, paired: &HashSet<FindingId>) -> (u64, Vec<Example>) {
        let alone = |(id, episode): &(&FindingId, &Episode)| episode.counts && !paired.contains(id);
        let mut alone: Vec<&Example> = self.0.iter().filter(alone).map(|(_, episode)| &episode.example).collect();
        alone.sort_by_key(|example| (example.at, example.id.0));
        (alone.len() as u64, alone.into_iter().take(EXAMPLES).cloned().collect())
    }

    /// Those with an id that `other` does not have, by what they are about, in order of time.
    fn by_subject(&self, other: &Self) -> BTreeMap<(u64, &str), Vec<&Episode>> {
        let mut by_subject: BTreeMap<_, Vec<&Episode>> = BTreeMap::new();
        for (_, episode) in self.0.iter().filter(|(id, _)| !other.0.contains_key(*id)) {
            by_subject.entry(episode.subject()).or_default().push(episode);
        }
        for episodes in by_subject.values_mut() {
            episodes.sort_by_key(|episode| (episode.example.at, episode.example.id.0));
        }
        by_subject
    }
}

impl Episode {
    /// A device is the same under another name.
    fn subject(&self) -> (u64, &str) {
        (self.device.0, if self.device == DeviceId(0) { &self.example.subject } else { "" })
    }

    fn is_near(&self, other: &Self) -> bool {
        self.example.at <= other.until + NEAR && other.example.at <= self.until + NEAR
    }
}

/// The ids of alarms of which the other version has one as well: the same, or one of the same incident.
fn paired(new: &Episodes, old: &Episodes) -> HashSet<FindingId> {
    let mut paired: HashSet<FindingId> = new.0.keys().filter(|id| old.0.contains_key(*id)).copied().collect();
    let others = old.by_subject(new);
    for (subject, episodes) in new.by_subject(old) {
        let mut theirs = others.get(&subject).into_iter().flatten().peekable();
        let mut ours = episodes.into_iter().peekable();
        while let (Some(our), Some(their)) = (ours.peek(), theirs.peek()) {
            let (is_near, our_ends_first) = (our.is_near(their), our.until <= their.until);
            if is_near {
                paired.extend([our.example.id, their.example.id]);
            }
            if is_near || our_ends_first {
                ours.next();
            }
            if is_near || !our_ends_first {
                theirs.next();
            }
        }
    }
    paired
}
