//! Baselines from records to findings: what is told, and that workers, batches and restarts do not matter.

use std::sync::Arc;

use fleetward_fleet::{
    Observation, Offset,
    SessionStatus::{Interim, Start},
};
use fleetward_rules::{Options, RuleSet};

use crate::engine::{Config, Outputs};
use crate::testing::{change, device, record, session, tick};
use crate::{AlarmBudget, BaselineSettings, Compiled, Detection, Engine, Learnt, Output, Raised};

const DEVICES: u64 = 90;
const HOUR: i64 = 3600;
/// Hours of teaching before anything happens.
const TAUGHT: i64 = 24 * 38;

fn compiled() -> Arc<Compiled> {
    let rules = RuleSet::builtin(&Options::default());
    let settings = BaselineSettings { budget: AlarmBudget::PerDeviceMonth(0.05), ..BaselineSettings::default() };
    Arc::new(Compiled::new(Arc::new(rules), []).with_baseline(Some(settings), []))
}

fn off_for_meters() -> Arc<Compiled> {
    let rules = compiled().rules().clone();
    Arc::new(Compiled::new(rules, []).with_baseline(Some(BaselineSettings::default()), ["meter"]))
}

/// A number between 0 and 999 that looks like chance.
fn chance(device: u64, hour: i64) -> u64 {
    let mixed = (device * 7919 + hour.cast_unsigned()).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) % 1000
}

/// A fleet that sends about 20 kB an hour each; after `TAUGHT` hours `loud` devices send 40 MB an hour for three hours.
fn fleet(loud: std::ops::Range<u64>) -> Vec<Observation> {
    let mut records: Vec<Observation> = (0..DEVICES).map(|n| change(0, n, device(n))).collect();
    records.extend((0..DEVICES).map(|n| session(n, 10, record("a", Start, 0, 0))));
    let mut totals = vec![0_u64; DEVICES as usize];
    for hour in 0..TAUGHT + 80 {
        for n in 0..DEVICES {
            let usual = 15_000 + 10 * chance(n, hour);
            let is_loud = loud.contains(&n) && (TAUGHT..TAUGHT + 3).contains(&hour);
            totals[n as usize] += if is_loud { 40_000_000 } else { usual };
            let at = hour * HOUR + 1800 + n.cast_signed();
            records.push(session(n, at, record("a", Interim, totals[n as usize], 0)));
        }
        records.extend([2400, 3590].map(|secs| tick(hour * HOUR + secs)));
    }
    records
}

fn numbered(records: &[Observation]) -> impl Iterator<Item = (Offset, &Observation)> {
    records.iter().enumerate().map(|(i, record)| (Offset(i as u64), record))
}

fn judge(records: &[Observation]) -> Vec<Output> {
    let (mut detection, mut out) = (Detection::new(), Vec::new());
    detection.apply(numbered(records), &compiled(), &mut out);
    out
}

fn findings(outputs: &[Output]) -> Vec<&Raised> {
    let raised = outputs.iter().filter_map(|output| match output {
        Output::Finding(raised) => Some(&**raised),
        _ => None,
    });
    raised.collect()
}

#[test]
fn one_loud_device_is_one_finding_that_explains_itself_and_ends() {
    let out = judge(&fleet(7..8));
    let found = findings(&out);
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = &found[0].finding;
    // Which of the two sees it first is the baseline's affair; the other is about the same episode and is not told again.
    assert!(["unusual-volume", "slow-drift"].contains(&&*finding.rule), "{}", finding.rule);
    assert_eq!(&*finding.subject, "sim-7");
    assert_eq!((finding.device, found[0].subject.model.as_deref()), (device(7).id(), Some("meter")));
    assert!(finding.observed.contains("meter"), "{}", finding.observed);
    let cleared = |output: &Output| matches!(output, Output::FindingCleared { id, .. } if *id == finding.id);
    assert!(out.iter().any(cleared), "{out:?}");
}

#[test]
fn many_loud_devices_are_one_finding_about_their_model() {
    let out = judge(&fleet(10..40));
    let found = findings(&out);
    let wide: Vec<_> = found.iter().filter(|raised| &*raised.finding.rule == "model-wide-change").collect();
    assert_eq!(wide.len(), 1, "{found:#?}");
    assert_eq!((&*wide[0].finding.subject, wide[0].finding.device.0), ("meter", 0));
    assert!(wide[0].devices.len() >= 4, "{:?}", wide[0].devices);
    // A few may have been told before it was clear that they are many.
    assert!(found.len() < 10, "{}", found.len());
}

#[test]
fn a_device_that_only_talks_is_learnt_and_its_learning_shows() {
    let records = fleet(0..0);
    let (mut detection, mut out) = (Detection::new(), Vec::new());
    detection.apply(numbered(&records), &compiled(), &mut out);
    assert!(findings(&out).is_empty(), "{:#?}", findings(&out));
    let view = detection.device(device(3).id()).unwrap();
    assert!(view.baseline_days.is_some_and(|days| (38..=42).contains(&days)), "{:?}", view.baseline_days);
    let off = off_for_meters();
    let (mut detection, mut out) = (Detection::new(), Vec::new());
    detection.apply(numbered(&records[..200]), &off, &mut out);
    assert_eq!(detection.device(device(3).id()).unwrap().baseline_days, None);
}

#[test]
fn workers_batches_and_restarts_do_not_matter_to_baselines() {
    let records = fleet(7..8);
    let only_found = |out: &[Output]| {
        let kept = out.iter().filter(|output| !matches!(output, Output::SessionOpened(_) | Output::SessionEnded(_)));
        kept.cloned().collect::<Vec<_>>()
    };
    let expected = only_found(&judge(&records));
    assert!(expected.len() >= 2, "{expected:?}");

    // Snapshot and resume at three places of the episode.
    for cut in [records.len() / 2, records.len() - 2500, records.len() - 1200] {
        let (mut first, mut out) = (Detection::new(), Vec::new());
        first.apply(numbered(&records).take(cut), &compiled(), &mut out);
        let mut second = Detection::thaw(&first.freeze()).unwrap();
        second.apply(numbered(&records).skip(cut), &compiled(), &mut out);
        assert_eq!(only_found(&out), expected, "cut at {cut}");
    }

    for workers in 1..=4 {
        let said = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let heard = said.clone();
        let sink = Arc::new(move |outputs: Outputs| heard.lock().extend(outputs.outputs));
        let config = Config { workers, queue: 4, ..Config::default() };
        let (engine, _) = Engine::start(config, compiled(), sink).unwrap();
        for (at, part) in records.chunks(97 * workers).enumerate() {
            let first = at * 97 * workers;
            engine
                .submit(part.iter().enumerate().map(|(i, o)| (Offset((first + i) as u64), Arc::new(o.clone()))))
                .unwrap();
        }
        engine.drain().unwrap();
        let learning = engine.learning(Some("meter")).unwrap().unwrap();
        assert_eq!(learning.devices, DEVICES as u32, "{learning:?}");
        let learnt = |of: u64| engine.learnt(device(of).id(), Some("meter")).unwrap();
        let Learnt::Days { days: 38..=42, model: Some(model) } = learnt(3) else { panic!("{:?}", learnt(3)) };
        assert_eq!(model, learning);
        assert_eq!(learnt(DEVICES), Learnt::Unheard);
        assert_eq!(only_found(&said.lock()), expected, "{workers} workers");
        engine.reload(off_for_meters()).unwrap();
        assert_eq!(engine.learnt(device(3).id(), Some("meter")).unwrap(), Learnt::Off);
    }
}
