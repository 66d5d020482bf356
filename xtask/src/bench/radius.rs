//! CPU-seconds for 100,000 requests and requests a second: Fleetward with durability and detection, FreeRADIUS as Debian
//! ships it (a detail file, no sync) and with a sync per record. Absolute times drift on shared machines; the ratio
//! within one run is the figure to quote.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use fleetward_testkit::daemons::{Account, FreeRadius, FreeRadiusSetup, ServerAddress, Storage};
use fleetward_testkit::fleet::msisdn;
use fleetward_testkit::load::{self, Kind, Load, LoadReport};
use fleetward_testkit::process::{Process, require_daemon};
use serde::Serialize;

use crate::rig::{Gateway, Rig, clock};

/// Durable accounting and admission, beside FreeRADIUS without and with a sync per record.
#[derive(Debug, Args)]
pub(crate) struct Radius {
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Requests a round (a tenth of it for the peer that syncs each record).
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// SIMs in the inventory, each with a session, when memory is measured.
    #[arg(long, default_value_t = 1_000_000)]
    sims: u32,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
}

/// Where the load comes from: one gateway of ours, a client of theirs.
const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const PEER_SECRET: &str = "a-secret-for-tests-on-loopback-only";

/// What was measured of one server.
#[derive(Debug, Default, Clone, Serialize)]
struct Figures {
    accounting_cpu_s_per_100k: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    admission_cpu_s_per_100k: Option<f64>,
    accounting_per_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    admission_per_s: Option<f64>,
    p99_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_per_idle_sim: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Peers {
    #[serde(skip_serializing_if = "Option::is_none")]
    freeradius: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    freeradius_synced: Option<Figures>,
}

/// Ours divided by theirs, CPU per request: below 1 is cheaper.
#[derive(Debug, Default, Serialize)]
struct Ratio {
    #[serde(skip_serializing_if = "Option::is_none")]
    accounting_to_freeradius: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accounting_to_freeradius_synced: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admission_to_freeradius: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Report {
    work: &'static str,
    ours: Figures,
    peers: Peers,
    ratio: Ratio,
}

/// One load of one kind on one server.
#[derive(Debug, Clone, Copy)]
struct Run {
    cpu_s_per_100k: f64,
    per_s: f64,
    p99_ms: f64,
}

impl Radius {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let folder = tempfile::tempdir()?;
        let gateway = Gateway { name: "bench".into(), address: SOURCE };
        let mut rig = Rig::build(&folder.path().join("ours"), &[gateway], load::PROFILE, "60 s")?;
        let server = rig.start()?;
        let idle = server.resident()?;
        println!("bench: importing {} devices", self.sims);
        rig.import((0..self.sims).map(load::device), 50_000)?;
        let fill = fill(&rig, self.sims)?;
        println!("bench: {} sessions opened, {:.0} a second", fill.requests, fill.per_s);
        std::thread::sleep(Duration::from_secs(3));
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let per_sim = (server.resident()?.saturating_sub(idle)) as f64 / f64::from(self.sims);

