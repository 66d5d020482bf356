//! A server under test: the release binary with a configuration in a folder of its own, on fixed loopback ports.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use fleetward_fleet::{Device, Secret, Timestamp};
use fleetward_testkit::process::Process;
use serde_json::Value;

/// Long enough for every gateway.
const SECRET: &str = "a-secret-for-tests-on-loopback-only";
/// How long a start with its replay may take.
const READY: Duration = Duration::from_mins(2);

/// Where a server runs and what it is called by.
pub(crate) struct Rig {
    binary: PathBuf,
    folder: PathBuf,
    pub(crate) auth: SocketAddr,
    pub(crate) acct: SocketAddr,
    starts: u32,
}

/// A gateway that may talk to the server, and where it takes Disconnects.
pub(crate) struct Gateway {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
}

impl Rig {
    /// Writes a configuration for these gateways, profiles and further rules into `folder`.
    pub(crate) fn build(
        folder: &Path,
        gateways: &[Gateway],
        profile: &str,
        snapshot_every: &str,
    ) -> anyhow::Result<Self> {
        let binary = crate::release::fleetward()?;
        let (auth, acct, api) = (free_udp()?, free_udp()?, free_tcp()?);
        let mut config = format!(
            "data: data\nsnapshot_every: {snapshot_every}\nlog: {{ format: text, level: info }}\n\
             api: {{ listen: \"{api}\", tls: off }}\n\
             journal: {{ segment: 16 MiB, keep_days: 0, keep_bytes: 0 }}\n\
             radius:\n  authentication: [\"{auth}\"]\n  accounting: [\"{acct}\"]\n  clients:\n"
        );
        for Gateway { name, address } in gateways {
            writeln!(config, "    - {{ name: {name}, address: \"{address}\", secret: {{ file: secret }} }}")?;
        }
        std::fs::create_dir_all(folder.join("models"))?;
        std::fs::write(folder.join("fleetward.yaml"), config)?;
        std::fs::write(folder.join("models/load.yaml"), profile)?;
        let mut secret =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join("secret"))?;
        secret.write_all(SECRET.as_bytes())?;
        Ok(Self { binary, folder: folder.to_owned(), auth, acct, starts: 0 })
    }

    /// The secret of all gateways.
    pub(crate) fn secret() -> Secret {
        Secret::new(SECRET)
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts the server and waits until it is ready.
    pub(crate) fn start(&mut self) -> anyhow::Result<Process> {
        self.starts += 1;
        let log = self.folder.join(format!("log.{}", self.starts));
        let mut process = Process::start(self.command().arg("serve"), log)?;
        process.wait_for_line("ready", READY)?;
        Ok(process)
    }

    /// Runs a command of the command line against the server; its JSON output.
    pub(crate) fn ask(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let output =
            self.command().args(arguments).args(["--format", "json"]).output().context("cannot run fleetward")?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "fleetward {}: {errors}", arguments.join(" "));
        serde_json::from_slice(&output.stdout).with_context(|| format!("fleetward {}: no JSON", arguments.join(" ")))
    }

    /// Imports devices as an operator would, in files of `chunk`.
    pub(crate) fn import(&self, devices: impl Iterator<Item = Device>, chunk: usize) -> anyhow::Result<usize> {
        let file = self.folder.join("devices.csv");
        let path = file.to_str().context("the folder's name is not UTF-8")?;
        let mut devices = devices.peekable();
        let mut count = 0;
        while devices.peek().is_some() {
            let mut csv = String::from("name,imsi,imei,model,state,ip\n");
            for device in devices.by_ref().take(chunk) {
                let text = |value: Option<String>| value.unwrap_or_default();
                writeln!(
                    csv,
                    "{},{},{},{},{},{}",
                    device.name,
                    text(device.imsi.map(fleetward_fleet::Imsi::reveal)),
                    text(device.imei.map(fleetward_fleet::Imei::reveal)),
                    device.model.as_deref().unwrap_or_default(),
                    device.state.name(),
                    text(device.ip.map(|ip| ip.to_string())),
                )?;
                count += 1;
            }
            std::fs::write(&file, csv)?;
            self.ask(&["devices", "import", path])?;
        }
        Ok(count)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(self.folder.join("fleetward.yaml"));
        command
    }
}

/// Now, for Event-Timestamp.
#[expect(clippy::disallowed_methods, reason = "a test gateway has a clock")]
pub(crate) fn clock() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn free_udp() -> anyhow::Result<SocketAddr> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?)
}

fn free_tcp() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
