//! `fleetward findings`: what someone should know of, and what he does about it.

use std::time::Duration;

use clap::Subcommand;
use fleetward_fleet::read_duration;
use serde_json::{Value, json};

use super::page::page;
use super::{cell, short_id, time};
use crate::cli::Global;
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::printer::write_line;

/// What someone should know of.
#[derive(Debug, Subcommand)]
pub(crate) enum Findings {
    /// List findings, newest first.
    List {
        /// Only in these states: new, acknowledged, resolved, suppressed.
        #[arg(long, value_delimiter = ',')]
        state: Vec<String>,
        /// At least so bad: info, low, medium, high, critical.
        #[arg(long)]
        severity: Option<String>,
        /// Only of this rule.
        #[arg(long)]
        rule: Option<String>,
        /// Only about this device.
        #[arg(long)]
        device: Option<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
    },
    /// Show one finding with its history and responses.
    Show {
        /// Its id, or how it begins.
        id: String,
    },
    /// Say that you have it.
    Ack {
        /// Their ids, or how they begin.
        #[arg(required = true)]
        ids: Vec<String>,
        /// What you know about it.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Say that the cause is gone.
    Resolve {
        /// Its id, or how it begins.
        id: String,
        /// What was done.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Say that it is expected, in which scope, and until when.
    Suppress {
        /// Its id, or how it begins.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// For how long.
        #[arg(long = "for", value_parser = duration, value_name = "TIME")]
        length: Duration,
        /// What it covers: this rule on this `device`, on a `group:NAME`, or everywhere (`rule`).
        #[arg(long, default_value = "device")]
        scope: String,
    },
}

fn duration(text: &str) -> Result<Duration, String> {
    read_duration(text, "12 h")
}

impl Findings {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let client = global.client()?;
        match self {
            Self::List { state, severity, rule, device, limit } => {
                let states = (!state.is_empty()).then(|| state.join(","));
                let filters = [("state", states), ("severity", severity), ("rule", rule), ("device", device)];
                let query: Vec<(&str, String)> =
                    filters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                let findings = client.shown("/findings", &query, limit)?;
                let headings = ["ID", "SEVERITY", "STATE", "RULE", "ABOUT", "OBSERVED", "SEEN"];
                global.printer().rows(&findings, &headings, row)?;
            }
            Self::Show { id } => {
                let finding = client.get(&format!("/findings/{}", whole_id(&client, &id)?))?;
                global.printer().object(&finding, || page(&finding))?;
            }
            Self::Ack { ids, note } => {
                for id in ids {
                    let id = whole_id(&client, &id)?;
                    client.send("POST", &format!("/findings/{id}/acknowledge"), &json!({ "note": note }))?;
                    write_line(&format!("{id} is acknowledged"))?;
                }
            }
            Self::Resolve { id, note } => {
                let id = whole_id(&client, &id)?;
                client.send("POST", &format!("/findings/{id}/resolve"), &json!({ "note": note }))?;
                write_line(&format!("{id} is resolved"))?;
            }
            Self::Suppress { id, reason, length, scope } => {
                let id = whole_id(&client, &id)?;
                let until = clock::now() + length;
                let body = json!({ "reason": reason, "until": until, "scope": scope_json(&scope)? });
                client.send("POST", &format!("/findings/{id}/suppress"), &body)?;
                write_line(&format!("{id} is suppressed until {until}"))?;
            }
        }
        Ok(Exit::Done)
    }
}

fn scope_json(scope: &str) -> anyhow::Result<Value> {
    match scope.split_once(':') {
        // Without a scope the finding's own device is meant.
        None if scope == "device" => Ok(Value::Null),
        None if scope == "rule" => Ok(json!("rule")),
        Some(("group", group)) if !group.is_empty() => Ok(json!({ "group": group })),
        _ => Err(Failure::input(format!("{scope:?} is no scope"), "one of device, group:NAME, rule").into()),
    }
}

/// The whole id of the one finding whose id begins so.
fn whole_id(client: &crate::client::Client, id: &str) -> anyhow::Result<String> {
    super::whole_id(client, "/findings", id)
}

fn row(finding: &Value) -> Vec<String> {
    let mut cells = vec![short_id(finding)];
    cells.extend(["severity", "state", "rule", "subject", "observed"].map(|field| cell(finding, field)));
    cells.push(time(finding, "last_seen"));
    cells
}
