//! The reference query, and nothing else, as one writes it by hand: a table of devices, each with the events of its last hour. It
//! knows no journal, no rules, no episodes and no restart, so it is no peer of an engine: it says what this machine can do.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;

use crate::events::{self, Event};
use crate::measure::{cpu_seconds, say};
use crate::reference;

const OVER: u64 = 3600;
const ABOVE: u64 = 50_000_000;

/// What a device sent in the last hour.
#[derive(Default)]
struct Window {
    bytes: u64,
    events: VecDeque<Event>,
}

/// Numbers that are hashes already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are numbers of 64 bits")
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// Judges the events, writes `device,second` of each device's first alarm.
pub(crate) fn run(events: &Path, alarms: &Path) {
    let events = events::read(events);
    let from = cpu_seconds();
    let mut windows: hashbrown::HashMap<u64, Window, BuildHasherDefault<Identity>> = hashbrown::HashMap::default();
    let mut first = BTreeMap::new();
    for event in &events {
        let window = windows.entry(reference::device(event).0).or_default();
        while let Some(old) = window.events.pop_front_if(|old| old.second + OVER <= event.second) {
            window.bytes -= old.bytes;
        }
        window.bytes += event.bytes;
        window.events.push_back(*event);
        if window.bytes > ABOVE {
            first.entry(event.device).or_insert_with(|| event.second.cast_signed());
        }
    }
    let cpu = cpu_seconds() - from;
    reference::write(&first, alarms);
    say(&reference::figures(events.len(), cpu, first.len()));
}
