//! Learning: from the first 70 % of each device's runs, held against the rest, flow by flow.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use fleetward_capture as capture;
use fleetward_fleet::{Mac, NetworkProfile, Peer, Protocol};
use fleetward_guard::fit::{Fit, Verdict};
use fleetward_guard::hosts::{Host, Hosts};
use fleetward_guard::learn::{Learner, reachable};
use fleetward_guard::mud;
use fleetward_guard::survey::Survey;
use fleetward_guard::view::View;
use fleetward_packet::{Event, Limits, Sink, Table};
use serde::Serialize;

/// Over all devices.
#[derive(Debug, Default, Serialize)]
pub(super) struct Figures {
    /// Conversations of the devices in the held-out runs.
    held_out_flows: u64,
    /// Conversations of other hosts that a device forwarded (the telephone of its app, while the device is an access point at set-up):
    /// nobody's profile; the binding of addresses refuses them. Not among the held-out ones.
    forwarded_flows: u64,
    /// Of the held-out ones, outside the profile.
    held_out_denied: u64,
    /// The share in percent.
    held_out_denied_percent: f64,
    /// The worst device, in percent.
    worst_device_percent: f64,
    /// Items whose peer is a whole domain or everybody: there is no way to write one, so it is counted and not assumed.
    wildcards: usize,
    /// Endpoints (address, protocol, port) that all profiles together let devices call.
    reachable_endpoints: u128,
    /// The same of the MUD files that are written from the profiles (RFC 8520 has no patterns: a pattern is the addresses where its names were).
    mud_reachable_endpoints: u128,
    devices: usize,
}

/// One device's row.
struct Row {
    name: String,
    runs: (usize, usize),
    flows: u64,
    forwarded: u64,
    denied: Vec<String>,
    profile: NetworkProfile,
    reachable: u128,
    mud_reachable: u128,
}

pub(super) fn run(folder: &Path, show: bool) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    println!(
        "{:<20} {:>5} {:>5} {:>6} {:>7} {:>7} {:>6} {:>10} {:>10}",
        "device", "learn", "test", "flows", "denied", "%", "items", "reachable", "as MUD"
    );
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| folder.display().to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    for folder in folders {
        let Some(row) = device(&folder, show)? else { continue };
        let denied = row.denied.len() as u64;
        let percent = percent(denied, row.flows);
        println!(
            "{:<20} {:>5} {:>5} {:>6} {:>7} {:>7.2} {:>6} {:>10} {:>10}",
            row.name,
            row.runs.0,
            row.runs.1,
            row.flows,
            denied,
            percent,
            row.profile.allow.len(),
            row.reachable,
            row.mud_reachable
        );
        if show {
            row.denied.iter().for_each(|denied| println!("    {denied}"));
        }
        figures.devices += 1;
        figures.held_out_flows += row.flows;
        figures.forwarded_flows += row.forwarded;
        figures.held_out_denied += denied;
        figures.worst_device_percent = figures.worst_device_percent.max(percent);
        figures.wildcards += row.profile.allow.iter().filter(|allow| is_wildcard(&allow.peer)).count();
        figures.reachable_endpoints += row.reachable;
        figures.mud_reachable_endpoints += row.mud_reachable;
    }
    figures.held_out_denied_percent = percent(figures.held_out_denied, figures.held_out_flows);
    println!(
        "{:<20} {:>5} {:>5} {:>6} {:>7} {:>7.2} {:>6} {:>10} {:>10}",
        "all",
        "",
        "",
        figures.held_out_flows,
        figures.held_out_denied,
        figures.held_out_denied_percent,
        "",
        figures.reachable_endpoints,
        figures.mud_reachable_endpoints
    );
    Ok(figures)
}

#[expect(clippy::cast_precision_loss, reason = "counts of conversations in some captures")]
fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// A name that stands for a whole registrable domain or more, or a network wider than an operator's usual allotment (/16, /32).
fn is_wildcard(peer: &Peer) -> bool {
    match peer {
        Peer::Name(name) => {
            let (first, rest) = name.split_once('.').unwrap_or((name, ""));
            first == "*" && fleetward_guard::pattern::registrable(rest).is_none_or(|domain| domain == rest)
        }
        Peer::Net(net) => net.prefix_len() < if net.max_prefix_len() == 32 { 16 } else { 32 },
        Peer::Role(_) | Peer::Model(_) => false,
    }
}

