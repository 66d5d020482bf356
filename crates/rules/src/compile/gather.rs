//! Lists, macros and exceptions: what rules share.

use std::collections::BTreeMap;
use std::sync::Arc;

use fleetward_fleet::Timestamp;

use super::read::Read;
use serde_saphyr::Spanned;

use crate::diagnostic::{Diagnostic, did_you_mean, did_you_mean_text};
use crate::document::{ListDocument, MacroDocument};
use crate::expr::reach::Reads;
use crate::expr::{Names, check_any};
use crate::named::names;
use crate::shared::{Exception, Macro, Shared};
use crate::source::Source;
use crate::vocabulary;

/// Largest file of a list, in bytes.
pub const MAX_LIST_FILE: usize = 16 << 20;
/// Most entries of one list.
const MAX_ENTRIES: usize = 1_000_000;

/// Makes what rules share of what was read. What is in `under` gives way to it, what is in `outer` wins over it.
pub(super) fn gather(read: &Read<'_>, under: Shared, outer: &Shared, wrong: &mut Vec<Diagnostic>) -> Shared {
    let mut shared = under;
    for (source, document) in &read.lists {
        // One that is wrong is there all the same: who names it makes no second mistake.
        let entries = entries(source, document, &read.data, wrong).unwrap_or_default();
        shared.lists.insert(document.list.value.clone(), entries.into());
    }
    super::places::gather(read, &mut shared, wrong);
    let mut shared = shared.or(outer);
    macros(&read.macros, &mut shared, wrong);
    for (source, document) in &read.exceptions {
        let Some(until) = end_of(&document.until.value) else {
            let hint = Some("a date, which is included, or a time: 2027-01-31 or 2027-01-31T18:00:00Z".to_owned());
            let message = format!("`{}` is no end of an exception", document.until.value);
            wrong.push(source.about(&document.until, message, hint));
            continue;
        };
        if document.reason.value.trim().is_empty() {
            wrong.push(source.about(&document.reason, "an exception needs a reason", None));
        }
        shared.exceptions.push(Exception {
            rule: document.exception.clone(),
            when: document.when.clone(),
            until,
            until_line: document.until.defined.line() as usize,
            until_text: document.until.value.trim().to_owned(),
            reason: document.reason.value.clone(),
            file: source.file.to_owned(),
            lines_before: source.lines_before,
            text: source.text.to_owned(),
        });
    }
    shared
}

/// Exceptions to rules that are not there.
pub(super) fn homeless(shared: &Shared, rules: &[String], wrong: &mut Vec<Diagnostic>) {
    for exception in shared.exceptions.iter().filter(|exception| !rules.contains(&exception.rule.value)) {
        let near = did_you_mean(&exception.rule.value, rules.iter().map(String::as_str)).map(did_you_mean_text);
        let message = format!("there is no rule `{}`", exception.rule.value);
        wrong.push(exception.source().about(&exception.rule, message, near));
    }
}

impl Exception {
    pub(super) fn source(&self) -> Source<'_> {
        Source { file: &self.file, lines_before: self.lines_before, text: &self.text }
    }
}

/// A day is meant whole: the exception ends when the next one begins (UTC).
fn end_of(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() == 10 {
        let day: Timestamp = format!("{text}T00:00:00Z").parse().ok()?;
        return Some(day + std::time::Duration::from_hours(24));
    }
    text.parse().ok()
}

fn entries(
    source: &Source<'_>,
    document: &ListDocument,
    data: &[(&str, &str)],
    wrong: &mut Vec<Diagnostic>,
) -> Option<Vec<String>> {
    let mut entries: Vec<String> = document.values.iter().map(|value| value.0.clone()).collect();
    if let Some(name) = &document.file {
        let text = data_file(source, name, data, wrong)?;
        entries.extend(text.lines().map(first_column).filter(|entry| !entry.is_empty()).map(str::to_owned));
    }
    if entries.len() > MAX_ENTRIES {
        wrong.push(source.about(&document.list, format!("more than {MAX_ENTRIES} entries"), None));
        return None;
    }
    Some(entries)
}

/// The text of a file that a document names.
pub(super) fn data_file<'a>(
    source: &Source<'_>,
    name: &Spanned<String>,
    data: &[(&'a str, &'a str)],
    wrong: &mut Vec<Diagnostic>,
) -> Option<&'a str> {
    let of_name = |file: &str| file == name.value || file.ends_with(&format!("/{}", name.value));
    if let Some((_, text)) = data.iter().find(|(file, _)| of_name(file)) {
        if text.len() > MAX_LIST_FILE {
            wrong.push(source.about(name, format!("`{}` is larger than {MAX_LIST_FILE} bytes", name.value), None));
        } else if text.contains(char::REPLACEMENT_CHARACTER) {
            let hint = Some("save the file in this encoding".to_owned());
            wrong.push(source.about(name, format!("`{}` has a character that is not UTF-8", name.value), hint));
        } else {
            return Some(text);
        }
        return None;
    }
    let known = data.iter().map(|(file, _)| file.rsplit('/').next().unwrap_or(file));
    let near = did_you_mean(&name.value, known).map(did_you_mean_text);
    let hint = near.or_else(|| Some("a .txt, .csv or .list file beside the rules".to_owned()));
    wrong.push(source.about(name, format!("there is no file `{}`", name.value), hint));
    None
}

/// Up to a comma or a remark.
fn first_column(line: &str) -> &str {
    let line = line.split('#').next().unwrap_or_default();
    line.split([',', ';']).next().unwrap_or_default().trim().trim_matches('"')
}

/// Macros may name macros, in any order, but not in a circle.
fn macros(documents: &[(Source<'_>, MacroDocument)], shared: &mut Shared, wrong: &mut Vec<Diagnostic>) {
    let mut waiting: BTreeMap<&str, &(Source<'_>, MacroDocument)> = BTreeMap::new();
    for held in documents {
        let (source, document) = held;
        let name = document.name.value.as_str();
        let is_name =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !is_name || vocabulary::find(name).is_some() {
            let hint = Some("small letters, digits and `_`; not the name of a field".to_owned());
            wrong.push(source.about(&document.name, format!("`{name}` is no name for a macro"), hint));
        } else if waiting.insert(name, held).is_some() {
            wrong.push(source.about(&document.name, format!("the macro `{name}` is there twice"), None));
        }
    }
    while let Some(ready) =
        waiting.iter().find(|(_, held)| !names_any(&held.1.is.value, &waiting)).map(|(name, _)| *name)
    {
        let Some((source, document)) = waiting.remove(ready) else { break };
        let names = Names { shared: Arc::new(shared.clone()), ..Names::default() };
        match check_any(&document.is.value, &names) {
            Ok(typed) => {
                let mut reads = Reads::default();
                reads.typed(&typed);
                let text = super::plain(&document.is.value).into();
                let held = Macro { typed, nodes: reads.nodes, text, named: names.named.meanings() };
                shared.macros.insert(ready.to_owned(), held);
            }
            Err(errors) => {
                shared.macros.insert(ready.to_owned(), Macro::wrong());
                wrong.extend(errors.into_iter().map(|it| source.inside(&document.is, it.at, it.message, it.hint)));
            }
        }
    }
    for (name, (source, document)) in waiting {
        wrong.push(source.about(&document.name, format!("the macro `{name}` stands for itself, in a circle"), None));
    }
}

fn names_any(text: &str, waiting: &BTreeMap<&str, &(Source<'_>, MacroDocument)>) -> bool {
    names(text).any(|name| waiting.contains_key(name))
}
