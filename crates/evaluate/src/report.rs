//! Counts as rates with intervals: tables for people, one object for machines.

use std::fmt::Write as _;

use fleetward_fleet::counted;
use serde::Serialize;
use serde_json::{Value, json};

use crate::cost::Cost;
use crate::interval::{Interval, poisson, wilson};
use crate::outcome::{Cell, Outcome};

/// Fast misuse of volume: what must be found within the hour.
const FAST: [&str; 4] = ["sim-in-a-phone", "tethering", "ddos", "ddos-single"];

/// The same where nothing but the volume tells: the telephone has the device's own IMEI.
const ALONE: [&str; 4] = ["phone-with-copied-imei", "tethering", "ddos", "ddos-single"];

/// Slow misuse by which the slow branch is measured.
const SLOW: &str = "slow-x3";

/// Classes that are heavy users themselves: a device of theirs transfers as much on a usual day as a telephone does.
const HEAVY: [&str; 1] = ["camera"];

/// SIMs of the fleet for which alarms a day are told.
const FLEET: f64 = 10_000_000.0;

/// An outcome and what it is to be held against.
#[derive(Debug, Clone)]
pub struct Report {
    /// The counts.
    pub outcome: Outcome,
    /// False alarms per device-month that were wanted.
    pub nominal: f64,
    /// What judging cost, where it was measured.
    pub cost: Option<Cost>,
}

/// The figures of one column; a share of none is not known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// False alarms per device-month that were wanted.
    pub nominal: f64,
    /// That were, by the baselines (of [`Report::figures`]: by that column).
    pub false_alarms_per_device_month: f64,
    /// The same by all rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub false_alarms_with_rules: Option<f64>,
    /// Of the devices of classes that are no heavy users, misused fast, found. Where no scenario of the trial is one of the public fast
    /// ones, all count.
    pub found_by_volume_alone: Option<f64>,
    /// Of all devices that were misused fast; likewise.
    pub found_with_rules: Option<f64>,
    /// Of all devices whose volume trebled slowly.
    pub slow_exfiltration_found: Option<f64>,
    /// Median hours until fast misuse was found.
    pub median_hours_to_detect: Option<f64>,
}

/// One column of a cell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// Share that was found.
    pub found: f64,
    /// 95 % interval of it (Wilson).
    pub interval: Interval,
    /// Median hours until then.
    pub median_hours: Option<f64>,
    /// Median octets lost by then.
    pub median_octets: Option<f64>,
    /// Alarms for each that was found.
    pub alarms_per_incident: f64,
}

impl Report {
    /// The product's figures: volume alone by the baselines, the rest with all rules.
    pub fn ours(&self) -> Figures {
        let mut ours = self.figures(0);
        let with_rules = self.figures(1);
        ours.false_alarms_with_rules = Some(with_rules.false_alarms_per_device_month);
        ours.found_with_rules = with_rules.found_with_rules;
        ours.median_hours_to_detect = with_rules.median_hours_to_detect;
        ours
    }

    /// The figures of a column by itself.
    pub fn figures(&self, column: usize) -> Figures {
        // Whoever brings scenarios of his own has brought all of them.
        let is_own =
            !self.outcome.scenarios().iter().any(|name| FAST.contains(name) || ALONE.contains(name) || *name == SLOW);
        let is_alone = |scenario: &str| is_own || ALONE.contains(&scenario);
        let light = self.outcome.together(|scenario, class| is_alone(scenario) && !HEAVY.contains(&class));
        let fast = self.outcome.together(|scenario, _| is_own || FAST.contains(&scenario));
        Figures {
            nominal: self.nominal,
            false_alarms_per_device_month: self.false_alarms(column).0,
            false_alarms_with_rules: None,
            found_by_volume_alone: light.share_of_some(column),
            found_with_rules: fast.share_of_some(column),
            slow_exfiltration_found: self.outcome.scenario(SLOW).share_of_some(column),
            median_hours_to_detect: fast.median_hours(column),
        }
    }

    /// False alarms per device-month over all classes, and the 95 % interval.
    pub fn false_alarms(&self, column: usize) -> (f64, Interval) {
        let months: f64 = self.outcome.quiet.values().map(|quiet| quiet.device_months).sum();
        rate(self.outcome.quiet.values().map(|quiet| quiet.alarms[column]).sum(), months)
    }

