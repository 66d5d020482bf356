//! A rule in a sentence.

use std::time::Duration;

use crate::rule::{Mode, Respond, RespondAction, Rule};
use crate::subject::Subject;
use crate::template::number;
use crate::vocabulary::Dimension;

/// What the rule means.
pub(crate) fn explain(rule: &Rule) -> String {
    let severity = format!("{:?}", rule.severity).to_lowercase();
    let parts = [
        whom(rule),
        watching(rule),
        format!(", when `{}`", rule.text.when),
        rule.text.unless.as_ref().map(|unless| format!(" unless `{unless}`")).unwrap_or_default(),
        format!(": a finding of severity {severity}"),
        often(rule),
        then(rule),
    ];
    parts.concat()
}

fn whom(rule: &Rule) -> String {
    let whom = match rule.subject {
        Subject::Device => "For a device",
        Subject::Group => "For a group",
        Subject::Model => "For a model",
        Subject::Destination => "For a destination",
        Subject::Network => "For a network",
        Subject::Country => "For a country",
        Subject::Cell => "For a cell",
        Subject::Apn => "For an access point name",
        Subject::Imei => "For a module",
        Subject::Ip => "For an address",
        Subject::Source => "For a source",
        Subject::Fleet => "For the whole fleet",
    };
    let scope = rule.text.scope.as_ref().map(|scope| format!(" where `{scope}`"));
    format!("{whom}{}", scope.unwrap_or_default())
}

fn watching(rule: &Rule) -> String {
    let windows: Vec<String> = rule.text.watch.iter().map(|(name, what)| format!("`{name}` ({what})")).collect();
    if windows.is_empty() { String::new() } else { format!(", watching {}", windows.join(" and ")) }
}

fn often(rule: &Rule) -> String {
    let new = if rule.repeat.per_value { " for each new value" } else { "" };
    let clear = rule.text.clear.as_ref().map(|clear| format!("when `{clear}`"));
    let over = clear.unwrap_or_else(|| "when it has not happened for as long".to_owned());
    format!(", at most once per {}{new}, over {over}", words(rule.repeat.every))
}

fn then(rule: &Rule) -> String {
    let actions: Vec<String> = rule.responds.iter().map(action).collect();
    let actions = actions.join(", ");
    match (rule.mode, actions.is_empty()) {
        (Mode::Off, _) => "; it is off.".to_owned(),
        (_, true) => ".".to_owned(),
        (Mode::DryRun, false) => format!("; dry run, otherwise {actions}."),
        (Mode::NotifyOnly, false) => format!("; then {actions}, but notifications only."),
        (Mode::Enforce, false) => format!("; then {actions}."),
    }
}

fn action(respond: &Respond) -> String {
    let approval = if respond.needs_approval { " (a person approves)" } else { "" };
    let name = respond.action.name().replace('_', " ");
    match &respond.action {
        RespondAction::Notify { channel } => format!("{name} {channel}{approval}"),
        _ => format!("{name}{approval}"),
    }
}

fn words(length: Duration) -> String {
    number(length.as_secs_f64(), Dimension::Duration)
}
