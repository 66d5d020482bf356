//! Rules as files.

use serde::Serialize;
use utoipa::ToSchema;

use crate::control::{OwnRule, Reloaded, RuleCheck, RuleExample, RuleWritten};
use crate::inventory::LineError;
use crate::view::RuleView;

/// What is in force after a reload.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReloadView {
    /// Rules in force.
    pub rules: usize,
    /// Models with a profile.
    pub models: usize,
    /// Rules that were not in force before.
    pub added: Vec<String>,
    /// Rules whose version is another one.
    pub changed: Vec<String>,
    /// Rules that are no more.
    pub removed: Vec<String>,
    /// Not wrong, and yet somebody should know.
    pub warnings: Vec<String>,
}

impl ReloadView {
    pub(crate) fn of(reloaded: Reloaded) -> Self {
        let Reloaded { rules, models, added, changed, removed, warnings } = reloaded;
        Self { rules, models, added, changed, removed, warnings }
    }
}

/// One rule of the operator's own.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OwnRuleView {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Its file, in the folder of rules.
    pub file: String,
    /// The file holds other documents too: it is changed by hand, then reloaded.
    pub shared_file: bool,
    /// The text of the file.
    pub text: String,
}

impl OwnRuleView {
    pub(crate) fn of(rule: OwnRule) -> Self {
        let OwnRule { name, version, file, shared_file, text } = rule;
        Self { name: name.into(), version, file, shared_file, text }
    }
}

/// A rule was written.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleWrittenView {
    /// Its version.
    pub version: u32,
    /// Its mode.
    pub mode: &'static str,
    /// What it says, in words.
    pub explain: String,
    /// Not wrong, and yet somebody should know.
    pub warnings: Vec<String>,
}

impl RuleWrittenView {
    pub(crate) fn of(written: RuleWritten) -> Self {
        let RuleWritten { version, mode, explain, warnings } = written;
        Self { version, mode, explain, warnings }
    }
}

/// What was found in a text.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleCheckView {
    /// No mistakes, and every example says what it should.
    pub ok: bool,
    /// Mistakes, by place.
    pub mistakes: Vec<LineError>,
    /// The rules, where there are no mistakes.
    pub rules: Vec<RuleView>,
    /// Their examples.
    pub examples: Vec<RuleExampleView>,
}

/// An example in a rule and what came of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RuleExampleView {
    /// The rule.
    pub rule: String,
    /// Its line.
    pub line: usize,
    /// Its name.
    pub name: String,
    /// What was expected and what happened; `null`: as expected.
    pub failure: Option<String>,
}

impl RuleCheckView {
    pub(crate) fn of(check: RuleCheck) -> Self {
        let example = |example: RuleExample| RuleExampleView {
            rule: example.rule,
            line: example.line,
            name: example.name,
            failure: example.failure,
        };
        Self {
            ok: check.mistakes.is_empty() && check.examples.iter().all(|example| example.failure.is_none()),
            mistakes: check.mistakes,
            rules: check.rules.into_iter().map(RuleView::of).collect(),
            examples: check.examples.into_iter().map(example).collect(),
        }
    }
}
