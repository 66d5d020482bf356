//! Rules about keys that packets name: destinations, modules, networks; and what happens when there are too many.

use std::sync::Arc;
use std::time::Duration;

use fleetward_fleet::{
    Body, DeviceId, Flow, Observation, Offset,
    SessionStatus::{Interim, Start},
    Timestamp,
};
use fleetward_rules::{Options, RuleSet};

use super::keys::{Keys, Room};
use crate::testing::{change, device, profile, record, seen, session, tick};
use crate::{Compiled, Detection, Limits, Output, Raised};

const RULES: &str = r"
rule: same-new-destination
title: More than 5 devices contacted {flow.destination}, which is new, within 10 minutes
per: flow.destination
scope: new_to_group(flow.destination)
watch: { devices: { distinct: device, over: 10m } }
when: devices > 5
repeat: once per 24h
severity: critical
---
rule: busy-destination
title: A destination is contacted by many
per: flow.destination
watch: { devices: { distinct: device, over: 10m } }
when: devices > 20
repeat: once per 24h
---
rule: module-twice
title: Two SIMs in one module
per: imei
watch: { devices: { distinct: device, over: 24h } }
when: devices > 1
repeat: once per 24h
";

fn compiled(limits: Limits) -> Compiled {
    let rules = RuleSet::compile(&[("own.yaml", RULES)], &Options::default()).unwrap();
    Compiled::with_limits(Arc::new(rules), [profile()], limits).with_baseline(None, [])
}

fn flow(number: u64, secs: i64, to: &str) -> Observation {
    let flow = Flow { name: Some(to.into()), bytes_up: 100, ..Flow::default() };
    seen(number, secs, Body::Flow(Box::new(flow)))
}

fn judge(records: &[Observation], limits: Limits) -> Vec<Output> {
    let (mut detection, mut out) = (Detection::new(), Vec::new());
    let compiled = compiled(limits);
    let numbered = || records.iter().enumerate().map(|(i, record)| (Offset(i as u64), record));
    detection.apply(numbered(), &compiled, &mut out);
    // Taken up from a snapshot in the middle, it says the same.
    let (mut again, mut said) = (Detection::new(), Vec::new());
    again.apply(numbered().take(records.len() / 2), &compiled, &mut said);
    let mut again = Detection::thaw(&again.freeze()).unwrap();
    again.apply(numbered().skip(records.len() / 2), &compiled, &mut said);
    assert_eq!(said, out);
    out
}

fn found<'a>(outputs: &'a [Output], rule: &str) -> Vec<&'a Raised> {
    let findings = outputs.iter().filter_map(|output| match output {
        Output::Finding(raised) if &*raised.finding.rule == rule => Some(&**raised),
        _ => None,
    });
    findings.collect()
}

const DAY: i64 = 86_400;

/// Twelve devices that talk to their vendor every hour for ten days.
fn settled() -> Vec<Observation> {
    let mut records: Vec<_> = (0..12).map(|n| change(0, n, device(n))).collect();
    for hour in 0..240 {
        records.extend((0..12).map(|n| flow(n, hour * 3600 + n.cast_signed(), "vendor.example")));
    }
    records
}

#[test]
fn more_than_five_devices_at_one_new_destination_are_one_finding_that_lists_them() {
    let mut records = settled();
    records.extend((0..5).map(|n| flow(n, 10 * DAY + 60 + n.cast_signed(), "c2.example")));
    assert_eq!(found(&judge(&records, Limits::default()), "same-new-destination").len(), 0);
    records.extend((4..7).map(|n| flow(n, 10 * DAY + 300 + n.cast_signed(), "c2.example")));
    let out = judge(&records, Limits::default());
    let found = found(&out, "same-new-destination");
    assert_eq!(found.len(), 1, "{out:?}");
    let raised = found[0];
    assert_eq!((&*raised.finding.subject, raised.finding.device), ("c2.example", DeviceId(0)));
    assert!(raised.finding.title.contains("c2.example"), "{}", raised.finding.title);
    let mut expected: Vec<DeviceId> = (0..6).map(|n| device(n).id()).collect();
    let mut devices = raised.devices.clone();
    expected.sort_unstable();
    devices.sort_unstable();
    assert_eq!(devices, expected);
    assert_eq!(raised.finding.confidence, "");
}

