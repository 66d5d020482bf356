//! `fleetward rules backtest`: what rules would have found, on records of the past.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use fleetward_detect::BaselineSettings;
use fleetward_detect::backtest::Span;
use fleetward_fleet::{Device, Observation, Profile, Timestamp, parse_duration};
use fleetward_rules::{BUILTIN_FILES, Mode, Options, Rule, RuleSet};

use super::files::{configured, in_force, mistaken, read};
use crate::backtest::{
    Question, RULE_PER_HOUR, last_arrival, of_journal, of_records, only, read_capture, read_csv, read_jsonl, run, show,
};
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::server::{has_store, open_store};
use crate::unread;

/// What to try, and on what.
#[derive(Debug, clap::Args)]
pub(crate) struct Backtest {
    /// Rule files, or folders of them.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    records: Records,
    /// Count from here on: a time (RFC 3339), or how long before the last record (`-30d`). What comes before still
    /// warms windows and sessions up.
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    from: Option<String>,
    /// Count until here, likewise.
    #[arg(long, allow_hyphen_values = true, value_name = "TIME")]
    to: Option<String>,
    /// Compare with: `in-force` (the rules of the same names, as the files of the configuration and the built-in ones say
    /// now: what a server would have after a reload), `nothing`, or a file.
    #[arg(long, default_value = "in-force", value_name = "RULES")]
    against: String,
    /// Profiles, a folder of YAML files; without it, those of the configuration.
    #[arg(long, value_name = "FOLDER")]
    models: Option<PathBuf>,
}

/// Where the records come from; without any, the journal of the configuration.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Records {
    /// A journal's folder; a server may be writing it.
    #[arg(long, value_name = "FOLDER")]
    journal: Option<PathBuf>,
    /// Accounting records as a table, with the columns of `simulate --csv`.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Observations, one JSON object a line, as `journal export` and `simulate --jsonl` write them.
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
    /// Packets (pcap, pcapng; plain, gzip or zstd): what a server would have recorded of them. Devices are told by the
    /// hardware addresses of the inventory; others are named by theirs.
    #[arg(long, value_name = "FILE")]
    capture: Option<PathBuf>,
}

impl Records {
    /// In order of arrival; `None`: no file is named.
    fn of_file(&self) -> anyhow::Result<Option<Vec<Observation>>> {
        let read = |file: &Path| std::fs::read(file).with_context(|| format!("cannot read {}", file.display()));
        let wrong = |file: &Path, mistake: &dyn std::fmt::Display| {
            Failure::input(format!("{}: {mistake}", file.display()), "docs/backtest.md describes the format")
        };
        let (file, records) = if let Some(file) = &self.csv {
            (file, read_csv(&read(file)?).map_err(|mistake| wrong(file, &mistake))?)
        } else if let Some(file) = &self.jsonl {
            (file, read_jsonl(&read(file)?).map_err(|mistake| wrong(file, &mistake))?)
        } else {
            return Ok(None);
        };
        if records.is_empty() {
            return Err(wrong(file, &"it holds no record").into());
        }
        Ok(Some(records))
    }
}

