//! `cargo xtask bench capture`: a large capture to flows with names, written and held against a profile; beside other tools.
//!
//! The capture is made here from the test data: copies of real captures with shifted addresses, merged by time. What each tool gives
//! differs (flows alone, or with names); the table says so, and ratios are to be read with it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::Value;

/// Packets to flows, names and verdicts.
#[derive(Debug, Args)]
pub(crate) struct Capture {
    /// Where the real captures lie.
    #[arg(long, env = "FLEETWARD_TESTDATA", default_value = "../shared/data", value_name = "FOLDER")]
    data: PathBuf,
    /// Packets of the capture that is made, at least.
    #[arg(long, default_value_t = 4_000_000, value_name = "N")]
    packets: usize,
    /// Conversations that are open at once in the trial of memory.
    #[arg(long, default_value_t = 10_000_000, value_name = "N")]
    flows: u32,
    /// Times that each tool runs; the median counts.
    #[arg(long, default_value_t = 3, value_name = "N")]
    rounds: usize,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    work: &'static str,
    ours: Ours,
    peers: BTreeMap<&'static str, Peer>,
    /// Packets a user-second, ours divided by theirs: above 1 is faster.
    ratio: BTreeMap<&'static str, f64>,
}

#[derive(Debug, Serialize)]
struct Ours {
    packets_per_cpu_s: f64,
    /// Of the table with `flows_at_once` conversations open, names aside.
    bytes_per_flow: f64,
    flows_at_once: u64,
    /// Of the process.
    resident_gib: f64,
    packets: u64,
    flows: u64,
    named: u64,
    user_s: f64,
    system_s: f64,
}

#[derive(Debug, Serialize)]
struct Peer {
    packets_per_cpu_s: f64,
    user_s: f64,
    gives: &'static str,
    /// What it says it saw, where it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    packets: Option<u64>,
}

/// A tool, how it is called on the capture, and what it gives.
struct Tool {
    name: &'static str,
    program: &'static str,
    arguments: fn(&Path, &Path) -> Vec<String>,
    gives: &'static str,
    package: &'static str,
}

const TOOLS: [Tool; 5] = [
    Tool {
        name: "softflowd",
        program: "softflowd",
        // Port 9 of loopback: nobody listens, and the records are made all the same.
        arguments: |capture, _| {
            words(&["-r", &capture.to_string_lossy(), "-n", "127.0.0.1:9", "-v", "10", "-d", "-m", "4000000"])
        },
        gives: "flows",
        package: "softflowd",
    },
    Tool {
        name: "nfpcapd",
        program: "nfpcapd",
        arguments: |capture, folder| words(&["-r", &capture.to_string_lossy(), "-w", &folder.to_string_lossy()]),
        gives: "flows",
        package: "nfdump",
    },
    Tool {
        name: "argus",
        program: "argus",
        arguments: |capture, folder| {
            words(&["-r", &capture.to_string_lossy(), "-w", &folder.join("out.argus").to_string_lossy()])
        },
        gives: "flows",
        package: "argus-server",
    },
    Tool {
        name: "ndpi",
        program: "ndpiReader",
        arguments: |capture, folder| {
            words(&["-i", &capture.to_string_lossy(), "-q", "-C", &folder.join("ndpi.csv").to_string_lossy()])
        },
        gives: "flows, protocols, names",
        package: "libndpi-bin",
    },
    Tool {
        name: "suricata",
        program: "suricata",
        arguments: |capture, folder| {
            words(&[
                "-r",
                &capture.to_string_lossy(),
                "-l",
                &folder.to_string_lossy(),
                "--runmode",
                "single",
                "-k",
                "none",
                "-S",
                "/dev/null",
            ])
        },
        gives: "flows, protocols, names (EVE)",
        package: "suricata",
    },
];

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

