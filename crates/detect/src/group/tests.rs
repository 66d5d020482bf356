//! Rules about groups and models, through the engine: threads, batches and restarts included.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fleetward_fleet::{
    DeviceId, Observation, Offset,
    SessionStatus::{Interim, Start, Stop},
};
use fleetward_rules::{Options, RuleSet};
use parking_lot::Mutex;
use proptest::prelude::*;

use super::GroupState;
use crate::engine::{Config, Outputs};
use crate::testing::{change, device, profile, record, removal, reset, seen, session, tick, vanished};
use crate::{Compiled, Engine, Output, Raised};

/// The operator's rules: all kinds of windows, for groups and models, with everything that can end an episode.
const RULES: &str = r#"
rule: model-abroad
title: More than three devices of a model are in another country
per: model
watch: { devices: { distinct: device, over: 10m, where: country != "DE" } }
when: devices > 3
clear: devices < 1 for 5m
repeat: once per 1h
respond: [disconnect, notify: soc]
mode: enforce
---
rule: group-volume
title: "A group moves {used}"
per: group
watch: { used: { sum: bytes, over: 1h } }
when: used > 5 kB
clear: used < 1 kB
repeat: once per 1h
---
rule: group-silent
title: A whole group is silent
per: group
when: silence() > 30m
clear: contact
repeat: once per 1h
---
rule: group-drops
title: Sessions of a group are lost together
per: group
watch: { lost: { count: kind == "session_lost", over: 5m } }
when: lost >= 2
repeat: once per 10m
"#;

fn compiled(rules: &str) -> Arc<Compiled> {
    let rules = RuleSet::compile(&[("own.yaml", rules)], &Options::default()).unwrap();
    Arc::new(Compiled::new(Arc::new(rules), [profile()]))
}

/// What was said, with the place of its batch.
type Heard = Arc<Mutex<Vec<(Offset, Output)>>>;

/// An engine, what it says about groups, and where to replay from.
fn start(workers: usize, folder: Option<&Path>, compiled: &Arc<Compiled>) -> (Engine, Heard, Offset) {
    let heard = Heard::default();
    let said = heard.clone();
    let sink = Arc::new(move |outputs: Outputs| {
        if outputs.worker == workers {
            said.lock().extend(outputs.outputs.into_iter().map(|output| (outputs.upto, output)));
        }
    });
    let config = Config { workers, queue: 2, snapshots: folder.map(Into::into), history: None };
    let (engine, resume) = Engine::start(config, compiled.clone(), sink).unwrap();
    (engine, heard, resume.next)
}

fn submit(engine: &Engine, records: &[Observation], from: usize, batch: usize) {
    let numbered: Vec<_> =
        records.iter().enumerate().skip(from).map(|(i, o)| (Offset(i as u64), Arc::new(o.clone()))).collect();
    for part in numbered.chunks(batch.max(1)) {
        engine.submit(part.iter().cloned()).unwrap();
    }
}

fn outputs(heard: &Heard) -> Vec<Output> {
    heard.lock().iter().map(|(_, output)| output.clone()).collect()
}

/// All that is said about groups, in one pass by one worker.
fn judge(records: &[Observation], rules: &str) -> Vec<Output> {
    let (engine, heard, _) = start(1, None, &compiled(rules));
    submit(&engine, records, 0, records.len());
    engine.drain().unwrap();
    outputs(&heard)
}

fn found<'a>(outputs: &'a [Output], rule: &str) -> Vec<&'a Raised> {
    let findings = outputs.iter().filter_map(|output| match output {
        Output::Finding(raised) if &*raised.finding.rule == rule => Some(&**raised),
        _ => None,
    });
    findings.collect()
}

/// A Start in a network.
fn starts(number: u64, secs: i64, network: &str) -> Observation {
    let mut start = record(&format!("s{number}-{secs}"), Start, 0, 0);
    start.attach.network = network.parse().ok();
    session(number, secs, start)
}

#[test]
fn more_than_three_devices_of_a_model_abroad_are_one_finding() {
    let mut records: Vec<_> = (0..9).map(|n| change(0, n, device(n))).collect();
    records.extend((0..3).map(|n| starts(n, 60 + n.cast_signed(), "23415")));
    records.push(starts(2, 70, "23415")); // the same device again
    records.push(starts(4, 80, "26201")); // at home
    assert_eq!(judge(&records, RULES), []);
    records.push(starts(5, 90, "20801"));
    records.push(starts(6, 95, "20801"));
    let out = judge(&records, RULES);
    let found = found(&out, "model-abroad");
    assert_eq!(found.len(), 1, "{out:?}");
    let raised = found[0];
    assert_eq!((raised.finding.device, &*raised.finding.subject), (DeviceId(0), "meter"));
    assert_eq!((&*raised.subject.name, raised.subject.model.as_deref()), ("meter", Some("meter")));
    assert_eq!(raised.finding.evidence[0], Offset(14));
    // The channel hears of it; to disconnect those that took part waits for a person.
    assert_eq!((raised.finding.session.as_ref(), raised.sessions.len()), (None, 0));
    assert_eq!(raised.devices.len(), 4);
    let asked: Vec<_> = raised.responds.iter().map(|r| (r.action.is_intervention(), r.needs_approval)).collect();
    assert_eq!(asked, [(true, true), (false, false)]);
}