        let mut peers = Peer::start_all(folder.path())?;
        let (mut accounting, mut admission, mut theirs) =
            (Vec::new(), Vec::new(), vec![(Vec::new(), Vec::new()); peers.len()]);
        for round in 0..self.rounds {
            let run = u32::try_from(round).unwrap_or(0) + 1;
            accounting.push(self.ours(&rig, &server, false, run)?);
            admission.push(self.ours(&rig, &server, true, run)?);
            for (peer, (accounting, admission)) in peers.iter_mut().zip(&mut theirs) {
                accounting.push(peer.measure(false, self.requests, run)?);
                if !peer.synced {
                    admission.push(peer.measure(true, self.requests, run)?);
                }
            }
        }
        let mut ours = figures(&accounting, &admission);
        ours.bytes_per_idle_sim = Some(per_sim.round());
        let of = |synced: bool| {
            let at = peers.iter().position(|peer| peer.synced == synced)?;
            Some(figures(&theirs[at].0, &theirs[at].1))
        };
        let report = Report::new(ours, of(false), of(true));
        report.print();
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn ours(&self, rig: &Rig, server: &Process, admission: bool, run: u32) -> anyhow::Result<Run> {
        let mut load = if admission {
            Load::admission(rig.auth, Rig::secret(), Arc::new(clock))
        } else {
            Load::accounting(rig.acct, Rig::secret(), Arc::new(clock))
        };
        load.sims = self.sims.max(1);
        load.run = if admission { 0 } else { run };
        load.requests = Some(self.requests);
        load.duration = Some(Duration::from_mins(2));
        measure(&load, server)
    }
}

/// One Start a SIM: every device has a session.
fn fill(rig: &Rig, sims: u32) -> anyhow::Result<LoadReport> {
    let mut load = Load::accounting(rig.acct, Rig::secret(), Arc::new(clock));
    load.kind = Kind::Accounting { interims: 0 };
    load.sims = sims;
    load.requests = Some(u64::from(sims));
    load.duration = Some(Duration::from_mins(15));
    Ok(load.run()?)
}

fn measure(load: &Load, server: &Process) -> anyhow::Result<Run> {
    let before = server.cpu_time()?;
    let report = load.run()?;
    // Judging may lag a moment behind the answers; its cost belongs to them.
    settle(server)?;
    let cpu = (server.cpu_time()?.checked_sub(before)).unwrap_or_default();
    ensure!(report.requests > 0, "no request was answered");
    ensure!(report.bad == 0, "{} answers were not proven", report.bad);
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    Ok(Run {
        cpu_s_per_100k: cpu.as_secs_f64() * 100_000.0 / report.requests as f64,
        per_s: report.per_s,
        p99_ms: report.p99_us as f64 / 1000.0,
    })
}

/// Waits until the server has used next to no CPU for 200 ms, at most ten seconds.
fn settle(server: &Process) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(10);
    let mut last = server.cpu_time()?;
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
        let now = server.cpu_time()?;
        if now.saturating_sub(last) < Duration::from_millis(20) {
            break;
        }
        last = now;
    }
    Ok(())
}

/// A FreeRADIUS of Debian's.
struct Peer {
    server: FreeRadius,
    auth: SocketAddr,
    acct: SocketAddr,
    synced: bool,
}

impl Peer {
    /// Both kinds, where it is installed.
    fn start_all(folder: &std::path::Path) -> anyhow::Result<Vec<Self>> {
        if require_daemon("freeradius", "freeradius").is_none() {
            return Ok(Vec::new());
        }
        let stock = Self::start(&folder.join("freeradius"), Storage::Detail)?;
        match Self::start(&folder.join("freeradius-synced"), Storage::DetailSynced) {
            Ok(synced) => Ok(vec![stock, synced]),
            Err(error) => {
                println!("bench: SKIPPED FreeRADIUS with a sync per record: {error:#}");
                Ok(vec![stock])
            }
        }
    }

    fn start(folder: &std::path::Path, storage: Storage) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let synced = matches!(storage, Storage::DetailSynced);
        let mut listen = ServerAddress::new(Ipv4Addr::LOCALHOST, PEER_SECRET);
        (listen.auth, listen.acct) = (free_port()?, free_port()?);
        let (auth, acct) = (listen.auth_addr(), listen.acct_addr());
        let accounts = (0..10_000).map(account).collect();
        let setup = FreeRadiusSetup { listen, accounts, storage, threads: 4, radsec: None };
        let server = FreeRadius::start(folder, None, &setup).context("FreeRADIUS does not start")?;
        Ok(Self { server, auth, acct, synced })
    }

    fn measure(&mut self, admission: bool, requests: u64, run: u32) -> anyhow::Result<Run> {
        let secret = fleetward_fleet::Secret::new(PEER_SECRET);
        let mut load = if admission {
            Load::admission(self.auth, secret, Arc::new(clock))
        } else {
            Load::accounting(self.acct, secret, Arc::new(clock))
        };
        load.sims = 10_000;
        load.run = run;
        load.requests = Some(if self.synced { requests / 10 } else { requests });
        load.duration = Some(Duration::from_mins(1));
        // Debian 12's FreeRADIUS sends none.
        load.require_message_authenticator = false;
        measure(&load, &self.server.process)
    }
}

