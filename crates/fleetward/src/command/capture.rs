//! `fleetward capture`: packets in, flows out, device by device.

mod names;
mod output;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use fleetward_capture::{Batch, Error, File, Live as Interface, LiveError, LiveOptions, Summary};
use fleetward_packet::{Counts, Limits, Table, Time};
use ipnet::IpNet;

use self::names::{Named, Names};
use self::output::Output;
use super::human_bytes;
use crate::cli::Global;
use crate::clock;
use crate::exit::{Exit, Failure};
use crate::server;

/// See the module.
#[derive(Debug, Subcommand)]
pub(crate) enum Capture {
    /// Read captures (pcap, pcapng; plain, gzip or zstd) and show their flows, device by device.
    Read(Read),
    /// Listen to an interface and show its flows, device by device.
    Live(Live),
}

/// `capture read`
#[derive(Debug, Args)]
pub(crate) struct Read {
    /// Captures, in the order of their time; `-` is the standard input, and a pipe is read as it comes.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    whom: Whom,
}

/// `capture live`
#[derive(Debug, Args)]
pub(crate) struct Live {
    /// The interface.
    interface: String,
    /// Stop after so long; without, at Ctrl-C.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    time: Option<Duration>,
    /// Only frames that are for this machine, or pass through it.
    #[arg(long)]
    no_promiscuous: bool,
    /// Room for frames that wait to be read.
    #[arg(long, value_name = "SIZE", value_parser = bytes, default_value = "32 MiB")]
    ring: u64,
    #[command(flatten)]
    whom: Whom,
}

/// Whose flows are wanted.
#[derive(Debug, Clone, Args)]
struct Whom {
    /// Only this device, and what to call it; can be repeated.
    #[arg(long, value_name = "MAC|IP=NAME")]
    device: Vec<Named>,
    /// A network in which devices live, instead of all private ones; can be repeated.
    #[arg(long, value_name = "NETWORK")]
    local: Vec<IpNet>,
}

impl Capture {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Read(read) => read.run(global),
            Self::Live(live) => live.run(global),
        }
    }
}

/// The way of a packet: frames, flows, rows.
struct Flows {
    table: Table,
    output: Output,
    last: Time,
    /// Of tables before this one.
    before: Counts,
}

impl Flows {
    fn new(global: &Global, whom: Whom) -> anyhow::Result<Self> {
        let output = Output::new(global.format, Names::new(whom.device, whom.local));
        Ok(Self { table: table()?, output, last: Time::default(), before: Counts::default() })
    }

    /// A capture that begins before the last one ended is no continuation of it: its time is its own.
    fn begin(&mut self, first: Time) -> anyhow::Result<()> {
        if first < self.last {
            self.table.finish(&mut self.output);
            self.before = sum(self.before, self.table.counts());
            self.table = table()?;
        }
        self.last = first;
        Ok(())
    }

    fn take(&mut self, batch: &Batch<'_>) -> io::Result<()> {
        for packet in batch {
            self.table.push(packet.link, packet.time, packet.bytes, packet.wire, &mut self.output);
            self.last = self.last.max(packet.time);
        }
        self.output.flush_if_full()
    }

    /// What is left, then a line about all of it.
    fn finish(mut self, from: &str, octets: u64) -> io::Result<()> {
        self.table.finish(&mut self.output);
        let counts = sum(self.before, self.table.counts());
        self.output.finish()?;
        let unreadable = counts.truncated + counts.malformed;
        let broken = if unreadable == 0 { String::new() } else { format!(", {unreadable} of them not readable") };
        let evicted = match counts.evicted {
            0 => String::new(),
            flows => format!(", {flows} of them put out early for lack of room"),
        };
        let (frames, flows, octets) = (counts.frames, counts.flows, human_bytes(octets));
        let s = |count| if count == 1 { "" } else { "s" };
        let (p, f) = (s(frames), s(flows));
        say(&format!("{frames} packet{p}{broken} ({octets}) from {from}: {flows} flow{f}{evicted}"));
        Ok(())
    }
}

fn sum(a: Counts, b: Counts) -> Counts {
    Counts {
        frames: a.frames + b.frames,
        flows: a.flows + b.flows,
        evicted: a.evicted + b.evicted,
        truncated: a.truncated + b.truncated,
        malformed: a.malformed + b.malformed,
        ..b
    }
}

/// A table with a seed of its own.
pub(super) fn table() -> anyhow::Result<Table> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    Ok(Table::new(Limits::default(), u64::from_ne_bytes(seed)))
}

