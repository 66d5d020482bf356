//! `fleetward tokens`: keys to the API. Works on the database: whoever may write it may make them.

use std::io::Write as _;
use std::time::Duration;

use clap::Subcommand;
use fleetward_fleet::read_duration;
use fleetward_store::{NewAudit, NewToken, Role, Store, TokenKind};

use crate::cli::Global;
use crate::clock;
use crate::config::Settings;
use crate::exit::{Exit, Failure};
use crate::printer::write_line;

/// Keys to the API (works on the database, without a running server).
#[derive(Debug, Subcommand)]
pub(crate) enum Tokens {
    /// Make a token. It is shown once.
    Create {
        /// What it is for: `grafana`, `ticket-system`.
        name: String,
        /// What it may do: viewer looks, operator acts, admin manages users and tokens.
        #[arg(long, default_value = "viewer", value_parser = role)]
        scope: Role,
        /// For how long.
        #[arg(long, default_value = "90 d", value_parser = duration, value_name = "TIME")]
        expires: Duration,
    },
    /// List tokens (never the tokens themselves).
    List,
    /// Make a token useless from now on.
    Revoke {
        /// Its number in the list.
        id: u64,
    },
}

pub(super) fn role(text: &str) -> Result<Role, String> {
    text.parse::<Role>().map_err(|_| "one of viewer, operator, admin, ingest".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    read_duration(text, "90 d")
}

/// Opens the database of the configuration.
pub(super) fn open_store(global: &Global) -> anyhow::Result<Store> {
    let (config, base) = Settings::outline(&global.config)
        .map_err(|problem| Failure::input(problem.to_string(), "name the configuration with --config"))?;
    let data = base.join(&config.data);
    crate::server::make_private_folder(&data)?;
    crate::server::open_store(&data)
}

/// Writes a line into the log of changes, as the person at this terminal.
pub(super) fn audit(store: &Store, what: &str, target: &str, detail: &str) -> anyhow::Result<()> {
    store.audit(&NewAudit { at: clock::now(), who: "cli", what, target, detail })?;
    Ok(())
}

impl Tokens {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let store = open_store(global)?;
        match self {
            Self::Create { name, scope, expires } => {
                let now = clock::now();
                let new = NewToken { name: &name, kind: TokenKind::Api, scope, user: None, expires_at: now + expires };
                let (token, text) = store.create_token(&new, now)?;
                audit(&store, "token.create", &name, &format!("scope {scope}, until {}", token.expires_at))?;
                let made = serde_json::json!({ "id": token.id, "token": text, "expires_at": token.expires_at });
                global.printer().object(&made, || text.clone())?;
                // Beside the token, not in it: `TOKEN=$(fleetward tokens create …)`.
                let told = format!("token {} ({name}, {scope}) is valid until {}", token.id, token.expires_at);
                writeln!(std::io::stderr(), "{told}; it is not shown again")?;
            }
            Self::List => {
                let rows: Vec<serde_json::Value> = store.tokens()?.iter().map(describe).collect();
                let cells = ["id", "name", "scope", "expires_at", "last_used"];
                let headings = ["ID", "NAME", "SCOPE", "EXPIRES", "LAST USED"];
                global
                    .printer()
                    .rows(&rows, &headings, |row| cells.iter().map(|field| super::cell(row, field)).collect())?;
            }
            Self::Revoke { id } => {
                store.revoke_token(id)?;
                audit(&store, "token.revoke", &id.to_string(), "")?;
                write_line(&format!("token {id} is revoked"))?;
            }
        }
        Ok(Exit::Done)
    }
}

fn describe(token: &fleetward_store::Token) -> serde_json::Value {
    serde_json::json!({
        "id": token.id,
        "name": token.name,
        "scope": token.scope.name(),
        "user": token.user,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used": token.last_used,
    })
}