/// What the load's Access-Requests say: the number as User-Name, a fixed password.
fn account(index: u32) -> Account {
    Account { name: msisdn(index).reveal(), password: "none".into(), ip: None }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn figures(accounting: &[Run], admission: &[Run]) -> Figures {
    let some = |figure: f64| (!admission.is_empty()).then_some(figure);
    Figures {
        accounting_cpu_s_per_100k: median(accounting, |run| run.cpu_s_per_100k),
        admission_cpu_s_per_100k: some(median(admission, |run| run.cpu_s_per_100k)),
        accounting_per_s: median(accounting, |run| run.per_s).round(),
        admission_per_s: some(median(admission, |run| run.per_s).round()),
        p99_ms: median(accounting, |run| run.p99_ms),
        bytes_per_idle_sim: None,
    }
}

/// The middle one, to two digits; 0 where there is none.
fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).map_or(0.0, |value| (value * 100.0).round() / 100.0)
}

impl Report {
    fn new(ours: Figures, freeradius: Option<Figures>, freeradius_synced: Option<Figures>) -> Self {
        let ratio = |ours: Option<f64>, theirs: Option<f64>| {
            ours.zip(theirs.filter(|theirs| *theirs > 0.0))
                .map(|(ours, theirs)| (ours / theirs * 1000.0).round() / 1000.0)
        };
        let accounting = |peer: &Option<Figures>| peer.as_ref().map(|peer| peer.accounting_cpu_s_per_100k);
        let ratio = Ratio {
            accounting_to_freeradius: ratio(Some(ours.accounting_cpu_s_per_100k), accounting(&freeradius)),
            accounting_to_freeradius_synced: ratio(
                Some(ours.accounting_cpu_s_per_100k),
                accounting(&freeradius_synced),
            ),
            admission_to_freeradius: ratio(
                ours.admission_cpu_s_per_100k,
                freeradius.as_ref().and_then(|peer| peer.admission_cpu_s_per_100k),
            ),
        };
        Self { work: "radius", ours, peers: Peers { freeradius, freeradius_synced }, ratio }
    }

    fn print(&self) {
        println!(
            "{:<34} {:>12} {:>12} {:>10} {:>10} {:>9}",
            "", "acct CPU-s", "adm. CPU-s", "acct/s", "adm./s", "p99 ms"
        );
        println!("{:<34} {:>12} {:>12}", "", "per 100k", "per 100k");
        let line = |name: &str, figures: &Figures| {
            let or_dash =
                |figure: Option<f64>, digits| figure.map_or("-".to_owned(), |figure| format!("{figure:.digits$}"));
            println!(
                "{name:<34} {:>12.2} {:>12} {:>10.0} {:>10} {:>9.1}",
                figures.accounting_cpu_s_per_100k,
                or_dash(figures.admission_cpu_s_per_100k, 2),
                figures.accounting_per_s,
                or_dash(figures.admission_per_s, 0),
                figures.p99_ms
            );
        };
        line("fleetward, durable, with detection", &self.ours);
        for (name, peer) in [
            ("freeradius, no sync", &self.peers.freeradius),
            ("freeradius, sync per record", &self.peers.freeradius_synced),
        ] {
            match peer {
                Some(figures) => line(name, figures),
                None => println!("{name:<34} not measured (not installed?)"),
            }
        }
        if let Some(bytes) = self.ours.bytes_per_idle_sim {
            println!("memory: {bytes:.0} bytes an idle SIM, all told");
        }
    }
}
