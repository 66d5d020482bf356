//! `fleetward evaluate`: detection against the truth.

mod split;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use fleetward_evaluate::study::{Findings, Study, compiled};
use fleetward_evaluate::{EvaluateError, Judges, Report, Trial, labelled, labels};
use fleetward_fleet::{Observation, Timestamp, counted, wire};
use fleetward_journal::Reader;
use fleetward_rules::{Options, RuleSet};
use fleetward_simulate::World;

use self::split::Survey;
use super::simulate::{Fleet, warn};
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::printer::write_line;

/// Classes of the study, where none are named.
const CLASSES: [&str; 6] = ["meter", "tracker", "pos", "alarm", "camera", "vehicle"];

/// Midnight of 29 March 2026, when summer time begins in Europe.
const CLOCKS_CHANGE: i64 = 1_774_742_400;

/// Points of `--curve`, false alarms per device-month.
const CURVE: [f64; 6] = [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1];

/// Training days of `--cold-start`.
const COLD: [u32; 4] = [1, 3, 7, 28];

/// Measure detection against the truth of a simulated (or labelled) fleet, beside detectors of the textbook.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Evaluate {
    #[command(flatten)]
    fleet: Fleet,
    /// Only these scenarios of the overlays.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    scenario: Vec<String>,
    /// Worlds, with seeds that follow one another; rates are over all of them.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    worlds: u32,
    /// Days before the test: no misuse, no alarm counted.
    #[arg(long, default_value_t = 56, value_name = "DAYS")]
    training: u32,
    /// Days of the test.
    #[arg(long, default_value_t = 28, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    test: u32,
    /// False alarms per device-month that are wanted of the baselines.
    #[arg(long, default_value_t = 0.01, value_name = "RATE", value_parser = rate)]
    budget: f64,
    /// Also the whole curve over the budget.
    #[arg(long)]
    curve: bool,
    /// Also a new fleet, after 1, 3, 7 and 28 days.
    #[arg(long)]
    cold_start: bool,
    /// Also each nuisance by itself.
    #[arg(long)]
    each_nuisance: bool,
    /// Judge the records of this journal instead of a simulation. Needs --truth.
    #[arg(
        long,
        value_name = "FOLDER",
        requires = "truth",
        conflicts_with_all = [
            "scenario", "worlds", "training", "test", "curve", "cold_start", "each_nuisance",
            "devices", "classes", "seed", "start", "misuse", "misused", "nuisance", "tick",
        ]
    )]
    labelled: Option<PathBuf>,
    /// Who was misused, and when, as `simulate --truth` writes it.
    #[arg(long, value_name = "FILE", requires = "labelled")]
    truth: Option<PathBuf>,
    /// With --labelled: count alarms from then on; what was before is there to learn from. Without it, after two thirds of
    /// the recorded time, or from the day of the first misuse, where that is earlier.
    #[arg(long, value_name = "TIME", requires = "labelled")]
    test_begins: Option<Timestamp>,
    /// Rule files beside the built-in ones.
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,
    /// Threads.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = threads)]
    threads: usize,
    /// The main figures alone, as one JSON object in a line; `--format json` prints all of them.
    #[arg(long)]
    json: bool,
    /// The tables, the JSON object and the curve as files, into this folder.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

