//! Chores of the project: `cargo xtask layers | fuzz | bench | quality | torture`.

#![expect(clippy::print_stdout, reason = "a chore talks to whoever runs it; there is no other output to keep apart")]

mod bench;
mod fuzz;
mod layers;
mod quality;
mod release;
mod rig;
mod torture;

use std::process::ExitCode;

use clap::Parser;

/// Chores of the project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Chore {
    /// Check that arrows between our crates point down only.
    Layers,
    /// Run every fuzz target for a while, on the stable toolchain.
    Fuzz(fuzz::Fuzz),
    /// Measure, beside every peer that is installed.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Measure how good detection is, against the truth of simulated fleets.
    #[command(subcommand)]
    Quality(quality::Quality),
    /// Kill the server at random, fill its disk, and count what was lost or doubled.
    Torture(torture::Torture),
}

fn main() -> ExitCode {
    let result = match Chore::parse() {
        Chore::Layers => layers::check(),
        Chore::Fuzz(fuzz) => fuzz.run(),
        Chore::Bench(bench) => bench.run(),
        Chore::Quality(quality) => quality.run(),
        Chore::Torture(torture) => torture.run(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}