#[test]
fn a_memory_that_is_young_calls_nothing_new() {
    let mut records: Vec<_> = (0..12).map(|n| change(0, n, device(n))).collect();
    records.extend((0..12).map(|n| flow(n, 60 + n.cast_signed(), "vendor.example")));
    assert_eq!(found(&judge(&records, Limits::default()), "same-new-destination").len(), 0);
}

#[test]
fn two_sims_in_one_module_are_one_finding_and_the_module_is_masked() {
    let start = |n: u64, secs| {
        let mut start = record(&format!("s{n}"), Start, 0, 0);
        start.attach.imeisv = "3569380356438090".parse().ok();
        session(n, secs, start)
    };
    let records = [change(0, 1, device(1)), start(1, 60), start(1, 90), start(99, 120), tick(200)];
    let out = judge(&records, Limits::default());
    let found = found(&out, "module-twice");
    // Also where the second SIM is a stranger.
    assert_eq!(found.len(), 1, "{out:?}");
    assert_eq!(found[0].devices.len(), 2);
    assert!(!found[0].finding.subject.contains("3809"), "{}", found[0].finding.subject);
    assert!(!found[0].subject.name.contains("3809"), "{}", found[0].subject.name);
}

#[test]
fn a_flood_of_names_displaces_nothing_that_comes_again_and_is_said() {
    let limits = Limits { keys: 200, ..Limits::default() };
    let mut records: Vec<_> = (0..30).map(|n| change(0, n, device(n))).collect();
    for n in 0..30_u64 {
        records.extend((0..100).map(|k| flow(n, 10 + n.cast_signed(), &format!("{n}-{k}.example"))));
        records.push(flow(n, 10 + n.cast_signed(), "busy.example"));
    }
    let out = judge(&records, limits);
    let found = found(&out, "busy-destination");
    assert_eq!(found.len(), 1, "{out:?}");
    assert!(found[0].finding.confidence.contains("estimated"), "{}", found[0].finding.confidence);
}

#[test]
fn a_threshold_beyond_what_is_counted_one_by_one_is_reached_and_called_estimated() {
    let text = "rule: crowd\ntitle: t\nper: flow.destination\nwatch: { devices: { distinct: device, over: 1h } }\nwhen: devices > 300\n";
    let rules = RuleSet::compile(&[("own.yaml", text)], &Options::default()).unwrap();
    let compiled = Compiled::new(Arc::new(rules), []).with_baseline(None, []);
    let count = |devices: u64| {
        let mut records: Vec<_> = (0..devices).map(|n| change(0, n, device(n))).collect();
        records.extend((0..devices).map(|n| flow(n, 10 + n.cast_signed(), "c2.example")));
        let (mut detection, mut out) = (Detection::new(), Vec::new());
        detection.apply(records.iter().enumerate().map(|(i, o)| (Offset(i as u64), o)), &compiled, &mut out);
        out
    };
    assert_eq!(found(&count(220), "crowd").len(), 0);
    let out = count(500);
    let found = found(&out, "crowd");
    assert_eq!(found.len(), 1);
    assert!(found[0].finding.confidence.starts_with("estimated"), "{}", found[0].finding.confidence);
    assert_eq!(found[0].devices.len(), 1, "only those since the episode began are known one by one");
}

/// Devices that report every hour, and then all but a few of those in one network fall silent.
fn reports(silent: std::ops::Range<u64>, hours: i64, quiet: i64) -> Vec<Observation> {
    let mut records: Vec<_> = (0..40).map(|n| change(0, n, device(n))).collect();
    for hour in 0..hours + quiet {
        for n in (0..40).filter(|n| hour < hours || !silent.contains(n)) {
            let mut report = record(&format!("s{n}"), Interim, 1000 * (hour.cast_unsigned() + 1), 0);
            report.attach.network = if n < 20 { "26201" } else { "26202" }.parse().ok();
            records.push(session(n, hour * 3600 + 60 + n.cast_signed(), report));
        }
        records.extend((1..60).map(|minute| tick(hour * 3600 + minute * 60 + 59)));
    }
    records
}