impl Capture {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        ensure!(self.data.is_dir(), "no captures at {}; set FLEETWARD_TESTDATA", self.data.display());
        let folder = tempfile::tempdir()?;
        let capture = folder.path().join("big.pcap");
        let packets = make(&self.data, self.packets, &capture)?;
        println!("capture: {packets} packets, {} MB", fs::metadata(&capture)?.len() / 1_000_000);
        let ours = self.ours(&capture, folder.path())?;
        ensure!(ours.packets == packets as u64, "{} packets were written, {} read", packets, ours.packets);
        let mut peers = BTreeMap::new();
        for tool in &TOOLS {
            match self.peer(tool, &capture, folder.path(), packets)? {
                Some(peer) => drop(peers.insert(tool.name, peer)),
                None => println!("bench: SKIPPED {}, not installed (Debian: {})", tool.name, tool.package),
            }
        }
        let ratio = peers.iter().map(|(name, peer)| (*name, ours.packets_per_cpu_s / peer.packets_per_cpu_s)).collect();
        let report = Report { work: "capture", ours, peers, ratio };
        report.print();
        if self.json {
            println!("{}", serde_json::to_string(&report)?);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn ours(&self, capture: &Path, folder: &Path) -> anyhow::Result<Ours> {
        let out = folder.join("ours.csv");
        let mut runs = Vec::new();
        for _ in 0..self.rounds.max(1) {
            runs.push(bench(&["file", &capture.to_string_lossy(), &out.to_string_lossy()])?);
        }
        let user = |run: &Value| run["user_s"].as_f64().unwrap_or(f64::MAX);
        runs.sort_by(|a, b| user(a).total_cmp(&user(b)));
        let run = &runs[runs.len() / 2];
        let memory = bench(&["flows", &self.flows.to_string()])?;
        let figure = |of: &Value, name: &str| of[name].as_f64().with_context(|| format!("no `{name}` in {of}"));
        let count = |of: &Value, name: &str| of[name].as_u64().with_context(|| format!("no `{name}` in {of}"));
        ensure!(count(&memory, "evicted")? == 0, "conversations gave way in the trial of memory");
        Ok(Ours {
            packets_per_cpu_s: figure(run, "packets_per_cpu_s")?,
            bytes_per_flow: figure(&memory, "bytes_per_flow")?,
            flows_at_once: count(&memory, "flows")?,
            resident_gib: figure(&memory, "resident_gib")?,
            packets: count(run, "packets")?,
            flows: count(run, "flows")?,
            named: count(run, "named")?,
            user_s: figure(run, "user_s")?,
            system_s: figure(run, "system_s")?,
        })
    }

    /// `None`: not installed.
    fn peer(&self, tool: &Tool, capture: &Path, folder: &Path, packets: usize) -> anyhow::Result<Option<Peer>> {
        let mut users = Vec::new();
        for round in 0..self.rounds.max(1) {
            let out = folder.join(format!("{}-{round}", tool.name));
            fs::create_dir_all(&out)?;
            let mut command = Command::new(tool.program);
            command.args((tool.arguments)(capture, &out)).current_dir(&out);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let before = children_user_s()?;
            match command.status() {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error).context(tool.name),
                Ok(status) if !status.success() => {
                    println!("bench: SKIPPED {}: it ended with {status}", tool.name);
                    return Ok(None);
                }
                Ok(_) => users.push(children_user_s()? - before),
            }
            fs::remove_dir_all(&out)?;
        }
        users.sort_by(f64::total_cmp);
        let median = users[users.len() / 2];
        #[expect(clippy::cast_precision_loss, reason = "some millions")]
        let packets_per_cpu_s = packets as f64 / median;
        Ok(Some(Peer { packets_per_cpu_s, user_s: median, gives: tool.gives, packets: None }))
    }
}

impl Report {
    fn print(&self) {
        let ours = &self.ours;
        println!("{:<10} {:>14} {:>9} {:>7}  gives", "", "packets/user-s", "user s", "ratio");
        println!(
            "{:<10} {:>14.0} {:>9.3} {:>7}  flows, names, CSV, verdict of a profile ({} flows, {} with a name)",
            "fleetward", ours.packets_per_cpu_s, ours.user_s, "", ours.flows, ours.named
        );
        for (name, peer) in &self.peers {
            println!(
                "{name:<10} {:>14.0} {:>9.3} {:>7.1}  {}",
                peer.packets_per_cpu_s, peer.user_s, self.ratio[name], peer.gives
            );
        }
        println!(
            "{} conversations at once: {:.0} bytes each in the table, {:.2} GiB resident in all",
            ours.flows_at_once, ours.bytes_per_flow, ours.resident_gib
        );
    }
}

