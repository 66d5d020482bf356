//! `fleetward rules list`: the rules in force, narrowed down.

use clap::Args;
use fleetward_fleet::PlannedKind;
use fleetward_rules::{Mode, Rule};
use serde_json::{Value, json};

use super::files::{readable, warn};
use crate::cli::Global;
use crate::command::cell;
use crate::exit::{Exit, Failure};

/// Which rules to list. Several filters must all hold.
#[derive(Debug, Default, Args)]
pub(crate) struct Filter {
    /// Only this severity, or a worse one.
    #[arg(long, value_name = "SEVERITY", value_parser = ["info", "low", "medium", "high", "critical"])]
    severity: Option<String>,
    /// Only this mode.
    #[arg(long, value_name = "MODE", value_parser = ["off", "dry-run", "notify-only", "enforce"])]
    mode: Option<String>,
    /// Only rules with a tag that begins so, for example `attack.mobile` or `etsi-en-303-645:5.1-5`.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Only rules that read this field, for example `bytes` or `profile.tacs`.
    #[arg(long, value_name = "FIELD")]
    reads: Option<String>,
    /// Only rules of one's own, not the built-in ones.
    #[arg(long)]
    own: bool,
    /// Only rules that cost at least this many nanoseconds a record.
    #[arg(long, value_name = "NANOSECONDS")]
    costs: Option<f64>,
}

pub(super) fn list(global: &Global, filter: &Filter) -> anyhow::Result<Exit> {
    if let Some(field) = &filter.reads
        && !fleetward_rules::reference().iter().any(|(name, ..)| name == field)
    {
        let message = format!("there is no field {field:?}");
        return Err(Failure::input(message, "docs/rules/reference.md lists the fields").into());
    }
    let (rules, left_out) = readable(global)?;
    let rows: Vec<_> = rules.rules().iter().filter(|rule| filter.lets(rule)).map(|rule| describe(rule)).collect();
    let headings = ["RULE", "SEVERITY", "MODE", "NS A RECORD", "TITLE", "FILE"];
    let fields = ["rule", "severity", "mode", "cost.nanos", "title", "file"];
    global.printer().rows(&rows, &headings, |row| fields.iter().map(|field| cell(row, field)).collect())?;
    warn(&left_out)
}

impl Filter {
    fn lets(&self, rule: &Rule) -> bool {
        let worst = ["info", "low", "medium", "high", "critical"];
        let place = |severity: &str| worst.iter().position(|known| *known == severity);
        let severity = format!("{:?}", rule.severity).to_lowercase();
        self.severity.as_deref().is_none_or(|least| place(&severity) >= place(least))
            && self.mode.as_deref().is_none_or(|mode| mode == mode_name(rule.mode))
            && self.tag.as_deref().is_none_or(|tag| rule.tags.iter().any(|held| held.starts_with(tag)))
            && self.reads.as_deref().is_none_or(|field| rule.reads().contains(&field))
            && (!self.own || !rule.file.starts_with("builtin/"))
            && self.costs.is_none_or(|least| rule.cost().nanos >= least)
    }
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "off",
        Mode::DryRun => "dry-run",
        Mode::NotifyOnly => "notify-only",
        Mode::Enforce => "enforce",
    }
}

/// A rule as `--format json` shows it.
pub(super) fn describe(rule: &Rule) -> Value {
    let cost = rule.cost();
    let planned: Vec<_> = rule.planned().iter().map(PlannedKind::name).collect();
    json!({
        "rule": rule.name, "version": rule.version, "severity": rule.severity, "mode": rule.mode,
        "title": rule.title, "file": rule.file, "tags": rule.tags, "examples": rule.tests,
        "explain": rule.explain(), "looks_at": rule.looks_at(), "reads": rule.reads(),
        "planned": planned, "budget": rule.budget,
        "cost": {
            "nanos": nanos(cost.nanos), "nanos_under_way": nanos(cost.nanos_under_way),
            "windows": cost.windows, "bytes": cost.bytes,
        },
    })
}

#[expect(clippy::cast_sign_loss, reason = "an estimate is some nanoseconds, never negative")]
fn nanos(estimate: f64) -> u64 {
    estimate.round() as u64
}
