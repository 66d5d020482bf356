//! A rule in a sentence, and what it looks at.

use std::time::Duration;

use crate::facts::{Trigger, Triggers};
use crate::named::{Meaning, names};
use crate::rule::{Excepted, Mode, Respond, RespondAction, Rule};
use crate::subject::Subject;
use crate::template::number;
use crate::vocabulary::{Dimension, FIELDS};

/// What the rule means.
pub(crate) fn explain(rule: &Rule) -> String {
    let severity = format!("{:?}", rule.severity).to_lowercase();
    let parts = [
        about(rule),
        watching(rule),
        format!(", when `{}`", rule.text.when),
        standing_for(rule),
        excused(rule),
        excepted(rule),
        format!(": a finding of severity {severity}"),
        often(rule),
        then(rule),
    ];
    parts.concat()
}

fn about(rule: &Rule) -> String {
    let scope = rule.text.scope.as_ref().map(|scope| format!(" where `{scope}`"));
    format!("{}{}", whom(rule.subject), scope.unwrap_or_default())
}

/// About whom.
pub(crate) fn whom(subject: Subject) -> &'static str {
    match subject {
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
    }
}

/// What the macros that it names stand for.
fn standing_for(rule: &Rule) -> String {
    let macros = rule.text.named.iter().filter_map(|(name, meaning)| match meaning {
        Meaning::Macro(text) => Some(format!("`{}` is `{text}`", name.trim_start_matches("macro "))),
        _ => None,
    });
    let macros: Vec<String> = macros.collect();
    if macros.is_empty() { String::new() } else { format!(" ({})", macros.join(", ")) }
}

/// What operators excepted, with reason and end.
fn excepted(rule: &Rule) -> String {
    let case = |it: &Excepted| format!("`{}` until {} ({})", it.when, it.until_text, it.reason);
    let cases: Vec<String> = rule.text.exceptions.iter().map(case).collect();
    if cases.is_empty() { String::new() } else { format!(", except where {}", cases.join(" or ")) }
}

fn watching(rule: &Rule) -> String {
    let windows: Vec<String> = rule.text.watch.iter().map(|(name, what)| format!("`{name}` ({what})")).collect();
    if windows.is_empty() { String::new() } else { format!(", watching {}", windows.join(" and ")) }
}

fn excused(rule: &Rule) -> String {
    let excuses: Vec<String> = rule.text.excuses.iter().map(|excuse| format!("`{excuse}`")).collect();
    if excuses.is_empty() { String::new() } else { format!(" unless {}", excuses.join(" or ")) }
}

fn often(rule: &Rule) -> String {
    let every = words(rule.repeat.every);
    let new = match (&rule.text.repeat, rule.repeat.per_value) {
        (Some(text), true) => new_what(text),
        _ => String::new(),
    };
    let over = match &rule.text.clear {
        Some(clear) => format!("when `{clear}`"),
        None => format!("when it has not happened for {every}"),
    };
    format!(", at most once per {every}{new}, over {over}")
}

/// `once per new imei per 7d` gives ` for each new imei`.
fn new_what(repeat: &str) -> String {
    let new = repeat.split_once("new ").map_or("value", |(_, rest)| rest);
    format!(" for each new {}", new.split(" per ").next().unwrap_or(new).trim())
}

fn then(rule: &Rule) -> String {
    let actions: Vec<String> = actions(rule);
    let actions = actions.join(", ");
    match (rule.mode, actions.is_empty()) {
        (Mode::Off, _) => "; it is off.".to_owned(),
        (_, true) => ".".to_owned(),
        (Mode::DryRun, false) => format!("; dry run, otherwise {actions}."),
        (Mode::NotifyOnly, false) => format!("; then {actions}, but notifications only."),
        (Mode::Enforce, false) => format!("; then {actions}."),
    }
}

/// The planned changes that excuse it; `None`: none does.
pub(crate) fn excused_by(rule: &Rule) -> Option<String> {
    let kinds: Vec<&str> = rule.planned.iter().map(fleetward_fleet::PlannedKind::name).collect();
    (!kinds.is_empty()).then(|| kinds.join(", "))
}

/// Each response in words.
pub(crate) fn actions(rule: &Rule) -> Vec<String> {
    let unless = rule.text.responds_unless.iter().map(Option::as_deref);
    rule.responds.iter().zip(unless).map(|(respond, unless)| action(respond, unless)).collect()
}

fn action(respond: &Respond, unless: Option<&str>) -> String {
    let name = respond.action.name().replace('_', " ");
    let what = match &respond.action {
        RespondAction::Notify { channel } => format!("{name} {channel}"),
        RespondAction::ChangeOfAuthorization { session_timeout_secs } => {
            format!("{name} (the session ends after {})", words(Duration::from_secs((*session_timeout_secs).into())))
        }
        RespondAction::Disconnect | RespondAction::SuspendSim | RespondAction::Quarantine => name,
    };
    let approval = if respond.needs_approval { " (a person approves)" } else { "" };
    let unless = unless.map(|unless| format!(" unless `{unless}`")).unwrap_or_default();
    format!("{what}{approval}{unless}")
}

pub(crate) fn words(length: Duration) -> String {
    number(length.as_secs_f64(), Dimension::Duration)
}

/// The fields of the vocabulary that the rule's conditions name, in the vocabulary's order.
pub(crate) fn reads(rule: &Rule) -> Vec<&'static str> {
    let text = &rule.text;
    let watch = text.watch.iter().map(|(_, what)| what);
    let conditions = [&text.when].into_iter().chain(&text.scope).chain(watch).chain(&text.excuses).chain(&text.clear);
    let macros = rule.text.named.values().filter_map(|meaning| match meaning {
        Meaning::Macro(text) => Some(&**text),
        _ => None,
    });
    let found: Vec<&str> = conditions.map(String::as_str).chain(macros).flat_map(names).collect();
    FIELDS.iter().map(|entry| entry.name).filter(|name| found.contains(name)).collect()
}

/// The events that make it look, in words.
pub(crate) fn looks_at(triggers: Triggers) -> Vec<&'static str> {
    Trigger::ALL.into_iter().filter(|trigger| triggers.contains(*trigger)).map(trigger_words).collect()
}

fn trigger_words(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::SessionStart => "session starts",
        Trigger::SessionInterim => "interim updates",
        Trigger::SessionStop => "session stops",
        Trigger::SessionLost => "lost sessions",
        Trigger::Admitted => "admissions",
        Trigger::Rejected => "refused tries",
        Trigger::DeviceChange => "changes of the inventory",
        Trigger::Tick => "the passing of time",
        Trigger::Flow => "flows",
        Trigger::Message => "short messages",
        Trigger::Call => "calls",
        Trigger::Login => "logins",
        Trigger::SimChange => "changes of the SIM",
        Trigger::SourceState => "sources that fall silent or come back",
        Trigger::Unusual => "verdicts of the baseline",
        Trigger::Network => "signs in the network traffic",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_value_is_named() {
        assert_eq!(new_what("once per new imei per 7d"), " for each new imei");
    }
}
