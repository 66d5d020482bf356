//! One source: its thread, from the packet to the sum.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fleetward_capture::{Batch, Exported, File, Live, LiveError, LiveOptions, TotalLimits, Totals};
use fleetward_detect::Engine;
use fleetward_fleet::{DeviceId, Identity};
use fleetward_guard::view::View;
use fleetward_guard::watch::{self, Noticed, Subject, Watch};
use fleetward_packet::{Event, Limits, Sink, Table, Time};
use fleetward_store::Store;
use ipnet::IpNet;

use super::gauges::Gauges;
use super::people::{Known, People};
use super::record::Recorder;
use crate::clock;
use crate::command::capture::{unheard, unread};
use crate::config::{CaptureSource, Settings, Socket};
use crate::exit::Failure;

/// How long nothing is waited for: what is due by the clock is looked at in between, and so is the end.
const WAIT: Duration = Duration::from_millis(100);
/// An interface that went away is tried again after so long.
const AGAIN: Duration = Duration::from_secs(5);

/// What is read.
pub(super) enum Source {
    File {
        file: Box<File>,
        path: PathBuf,
        once: bool,
    },
    Interface {
        live: Option<Box<Live>>,
        name: String,
        options: LiveOptions,
    },
    /// Flows of gateways; `from`: whose are taken, all where it is empty.
    Export {
        socket: UdpSocket,
        from: Vec<IpNet>,
    },
}

impl Source {
    pub(super) fn open(wanted: &CaptureSource, settings: &Settings) -> anyhow::Result<Self> {
        if let Some(path) = &wanted.file {
            let path = settings.path(&path.value);
            let file = File::open(&path).map_err(|error| unread(&error))?;
            let once = path.is_file();
            return Ok(Self::File { file: Box::new(file), path, once });
        }
        if let Some(Socket(address)) = wanted.ipfix {
            let socket = UdpSocket::bind(address).and_then(|it| it.set_read_timeout(Some(WAIT)).map(|()| it));
            let socket = socket.map_err(|error| {
                let message = format!("capture source {:?}: cannot listen on {address}: {error}", wanted.name.value);
                Failure::unfinished(message, "choose another address, or stop what listens there")
            })?;
            let from = wanted.from.iter().map(|net| net.0).collect();
            return Ok(Self::Export { socket, from });
        }
        let name = wanted.interface.clone().unwrap_or_default();
        let ring = usize::try_from(wanted.ring.0).unwrap_or(usize::MAX);
        let options = LiveOptions { promiscuous: wanted.promiscuous, ring, fan_out: None };
        let live = match Live::open(&name, options) {
            Ok(live) => Some(Box::new(live)),
            // These pass: a cable, a module, a daemon that starts later.
            Err(error @ (LiveError::NoInterface { .. } | LiveError::Down { .. })) => {
                tracing::warn!("capture source {:?}: {error}; it is tried again", wanted.name.value);
                None
            }
            Err(error) => return Err(unheard(&error).into()),
        };
        Ok(Self::Interface { live, name, options })
    }

    /// A file that says the same when it is read again.
    pub(super) fn is_once(&self) -> bool {
        matches!(self, Self::File { once: true, .. })
    }
}

/// What a thread needs.
pub(super) struct Reader {
    pub(super) people: Arc<People>,
    pub(super) store: Store,
    pub(super) engine: Arc<Engine>,
    pub(super) gauges: Arc<Gauges>,
    pub(super) stop: Arc<AtomicBool>,
    pub(super) flush_every: Duration,
    /// What the operator has on lists.
    pub(super) lists: watch::Settings,
}

/// A thread's state.
pub(super) struct Reading {
    reader: Reader,
    table: Table,
    ears: Ears,
    /// Of the last packet.
    last: Time,
    flushed: Option<Time>,
    flushed_at: Instant,
}

/// Who hears what the table tells.
struct Ears {
    known: Arc<Known>,
    turn: u64,
    totals: Totals<DeviceId>,
    watch: Watch,
    recorder: Recorder,
}

impl Reader {
    pub(super) fn begin(self, recorder: Recorder) -> anyhow::Result<Reading> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
        let totals = Totals::new(TotalLimits::default());
        let watch = Watch::new(self.lists.clone());
        let ears = Ears { known: self.people.known(), turn: 0, totals, watch, recorder };
        let limits = flow_limits(self.flush_every);
        Ok(Reading {
            reader: self,
            table: Table::new(limits, u64::from_ne_bytes(seed)),
            ears,
            last: Time::default(),
            flushed: None,
            flushed_at: Instant::now(),
        })
    }
}

