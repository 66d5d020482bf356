//! The command line: what can be said, and who does it.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use crate::client::Client;
use crate::command::{
    self, audit, capture, changes, demo, devices, enforce, evaluate, findings, init, journal, learn, mud, observations,
    planned, reload, responses, rules, secret, sessions, simulate, tokens, users, watch,
};
use crate::config::Settings;
use crate::exit::{Exit, Failure};
use crate::printer::{Format, Printer};

/// Sees which IoT devices exist, judges what their SIMs do, stops misuse and verifies that it stopped.
#[derive(Debug, Parser)]
#[command(name = "fleetward", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// The configuration.
    #[arg(long, global = true, env = "FLEETWARD_CONFIG", default_value = CONFIG, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// The running server, where it is not the one of the configuration.
    #[arg(long, global = true, env = "FLEETWARD_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// A certificate (PEM) to trust for --server, instead of the system's.
    #[arg(long, global = true, env = "FLEETWARD_CA", value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The API token; without it, the one that `serve` left in the data folder for its own user.
    #[arg(long, global = true, env = "FLEETWARD_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// How results are written.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
}

/// The configuration where none is named.
const CONFIG: &str = "fleetward.yaml";

impl Global {
    /// Whether there is nothing to read, and nobody said that there is. Where that cannot be told, reading says why.
    pub(crate) fn has_no_config(&self) -> bool {
        self.config == Path::new(CONFIG) && matches!(self.config.try_exists(), Ok(false))
    }

    /// The configuration with all that it names, or every problem in it.
    pub(crate) fn settings(&self) -> anyhow::Result<Settings> {
        self.settings_or("fleetward check says this again; nothing was changed")
    }

    /// The same with another hint.
    pub(crate) fn settings_or(&self, hint: &str) -> anyhow::Result<Settings> {
        Settings::load(&self.config).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::input(lines.join("\n       "), hint).into()
        })
    }

    /// A connection to the server.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        Client::new(self)
    }

    /// The way to standard output.
    pub(crate) fn printer(&self) -> Printer {
        Printer::new(self.format)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a fleet of simulated SIMs being attacked and defended, over real RADIUS, on loopback.
    Demo(demo::Demo),
    /// Write a commented fleetward.yaml into a folder.
    Init(init::Init),
    /// Read the configuration and all that it names; say what is wrong.
    Check,
    /// Run the server.
    Serve,
    /// The inventory: which devices exist and what each is meant to be.
    #[command(subcommand)]
    Devices(devices::Devices),
    /// Data sessions of SIMs.
    #[command(subcommand)]
    Sessions(sessions::Sessions),
    /// What someone should know of.
    #[command(subcommand)]
    Findings(findings::Findings),
    /// What was done about it.
    #[command(subcommand)]
    Responses(responses::Responses),
    /// The rules that judge.
    #[command(subcommand)]
    Rules(rules::Rules),
    /// Simulate a fleet: to a file, a journal, or a server over RADIUS.
    Simulate(simulate::Simulate),
    /// Measure detection against the truth of a simulated fleet: found, missed, said in error, and the cost.
    Evaluate(evaluate::Evaluate),
    /// Deviations that were announced: no finding until they end.
    #[command(subcommand)]
    Planned(planned::Planned),
    /// What other systems saw: flows, messages, calls, log-ins, changes of a SIM.
    #[command(subcommand)]
    Observations(observations::Observations),
    /// Compile the network profiles into a firewall on this machine, and load it.
    Enforce(enforce::Enforce),
    /// Let the running server read rules, lists and models again; all or nothing.
    Reload,
    /// Packets: from a capture or an interface to flows, device by device.
    #[command(subcommand)]
    Capture(capture::Capture),
    /// Learn what a model needs of the network, from captures of its devices.
    Learn(learn::Learn),
    /// Hold captures against the profiles of their devices, and say what does not fit.
    Watch(watch::Watch),
    /// Find what is open on devices of one's own, and what of it should not be.
    Audit(audit::Audit),
    /// MUD files (RFC 8520) in and out.
    #[command(subcommand)]
    Mud(mud::Mud),
    /// The durable record of everything observed.
    #[command(subcommand)]
    Journal(journal::Journal),
    /// Who changed what.
    #[command(subcommand)]
    Changes(changes::Changes),
    /// Keys to the API (works on the database, without a running server).
    #[command(subcommand)]
    Tokens(tokens::Tokens),
    /// People who may sign in (works on the database, without a running server).
    #[command(subcommand)]
    Users(users::Users),
    /// Shared secrets of gateways and channels.
    #[command(subcommand)]
    Secret(secret::SecretCommand),
}

/// Does what the command line says.
pub(crate) fn run() -> anyhow::Result<Exit> {
    let cli = Cli::parse();
    let global = &cli.global;
    match cli.command {
        Command::Demo(demo) => demo.run(global),
        Command::Init(init) => init.run(),
        Command::Check => command::check(global),
        Command::Serve => command::serve(global),
        Command::Devices(devices) => devices.run(global),
        Command::Sessions(sessions) => sessions.run(global),
        Command::Findings(findings) => findings.run(global),
        Command::Responses(responses) => responses.run(global),
        Command::Rules(rules) => rules.run(global),
        Command::Simulate(simulate) => simulate.run(global),
        Command::Evaluate(evaluate) => evaluate.run(global),
        Command::Planned(planned) => planned.run(global),
        Command::Observations(observations) => observations.run(global),
        Command::Enforce(enforce) => enforce.run(global),
        Command::Reload => reload::run(global),
        Command::Capture(capture) => capture.run(global),
        Command::Learn(learn) => learn.run(global),
        Command::Watch(watch) => watch.run(global),
        Command::Audit(audit) => audit.run(global),
        Command::Mud(mud) => mud.run(global),
        Command::Journal(journal) => journal.run(global),
        Command::Changes(changes) => changes.run(global),
        Command::Tokens(tokens) => tokens.run(global),
        Command::Users(users) => users.run(global),
        Command::Secret(secret) => secret.run(),
    }
}
