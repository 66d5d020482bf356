//! Backtests asked for through the API: within a minute, one at a time, beside the live detection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fleetward_api::ControlError;
use fleetward_detect::backtest::Span;
use fleetward_fleet::{Device, Timestamp};
use fleetward_rules::{Diagnostic, Mode, Options, RuleSet};

use super::ruledesk::{RuleDesk, files, mistakes};
use crate::backtest::{Question, RULE_PER_HOUR, last_arrival, of_journal, only, run};
use crate::rulefiles;

/// The server has other things to do.
const MOST: Duration = Duration::from_mins(1);

impl RuleDesk {
    /// Tries the text on the last days of the journal. `devices`: the inventory, where the journal does not reach back to it.
    pub(super) fn backtest(
        &self,
        text: &str,
        days: u32,
        devices: Vec<Device>,
    ) -> Result<serde_json::Value, ControlError> {
        let Some(_one) = self.trying.try_lock() else {
            return Err(ControlError::Unavailable("another backtest is under way; try again in a minute".into()));
        };
        let settings = self.settings()?;
        let rules = self.enforced(text)?;
        let against = only(self.all_enforced()?, |name| rules.rule(name).is_some());
        let dir = settings.data().join("journal");
        let internal = |error: anyhow::Error| ControlError::Internal(format!("{error:#}"));
        let last = last_arrival(&dir).map_err(internal)?.unwrap_or(Timestamp(0));
        let to = Timestamp(last.0 + 1);
        let span = Span {
            from: to - Duration::from_hours(24 * u64::from(days)),
            to,
            fleet_per_hour: settings.config.automation.devices_per_hour,
            rule_per_hour: RULE_PER_HOUR,
        };
        let baseline = &settings.config.baseline;
        let question = Question {
            rules: Arc::new(rules),
            against: (!against.rules().is_empty()).then(|| Arc::new(against)),
            profiles: settings.profiles.clone(),
            span,
            baseline: baseline.settings(),
            off_for: baseline.off_for.iter().map(|model| model.value.clone()).collect(),
        };
        let (history, records) = of_journal(&dir, to, devices).map_err(internal)?;
        let begun = Instant::now();
        let mut complete = true;
        let in_time = records.take_while(|_| {
            complete = begun.elapsed() < MOST;
            complete
        });
        let report = run(&question, &history, in_time).map_err(internal)?;
        let mut report = serde_json::to_value(report).map_err(|error| ControlError::Internal(error.to_string()))?;
        report["complete"] = complete.into();
        Ok(report)
    }

    /// The rules of a text, as if enforced.
    fn enforced(&self, text: &str) -> Result<RuleSet, ControlError> {
        let (files, options) = self.surroundings(text)?;
        compile(&files, &Options { mode: Some(Mode::Enforce), ..options }, false)
    }

    /// The built-in rules and the operator's, as if enforced.
    fn all_enforced(&self) -> Result<RuleSet, ControlError> {
        let files = files(&self.folder()?)?;
        compile(&files, &Options { mode: Some(Mode::Enforce), ..Options::default() }, true)
    }
}

fn compile(files: &[(String, String)], options: &Options, builtin: bool) -> Result<RuleSet, ControlError> {
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let compiled = if builtin { RuleSet::with_builtin(&files, options) } else { RuleSet::compile(&files, options) };
    let wrong = |wrong: Vec<Diagnostic>| mistakes(&wrong.into_iter().map(rulefiles::problem).collect::<Vec<_>>());
    compiled.map_err(wrong)
}
