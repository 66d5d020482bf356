//! The second stage of judging: rules about groups, models, networks, modules, the whole fleet, and the baselines.
//!
//! The devices that such a rule looks at are spread over all partitions. So a partition hands on what happened to a device
//! as a [`GroupFact`], if a rule wants it, and what a device measured as a [`MeasureFact`]; [`GroupState`] judges those of all
//! partitions in journal order.
//!
//! # Invariants
//!
//! * **Nothing where nobody asks**: an event that matters to no rule in force makes no fact ([`Wants::subjects`]).
//! * **[`GroupState::apply`] is pure**, and facts have one order ([`GroupFact::order`]) that does not depend on which
//!   worker made them, so any number of workers and any batching give the same findings.
//! * **A fact is judged once**: what lies before [`GroupState::next`] is skipped.
//! * **Nothing flows back**: a partition never learns what the second stage thinks.
//! * **Bounded**: keys of one kind have room for so many ([`crate::Limits::keys`]); see [`keys::Keys`] for what happens beyond.
//!
//! Time passes for a key by the ticks of the journal. A tick is judged as if it came from the member that was last
//! heard of (its model, groups and state), and `silence()` counts from the last contact of any member.

mod baselines;
mod doorkeeper;
mod fact;
mod frozen;
mod keys;
mod measured;
mod networks;
mod novelty;
mod said;
mod surroundings;
mod wants;

use std::sync::Arc;

use fleetward_fleet::{Device, DeviceId, Offset, PlannedChange};
use fleetward_rules::{Facts, Key, RuleSet, Subject as Kind, Trigger};

use self::baselines::{Baselines, Event, Whose};
pub(crate) use self::fact::GroupFact;
use self::keys::{Keys, Known, Room};
pub(crate) use self::measured::{About, MeasureFact, model_key};
use self::networks::Outages;
pub(crate) use self::networks::{NetworkFact, Networks, OFTEN, Seen};
use self::novelty::Novelty;
use self::surroundings::Surroundings;
pub(crate) use self::wants::Wants;
use crate::planned::Planned;
use crate::{Compiled, Output};

/// What partitions hand on.
#[derive(Debug, Default, Clone)]
pub(crate) struct Handed {
    pub(crate) events: Vec<GroupFact>,
    pub(crate) measures: Vec<MeasureFact>,
    pub(crate) networks: Vec<NetworkFact>,
}

impl Handed {
    /// An empty one with room for as much.
    pub(crate) fn of_this_size(&self) -> Self {
        Self {
            events: Vec::with_capacity(self.events.len()),
            measures: Vec::with_capacity(self.measures.len()),
            networks: Vec::new(),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.events.len() + self.measures.len()
    }

    /// With those of another worker.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.events.append(&mut other.events);
        self.measures.append(&mut other.measures);
        self.networks.append(&mut other.networks);
    }

    /// In the order of judging. The sort is stable: what one device hands on stays in order.
    fn sort(&mut self) {
        if !self.events.is_sorted_by_key(GroupFact::order) {
            self.events.sort_by_key(GroupFact::order);
        }
        if !self.measures.is_sorted_by_key(MeasureFact::order) {
            self.measures.sort_by_key(MeasureFact::order);
        }
        self.networks.sort_by_key(|fact| (fact.offset, fact.partition));
    }
}