impl Evaluate {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let rules = Arc::new(self.rules()?);
        let judges = |nominal: f64| judges(rules.clone(), nominal);
        let findings = match &self.labelled {
            Some(journal) => self.recorded(journal, &judges(self.budget))?,
            None => self.simulated(&judges)?,
        };
        if let Some(folder) = &self.out {
            write(folder, &findings)?;
        }
        if !self.json {
            global.printer().object(&findings.json, || findings.text.clone())?;
            return Ok(Exit::Done);
        }
        let mut brief = serde_json::json!({
            "work": "detect", "ours": findings.main.ours(), "textbook": findings.main.textbook(),
        });
        if let Some(begins) = findings.json.get("test_begins") {
            brief["test_begins"] = begins.clone();
        }
        write_line(&brief.to_string())?;
        Ok(Exit::Done)
    }

    fn simulated(&self, judges: &dyn Fn(f64) -> Judges) -> anyhow::Result<Findings> {
        let mut fleet = self.fleet.clone();
        if fleet.misuse.is_empty() {
            fleet.misuse.push("public".into());
        }
        let mut world = fleet.config()?;
        world.classes = fleet.classes(&CLASSES)?;
        if fleet.start.is_none() {
            // The clocks change in the second week of the test, however long the training is.
            world.start =
                Timestamp::from_secs(CLOCKS_CHANGE) - Duration::from_hours(24 * (u64::from(self.training) + 13));
        }
        if let Some(unknown) = self.scenario.iter().find(|name| world.scenarios.iter().all(|s| *s.scenario != ***name))
        {
            let known: Vec<&str> = world.scenarios.iter().map(|scenario| &*scenario.scenario).collect();
            let hint = format!("the overlays have {}", known.join(", "));
            return Err(Failure::input(format!("there is no scenario {unknown:?}"), hint).into());
        }
        if !self.scenario.is_empty() {
            world.scenarios.retain(|scenario| self.scenario.iter().any(|name| **name == *scenario.scenario));
        }
        (world.days, world.training_days) = (self.training + self.test, self.training);
        let study = Study {
            trial: Trial { world, worlds: self.worlds, threads: self.threads },
            judges,
            nominal: self.budget,
            curve: if self.curve { CURVE.to_vec() } else { Vec::new() },
            cold_starts: if self.cold_start { COLD.to_vec() } else { Vec::new() },
            nuisances: self.each_nuisance,
            progress: &|part| eprintln!("evaluate: {part}"),
        };
        let refused = |error: &dyn std::error::Error| {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            Failure::input(format!("{error}{cause}"), "raise --devices or lower --misused")
        };
        warn(&World::new(study.trial.world.clone()).map_err(|error| refused(&EvaluateError::Overlay(error)))?)?;
        study.run().map_err(|error| refused(&error).into())
    }

    /// A journal whose truth is known.
    fn recorded(&self, folder: &Path, judges: &Judges) -> anyhow::Result<Findings> {
        let file = self.truth.as_ref().context("--truth is missing")?;
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let cases = labels(&text).map_err(|error| {
            let source = &error.source;
            Failure::input(format!("{}: {error}: {source}", file.display()), "simulate --truth writes such a file")
        })?;
        let mut problem = None;
        let survey = Survey::of(records(folder, &mut problem)?);
        stopped(problem.take())?;
        let Some(survey) = survey else {
            let message = format!("{} holds no records", folder.display());
            return Err(Failure::input(message, "simulate --journal writes such a folder").into());
        };
        let strangers = cases.iter().filter(|case| !survey.devices.contains(&case.device)).count();
        if strangers > 0 && strangers == cases.len() {
            let message =
                format!("none of the devices of {} are in the records of {}", file.display(), folder.display());
            return Err(Failure::input(message, "name the truth of this fleet: simulate writes both in one run").into());
        }
        let split = survey.split(self.test_begins, &cases)?;
        let outcome = labelled(records(folder, &mut problem)?, cases, split.test_begins, judges)?;
        stopped(problem)?;
        let main = Report { outcome, nominal: self.budget, cost: None };
        let mut text = format!("{}\n", split.text());
        if strangers > 0 {
            let devices = counted(strangers, "device");
            text += &format!("Not in the records: {devices} of the truth, which count as not found.\n");
        }
        let mut json = main.json();
        json["test_begins"] = serde_json::json!(split.test_begins);
        Ok(Findings { text: format!("{text}\n{}", main.text()), json, main, svg: None })
    }

    fn rules(&self) -> anyhow::Result<RuleSet> {
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            anyhow::Ok((path.display().to_string(), text))
        };
        let files = self.rules.iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        let named: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        RuleSet::with_builtin(&named, &Options::default()).map_err(|mistakes| {
            let lines: Vec<String> =
                mistakes.into_iter().map(|mistake| crate::rulefiles::problem(mistake).to_string()).collect();
            Failure::input(lines.join("\n       "), "docs/rules.md describes the language").into()
        })
    }
}

/// What is divided by, and what nobody can promise to keep.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| {
        "a rate is above 0: write for example 0.01, one false alarm in a hundred device-months".to_owned()
    })
}

fn threads(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|threads| *threads > 0).ok_or_else(|| "write how many, from 1 on".to_owned())
}

/// The product as it is, and the textbook.
fn judges(rules: Arc<RuleSet>, nominal: f64) -> Judges {
    Judges { compiled: Arc::new(compiled(rules, nominal)), textbook: fleetward_evaluate::textbook, nominal }
}

fn stopped(problem: Option<anyhow::Error>) -> anyhow::Result<()> {
    problem.map_or(Ok(()), |problem| Err(problem.context("the journal cannot be read to its end")))
}

/// The observations of a journal; what stops it is kept in `problem`.
fn records<'a>(
    folder: &Path,
    problem: &'a mut Option<anyhow::Error>,
) -> anyhow::Result<impl Iterator<Item = Observation> + 'a> {
    let reader =
        Reader::open_oldest(folder).with_context(|| format!("cannot read the journal in {}", folder.display()))?;
    Ok(reader
        .map_while(move |record| match record {
            Ok(record) => Some(wire::from_wire(&record.bytes).ok()),
            Err(error) => {
                *problem = Some(error.into());
                None
            }
        })
        .flatten())
}

fn write(folder: &Path, findings: &Findings) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let put = |name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    };
    put("quality.md", &findings.text)?;
    put("quality.json", &serde_json::to_string_pretty(&findings.json)?)?;
    findings.svg.as_ref().map_or(Ok(()), |svg| put("curve.svg", svg))
}
