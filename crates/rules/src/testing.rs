//! The examples inside rule files, run through the same evaluation as live records.

mod detail;
mod given;
mod states;
mod ticks;

use crate::compile::{WithTests, compile_documents};
use crate::diagnostic::Diagnostic;
use crate::document::{Expect, TestDocument};
use crate::firing::Firing;
use crate::rule::Rule;
use crate::ruleset::{Options, RuleSet};
use crate::shared::Shared;
use crate::subject::Subject;
use given::{Earlier, Given};

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

/// Compiles the files and runs every example in them, each against its own rule alone, whatever the rule's mode.
pub fn run_tests(files: &[(&str, &str)], options: &Options) -> Result<Vec<TestResult>, Vec<Diagnostic>> {
    let options = Options { even_off: true, ..options.clone() };
    let compiled = compile_documents(files, &options, &Shared::default(), false)?.rules;
    let mut wrong = Vec::new();
    let mut results = Vec::new();
    for with_tests in &compiled {
        let set = RuleSet::of(vec![with_tests.rule.clone()]);
        for (index, test) in with_tests.document.tests.iter().enumerate() {
            let line = with_tests.source.lines_before + test.referenced.line() as usize;
            if let Some(message) = contradiction(&test.value) {
                let (line, column) = (test.referenced.line() as usize, test.referenced.column() as usize);
                wrong.push(with_tests.source.diagnostic(line, column, message.to_owned(), None));
                continue;
            }
            match run(with_tests, &set, &test.value) {
                Ok(failure) => results.push(TestResult {
                    rule: with_tests.rule.name.clone(),
                    file: with_tests.rule.file.clone(),
                    line,
                    name: test.value.name.clone().unwrap_or_else(|| format!("example {}", index + 1)),
                    failure,
                }),
                Err((line, column, message)) => {
                    wrong.push(with_tests.source.diagnostic(line, column, message, None));
                }
            }
        }
    }
    if wrong.is_empty() { Ok(results) } else { Err(wrong) }
}

/// What an example expects that can never be.
fn contradiction(test: &TestDocument) -> Option<&'static str> {
    let many = test.count.is_some_and(|count| count > 0);
    match test.expect {
        Expect::Alarm if test.count == Some(0) => Some("`expect: alarm` with `count: 0`: no alarm is `expect: none`"),
        Expect::None if many || test.respond.as_ref().is_some_and(|respond| !respond.is_empty()) => {
            Some("`expect: none` with a `count` or with `respond`: nothing is responded to without an alarm")
        }
        _ => None,
    }
}

/// Line, column and message of an event that cannot be understood.
type Misread = (usize, usize, String);

fn run(with_tests: &WithTests<'_>, set: &RuleSet, test: &TestDocument) -> Result<Option<String>, Misread> {
    let mut given = Given::new(test).map_err(|message| (0, 0, message))?;
    let mut fired = Vec::new();
    for (events, event) in test.given.iter().enumerate() {
        let earlier = Earlier { test, events };
        let place = |message| (event.referenced.line() as usize, event.referenced.column() as usize, message);
        let rule = &with_tests.rule;
        fired.extend(given.pass_time(set, rule, &event.value, &earlier).map_err(place)?);
        fired.extend(given.observe(set, rule, &event.value, &earlier).map_err(place)?);
    }
    let started: Vec<&Firing> = fired.iter().filter(|firing| matches!(firing, Firing::Started { .. })).collect();
    let nobody = if started.is_empty() { nobody(&with_tests.rule, test) } else { "" };
    Ok(compare(test, &started).map(|failure| failure + nobody))
}

/// Why the rule is about nobody in this example, where it is.
fn nobody(rule: &Rule, test: &TestDocument) -> &'static str {
    match rule.subject {
        Subject::Group if test.device.groups.is_empty() => {
            " (its device is in no group; write for example `device: { groups: [meters] }`)"
        }
        Subject::Model if test.device.model.is_none() => {
            " (its device has no model; write for example `device: { model: meter }`)"
        }
        _ => "",
    }
}

fn compare(test: &TestDocument, started: &[&Firing]) -> Option<String> {
    let found = match started.len() {
        0 => "no finding".to_owned(),
        1 => "one finding".to_owned(),
        n => format!("{n} findings"),
    };
    match (test.expect, test.count) {
        (Expect::None, _) if !started.is_empty() => return Some(format!("expected none, got {found}")),
        (Expect::Alarm, None) if started.is_empty() => return Some("expected an alarm, got none".into()),
        (Expect::Alarm, Some(count)) if started.len() != count => {
            return Some(format!("expected {count}, got {found}"));
        }
        _ => {}
    }
    let wanted = test.respond.as_ref()?;
    let Some(Firing::Started { responds, .. }) = started.first() else { return None };
    let got: Vec<&str> = responds.iter().map(|respond| respond.action.name()).collect();
    (got != *wanted).then(|| format!("expected the responses {wanted:?}, got {got:?}"))
}
