//! Noticing: how soon what is known to be bad is told, and how often what is known to be good.
//!
//! No profile is learnt for the infected ones: they are watched as devices that nobody described. Only signs whose default rule is at least of
//! medium severity count, on both sides.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use anyhow::Context;
use fleetward_fleet::SignKind;
use fleetward_guard::hosts::{Host, Hosts};
use fleetward_guard::learn::Learner;
use fleetward_guard::survey::{Survey, is_public};
use fleetward_guard::watch::{Noticed, Settings, Watch};
use fleetward_packet::{Event, Flow, Sink, Time};
use serde::Serialize;

use super::learning::play;

const DAY: i64 = 86_400_000_000_000;
/// Kinds whose default rules are of low severity; and strangers, because each trial's inventory has one device only.
const MINOR: [SignKind; 3] = [SignKind::Plaintext, SignKind::Tracker, SignKind::UnknownDevice];

/// Over all captures.
#[derive(Debug, Default, Serialize)]
pub(super) struct Figures {
    infected_total: usize,
    infected_flagged: usize,
    /// From the first malicious packet to the first sign, the worst of those that were flagged.
    worst_seconds_to_flag: f64,
    /// Of each, by name; absent where it was not flagged.
    seconds_to_flag: BTreeMap<String, Option<f64>>,
    device_days: f64,
    false_findings: usize,
    false_findings_per_device_week: f64,
    /// The trivial rule (all but DNS, NTP, DHCP, mDNS, SSDP, LLMNR and ICMP is malicious) on the same: share of benign conversations that it calls
    /// malicious, in percent.
    trivial_rule_false_percent: f64,
}

pub(super) fn run(data: &Path, show: bool) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    let iot23 = data.join("iot23");
    for (name, device) in
        [("CTU-Malware-Capture-44-1", "192.168.1.199"), ("CTU-Malware-Capture-8-1", "192.168.100.113")]
    {
        let device: IpAddr = device.parse()?;
        let first = first_malicious(&iot23.join(format!("{name}-labeled.csv")), device)?;
        let heard = listen(&iot23.join(format!("{name}-rebuilt.pcap")), &[device])?;
        figures.infected(name, Some(first), &heard, show);
    }
    for name in
        ["ddos/pkt.TCP.synflood.spoofed.pcap", "malware/malicious-ssh-bruteforce.pcap", "malware/test7-malicious.pcap"]
    {
        let file = data.join(name);
        let ends = busiest(&file)?;
        let heard = listen(&file, &ends)?;
        figures.infected(name, None, &heard, show);
    }
    let mut trivial = Trivial::default();
    for (name, device) in [("CTU-Honeypot-Capture-4-1", "192.168.1.132"), ("CTU-Honeypot-Capture-7-1", "192.168.1.158")]
    {
        let file = iot23.join(format!("{name}-rebuilt.pcap"));
        let mut ends = busiest(&file)?;
        ends.extend(device.parse::<IpAddr>());
        let heard = listen(&file, &ends)?;
        play(&file, &mut trivial)?;
        figures.benign(name, &heard, Time(i64::MIN), show);
    }
    let mut weeks: Vec<_> =
        fs::read_dir(data.join("iot-labeled-2021/pcaps"))?.filter_map(|it| Some(it.ok()?.path())).collect();
    weeks.sort();
    for file in weeks {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (heard, from) = week(&file)?;
        play(&file, &mut trivial)?;
        figures.benign(&name, &heard, from, show);
    }
    figures.false_findings_per_device_week = rate(figures.false_findings, figures.device_days / 7.0);
    figures.trivial_rule_false_percent =
        100.0 * rate(trivial.called_malicious, f64::from(u32::try_from(trivial.flows).unwrap_or(u32::MAX)));
    Ok(figures)
}

#[expect(clippy::cast_precision_loss, reason = "counts of conversations in some captures")]
fn rate(count: usize, over: f64) -> f64 {
    count as f64 / over.max(f64::MIN_POSITIVE)
}

impl Figures {
    fn infected(&mut self, name: &str, first: Option<Time>, heard: &Heard, show: bool) {
        let first = first.unwrap_or(heard.first);
        let flag = heard.findings().find(|noticed| noticed.time >= first);
        let seconds = flag.map(|noticed| noticed.time.seconds_since(first));
        self.infected_total += 1;
        self.infected_flagged += usize::from(seconds.is_some());
        self.worst_seconds_to_flag = self.worst_seconds_to_flag.max(seconds.unwrap_or(0.0));
        let what = flag.map_or("not flagged", |noticed| noticed.sign.sign.name());
        println!("{name:<40} {:>9}  {what}", seconds.map_or("-".to_owned(), |seconds| format!("{seconds:.1} s")));
        heard.show(show);
        self.seconds_to_flag.insert(name.to_owned(), seconds);
    }

    fn benign(&mut self, name: &str, heard: &Heard, from: Time, show: bool) {
        let findings = heard.findings().filter(|noticed| noticed.time >= from).count();
        let days = heard.last.seconds_since(heard.first.max(from)).max(0.0) / 86_400.0;
        self.false_findings += findings;
        self.device_days += days;
        println!("{name:<40} {findings:>9}  false findings in {days:.1} device-days");
        heard.show(show);
    }
}

/// What a watch told of one capture.
struct Heard {
    watch: Watch,
    hosts: Hosts,
    noticed: Vec<Noticed>,
    first: Time,
    last: Time,
}

