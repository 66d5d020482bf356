//! How good detection is: `fleetward evaluate` with the settings by which figures are quoted.

mod audit;
mod network;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};

use crate::release;

/// The scenarios of which the figures tell. One device in fifteen is misused over three weeks: more, and no longer would a
/// fleet look like one.
const FIGURES: &str = "sim-in-a-phone,phone-with-copied-imei,tethering,ddos,ddos-single,slow-x3";

/// Eight weeks to learn, after which devices are grown; with four, a fifth of the fast misuse is missed that eight find.
const LONG: [&str; 4] = ["--training", "56", "--test", "21"];

/// Measure how good something is.
#[derive(Debug, Subcommand)]
pub(crate) enum Quality {
    /// Detection on simulated fleets: found, said in error, how fast; beside the textbook's detectors.
    Detect(Detect),
    /// Profiles learnt from real captures, held against the rest of them.
    Network(network::Network),
    /// The audit of the zoo: planted faults that were found, what was said in error, harm.
    Audit(audit::Audit),
}

/// Detection on simulated fleets.
#[derive(Debug, Args)]
pub(crate) struct Detect {
    /// Small: 6 × 300 devices, one world, in seconds. Its intervals are wide.
    #[arg(long)]
    quick: bool,
    /// The figures alone: no curve, no trial of all scenarios, of new fleets and of the nuisances one by one.
    #[arg(long)]
    main_only: bool,
    /// The first seed. From 1000 on they are held out: nothing was tuned on them.
    #[arg(long, default_value_t = 1000)]
    seed: u64,
    /// Worlds of the main trial; 10 make 200 misused devices a scenario and class.
    #[arg(long, default_value_t = 10)]
    worlds: u32,
    /// Overlays of others instead of the public ones.
    #[arg(long, value_name = "FILE")]
    misuse: Vec<PathBuf>,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
    /// The whole tables and the curve, as files.
    #[arg(long, default_value = "target/quality", value_name = "FOLDER")]
    out: PathBuf,
}

impl Quality {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Detect(detect) => detect.run(),
            Self::Network(network) => network.run(),
            Self::Audit(audit) => audit.run(),
        }
    }
}

impl Detect {
    /// First every scenario in a small trial, then the figures, so that they are the last line.
    fn run(self) -> anyhow::Result<ExitCode> {
        let binary = release::fleetward()?;
        if !self.quick && !self.main_only && self.misuse.is_empty() {
            let mut all = Command::new(&binary);
            all.args([
                "evaluate",
                "--devices",
                "1500",
                "--misused",
                "3",
                "--worlds",
                "2",
                "--cold-start",
                "--each-nuisance",
            ]);
            all.args(LONG).args(["--seed", &(self.seed + 500).to_string()]);
            all.arg("--out").arg(self.out.join("all-scenarios"));
            let status = all.stdout(Stdio::null()).status().context("fleetward evaluate")?;
            ensure!(status.success(), "the evaluation of all scenarios did not finish");
        }
        self.figures(Command::new(binary))
    }

    fn figures(self, mut command: Command) -> anyhow::Result<ExitCode> {
        command.arg("evaluate").arg("--out").arg(&self.out).args(["--seed", &self.seed.to_string()]);
        command.args(LONG);
        if self.misuse.is_empty() {
            command.args(["--misuse", "public", "--scenario", FIGURES]);
        }
        for overlay in &self.misuse {
            command.arg("--misuse").arg(overlay);
        }
        if self.quick {
            command.args(["--devices", "300", "--misused", "3", "--worlds", "1"]);
        } else {
            command.args(["--devices", "1800", "--misused", "20", "--worlds", &self.worlds.to_string()]);
            if !self.main_only {
                command.arg("--curve");
            }
        }
        if self.json {
            command.arg("--json");
        }
        let status = command.stdout(Stdio::inherit()).status().context("fleetward evaluate")?;
        ensure!(status.success(), "the evaluation did not finish");
        Ok(ExitCode::SUCCESS)
    }
}
