//! `fleetward changes`: who changed what, in a log that cannot be altered unnoticed.

use clap::Subcommand;
use fleetward_fleet::counted;

use super::{cell, time};
use crate::cli::Global;
use crate::command::tokens::open_store;
use crate::exit::Exit;
use crate::printer::write_line;

/// Who changed what.
#[derive(Debug, Subcommand)]
pub(crate) enum Changes {
    /// List changes, newest first.
    List {
        /// At most so many.
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: usize,
    },
    /// Check the chain of hashes (on the database, without a server); exit code 1 if a line was altered or removed.
    Verify,
}

impl Changes {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::List { limit } => {
                let rows = global.client()?.shown("/audit", &[], limit)?;
                let value = |row: &_, field: &&str| if *field == "at" { time(row, field) } else { cell(row, field) };
                let fields = ["at", "who", "what", "target", "detail"];
                let headings = ["AT", "WHO", "WHAT", "TARGET", "DETAIL"];
                global
                    .printer()
                    .rows(&rows, &headings, |row| fields.iter().map(|field| value(row, field)).collect())?;
                Ok(Exit::Done)
            }
            Self::Verify => {
                let report = open_store(global)?.verify_audit()?;
                match report.first_bad {
                    None => write_line(&format!("{}, the chain is whole", counted(report.rows, "line")))?,
                    Some(bad) => write_line(&format!("line {bad} was altered, or one before it removed"))?,
                }
                Ok(if report.first_bad.is_none() { Exit::Done } else { Exit::Found })
            }
        }
    }
}
