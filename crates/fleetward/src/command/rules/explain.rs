//! `fleetward rules explain`: a rule for people.

use std::io::Write as _;
use std::path::Path;

use fleetward_rules::{Budget, Cost, Rule};

use super::files::{called, readable, rules, warn};
use super::list::describe;
use super::not_there;
use crate::cli::Global;
use crate::exit::Exit;
use crate::{clock, rulefiles};

pub(super) fn explain(global: &Global, name: &str) -> anyhow::Result<Exit> {
    let path = Path::new(name);
    let is_file = path.exists();
    let (rules, left_out) = if is_file { (rules(global, &[path.to_owned()])?, Vec::new()) } else { readable(global)? };
    let chosen: Vec<_> = rules.rules().iter().filter(|rule| is_file || &*rule.name == name).collect();
    if chosen.is_empty() && !is_file {
        warn(&left_out)?;
        let names = rules.rules().iter().map(|rule| &*rule.name);
        return Err(not_there("rule", name, names, "fleetward rules list shows them").into());
    }
    let json: Vec<_> = chosen.iter().map(|rule| describe(rule)).collect();
    let text = || chosen.iter().map(|rule| page(rule)).collect::<Vec<_>>().join("\n");
    global.printer().object(&json, text)?;
    let fleet = called(global)?;
    let mut err = std::io::stderr().lock();
    for rule in &chosen {
        for warning in rulefiles::warnings(std::slice::from_ref(*rule), &fleet, clock::now()) {
            writeln!(err, "warning: {warning}")?;
        }
    }
    drop(err);
    warn(&left_out)
}

fn page(rule: &Rule) -> String {
    let mut lines = vec![format!("{}: {}", rule.name, rule.explain())];
    let mut line = |name: &str, text: String| {
        if !text.is_empty() {
            lines.push(format!("  {name:<11} {text}"));
        }
    };
    line("looks at", rule.looks_at().join(", "));
    line("reads", rule.reads().join(", "));
    line("excused by", rule.excused_by().map(|kinds| format!("a planned change: {kinds}")).unwrap_or_default());
    line("bounds", bounds(rule.budget));
    line("costs", costs(rule));
    line("why", rule.why.to_string());
    line("but", rule.false_alarms.to_string());
    line("advice", rule.advice().to_owned());
    line("tags", rule.tags.join(", "));
    lines.push(String::new());
    lines.join("\n")
}

fn bounds(budget: Budget) -> String {
    let alarms = budget.max_alarms_per_day.map(|most| format!("at most {most} alarms a day"));
    let actions = budget.max_actions_per_hour.map(|most| format!("at most {most} interventions an hour"));
    let all: Vec<String> = alarms.into_iter().chain(actions).collect();
    if all.is_empty() { String::new() } else { format!("{}, over all devices", all.join(", ")) }
}

fn costs(rule: &Rule) -> String {
    let cost = rule.cost();
    let windows = match cost.windows {
        0 => "no window".to_owned(),
        1 => format!("one window, at most {} bytes a device", cost.bytes),
        n => format!("{n} windows, at most {} bytes a device", cost.bytes),
    };
    let Cost { nanos, nanos_under_way, .. } = cost;
    format!(
        "about {nanos:.0} ns a record that concerns it, {nanos_under_way:.0} ns while an episode is under way; {windows}"
    )
}
