//! Rules about a group or a model as a whole: the second stage of judging.
//!
//! The members of a group are spread over all partitions. So a partition hands on what happened to a device as a
//! [`GroupFact`], if a rule wants it, and [`GroupState`] judges the facts of all partitions in journal order.
//!
//! # Invariants
//!
//! * **Nothing where nobody asks**: without such a rule in force, [`Wants::any`] is false and no fact is made.
//! * **[`GroupState::apply`] is pure**, and facts have one order ([`GroupFact::order`]) that does not depend on which
//!   worker made them, so any number of workers and any batching give the same findings.
//! * **A fact is judged once**: what lies before [`GroupState::next`] is skipped.
//! * **Bounded** by the names of groups and models in the inventory; one that nothing was heard of for 31 days is let go.
//! * **Nobody is disconnected**: a finding about a group has no device, no session, and asks for no intervention.
//!
//! Time passes for a group by the ticks of the journal. A tick is judged as if it came from the member that was last
//! heard of (its model, groups and state), and `silence()` counts from the last contact of any member.

mod fact;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::{Device, DeviceId, Offset, PlannedChange, Timestamp};
use fleetward_rules::{Facts, Firing, GroupKey, Respond, RuleSet, Subject as Kind, SubjectState, Trigger, Triggers};
use serde::{Deserialize, Serialize};

pub(crate) use self::fact::GroupFact;
use crate::{Compiled, Output, Raised, Subject};

/// A group of which nothing was heard for this long is forgotten. No window is longer.
const FORGOTTEN: Duration = fleetward_rules::window::MAX_OVER;

/// Which events the rules in force want, for groups and for models.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wants {
    pub(crate) group: Triggers,
    pub(crate) model: Triggers,
}

impl Wants {
    pub(crate) fn of(rules: &RuleSet) -> Self {
        let mut device = Device::named("probe");
        device.groups = vec!["probe".into()];
        device.model = Some("probe".into());
        let mut wants = Self::default();
        for trigger in Trigger::ALL {
            let mut facts = Facts::new(trigger, Timestamp(0), Timestamp(0), DeviceId(0), "probe");
            facts.device = Some(&device);
            for key in rules.groups_of(&facts) {
                let kind = if key.kind == Kind::Model { &mut wants.model } else { &mut wants.group };
                *kind = kind.or(Triggers::of(trigger));
            }
        }
        for kind in [&mut wants.group, &mut wants.model] {
            if !kind.is_empty() {
                // What `silence()` counts from, and what an open episode's `clear` may look at.
                *kind = kind.or(Triggers::CONTACT);
            }
        }
        wants
    }

    /// Whether any rule about groups or models is in force.
    pub(crate) fn any(self) -> bool {
        !self.group.is_empty() || !self.model.is_empty()
    }
}

/// What is kept of all groups and models.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct GroupState {
    /// Facts before this were judged.
    next: Offset,
    groups: BTreeMap<Box<str>, Watched>,
    models: BTreeMap<Box<str>, Watched>,
}

/// What is kept of one of them.
#[derive(Debug, Default, Clone, PartialEq)]
struct Watched {
    rules: SubjectState,
    last_contact: Option<Timestamp>,
    /// The member that was last heard of.
    member: Option<Arc<Device>>,
}

/// A group of a [`GroupState`] as bytes: name, rules' state, last contact, member.
type Frozen<'a> = (&'a str, &'a SubjectState, Option<Timestamp>, Option<&'a Device>);
type Thawed = (Box<str>, SubjectState, Option<Timestamp>, Option<Device>);

#[derive(Serialize, Deserialize)]
struct Whole<T> {
    next: Offset,
    groups: Vec<T>,
    models: Vec<T>,
}

impl GroupState {
    /// Facts before this are skipped.
    pub(crate) fn next(&self) -> Offset {
        self.next
    }

    /// All facts before `next` have been applied, or there were none.
    pub(crate) fn applied_until(&mut self, next: Offset) {
        self.next = self.next.max(next);
    }

    /// How many groups and models are kept.
    pub(crate) fn len(&self) -> usize {
        self.groups.len() + self.models.len()
    }

    /// Lets go of all groups: no rule asks any more.
    pub(crate) fn forget(&mut self) {
        self.groups.clear();
        self.models.clear();
    }

    /// Judges facts in their order. They must be all that there are from [`Self::next`] to `upto`.
    pub(crate) fn apply(
        &mut self,
        facts: impl IntoIterator<Item = GroupFact>,
        upto: Offset,
        compiled: &Compiled,
        out: &mut Vec<Output>,
    ) {
        for fact in facts {
            if fact.offset < self.next {
                continue;
            }
            match fact.device() {
                Some(device) => self.happened(&fact, device, compiled, out),
                None => self.tick(&fact, compiled, out),
            }
        }
        self.applied_until(upto);
    }

