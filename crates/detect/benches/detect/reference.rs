//! The reference query: more than 50 MB of a device within a sliding hour.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use fleetward_detect::engine::{Config, Outputs};
use fleetward_detect::history::Recorded;
use fleetward_detect::{Compiled, Engine, Output};
use fleetward_fleet::{Body, DeviceId, Flow, Observation, Offset};
use fleetward_rules::{Options, RuleSet};

use crate::events::{self, Event};
use crate::fleet::at;
use crate::measure::{feed, say};

const RULE: &str = "rule: heavy\ntitle: More than 50 MB in an hour\nwatch: { used: { sum: flow.bytes, over: 1h } }\n\
                    when: used > 50 MB\nrepeat: once per 24h\n";

/// Judges the events, writes `device,second` of each device's first alarm.
pub(crate) fn run(events: &Path, alarms: &Path) {
    let events = events::read(events);
    let numbers: BTreeMap<DeviceId, u64> = events.iter().map(|event| (device(event), event.device)).collect();
    let rules = RuleSet::compile(&[("reference.yaml", RULE)], &Options::default());
    let rules = Arc::new(rules.unwrap_or_else(|errors| panic!("{errors:?}")));
    let first: Arc<Mutex<BTreeMap<u64, i64>>> = Arc::default();
    let found = first.clone();
    let sink = Arc::new(move |outputs: Outputs| {
        for output in outputs.outputs {
            if let Output::Finding(raised) = output {
                let number = numbers[&raised.finding.device];
                let second = raised.finding.first_seen.secs() - at(0).secs();
                found.lock().expect("nobody panicked").entry(number).or_insert(second);
            }
        }
    });
    let compiled = Compiled::with_limits(rules, [], limits());
    // The journal's part: windows are measured exactly before an alarm. Its writing is not timed, asking it is.
    let recorded = Arc::new(Recorded::default());
    let config = Config { workers: 1, history: Some(recorded.clone()), ..Config::default() };
    let (engine, _) = Engine::start(config, Arc::new(compiled), sink).expect("it starts");
    let mut next = 0;
    let cpu = feed(&engine, events.len() as u64, &mut next, |n| {
        let observation = observation(&events[n as usize]);
        recorded.add(Offset(n), &observation);
        observation
    });
    drop(engine);
    let first = first.lock().expect("nobody panicked");
    write(&first, alarms);
    say(&figures(events.len(), cpu, first.len()));
}

/// Writes `device,second` lines.
pub(crate) fn write(first: &BTreeMap<u64, i64>, file: &Path) {
    let mut text = String::new();
    for (device, second) in first {
        writeln!(text, "{device},{second}").expect("memory takes it");
    }
    std::fs::write(file, text).expect("the file can be written");
}

/// As one JSON object.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn figures(events: usize, cpu: f64, devices: usize) -> String {
    let rate = events as f64 / cpu;
    format!("{{\"events\":{events},\"cpu_s\":{cpu:.3},\"events_per_cpu_s\":{rate:.0},\"devices\":{devices}}}")
}

/// Devices that no inventory has are bounded; here they are all of that kind.
fn limits() -> fleetward_detect::Limits {
    fleetward_detect::Limits { unknown_per_partition: 1 << 20, ..fleetward_detect::Limits::default() }
}

pub(crate) fn device(event: &Event) -> DeviceId {
    // As ids are: 64 bits of a hash.
    DeviceId((event.device + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn observation(event: &Event) -> Arc<Observation> {
    let time = at(event.second.cast_signed());
    let flow = Flow { bytes_up: event.bytes, ..Flow::default() };
    Arc::new(Observation {
        event_time: time,
        observed_at: time,
        source: "tap".into(),
        device: device(event),
        identity: None,
        body: Body::Flow(Box::new(flow)),
    })
}
