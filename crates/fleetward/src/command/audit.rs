//! `fleetward audit`: what is open on one's own devices, and what of it should not be.

mod progress;
mod scheduled;
mod tell;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, ValueEnum};
use fleetward_audit::access::Lists;
use fleetward_audit::pace::Temperament;
use fleetward_audit::ports::{Engine, PortSet, Progress};
use fleetward_audit::report::{self, Format};
use fleetward_audit::run::{Plan, Report};
use fleetward_audit::scope::Scope;
use ipnet::IpNet;

use crate::audit;
use crate::cli::Global;
use crate::clock;
use crate::config::Settings;
use crate::exit::{Exit, Failure};

/// Find what is open, guessable or unencrypted on devices of one's own; refuses addresses that are not listed as such.
///
/// An address without an answer at its usual ports is asked no further, and is not called closed; one that is named alone is
/// asked every port.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fleetward audit 10.9.0.11 --mine 10.9.0.0/24
  fleetward audit 10.9.0.0/24 --ports usual --out audit.html --report html
  fleetward audit front-door --report sarif
  fleetward audit sensors --tell
  fleetward audit --recheck 4f2a
  fleetward audit --scheduled

Ends with 0 where nothing was found, 1 where something was, 3 where it could not finish.")]
pub(crate) struct Audit {
    /// Addresses, ranges (10.9.0.1-10.9.0.20), networks, names; devices, models and groups of the inventory.
    #[arg(required_unless_present_any = ["recheck", "scheduled"], value_name = "TARGET")]
    targets: Vec<String>,
    /// A network that is yours, beside `audit.networks` of the configuration; can be repeated.
    #[arg(long, value_name = "NETWORK")]
    mine: Vec<IpNet>,
    /// State that the public ones among your networks belong to you, too. It is logged.
    #[arg(long)]
    public_is_mine: bool,
    /// `all`, `usual`, or ports such as `22,80,8000-8100,udp:161`.
    #[arg(long, default_value = "all", value_name = "PORTS")]
    ports: PortSet,
    /// How gently.
    #[arg(long, value_enum, default_value = "gentle")]
    temperament: How,
    /// Whether known passwords are tried where a service asks for one: at most twice an hour and account, over runs.
    #[arg(long, value_enum, default_value = "known")]
    passwords: Known,
    /// A list of passwords of your own, tried before the well-known ones; can be repeated.
    #[arg(long, value_name = "FILE")]
    list: Vec<PathBuf>,
    /// How TCP ports are asked.
    #[arg(long, value_enum, default_value = "auto")]
    engine: By,
    /// How the report is written; without it, as `--format` says.
    #[arg(long, value_enum, value_name = "FORMAT")]
    report: Option<Written>,
    /// Where the report goes instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Go on from an audit that was cut: its report as JSON.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Tell the server what was found: it becomes findings there, and what is gone is resolved.
    #[arg(long)]
    tell: bool,
    /// Look again, at once, at the port of this finding of an audit, and tell the server: its id, or how it begins.
    #[arg(long, value_name = "FINDING", conflicts_with_all = ["targets", "ports", "resume"])]
    recheck: Option<String>,
    /// Audit nothing; say what the server's schedule did last and does next.
    #[arg(long, conflicts_with_all = ["targets", "recheck", "tell"])]
    scheduled: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum How {
    /// For fragile devices: 20 packets a second and host.
    Gentle,
    /// As fast as a host's answers keep up and take no longer.
    Normal,
    /// The same without regard for a host that slows down.
    Fast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Known {
    /// Those that worms try first, those of --list, none, and the account's name.
    Known,
    /// Nothing is tried.
    None,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// Raw where the process may, connections elsewhere.
    Auto,
    /// SYN packets (needs CAP_NET_RAW).
    Raw,
    /// Connections.
    Connect,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Written {
    Table,
    Json,
    Jsonl,
    Sarif,
    Csv,
    Html,
}

impl Audit {
    pub(crate) fn run(mut self, global: &Global) -> anyhow::Result<Exit> {
        if self.scheduled {
            return scheduled::list(global);
        }
        let client = (self.tell || self.recheck.is_some()).then(|| global.client()).transpose()?;
        let again =
            client.as_ref().zip(self.recheck.as_ref()).map(|(client, id)| tell::look(client, id)).transpose()?;
        if let Some(again) = &again {
            self.targets = vec![again.address.clone()];
            self.ports = again.ports.clone().unwrap_or_default();
        }
        let plan = self.plan(global)?;
        let report = carry_out(&plan)?;
        self.write(global, &report)?;
        if let Some(client) = &client {
            tell::tell(client, &report, &plan)?;
        }
        if let Some(again) = &again {
            again.say(&report)?;
        }
        self.end(&report)
    }

    fn plan(&self, global: &Global) -> anyhow::Result<Plan> {
        let settings = self.settings(global)?;
        let scope = self.scope(settings.as_ref())?;
        let devices = settings.as_ref().map(audit::inventory).transpose()?.unwrap_or_default();
        let (subjects, is_single) = audit::subjects(&self.targets, &scope, &devices)?;
        let resume = self.resume.as_ref().map(read).transpose()?;
        let profiles = settings.iter().flat_map(|it| &it.profiles);
        Ok(Plan {
            subjects,
            ports: self.ports.clone(),
            engine: match self.engine {
                By::Auto => Engine::Auto,
                By::Raw => Engine::Raw,
                By::Connect => Engine::Connect,
            },
            temperament: match self.temperament {
                How::Gentle => Temperament::Gentle,
                How::Normal => Temperament::Normal,
                How::Fast => Temperament::Fast,
            },
            passwords: self.lists(settings.as_ref())?,
            profiles: profiles.filter_map(|it| Some((it.model.clone(), it.network.clone()?))).collect(),
            has_gateway: settings.as_ref().is_some_and(|it| it.config.enforce.is_some()),
            even_silent: is_single,
            resume,
            clock: clock::now,
        })
    }

    fn end(&self, report: &Report) -> anyhow::Result<Exit> {
        if !report.is_complete {
            let hint = match self.out {
                Some(_) => {
                    "the report is a part and says so; --resume goes on from one that was written with --report json"
                }
                None => "the report is a part and says so; with --report json --out FILE another audit can --resume it",
            };
            return Err(Failure::unfinished("the audit was ended before it was done", hint).into());
        }
        Ok(if report.found.is_empty() { Exit::Done } else { Exit::Found })
    }

    /// The configuration; none where there is no file and --mine says whose the networks are.
    fn settings(&self, global: &Global) -> anyhow::Result<Option<Settings>> {
        if !self.mine.is_empty() && global.has_no_config() {
            return Ok(None);
        }
        global.settings().map(Some)
    }

    fn lists(&self, settings: Option<&Settings>) -> anyhow::Result<Option<Arc<Lists>>> {
        if self.passwords == Known::None {
            return Ok(None);
        }
        let folder = settings.map_or_else(audit::own_folder, |it| Ok(it.data()))?;
        audit::known(&folder, &self.list).map(Some)
    }

    fn scope(&self, settings: Option<&Settings>) -> anyhow::Result<Scope> {
        let listed = settings.iter().flat_map(|it| it.config.audit.networks.iter().map(|it| it.0));
        let networks: Vec<IpNet> = listed.chain(self.mine.iter().copied()).collect();
        if networks.is_empty() {
            let hint = "list them: `audit: { networks: [10.9.0.0/24] }`, or for once: --mine 10.9.0.0/24";
            return Err(Failure::input("no network is listed as yours", hint).into());
        }
        if self.public_is_mine {
            let list = networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let who = nix::unistd::getuid();
            tracing::warn!(%who, networks = %list, "stated on the command line: public addresses of these networks are ours");
            writeln!(io::stderr(), "note: uid {who} states that public addresses in {list} are theirs")?;
        }
        Ok(Scope::new(networks, self.public_is_mine))
    }

    fn write(&self, global: &Global, report: &Report) -> anyhow::Result<()> {
        let format = match self.report {
            None => match global.format {
                crate::printer::Format::Table => Format::Table,
                crate::printer::Format::Json => Format::Json,
                crate::printer::Format::Jsonl => Format::Jsonl,
                crate::printer::Format::Csv => Format::Csv,
            },
            Some(Written::Table) => Format::Table,
            Some(Written::Json) => Format::Json,
            Some(Written::Jsonl) => Format::Jsonl,
            Some(Written::Sarif) => Format::Sarif,
            Some(Written::Csv) => Format::Csv,
            Some(Written::Html) => Format::Html,
        };
        match &self.out {
            None => report::write(report, format, &mut io::stdout().lock())?,
            Some(path) => {
                let file = File::create(path).with_context(|| path.display().to_string())?;
                let mut out = BufWriter::new(file);
                report::write(report, format, &mut out)?;
                out.flush().with_context(|| path.display().to_string())?;
            }
        }
        Ok(())
    }
}

fn read(file: &PathBuf) -> anyhow::Result<Report> {
    let wrong = |why: String| Failure::input(format!("{}: {why}", file.display()), "give it a report written as JSON");
    let text = fs::read(file).map_err(|error| wrong(error.to_string()))?;
    Ok(serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?)
}

/// Runs it; Ctrl-C ends it cleanly with what is known until then.
fn carry_out(plan: &Plan) -> anyhow::Result<Report> {
    let shown = Arc::new(progress::Shown::new(plan.subjects.len()));
    let stopped = Arc::clone(&shown);
    let interrupted = async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stopped.cancel();
        }
    };
    let done = audit::carry_out(plan, Arc::clone(&shown) as Arc<dyn Progress>, interrupted);
    shown.end();
    done
}