    /// One object with everything.
    pub fn json(&self) -> Value {
        let columns = &self.outcome.columns;
        let cells = self.outcome.cells.iter().map(|((scenario, class), cell)| {
            let sides = (0..columns.len()).map(|column| (columns[column].clone(), json!(side(cell, column))));
            json!({ "scenario": scenario, "class": class, "misused": cell.misused,
                    "columns": sides.collect::<serde_json::Map<_, _>>() })
        });
        let quiet = self.outcome.quiet.iter().map(|(class, quiet)| {
            let rates = (0..columns.len()).map(|column| {
                let (mean, interval) = rate(quiet.alarms[column], quiet.device_months);
                let value = json!({ "alarms": quiet.alarms[column], "per_device_month": mean, "interval": interval,
                                    "realised_to_nominal": mean / self.nominal });
                (columns[column].clone(), value)
            });
            json!({ "class": class, "device_months": quiet.device_months,
                    "columns": rates.collect::<serde_json::Map<_, _>>() })
        });
        json!({
            "ours": self.ours(),
            "textbook": self.textbook(),
            "cells": cells.collect::<Vec<_>>(),
            "quiet": quiet.collect::<Vec<_>>(),
            "false_alarms_by_rule": self.outcome.rules,
            "findings_about_many": { "right": self.outcome.fleet_right, "wrong": self.outcome.fleet_wrong },
            "wrongly_touched": { "devices": self.outcome.wrongly_touched, "of": self.outcome.innocent },
            "cost": self.cost,
            "records": self.outcome.records,
            "worlds": self.outcome.worlds,
        })
    }

    /// The textbook's figures by detector.
    pub fn textbook(&self) -> Value {
        let names = self.outcome.columns.iter().enumerate().skip(2);
        Value::Object(names.map(|(column, name)| (name.clone(), json!(self.figures(column)))).collect())
    }

    /// Tables for people, in Markdown.
    pub fn text(&self) -> String {
        let mut text = self.summary();
        text += &self.detection();
        for column in 0..2 {
            text += &self.matrix(column);
        }
        text += &self.quiet();
        text += &self.by_rule();
        text
    }

    fn summary(&self) -> String {
        let mut text = format!(
            "{}, {} records. Nominal: {} false alarms per device-month.\n\n",
            counted(self.outcome.worlds, "world"),
            self.outcome.records,
            self.nominal
        );
        text += "| detector | false alarms per device-month (95 %) | realised / nominal | a day at 10 million SIMs | \
                 fast misuse found, classes without heavy use | fast misuse found, all | slow x3 found | median hours |\n";
        text += "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
        for (column, name) in self.outcome.columns.iter().enumerate() {
            let ((mean, interval), figures) = (self.false_alarms(column), self.figures(column));
            push(
                &mut text,
                format_args!(
                    "| {name} | {mean:.4} ({:.4} to {:.4}) | {:.2} | {:.0} | {} | {} | {} | {} |",
                    interval.low,
                    interval.high,
                    mean / self.nominal,
                    mean * FLEET * 24.0 / 730.0,
                    known(figures.found_by_volume_alone),
                    known(figures.found_with_rules),
                    known(figures.slow_exfiltration_found),
                    hours(figures.median_hours_to_detect),
                ),
            );
        }
        text
    }

    fn detection(&self) -> String {
        let mut text = String::from("\n## Found, by scenario (all classes)\n\n| scenario | misused |");
        push_part(&mut text, format_args!("{}", heads(&self.outcome.columns)));
        text += "\n| --- | ---: |";
        text += &" ---: |".repeat(self.outcome.columns.len());
        text += "\n";
        for scenario in self.outcome.scenarios() {
            let cell = self.outcome.scenario(scenario);
            push_part(&mut text, format_args!("| {scenario} | {} |", cell.misused));
            for column in 0..self.outcome.columns.len() {
                push_part(&mut text, format_args!(" {} |", said(&side(&cell, column))));
            }
            text += "\n";
        }
        text += "\nShare found (95 % interval); of those found: median hours until then, median octets lost by then, alarms \
                 for each.\n";
        text
    }

