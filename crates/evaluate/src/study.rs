//! The whole study: the main trial, the curve over the budget, the first days of a new fleet, each nuisance by itself.

use std::sync::Arc;

use fleetward_detect::{AlarmBudget, BaselineSettings, Compiled, Limits};
use fleetward_fleet::counted;
use fleetward_simulate::{Class, Config, NUISANCES, Nuisances, Scenario};
use serde_json::{Value, json};

use crate::cost::cost;
use crate::report::{Report, known};
use crate::run::Judges;
use crate::svg::{Line, curve};
use crate::trial::{EvaluateError, Trial};

/// Worlds of a part, however many threads there are.
const PART_WORLDS: u32 = 2;

/// What is studied, and how large.
pub struct Study<'a> {
    /// The main trial.
    pub trial: Trial,
    /// Makes the judges for a nominal rate of false alarms per device-month.
    pub judges: &'a dyn Fn(f64) -> Judges,
    /// The nominal rate of the main trial.
    pub nominal: f64,
    /// Rates of the curve; empty: no curve.
    pub curve: Vec<f64>,
    /// Days of training before the test, for the first days of a new fleet; empty: not studied.
    pub cold_starts: Vec<u32>,
    /// Studies each nuisance by itself.
    pub nuisances: bool,
    /// Said before each part.
    pub progress: &'a dyn Fn(&str),
}

/// What came of it.
#[derive(Debug)]
pub struct Findings {
    /// The main trial.
    pub main: Report,
    /// Tables, in Markdown.
    pub text: String,
    /// The same for machines.
    pub json: Value,
    /// The curve, where it was asked for.
    pub svg: Option<String>,
}

