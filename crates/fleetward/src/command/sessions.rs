//! `fleetward sessions`: what is connected, and what was.

use clap::Subcommand;
use serde_json::{Value, json};

use super::page::page;
use super::{cell, human_bytes, time};
use crate::cli::Global;
use crate::client::segment;
use crate::exit::Exit;

/// Data sessions of SIMs.
#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// List open sessions.
    List {
        /// Part of a device's name, session id, address or APN.
        text: Option<String>,
        /// Only at this gateway.
        #[arg(long)]
        nas: Option<String>,
        /// Sessions that ended within the last day, too.
        #[arg(long)]
        all: bool,
        /// At most so many.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: usize,
    },
    /// Show one session.
    Show {
        /// The gateway.
        nas: String,
        /// Its Acct-Session-Id.
        id: String,
    },
    /// End one session.
    Disconnect {
        /// The gateway.
        nas: String,
        /// Its Acct-Session-Id.
        id: String,
    },
}

impl Sessions {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let client = global.client()?;
        match self {
            Self::List { text, nas, all, limit } => {
                let mut query: Vec<(&str, String)> = Vec::new();
                query.extend(
                    [("text", text), ("nas", nas)].into_iter().filter_map(|(name, value)| Some((name, value?))),
                );
                if !all {
                    query.push(("open", "true".into()));
                }
                let sessions = client.shown("/sessions", &query, limit)?;
                let headings = ["DEVICE", "GATEWAY", "SESSION", "SINCE", "UP", "DOWN", "COUNTRY", "ADDRESS", "ENDED"];
                global.printer().rows(&sessions, &headings, row)?;
            }
            Self::Show { nas, id } => {
                let session = client.get(&format!("/sessions/{}/{}", segment(&nas), segment(&id)))?;
                global.printer().object(&session, || page(&session))?;
            }
            Self::Disconnect { nas, id } => {
                let path = format!("/sessions/{}/{}/disconnect", segment(&nas), segment(&id));
                let response = client.send("POST", &path, &json!({}))?;
                super::responses::print(global, &response)?;
            }
        }
        Ok(Exit::Done)
    }
}

fn row(session: &Value) -> Vec<String> {
    let bytes = |field: &str| session[field].as_u64().map_or("—".to_owned(), human_bytes);
    vec![
        cell(session, "device_name"),
        cell(session, "nas"),
        cell(session, "id"),
        time(session, "opened_at"),
        bytes("bytes_up"),
        bytes("bytes_down"),
        cell(session, "country"),
        cell(session, "ip"),
        cell(session, "ended"),
    ]
}
