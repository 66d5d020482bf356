//! Examples see what a server would: ticks between their events, and the groups and models that they name, no others.

use fleetward_rules::{Options, TestResult, run_tests};

use crate::support::holds;

fn results(text: &str) -> Vec<TestResult> {
    run_tests(&[("own.yaml", text)], &Options::default()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

#[test]
fn time_passes_between_events() {
    holds(
        r"
rule: held
title: t
watch: { used: { sum: bytes, over: 1h } }
when: used > 5 MB for 20m
clear: used < 1 MB for 10m
repeat: once per 1h
tests:
  - { name: the condition held before the next event, given: [{ bytes: 6 MB }, { at: 3h, bytes: 1 B }], expect: alarm }
  - { name: it did not hold long enough, given: [{ bytes: 6 MB }, { at: 15m, bytes: 1 B }], expect: none }
  - { name: it was over in between, given: [{ bytes: 6 MB }, { at: 10h, bytes: 6 MB }, { at: 11h }], expect: alarm, count: 2 }
---
rule: silent-for-a-day
title: t
when: silence() > 26h
clear: contact
tests:
  - { name: it came back, given: [{ status: start }, { at: 30h }], expect: alarm }
  - { name: it was never away, given: [{ status: start }, { at: 20h }, { at: 40h }], expect: none }
  - { name: a month, given: [{ status: start }, { at: 31d }, { at: 62d }], expect: alarm, count: 2 }
",
    );
}

#[test]
fn years_of_events_cost_little() {
    let months: Vec<String> = (0..600).map(|month| format!("{{ at: {}d }}", month * 31)).collect();
    holds(&format!(
        "rule: r\ntitle: t\nwhen: silence() > 5d\nclear: contact\ntests:\n  - {{ given: [{}], expect: alarm, count: 599 }}\n",
        months.join(", ")
    ));
}

#[test]
fn a_late_record_arrives_when_it_arrives() {
    holds(
        "rule: r\ntitle: t\nwhen: silence() > 4h\ntests:\n\
         \x20 - { given: [{ status: start }, { at: 1h, age: 5h }], expect: alarm }\n\
         \x20 - { given: [{ status: start }, { at: 1h, age: 2h }], expect: none }\n",
    );
}

#[test]
fn only_the_groups_and_models_that_are_given_are_there() {
    let rule = |per: &str| {
        format!(
            "rule: r\ntitle: t\nper: {per}\nwatch: {{ used: {{ sum: bytes, over: 1h }} }}\nwhen: used > 5 MB\ntests:\n\
             \x20 - {{ given: [{{ bytes: 6 MB }}], expect: alarm }}\n\
             \x20 - {{ given: [{{ bytes: 6 MB }}], expect: none }}\n\
             \x20 - {{ device: {{ model: meter, groups: [a, b] }}, given: [{{ bytes: 6 MB }}], expect: alarm, count: {} }}\n",
            if per == "group" { 2 } else { 1 }
        )
    };
    for (per, why) in [
        ("group", "its device is in no group; write for example `device: { groups: [meters] }`"),
        ("model", "its device has no model; write for example `device: { model: meter }`"),
    ] {
        let failures: Vec<_> = results(&rule(per)).into_iter().map(|result| result.failure).collect();
        assert_eq!(failures, [Some(format!("expected an alarm, got none ({why})")), None, None], "{per}");
    }
}

#[test]
fn open_sessions_are_known_as_time_passes() {
    holds(
        "rule: r\ntitle: t\nwhen: silence() > 4h && session.open_sessions > 0\ntests:\n\
         \x20 - { given: [{ status: start }, { kind: tick, at: 5h }], expect: alarm }\n\
         \x20 - { given: [{ status: start }, { at: 1h, status: stop }, { kind: tick, at: 6h }], expect: none }\n",
    );
}

#[test]
fn a_lost_session_is_open_no_more() {
    holds(
        "rule: r\ntitle: t\nwhen: session.open_sessions > 1\ntests:\n\
         \x20 - { given: [{ session: a, status: start }, { session: b, status: start, at: 1h }], expect: alarm }\n\
         \x20 - { given: [{ session: a, status: start }, { kind: session_lost, session: a, at: 1h }, { session: b, status: start, at: 2h }], expect: none }\n",
    );
}

#[test]
fn an_example_that_contradicts_itself_is_a_mistake() {
    for expected in ["alarm, count: 0", "none, count: 3", "none, respond: [disconnect]"] {
        let text = format!(
            "rule: r\ntitle: t\nwhen: bytes > 1 kB\nrespond: [disconnect]\ntests:\n  - {{ given: [{{ bytes: 1 }}], expect: {expected} }}\n"
        );
        let mistakes = fleetward_rules::run_tests(&[("own.yaml", &text)], &Options::default()).unwrap_err();
        let places: Vec<_> = mistakes.iter().map(|it| (it.line, it.message.contains("`expect:"))).collect();
        assert_eq!(places, [(6, true)], "{expected}: {mistakes:?}");
    }
}
