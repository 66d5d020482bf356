//! What is new to a model: which values of a field its devices have shown before.
//!
//! A value is new for a day after it was first shown, so that the sixth device that shows it still counts. Values younger
//! than that are known one by one; older ones are bits of a Bloom filter: a new value is taken for a known one at most once
//! in a hundred while the filter holds 50,000 values, and a known one never for a new one. A filter that is full makes room
//! in two generations.
//!
//! # Invariants
//!
//! * **Bounded**: [`MOST_FRESH`] values one by one and two filters of 64 KiB for each model and field that a rule asks about.
//! * **Unknown is not new**: while the memory of a model is younger than a week it says nothing.

use std::collections::{BTreeMap, VecDeque};

use fleetward_baseline::ModelKey;
use fleetward_fleet::Timestamp;
use fleetward_rules::{Facts, RuleSet};
use serde::{Deserialize, Serialize};

use super::doorkeeper::spread;
use super::measured::model_key;

/// Values of the last day that are kept one by one; beyond it the oldest are taken for known early.
const MOST_FRESH: usize = 1 << 16;
/// How long a value is new.
const FRESH: u32 = 24;
/// How long a memory must have listened before it says what is new, in hours.
const SETTLED: u32 = 7 * 24;
/// Bits of one filter: 64 KiB.
const BITS: u64 = 1 << 19;
const HASHES: u64 = 6;
/// Values in one filter before the next generation begins.
const FULL: u32 = 50_000;

/// By model and field.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Novelty {
    memories: BTreeMap<(ModelKey, u8), Memory>,
}

/// What the devices of one model have shown of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Memory {
    /// The hour of its first value.
    since: u32,
    /// Values of the last day with their first hour, and in order of coming.
    fresh: BTreeMap<u64, u32>,
    order: VecDeque<(u32, u64)>,
    known: Filter,
    before: Filter,
}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Filter {
    /// Empty until the first value.
    bits: Vec<u64>,
    values: u32,
}

impl Novelty {
    /// Notes what the event shows of the fields that rules ask about.
    pub(super) fn note(&mut self, rules: &RuleSet, facts: &Facts<'_>) {
        for (field, triggers) in rules.new_to_group() {
            if triggers.contains(facts.trigger)
                && let Some(value) = rules.value_of(field, facts)
            {
                let hour = hour(facts.time());
                let memory = self.memories.entry((model_of(facts), field));
                memory.or_insert_with(|| Memory::new(hour)).note(value, hour);
            }
        }
    }

    /// See [`fleetward_rules::Around::is_new`].
    pub(super) fn is_new(&self, model: ModelKey, field: u8, value: u64, at: Timestamp) -> Option<bool> {
        let (memory, now) = (self.memories.get(&(model, field))?, hour(at));
        let first = memory.fresh.get(&value);
        (now.saturating_sub(memory.since) >= SETTLED)
            .then(|| first.is_some_and(|first| now.saturating_sub(*first) <= FRESH))
    }

    /// Forgets what no rule asks about any more.
    pub(super) fn keep_only(&mut self, rules: &RuleSet) {
        self.memories.retain(|(_, field), _| rules.new_to_group().any(|(asked, _)| asked == *field));
    }

    /// The filters have the size that they must have.
    pub(super) fn is_sound(&self) -> bool {
        let is_sound = |filter: &Filter| filter.bits.is_empty() || filter.bits.len() as u64 == BITS / 64;
        self.memories.values().all(|memory| is_sound(&memory.known) && is_sound(&memory.before))
    }
}

/// The model of the event's device; devices without one, and strangers, share a memory.
pub(super) fn model_of(facts: &Facts<'_>) -> ModelKey {
    model_key(facts.device.and_then(|device| device.model.as_deref()))
}

impl Memory {
    fn new(since: u32) -> Self {
        let (known, before) = (Filter::default(), Filter::default());
        Self { since, fresh: BTreeMap::new(), order: VecDeque::new(), known, before }
    }

    fn note(&mut self, value: u64, now: u32) {
        self.age(now);
        if self.fresh.contains_key(&value) || self.known.has(value) || self.before.has(value) {
            return;
        }
        self.fresh.insert(value, now);
        self.order.push_back((now, value));
    }

    /// What is a day old is known from now on.
    fn age(&mut self, now: u32) {
        while let Some((first, value)) = self.order.front().copied()
            && (now.saturating_sub(first) > FRESH || self.order.len() >= MOST_FRESH)
        {
            self.order.pop_front();
            self.fresh.remove(&value);
            if self.known.values >= FULL {
                self.before = std::mem::take(&mut self.known);
            }
            self.known.add(value);
        }
    }
}

impl Filter {
    fn add(&mut self, value: u64) {
        if self.bits.is_empty() {
            self.bits = vec![0; (BITS / 64) as usize];
        }
        for bit in bits(value) {
            self.bits[bit / 64] |= 1 << (bit % 64);
        }
        self.values += 1;
    }

    fn has(&self, value: u64) -> bool {
        !self.bits.is_empty() && bits(value).all(|bit| self.bits[bit / 64] & (1 << (bit % 64)) != 0)
    }
}

fn bits(value: u64) -> impl Iterator<Item = usize> {
    let (a, b) = (spread(value), spread(value ^ 0x9E37_79B9_7F4A_7C15) | 1);
    (0..HASHES).map(move |row| (a.wrapping_add(b.wrapping_mul(row)) % BITS) as usize)
}

fn hour(at: Timestamp) -> u32 {
    u32::try_from(at.secs().div_euclid(3600)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_new_for_a_day_and_then_known() {
        let mut memory = Memory::new(0);
        memory.note(7, 500);
        assert_eq!(memory.fresh.get(&7), Some(&500));
        memory.note(7, 524);
        assert_eq!(memory.fresh.get(&7), Some(&500), "seen again: still first shown then");
        memory.note(8, 525);
        assert!(!memory.fresh.contains_key(&7) && memory.known.has(7));
        memory.note(7, 600);
        assert!(!memory.fresh.contains_key(&7), "known for good");
    }

    #[test]
    fn the_stated_error_holds_and_memory_is_bounded() {
        let mut memory = Memory::new(0);
        for value in 0..200_000_u64 {
            memory.note(value, 500);
        }
        assert!(memory.fresh.len() <= MOST_FRESH, "{}", memory.fresh.len());
        assert!(memory.known.values <= FULL);
        memory.age(1000);
        let mut full = Filter::default();
        (0..u64::from(FULL)).for_each(|value| full.add(value));
        assert!((0..u64::from(FULL)).all(|value| full.has(value)));
        let wrong = (1_000_000..1_100_000_u64).filter(|value| full.has(*value)).count();
        assert!(wrong < 1000, "{wrong} of 100,000 new values were taken for known ones");
    }
}
