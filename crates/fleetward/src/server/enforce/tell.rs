//! What the firewall refused becomes observations: the first of its kind at once, the others counted.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use fleetward_fleet::{Body, Device, DeviceId, Direction, Identity, Mac, NetworkSign, Observation, SignKind};
use fleetward_guard::nft::log::{Told, Why};
use fleetward_journal::{Entry, Handle};

use super::super::{Record, ticks};
use crate::clock;

/// One line of talk: the same device, reason, address and port.
type Line = (DeviceId, Why, Option<IpAddr>, Option<u16>);

/// Turns packets into signs, bounded.
pub(super) struct Teller {
    journal: Handle<Record>,
    by_mac: HashMap<Mac, DeviceId>,
    by_ip: HashMap<IpAddr, DeviceId>,
    lines: HashMap<Line, (Instant, u64)>,
    waiting: Vec<Entry<Record>>,
    /// Packets of strangers that the server's layer had dropped when it was last looked at.
    flooded: Option<u64>,
}

impl Teller {
    pub(super) fn new(journal: Handle<Record>, devices: &[Device]) -> Self {
        let mut teller = Self {
            journal,
            by_mac: HashMap::new(),
            by_ip: HashMap::new(),
            lines: HashMap::new(),
            waiting: Vec::new(),
            flooded: None,
        };
        teller.know(devices);
        teller
    }

    /// Who is who.
    pub(super) fn know(&mut self, devices: &[Device]) {
        self.by_mac = devices.iter().filter_map(|it| Some((it.mac?, it.id()))).collect();
        self.by_ip = devices.iter().filter_map(|it| Some((IpAddr::from(it.ip?), it.id()))).collect();
    }

    /// A packet was refused, or passed only in audit.
    pub(super) fn tell(&mut self, told: &Told) {
        let Some(mut sign) = told.sign() else { return };
        let known = told.mac.and_then(|mac| self.by_mac.get(&mac)).or_else(|| self.by_ip.get(&told.from?)).copied();
        let stranger = told.mac.map(Identity::Mac);
        let device = match (known, &stranger) {
            (Some(device), _) => device,
            (None, Some(identity)) => DeviceId::of(&identity.default_name()),
            (None, None) => return, // a stranger from afar: `floods` counts those
        };
        let port = told.port.filter(|_| told.why != Why::Flooding);
        if self.lines.len() >= MOST_LINES {
            self.lines.retain(|_, (since, _)| since.elapsed() < AGAIN_AFTER);
        }
        let full = self.lines.len() >= MOST_LINES;
        let line = (device, told.why, told.to, port);
        match self.lines.get_mut(&line) {
            Some((since, count)) if since.elapsed() < AGAIN_AFTER => {
                *count += 1;
                return;
            }
            Some((since, count)) => {
                sign.count = std::mem::replace(count, 0) + 1;
                *since = Instant::now();
            }
            None if full => return,
            None => drop(self.lines.insert(line, (Instant::now(), 0))),
        }
        self.observe(device, if known.is_none() { stranger } else { None }, sign);
    }

    /// A flood at the server from outside the fleet has no sender to name: it is told of the server itself.
    pub(super) fn floods(&mut self, counters: &[(String, String, u64, u64)]) {
        let strangers = counters.iter().filter(|it| it.0.ends_with("fleetward_server") && it.1.starts_with("stranger"));
        let now: u64 = strangers.map(|it| it.2).sum();
        let more = now.saturating_sub(self.flooded.replace(now).unwrap_or(now));
        if more < FLOOD {
            return;
        }
        let sign = NetworkSign {
            sign: SignKind::FloodIn,
            address: None,
            name: None,
            port: None,
            protocol: None,
            direction: Direction::In,
            count: more / 10,
            expected: "no more new connections than the limits for strangers".into(),
            observed: format!("{more} packets of strangers dropped within 10 s at this server's services").into(),
        };
        self.observe(DeviceId::of(SERVER), None, sign);
    }

    fn observe(&mut self, device: DeviceId, identity: Option<Identity>, sign: NetworkSign) {
        let now = clock::now();
        let body = Body::Network(Box::new(sign));
        let observation =
            Observation { event_time: now, observed_at: now, source: "firewall".into(), device, identity, body };
        self.waiting.push(ticks::entry(0, observation));
    }

    /// Appends what waits.
    pub(super) fn write(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let batch = std::mem::take(&mut self.waiting);
        let count = batch.len();
        if let Err(refused) = self.journal.append_wait(batch) {
            tracing::error!(observations = count, %refused, "what the firewall told is lost; its counters still count");
        }
    }
}

/// The same is told again after so long, with how often it happened.
const AGAIN_AFTER: Duration = Duration::from_mins(10);
/// Lines that are remembered: a scan makes many.
const MOST_LINES: usize = 65_536;
/// Dropped packets of strangers within one look (10 s) that are a flood.
const FLOOD: u64 = 500;
/// As which device a flood at the server is told.
const SERVER: &str = "this server";
