//! The examples inside rule files, run through the same evaluation as live records.

use crate::diagnostic::Diagnostic;
use crate::ruleset::Options;

/// One example and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// The rule.
    pub rule: Box<str>,
    /// Its file.
    pub file: Box<str>,
    /// 1-based line of the example.
    pub line: usize,
    /// Its name, or its number.
    pub name: String,
    /// `None`: it passed. Otherwise what was expected and what happened.
    pub failure: Option<String>,
}

/// Compiles the files and runs every example in them, each against its own rule.
pub fn run_tests(files: &[(&str, &str)], options: &Options) -> Result<Vec<TestResult>, Vec<Diagnostic>> {
    todo!("{files:?} {options:?}")
}
