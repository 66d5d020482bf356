//! The whole way of packets: a capture file to flows with names, written as CSV, each held against a profile. And what a flow costs in memory.
//!
//! `cargo bench -p fleetward-guard --bench capture -- file CAPTURE OUT` and `-- flows NUMBER`; each prints one JSON object.
//! `cargo xtask bench capture` runs both beside other tools.

#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "figures of a bench, printed")]

use std::fs::File;
use std::io::Write as _;
use std::net::IpAddr;

use anyhow::Context;
use fleetward_capture::{Row, csv_heading, csv_row};
use fleetward_fleet::{Allow, Direction, NetworkProfile, Peer, PortRange, Protocol, Role};
use fleetward_guard::fit::{Fit, Verdict};
use fleetward_guard::hosts::{Host, Hosts};
use fleetward_guard::view::View;
use fleetward_packet::{Event, Flow, Limits, Sink, Table, Time};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

/// Octets that are collected before they are written.
const FULL: usize = 256 << 10;

fn main() -> anyhow::Result<()> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| it != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["file", capture, out] => file(capture, out),
        ["flows", number] => flows(number.parse()?),
        _ => {
            println!("bench: SKIPPED, it wants `file CAPTURE OUT` or `flows NUMBER`");
            Ok(())
        }
    }
}

/// User and system seconds of this process so far.
fn cpu() -> anyhow::Result<(f64, f64)> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let seconds = |time: nix::sys::time::TimeVal| time.num_microseconds() as f64 / 1e6;
    Ok((seconds(usage.user_time()), seconds(usage.system_time())))
}

fn file(capture: &str, out: &str) -> anyhow::Result<()> {
    let mut output = Output::new(File::create(out).context("the output")?);
    let mut table = Table::new(Limits { flows: 4 << 20, ..Limits::default() }, 0x5eed);
    let before = cpu()?;
    let mut file = fleetward_capture::File::open(capture)?;
    while let Some(batch) = file.batch()? {
        for packet in &batch {
            table.push(packet.link, packet.time, packet.bytes, packet.wire, &mut output);
        }
    }
    let memory = table.memory() as f64 / table.len().max(1) as f64;
    table.finish(&mut output);
    output.flush()?;
    let after = cpu()?;
    let (user, system) = (after.0 - before.0, after.1 - before.1);
    let packets = table.counts().frames;
    println!(
        "{}",
        serde_json::json!({
            "packets": packets, "flows": output.flows, "named": output.named, "rows": output.rows_written,
            "fits": output.fits, "misses": output.misses, "user_s": user, "system_s": system,
            "packets_per_cpu_s": packets as f64 / user, "bytes_per_open_flow": memory,
        })
    );
    Ok(())
}

/// Rows and verdicts, as flows end.
struct Output {
    out: File,
    rows: Vec<u8>,
    hosts: Hosts,
    fit: Fit,
    /// By the number of the host.
    names: Vec<String>,
    flows: u64,
    named: u64,
    rows_written: u64,
    fits: u64,
    misses: u64,
}

impl Output {
    fn new(out: File) -> Self {
        let mut rows = Vec::with_capacity(FULL * 2);
        csv_heading(&mut rows);
        let mut hosts = Hosts::default();
        hosts.local = vec!["10.0.0.0/8".parse().expect("a network"), "192.168.0.0/16".parse().expect("a network")];
        let (flows, named, rows_written, fits, misses) = (0, 0, 0, 0, 0);
        Self {
            out,
            rows,
            hosts,
            fit: Fit::new(&profile()),
            names: Vec::new(),
            flows,
            named,
            rows_written,
            fits,
            misses,
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.write_all(&self.rows)?;
        self.rows.clear();
        Ok(())
    }

    /// Devices are numbered as they appear: those of the private networks.
    fn know(&mut self, flow: &Flow) {
        for end in [&flow.client, &flow.server] {
            let is_private = matches!(end.ip, IpAddr::V4(ip) if ip.is_private());
            if is_private && !end.mac.is_group() && !self.hosts.knows(end.mac) {
                let name = end.mac.to_string();
                self.hosts.add(Host { name: name.as_str().into(), model: Some("any".into()) }, &[end.mac], &[]);
                self.names.push(name);
            }
        }
    }
}

impl Sink for Output {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Opened(flow) => self.know(flow),
            Event::Closed(flow) => {
                self.flows += 1;
                self.named += u64::from(flow.name.is_some());
                let mut is_seen = false;
                for view in View::of(flow, &self.hosts) {
                    is_seen = true;
                    match self.fit.judge(&view, &self.hosts) {
                        Verdict::Misses(_) => self.misses += 1,
                        Verdict::Fits(_) | Verdict::Housekeeping => self.fits += 1,
                    }
                    let device = self.names.get(view.host.0 as usize).map_or("", String::as_str);
                    csv_row(&mut self.rows, &Row { device, begins: view.begins, flow });
                    self.rows_written += 1;
                }
                if !is_seen {
                    csv_row(&mut self.rows, &Row { device: "", begins: Direction::Out, flow });
                    self.rows_written += 1;
                }
                if self.rows.len() >= FULL {
                    self.flush().expect("the output takes it");
                }
            }
            _ => {}
        }
    }
}