    fn matrix(&self, column: usize) -> String {
        let classes: Vec<&String> = self.outcome.quiet.keys().collect();
        let mut text = format!("\n## Found by {}, by class\n\n| scenario |", self.outcome.columns[column]);
        push_part(&mut text, format_args!("{}", heads(&classes)));
        text += "\n| --- |";
        text += &" ---: |".repeat(classes.len());
        text += "\n";
        for scenario in self.outcome.scenarios() {
            push_part(&mut text, format_args!("| {scenario} |"));
            for class in &classes {
                let cell = self.outcome.cells.get(&(scenario.to_owned(), (*class).clone()));
                let shown = cell
                    .filter(|cell| cell.misused > 0)
                    .map(|cell| format!("{} ({})", percent(cell.share(column)), hours(cell.median_hours(column))));
                push_part(&mut text, format_args!(" {} |", shown.unwrap_or_else(|| "—".into())));
            }
            text += "\n";
        }
        text
    }

    fn quiet(&self) -> String {
        let mut text = String::from("\n## False alarms per device-month, by class\n\n| class | device-months |");
        push_part(&mut text, format_args!("{}", heads(&self.outcome.columns)));
        text += "\n| --- | ---: |";
        text += &" ---: |".repeat(self.outcome.columns.len());
        text += "\n";
        for (class, quiet) in &self.outcome.quiet {
            push_part(&mut text, format_args!("| {class} | {:.0} |", quiet.device_months));
            for alarms in &quiet.alarms {
                let (mean, interval) = rate(*alarms, quiet.device_months);
                push_part(&mut text, format_args!(" {mean:.4} ({:.4} to {:.4}) |", interval.low, interval.high));
            }
            text += "\n";
        }
        text
    }

    fn by_rule(&self) -> String {
        let mut text = String::from("\n## False alarms by rule\n\n| rule | findings |\n| --- | ---: |\n");
        let mut rules: Vec<_> = self.outcome.rules.iter().collect();
        rules.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
        for (rule, count) in rules {
            push(&mut text, format_args!("| {rule} | {count} |"));
        }
        for (rule, count) in &self.outcome.fleet_wrong {
            push(
                &mut text,
                format_args!("| {rule} (about a model or group; most of whom it lists are not misused) | {count} |"),
            );
        }
        for (rule, count) in &self.outcome.fleet_right {
            let words = "about a model or group; rightly, at least half are misused";
            push(&mut text, format_args!("| {rule} ({words}) | {count} |"));
        }
        push(
            &mut text,
            format_args!(
                "\nDevices that nobody misused and that a rule would have acted on: {} of {}.",
                self.outcome.wrongly_touched, self.outcome.innocent
            ),
        );
        if let Some(cost) = self.cost {
            let words = format_args!("Judging costs {:.0} ns of processor time a record.", cost.nanos_per_record);
            push(&mut text, words);
        }
        text
    }
}

/// Cells of a heading.
fn heads(names: &[impl std::fmt::Display]) -> String {
    let mut text = String::new();
    for name in names {
        push_part(&mut text, format_args!(" {name} |"));
    }
    text
}

fn side(cell: &Cell, column: usize) -> Side {
    let found = cell.found.get(column).copied().unwrap_or(0);
    Side {
        found: cell.share(column),
        interval: wilson(found, cell.misused),
        median_hours: cell.median_hours(column),
        median_octets: cell.median_octets(column),
        alarms_per_incident: cell.alarms.get(column).map_or(0.0, |alarms| *alarms as f64 / found.max(1) as f64),
    }
}

fn said(side: &Side) -> String {
    let mut text =
        format!("{} ({} to {})", percent(side.found), percent(side.interval.low), percent(side.interval.high));
    if let (Some(median), Some(octets)) = (side.median_hours, side.median_octets) {
        push_part(
            &mut text,
            format_args!("; {} h, {}, {:.1}", hours(Some(median)), volume(octets), side.alarms_per_incident),
        );
    }
    text
}

fn rate(alarms: u64, months: f64) -> (f64, Interval) {
    let months = months.max(f64::MIN_POSITIVE);
    let interval = poisson(alarms);
    (alarms as f64 / months, Interval { low: interval.low / months, high: interval.high / months })
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A share, where there was one.
pub(crate) fn known(share: Option<f64>) -> String {
    share.map_or_else(|| "—".into(), percent)
}

fn hours(hours: Option<f64>) -> String {
    hours.map_or_else(|| "—".into(), |hours| format!("{hours:.1}"))
}

fn volume(octets: f64) -> String {
    match octets {
        0.0..1e3 => format!("{octets:.0} B"),
        1e3..1e6 => format!("{:.0} kB", octets / 1e3),
        1e6..1e9 => format!("{:.1} MB", octets / 1e6),
        _ => format!("{:.1} GB", octets / 1e9),
    }
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    push_part(text, line);
    text.push('\n');
}

fn push_part(text: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(part);
}
