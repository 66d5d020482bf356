//! `fleetward rules`: the rules that judge, from files, without a server.

mod backtest;
mod diff;
mod explain;
mod files;
mod list;
#[cfg(feature = "sigma")]
mod sigma;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use fleetward_fleet::{counted, did_you_mean, did_you_mean_text};
use fleetward_rules::{Options, SCHEMA, TestResult, run_tests};
use serde_json::{Value, json};

use self::files::{mistaken, read};
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::printer::write_line;
use crate::rulefiles;

/// The rules that judge.
#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// Check rule files (without any: those of the configuration and the built-in ones).
    Check {
        /// Files, or folders of them.
        files: Vec<PathBuf>,
    },
    /// Run the examples inside rule files; exit code 1 if one fails.
    Test {
        /// Files, or folders of them; without any, the configuration's and the built-in ones.
        files: Vec<PathBuf>,
    },
    /// List the rules in force, with what each costs.
    List(list::Filter),
    /// Say in a sentence what a rule means, what it looks at, and what it costs.
    Explain {
        /// Its name, or a file.
        rule: String,
    },
    /// Say how rules differ: what they judge, what they do, what they say, also through macros, lists and exceptions. Exit
    /// code 1 where they do.
    Diff {
        /// A file, a folder, or the name of a rule in force.
        before: String,
        /// The same; without it, BEFORE is compared with the version in force.
        after: Option<String>,
    },
    /// Try rules on records of the past: alarms a day, devices, examples, what they would have done, the difference to
    /// another version. Nothing is sent to anybody.
    Backtest(backtest::Backtest),
    /// Print a built-in rule file, to start one's own from.
    Print {
        /// Its name; without one, the names of all.
        file: Option<String>,
    },
    /// Print the JSON Schema of rule files, for editors.
    Schema,
    /// Translate Sigma rules: ours on standard output, an account on standard error; exit code 1 if one could not be.
    #[cfg(feature = "sigma")]
    ImportSigma {
        /// Sigma files, or folders of them.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

impl Rules {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Check { files } => check(global, &files),
            Self::Test { files } => test(global, &files),
            Self::List(filter) => list::list(global, &filter),
            Self::Explain { rule } => explain::explain(global, &rule),
            Self::Diff { before, after } => diff::diff(global, &before, after.as_deref()),
            Self::Backtest(backtest) => backtest.run(global),
            Self::Print { file } => print(file.as_deref()),
            Self::Schema => schema(),
            #[cfg(feature = "sigma")]
            Self::ImportSigma { files } => sigma::import(global, &files),
        }
    }
}

fn check(global: &Global, files: &[PathBuf]) -> anyhow::Result<Exit> {
    let count = files::strictly(global, files)?.rules().len();
    let texts = read(global, files)?;
    // Whether the examples hold is `test`'s to say; that they can be understood belongs to the file.
    run_tests(&named(&texts), &Options::default()).map_err(|mistakes| mistaken(mistakes, &texts))?;
    let empty = texts.iter().filter(|(name, text)| is_empty(name, text));
    let mut warnings: Vec<String> = empty.map(|(name, _)| format!("there is nothing in {name}")).collect();
    warnings.extend(files::warnings(global, files)?);
    let text = || {
        let lines = warnings.iter().map(|warning| format!("warning: {warning}"));
        lines.chain([format!("{}, no mistakes", counted(count, "rule"))]).collect::<Vec<_>>().join("\n")
    };
    global.printer().object(&json!({ "rules": count, "warnings": &warnings }), text)?;
    Ok(Exit::Done)
}

/// As the compiler takes them.
fn named(texts: &[(String, String)]) -> Vec<(&str, &str)> {
    texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}

/// A rule file in which every line is a remark or blank.
fn is_empty(name: &str, text: &str) -> bool {
    let says_nothing = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    rulefiles::is_rule_file(Path::new(name)) && text.lines().all(says_nothing)
}

fn test(global: &Global, files: &[PathBuf]) -> anyhow::Result<Exit> {
    let mut texts = read(global, files)?;
    if files.is_empty() {
        texts
            .extend(fleetward_rules::BUILTIN_FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    }
    let results = run_tests(&named(&texts), &Options::default()).map_err(|mistakes| mistaken(mistakes, &texts))?;
    let failures = results.iter().filter_map(|result| Some((result, result.failure.as_deref()?)));
    let failed = failures.clone().count();
    let passed = results.len() - failed;
    let text = || {
        let line = |(of, failure): (&TestResult, &str)| {
            format!("{}:{}: {} ({}): {failure}\n", of.file, of.line, of.rule, of.name)
        };
        let lines: String = failures.clone().map(line).collect();
        format!("{lines}{} passed, {failed} failed", counted(passed, "example"))
    };
    let examples: Vec<Value> = results.iter().map(example).collect();
    global.printer().object(&json!({ "passed": passed, "failed": failed, "examples": examples }), text)?;
    Ok(if failed == 0 { Exit::Done } else { Exit::Found })
}

/// An example as `--format json` shows it; `failure` is null where it passed.
fn example(of: &TestResult) -> Value {
    json!({ "rule": of.rule, "file": of.file, "line": of.line, "name": of.name, "failure": of.failure })
}

/// There is no `what` of this name: the one that was most likely meant, or where to look.
fn not_there<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a str>, look: &str) -> Failure {
    let meant = did_you_mean(name, names).map(did_you_mean_text);
    Failure::input(format!("there is no {what} {name:?}"), meant.unwrap_or_else(|| look.to_owned()))
}

fn print(file: Option<&str>) -> anyhow::Result<Exit> {
    let known = |wanted: &str| fleetward_rules::BUILTIN_FILES.iter().any(|(name, _)| *name == wanted);
    if let Some(wanted) = file.filter(|wanted| !known(wanted)) {
        let names = fleetward_rules::BUILTIN_FILES.iter().map(|(name, _)| *name);
        return Err(not_there("built-in file", wanted, names, "fleetward rules print shows them").into());
    }
    for (name, text) in fleetward_rules::BUILTIN_FILES {
        match file {
            None => write_line(name)?,
            Some(wanted) if *name == wanted => write_line(text.trim_end())?,
            Some(_) => {}
        }
    }
    Ok(Exit::Done)
}

fn schema() -> anyhow::Result<Exit> {
    write_line(SCHEMA.trim_end())?;
    Ok(Exit::Done)
}
