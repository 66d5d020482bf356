use std::sync::Arc;

use fleetward_fleet::SessionStatus::{Interim, Start};
use fleetward_fleet::{Observation, Offset};
use fleetward_rules::{Mode, Options, RuleSet};

use super::{Account, Report, Scopes, Span};
use crate::testing::{at, change, device, record, session};
use crate::{Compiled, Output, PartitionState, apply};

fn rules(limit: &str, version: u32) -> RuleSet {
    let text = format!(
        "rule: much\nversion: {version}\ntitle: Much\nwhen: bytes > {limit}\nmode: dry-run\nrespond: [notify: ops, suspend_sim]\n\
         budget: {{ max_alarms_per_day: 2, max_actions_per_hour: 1 }}\n"
    );
    let options = Options { mode: Some(Mode::Enforce), ..Options::default() };
    RuleSet::compile(&[("much.yaml", &text)], &options).unwrap()
}

/// Four devices, an hour apart, each a larger record; the last two critical.
fn records() -> Vec<Observation> {
    let mut records = Vec::new();
    for number in 1..=4 {
        let mut known = device(number);
        known.critical = number > 3;
        records.push(change(0, number, known));
    }
    for number in 1..=4_u64 {
        let secs = number.cast_signed() * 600;
        records.push(session(number, secs, record("a", Start, 0, 0)));
        records.push(session(number, secs + 60, record("a", Interim, number * 1000, 0)));
    }
    records
}

fn replay(rules: &RuleSet, span: Span) -> Account {
    let compiled = Compiled::new(Arc::new(rules_again(rules)), []);
    let (mut account, records) = (Account::new(span, rules), records());
    let mut states: std::collections::BTreeMap<_, PartitionState> = std::collections::BTreeMap::new();
    for (offset, observation) in records.iter().enumerate() {
        let state = states.entry(observation.device.partition()).or_default();
        let mut out: Vec<Output> = Vec::new();
        apply(state, [(Offset(offset as u64), observation)], &compiled, &mut out);
        for output in &out {
            account.note(output);
        }
    }
    account
}

fn rules_again(set: &RuleSet) -> RuleSet {
    let rule = set.rule("much").unwrap();
    rules(if rule.version == 1 { "3 kB" } else { "1500 B" }, rule.version)
}

fn span(from: i64) -> Span {
    Span { from: at(from), to: at(86_400), fleet_per_hour: 50, rule_per_hour: 20 }
}

fn report(from: i64) -> Report {
    let (new, old) = (rules("1500 B", 2), rules("3 kB", 1));
    let old_account = replay(&old, span(from));
    replay(&new, span(from)).report(&new, 12, Some((&old_account, &old)))
}

#[test]
fn alarms_devices_budgets_and_the_difference_are_counted() {
    let report = report(0);
    let much = &report.rules[0];
    assert_eq!((much.alarms, much.devices, much.untold), (3, 3, 1));
    assert_eq!(much.per_day.values().sum::<u64>(), 3);
    let would = &much.would["suspend_sim"];
    assert_eq!((would.done, would.devices, would.over_budget, would.waiting), (1, 1, 1, 1), "{would:?}");
    assert_eq!(much.would["notify"].done, 2, "of the third nobody is told");
    assert_eq!(much.examples.len(), 3);
    assert_eq!(much.examples[0].responses, ["notify", "suspend_sim"]);
    let difference = much.difference.as_ref().unwrap();
    assert_eq!((difference.version, difference.same, difference.new, difference.gone), (1, 1, 2, 0));
    assert_eq!(&*difference.new_examples[0].subject, "sim-2");
}

#[test]
fn what_comes_before_the_span_is_not_reported() {
    let report = report(1800);
    assert_eq!((report.rules[0].alarms, report.rules[0].devices), (2, 2));
}

#[test]
fn a_rule_that_is_about_nobody_is_known() {
    let about_nobody = |scope: &str, records: &[Observation]| {
        let text = format!("rule: few\ntitle: Few\nscope: {scope}\nwhen: bytes > 1 TB\n");
        let rules = RuleSet::compile(&[("few.yaml", &text)], &Options::default()).unwrap();
        let mut scopes = Scopes::new(&rules);
        for record in records {
            scopes.see(record, &[]);
        }
        scopes.is_about_nobody("few")
    };
    let stranger = [session(9, 60, record("a", Start, 0, 0))];
    for (scope, of_the_inventory, of_strangers) in [
        ("device.known", false, true),
        ("'!device.known'", true, false),
        ("device.critical", false, true),
        ("device.model == \"lift\"", true, true),
        ("apn == \"iot.example\"", false, false),
    ] {
        assert_eq!(about_nobody(scope, &records()), of_the_inventory, "{scope}");
        assert_eq!(about_nobody(scope, &stranger), of_strangers, "{scope}, strangers");
        assert!(about_nobody(scope, &[]), "{scope}, nobody at all");
    }
}