/// The journal hears of a conversation when it is over or goes on, so both come soon: the timeouts of a flow exporter.
pub(crate) fn flow_limits(flush_every: Duration) -> Limits {
    let report_every = u32::try_from(flush_every.as_secs()).unwrap_or(u32::MAX).max(1);
    Limits { opening: 15, closed: 3, udp: 30, report_every, ..Limits::default() }
}

impl Reading {
    pub(super) fn run(&mut self, source: Source) {
        match source {
            Source::File { file, path, once } => self.file(*file, &path.display().to_string(), once),
            Source::Interface { live, name, options } => self.interface(live, &name, options),
            Source::Export { socket, from } => self.export(&socket, &from),
        }
        self.table.finish(&mut self.ears);
        // What waited for the rest of it has seen all there is.
        self.ears.advance(Time(self.last.0.saturating_add(60_000_000_000)));
        self.flush();
    }

    fn is_stopped(&self) -> bool {
        self.reader.stop.load(Ordering::Relaxed)
    }

    fn file(&mut self, mut file: File, name: &str, once: bool) {
        while !self.is_stopped() {
            match file.batch() {
                Ok(None) => break,
                Ok(Some(batch)) => {
                    let is_idle = batch.is_empty();
                    self.take(&batch);
                    // What comes by a pipe comes now; a file has a time of its own.
                    if !once {
                        self.by_the_clock(is_idle);
                    }
                }
                Err(error) => {
                    tracing::error!("{error}");
                    self.reader.gauges.set_trouble(Some(error.to_string()));
                    return;
                }
            }
            self.reader.gauges.drops.store(file.summary().dropped, Ordering::Relaxed);
        }
        let summary = file.summary();
        tracing::info!(file = name, packets = summary.packets, cut = summary.cut, "a capture was read");
    }

    fn interface(&mut self, mut live: Option<Box<Live>>, name: &str, options: LiveOptions) {
        let mut drops = 0;
        while !self.is_stopped() {
            let Some(interface) = &mut live else {
                match Live::open(name, options) {
                    Ok(opened) => {
                        tracing::info!(interface = name, "listening");
                        self.reader.gauges.set_trouble(None);
                        live = Some(Box::new(opened));
                    }
                    Err(error) => {
                        self.reader.gauges.set_trouble(Some(error.to_string()));
                        self.pause(AGAIN);
                    }
                }
                continue;
            };
            match interface.batch(WAIT) {
                Ok(batch) => {
                    let is_idle = batch.is_empty();
                    self.take(&batch);
                    self.by_the_clock(is_idle);
                    let now = drops + interface.counted().drops;
                    self.reader.gauges.drops.store(now, Ordering::Relaxed);
                }
                Err(error) => {
                    tracing::warn!(interface = name, %error, "trying again every few seconds");
                    drops += interface.counted().drops;
                    self.reader.gauges.set_trouble(Some(error.to_string()));
                    live = None;
                    self.pause(AGAIN);
                }
            }
        }
    }

