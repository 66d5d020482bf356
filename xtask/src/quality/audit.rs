//! How good the audit is: real daemons as a dozen devices, held against what was planted in them.

use std::process::{ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use clap::Args;
use fleetward_testkit::daemons::{Zoo, zoo};
use serde::Serialize;
use serde_json::Value;

use crate::release;

/// `usual`, and what the zoo's devices listen at above.
const PORTS: &str = "1-1024,1883,5683,6379,udp:53,udp:123,udp:161,udp:5683";

/// The audit of the zoo, gently.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    work: &'static str,
    ours: Ours,
}

#[derive(Debug, Serialize)]
struct Ours {
    devices: usize,
    planted: usize,
    found: usize,
    missed: usize,
    r#false: usize,
    locked: u32,
    harmed: u32,
    seconds: f64,
}

impl Audit {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let binary = release::fleetward()?;
        let Some(mut zoo) = Zoo::try_start()? else {
            println!("skipped: the zoo needs root and its daemons (above)");
            return Ok(ExitCode::FAILURE);
        };
        let folder = tempfile::tempdir()?;
        let began = Instant::now();
        let mut command = zoo.auditor().command(&binary.display().to_string());
        command.current_dir(folder.path()).env("XDG_STATE_HOME", folder.path());
        command.args(["audit", "10.77.0.10-10.77.0.26", "--mine", zoo::NETWORK, "--ports", PORTS, "--report", "json"]);
        let ran = command.stderr(Stdio::inherit()).output()?;
        ensure!(ran.status.code().is_some_and(|code| code < 2), "the audit ended with {}", ran.status);
        let report: Value = serde_json::from_slice(&ran.stdout).context("its report")?;
        let seconds = began.elapsed().as_secs_f64();
        let score = zoo::Score::of(&report);
        score.missed.iter().for_each(|it| println!("missed  {it}"));
        score.falsely.iter().for_each(|it| println!("false   {it}"));
        let ours = Ours {
            devices: score.devices,
            planted: score.planted,
            found: score.found,
            missed: score.missed.len(),
            r#false: score.falsely.len(),
            locked: zoo.locked(),
            harmed: zoo.harmed(),
            seconds,
        };
        println!(
            "{} of {} planted faults found on {} devices, in {seconds:.0} s",
            ours.found, ours.planted, ours.devices
        );
        if self.json {
            println!("{}", serde_json::to_string(&Report { work: "audit", ours })?);
        }
        Ok(ExitCode::SUCCESS)
    }
}