#[test]
fn a_device_that_falls_silent_with_its_network_is_no_finding_and_one_that_does_alone_is() {
    let text = "rule: silent\ntitle: t\nwhen: silence() > 4h\nunless: network_outage(network, 0.5)\nclear: contact\n";
    let rules = RuleSet::compile(&[("own.yaml", text)], &Options::default()).unwrap();
    let compiled = Compiled::new(Arc::new(rules), []);
    let judge = |records: &[Observation]| {
        let (mut detection, mut out) = (Detection::new(), Vec::new());
        detection.apply(records.iter().enumerate().map(|(i, o)| (Offset(i as u64), o)), &compiled, &mut out);
        out
    };
    let alone = judge(&reports(3..5, 24, 8));
    let mut subjects: Vec<_> =
        found(&alone, "silent").iter().map(|raised| raised.finding.subject.to_string()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["sim-3", "sim-4"], "{alone:?}");
    let mut back = reports(3..5, 24, 8);
    back.push(session(3, 33 * 3600, record("s3", Interim, 50_000, 0)));
    assert!(judge(&back).iter().any(|output| matches!(output, Output::FindingCleared { .. })));
    let updated =
        |output: &&Output| matches!(output, Output::FindingUpdated(raised) if raised.finding.subject.is_empty());
    assert_eq!(alone.iter().find(updated), None, "told again, it has its name still");
    let together = judge(&reports(0..18, 24, 8));
    assert_eq!(found(&together, "silent").len(), 0, "most of the network is silent");
    // We were away: the first tick after it counts all of them, and knows of the outage what it counts.
    let mut away = reports(0..0, 24, 0);
    away.push(tick(54 * 3600));
    assert_eq!(found(&judge(&away), "silent").len(), 0, "all of both networks is silent");
}

#[test]
fn the_tick_of_all_begins_nothing_about_a_device_that_is_kept_for_another_reason() {
    let text = "rule: silent\ntitle: t\nwhen: silence() > 4h\nunless: network_outage(network, 0.5)\nclear: contact\n---\n\
                rule: called\ntitle: t\nwhen: flow.destination == \"c2.example\"\nunless: network_outage(network, 0.99)\n\
                clear: flow.destination == \"home.example\"\n";
    let rules = RuleSet::compile(&[("own.yaml", text)], &Options::default()).unwrap();
    let compiled = Compiled::new(Arc::new(rules), []);
    let mut records = reports(0..18, 24, 8);
    // One of those that fall silent with their network has an episode of another rule by then.
    let at = records.iter().position(|record| record.event_time >= crate::testing::at(2 * 3600)).unwrap();
    records.insert(at, flow(3, 2 * 3600, "c2.example"));
    let (mut detection, mut out) = (Detection::new(), Vec::new());
    detection.apply(records.iter().enumerate().map(|(i, o)| (Offset(i as u64), o)), &compiled, &mut out);
    assert_eq!(found(&out, "called").len(), 1);
    assert_eq!(found(&out, "silent").len(), 0, "its network is silent, which the tick of all does not know");
}

#[test]
fn a_million_keys_stay_within_their_room() {
    let room = Room { keys: 1_000_000, bytes: 512 << 20, idle: Duration::from_mins(10) };
    let mut keys = Keys::default();
    let at = |n: u64| Timestamp((n / 10_000).cast_signed() * 1000);
    for n in 0..1_200_000 {
        keys.insert(n, at(n), room);
    }
    assert_eq!(keys.len(), 1_000_000);
    assert!(keys.bytes() <= room.bytes, "{}", keys.bytes());
    assert!(keys.is_estimated(at(1_200_000)) && keys.refused > 150_000, "{}", keys.refused);
    assert!(keys.insert(1_150_000, at(1_200_000), room).is_some(), "it came twice");
    assert_eq!(keys.len(), 1_000_000);
    // Time passes: all of them are outside their windows, and the sketch with them.
    keys.expire(at(1_200_000) + Duration::from_mins(30), room.idle);
    assert_eq!((keys.len(), keys.is_estimated(at(1_200_000) + Duration::from_mins(30))), (0, false));
    let small = Room { bytes: 50_000, ..room };
    for n in 0..100_000 {
        keys.insert(n, Timestamp(i64::MAX / 2), small);
    }
    assert!(keys.bytes() <= 51_000, "{}", keys.bytes());
}