/// A profile as long as a real one.
fn profile() -> NetworkProfile {
    let item = |peer, protocol, port| Allow {
        peer,
        protocol,
        ports: vec![PortRange::one(port)],
        begins: Direction::Out,
        rate: None,
        support: None,
    };
    let mut allow: Vec<Allow> = (0..20)
        .map(|number| item(Peer::Name(format!("api{number}.vendor.example").into()), Protocol::TCP, 443))
        .collect();
    allow.push(item(Peer::Name("alt#-mtalk.google.com".into()), Protocol::TCP, 5228));
    allow.push(item(Peer::Role(Role::LinkMulticast), Protocol::UDP, 1900));
    allow.push(item(Peer::Role(Role::LinkMulticast), Protocol::UDP, 5353));
    allow.push(item(Peer::Role(Role::Ntp), Protocol::UDP, 123));
    NetworkProfile { allow, ..NetworkProfile::default() }
}

struct Nothing;

impl Sink for Nothing {
    fn event(&mut self, _: Event<'_>) {}
}

/// One SYN and its answer for each of so many conversations, all open at once.
fn flows(number: u32) -> anyhow::Result<()> {
    let mut table = Table::new(Limits { flows: number as usize, ..Limits::default() }, 0x5eed);
    let mut frame = [0_u8; 54];
    frame[12..14].copy_from_slice(&[8, 0]);
    frame[14..18].copy_from_slice(&[0x45, 0, 0, 40]);
    frame[23] = 6;
    frame[46] = 5 << 4;
    let before = cpu()?;
    for at in 0..number {
        let (client, server) = ([10_u8, 0, 0, 0], [198, 51, 100, 7]);
        let address = u32::from_be_bytes(client) | at & 0x00ff_ffff;
        let port = 1024 + (at >> 24) as u16;
        for (flags, from, to, ports) in
            [(2_u8, address.to_be_bytes(), server, [port, 443]), (18, server, address.to_be_bytes(), [443, port])]
        {
            frame[26..30].copy_from_slice(&from);
            frame[30..34].copy_from_slice(&to);
            frame[34..36].copy_from_slice(&ports[0].to_be_bytes());
            frame[36..38].copy_from_slice(&ports[1].to_be_bytes());
            frame[47] = flags;
            table.push(1, Time(i64::from(at) * 1000), &frame, 54, &mut Nothing);
        }
    }
    let after = cpu()?;
    let user = after.0 - before.0;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB").trim();
    let peak_kib: f64 = peak.trim_end_matches(" kB").parse().context("VmHWM")?;
    println!(
        "{}",
        serde_json::json!({
            "flows": table.len(), "evicted": table.counts().evicted, "user_s": user,
            "packets_per_cpu_s": f64::from(number) * 2.0 / user,
            "bytes_per_flow": table.memory() as f64 / table.len().max(1) as f64,
            "resident_bytes_per_flow": peak_kib * 1024.0 / table.len().max(1) as f64,
            "resident_gib": peak_kib / 1024.0 / 1024.0,
        })
    );
    Ok(())
}
