//! `fleetward responses`: what was done, and what waits for a person.

use clap::Subcommand;
use serde_json::{Value, json};

use super::page::page;
use super::{cell, short_id, time, whole_id};
use crate::cli::Global;
use crate::exit::Exit;
use crate::printer::{Format, write_line};

/// What was done about it.
#[derive(Debug, Subcommand)]
pub(crate) enum Responses {
    /// List responses, newest first.
    List {
        /// Only in these states: proposed, approved, sent, accepted, verified, failed, reverted.
        #[arg(long, value_delimiter = ',')]
        state: Vec<String>,
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
    },
    /// Show one response with its history.
    Show {
        /// Its id, or how it begins.
        id: String,
    },
    /// Let a proposed response go out.
    Approve {
        /// Its id, or how it begins.
        id: String,
    },
    /// Refuse a proposed response.
    Reject {
        /// Its id, or how it begins.
        id: String,
    },
    /// Undo a response.
    Revert {
        /// Its id, or how it begins.
        id: String,
    },
}

impl Responses {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let client = global.client()?;
        let (id, verb) = match self {
            Self::List { state, limit } => {
                let query: Vec<(&str, String)> =
                    (!state.is_empty()).then(|| ("state", state.join(","))).into_iter().collect();
                let responses = client.shown("/responses", &query, limit)?;
                global.printer().rows(&responses, &HEADINGS, row)?;
                return Ok(Exit::Done);
            }
            Self::Show { id } => {
                let response = client.get(&format!("/responses/{}", whole_id(&client, "/responses", &id)?))?;
                global.printer().object(&response, || page(&response))?;
                return Ok(Exit::Done);
            }
            Self::Approve { id } => (id, "approve"),
            Self::Reject { id } => (id, "reject"),
            Self::Revert { id } => (id, "revert"),
        };
        let id = whole_id(&client, "/responses", &id)?;
        let answer = client.send("POST", &format!("/responses/{id}/{verb}"), &json!({}))?;
        print(global, &answer)?;
        Ok(Exit::Done)
    }
}

const HEADINGS: [&str; 6] = ["ID", "ACTION", "STATE", "DEVICE", "SINCE", "LAST STEP"];

/// One response, or a list of them, as the answer of a command.
pub(super) fn print(global: &Global, answer: &Value) -> anyhow::Result<()> {
    let responses = match answer {
        Value::Array(responses) => responses.clone(),
        Value::Object(fields) if fields.contains_key("items") => {
            answer["items"].as_array().cloned().unwrap_or_default()
        }
        response => vec![response.clone()],
    };
    if responses.is_empty() && global.format == Format::Table {
        write_line("no session is open: nothing to do")?;
        return Ok(());
    }
    global.printer().rows(&responses, &HEADINGS, row)?;
    Ok(())
}

/// The device's name; the id of one that has left the inventory.
fn device(response: &Value) -> String {
    let named = if response["device_name"].is_null() { "device" } else { "device_name" };
    cell(response, named)
}

fn row(response: &Value) -> Vec<String> {
    let last = response["history"].as_array().and_then(|history| history.last());
    vec![
        short_id(response),
        cell(response, "action.kind"),
        cell(response, "state"),
        device(response),
        time(response, "created_at"),
        last.map_or("—".to_owned(), |step| cell(step, "note")),
    ]
}
