//! How good the network layer is: what a learnt profile lets through and what it refuses, on captures of real devices.

mod learning;
mod noticing;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::ensure;
use clap::Args;
use serde::Serialize;

/// The network layer on real captures.
#[derive(Debug, Args)]
pub(crate) struct Network {
    /// Where the captures lie.
    #[arg(long, env = "FLEETWARD_TESTDATA", default_value = "../shared/data", value_name = "FOLDER")]
    data: PathBuf,
    /// Show what was denied, flow by flow.
    #[arg(long)]
    show: bool,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    work: &'static str,
    ours: Ours,
    /// mudgee, learnt from the same first 70 % of the runs: denied of held-out flows, and the share in percent, as published with the reference.
    mudgee_reference: Mudgee,
}

#[derive(Debug, Serialize)]
struct Ours {
    #[serde(flatten)]
    learning: learning::Figures,
    #[serde(flatten)]
    noticing: noticing::Figures,
}

#[derive(Debug, Serialize)]
struct Mudgee {
    held_out_flows: u64,
    held_out_denied: u64,
    percent: f64,
}

impl Network {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        ensure!(self.data.is_dir(), "no captures at {}; set FLEETWARD_TESTDATA", self.data.display());
        let learning = learning::run(&self.data.join("iot-sentinel"), self.show)?;
        let noticing = noticing::run(&self.data, self.show)?;
        let mudgee_reference = Mudgee { held_out_flows: 3338, held_out_denied: 123, percent: 3.7 };
        let report = Report { work: "network", ours: Ours { learning, noticing }, mudgee_reference };
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        }
        Ok(ExitCode::SUCCESS)
    }
}