impl Study<'_> {
    /// Runs all parts.
    pub fn run(&self) -> Result<Findings, EvaluateError> {
        (self.progress)("the main trial");
        let judges = (self.judges)(self.nominal);
        let outcome = self.trial.run(&judges)?;
        (self.progress)("what it costs");
        let small =
            Config { classes: scaled(&self.trial.world, 200), scenarios: Vec::new(), ..self.trial.world.clone() };
        let world = fleetward_simulate::World::new(Config { days: 14, training_days: 14, ..small });
        let cost = cost(world.map_err(EvaluateError::Overlay)?, &judges.compiled)?;
        let main = Report { outcome, nominal: self.nominal, cost: Some(cost) };
        let mut findings = Findings { text: main.text(), json: main.json(), main, svg: None };
        self.curve(&mut findings)?;
        self.cold_starts(&mut findings)?;
        self.nuisances(&mut findings)?;
        Ok(findings)
    }

    /// A part of the study: two worlds, with a third of the devices.
    fn part(&self, mut world: Config, nominal: f64) -> Result<Report, EvaluateError> {
        for (_, count) in &mut world.classes {
            *count = count.div_ceil(3);
        }
        world.misused = world.misused.div_ceil(3);
        let trial = Trial { world, worlds: PART_WORLDS, threads: self.trial.threads };
        Ok(Report { outcome: trial.run(&(self.judges)(nominal))?, nominal, cost: None })
    }

    /// What a table of parts stands on.
    fn smaller(&self) -> String {
        let devices: u32 = self.trial.world.classes.iter().map(|(_, count)| count.div_ceil(3)).sum();
        let worlds = counted(PART_WORLDS, "world");
        format!("\nOf {worlds} with a third of the devices: {} each.\n", counted(devices, "device"))
    }

    fn curve(&self, findings: &mut Findings) -> Result<(), EvaluateError> {
        if self.curve.is_empty() {
            return Ok(());
        }
        let mut text =
            String::from("\n| nominal | realised | fast, no heavy use | slow x3 |\n| ---: | ---: | ---: | ---: |\n");
        text.insert_str(0, &format!("\n## The curve over the budget (baselines alone)\n{}", self.smaller()));
        let (mut fast, mut slow, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        let mut textbook: Vec<Line> = Vec::new();
        for nominal in &self.curve {
            (self.progress)(&format!("the curve at {nominal}"));
            let report = self.part(self.trial.world.clone(), *nominal)?;
            let figures = report.figures(0);
            let realised = figures.false_alarms_per_device_month;
            fast.extend(figures.found_by_volume_alone.map(|share| (realised, share)));
            slow.extend(figures.slow_exfiltration_found.map(|share| (realised, share)));
            text += &format!(
                "| {nominal} | {realised:.5} | {} | {} |\n",
                known(figures.found_by_volume_alone),
                known(figures.slow_exfiltration_found)
            );
            rows.push(json!(figures));
            if textbook.is_empty() {
                let names = report.outcome.columns.iter().enumerate().skip(2);
                textbook = names
                    .map(|(column, name)| {
                        let figures = report.figures(column);
                        let point = |share| (figures.false_alarms_per_device_month, share);
                        (format!("{name}, fast"), figures.found_by_volume_alone.map(point).into_iter().collect())
                    })
                    .collect();
            }
        }
        let mut lines = vec![("baselines, fast misuse".to_owned(), fast), ("baselines, slow x3".to_owned(), slow)];
        lines.append(&mut textbook);
        findings.svg = Some(curve("Found against false alarms, by volume alone", &lines));
        findings.text += &text;
        findings.json["curve"] = json!(rows);
        Ok(())
    }

    fn cold_starts(&self, findings: &mut Findings) -> Result<(), EvaluateError> {
        if self.cold_starts.is_empty() {
            return Ok(());
        }
        findings.text += "\n## A new fleet: the week after so many days\n";
        findings.text += &self.smaller();
        findings.text += "\n| days | false alarms per device-month, baselines | \
                          fast, no heavy use, baselines | fast, with rules |\n| ---: | ---: | ---: | ---: |\n";
        let mut rows = Vec::new();
        for days in &self.cold_starts {
            (self.progress)(&format!("a new fleet after {days} days"));
            let world = Config { days: days + 12, training_days: *days, ..self.trial.world.clone() };
            let (alone, all) = {
                let report = self.part(world, self.nominal)?;
                (report.figures(0), report.figures(1))
            };
            findings.text += &format!(
                "| {days} | {:.4} | {} | {} |\n",
                alone.false_alarms_per_device_month,
                known(alone.found_by_volume_alone),
                known(all.found_with_rules)
            );
            rows.push(json!({ "days": days, "baselines": alone, "with_rules": all }));
        }
        findings.json["cold_start"] = json!(rows);
        Ok(())
    }

    /// All nuisances off, then each by itself: what it adds to the false alarms.
    fn nuisances(&self, findings: &mut Findings) -> Result<(), EvaluateError> {
        if !self.nuisances {
            return Ok(());
        }
        findings.text += "\n## Nuisances one by one: false alarms per device-month\n";
        findings.text += &self.smaller();
        findings.text += "\n| nuisance | baselines | all rules |\n| --- | ---: | ---: |\n";
        let mut rows = Vec::new();
        for name in std::iter::once("none").chain(NUISANCES) {
            (self.progress)(&format!("nuisance: {name}"));
            let mut nuisances = Nuisances::NONE;
            nuisances.set(name, true);
            let world = Config { nuisances, scenarios: Vec::new(), ..self.trial.world.clone() };
            let report = self.part(world, self.nominal)?;
            let (alone, all) = (report.false_alarms(0), report.false_alarms(1));
            findings.text += &format!("| {name} | {:.4} | {:.4} |\n", alone.0, all.0);
            rows.push(json!({ "nuisance": name, "baselines": alone, "all_rules": all }));
        }
        findings.json["nuisances"] = json!(rows);
        Ok(())
    }
}

/// The same classes with another number of devices.
fn scaled(world: &Config, count: u32) -> Vec<(usize, u32)> {
    world.classes.iter().map(|(class, _)| (*class, count)).collect()
}

/// The six classes of the study.
pub fn classes(count: u32) -> Vec<(usize, u32)> {
    let names = ["meter", "tracker", "pos", "alarm", "camera", "vehicle"];
    names.iter().filter_map(|name| Class::find(name)).map(|(class, _)| (class, count)).collect()
}

/// A rule set with the profiles of all classes, and the nominal rate of the baselines (false alarms per device-month).
pub fn compiled(rules: Arc<fleetward_rules::RuleSet>, nominal: f64) -> Compiled {
    let settings = BaselineSettings { budget: AlarmBudget::PerDeviceMonth(nominal), ..BaselineSettings::default() };
    // A simulation ticks every quarter of an hour; looking after every quiet device twice an hour is enough for it.
    let limits = Limits { sweep: std::time::Duration::from_mins(30), ..Limits::default() };
    let profiles = fleetward_simulate::CLASSES.iter().map(Class::profile);
    Compiled::with_limits(rules, profiles, limits).with_baseline(Some(settings), [])
}

/// Scenarios of overlays.
pub fn public_scenarios() -> Result<Vec<Scenario>, fleetward_simulate::OverlayError> {
    let mut all = Vec::new();
    for (_, yaml) in fleetward_simulate::misuse::PUBLIC {
        all.append(&mut fleetward_simulate::Overlay::from_yaml(yaml)?.scenarios);
    }
    Ok(all)
}
