//! Rule files: the built-in ones and the operator's, compiled together.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use fleetward_fleet::{Profile, Timestamp};
use fleetward_rules::{Called, Diagnostic, Excepted, MAX_LIST_FILE, Options, Rule, RuleSet};

use crate::config::{Config, Problem};
use crate::{textfile, unread};

/// A file of documents: rules, lists, macros, exceptions.
pub(crate) fn is_rule_file(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

/// A file of entries that a list document may name.
pub(crate) fn is_data_file(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "txt" || end == "csv" || end == "list")
}

/// Either.
pub(crate) fn is_file(path: &Path) -> bool {
    is_rule_file(path) || is_data_file(path)
}

/// The text of either. What is no list may lie beside rules (a table of sessions, a letter): only who names a file of entries is told
/// that it is too large or no text, so it is read up to where it is too large, and whatever it holds.
pub(crate) fn read(path: &Path) -> Result<String, Problem> {
    if !is_data_file(path) {
        return textfile::read(path);
    }
    let unreadable = |error| Problem::whole(path, unread::why(path, &error));
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_LIST_FILE as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Compiles the operator's files, with the built-in rules or without.
pub(crate) fn compile(
    files: &[(String, String)],
    with_builtin: bool,
    options: &Options,
) -> Result<RuleSet, Vec<Problem>> {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let compiled =
        if with_builtin { RuleSet::with_builtin(&files, options) } else { RuleSet::compile(&files, options) };
    compiled.map_err(|mistakes| mistakes.into_iter().map(problem).collect())
}

/// What an operator's rules may refer to. `running`: the channels of the server that is to take the rules, which has no others
/// until it is started again.
pub(crate) fn options(config: &Config, running: Option<&[String]>) -> Options {
    let is_there = |name: &String| running.is_none_or(|running| running.contains(name));
    let (channels, after_restart) = config.channels.keys().cloned().partition(is_there);
    Options { channels: Some(channels), after_restart, ..Options::default() }
}

/// Nothing is wrong, and yet somebody should know: what no rule reads, names that nothing in the fleet has, exceptions that have ended.
pub(crate) fn warnings(rules: &[Arc<Rule>], fleet: &Called, now: Timestamp) -> Vec<String> {
    let of_rule =
        |rule: &Arc<Rule>| rule.warnings().iter().cloned().chain(rule.calls_nobody(fleet)).collect::<Vec<_>>();
    let of_rules = rules.iter().flat_map(of_rule).map(|warning| problem(warning).to_string());
    of_rules.chain(ended(rules, now)).collect()
}

/// The names in the fleet: of the models that have a profile, and of what the inventory in this data folder says.
pub(crate) fn called<'a>(profiles: impl IntoIterator<Item = &'a Profile>, data: &Path) -> Called {
    let names = crate::server::names(data);
    let mut models = names.models;
    models.extend(profiles.into_iter().map(|profile| Box::from(&*profile.model)));
    Called { models, groups: names.groups }
}

fn ended(rules: &[Arc<Rule>], now: Timestamp) -> Vec<String> {
    let of_rule = |rule: &Arc<Rule>| {
        let over = |it: &&Excepted| it.until <= now;
        let told = rule.exceptions().iter().filter(over).map(|it| {
            format!(
                "{}: the exception to {} ended ({}), the rule is meant again; remove it, or give it a later `until`",
                it.place, rule.name, it.until_text
            )
        });
        told.collect::<Vec<_>>()
    };
    rules.iter().flat_map(of_rule).collect()
}

/// A mistake in a rule as a problem of a file.
pub(crate) fn problem(mistake: Diagnostic) -> Problem {
    let message = match mistake.hint {
        Some(hint) => format!("{} ({hint})", mistake.message),
        None => mistake.message,
    };
    Problem { file: mistake.file.into(), at: Some((mistake.line as u64, mistake.column as u64)), message }
}
