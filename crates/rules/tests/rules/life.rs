//! The life of an alarm, `ok -> pending -> firing -> clearing -> ok`, at its boundaries.

#![cfg(test)]

use fleetward_fleet::{DeviceId, Offset, Timestamp};
use fleetward_rules::{Facts, Firing, Options, RuleSet, SubjectState, Trigger};

const START: i64 = 1_767_571_200;

/// Interims of `(second, bytes)` through the rule: when it starts (`+`), goes on (`~`) and clears (`-`).
fn life(rule: &str, events: &[(i64, u64)]) -> String {
    let set = RuleSet::compile(&[("r.yaml", rule)], &Options::default()).unwrap();
    let (mut state, mut told, mut ids) = (SubjectState::default(), Vec::new(), std::collections::BTreeSet::new());
    for (number, &(second, bytes)) in (0..).zip(events) {
        let at = Timestamp::from_secs(START + second);
        // An event without bytes is a tick.
        let trigger = if bytes == 0 { Trigger::Tick } else { Trigger::SessionInterim };
        let mut facts = Facts::new(trigger, at, at, DeviceId(1), "sim-1");
        facts.offset = Offset(number);
        facts.bytes_up = (bytes > 0).then_some(bytes);
        let mut out = Vec::new();
        set.observe(&facts, &mut state, &mut out);
        for firing in &out {
            ids.extend(firing.id().map(|id| id.0));
            told.push(match firing {
                Firing::Started { .. } => format!("+{second}"),
                Firing::Again { .. } => format!("~{second}"),
                Firing::Cleared { .. } => format!("-{second}"),
                Firing::Excused { .. } => format!("excused {second}"),
            });
        }
    }
    format!("{} ({} findings)", told.join(" "), ids.len())
}

const HOLD: &str = "rule: r\ntitle: t\nwhen: bytes > 100 for 30m\nclear: bytes < 10 for 10m\nrepeat: once per 2h\n";

#[test]
fn it_fires_when_the_condition_has_held_exactly_long_enough() {
    assert_eq!(life(HOLD, &[(0, 200), (1799, 200)]), " (0 findings)");
    assert_eq!(life(HOLD, &[(0, 200), (1800, 200)]), "+1800 (1 findings)");
}

#[test]
fn what_does_not_hold_in_between_begins_anew() {
    assert_eq!(life(HOLD, &[(0, 200), (900, 50), (1800, 200), (3599, 200)]), " (0 findings)");
    assert_eq!(life(HOLD, &[(0, 200), (900, 50), (1800, 200), (3600, 200)]), "+3600 (1 findings)");
}

#[test]
fn it_clears_when_the_way_back_has_held_exactly_long_enough() {
    let fired = [(0, 200), (1800, 200)];
    let then = |more: &[(i64, u64)]| life(HOLD, &[&fired[..], more].concat());
    assert_eq!(then(&[(2000, 5), (2599, 5)]), "+1800 (1 findings)");
    assert_eq!(then(&[(2000, 5), (2600, 5)]), "+1800 -2600 (1 findings)");
}

#[test]
fn a_relapse_within_the_way_back_is_the_same_finding() {
    let events = [(0, 200), (1800, 200), (2000, 5), (2300, 200), (2600, 5), (3199, 5), (3200, 5)];
    let said = life(HOLD, &events);
    assert!(said.starts_with("+1800") && said.ends_with("-3200 (1 findings)"), "{said}");
}

#[test]
fn after_the_cooldown_it_is_another_finding_and_before_it_the_same() {
    let plain = "rule: r\ntitle: t\nwhen: bytes > 100\nclear: bytes < 10\nrepeat: once per 2h\n";
    let twice = |second: i64| life(plain, &[(0, 200), (60, 5), (second, 200)]);
    assert!(twice(7199).ends_with("(1 findings)"), "{}", twice(7199));
    assert_eq!(twice(7200), "+0 -60 +7200 (2 findings)");
}
