//! Detection: a fleet under the default rules, 100 custom ones and the baselines; and the reference query (the bytes of a
//! device over a sliding hour above 50 MB) beside every peer that is installed, on the same file, the alarms compared.
//!
//! CPU-seconds are user and system time; what is timed is judging, not reading the file or making the records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use crate::release::root;

/// Default and custom rules over a fleet, and the reference query, beside thirty lines of Rust, rsigma and Bytewax.
#[derive(Debug, Args)]
pub(crate) struct Detect {
    /// SIMs of the fleet.
    #[arg(long, default_value_t = 500_000)]
    sims: u64,
    /// Hours that the fleet lives before it is measured: after a day, all windows of a day are full.
    #[arg(long, default_value_t = 27)]
    hours: u64,
    /// Events of the reference query.
    #[arg(long, default_value_t = 5_000_000)]
    events: u64,
    /// A small run that takes seconds once it is built, without peers: 20,000 SIMs of two hours, 200,000 events.
    #[arg(long)]
    quick: bool,
    /// Peers that take minutes, too (Bytewax).
    #[arg(long)]
    slow_peers: bool,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Ours {
    observations_per_cpu_s: f64,
    observations_per_cpu_s_default_rules: f64,
    reference_query_events_per_cpu_s: f64,
    bytes_per_sim: f64,
    bytes_per_sim_with_custom_rules: f64,
    /// Two hours after the fleet began, when each SIM is in its first session.
    bytes_per_sim_while_young: f64,
    snapshot_s: f64,
    restore_s: f64,
    sweep_cpu_s: f64,
    sims: u64,
    hours: u64,
    events: u64,
    alarms: usize,
}

#[derive(Debug, Clone, Serialize)]
struct Peer {
    reference_query_events_per_cpu_s: f64,
    alarms: usize,
    /// The same devices, each with the same second of its first alarm.
    agrees: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    work: &'static str,
    ours: Ours,
    peers: BTreeMap<&'static str, Peer>,
    /// Events a CPU-second, ours divided by theirs: above 1 is faster.
    ratio: BTreeMap<&'static str, f64>,
}

/// The bench of the crate.
const BENCH: [&str; 7] = ["bench", "--quiet", "-p", "fleetward-detect", "--bench", "detect", "--"];

/// Device and second of its first alarm.
type Alarms = BTreeMap<u64, i64>;

impl Detect {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let folder = tempfile::tempdir()?;
        let all = (self.sims, self.hours, self.events);
        let (sims, hours, count) = if self.quick { (20_000, 2, 200_000) } else { all };
        let (some, lived) = (sims.to_string(), hours.to_string());
        let fleet = ours(&["observations", "--sims", &some, "--hours", &lived])?;
        let custom = ours(&["observations", "--custom", "--sims", &some, "--hours", &lived])?;
        let events = folder.path().join("events.csv");
        ours_quietly(&["events", text(&events)?, "--count", &count.to_string()])?;
        let found = folder.path().join("ours.csv");
        let reference = ours(&["reference", text(&events)?, text(&found)?])?;
        let alarms = read(&found)?;
        let figure = |of: &Value, name: &str| of[name].as_f64().with_context(|| format!("no `{name}` in {of}"));
        let ours = Ours {
            observations_per_cpu_s: figure(&custom, "observations_per_cpu_s")?,
            observations_per_cpu_s_default_rules: figure(&fleet, "observations_per_cpu_s")?,
            reference_query_events_per_cpu_s: figure(&reference, "events_per_cpu_s")?,
            bytes_per_sim: figure(&fleet, "bytes_per_sim")?,
            bytes_per_sim_with_custom_rules: figure(&custom, "bytes_per_sim")?,
            bytes_per_sim_while_young: figure(&fleet, "bytes_per_sim_while_young")?,
            snapshot_s: figure(&fleet, "snapshot_s")?,
            restore_s: figure(&fleet, "restore_s")?,
            sweep_cpu_s: figure(&fleet, "sweep_cpu_s")?,
            sims,
            hours,
            events: count,
            alarms: alarms.len(),
        };
        let mut peers = BTreeMap::new();
        if !self.quick {
            for (name, command) in commands(self.slow_peers)? {
                let peer = measure(name, command, &events, folder.path(), &alarms)?;
                peers.insert(name, peer);
            }
        }
        let rate = ours.reference_query_events_per_cpu_s;
        let ratio = peers.iter().map(|(name, peer)| (*name, rate / peer.reference_query_events_per_cpu_s)).collect();
        let report = Report { work: "detect", ours, peers, ratio };
        report.print();
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        }
        Ok(if report.peers.values().all(|peer| peer.agrees) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Report {
    fn print(&self) {
        let ours = &self.ours;
        println!("\n{} SIMs that have lived for {} hours:", ours.sims, ours.hours);
        println!("  default rules + 100 custom   {:>12.0} observations a CPU-second", ours.observations_per_cpu_s);
        println!("  default rules                {:>12.0}", ours.observations_per_cpu_s_default_rules);
        println!("  state a SIM, default rules   {:>12.0} bytes", ours.bytes_per_sim);
        println!("  ... and 100 custom rules     {:>12.0} bytes", ours.bytes_per_sim_with_custom_rules);
        println!("  ... default, after 2 hours   {:>12.0} bytes", ours.bytes_per_sim_while_young);
        println!("  snapshot, restart            {:>9.2} s, {:.2} s", ours.snapshot_s, ours.restore_s);
        println!("reference query, {} events:", ours.events);
        println!(
            "  fleetward  {:>12.0} events a CPU-second, {} alarms",
            ours.reference_query_events_per_cpu_s, ours.alarms
        );
        for (name, peer) in &self.peers {
            let agrees = if peer.agrees { "the same alarms" } else { "OTHER ALARMS" };
            println!("  {name:<10} {:>12.0}, {} ({agrees})", peer.reference_query_events_per_cpu_s, peer.alarms);
        }
    }
}

/// Runs the bench of the crate, shows what it says, and returns its last line.
fn ours(arguments: &[&str]) -> anyhow::Result<Value> {
    let said = ours_quietly(arguments)?;
    print!("{said}");
    last_line(&said)
}

fn ours_quietly(arguments: &[&str]) -> anyhow::Result<String> {
    output(Command::new("cargo").current_dir(root()?).args(BENCH).args(arguments))
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let done = command.stderr(Stdio::inherit()).output().with_context(|| format!("{command:?}"))?;
    ensure!(done.status.success(), "{command:?} failed");
    Ok(String::from_utf8(done.stdout)?)
}

fn last_line(said: &str) -> anyhow::Result<Value> {
    serde_json::from_str(said.lines().last().unwrap_or_default()).with_context(|| format!("no figures in `{said}`"))
}

/// Each takes the events and where to write its alarms.
fn commands(slow: bool) -> anyhow::Result<Vec<(&'static str, Command)>> {
    let folder = root()?.join("xtask/peers");
    let mut by_hand = Command::new("cargo");
    by_hand.current_dir(root()?).args(BENCH).arg("by-hand");
    let mut commands = vec![("by_hand", by_hand)];
    match rsigma(&folder.join("rsigma")) {
        Ok(binary) => commands.push(("rsigma", Command::new(binary))),
        Err(error) => println!("bench: SKIPPED rsigma, it does not build: {error:#}"),
    }
    let has_bytewax = Command::new("python3").args(["-c", "import bytewax"]).stderr(Stdio::null()).status();
    if !has_bytewax.is_ok_and(|status| status.success()) {
        println!("bench: SKIPPED bytewax, not installed (pip install bytewax)");
    } else if slow {
        let mut command = Command::new("python3");
        command.arg(folder.join("bytewax_peer.py"));
        commands.push(("bytewax", command));
    } else {
        println!("bench: SKIPPED bytewax, it takes minutes: --slow-peers");
    }
    Ok(commands)
}

fn rsigma(folder: &Path) -> anyhow::Result<PathBuf> {
    output(Command::new("cargo").args(["build", "--quiet", "--release", "--locked"]).current_dir(folder))?;
    Ok(folder.join("target/release/rsigma-peer"))
}

fn measure(
    name: &'static str,
    mut command: Command,
    events: &Path,
    folder: &Path,
    ours: &Alarms,
) -> anyhow::Result<Peer> {
    println!("bench: {name}");
    let found = folder.join(format!("{name}.csv"));
    let said = last_line(&output(command.arg(events).arg(&found))?)?;
    let theirs = read(&found)?;
    let number = |field: &str| said[field].as_f64().with_context(|| format!("{name} states no `{field}`"));
    report_differences(name, ours, &theirs);
    Ok(Peer {
        reference_query_events_per_cpu_s: number("events")? / number("cpu_s")?,
        alarms: theirs.len(),
        agrees: theirs == *ours,
    })
}

fn report_differences(name: &str, ours: &Alarms, theirs: &Alarms) {
    let missing = theirs.keys().filter(|device| !ours.contains_key(device)).count();
    let more = ours.keys().filter(|device| !theirs.contains_key(device)).count();
    let earlier = ours.iter().filter(|(device, at)| theirs.get(device).is_some_and(|second| second != *at)).count();
    if missing + more + earlier > 0 {
        println!("bench: {name}: {missing} devices only there, {more} only here, {earlier} at another time");
    }
}

/// `device,second` lines.
fn read(file: &Path) -> anyhow::Result<Alarms> {
    let lines = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let pairs = lines.lines().map(|line| {
        let (device, second) = line.split_once(',').with_context(|| format!("`{line}`"))?;
        Ok((device.parse()?, second.parse()?))
    });
    pairs.collect()
}

fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path that is text")
}
