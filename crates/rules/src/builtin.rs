//! The rules that come with Fleetward: files in the language, embedded.

use std::sync::Arc;

use crate::compile::compile_documents;
use crate::diagnostic::Diagnostic;
use crate::rule::Rule;
use crate::ruleset::Options;
use crate::shared::Shared;

/// (name, text) of every file.
pub const FILES: &[(&str, &str)] = &[
    ("builtin/admission.yaml", include_str!("../rules/admission.yaml")),
    ("builtin/baseline.yaml", include_str!("../rules/baseline.yaml")),
    ("builtin/destinations.yaml", include_str!("../rules/destinations.yaml")),
    ("builtin/identity.yaml", include_str!("../rules/identity.yaml")),
    ("builtin/lifecycle.yaml", include_str!("../rules/lifecycle.yaml")),
    ("builtin/logins.yaml", include_str!("../rules/logins.yaml")),
    ("builtin/messages.yaml", include_str!("../rules/messages.yaml")),
    ("builtin/network.yaml", include_str!("../rules/network.yaml")),
    ("builtin/place.yaml", include_str!("../rules/place.yaml")),
    ("builtin/sessions.yaml", include_str!("../rules/sessions.yaml")),
    ("builtin/sources.yaml", include_str!("../rules/sources.yaml")),
    ("builtin/volume.yaml", include_str!("../rules/volume.yaml")),
];

/// Compiles them with what an operator's files share: lists of the same name win, exceptions are made. Alone they cannot be
/// wrong (a test compiles them), but a list that does not fit can make them so.
pub(crate) fn compile(options: &Options, outer: &Shared) -> Result<Vec<Arc<Rule>>, Vec<Diagnostic>> {
    let compiled = compile_documents(FILES, options, outer, true)?;
    Ok(compiled.rules.into_iter().map(|with_tests| with_tests.rule).collect())
}

/// The names of the rules.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let lines = FILES.iter().flat_map(|(_, text)| text.lines());
    lines.filter_map(|line| line.strip_prefix("rule:")).map(str::trim)
}