#[test]
fn bytes_add_up_over_a_group_and_ticks_clear_it() {
    let mut others = device(7);
    others.groups = vec!["others".into()];
    let mut records = vec![change(0, 1, device(1)), change(0, 2, device(2)), change(0, 7, others)];
    records.extend([1, 2, 7].map(|n| session(n, 10, record("a", Start, 0, 0))));
    records.extend([1, 2, 7].map(|n| session(n, 20 + n.cast_signed(), record("a", Interim, 2000, 1000))));
    let out = judge(&records, RULES);
    let volume = found(&out, "group-volume");
    assert_eq!(volume.len(), 1, "{out:?}");
    assert_eq!((&*volume[0].subject.name, &*volume[0].subject.groups), ("meters", &["meters".into()][..]));
    let id = volume[0].finding.id;
    records.extend((1..90).map(|minute| tick(minute * 60)));
    let out = judge(&records, RULES);
    let cleared = out
        .iter()
        .any(|o| matches!(o, Output::FindingCleared { id: over, device, .. } if (*over, *device) == (id, DeviceId(0))));
    assert!(cleared, "{out:?}");
}

#[test]
fn a_group_is_silent_when_none_of_its_devices_talks() {
    let mut records = vec![change(0, 1, device(1)), change(0, 2, device(2))];
    records.push(session(1, 0, record("a", Start, 0, 0)));
    records.extend((1..=25).map(|minute| tick(minute * 60)));
    records.push(session(2, 1510, record("b", Start, 0, 0)));
    records.extend((26..=54).map(|minute| tick(minute * 60)));
    assert_eq!(found(&judge(&records, RULES), "group-silent").len(), 0);
    records.extend((55..=70).map(|minute| tick(minute * 60)));
    let out = judge(&records, RULES);
    assert_eq!(found(&out, "group-silent").len(), 1, "{out:?}");
    records.push(session(1, 4300, record("a", Interim, 1, 1)));
    assert!(matches!(judge(&records, RULES).last(), Some(Output::FindingCleared { .. })));
}

#[test]
fn without_such_rules_nothing_is_handed_on() {
    let none = RuleSet::compile(&[("own.yaml", "rule: r\ntitle: t\nwhen: rejected\n")], &Options::default()).unwrap();
    let none = Arc::new(Compiled::new(Arc::new(none), [profile()]).with_baseline(None, []));
    assert!(!none.groups.any() && compiled(RULES).groups.any());
    let (engine, heard, _) = start(2, None, &none);
    let records: Vec<_> = (0..9).flat_map(|n| [change(0, n, device(n)), starts(n, 60, "23415")]).collect();
    submit(&engine, &records, 0, 4);
    engine.drain().unwrap();
    let shown = |engine: &Engine, name: &str| {
        engine.metrics().iter().filter(|sample| sample.name == name).map(|sample| sample.value).sum::<f64>().to_string()
    };
    assert_eq!((outputs(&heard).len(), shown(&engine, "fleetward_detect_group_facts_total")), (0, "0".to_owned()));
    assert_eq!(engine.applied(), Offset(18));
    // Rules that come with a reload see what comes from then on.
    engine.reload(compiled(RULES)).unwrap();
    assert_eq!(engine.applied(), Offset(18));
    let more: Vec<_> = records.iter().cloned().chain((0..9).map(|n| starts(n, 90, "23415"))).collect();
    submit(&engine, &more, 18, 2);
    engine.drain().unwrap();
    assert_eq!((found(&outputs(&heard), "model-abroad").len(), engine.applied()), (1, Offset(27)));
    assert_eq!(shown(&engine, "fleetward_detect_groups"), "2");
    assert_eq!(shown(&engine, "fleetward_detect_group_findings_total"), "1");
    engine.reload(none).unwrap();
    assert_eq!(shown(&engine, "fleetward_detect_groups"), "0");
}

