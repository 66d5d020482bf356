//! The tools: how each is called, and how what it says is read.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use fleetward_testkit::daemons::Namespace;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde::Serialize;

use super::yard::{Place, Yard};
use super::{Case, MEASURE};

/// What a run of a tool came to.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Run {
    pub(super) wall_s: f64,
    /// User and system, the tool's own.
    pub(super) cpu_s: f64,
    pub(super) found: usize,
    pub(super) missed: usize,
    /// Said to be open, and not.
    #[serde(rename = "false")]
    pub(super) wrong: usize,
    /// Ended for its time.
    pub(super) is_cut: bool,
}

impl Run {
    /// It found everything and nothing else.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_cut && self.missed == 0 && self.wrong == 0
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wall_s, cpu_s, found, missed, wrong, is_cut } = self;
        let cut = if *is_cut { "  cut" } else { "" };
        write!(f, "{wall_s:>8.2} {cpu_s:>8.2} {found:>6} {missed:>7} {wrong:>6}{cut}")
    }
}

/// A tool with a way of calling it.
pub(super) struct Tool {
    pub(super) name: &'static str,
    program: PathBuf,
    package: &'static str,
    words: &'static str,
}

impl Tool {
    /// In `words`: PORTS, HOSTS, INTERFACE, MAC.
    pub(super) fn all(ours: &Path) -> Vec<Self> {
        let of = |name, program: &Path, package, words| Self { name, program: program.into(), package, words };
        let nmap = Path::new("nmap");
        let masscan = Path::new("masscan");
        vec![
            of(MEASURE, ours, "", "ports raw normal PORTS HOSTS"),
            of("fleetward fast", ours, "", "ports raw fast PORTS HOSTS"),
            of("fleetward connect", ours, "", "ports connect normal PORTS HOSTS"),
            of("nmap -sS -T4", nmap, "nmap", "-n -Pn -sS -T4 --open -oG - -p PORTS HOSTS"),
            // It takes a port without an answer for one that is not open, as ours does where an open one always answers.
            of(
                "nmap -sS, no resets",
                nmap,
                "nmap",
                "-n -Pn -sS -T4 --defeat-rst-ratelimit --open -oG - -p PORTS HOSTS",
            ),
            of("nmap -sT -T4", nmap, "nmap", "-n -Pn -sT -T4 --open -oG - -p PORTS HOSTS"),
            of("masscan 10k", masscan, "masscan", "-e INTERFACE --router-mac MAC --wait 2 --rate 10000 -p PORTS HOSTS"),
            of(
                "masscan 100k",
                masscan,
                "masscan",
                "-e INTERFACE --router-mac MAC --wait 2 --rate 100000 -p PORTS HOSTS",
            ),
            of(
                "rustscan",
                Path::new("rustscan"),
                "none in Debian; github.com/bee-san/RustScan",
                "--no-banner -g --ulimit 5000 -b 4500 -r PORTS -a HOSTS",
            ),
        ]
    }

    pub(super) fn is_ours(&self) -> bool {
        self.name.starts_with(MEASURE)
    }

    /// Whether it is; says aloud where not.
    pub(super) fn is_installed(&self) -> bool {
        let found = Command::new(&self.program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_err() {
            println!("bench: SKIPPED {}, not installed (Debian: {})", self.name, self.package);
        }
        found.is_ok()
    }

    /// Connecting to a host that limits its answers takes minutes and finds little, for any tool; the table has one of each kind.
    pub(super) fn fits(&self, case: Case) -> bool {
        let connects = self.words.contains("connect") || self.words.contains("-sT");
        !connects || matches!(case, Case::QuietHost | Case::Net24 | Case::LossyHost)
    }

    pub(super) fn run(&self, yard: &Yard, case: Case, patience: u64) -> anyhow::Result<Run> {
        let (interface, hosts) = Yard::hosts(case);
        let separator = if self.name == "rustscan" { "," } else { " " };
        let hosts = hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator);
        let mac = if self.words.contains("MAC") { yard.mac(case)? } else { String::new() };
        let words = self.words.replace("PORTS", &format!("1-{}", Yard::last_port(case)));
        let words = words.replace("INTERFACE", interface).replace("MAC", &mac).replace("HOSTS", &hosts);
        let (mut run, said) = measure(&yard.auditor, &self.program, &words, patience)?;
        let (found, truth) = (places(&said), Yard::truth(case));
        run.found = found.intersection(&truth).count();
        run.missed = truth.difference(&found).count();
        run.wrong = found.difference(&truth).count();
        Ok(run)
    }
}

