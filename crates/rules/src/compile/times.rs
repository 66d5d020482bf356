//! For how long a condition must hold, and how often a rule may speak.

use std::time::Duration;

use fleetward_fleet::parse_duration;
use serde_saphyr::Spanned;

use super::Compiler;
use crate::document::RuleDocument;
use crate::expr::reach::Reads;
use crate::rule::Repeat;
use crate::subject::Subject;
use crate::vocabulary::{self, Field};

/// A length with its unit; `0` is none here.
pub(super) fn length(text: &str) -> Option<Duration> {
    parse_duration(text).filter(|_| !is_bare(text))
}

/// A number without a unit: `90` could be meant as seconds or as minutes.
fn is_bare(text: &str) -> bool {
    text.trim().parse::<u64>().is_ok()
}

impl Compiler<'_, '_> {
    /// Splits `<expr> for 30m`. What remains keeps its length, so columns stay true.
    pub(super) fn held(&mut self, text: &Spanned<String>) -> (Spanned<String>, Duration) {
        let mut condition = text.clone();
        let Some(at) = text.value.rfind(" for ") else { return (condition, Duration::ZERO) };
        let written = &text.value[at + 5..];
        let length = if is_bare(written) { Some(Duration::ZERO) } else { parse_duration(written) };
        let Some(length) = length else { return (condition, Duration::ZERO) };
        let chars = text.value[..at].chars().count() + 5;
        if length > crate::window::MAX_OVER {
            self.wrong.push(self.source.inside(text, chars, "longer than 31 days", None));
        }
        if is_bare(written) {
            let hint = Some("for example `for 30 min`".to_owned());
            self.wrong.push(self.source.inside(text, chars, "a length without a unit", hint));
        }
        condition.value.truncate(at);
        (condition, length)
    }

    /// `once per 24h`, `once per new value`, `once per new imei`, `once per new imei per 7d`; `once per destination per 24h`
    /// is short for `once per new flow.destination per 24h`, and the rule's own key need not be named.
    pub(super) fn repeat(
        &mut self,
        document: &RuleDocument,
        subject: Subject,
        reads: &Reads,
    ) -> (Repeat, Option<Field>) {
        let Some(text) = &document.repeat else { return (Repeat::default(), None) };
        let rest = text.value.trim().strip_prefix("once per ").map(str::trim);
        let every = |text: &str| length(text).filter(|every| (60..=31 * 86_400).contains(&every.as_secs()));
        let parsed = rest.and_then(|rest| {
            if let Some(every) = every(rest) {
                return Some((Repeat { every, per_value: false }, None));
            }
            let (name, length) = rest.split_once(" per ").unwrap_or((rest, "24h"));
            let name = name.trim();
            let every = every(length)?;
            if Subject::parse(name) == Some(subject) {
                return Some((Repeat { every, per_value: false }, None));
            }
            let field = match name.strip_prefix("new ").unwrap_or(name).trim() {
                "value" => reads.first_memory,
                "destination" => vocabulary::find("flow.destination").map(|entry| entry.field),
                name => vocabulary::find(name).map(|entry| entry.field).filter(|field| field.code().is_some()),
            };
            Some((Repeat { every, per_value: true }, Some(field?)))
        });
        parsed.unwrap_or_else(|| {
            let hint =
                "`once per 24h` (1 min to 31 d), `once per new imei`, or `once per new value` of what `changed` names";
            let message = format!("`{}` is not understood", text.value);
            self.wrong.push(self.source.about(text, message, Some(hint.to_owned())));
            (Repeat::default(), None)
        })
    }
}
