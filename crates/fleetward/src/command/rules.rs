//! `fleetward rules`: the rules that judge, from files, without a server.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use fleetward_rules::{Diagnostic, Options, Rule, RuleSet, run_tests};
use serde_json::json;

use super::cell;
use crate::cli::Global;
use crate::config::{Config, Problem, Settings};
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
    /// List the rules in force.
    List,
    /// Say in a sentence what a rule means and what it costs.
    Explain {
        /// Its name, or a file.
        rule: String,
    },
    /// Print a built-in rule file, to start one's own from.
    Print {
        /// Its name; without one, the names of all.
        file: Option<String>,
    },
}

impl Rules {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Check { files } => check(global, &files),
            Self::Test { files } => test(global, &files),
            Self::List => list(global),
            Self::Explain { rule } => explain(global, &rule),
            Self::Print { file } => print(file.as_deref()),
        }
    }
}

fn check(global: &Global, files: &[PathBuf]) -> anyhow::Result<Exit> {
    let rules = rules(global, files)?;
    write_line(&format!("{} rules, no mistakes", rules.rules().len()))?;
    Ok(Exit::Done)
}

fn test(global: &Global, files: &[PathBuf]) -> anyhow::Result<Exit> {
    let mut texts = read(global, files)?;
    if files.is_empty() {
        texts
            .extend(fleetward_rules::BUILTIN_FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    }
    let named: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let results = run_tests(&named, &Options::default()).map_err(mistaken)?;
    let failed: Vec<_> = results.iter().filter(|result| result.failure.is_some()).collect();
    for result in &failed {
        let failure = result.failure.as_deref().unwrap_or_default();
        write_line(&format!("{}:{}: {} ({}): {failure}", result.file, result.line, result.rule, result.name))?;
    }
    write_line(&format!("{} examples passed, {} failed", results.len() - failed.len(), failed.len()))?;
    Ok(if failed.is_empty() { Exit::Done } else { Exit::Found })
}

fn list(global: &Global) -> anyhow::Result<Exit> {
    let rules = rules(global, &[])?;
    let rows: Vec<_> = rules.rules().iter().map(|rule| describe(rule)).collect();
    let headings = ["RULE", "VERSION", "SEVERITY", "MODE", "TITLE", "FILE"];
    let fields = ["rule", "version", "severity", "mode", "title", "file"];
    global.printer().rows(&rows, &headings, |row| fields.iter().map(|field| cell(row, field)).collect())?;
    Ok(Exit::Done)
}

fn describe(rule: &Rule) -> serde_json::Value {
    json!({
        "rule": rule.name, "version": rule.version, "severity": rule.severity, "mode": rule.mode,
        "title": rule.title, "file": rule.file, "tags": rule.tags, "examples": rule.tests,
    })
}

fn explain(global: &Global, name: &str) -> anyhow::Result<Exit> {
    let path = Path::new(name);
    let rules = if path.exists() { rules(global, &[path.to_owned()])? } else { rules(global, &[])? };
    let chosen: Vec<_> = rules.rules().iter().filter(|rule| path.exists() || &*rule.name == name).collect();
    if chosen.is_empty() {
        return Err(Failure::input(format!("there is no rule {name:?}"), "fleetward rules list shows them").into());
    }
    for rule in chosen {
        let cost = rule.cost();
        write_line(&format!(
            "{}: {}\n  costs about {:.0} ns a record that concerns it, {} windows, at most {} bytes a device",
            rule.name,
            rule.explain(),
            cost.nanos,
            cost.windows,
            cost.bytes
        ))?;
    }
    Ok(Exit::Done)
}

fn print(file: Option<&str>) -> anyhow::Result<Exit> {
    let known = |wanted: &str| fleetward_rules::BUILTIN_FILES.iter().any(|(name, _)| *name == wanted);
    if let Some(wanted) = file.filter(|wanted| !known(wanted)) {
        let message = format!("there is no built-in file {wanted:?}");
        return Err(Failure::input(message, "fleetward rules print shows them").into());
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

/// The rules of these files, or of the configuration.
fn rules(global: &Global, files: &[PathBuf]) -> anyhow::Result<RuleSet> {
    let texts = read(global, files)?;
    let named: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let options = Options::default();
    let (builtin, disabled) = match configured(global)? {
        _ if !files.is_empty() => (false, Vec::new()),
        Some((config, _)) => (config.builtin_rules, config.disable_rules),
        None => (true, Vec::new()),
    };
    let compiled = if builtin { RuleSet::with_builtin(&named, &options) } else { RuleSet::compile(&named, &options) };
    let disabled: Vec<String> = disabled.into_iter().map(|name| name.value).collect();
    compiled.map(|rules| rules.without(&disabled)).map_err(mistaken)
}

/// The configuration and its folder, where there is one.
fn configured(global: &Global) -> anyhow::Result<Option<(Config, PathBuf)>> {
    if !global.config.exists() {
        return Ok(None);
    }
    Settings::outline(&global.config).map(Some).map_err(|problem| wrong(&[problem]))
}

fn mistaken(mistakes: Vec<Diagnostic>) -> anyhow::Error {
    wrong(&mistakes.into_iter().map(rulefiles::problem).collect::<Vec<_>>())
}

/// Rule files by name; without any, those of the configuration's folder (where there is a configuration).
fn read(global: &Global, files: &[PathBuf]) -> anyhow::Result<Vec<(String, String)>> {
    let mut paths = Vec::new();
    if files.is_empty() {
        let folder = configured(global)?.map(|(config, base)| base.join(config.rules));
        if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
            add(&folder, &mut paths).with_context(|| format!("cannot read {}", folder.display()))?;
        }
    }
    for file in files {
        add(file, &mut paths).with_context(|| format!("cannot read {}", file.display()))?;
    }
    paths.sort();
    let text = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        anyhow::Ok((path.display().to_string(), text))
    };
    paths.iter().map(text).collect()
}

fn add(path: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        paths.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            paths.push(path);
        }
    }
    Ok(())
}

fn wrong(problems: &[Problem]) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Failure::input(lines.join("\n       "), "docs/rules.md describes the language").into()
}
