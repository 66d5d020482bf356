//! Documents of every kind, by the key that they begin with.

use serde::de::DeserializeOwned;

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::document::{AreaDocument, ExceptionDocument, ListDocument, MacroDocument, PositionsDocument, RuleDocument};
use crate::expr::units::did_you_mean_text;
use crate::source::{Source, documents};

/// Largest rule file, in bytes.
const MAX_FILE: usize = 1 << 20;
/// Largest file of a list, in bytes.
const MAX_LIST_FILE: usize = 16 << 20;
/// Most documents in all.
const MAX_DOCUMENTS: usize = 5000;

/// Everything that was read, each with its place.
#[derive(Default)]
pub(super) struct Read<'a> {
    pub(super) rules: Vec<(Source<'a>, RuleDocument)>,
    pub(super) lists: Vec<(Source<'a>, ListDocument)>,
    pub(super) macros: Vec<(Source<'a>, MacroDocument)>,
    pub(super) exceptions: Vec<(Source<'a>, ExceptionDocument)>,
    pub(super) areas: Vec<(Source<'a>, AreaDocument)>,
    pub(super) positions: Vec<(Source<'a>, PositionsDocument)>,
    /// Files that lists may name.
    pub(super) data: Vec<(&'a str, &'a str)>,
}

/// A file of this name holds entries of a list, not documents.
fn is_data(file: &str) -> bool {
    [".txt", ".csv", ".list"].iter().any(|ending| file.ends_with(ending))
}

/// Reads all files; what is wrong is noted and left out.
pub(super) fn read<'a>(files: &[(&'a str, &'a str)], wrong: &mut Vec<Diagnostic>) -> Read<'a> {
    let mut found = Read::default();
    let mut count = 0;
    for (file, text) in files {
        let limit = if is_data(file) { MAX_LIST_FILE } else { MAX_FILE };
        if text.len() > limit {
            let message = format!("larger than {limit} bytes");
            wrong.push(Diagnostic { file: (*file).to_owned(), line: 0, column: 0, message, hint: None });
        } else if is_data(file) {
            found.data.push((file, text));
        } else {
            for source in documents(file, text) {
                count += 1;
                if count == MAX_DOCUMENTS {
                    wrong.push(source.diagnostic(1, 1, format!("more than {MAX_DOCUMENTS} documents"), None));
                }
                if count < MAX_DOCUMENTS {
                    found.document(source, wrong);
                }
            }
        }
    }
    found
}

impl<'a> Read<'a> {
    fn document(&mut self, source: Source<'a>, wrong: &mut Vec<Diagnostic>) {
        let kind = ["list", "macro", "exception", "area", "positions"]
            .into_iter()
            .find(|kind| begins_a_line(source.text, kind));
        match kind {
            Some("list") => self.lists.extend(parse(&source, wrong).map(|document| (source, document))),
            Some("macro") => self.macros.extend(parse(&source, wrong).map(|document| (source, document))),
            Some("area") => self.areas.extend(parse(&source, wrong).map(|document| (source, document))),
            Some("positions") => self.positions.extend(parse(&source, wrong).map(|document| (source, document))),
            Some(_) => self.exceptions.extend(parse(&source, wrong).map(|document| (source, document))),
            None => self.rules.extend(parse(&source, wrong).map(|document| (source, document))),
        }
    }
}

fn begins_a_line(text: &str, key: &str) -> bool {
    text.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')))
}

fn parse<T: DeserializeOwned>(source: &Source<'_>, wrong: &mut Vec<Diagnostic>) -> Option<T> {
    let options = serde_saphyr::options! { with_snippet: false };
    match serde_saphyr::from_str_with_options(source.text, options) {
        Ok(document) => Some(document),
        Err(error) => {
            let place = error.location();
            let line = place.map_or(0, |at| at.line() as usize);
            let column = place.map_or(0, |at| at.column() as usize);
            let (message, hint) = yaml_message(&error.to_string());
            wrong.push(source.diagnostic(line, column, message, hint));
            None
        }
    }
}

/// The parser's sentence without its place, and a suggestion for a misspelt key or value.
fn yaml_message(text: &str) -> (String, Option<String>) {
    let mut message = text.lines().next().unwrap_or_default().to_owned();
    if let Some(at) = message.find(" at line ").or_else(|| message.find(" (line ")) {
        message.truncate(at);
    }
    if let Some(rest) = message.strip_prefix("error: line ") {
        message = rest.split_once(": ").map_or(message.clone(), |(_, rest)| rest.to_owned());
    }
    let is_misspelt = message.contains("unknown field") || message.contains("unknown variant");
    let Some((said, known)) = message.split_once("expected one of ").filter(|_| is_misspelt) else {
        return (message, None);
    };
    let word = said.split('`').nth(1).unwrap_or_default();
    let known: Vec<&str> = known.split(',').map(|name| name.trim().trim_matches('`')).collect();
    let hint = did_you_mean(word, known.iter().copied()).map(did_you_mean_text);
    // With a suggestion, the long list of all keys only hides it.
    let short = said.trim_end().trim_end_matches(',').to_owned();
    if hint.is_some() { (short, hint) } else { (message, None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_gets_a_suggestion_and_not_the_whole_list() {
        let said = "unknown field `wehn`, expected one of rule, version, title, when, unless at line 3 column 1";
        let (message, hint) = yaml_message(said);
        assert_eq!((message.as_str(), hint.as_deref()), ("unknown field `wehn`", Some("did you mean `when`?")));
        let (message, hint) = yaml_message("unknown field `frobnicate`, expected one of `rule`, `title`");
        assert!(message.contains("expected one of") && hint.is_none());
    }
}
