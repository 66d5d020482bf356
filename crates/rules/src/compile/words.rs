//! What a rule says to people: its sentences, and its expressions as they were written.

use serde_saphyr::Spanned;

use super::Compiler;
use super::feed::describe_watch;
use crate::document::RuleDocument;
use crate::expr::Names;
use crate::expr::reach::Reads;
use crate::rule::{Excepted, Text};
use crate::template::Template;
use crate::vocabulary::Field;

impl Compiler<'_, '_> {
    pub(super) fn template(
        &mut self,
        text: Option<&Spanned<String>>,
        default: &str,
        memory: &mut Vec<Field>,
    ) -> Template {
        let compiled = Template::compile(text.map_or(default, |text| &text.value), &self.names);
        match (compiled, text) {
            (Ok((template, typed)), _) => {
                let mut reads = Reads::default();
                for typed in &typed {
                    reads.typed(typed);
                }
                self.reads_device |= reads.whole_device;
                if text.is_some() {
                    self.windows_read.extend(reads.windows);
                }
                memory.extend(reads.memory);
                template
            }
            (Err(wrong), Some(text)) => {
                self.note(text, wrong);
                Template::default()
            }
            (Err(_), None) => Template::default(),
        }
    }
}

pub(super) fn default_observed(when: &str, windows: &[&str]) -> String {
    if windows.is_empty() {
        return braces(when);
    }
    windows.iter().map(|name| format!("{name}: {{{name}}}")).collect::<Vec<_>>().join(", ")
}

/// As it stands in a template.
pub(super) fn braces(text: &str) -> String {
    plain(text).replace('{', "{{").replace('}', "}}")
}

/// With white space as in a sentence.
pub(super) fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn text_of(document: &RuleDocument, names: &Names, responds_unless: Vec<Option<String>>) -> Text {
    let excepted = names.shared.exceptions.iter().filter(|exception| exception.rule.value == document.rule.value);
    let excepted = excepted.map(|it| Excepted {
        when: plain(&it.when.value).into(),
        until: it.until,
        until_text: it.until_text.as_str().into(),
        reason: plain(&it.reason).into(),
        place: it.source().at_line(it.until_line).into(),
    });
    let watch = document.watch.iter().map(|(name, watch)| (name.clone(), describe_watch(&watch.value)));
    let some = |text: &Option<Spanned<String>>| text.as_ref().map(|text| plain(&text.value));
    let excuses = document.unless.iter().chain(&document.except);
    Text {
        scope: some(&document.scope),
        watch: watch.collect(),
        when: plain(&document.when.value),
        excuses: excuses.map(|text| plain(&text.value)).collect(),
        exceptions: excepted.collect(),
        named: names.named.meanings(),
        clear: some(&document.clear),
        repeat: some(&document.repeat),
        responds_unless,
        expected: some(&document.expected),
        observed: some(&document.observed),
        advice: some(&document.advice),
        confidence: some(&document.confidence),
    }
}
