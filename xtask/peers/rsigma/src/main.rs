//! The reference query of `cargo xtask bench detect`, judged by rsigma.
//!
//! `rsigma-peer EVENTS ALARMS`: reads `second,device,bytes` lines, writes `device,second` of each device's first alarm, and
//! prints one JSON object. Only building and judging the events is timed, not reading the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use rsigma_eval::{CorrelationConfig, CorrelationEngine, event::JsonEvent};
use rsigma_parser::parse_sigma_yaml;
use serde_json::json;

const RULES: &str = "title: Traffic
id: traffic
logsource:
    category: network
detection:
    selection:
        kind: flow
    condition: selection
---
title: More than 50 MB in an hour
id: heavy
correlation:
    type: value_sum
    rules:
        - traffic
    group-by:
        - device
    timespan: 1h
    condition:
        field: bytes
        gt: 50000000
level: high
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(events), Some(alarms)) = (arguments.next(), arguments.next()) else {
        return Err("usage: rsigma-peer EVENTS ALARMS".into());
    };
    let events = read(&std::fs::read_to_string(events)?)?;
    // No limit on the state: the default would forget devices, and the answer would be another one.
    let config =
        CorrelationConfig { max_state_entries: usize::MAX, emit_detections: false, ..CorrelationConfig::default() };
    let mut engine = CorrelationEngine::new(config);
    engine.add_collection(&parse_sigma_yaml(RULES)?)?;
    let (mut first, mut hits) = (BTreeMap::new(), 0_u64);
    let before = cpu_seconds();
    for &(second, device, bytes) in &events {
        let event = json!({"kind": "flow", "device": device, "bytes": bytes});
        let said = engine.process_event_at(&JsonEvent::borrow(&event), second);
        if said.iter().any(|result| result.as_correlation().is_some()) {
            hits += 1;
            first.entry(device).or_insert(second);
        }
    }
    let cpu_s = cpu_seconds() - before;
    let mut text = String::new();
    for (device, second) in &first {
        writeln!(text, "{device},{second}")?;
    }
    std::fs::write(alarms, text)?;
    println!("{}", json!({"events": events.len(), "cpu_s": cpu_s, "hits": hits, "devices": first.len()}));
    Ok(())
}

fn read(text: &str) -> Result<Vec<(i64, u64, u64)>, Box<dyn std::error::Error>> {
    let numbers = text.lines().map(|line| {
        let mut parts = line.split(',');
        let mut next = || parts.next().ok_or("a line has three numbers");
        Ok((next()?.parse()?, next()?.parse()?, next()?.parse()?))
    });
    numbers.collect()
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = text.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = behind_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}
