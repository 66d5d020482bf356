//! `fleetward simulate`: a fleet's sessions, to a file, a journal, or a server over RADIUS.

mod radius;
mod sink;
mod world;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use fleetward_fleet::counted;
use fleetward_simulate::{CLASSES, Config, World};
use serde_json::json;

use crate::cli::Global;
use crate::exit::{Exit, Failure};

pub(crate) use world::{Fleet, warn};

/// Simulate a fleet: what its SIMs transfer, where they are, what disturbs and what is misuse.
#[derive(Debug, clap::Args)]
pub(crate) struct Simulate {
    #[command(flatten)]
    fleet: Fleet,
    /// Days in all.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    days: u32,
    /// Of these, days before misuse begins.
    #[arg(long, default_value_t = 0, value_name = "DAYS")]
    training: u32,
    #[command(flatten)]
    to: Destination,
    #[command(flatten)]
    radius_options: radius::Options,
    /// Who was misused, when, and what it cost, as JSON lines: what `evaluate --labelled` holds findings against.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// The profiles of the classes, one YAML file each, into this folder.
    #[arg(long, value_name = "FOLDER")]
    models: Option<PathBuf>,
    /// The devices, as a table that `devices import` reads.
    #[arg(long, value_name = "FILE")]
    inventory: Option<PathBuf>,
}

/// Where the records go: exactly one.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Destination {
    /// Observations, one JSON object a line (identities in clear; they are fictional).
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
    /// Accounting records as a table with a heading.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// A journal in a new folder, which `serve` and `rules backtest` read.
    #[arg(long, value_name = "FOLDER")]
    journal: Option<PathBuf>,
    /// A server's accounting port. Needs --secret-file.
    #[arg(long, value_name = "ADDRESS:PORT", requires = "secret_file")]
    radius: Option<SocketAddr>,
}

impl Simulate {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let mut config = self.fleet.config()?;
        config.days = self.days;
        if self.training >= self.days && !config.scenarios.is_empty() {
            let message = format!("--training {} leaves no day of {} for misuse", self.training, self.days);
            let hint = format!("write for example --days {}, or leave out --misuse", self.training.saturating_add(7));
            return Err(Failure::input(message, hint).into());
        }
        config.training_days = self.training.min(self.days);
        let files = [&self.to.jsonl, &self.to.csv, &self.truth, &self.inventory];
        files.into_iter().flatten().try_for_each(|file| sink::refuse_existing(file))?;
        let models = self.models.as_deref().map_or_else(Vec::new, |folder| models(&config, folder));
        models.iter().try_for_each(|(file, profile)| sink::refuse_another(file, profile))?;
        let mut world = World::new(config).map_err(|error| {
            Failure::input(
                error.to_string(),
                "raise --devices, lower --misused, or select fewer devices in the overlay",
            )
        })?;
        warn(&world)?;
        if let Some(folder) = &self.models {
            write_models(&models, folder)?;
        }
        if let Some(file) = &self.inventory {
            sink::inventory(&world, file)?;
        }
        let to = &self.to;
        let written = match (&to.jsonl, &to.csv, &to.journal, to.radius) {
            (Some(file), ..) => sink::jsonl(&mut world, file)?,
            (_, Some(file), ..) => sink::csv(&mut world, file)?,
            (_, _, Some(folder), _) => sink::journal(&mut world, folder)?,
            (.., Some(server)) => self.radius_options.send(&mut world, server)?,
            _ => return Err(Failure::input("no destination", "--jsonl, --csv, --journal or --radius").into()),
        };
        if let Some(file) = &self.truth {
            write_truth(&world, file)?;
        }
        let (devices, misused) = (world.members().len(), world.truth().len());
        let figures = json!({ "records": written, "devices": devices, "days": self.days, "misused": misused });
        global.printer().object(&figures, || {
            format!(
                "{} of {}, {}, {} misused",
                counted(written, "record"),
                counted(devices, "device"),
                counted(self.days, "day"),
                counted(misused, "device")
            )
        })?;
        Ok(Exit::Done)
    }
}

/// The profiles of the classes that are simulated, each with its file.
fn models(config: &Config, folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let classes = config.classes.iter().map(|(class, _)| &CLASSES[*class]);
    classes.map(|class| (folder.join(format!("{}.yaml", class.name)), class.profile)).collect()
}

fn write_models(models: &[(PathBuf, &str)], folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (file, profile) in models {
        sink::refuse_another(file, profile)?;
        std::fs::write(file, profile).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn write_truth(world: &World, file: &Path) -> anyhow::Result<()> {
    let mut text = String::new();
    for misuse in world.truth() {
        let line = json!({
            "device": world.members()[misuse.unit as usize].device.name,
            "class": CLASSES[misuse.class].name,
            "scenario": world.config().scenarios[misuse.scenario].scenario,
            "from": misuse.from,
            "until": misuse.until,
            "bytes": misuse.octets(),
        });
        text += &format!("{line}\n");
    }
    sink::refuse_existing(file)?;
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
