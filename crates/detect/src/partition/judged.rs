//! From records to findings, with the rules that come with Fleetward.

use fleetward_fleet::{
    Body, DeviceState, Observation, Offset,
    SessionStatus::{Interim, Start, Stop},
};
use fleetward_rules::RespondAction;

use super::{PartitionState, apply};
use crate::testing::{at, change, device, imsi, profile, record, rules, session, tick};
use crate::{Compiled, Detection, Output, Raised};

/// Applies the records, and again split in two with a restart between; both must say the same.
fn judge(records: &[Observation]) -> Vec<Output> {
    let compiled = Compiled::new(rules(), [profile()]);
    let numbered = || records.iter().enumerate().map(|(i, record)| (Offset(i as u64), record));
    let (mut state, mut out) = (PartitionState::default(), Vec::new());
    apply(&mut state, numbered(), &compiled, &mut out);
    for cut in (0..records.len()).step_by(records.len() / 20 + 1) {
        let (mut again, mut said) = (PartitionState::default(), Vec::new());
        apply(&mut again, numbered().take(cut), &compiled, &mut said);
        again = PartitionState::thaw(&again.freeze()).unwrap();
        apply(&mut again, numbered().skip(cut), &compiled, &mut said);
        assert_eq!(said, out, "restarted at {cut}");
    }
    out
}

fn findings(outputs: &[Output]) -> Vec<&Raised> {
    let findings = outputs.iter().filter_map(|output| match output {
        Output::Finding(raised) => Some(&**raised),
        _ => None,
    });
    findings.collect()
}

fn of<'a>(outputs: &'a [Output], rule: &str) -> Vec<&'a Raised> {
    findings(outputs).into_iter().filter(|raised| &*raised.finding.rule == rule).collect()
}

#[test]
fn a_stock_sim_that_talks_is_found_and_to_be_disconnected() {
    let mut stock = device(1);
    stock.state = DeviceState::Stock;
    let mut start = record("a", Start, 0, 0);
    start.user_name = Some("box".into());
    let out = judge(&[change(0, 1, stock), session(1, 60, start), session(1, 120, record("a", Interim, 10, 10))]);
    let found = of(&out, "stock-sim-talks");
    assert_eq!(found.len(), 1, "one episode, one finding: {out:?}");
    let raised = found[0];
    assert!(raised.responds.iter().any(|respond| respond.action == RespondAction::Disconnect));
    assert_eq!(raised.finding.session.as_ref().map(|key| &*key.id), Some("a"));
    assert_eq!((&*raised.finding.subject, raised.finding.evidence[0]), ("sim-1", Offset(1)));
    assert_eq!((raised.finding.first_seen, raised.subject.critical), (at(60), false));
    let target = &raised.sessions[0];
    assert_eq!((&*target.key.id, target.user_name.as_deref(), target.imsi), ("a", Some("box"), Some(imsi(1))));
    assert_eq!(raised.subject.groups, ["meters".into()]);
}

#[test]
fn a_sim_in_another_country_is_found() {
    let mut abroad = record("a", Start, 0, 0);
    abroad.attach.network = "23415".parse().ok();
    let out = judge(&[change(0, 1, device(1)), session(1, 60, abroad)]);
    let found = of(&out, "country-not-allowed");
    assert_eq!(found.len(), 1, "{out:?}");
    assert!(found[0].finding.observed.contains("GB"), "{}", found[0].finding.observed);
}

#[test]
fn a_sim_in_another_module_is_found() {
    let with = |imeisv: &str, id: &str| {
        let mut start = record(id, Start, 0, 0);
        start.attach.imeisv = imeisv.parse().ok();
        start
    };
    let records = [
        change(0, 1, device(1)),
        session(1, 60, with("3569380356438091", "a")),
        session(1, 90, record("a", Stop, 0, 0)),
        session(1, 120, with("8601230456438001", "b")),
    ];
    let out = judge(&records);
    let rules: Vec<_> = findings(&out).iter().map(|raised| &*raised.finding.rule).collect();
    assert!(
        rules.iter().any(|rule| rule.contains("imei") || rule.contains("tac") || rule.contains("module")),
        "{rules:?}"
    );
    assert!(findings(&out).iter().all(|raised| raised.finding.first_seen == at(120)), "{out:?}");
}