/// The last line of our own bench.
fn bench(arguments: &[&str]) -> anyhow::Result<Value> {
    let mut command = Command::new("cargo");
    command.args(["bench", "--quiet", "-p", "fleetward-guard", "--bench", "capture", "--"]).args(arguments);
    let done = command.stderr(Stdio::inherit()).output().context("cargo bench")?;
    ensure!(done.status.success(), "the bench of fleetward-guard failed");
    let said = String::from_utf8(done.stdout)?;
    serde_json::from_str(said.lines().last().unwrap_or_default()).with_context(|| format!("no figures in `{said}`"))
}

/// User seconds of all children that ended, as the kernel counts them (fields 16 of /proc/self/stat, in hundredths).
fn children_user_s() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').context("/proc/self/stat")?.1;
    let ticks: f64 = after_name.split_whitespace().nth(13).context("/proc/self/stat")?.parse()?;
    Ok(ticks / 100.0)
}

/// One frame of the base.
struct Frame {
    time: i64,
    wire: u32,
    bytes: Box<[u8]>,
    /// A flood is the same in every copy: more packets of it, not more floods.
    is_flood: bool,
}

/// Writes copies of all Ethernet captures, addresses shifted, merged by time. Returns how many packets it has.
fn make(data: &Path, wanted: usize, out: &Path) -> anyhow::Result<usize> {
    let mut frames = Vec::new();
    for folder in ["iot-sentinel", "iot-labeled-2021/pcaps", "ddos"] {
        let mut files = Vec::new();
        captures(&data.join(folder), &mut files)?;
        for file in files {
            let mut file = fleetward_capture::File::open(&file)?;
            while let Some(batch) = file.batch()? {
                for packet in batch.iter().filter(|packet| packet.link == 1) {
                    let (bytes, wire) = (packet.bytes.into(), packet.wire);
                    frames.push(Frame { time: packet.time.0, wire, bytes, is_flood: folder == "ddos" });
                }
            }
        }
    }
    ensure!(!frames.is_empty(), "no capture below {}", data.display());
    frames.sort_by_key(|frame| frame.time);
    let copies = wanted.div_ceil(frames.len()).min(200);
    let mut out = BufWriter::with_capacity(1 << 20, File::create(out)?);
    // Classic pcap in nanoseconds, little endian, Ethernet.
    out.write_all(&[0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0])?;
    let mut bytes = Vec::new();
    for frame in &frames {
        for copy in 0..copies {
            bytes.clear();
            bytes.extend_from_slice(&frame.bytes);
            if !frame.is_flood {
                shift(&mut bytes, u8::try_from(copy)?);
            }
            let (seconds, nanoseconds) = (frame.time.div_euclid(1_000_000_000), frame.time.rem_euclid(1_000_000_000));
            out.write_all(&u32::try_from(seconds)?.to_le_bytes())?;
            out.write_all(&u32::try_from(nanoseconds)?.to_le_bytes())?;
            out.write_all(&u32::try_from(bytes.len())?.to_le_bytes())?;
            out.write_all(&frame.wire.max(u32::try_from(bytes.len())?).to_le_bytes())?;
            out.write_all(&bytes)?;
        }
    }
    out.flush()?;
    Ok(frames.len() * copies)
}

fn captures(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            captures(&entry, files)?;
        } else if entry.extension().is_some_and(|extension| extension == "pcap" || extension == "pcapng") {
            files.push(entry);
        }
    }
    Ok(())
}

/// Another site: other hardware addresses, other private addresses. Strangers stay, so a flood is the same flood, only more of it.
fn shift(frame: &mut [u8], copy: u8) {
    let Some(header) = frame.first_chunk::<34>() else { return };
    let is_ipv4 = header[12..14] == [8, 0];
    for at in [0, 6] {
        if frame[at] & 1 == 0 {
            frame[at + 4] ^= copy;
        }
    }
    if !is_ipv4 {
        return;
    }
    for at in [26, 30] {
        match [frame[at], frame[at + 1]] {
            [10, _] => frame[at + 1] ^= copy,
            [192, 168] => frame[at + 2] ^= copy,
            _ => {}
        }
    }
}