impl Backtest {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let rules = candidates(global, &self.files)?;
        let against = self.against(global, &rules)?;
        against.iter().try_for_each(|against| warn_of_itself(&rules, against))?;
        let profiles = self.profiles(global)?;
        let records = match &self.records.capture {
            Some(file) => Some(of_capture(global, file, &profiles)?),
            None => self.records.of_file()?,
        };
        let ask = |last: Timestamp| {
            let span = self.span(global, last)?;
            let (baseline, off_for) = baseline(global)?;
            let (rules, against) = (Arc::new(rules), against.map(Arc::new));
            anyhow::Ok(Question { rules, against, profiles, span, baseline, off_for })
        };
        let report = if let Some(records) = records {
            let question = ask(records.last().map_or(Timestamp(0), |last| last.observed_at))?;
            let (history, records) = of_records(records);
            run(&question, &history, records)?
        } else {
            let folder = self.folder(global)?;
            let last = last_arrival(&folder)?.ok_or_else(|| {
                Failure::input(format!("{} holds no record", folder.display()), "run the server first")
            })?;
            let question = ask(last)?;
            let devices = if self.records.journal.is_some() { Vec::new() } else { inventory(global)? };
            let (history, records) = of_journal(&folder, question.span.to, devices)?;
            run(&question, &history, records)?
        };
        if report.records == 0 {
            let message = format!("nothing was judged: before {} there are but ticks of the clock", report.to);
            return Err(Failure::input(message, "name records that tell of devices, or a later --to").into());
        }
        global.printer().object(&report, || show(&report))?;
        Ok(Exit::Done)
    }

    fn folder(&self, global: &Global) -> anyhow::Result<PathBuf> {
        let folder = match (&self.records.journal, configured(global)?) {
            (Some(folder), _) => folder.clone(),
            (None, Some((config, base))) => base.join(config.data).join("journal"),
            (None, None) => {
                let message = format!("there is no {}", global.config.display());
                return Err(Failure::input(message, "--journal, --csv, --jsonl or --capture names the records").into());
            }
        };
        unread::check_journal(&folder).map_err(|message| Failure::input(message, "--journal names another folder"))?;
        Ok(folder)
    }

    /// The rules to compare with: those of the same names.
    fn against(&self, global: &Global, rules: &RuleSet) -> anyhow::Result<Option<RuleSet>> {
        let all = match self.against.as_str() {
            "nothing" => return Ok(None),
            "in-force" => in_force(global, &enforced())?,
            file => candidates(global, &[file.into()])?,
        };
        let same = only(all, |name| rules.rule(name).is_some());
        Ok((!same.rules().is_empty()).then_some(same))
    }

    fn profiles(&self, global: &Global) -> anyhow::Result<Vec<Profile>> {
        let folder = match (&self.models, configured(global)?) {
            (Some(folder), _) => folder.clone(),
            (None, Some((config, base))) => base.join(config.models),
            (None, None) => return Ok(Vec::new()),
        };
        if !folder.is_dir() {
            if self.models.is_some() {
                let message = format!("--models: there is no folder {}", folder.display());
                return Err(Failure::input(message, "name a folder with one YAML file a model").into());
            }
            return Ok(Vec::new());
        }
        let mut profiles = Vec::new();
        let is_yaml = |name: &str| Path::new(name).extension().is_some_and(|end| end == "yaml" || end == "yml");
        for (file, text) in read(global, &[folder])?.into_iter().filter(|(name, _)| is_yaml(name)) {
            let profile = Profile::from_yaml(&text).map_err(|error| {
                let message = format!("{file}:{}:{}: {}", error.line, error.column, error.message);
                Failure::input(message, "rules are judged with the profiles of this folder; --models names another")
            })?;
            profiles.push(profile);
        }
        Ok(profiles)
    }

    fn span(&self, global: &Global, last: Timestamp) -> anyhow::Result<Span> {
        let fleet_per_hour = configured(global)?.map_or(50, |(config, _)| config.automation.devices_per_hour);
        let from = self.from.as_deref().map_or(Ok(Timestamp(0)), |text| moment(text, last))?;
        let to = self.to.as_deref().map_or(Ok(Timestamp(last.0 + 1)), |text| moment(text, last))?;
        if from >= to {
            let (message, hint) = match &self.to {
                Some(_) => ("--from is not before --to".to_owned(), "nothing would be counted".to_owned()),
                None => (
                    format!("--from {from} is after the last record ({last})"),
                    "nothing would be counted; write for example `--from -30d`: so long before the last record"
                        .to_owned(),
                ),
            };
            return Err(Failure::input(message, hint).into());
        }
        Ok(Span { from, to, fleet_per_hour, rule_per_hour: RULE_PER_HOUR })
    }
}

/// A file is no other version than itself: one of the configuration, or one that was named twice.
fn warn_of_itself(rules: &RuleSet, against: &RuleSet) -> anyhow::Result<()> {
    let path = |rule: &Rule| Path::new(&*rule.file).canonicalize().ok();
    let is_same = |rule: &&Arc<Rule>| {
        let other = against.rule(&rule.name).and_then(|other| path(other));
        other.is_some() && other == path(rule)
    };
    let files: BTreeSet<&str> = rules.rules().iter().filter(is_same).map(|rule| &*rule.file).collect();
    let mut err = std::io::stderr().lock();
    for file in &files {
        writeln!(err, "warning: {file} is compared with itself")?;
    }
    if !files.is_empty() {
        writeln!(err, "hint: --against FILE names an earlier version; what a server has in force is not asked")?;
    }
    Ok(())
}

