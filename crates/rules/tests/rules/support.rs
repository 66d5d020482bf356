//! What several tests ask of rule files.

use fleetward_rules::{Options, RuleSet, run_tests};

/// Runs the examples of files; all must hold.
#[track_caller]
pub(crate) fn all_hold(files: &[(&str, &str)]) {
    let results = run_tests(files, &Options::default()).unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    });
    assert!(!results.is_empty());
    for result in results {
        assert_eq!(result.failure, None, "{} in\n{}", result.name, files[0].1);
    }
}

/// The same of one file.
#[track_caller]
pub(crate) fn holds(text: &str) {
    all_hold(&[("r.yaml", text)]);
}

/// What is wrong with one file.
pub(crate) fn errors(text: &str) -> String {
    errors_of(&[("r.yaml", text)])
}

/// What is wrong with files, by themselves.
pub(crate) fn errors_of(files: &[(&str, &str)]) -> String {
    told(RuleSet::compile(files, &Options::default()))
}

/// The mistakes, a line each.
pub(crate) fn told(compiled: Result<RuleSet, Vec<fleetward_rules::Diagnostic>>) -> String {
    match compiled {
        Ok(_) => "accepted".to_owned(),
        Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}