fn device(folder: &Path, show: bool) -> anyhow::Result<Option<Row>> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Ok(text) = fs::read_to_string(folder.join("_iotdevice-mac.txt")) else { return Ok(None) };
    let mac: Mac = text.trim().parse().with_context(|| format!("{name}: `{}`", text.trim()))?;
    let mut runs: Vec<PathBuf> = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    runs.retain(|path| path.extension().is_some_and(|extension| extension == "pcap"));
    runs.sort();
    let learnt = (runs.len() * 7).div_ceil(10);
    let mut hosts = Hosts::default();
    hosts.add(Host { name: name.as_str().into(), model: Some(name.as_str().into()) }, &[mac], &[]);
    let mut survey = Survey::default();
    for run in &runs[..learnt] {
        play(run, &mut survey)?;
    }
    survey.complete(&mut hosts);
    let mut learner = Learner::of(&name);
    let mut addresses = Addresses::default();
    for run in &runs[..learnt] {
        play(run, &mut learner.capture(&hosts))?;
        play(run, &mut addresses)?;
    }
    let profile = learner.profile();
    let own = BTreeSet::new();
    let mut check = Check { fit: Fit::new(&profile), hosts: &hosts, flows: 0, forwarded: 0, own, denied: Vec::new() };
    for run in &runs[learnt..] {
        let mut survey = Survey::default();
        play(run, &mut survey)?;
        check.own = survey.claimed(mac).cloned().unwrap_or_default();
        play(run, &mut check)?;
    }
    if show {
        println!("{name}: local {:?}, routers {:?}", hosts.local, hosts.routers);
        for allow in &profile.allow {
            let support = allow.support.as_ref();
            println!(
                "    allow {:?} {} {:?} {} {}",
                allow.peer,
                allow.protocol,
                allow.ports.iter().map(ToString::to_string).collect::<Vec<_>>(),
                allow.begins.name(),
                support.map_or("", |it| &it.note)
            );
        }
    }
    let Check { flows, forwarded, denied, .. } = check;
    let all = reachable(&profile.allow, |name| addresses.of(name));
    let mud = mud::import(&mud::export(&name, &profile)).context("our own MUD file")?;
    let mud_reachable = reachable(&mud.profile.allow, |name| addresses.of(name));
    Ok(Some(Row {
        name,
        runs: (learnt, runs.len() - learnt),
        flows,
        forwarded,
        denied,
        profile,
        reachable: all,
        mud_reachable,
    }))
}

pub(super) fn play(run: &Path, sink: &mut impl Sink) -> anyhow::Result<()> {
    let mut table = Table::new(Limits::default(), 1);
    let mut file = capture::File::open(run)?;
    while let Some(batch) = file.batch()? {
        for packet in &batch {
            table.push(packet.link, packet.time, packet.bytes, packet.wire, sink);
        }
    }
    table.finish(sink);
    Ok(())
}

/// Holds held-out conversations against the profile: those in which the device sent something.
struct Check<'a> {
    fit: Fit,
    hosts: &'a Hosts,
    flows: u64,
    forwarded: u64,
    /// Addresses that the device said that it holds, in this run.
    own: BTreeSet<IpAddr>,
    denied: Vec<String>,
}

impl Check<'_> {
    /// The device's own address: one that it claimed, or where it claimed none, any; and the ones that nobody claims.
    fn is_own(&self, ip: IpAddr) -> bool {
        let unclaimed = ip.is_unspecified() || ip.is_ipv6();
        unclaimed || self.own.iter().all(IpAddr::is_ipv6) || self.own.contains(&ip)
    }
}

impl Sink for Check<'_> {
    fn event(&mut self, event: Event<'_>) {
        let Event::Closed(flow) = event else { return };
        for view in View::of(flow, self.hosts) {
            if view.bytes().0 == 0 {
                continue;
            }
            if !self.is_own(view.own().ip) {
                self.forwarded += 1;
                continue;
            }
            self.flows += 1;
            if let Verdict::Misses(miss) = self.fit.judge(&view, self.hosts) {
                let name = flow.name.as_ref().map_or("", |name| &name.text);
                let (protocol, port, way) = (Protocol(flow.protocol), view.port(), view.begins.name());
                self.denied.push(format!("{miss:?}: {way} {protocol} {} {name} port {port}", view.peer.ip));
            }
        }
    }
}

/// How many addresses each name had.
#[derive(Debug, Default)]
struct Addresses(BTreeMap<Box<str>, BTreeSet<IpAddr>>);

impl Addresses {
    fn of(&self, pattern: &str) -> u64 {
        let names = self.0.iter().filter(|(name, _)| fleetward_guard::pattern::matches(pattern, name));
        names.map(|(_, ips)| ips.len() as u64).sum()
    }
}

impl Sink for Addresses {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Closed(flow) = event
            && let Some(name) = &flow.name
        {
            self.0.entry(name.text.clone()).or_default().insert(flow.server.ip);
        }
    }
}