/// How baselines are judged: as configured, or by default.
fn baseline(global: &Global) -> anyhow::Result<(Option<BaselineSettings>, Vec<String>)> {
    let Some((config, _)) = configured(global)? else { return Ok((Some(BaselineSettings::default()), Vec::new())) };
    let off_for = config.baseline.off_for.iter().map(|model| model.value.clone()).collect();
    Ok((config.baseline.settings(), off_for))
}

fn enforced() -> Options {
    Options { mode: Some(Mode::Enforce), ..Options::default() }
}

/// The rules of these files; lists and macros of the configuration's other files are at hand.
fn candidates(global: &Global, files: &[PathBuf]) -> anyhow::Result<RuleSet> {
    exist(global, files)?;
    let own = read(global, files)?;
    let names: Vec<&str> = own.iter().flat_map(|(_, text)| text.lines()).filter_map(rule_name).collect();
    let defines = |text: &str| text.lines().filter_map(rule_name).any(|name| names.contains(&name));
    let mut texts = own.clone();
    texts.extend(read(global, &[])?.into_iter().filter(|(_, text)| !defines(text)));
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let rules = RuleSet::compile(&files, &enforced()).map_err(|mistakes| mistaken(mistakes, &texts))?;
    let rules = only(rules, |name| names.contains(&name));
    if rules.rules().is_empty() {
        return Err(
            Failure::input("there is no rule in these files".to_owned(), "a rule begins with `rule: NAME`").into()
        );
    }
    Ok(rules)
}

/// A name where a file is expected, is what people write who have read of names elsewhere.
fn exist(global: &Global, files: &[PathBuf]) -> anyhow::Result<()> {
    let Some(missing) = files.iter().find(|file| !file.exists()) else { return Ok(()) };
    let name = missing.display().to_string();
    let message = format!("there is no file {name}");
    let in_force = in_force(global, &Options::default())?;
    let hint = match in_force.rule(&name) {
        Some(rule) if BUILTIN_FILES.iter().any(|(file, _)| **file == *rule.file) => {
            format!("{name} is a built-in rule; copy its file: fleetward rules print {} > mine.yaml", rule.file)
        }
        Some(rule) => format!("{name} is a rule of {}: name the file", rule.file),
        None => "name rule files, or folders of them".to_owned(),
    };
    Err(Failure::input(message, hint).into())
}

fn rule_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("rule:")?;
    let rest = rest.split('#').next().unwrap_or_default();
    Some(rest.trim().trim_matches(['"', '\'']))
}

/// A time, or how long before `last`.
fn moment(text: &str, last: Timestamp) -> anyhow::Result<Timestamp> {
    let parsed = match text.strip_prefix('-') {
        Some(length) => parse_duration(length).map(|it| last - it),
        None => text.parse().ok(),
    };
    let wrong =
        || Failure::input(format!("`{text}` is no time"), "2026-11-01T00:00:00Z, or -30d before the last record");
    Ok(parsed.ok_or_else(wrong)?)
}

/// What a server with this configuration, or with none, would have recorded.
fn of_capture(global: &Global, file: &Path, profiles: &[Profile]) -> anyhow::Result<Vec<Observation>> {
    let Some((config, base)) = configured(global)? else {
        return read_capture(file, Vec::new(), profiles, &crate::config::Capture::default());
    };
    let devices = if has_store(&base.join(&config.data)) { inventory(global)? } else { Vec::new() };
    read_capture(file, devices, profiles, &config.capture)
}

/// The devices that the database knows, for a journal that no longer reaches back to their import.
fn inventory(global: &Global) -> anyhow::Result<Vec<Device>> {
    let Some((config, base)) = configured(global)? else { return Ok(Vec::new()) };
    let data: &Path = &base.join(config.data);
    let mut devices = Vec::new();
    open_store(data)?.each_device(|device| devices.push(device)).context("cannot read the inventory")?;
    Ok(devices)
}