/// What the second stage keeps.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct GroupState {
    /// Facts before this were judged.
    next: Offset,
    /// By number of the subject.
    keys: [Keys; Kind::ALL.len()],
    baselines: Baselines,
    /// What is new to a model, as far as rules ask.
    novelty: Novelty,
    /// How many devices of each network are silent, as far as rules ask.
    outages: Outages,
    /// Planned changes that excused something here, and what of it was told.
    planned: Planned,
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

    /// How many keys of a kind are kept, their bytes, and how many newcomers found no room.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (Kind, usize, usize, u64)> {
        Kind::ALL.into_iter().map(|kind| {
            let keys = &self.keys[kind as usize];
            (kind, keys.len(), keys.bytes(), keys.refused)
        })
    }

    /// How far the learning of a model has come.
    pub(crate) fn learning(&self, model: Option<&str>) -> Option<fleetward_baseline::Learning> {
        self.baselines.learning(model_key(model))
    }

    /// Lets go of everything: nothing asks any more.
    pub(crate) fn forget(&mut self) {
        *self = Self { next: self.next, ..Self::default() };
    }

    /// Lets go of the keys of subjects that no rule watches any more.
    pub(crate) fn forget_unwatched(&mut self, rules: &RuleSet, wants: &Wants) {
        self.novelty.keep_only(rules);
        for kind in Kind::ALL {
            if wants.interest(kind).triggers.is_empty() {
                self.keys[kind as usize] = Keys::default();
            }
        }
        if !wants.baselines() {
            self.baselines = Baselines::default();
        }
    }

    /// Judges facts in their order, and empties `handed`. They must be all that there are from [`Self::next`] to `upto`.
    pub(crate) fn apply(&mut self, handed: &mut Handed, upto: Offset, compiled: &Compiled, out: &mut Vec<Output>) {
        handed.sort();
        let mut measures = handed.measures.drain(..).peekable();
        let mut networks = handed.networks.drain(..).peekable();
        for fact in handed.events.drain(..) {
            let (offset, is_tick, device) = fact.order();
            while let Some(measure) = measures.next_if(|measure| {
                measure.offset < offset || (measure.offset == offset && (is_tick || measure.device <= device))
            }) {
                self.measured(&measure, compiled, out);
            }
            if offset < self.next {
                continue;
            }
            // What was counted at a tick is known to what that tick says of devices: after a pause it is all that is known.
            while let Some(counted) = networks.next_if(|counted| counted.offset <= offset) {
                self.counted(counted);
            }
            if fact.is_tick() { self.tick(&fact, compiled, out) } else { self.happened(&fact, compiled, out) }
        }
        for measure in measures {
            self.measured(&measure, compiled, out);
        }
        networks.for_each(|counted| self.counted(counted));
        self.applied_until(upto);
    }

    fn counted(&mut self, fact: NetworkFact) {
        if fact.offset >= self.next {
            self.outages.note(fact);
        }
    }

    fn measured(&mut self, fact: &MeasureFact, compiled: &Compiled, out: &mut Vec<Output>) {
        if fact.offset < self.next {
            return;
        }
        let mut events = Vec::new();
        self.baselines.measure(fact, compiled, &mut events);
        for event in &events {
            self.unusual(event, compiled, out);
        }
    }

    /// A verdict of the baselines is an event like any other.
    fn unusual(&mut self, event: &Event, compiled: &Compiled, out: &mut Vec<Output>) {
        match &event.whose {
            Whose::Device(id, device) => {
                let held = self.keys[Kind::Device as usize].place(id.0);
                let remembered = held.and_then(|place| {
                    self.keys[Kind::Device as usize].at(place).known.as_ref().and_then(|known| known.member.clone())
                });
                let device = device.clone().or(remembered);
                let unnamed = format!("device {id}");
                let mut facts = event.facts(device.as_deref(), compiled);
                if facts.subject.is_empty() {
                    facts.subject = &unnamed;
                }
                let subjects = compiled.groups.subjects(&compiled.rules, &facts);
                self.judge_all(subjects, &facts, device.as_ref(), compiled, out);
            }
            Whose::Model(name, which, joined) => {
                if compiled.groups.interest(Kind::Model).triggers.contains(Trigger::Unusual) {
                    let facts = event.facts(None, compiled);
                    let mut key = Key::named(Kind::Model, name);
                    key.id ^= which;
                    self.judge(&key, &facts, None, joined, compiled, out);
                }
            }
        }
    }

    fn happened(&mut self, fact: &GroupFact, compiled: &Compiled, out: &mut Vec<Output>) {
        let device = fact.device();
        let mut facts = fact.facts(device.map(|device| &**device), compiled);
        if !compiled.groups.is_novel(facts.trigger) && !compiled.rules.asks_outage() {
            return self.judge_all(fact.subjects(), &facts, device, compiled, out);
        }
        let (mut novelty, outages) = (std::mem::take(&mut self.novelty), std::mem::take(&mut self.outages));
        novelty.note(&compiled.rules, &facts);
        let model = novelty::model_of(&facts);
        let around = Surroundings { novelty: &novelty, outages: &outages, model, at: facts.time() };
        facts.around = Some(&around);
        self.judge_all(fact.subjects(), &facts, device, compiled, out);
        (self.novelty, self.outages) = (novelty, outages);
    }

    fn judge_all(
        &mut self,
        subjects: u16,
        facts: &Facts<'_>,
        device: Option<&Arc<Device>>,
        compiled: &Compiled,
        out: &mut Vec<Output>,
    ) {
        for kind in Kind::ALL.into_iter().filter(|kind| subjects & (1 << *kind as u16) != 0) {
            let mut keys = Vec::new();
            Key::of(kind, facts, |key| keys.push(key));
            for key in keys {
                self.judge(&key, facts, device, &[facts.device_id], compiled, out);
            }
        }
    }

    /// One event for one key.
    fn judge(
        &mut self,
        key: &Key<'_>,
        facts: &Facts<'_>,
        device: Option<&Arc<Device>>,
        devices: &[DeviceId],
        compiled: &Compiled,
        out: &mut Vec<Output>,
    ) {
        let keys = &mut self.keys[key.subject as usize];
        let Some(place) = keys.insert(key.id, facts.time(), room(key.subject, compiled)) else { return };
        let is_estimated = keys.is_estimated(facts.time());
        let slot = keys.at(place);
        if facts.is_contact() {
            slot.contacted(slot.last_contact().max(Some(facts.at)));
        }
        if key.subject == Kind::Device {
            slot.contacted(facts.last_contact.or(slot.last_contact()));
        }
        let planned = covering(key, facts.planned);
        let facts = Facts { last_contact: slot.last_contact(), planned: &planned, ..facts.clone() };
        let before = slot.rules.bytes();
        let mut firings = Vec::new();
        compiled.rules.observe_key(&facts, key, &mut slot.rules, &mut firings);
        let after = slot.rules.bytes();
        if !key.subject.is_open_ended() && key.subject != Kind::Device || slot.rules.has_episodes() {
            let known = slot.known.get_or_insert_with(|| {
                let name = if key.subject == Kind::Device { facts.subject.into() } else { key.describe(&facts) };
                Box::new(Known { name: name.into_owned().into(), ..Known::default() })
            });
            if device.is_some() {
                known.member = device.cloned();
            }
        }
        if slot.rules.has_episodes() {
            let known = slot.known.get_or_insert_default();
            devices.iter().filter(|id| id.0 != 0).for_each(|id| known.took_part(*id, Known::listed(key.subject)));
        }
        let planned = &mut self.planned;
        let said = |firing| said::said(firing, key, slot, &facts, is_estimated, planned);
        out.extend(firings.into_iter().filter_map(said));
        release(slot, key.subject);
        let is_done = key.subject == Kind::Device && slot.rules.is_empty();
        keys.resized(before, after);
        if is_done {
            keys.remove(place);
        }
    }

    fn tick(&mut self, fact: &GroupFact, compiled: &Compiled, out: &mut Vec<Output>) {
        self.planned.pass(fact.at);
        let mut events = Vec::new();
        self.baselines.pass(fact.at, fact.offset, compiled, &mut events);
        for event in &events {
            self.unusual(event, compiled, out);
        }
        for kind in Kind::ALL {
            self.tick_keys(kind, fact, compiled, out);
        }
    }

    fn tick_keys(&mut self, kind: Kind, fact: &GroupFact, compiled: &Compiled, out: &mut Vec<Output>) {
        let interest = compiled.groups.interest(kind);
        let keys = &mut self.keys[kind as usize];
        if keys.len() == 0 {
            return;
        }
        let wanted = interest.triggers.contains(Trigger::Tick);
        let is_estimated = keys.is_estimated(fact.at);
        for place in keys.to_visit(wanted && kind != Kind::Device) {
            let slot = keys.at(place);
            let member = slot.known.as_ref().and_then(|known| known.member.clone());
            let name = slot.known.as_ref().map(|known| known.name.clone());
            let key = Key { subject: kind, id: slot.id, name: name.as_deref() };
            let mut facts = fact.facts(member.as_deref(), compiled);
            let planned = covering(&key, &fact.planned);
            facts.last_contact = slot.last_contact();
            facts.planned = &planned;
            let before = slot.rules.bytes();
            let mut firings = Vec::new();
            if kind == Kind::Device {
                // What stands for it may be a device of its kind, without a name.
                (facts.device_id, facts.subject) = (DeviceId(slot.id), name.as_deref().unwrap_or(facts.subject));
                compiled.rules.pass_device(&facts, &mut slot.rules, &mut firings);
            } else {
                compiled.rules.observe_key(&facts, &key, &mut slot.rules, &mut firings);
            }
            let planned = &mut self.planned;
            let said = |firing| said::said(firing, &key, slot, &facts, is_estimated, planned);
            out.extend(firings.into_iter().filter_map(said));
            compiled.rules.expire(&mut slot.rules, fact.at);
            release(slot, kind);
            let (after, is_done) = (slot.rules.bytes(), kind == Kind::Device && slot.rules.is_empty());
            keys.resized(before, after);
            if is_done {
                keys.remove(place);
            }
        }
        keys.expire(fact.at, interest.idle);
    }
}

/// What is remembered only while an episode is under way goes with it; names that the operator gave stay.
fn release(slot: &mut keys::Slot, kind: Kind) {
    if slot.rules.has_episodes() {
        return;
    }
    if kind.is_open_ended() || kind == Kind::Device {
        slot.known = None;
    } else if let Some(known) = slot.known.as_deref_mut() {
        known.devices = Vec::new();
    }
}

/// The planned changes that excuse a key: what covers one member says nothing about its group, which must be named itself.
fn covering(key: &Key<'_>, planned: &[Arc<PlannedChange>]) -> Vec<Arc<PlannedChange>> {
    let covers = |change: &&Arc<PlannedChange>| match (key.subject, key.name) {
        (Kind::Device, _) => true,
        (Kind::Model, Some(name)) => change.covers_kin(&[], Some(name)),
        (Kind::Group, Some(name)) => change.covers_kin(&[name.into()], None),
        _ => false,
    };
    planned.iter().filter(covers).cloned().collect()
}

fn room(kind: Kind, compiled: &Compiled) -> Room {
    let limits = compiled.limits();
    Room { keys: limits.keys, bytes: limits.key_bytes, idle: compiled.groups.interest(kind).idle }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod learnt;

#[cfg(test)]
mod keyed;