#[test]
fn a_snapshot_under_load_loses_no_fact_and_judges_none_twice() {
    let rules = compiled(RULES);
    let mut records: Vec<_> = (0..40).map(|n| change(0, n, grouped(n))).collect();
    for (round, network) in (0..40).zip(["23415", "26201"].into_iter().cycle()) {
        records.extend((0..40).map(|n| starts(n, 60 + round * 600 + n.cast_signed(), network)));
        records.push(tick(300 + round * 600));
    }
    let (whole, expected, _) = start(1, None, &rules);
    submit(&whole, &records, 0, 100);
    whole.drain().unwrap();
    let expected = outputs(&expected);
    assert!(expected.len() > 20, "{}", expected.len());

    let folder = tempfile::tempdir().unwrap();
    let (first, heard, _) = start(3, Some(folder.path()), &rules);
    let (mut upto, is_written) = (Offset(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for (at, part) in records.chunks(3).enumerate() {
                let numbered = part.iter().enumerate().map(|(i, o)| (Offset((3 * at + i) as u64), Arc::new(o.clone())));
                first.submit(numbered).unwrap();
                if !is_written.load(Ordering::Relaxed) {
                    // So that the partitions are collected at many places, not all behind the end.
                    std::thread::sleep(Duration::from_micros(100));
                }
            }
        });
        while first.applied() < Offset(200) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let confirm = |next| {
            upto = next;
            is_written.store(true, Ordering::Relaxed);
            true
        };
        first.snapshot(confirm).unwrap();
    });
    first.drain().unwrap();
    assert_eq!(outputs(&heard), expected);
    let before = heard.lock().iter().filter(|(place, _)| *place <= upto).count();
    drop(first);

    let (second, heard, next) = start(2, Some(folder.path()), &rules);
    assert!(next <= upto);
    submit(&second, &records, next.0 as usize, 7);
    second.drain().unwrap();
    assert_eq!(outputs(&heard), expected[before..], "{before} of {}", expected.len());
    assert_eq!(second.applied(), Offset(records.len() as u64));
}

/// Devices of two models and some groups; one in two groups, one in none.
fn grouped(number: u64) -> fleetward_fleet::Device {
    let mut device = device(number);
    device.groups = match number % 4 {
        0 => vec!["meters".into(), "north".into()],
        1 => vec!["north".into(), "north".into()],
        2 => vec!["meters".into()],
        _ => Vec::new(),
    };
    device.model = [Some("meter".into()), None, Some("lift".into())][(number % 3) as usize].clone();
    device.imei = "356938035643809".parse().ok();
    device
}

/// Any record of a small world.
fn any_record() -> impl Strategy<Value = Observation> {
    let time = 0_i64..9_000;
    let status = prop_oneof![Just(Start), Just(Interim), Just(Stop)];
    let networks = prop_oneof![Just("26201"), Just("23415"), Just("20801")];
    prop_oneof![
        12 => (0_u64..12, time.clone(), 0_u8..3, status, 0_u64..5000, networks).prop_map(|(n, t, id, status, up, network)| {
            let mut one = record(&format!("s{id}"), status, up, up / 2);
            one.attach.network = network.parse().ok();
            session(n, t, one)
        }),
        4 => (0_u64..12, time.clone()).prop_map(|(n, t)| change(t, n, grouped(n))),
        1 => (0_u64..12, time.clone()).prop_map(|(n, t)| removal(t, n)),
        1 => (0_u64..12, time.clone(), 0_u8..3).prop_map(|(n, t, id)| vanished(n, t, &format!("s{id}"))),
        2 => time.clone().prop_map(|t| reset(t, "pgw-1")),
        3 => time.prop_map(tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Any batching, any number of workers, and a snapshot and restart anywhere say the same about groups, in the same order.
    #[test]
    fn workers_batches_and_restarts_do_not_matter(
        records in prop::collection::vec(any_record(), 1..250),
        workers in (1_usize..6, 1_usize..6),
        batches in (1_usize..40, 1_usize..40),
        cut in any::<prop::sample::Index>(),
        overlap in 0_usize..40,
    ) {
        let rules = compiled(RULES);
        let mut records = records;
        records.splice(0..0, (0..12).map(|n| change(0, n, grouped(n))));
        let expected = judge(&records, RULES);

        let folder = tempfile::tempdir().unwrap();
        let cut = cut.index(records.len());
        let (first, heard, _) = start(workers.0, Some(folder.path()), &rules);
        submit(&first, &records[..cut], 0, batches.0);
        let written = first.snapshot(|_| true).unwrap();
        drop(first);
        let mut said = outputs(&heard);
        let (second, heard, next) = start(workers.1, Some(folder.path()), &rules);
        prop_assert_eq!((next, written.next), (Offset(cut as u64), Offset(cut as u64)));
        submit(&second, &records, cut.saturating_sub(overlap), batches.1);
        second.drain().unwrap();
        prop_assert_eq!(second.applied(), Offset(records.len() as u64));
        said.extend(outputs(&heard));
        prop_assert_eq!(said, expected);
    }

    /// Bytes that are no state are refused, never a panic.
    #[test]
    fn garbage_does_not_thaw(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(GroupState::thaw(&bytes));
    }
}

#[test]
fn strangers_are_of_no_group() {
    let stranger = seen(99, 60, starts(99, 60, "23415").body);
    let records: Vec<_> = (0..9).map(|_| stranger.clone()).collect();
    assert_eq!(judge(&records, RULES), []);
}
