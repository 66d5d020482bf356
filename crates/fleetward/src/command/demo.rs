//! `fleetward demo`: what it understands.

use std::time::Duration;

use clap::Args;
use fleetward_fleet::read_duration;

use crate::cli::Global;
use crate::exit::Exit;

/// Show a fleet of simulated SIMs being attacked and defended, over real RADIUS, on loopback.
#[derive(Debug, Clone, Args)]
pub(crate) struct Demo {
    /// End after this time; without it, on Ctrl-C.
    #[arg(long = "for", value_parser = duration, value_name = "TIME")]
    pub(crate) length: Option<Duration>,
    /// SIMs in the simulated fleet.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(20..=20_000), value_name = "N")]
    pub(crate) sims: u32,
    /// Decides who does what when; the same seed tells the same story.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    /// Accounting requests a second from 20,000 more SIMs in the background.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) rate: u32,
    /// Print the summary as one JSON object; the story goes to standard error.
    #[arg(long)]
    pub(crate) json: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let some = read_duration(text, "5 min")?;
    if some.is_zero() { Err("a time such as `60s` or `5 min`".to_owned()) } else { Ok(some) }
}

impl Demo {
    pub(crate) fn run(&self, _: &Global) -> anyhow::Result<Exit> {
        crate::demo::run(self)
    }
}
