//! Fleetward: sees which devices exist, judges what they do, stops misuse, verifies that it stopped.
//!
//! This crate is the command line and the wiring of the server; nothing here decides anything about a device.
//! `serve` reads aloud in [`server`]: configuration, journal, detection, response, RADIUS, API, in the order in which
//! an observation meets them.

#![expect(clippy::doc_markdown, reason = "IoT and RadSec are names, not code")]
#![expect(clippy::format_push_string, reason = "texts for people are short: what reads well wins")]

mod backtest;
mod cli;
mod client;
mod clock;
mod command;
mod config;
mod demo;
mod exit;
mod history;
mod printer;
mod rulefiles;
mod server;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(exit) => exit.into(),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}

/// `fleetward findings list | head` is no error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::BrokenPipe)
}
