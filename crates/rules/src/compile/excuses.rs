//! What excuses a rule: its own words, what operators excepted, what was announced.

use std::sync::Arc;

use fleetward_fleet::PlannedKind;

use super::Compiler;
use crate::called::calls;
use crate::diagnostic::{did_you_mean, did_you_mean_text};
use crate::document::RuleDocument;
use crate::expr::{Bool, check_bool};
use crate::planned::{self, PlannedKinds};

impl Compiler<'_, '_> {
    pub(super) fn planned(&mut self, document: &RuleDocument) -> PlannedKinds {
        let shared = Arc::clone(&self.names.shared);
        planned::kinds_of(document, &shared.macros).unwrap_or_else(|name| {
            let kinds = PlannedKind::ALL.map(PlannedKind::name);
            let hint = did_you_mean(&name, kinds).map(did_you_mean_text);
            let hint = hint.unwrap_or_else(|| format!("one of {}", kinds.join(", ")));
            let message = format!("`{name}` is no kind of planned change");
            let place = document.planned.as_ref().map_or(0, |stated| stated.referenced.line() as usize);
            self.wrong.push(self.source.diagnostic(place, 1, message, Some(hint)));
            PlannedKinds::default()
        })
    }

    /// Everything that excuses it: `unless`, `except`, and what operators excepted.
    pub(super) fn excuses(&mut self, document: &RuleDocument) -> Vec<Bool> {
        let own = document.unless.iter().chain(&document.except);
        let mut excuses: Vec<Bool> = own.filter_map(|text| self.condition(text)).collect();
        excuses.extend(self.exceptions(document));
        excuses
    }

    /// What operators excepted, each until its end.
    pub(super) fn exceptions(&mut self, document: &RuleDocument) -> Vec<Bool> {
        let shared = Arc::clone(&self.names.shared);
        let mut excepted = Vec::new();
        for exception in shared.exceptions.iter().filter(|exception| exception.rule.value == document.rule.value) {
            match check_bool(&exception.when.value, &self.names) {
                Ok(when) => {
                    let place = |at| exception.source().inside(&exception.when, at, "", None);
                    self.calls.extend(calls(&when, &exception.when.value, place));
                    excepted.push(Bool::And(Box::new(Bool::Before(exception.until)), Box::new(when)));
                }
                Err(errors) => {
                    let source = exception.source();
                    let told = errors.into_iter().map(|it| source.inside(&exception.when, it.at, it.message, it.hint));
                    self.wrong.extend(told);
                }
            }
        }
        excepted
    }
}