impl Heard {
    fn new(hosts: Hosts) -> Self {
        let (first, last) = (Time(i64::MAX), Time(i64::MIN));
        Self { watch: Watch::new(Settings::default()), hosts, noticed: Vec::new(), first, last }
    }

    fn findings(&self) -> impl Iterator<Item = &Noticed> {
        self.noticed.iter().filter(|noticed| !MINOR.contains(&noticed.sign.sign))
    }

    fn show(&self, show: bool) {
        for noticed in self.noticed.iter().filter(|_| show).take(20) {
            let sign = &noticed.sign;
            println!("    {} {:?} {}: {}", noticed.time.timestamp(), noticed.subject, sign.sign.name(), sign.observed);
        }
    }
}

impl Sink for Heard {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Opened(flow) | Event::Closed(flow) = event {
            self.first = self.first.min(flow.first);
            self.last = self.last.max(flow.last);
        }
        self.watch.event(&event, &self.hosts, &mut |noticed| self.noticed.push(noticed));
    }
}

fn hosts(file: &Path, ends: &[IpAddr]) -> anyhow::Result<Hosts> {
    let mut hosts = Hosts::default();
    for ip in ends {
        hosts.add(Host { name: ip.to_string().into(), model: Some("watched".into()) }, &[], &[*ip]);
    }
    let mut survey = Survey::default();
    play(file, &mut survey)?;
    survey.complete(&mut hosts);
    Ok(hosts)
}

fn listen(file: &Path, ends: &[IpAddr]) -> anyhow::Result<Heard> {
    let mut heard = Heard::new(hosts(file, ends)?);
    play(file, &mut heard)?;
    Ok(heard)
}

/// A week: learnt from its first three days, watched for the rest; from when on.
fn week(file: &Path) -> anyhow::Result<(Heard, Time)> {
    let hosts = hosts(file, &busiest(file)?)?;
    let mut span = Heard::new(hosts.clone());
    play(file, &mut span)?;
    let from = Time(span.first.0.saturating_add(3 * DAY));
    let mut learner = Learner::of("watched");
    let mut until = Until { until: from, sink: learner.capture(&hosts) };
    play(file, &mut until)?;
    let profile = learner.profile();
    let mut heard = Heard::new(hosts);
    heard.watch.set_profiles([("watched", &profile)]);
    play(file, &mut heard)?;
    Ok((heard, from))
}

/// What ended before.
struct Until<S> {
    until: Time,
    sink: S,
}

impl<S: Sink> Sink for Until<S> {
    fn event(&mut self, event: Event<'_>) {
        let is_before = match &event {
            Event::Opened(flow)
            | Event::Named(flow)
            | Event::Grew(flow)
            | Event::Closed(flow)
            | Event::Told(flow, _) => flow.last < self.until,
            Event::Neighbour(neighbour) => neighbour.time < self.until,
        };
        if is_before {
            self.sink.event(event);
        }
    }
}

/// The address on a private network with most conversations; in a capture from afar, the one that is called most.
fn busiest(file: &Path) -> anyhow::Result<Vec<IpAddr>> {
    #[derive(Default)]
    struct Count(BTreeMap<IpAddr, u64>);
    impl Sink for Count {
        fn event(&mut self, event: Event<'_>) {
            if let Event::Closed(flow) = event {
                for end in [&flow.client, &flow.server] {
                    let is_one = !end.ip.is_multicast()
                        && !end.ip.is_unspecified()
                        && !matches!(end.ip, IpAddr::V4(ip) if ip.is_broadcast());
                    // Whoever is on the site weighs more than anybody beyond it.
                    let weight = if is_public(end.ip) { 1 } else { 1000 };
                    *self.0.entry(end.ip).or_default() += if is_one { weight } else { 0 };
                }
            }
        }
    }
    let mut count = Count::default();
    play(file, &mut count)?;
    Ok(count.0.into_iter().max_by_key(|(_, flows)| *flows).map(|(ip, _)| ip).into_iter().collect())
}

/// When the first conversation of the device began that the labels call malicious.
fn first_malicious(labels: &Path, device: IpAddr) -> anyhow::Result<Time> {
    let text = fs::read_to_string(labels).with_context(|| labels.display().to_string())?;
    let device = device.to_string();
    let times = text.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let is_bad = fields.contains(&"Malicious")
            && (fields.get(2) == Some(&device.as_str()) || fields.get(4) == Some(&device.as_str()));
        let seconds: f64 = fields.first().filter(|_| is_bad)?.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "a time of this century")]
        let nanoseconds = (seconds * 1e9) as i64;
        Some(Time(nanoseconds))
    });
    times.min().with_context(|| format!("{}: nothing malicious of {device}", labels.display()))
}

/// The trivial rule.
#[derive(Default)]
struct Trivial {
    flows: usize,
    called_malicious: usize,
}

impl Trivial {
    fn is_ordinary(flow: &Flow) -> bool {
        matches!(
            (flow.protocol, flow.server.port),
            (1 | 2 | 58, _) | (17, 53 | 67 | 68 | 123 | 546 | 547 | 1900 | 5353 | 5355) | (6, 53)
        )
    }
}

impl Sink for Trivial {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Closed(flow) = event {
            self.flows += 1;
            self.called_malicious += usize::from(!Self::is_ordinary(flow));
        }
    }
}
