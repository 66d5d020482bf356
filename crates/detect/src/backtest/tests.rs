use std::sync::Arc;

use fleetward_fleet::SessionStatus::{Interim, Start};
use fleetward_fleet::{Observation, Offset};
use fleetward_rules::{Mode, Options, RuleSet};
use parking_lot::Mutex;

use super::{Account, Report, Scopes, Span};
use crate::engine::{Config, Outputs};
use crate::testing::{at, change, device, record, session};
use crate::{Compiled, Engine};

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
    judge(rules_again(rules), span, &records())
}

fn judge(rules: RuleSet, span: Span, records: &[Observation]) -> Account {
    let account = Arc::new(Mutex::new(Account::new(span, &rules)));
    let noting = Arc::clone(&account);
    let note = move |outputs: Outputs| outputs.outputs.iter().for_each(|output| noting.lock().note(output));
    let config = Config { workers: 1, ..Config::default() };
    let (engine, _) = Engine::start(config, Arc::new(Compiled::new(Arc::new(rules), [])), Arc::new(note)).unwrap();
    engine.submit((0..).map(Offset).zip(records.iter().cloned().map(Arc::new))).unwrap();
    engine.drain().unwrap();
    drop(engine);
    Arc::into_inner(account).unwrap().into_inner()
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
    assert_eq!((much.alarms, much.devices, much.untold), (3, Some(3), 1));
    assert_eq!(much.per_day.values().sum::<u64>(), 3);
    let would = &much.would["suspend_sim"];
    assert_eq!((would.done, would.devices, would.over_budget, would.waiting), (1, 1, 1, 1), "{would:?}");
    assert_eq!(much.would["notify"].done, 2, "of the third nobody is told");
    assert_eq!(much.examples.len(), 3);
    assert_eq!(much.examples[0].responses, ["notify", "suspend_sim"]);
    let difference = much.difference.as_ref().unwrap();
    assert_eq!((difference.version, &*difference.file), (1, "much.yaml"));
    assert_eq!((difference.same, difference.new, difference.gone), (1, 2, 0));
    assert_eq!(&*difference.new_examples[0].subject, "sim-2");
}

/// What `> 1 kB` finds against what `> 3 kB` found; `used`: device, minute and bytes of each record.
fn another_limit(from: i64, used: &[(u64, i64, u64)]) -> (u64, u64, u64) {
    let rule = |version: u32, limit: &str| {
        let text = format!("rule: much\nversion: {version}\ntitle: Much\nwhen: bytes > {limit}\nrepeat: once per 1h\n");
        RuleSet::compile(&[("much.yaml", &text)], &Options::default()).unwrap()
    };
    let mut records: Vec<_> = (1..=3).map(|number| change(0, number, device(number))).collect();
    for (number, minute, bytes) in used {
        let id = minute.to_string();
        records.push(session(*number, minute * 60 - 1, record(&id, Start, 0, 0)));
        records.push(session(*number, minute * 60, record(&id, Interim, *bytes, 0)));
    }
    let judged = |version: u32, limit: &str| judge(rule(version, limit), span(from), &records);
    let old = (&judged(1, "3 kB"), &rule(1, "3 kB"));
    let report = judged(2, "1 kB").report(&rule(2, "1 kB"), 0, Some(old));
    let difference = report.rules[0].difference.as_ref().unwrap();
    (difference.same, difference.new, difference.gone)
}

#[test]
fn an_incident_is_the_same_though_it_begins_earlier() {
    assert_eq!(another_limit(0, &[(1, 10, 2000), (1, 20, 4000)]), (1, 0, 0), "it began ten minutes earlier");
    assert_eq!(another_limit(0, &[(1, 10, 2000), (2, 20, 4000)]), (1, 1, 0), "another device");
    assert_eq!(another_limit(0, &[(1, 10, 2000), (1, 60, 2000), (1, 110, 4000)]), (1, 0, 0), "an hour and more later");
    assert_eq!(another_limit(0, &[(1, 10, 2000), (1, 300, 4000)]), (1, 1, 0), "hours apart");
    assert_eq!(another_limit(900, &[(1, 10, 2000), (1, 20, 4000)]), (0, 0, 0), "it began before the span");
}

#[test]
fn groups_are_no_devices_and_minutes_no_day() {
    let text = "rule: crowd\ntitle: Crowd\nper: group\nwatch: { devices: { distinct: device, over: 1h } }\n\
                when: devices > 2\nmode: enforce\nrespond: [notify: ops, suspend_sim]\n";
    let rules = || RuleSet::compile(&[("crowd.yaml", text)], &Options::default()).unwrap();
    let mut records: Vec<_> = (1..=3).map(|number| change(0, number, device(number))).collect();
    records.extend((1..=3).map(|number| session(number, 60, record("a", Start, 0, 0))));
    let report = judge(rules(), Span { to: at(1800), ..span(0) }, &records).report(&rules(), 6, None);
    let crowd = &report.rules[0];
    assert_eq!((crowd.per, crowd.subjects, crowd.devices), ("group", 1, None));
    assert_eq!((crowd.would["notify"].done, crowd.would["notify"].devices), (1, 0), "people are told of the group");
    assert_eq!(crowd.would["suspend_sim"].waiting, 3, "and devices suspended, where a person approves");
    assert_eq!((crowd.alarms, crowd.alarms_per_day), (1, None), "half an hour is not a day");
}

#[test]
fn what_comes_before_the_span_is_not_reported() {
    let report = report(1800);
    assert_eq!((report.rules[0].alarms, report.rules[0].devices), (2, Some(2)));
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
