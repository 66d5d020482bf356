//! Fleetward: sees which devices exist, judges what they do, stops misuse, verifies that it stopped.
//!
//! This crate is the command line and the wiring of the server; nothing here decides anything about a device.
//! `serve` reads aloud in [`server`]: configuration, journal, detection, response, RADIUS, API, in the order in which
//! an observation meets them.

#![expect(clippy::doc_markdown, reason = "IoT and RadSec are names, not code")]
#![expect(clippy::format_push_string, reason = "texts for people are short: what reads well wins")]

mod audit;
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
mod textfile;
mod textfolder;
mod unread;

use std::process::ExitCode;

/// Sensors make records, detection frees them on other threads, and a device's state is many small blocks: the system's
/// allocator took a third of the time of judging (`cargo bench -p fleetward-detect --bench detect` uses this one, too).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
