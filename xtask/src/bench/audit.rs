//! Port audits side by side: our engines and every other tool that is installed, against the same hosts, in one run.
//!
//! What counts is the time until *everything* is found: a tool that misses a port is shown and is no measure.

mod identify;
mod tool;
mod wire;
mod yard;

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use fleetward_testkit::daemons::Lab;
use serde::Serialize;

use tool::{Run, Tool};
use yard::Yard;

/// Open ports on quiet, limited, silent and distant hosts and a whole network, and what speaks at them.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Only these.
    #[arg(long, value_enum, value_name = "CASE")]
    case: Vec<Case>,
    /// Times that each tool runs; the median counts.
    #[arg(long, default_value_t = 1, value_name = "N")]
    rounds: usize,
    /// Seconds after which a tool is ended.
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    patience: u64,
    /// Ours alone.
    #[arg(long)]
    alone: bool,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
}

/// What is asked of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Case {
    /// One host, every TCP port, ten open.
    QuietHost,
    /// It sends 2,000 resets a second at most.
    LimitedHost,
    /// A firewall drops what is not open.
    SilentHost,
    /// One frame in twenty is lost, and answers take 40 ms.
    LossyHost,
    /// 254 hosts, 1,024 ports each, ten open.
    Net24,
    /// What speaks in the zoo.
    Identify,
}

#[derive(Debug, Default, Serialize)]
struct Ours {
    quiet_host_s: Option<f64>,
    limited_host_s: Option<f64>,
    silent_host_s: Option<f64>,
    lossy_host_s: Option<f64>,
    net24_s: Option<f64>,
    /// Of all cases together.
    cpu_s: f64,
    missed_ports: usize,
    identify_s: Option<f64>,
}

type Figures = BTreeMap<Case, Run>;

#[derive(Debug, Serialize)]
struct Report {
    work: &'static str,
    ours: Ours,
    /// Our other temperaments and engine.
    variants: BTreeMap<&'static str, Figures>,
    peers: BTreeMap<&'static str, Figures>,
    ratio: Ratio,
}

#[derive(Debug, Default, Serialize)]
struct Ratio {
    /// Seconds of the fastest other tool that finds everything, divided by ours.
    fastest: BTreeMap<Case, f64>,
    /// Those of `nmap -sV` on the zoo, whatever it missed.
    nmap_sv: Option<f64>,
}

/// What stands for ours in the figures.
const MEASURE: &str = "fleetward";

impl Audit {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let program = tool::build()?;
        let Some(mut lab) = Lab::try_new(&[("nft", "nftables")])? else {
            bail!("this needs root, network namespaces and nft");
        };
        let yard = Yard::build(&mut lab)?;
        let mut tools = Tool::all(&program);
        tools.retain(|tool| (tool.is_ours() || !self.alone) && tool.is_installed());
        let mut figures: BTreeMap<&'static str, Figures> = BTreeMap::new();
        for case in Case::value_variants().iter().copied().filter(|it| *it != Case::Identify && self.wants(*it)) {
            yard.prepare(case)?;
            println!(
                "{case:?}\n  {:<22} {:>8} {:>8} {:>6} {:>7} {:>6}",
                "", "wall s", "CPU s", "found", "missed", "false"
            );
            for tool in tools.iter().filter(|it| it.fits(case)) {
                let run = self.median(|| tool.run(&yard, case, self.patience))?;
                println!("  {:<22} {run}", tool.name);
                figures.entry(tool.name).or_default().insert(case, run);
            }
        }
        if self.wants(Case::Identify) {
            identify::run(&program, self.alone, self.patience, &mut figures)?;
        }
        let report = Report::of(figures);
        report.print();
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn wants(&self, case: Case) -> bool {
        self.case.is_empty() || self.case.contains(&case)
    }

    /// By time; what one round missed is missed.
    fn median(&self, measure: impl Fn() -> anyhow::Result<Run>) -> anyhow::Result<Run> {
        let mut runs = (0..self.rounds.max(1)).map(|_| measure()).collect::<anyhow::Result<Vec<_>>>()?;
        runs.sort_by(|a, b| a.wall_s.total_cmp(&b.wall_s));
        let worst = runs.iter().max_by_key(|it| it.missed).cloned().unwrap_or_default();
        let median = runs.swap_remove(runs.len() / 2);
        Ok(Run { found: worst.found, missed: worst.missed, is_cut: worst.is_cut, ..median })
    }
}

impl Report {
    fn of(mut figures: BTreeMap<&'static str, Figures>) -> Self {
        let mine = figures.remove(MEASURE).unwrap_or_default();
        let wall = |case| mine.get(&case).map(|run| run.wall_s);
        let ours = Ours {
            quiet_host_s: wall(Case::QuietHost),
            limited_host_s: wall(Case::LimitedHost),
            silent_host_s: wall(Case::SilentHost),
            lossy_host_s: wall(Case::LossyHost),
            net24_s: wall(Case::Net24),
            identify_s: wall(Case::Identify),
            cpu_s: mine.values().map(|run| run.cpu_s).sum(),
            missed_ports: mine.values().map(|run| run.missed).sum(),
        };
        let (variants, peers): (BTreeMap<_, _>, _) =
            figures.into_iter().partition(|(name, _)| name.starts_with(MEASURE));
        let best = |case: Case| {
            let whole = peers.values().filter_map(|it: &Figures| it.get(&case)).filter(|run| run.is_whole());
            whole.map(|run| run.wall_s).min_by(f64::total_cmp)
        };
        let ports = mine.iter().filter(|(case, _)| **case != Case::Identify);
        let fastest = ports.filter_map(|(case, run)| Some((*case, best(*case)? / run.wall_s))).collect();
        // Where it was ended, or missed one, it would have taken at least so long.
        let theirs = peers.get(identify::NMAP).and_then(|it: &Figures| it.get(&Case::Identify));
        let nmap_sv = theirs.zip(ours.identify_s).map(|(theirs, ours)| theirs.wall_s / ours);
        Self { work: "audit", ours, variants, peers, ratio: Ratio { fastest, nmap_sv } }
    }

    fn print(&self) {
        for (case, ratio) in &self.ratio.fastest {
            println!("{case:?}: the fastest other tool that finds everything takes {ratio:.2} times as long");
        }
        if let Some(ratio) = self.ratio.nmap_sv {
            println!("identification: nmap -sV takes {ratio:.1} times as long");
        }
        println!("missed at normal: {}", self.ours.missed_ports);
    }
}
