//! Documents of every kind, by the key that they begin with.

use fleetward_fleet::YamlError;
use serde::de::DeserializeOwned;

use crate::diagnostic::Diagnostic;
use crate::document::{AreaDocument, ExceptionDocument, ListDocument, MacroDocument, PositionsDocument, RuleDocument};
use crate::source::{Source, documents};

/// Largest rule file, in bytes.
const MAX_FILE: usize = 1 << 20;
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
        if is_data(file) {
            found.data.push((file, text));
        } else if text.len() > MAX_FILE {
            let message = format!("larger than {MAX_FILE} bytes");
            wrong.push(Diagnostic { file: (*file).to_owned(), line: 0, column: 0, message, hint: None });
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
    let mistake = |error: YamlError| {
        wrong.push(source.diagnostic(error.line as usize, error.column as usize, error.message, error.hint));
    };
    fleetward_fleet::from_yaml(source.text).map_err(mistake).ok()
}
