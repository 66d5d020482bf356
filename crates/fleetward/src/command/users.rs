//! `fleetward users`: people who may sign in. There is no default one.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Context;
use clap::Subcommand;
use fleetward_store::{MIN_PASSWORD, Role};

use crate::cli::Global;
use crate::clock;
use crate::command::tokens::{audit, open_store, role};
use crate::exit::Exit;
use crate::printer::write_line;

/// People who may sign in (works on the database, without a running server).
#[derive(Debug, Subcommand)]
pub(crate) enum Users {
    /// Add somebody; the password is read from standard input.
    Add {
        /// The name to sign in with.
        name: String,
        /// What they may do: viewer, operator, admin.
        #[arg(long, default_value = "viewer", value_parser = role)]
        role: Role,
    },
    /// List users.
    List,
    /// Set a password, read from standard input; ends the user's sign-ins.
    Password {
        /// Whose.
        name: String,
    },
    /// Change what somebody may do.
    Role {
        /// Whose.
        name: String,
        /// viewer, operator or admin.
        #[arg(value_parser = role)]
        role: Role,
    },
    /// Remove somebody.
    Remove {
        /// Whom.
        name: String,
    },
}

impl Users {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let store = open_store(global)?;
        match self {
            Self::Add { name, role } => {
                store.add_user(&name, &read_password()?, role, clock::now())?;
                audit(&store, "user.add", &name, role.name())?;
                write_line(&format!("{name} may sign in as {role}"))?;
            }
            Self::List => {
                let users = store.users()?;
                let rows: Vec<serde_json::Value> = users
                    .iter()
                    .map(|user| serde_json::json!({ "name": user.name, "role": user.role, "created_at": user.created_at, "last_login": user.last_login }))
                    .collect();
                let cells = ["name", "role", "created_at", "last_login"];
                let headings = ["NAME", "ROLE", "SINCE", "LAST LOGIN"];
                global
                    .printer()
                    .rows(&rows, &headings, |row| cells.iter().map(|field| super::cell(row, field)).collect())?;
            }
            Self::Password { name } => {
                store.set_password(&name, &read_password()?)?;
                audit(&store, "user.password", &name, "")?;
                write_line(&format!("{name} has a new password; earlier sign-ins are over"))?;
            }
            Self::Role { name, role } => {
                store.set_role(&name, role)?;
                audit(&store, "user.role", &name, role.name())?;
                write_line(&format!("{name} is {role} now"))?;
            }
            Self::Remove { name } => {
                store.remove_user(&name)?;
                audit(&store, "user.remove", &name, "")?;
                write_line(&format!("{name} is removed"))?;
            }
        }
        Ok(Exit::Done)
    }
}

/// One line of standard input: a password never stands in an argument, where `ps` and the shell's history show it.
fn read_password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        write!(std::io::stderr(), "password (at least {MIN_PASSWORD} characters; it is shown while you type): ")?;
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("no password on standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