impl Read {
    fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let mut flows = Flows::new(global, self.whom)?;
        let mut octets = 0;
        for path in &self.files {
            let mut file = File::open(path).map_err(|error| unread(&error))?;
            let mut begun = false;
            while let Some(batch) = file.batch().transpose() {
                // Flows of what was whole are worth having, and the error still counts.
                let batch = match batch {
                    Ok(batch) => batch,
                    Err(error) => {
                        octets += file.summary().octets;
                        flows.finish(&path.display().to_string(), octets)?;
                        return Err(unread(&error).into());
                    }
                };
                if let (false, Some(first)) = (begun, batch.iter().next()) {
                    begun = true;
                    flows.begin(first.time)?;
                }
                flows.take(&batch)?;
            }
            let summary = file.summary();
            octets += summary.octets;
            say_what_is_missing(path, summary);
        }
        let from = match &self.files[..] {
            [file] => file.display().to_string(),
            files => format!("{} captures", files.len()),
        };
        flows.finish(&from, octets)?;
        Ok(Exit::Done)
    }
}

impl Live {
    fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let signals = server::signals()?;
        let ring = usize::try_from(self.ring).unwrap_or(usize::MAX);
        let options = LiveOptions { promiscuous: !self.no_promiscuous, ring, fan_out: None };
        let mut interface = Interface::open(&self.interface, options).map_err(|error| unheard(&error))?;
        let mut flows = Flows::new(global, self.whom)?;
        let until = self.time.map(|time| Instant::now() + time);
        let mut octets = 0;
        while !signals.is_set() && until.is_none_or(|until| Instant::now() < until) {
            let batch = interface.batch(Duration::from_millis(100)).map_err(|error| unheard(&error))?;
            octets += batch.iter().map(|packet| u64::from(packet.wire)).sum::<u64>();
            if batch.is_empty() {
                flows.table.advance(Time(clock::now().0 * 1_000_000), &mut flows.output);
                flows.output.flush()?;
            }
            flows.take(&batch)?;
        }
        let counted = interface.counted();
        flows.finish(&self.interface, octets)?;
        if counted.drops > 0 {
            let (drops, packets) = (counted.drops, counted.packets);
            say(&format!("warning: {drops} of {packets} packets were lost; a larger --ring helps against bursts"));
        }
        Ok(Exit::Done)
    }
}

/// Warns of a capture that is not whole.
pub(crate) fn say_what_is_missing(file: &Path, summary: &Summary) {
    let name = file.display();
    if let Some(at) = summary.cut {
        say(&format!("warning: {name} ends within a record (at byte {at}); what came before is complete"));
    }
    if summary.dropped > 0 {
        say(&format!("warning: {name} says that {} packets were lost when it was made", summary.dropped));
    }
}

/// To standard error: standard output is for flows.
#[expect(clippy::print_stderr, reason = "a word on the whole, beside the data")]
pub(super) fn say(text: &str) {
    eprintln!("{text}");
}

/// A capture that cannot be read (further).
pub(crate) fn unread(error: &Error) -> Failure {
    let hint = match &error {
        Error::Open { .. } => "give the path of a pcap or pcapng file",
        Error::Unknown { .. } => "captures are made by for example `tcpdump -w FILE`",
        Error::Damaged { .. } | Error::Read { .. } => "what came before is shown; copy or make the file again",
        Error::Bomb { .. } => "unpack it yourself if you trust it",
    };
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    Failure::input(format!("{error}{cause}"), hint)
}

/// An interface that cannot be listened to.
pub(crate) fn unheard(error: &LiveError) -> Failure {
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    let message = format!("{error}{cause}");
    match error {
        LiveError::NoInterface { .. } => Failure::input(message, "`ip link` shows which there are"),
        LiveError::NotAllowed { .. } => Failure::unfinished(
            message,
            "run as root, or give the program this one capability: setcap cap_net_raw=ep $(command -v fleetward)",
        ),
        LiveError::Hardware { .. } => Failure::input(message, "listen to the Ethernet interface below or beside it"),
        LiveError::Down { name } => Failure::unfinished(message, format!("ip link set {name} up")),
        LiveError::System { .. } => Failure::unfinished(message, "a smaller --ring needs less memory"),
    }
}

/// For clap.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    fleetward_fleet::read_duration(text, "60s")
}

fn bytes(text: &str) -> Result<u64, String> {
    fleetward_fleet::read_bytes(text, "64 MiB")
}