    fn export(&mut self, socket: &UdpSocket, allowed: &[IpNet]) {
        let (mut exported, mut foreign) = (Exported::default(), 0);
        let mut datagram = vec![0; 1 << 16];
        while !self.is_stopped() {
            let now = Time(clock::now().0.saturating_mul(1_000_000));
            match socket.recv_from(&mut datagram) {
                Ok((length, from)) => {
                    let ip = from.ip().to_canonical();
                    if allowed.is_empty() || allowed.iter().any(|net| net.contains(&ip)) {
                        self.ears.look(&self.reader.people);
                        exported.take(from, &datagram[..length], now, &mut self.ears);
                        self.reader.gauges.bytes.fetch_add(length as u64, Ordering::Relaxed);
                    } else {
                        foreign += 1;
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => tracing::debug!(%error, "receiving flows"),
            }
            exported.advance(now, &mut self.ears);
            self.ears.recorder.write();
            self.by_the_clock(false);
            let (gauges, counts) = (&self.reader.gauges, exported.counts());
            gauges.packets.store(counts.datagrams, Ordering::Relaxed);
            gauges.flows.store(counts.flows, Ordering::Relaxed);
            gauges.drops.store(counts.lost, Ordering::Relaxed);
            gauges.unreadable.store(counts.malformed + counts.without_template + foreign, Ordering::Relaxed);
        }
        exported.finish(&mut self.ears);
    }

    /// Waits, and goes on with what is due.
    fn pause(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while !self.is_stopped() && Instant::now() < until {
            std::thread::sleep(WAIT);
            self.by_the_clock(true);
        }
    }

    fn take(&mut self, batch: &Batch<'_>) {
        self.ears.look(&self.reader.people);
        let every = i64::try_from(self.reader.flush_every.as_nanos()).unwrap_or(i64::MAX);
        let mut octets = 0;
        for packet in batch {
            self.last = self.last.max(packet.time);
            let flushed = *self.flushed.get_or_insert(packet.time);
            if packet.time.0.saturating_sub(flushed.0) >= every {
                self.flush();
            }
            octets += u64::from(packet.wire);
            self.table.push(packet.link, packet.time, packet.bytes, packet.wire, &mut self.ears);
        }
        // Signs do not wait for the sums.
        self.ears.recorder.write();
        let (gauges, counts) = (&self.reader.gauges, self.table.counts());
        gauges.packets.store(counts.frames, Ordering::Relaxed);
        gauges.bytes.fetch_add(octets, Ordering::Relaxed);
        gauges.flows.store(counts.flows, Ordering::Relaxed);
        gauges.evicted.store(counts.evicted, Ordering::Relaxed);
        gauges.unreadable.store(counts.truncated + counts.malformed, Ordering::Relaxed);
        gauges.live.store(self.table.len() as u64, Ordering::Relaxed);
        gauges.memory.store(self.table.memory() as u64, Ordering::Relaxed);
    }

    /// What is due although no packet says so.
    fn by_the_clock(&mut self, is_idle: bool) {
        self.reader.people.look(&self.reader.store, &self.reader.engine);
        if is_idle {
            let now = Time(clock::now().0.saturating_mul(1_000_000));
            self.table.advance(now, &mut self.ears);
            self.ears.advance(now);
            self.ears.recorder.write();
        }
        if self.flushed_at.elapsed() >= self.reader.flush_every {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.ears.flush();
        self.flushed = Some(self.last);
        self.flushed_at = Instant::now();
    }
}

impl Ears {
    /// Takes over who is who, and what models need, where that changed.
    fn look(&mut self, people: &People) {
        let turn = people.turn();
        if turn != self.turn {
            self.turn = turn;
            self.known = people.known();
            let profiles = people.profiles();
            let of_models = profiles.iter().filter_map(|it| Some((&*it.model, it.network.as_ref()?)));
            self.watch.set_profiles(of_models);
        }
    }

    fn flush(&mut self) {
        let Self { totals, recorder, .. } = self;
        totals.drain().for_each(|total| recorder.sum(total));
        recorder.write();
    }
}

impl Ears {
    /// What waited for more is judged.
    fn advance(&mut self, now: Time) {
        let Self { known, watch, recorder, .. } = self;
        watch.advance(now, &known.hosts, &mut |noticed| write(known, recorder, noticed));
    }
}

/// A sign about a device of the inventory, or about somebody who is named by a hardware address.
fn write(known: &Known, recorder: &mut Recorder, noticed: Noticed) {
    let Noticed { subject, time, sign } = noticed;
    match subject {
        Subject::Host(host) => {
            if let Some(device) = known.device(host) {
                recorder.sign(device, None, time.timestamp(), sign);
            }
        }
        Subject::Mac(mac) => {
            let identity = Identity::Mac(mac);
            let device = DeviceId::of(&identity.default_name());
            recorder.sign(device, Some(identity), time.timestamp(), sign);
        }
    }
}

impl Sink for Ears {
    fn event(&mut self, event: Event<'_>) {
        let Self { known, watch, recorder, totals, .. } = self;
        watch.event(&event, &known.hosts, &mut |noticed| write(known, recorder, noticed));
        let (flow, ended) = match event {
            Event::Grew(flow) => (flow, false),
            Event::Closed(flow) => (flow, true),
            _ => return,
        };
        let growth = totals.growth(flow, ended);
        for view in View::of(flow, &known.hosts) {
            if let Some(device) = known.device(view.host) {
                totals.add(device, view.begins, flow, &growth);
            }
        }
    }
}
