//! `fleetward planned`: what is announced is no finding.

use std::time::Duration;

use clap::Subcommand;
use fleetward_fleet::{PlannedKind, Timestamp, read_duration};
use serde_json::{Value, json};

use super::page::page;
use super::{cell, time};
use crate::cli::Global;
use crate::client::segment;
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::printer::write_line;

/// Deviations that were announced: no finding until they end.
#[derive(Debug, Subcommand)]
pub(crate) enum Planned {
    /// Announce a change (one of the same name is replaced). Admission does not change by it: a locked SIM needs its new
    /// IMEI in the inventory.
    Add(Box<Add>),
    /// List planned changes, those that end last first.
    List {
        /// Also those that are over.
        #[arg(long)]
        all: bool,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
    },
    /// Show one, with the deviations that it excused.
    Show {
        /// Its name.
        name: String,
    },
    /// End one now: what still deviates is a finding from here on.
    End {
        /// Its name.
        name: String,
    },
}

/// What is announced.
#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// Its name: small letters, digits, `-`, `_`, `.`; the number of the work order is a good one.
    name: String,
    /// A device, by id or name (may be repeated).
    #[arg(long, value_name = "DEVICE")]
    device: Vec<String>,
    /// Every device of this group (may be repeated).
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// Every device of this model (may be repeated).
    #[arg(long, value_name = "MODEL")]
    model: Vec<String>,
    /// What is coming: sim_swap, module_swap, move, roll_out, maintenance.
    #[arg(long = "for", value_delimiter = ',', value_name = "KIND", value_parser = PlannedKind::ALL.map(PlannedKind::name))]
    kinds: Vec<String>,
    /// A rule that is excused by name (may be repeated).
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,
    /// From when: a time (RFC 3339), or so long from now (`2h`). Without it, from now.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until when: a time (RFC 3339), or so long after the beginning (`8h`, `3d`).
    #[arg(long, value_name = "TIME")]
    until: String,
    /// Why.
    #[arg(long)]
    reason: String,
    /// Work order, ticket or change request.
    #[arg(long, default_value = "", hide_default_value = true)]
    reference: String,
}

impl Planned {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let client = global.client()?;
        match self {
            Self::Add(add) => {
                let made = client.send("POST", "/planned-changes", &add.body(clock::now())?)?;
                global.printer().object(&made, || page(&made))?;
            }
            Self::List { all, limit } => {
                let query: Vec<_> = all.then(|| ("past", "true".to_owned())).into_iter().collect();
                let rows = client.shown("/planned-changes", &query, limit)?;
                global.printer().rows(&rows, &HEADINGS, row)?;
            }
            Self::Show { name } => {
                let change = client.get(&path(&name))?;
                global.printer().object(&change, || page(&change))?;
            }
            Self::End { name } => {
                client.send("DELETE", &path(&name), &json!({}))?;
                write_line(&format!("{name} is over; what still deviates is a finding from now on"))?;
            }
        }
        Ok(Exit::Done)
    }
}

fn path(name: &str) -> String {
    format!("/planned-changes/{}", segment(name))
}

const HEADINGS: [&str; 6] = ["NAME", "STATE", "FOR", "WHOM", "UNTIL", "REASON"];

fn row(change: &Value) -> Vec<String> {
    let joined = |fields: &[&str]| {
        let texts = fields.iter().map(|field| cell(change, field));
        texts.filter(|text| !text.is_empty() && text != "—").collect::<Vec<_>>().join(",")
    };
    vec![
        cell(change, "name"),
        cell(change, "state"),
        joined(&["excuses", "rules"]),
        joined(&["groups", "models", "devices"]),
        time(change, "until"),
        cell(change, "reason"),
    ]
}

impl Add {
    fn body(&self, now: Timestamp) -> anyhow::Result<Value> {
        let from = self.from.as_deref().map(|text| moment("--from", text, now)).transpose()?;
        let until = moment("--until", &self.until, from.unwrap_or(now))?;
        Ok(json!({
            "name": self.name, "devices": self.device, "groups": self.group, "models": self.model,
            "excuses": self.kinds, "rules": self.rule, "from": from.map(|at| at.to_string()),
            "until": until.to_string(), "reason": self.reason, "reference": self.reference,
        }))
    }
}

/// A time, or so long after `start`.
fn moment(flag: &str, text: &str, start: Timestamp) -> anyhow::Result<Timestamp> {
    let hint = "2027-01-31T12:00:00Z, 8h or 3d are understood";
    match read_duration(text, "8h") {
        Ok(length) if length > Duration::ZERO => Ok(start + length),
        Err(question) if text.trim().parse::<f64>().is_ok() => {
            Err(Failure::input(format!("{flag}: {question}"), hint).into())
        }
        _ => {
            let wrong = || Failure::input(format!("{flag}: {text:?} is neither a time nor a duration"), hint);
            Ok(text.parse().ok().ok_or_else(wrong)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_relative() {
        let now = Timestamp::from_secs(1_795_000_000);
        assert_eq!(moment("--until", "8h", now).unwrap(), now + Duration::from_hours(8));
        assert_eq!(moment("--until", &now.to_string(), Timestamp(0)).unwrap(), now);
        assert!(moment("--until", "soon", now).is_err());
        let told = moment("--until", "3", now).unwrap_err().to_string();
        assert_eq!(told, "--until: 3 of what? write `3 s`, `3 min` or `3 h`");
    }
}