#[test]
fn more_than_an_hour_may_have_is_found_once_whoever_repeats_it() {
    let mut records = vec![change(0, 1, device(1)), session(1, 0, record("a", Start, 0, 0))];
    records.push(session(1, 600, record("a", Interim, 900, 900)));
    for secs in [1200, 1201] {
        records.push(session(1, secs, record("a", Interim, 1000, 900))); // 1900 octets, however often they are said
    }
    let quiet = judge(&records);
    assert_eq!(findings(&quiet).len(), 0, "{quiet:?}");
    records.push(session(1, 1800, record("a", Interim, 1100, 901))); // 2001
    let out = judge(&records);
    let volume: Vec<_> = findings(&out).into_iter().filter(|raised| raised.finding.rule.contains("volume")).collect();
    assert_eq!(volume.len(), 1, "{out:?}");
}

#[test]
fn silence_is_found_on_ticks_and_contact_clears_it() {
    let mut records = vec![change(0, 1, device(1)), session(1, 0, record("a", Start, 0, 0))];
    records.push(session(1, 10, record("a", Stop, 0, 0)));
    records.extend((1..=200).map(|minute| tick(minute * 60)));
    records.push(session(1, 12_100, record("b", Start, 0, 0)));
    records.extend((202..=240).map(|minute| tick(minute * 60)));
    // Whether the network has an outage only the second stage knows.
    let (mut detection, mut out) = (Detection::new(), Vec::new());
    let compiled = Compiled::new(rules(), [profile()]);
    detection.apply(records.iter().enumerate().map(|(i, record)| (Offset(i as u64), record)), &compiled, &mut out);
    let silent: Vec<_> = findings(&out).into_iter().collect();
    assert_eq!(silent.len(), 1, "{out:?}");
    let after = silent[0].finding.observed_at.since(at(10)).as_secs();
    assert!((7200..7200 + 180).contains(&after), "{after} s");
    let cleared = out.iter().any(|o| matches!(o, Output::FindingCleared { id, .. } if *id == silent[0].finding.id));
    assert!(cleared, "{out:?}");
}

#[test]
fn a_stranger_is_found_by_its_masked_identity() {
    let mut start = session(7, 60, record("a", Start, 0, 0));
    start.device = fleetward_fleet::DeviceId::of(&start.identity.clone().unwrap().default_name());
    let out = judge(&[start]);
    let found = of(&out, "unknown-sim");
    assert_eq!(found.len(), 1, "{out:?}");
    let text = format!("{:?} {}", found[0].finding, found[0].subject.name);
    assert!(!text.contains(&imsi(7).reveal()) && text.contains('•'), "{text}");
    assert!(!found[0].subject.known);
}

#[test]
fn a_model_that_is_critical_makes_its_devices_critical() {
    let mut critical = profile();
    critical.critical = true;
    let compiled = Compiled::new(rules(), [critical]);
    let mut stock = device(1);
    stock.state = DeviceState::Stock;
    let records = [change(0, 1, stock), session(1, 60, record("a", Start, 0, 0))];
    let (mut state, mut out) = (PartitionState::default(), Vec::new());
    apply(&mut state, records.iter().enumerate().map(|(i, r)| (Offset(i as u64), r)), &compiled, &mut out);
    let found = of(&out, "stock-sim-talks");
    assert!(found[0].subject.critical);
    assert!(found[0].responds.iter().filter(|r| r.action.is_intervention()).all(|r| r.needs_approval));
    assert!(matches!(records[1].body, Body::Session(_)));
}
