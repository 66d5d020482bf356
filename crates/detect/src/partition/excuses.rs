//! Planned changes, from the record to the finding that is not made.

use fleetward_fleet::{
    Body, DeviceId, Observation, Offset, PlannedChange, PlannedKind, PlannedScope, SessionStatus::Start,
};

use super::{PartitionState, apply};
use crate::testing::{at, change, device, profile, record, rules, session, tick};
use crate::{Compiled, Excused, Output};

fn planned(secs: i64, excuses: &[PlannedKind], from: i64, until: i64) -> Observation {
    let change = PlannedChange {
        name: "wo-1".into(),
        scope: PlannedScope { groups: vec!["meters".into()], ..PlannedScope::default() },
        excuses: excuses.to_vec(),
        rules: Vec::new(),
        from: at(from),
        until: at(until),
        reason: "the meters go abroad".into(),
        reference: "WO-1".into(),
        by: "test".into(),
    };
    Observation {
        event_time: at(secs),
        observed_at: at(secs),
        source: "planned".into(),
        device: DeviceId(0),
        identity: None,
        body: Body::PlannedChange(Box::new(change)),
    }
}

fn abroad(secs: i64, id: &str) -> Observation {
    let mut abroad = record(id, Start, 0, 0);
    abroad.attach.network = "23415".parse().ok();
    session(1, secs, abroad)
}

/// What is said of findings and excuses, in order; the same with a restart before any record.
fn judge(records: &[Observation]) -> Vec<Output> {
    let compiled = Compiled::new(rules(), [profile()]);
    let numbered = || records.iter().enumerate().map(|(i, record)| (Offset(i as u64), record));
    let (mut state, mut out) = (PartitionState::default(), Vec::new());
    apply(&mut state, numbered(), &compiled, &mut out);
    for cut in 0..records.len() {
        let (mut again, mut said) = (PartitionState::default(), Vec::new());
        apply(&mut again, numbered().take(cut), &compiled, &mut said);
        again = PartitionState::thaw(&again.freeze()).unwrap();
        apply(&mut again, numbered().skip(cut), &compiled, &mut said);
        assert_eq!(said, out, "restarted at {cut}");
    }
    out.retain(|output| matches!(output, Output::Finding(_) | Output::Excused(_)));
    out
}

fn rule(output: &Output) -> String {
    match output {
        Output::Finding(raised) => format!("finding {}", raised.finding.rule),
        Output::Excused(excused) => format!("excused {}", excused.rule),
        other => format!("{other:?}"),
    }
}

#[test]
fn what_was_announced_is_no_finding_and_is_told_once() {
    let records = [
        change(0, 1, device(1)),
        planned(1, &[PlannedKind::Move], 0, 3600),
        abroad(60, "a"),
        abroad(120, "b"),
        tick(180),
    ];
    let out = judge(&records);
    let expected = Output::Excused(Box::new(Excused {
        change: "wo-1".into(),
        rule: "country-not-allowed".into(),
        device: records[0].device,
        subject: "sim-1".into(),
        at: at(60),
    }));
    assert_eq!(out.iter().filter(|output| rule(output).starts_with("finding")).count(), 0, "{out:?}");
    assert_eq!(out.iter().filter(|output| **output == expected).count(), 1, "{out:?}");
}

#[test]
fn what_still_deviates_after_the_end_is_a_finding() {
    let records =
        [change(0, 1, device(1)), planned(1, &[PlannedKind::Move], 0, 3600), abroad(60, "a"), abroad(3600, "b")];
    let said: Vec<String> =
        judge(&records).iter().map(rule).filter(|rule| rule.ends_with("country-not-allowed")).collect();
    assert_eq!(said, ["excused country-not-allowed", "finding country-not-allowed"]);
}

#[test]
fn another_kind_of_change_excuses_nothing_and_an_early_end_ends_it() {
    let other = [change(0, 1, device(1)), planned(1, &[PlannedKind::RollOut], 0, 3600), abroad(60, "a")];
    assert!(judge(&other).iter().any(|output| rule(output) == "finding country-not-allowed"));
    let ended = [
        change(0, 1, device(1)),
        planned(1, &[PlannedKind::Move], 0, 3600),
        planned(30, &[PlannedKind::Move], 0, 30),
        abroad(60, "a"),
    ];
    assert!(judge(&ended).iter().any(|output| rule(output) == "finding country-not-allowed"));
}
