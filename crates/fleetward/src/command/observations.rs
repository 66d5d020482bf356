//! `fleetward observations`: what other systems saw, told to the server.

use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use serde_json::Value;

use crate::cli::Global;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::printer::write_line;

/// Observations in one request.
const BATCH: usize = 1000;

/// What other systems saw: flows, messages, calls, log-ins, changes of a SIM.
#[derive(Debug, Subcommand)]
pub(crate) enum Observations {
    /// Tell the observations of files, one JSON object a line. What was told before counts once, so a broken import is
    /// simply run again.
    ///
    /// An object has `kind` (flow, message, call, login, sim_change, exposure), `at` (RFC 3339), one of `device`, `imsi`, `iccid`,
    /// `msisdn` and `login`, and the fields of its kind; /api/docs describes them. They are recorded under the name of the
    /// token.
    Import {
        /// The files; `-` is standard input.
        #[arg(required = true, value_name = "FILE.jsonl")]
        files: Vec<PathBuf>,
    },
}

impl Observations {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let Self::Import { files } = self;
        let client = global.client()?;
        for file in files {
            let name = file.display().to_string();
            let reader: Box<dyn std::io::BufRead> = if name == "-" {
                Box::new(std::io::stdin().lock())
            } else {
                let opened = std::fs::File::open(&file).with_context(|| format!("cannot read {name}"))?;
                Box::new(std::io::BufReader::new(opened))
            };
            let (recorded, known) = import(&client, &name, reader)?;
            write_line(&format!("{name}: {recorded} recorded, {known} known already"))?;
        }
        Ok(Exit::Done)
    }
}

fn import(client: &Client, name: &str, reader: impl std::io::BufRead) -> anyhow::Result<(u64, u64)> {
    let (mut done, mut batch) = ((0, 0), Batch::default());
    for (number, line) in (1..).zip(reader.lines()) {
        let line = line.with_context(|| format!("cannot read {name}"))?;
        if line.trim().is_empty() {
            continue;
        }
        let value = serde_json::from_str(&line).map_err(|error| {
            Failure::input(format!("{name}:{number}:{}: {error}", error.column()), "one JSON object a line is expected")
        });
        match value {
            Ok(value) => batch.items.push(value),
            Err(mistake) => {
                let first = batch.lines.first().copied().unwrap_or(number);
                return Err(Batch::reached(mistake.into(), name, first, done));
            }
        }
        batch.lines.push(number);
        if batch.items.len() == BATCH {
            batch.send(client, name, &mut done)?;
        }
    }
    batch.send(client, name, &mut done)?;
    Ok(done)
}

#[derive(Default)]
struct Batch {
    items: Vec<Value>,
    /// The line of each.
    lines: Vec<u64>,
}

impl Batch {
    /// How far the import came: from `first` on nothing was recorded.
    fn reached(mistake: anyhow::Error, name: &str, first: u64, (recorded, known): (u64, u64)) -> anyhow::Error {
        let before = match first {
            0 | 1 => "nothing was recorded".to_owned(),
            first => format!(
                "{recorded} recorded, {known} known already, from line {first} on nothing; then import the whole file again: what is known counts once"
            ),
        };
        mistake.context(format!("{name}: {before}"))
    }

    fn send(&mut self, client: &Client, name: &str, done: &mut (u64, u64)) -> anyhow::Result<()> {
        if self.items.is_empty() {
            return Ok(());
        }
        let (items, lines) = (std::mem::take(&mut self.items), std::mem::take(&mut self.lines));
        let first = lines.first().copied().unwrap_or(0);
        let answer = client
            .send_lines("/observations", &Value::Array(items), &lines)
            .map_err(|mistake| Self::reached(mistake, name, first, *done))?;
        done.0 += answer["recorded"].as_u64().unwrap_or(0);
        done.1 += answer["known"].as_u64().unwrap_or(0);
        Ok(())
    }
}