    fn happened(&mut self, fact: &GroupFact, device: &Arc<Device>, compiled: &Compiled, out: &mut Vec<Output>) {
        let facts = fact.facts(device, compiled);
        let mut judge = |kind, name: &str, watched: &mut Watched| {
            if facts.trigger.is_contact() {
                watched.last_contact = watched.last_contact.max(Some(facts.at));
            }
            watched.member = Some(device.clone());
            watched.judge(kind, name, &facts, &fact.planned, compiled, out);
        };
        if compiled.groups.group.contains(facts.trigger) {
            for (at, name) in device.groups.iter().enumerate() {
                if !device.groups[..at].contains(name) {
                    judge(Kind::Group, name, of(&mut self.groups, name));
                }
            }
        }
        if let Some(model) = device.model.as_deref().filter(|_| compiled.groups.model.contains(facts.trigger)) {
            judge(Kind::Model, model, of(&mut self.models, model));
        }
    }

    fn tick(&mut self, fact: &GroupFact, compiled: &Compiled, out: &mut Vec<Output>) {
        let kinds = [
            (Kind::Group, compiled.groups.group, &mut self.groups),
            (Kind::Model, compiled.groups.model, &mut self.models),
        ];
        for (kind, wants, all) in kinds {
            let wanted = wants.contains(Trigger::Tick);
            all.retain(|name, watched| {
                let member = watched.member.clone();
                if let Some(device) = member.as_ref().filter(|_| wanted || watched.rules.has_episodes()) {
                    watched.judge(kind, name, &fact.facts(device, compiled), &fact.planned, compiled, out);
                }
                compiled.rules.expire(&mut watched.rules, fact.at);
                let is_recent = watched.last_contact.is_some_and(|last| fact.at.since(last) < FORGOTTEN);
                is_recent || !watched.rules.is_empty()
            });
        }
    }

    /// As bytes, for [`Self::thaw`] of the same version of the program.
    pub(crate) fn freeze(&self) -> Vec<u8> {
        fn all(held: &BTreeMap<Box<str>, Watched>) -> Vec<Frozen<'_>> {
            held.iter().map(|(name, w)| (&**name, &w.rules, w.last_contact, w.member.as_deref())).collect()
        }
        let whole = Whole { next: self.next, groups: all(&self.groups), models: all(&self.models) };
        // It cannot fail: memory takes any length, and all types are plain. If it did, what is empty does not thaw.
        postcard::to_extend(&whole, Vec::new()).unwrap_or_default()
    }

    /// From the bytes that [`Self::freeze`] made; `None` where they are not such bytes.
    pub(crate) fn thaw(bytes: &[u8]) -> Option<Self> {
        let whole: Whole<Thawed> = postcard::from_bytes(bytes).ok()?;
        let all = |held: Vec<Thawed>| {
            let watched = held.into_iter().map(|(name, rules, last_contact, member)| {
                (name, Watched { rules, last_contact, member: member.map(Arc::new) })
            });
            watched.collect()
        };
        Some(Self { next: whole.next, groups: all(whole.groups), models: all(whole.models) })
    }
}

/// The state of one; a name is copied only when it is new.
fn of<'a>(all: &'a mut BTreeMap<Box<str>, Watched>, name: &str) -> &'a mut Watched {
    if !all.contains_key(name) {
        all.insert(name.into(), Watched::default());
    }
    all.get_mut(name).expect("it was just put there")
}

impl Watched {
    fn judge(
        &mut self,
        kind: Kind,
        name: &str,
        facts: &Facts<'_>,
        planned: &[Arc<PlannedChange>],
        compiled: &Compiled,
        out: &mut Vec<Output>,
    ) {
        let key = GroupKey { kind, name: name.into() };
        // What covers one member says nothing about the group: it must be named itself.
        let covers = |change: &&Arc<PlannedChange>| match kind {
            Kind::Model => change.covers_kin(&[], Some(name)),
            _ => change.covers_kin(std::slice::from_ref(&key.name), None),
        };
        let planned: Vec<_> = planned.iter().filter(covers).cloned().collect();
        let facts = Facts { last_contact: self.last_contact, planned: &planned, ..facts.clone() };
        let mut firings = Vec::new();
        compiled.rules.observe_group(&facts, &key, &mut self.rules, &mut firings);
        out.extend(firings.into_iter().filter_map(|firing| said(firing, &key, &facts)));
    }
}

fn said(firing: Firing, key: &GroupKey, facts: &Facts<'_>) -> Option<Output> {
    let raised = |finding, rule, responds: Vec<Respond>| {
        let is_model = key.kind == Kind::Model;
        Box::new(Raised {
            finding,
            rule,
            // There is no one device to act on, and the one of this event is not the culprit.
            responds: responds.into_iter().filter(|respond| !respond.action.is_intervention()).collect(),
            subject: Subject {
                known: true,
                model: is_model.then(|| key.name.clone()),
                groups: if is_model { Vec::new() } else { vec![key.name.clone()] },
                critical: facts.device.is_some_and(|device| device.critical)
                    || facts.profile.is_some_and(|profile| profile.critical),
                name: key.name.clone(),
            },
            sessions: Vec::new(),
        })
    };
    Some(match firing {
        Firing::Started { rule, finding, responds } => Output::Finding(raised(*finding, rule, responds)),
        Firing::Again { rule, finding, responds } => Output::FindingUpdated(raised(*finding, rule, responds)),
        Firing::Cleared { id, at, count, .. } => Output::FindingCleared { id, device: DeviceId(0), at, count },
        // Of a group, the planned change itself says it; a line for every event would be noise.
        Firing::Excused { .. } => return None,
    })
}

#[cfg(test)]
mod tests;
