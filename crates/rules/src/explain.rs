//! A rule in a sentence.

use std::time::Duration;

use crate::rule::{Mode, Rule, Subject};
use crate::template::number;
use crate::vocabulary::Dimension;

/// What the rule means.
pub(crate) fn explain(rule: &Rule) -> String {
    let text = &rule.text;
    let whom = match rule.subject {
        Subject::Device => "a device",
        Subject::Group => "a group",
        Subject::Model => "a model",
    };
    let mut out = format!("For {whom}");
    if let Some(scope) = &text.scope {
        out += &format!(" where `{scope}`");
    }
    for (index, (name, what)) in text.watch.iter().enumerate() {
        out += &format!("{} `{name}` ({what})", if index == 0 { ", watching" } else { " and" });
    }
    out += &format!(", when `{}`", text.when);
    if let Some(unless) = &text.unless {
        out += &format!(" unless `{unless}`");
    }
    out += &format!(": a finding of severity {:?}", rule.severity).to_lowercase();
    let new = if rule.repeat.per_value { " for each new value" } else { "" };
    out += &format!(", at most once per {}{new}", words(rule.repeat.every));
    match &text.clear {
        Some(clear) => out += &format!(", over when `{clear}`"),
        None => out += ", over when it has not happened for as long",
    }
    let actions: Vec<String> = rule
        .responds
        .iter()
        .map(|respond| {
            let approval = if respond.needs_approval { " (a person approves)" } else { "" };
            let target = match &respond.action {
                crate::rule::RespondAction::Notify { channel } => format!(" {channel}"),
                _ => String::new(),
            };
            format!("{}{target}{approval}", respond.action.name().replace('_', " "))
        })
        .collect();
    out += &match (rule.mode, actions.is_empty()) {
        (Mode::Off, _) => "; it is off.".to_owned(),
        (_, true) => ".".to_owned(),
        (Mode::DryRun, false) => format!("; dry run, otherwise {}.", actions.join(", ")),
        (Mode::NotifyOnly, false) => format!("; then {}, but notifications only.", actions.join(", ")),
        (Mode::Enforce, false) => format!("; then {}.", actions.join(", ")),
    };
    out
}

fn words(length: Duration) -> String {
    number(length.as_secs_f64(), Dimension::Duration)
}
