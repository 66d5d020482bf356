//! About whom a rule is.

use serde_saphyr::Spanned;

use super::Compiler;
use crate::diagnostic::{did_you_mean, did_you_mean_text};
use crate::document::RuleDocument;
use crate::subject::Subject;

impl Compiler<'_, '_> {
    pub(super) fn subject(&mut self, document: &RuleDocument) -> Subject {
        let mut subject = document.per.as_ref().map(|text| self.subject_of(text));
        match &document.level {
            Some(level) if level.value == "fleet" => subject = subject.or(Some(Subject::Fleet)),
            Some(level) if level.value == "device" => {}
            Some(level) => {
                let hint = Some("fleet or device; `per:` says what is counted together".to_owned());
                self.wrong.push(self.source.about(level, format!("unknown level `{}`", level.value), hint));
            }
            None => {}
        }
        for watch in document.watch.values() {
            let Some(text) = &watch.value.per else { continue };
            let own = self.subject_of(text);
            if *subject.get_or_insert(own) != own {
                let hint = Some("write two rules".to_owned());
                self.wrong.push(self.source.about(watch, "the windows of a rule are all about the same", hint));
            }
        }
        subject.unwrap_or_default()
    }

    pub(super) fn subject_of(&mut self, text: &Spanned<String>) -> Subject {
        Subject::parse(&text.value).unwrap_or_else(|| {
            let known = Subject::ALL.map(Subject::name);
            let hint =
                did_you_mean(&text.value, known).map_or(format!("one of {}", known.join(", ")), did_you_mean_text);
            self.wrong.push(self.source.about(text, format!("unknown subject `{}`", text.value), Some(hint)));
            Subject::default()
        })
    }
}
