//! The rules that come with Fleetward: files in the language, embedded.

use std::sync::Arc;

use crate::compile::compile_documents;
use crate::rule::Rule;
use crate::ruleset::Options;

/// (name, text) of every file.
pub const FILES: &[(&str, &str)] = &[
    ("builtin/admission.yaml", include_str!("../rules/admission.yaml")),
    ("builtin/baseline.yaml", include_str!("../rules/baseline.yaml")),
    ("builtin/identity.yaml", include_str!("../rules/identity.yaml")),
    ("builtin/lifecycle.yaml", include_str!("../rules/lifecycle.yaml")),
    ("builtin/place.yaml", include_str!("../rules/place.yaml")),
    ("builtin/sessions.yaml", include_str!("../rules/sessions.yaml")),
    ("builtin/volume.yaml", include_str!("../rules/volume.yaml")),
];

pub(crate) fn compile(options: &Options) -> Vec<Arc<Rule>> {
    let compiled = compile_documents(FILES, options, true);
    // The files are part of the program and a test compiles them; an operator's lists cannot make them wrong.
    compiled.unwrap_or_default().into_iter().map(|with_tests| with_tests.rule).collect()
}
