//! `fleetward watch --live`: what passes an interface, told as it comes.
//!
//! Who is who becomes clearer while it listens: routers, and what leases gave out, are taken over every second.

use std::io;
use std::time::{Duration, Instant};

use fleetward_capture::{Live, LiveOptions};
use fleetward_guard::hosts::Hosts;
use fleetward_guard::survey::Survey;
use fleetward_guard::watch::{Noticed, Watch};
use fleetward_packet::{Event, Sink, Time};

use super::{FIELDS, HEADINGS, cell, row};
use crate::cli::Global;
use crate::clock;
use crate::command::capture::{say, table, unheard};
use crate::exit::Exit;
use crate::printer::{Format, csv_line, write_line};
use crate::server;

/// Room for frames that wait to be read.
const RING: usize = 32 << 20;
/// How often it is looked again who is who.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Where devices live, where nobody says it: RFC 1918, RFC 6598, RFC 4193.
const PRIVATE: [&str; 5] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];

/// Events on their way: to the watch, and to the survey of who is who.
struct Listener {
    watch: Watch,
    survey: Survey,
    hosts: Hosts,
    noticed: Vec<Noticed>,
}

impl Sink for Listener {
    fn event(&mut self, event: Event<'_>) {
        self.watch.event(&event, &self.hosts, &mut |noticed| self.noticed.push(noticed));
        self.survey.event(event);
    }
}

impl Listener {
    fn advance(&mut self, time: Time) {
        self.watch.advance(time, &self.hosts, &mut |noticed| self.noticed.push(noticed));
    }

    fn tell(&mut self, format: Format) -> io::Result<()> {
        self.noticed.drain(..).try_for_each(|noticed| write_line(&line(&noticed, &self.hosts, format)?))
    }
}

/// Listens until the time is up, or a signal comes.
pub(super) fn run(
    interface: &str,
    time: Option<Duration>,
    watch: Watch,
    mut stated: Hosts,
    global: &Global,
) -> anyhow::Result<Exit> {
    let signals = server::signals()?;
    let options = LiveOptions { promiscuous: true, ring: RING, fan_out: None };
    let mut source = Live::open(interface, options).map_err(|error| unheard(&error))?;
    if stated.local.is_empty() {
        stated.local = PRIVATE.iter().filter_map(|net| net.parse().ok()).collect();
    }
    let mut listener = Listener { watch, survey: Survey::default(), hosts: stated.clone(), noticed: Vec::new() };
    let mut table = table()?;
    if global.format == Format::Csv {
        write_line(&csv_line(HEADINGS.iter().map(|heading| heading.to_lowercase())))?;
    }
    say(&format!("listening to {interface}"));
    let until = time.map(|time| Instant::now() + time);
    let mut looked = Instant::now();
    while !signals.is_set() && until.is_none_or(|until| Instant::now() < until) {
        let batch = source.batch(Duration::from_millis(100)).map_err(|error| unheard(&error))?;
        for packet in &batch {
            table.push(packet.link, packet.time, packet.bytes, packet.wire, &mut listener);
        }
        if batch.is_empty() {
            let now = Time(clock::now().0 * 1_000_000);
            table.advance(now, &mut listener);
            listener.advance(now);
        }
        if looked.elapsed() >= LOOK_EVERY {
            looked = Instant::now();
            let mut hosts = stated.clone();
            listener.survey.complete(&mut hosts);
            listener.hosts = hosts;
        }
        listener.tell(global.format)?;
    }
    table.finish(&mut listener);
    listener.advance(Time(clock::now().0 * 1_000_000));
    listener.tell(global.format)?;
    let (counted, told) = (source.counted(), listener.watch.counts().told);
    let lost = if counted.drops == 0 { String::new() } else { format!(", {} of them lost", counted.drops) };
    say(&format!("{} packets{lost} at {interface}: {told} told", counted.packets));
    Ok(Exit::Done)
}

/// One sign: a line for people, or an object; a list would have no end.
fn line(noticed: &Noticed, hosts: &Hosts, format: Format) -> io::Result<String> {
    let value = row(noticed, hosts);
    let [at, device, sign, expected, observed] = FIELDS.map(|field| cell(&value, field));
    Ok(match format {
        Format::Table => format!("{at}  {device}  {sign}: {observed} (expected: {expected})"),
        Format::Csv => csv_line([at, device, sign, expected, observed].into_iter()),
        Format::Json | Format::Jsonl => serde_json::to_string(&value)?,
    })
}