/// Runs a program in the namespace; what it took and said.
pub(super) fn measure(place: &Namespace, program: &Path, words: &str, patience: u64) -> anyhow::Result<(Run, String)> {
    let mut command = place.command("timeout");
    command.arg(patience.to_string()).arg(program).args(words.split_whitespace());
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let (before, began) = (children()?, Instant::now());
    let output = command.output().with_context(|| program.display().to_string())?;
    let wall_s = began.elapsed().as_secs_f64();
    let cpu_s = children()?.saturating_sub(before).as_secs_f64();
    let is_cut = output.status.code() == Some(124);
    ensure!(is_cut || output.status.success(), "{} {words}: {}", program.display(), output.status);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((Run { wall_s, cpu_s, is_cut, ..Run::default() }, said))
}

/// User and system time of all children that ended.
fn children() -> anyhow::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(micros)?))
}

/// Open ports in what any of the tools says.
fn places(said: &str) -> BTreeSet<Place> {
    said.lines().flat_map(line).collect()
}

fn line(line: &str) -> Vec<Place> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let one = |address: &str, port: &str| Some((address.parse::<IpAddr>().ok()?, port.parse().ok()?));
    match words[..] {
        ["open", address, port] => one(address, port).into_iter().collect(),
        ["Discovered", "open", "port", port, "on", address] => {
            port.split_once('/').and_then(|(port, _)| one(address, port)).into_iter().collect()
        }
        ["Host:", address, _, "Ports:", ..] => {
            let ports = line.split_once("Ports:").map_or("", |(_, rest)| rest).split(',');
            let open = ports.filter_map(|it| it.trim().split_once("/open/")).filter_map(|(port, _)| one(address, port));
            open.collect()
        }
        [address, "->", ports] => {
            ports.trim_matches(['[', ']']).split(',').filter_map(|port| one(address, port)).collect()
        }
        _ => Vec::new(),
    }
}

/// Builds our engines; where the program lies.
pub(super) fn build() -> anyhow::Result<PathBuf> {
    let mut command = Command::new("cargo");
    command.args([
        "bench",
        "--no-run",
        "--locked",
        "-p",
        "fleetward-audit",
        "--bench",
        "audit",
        "--message-format",
        "json",
    ]);
    let done = command.current_dir(crate::release::root()?).stderr(Stdio::inherit()).output().context("cargo bench")?;
    ensure!(done.status.success(), "the bench of fleetward-audit does not build");
    let said = String::from_utf8(done.stdout)?;
    let messages = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let paths: Vec<String> = messages.filter_map(|it| it["executable"].as_str().map(ToOwned::to_owned)).collect();
    paths.last().map(PathBuf::from).context("cargo names no program")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_tool_says_is_read() {
        let of = |text: &str| places(text).into_iter().map(|(_, port)| port).collect::<Vec<_>>();
        assert_eq!(of("open 10.0.0.1 22\nunknown 3"), [22]);
        assert_eq!(of("Discovered open port 80/tcp on 10.0.0.1   "), [80]);
        assert_eq!(
            of("Host: 10.0.0.1 ()\tPorts: 21/open/tcp//ftp///, 80/open/tcp//http///\tIgnored State: closed (9)"),
            [21, 80]
        );
        assert_eq!(of("10.0.0.1 -> [1,65535]"), [1, 65_535]);
    }
}
