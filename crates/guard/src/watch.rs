//! Notices what does not fit: against the profile of a device's model where there is one, and by what no legitimate device does where there
//! is none.
//!
//! Events of conversations in, [`Noticed`] out. Work is done per event of a conversation, never per packet.
//!
//! # Invariants
//!
//! * **The same events give the same signs**, however they are batched, and whenever [`Watch::advance`] is called in between.
//! * **Bounded.** Some kilobytes a device; strangers, waiting conversations and bindings have limits; a flood with a million sources costs what
//!   its victim costs.
//! * **Once an episode.** What goes on is told at its beginning and again after a silence; at most eight of a kind an hour a device.
//! * **Without a profile, only what no legitimate device does**: floods, scans, log-ins tried, rhythmic calls to addresses without names.
//! * **Names may be absent** (captures of headers only). Then a new address on a port that the profile allows on the Internet is not told.

mod beacon;
mod brute;
mod burst;
mod device;
mod distinct;
mod episode;
mod growth;
mod likeness;
mod link;
mod lists;
mod model;
mod novelty;
mod rate;
mod scan;
mod speech;

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::net::IpAddr;

use fleetward_fleet::{Direction, Mac, NetworkProfile, NetworkSign, SignKind};
use fleetward_packet::{Endpoint, Event, Flow, NameSource, Time};
use hashbrown::{DefaultHashBuilder, HashMap};

use crate::fit::{Miss, Verdict};
use crate::hosts::{HostId, Hosts};
use crate::survey::is_public;
use crate::view::View;

use device::{Device, Side, fold, is_one};
use growth::Growths;
use link::Bindings;
use model::Models;
use novelty::Novelties;

pub use lists::NameList;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
/// So long a conversation may take to say whom it is for (a `ClientHello` follows the handshake), in nanoseconds.
const PATIENCE: i64 = 2 * SECOND;
/// Conversations that wait.
const MAX_WAITING: usize = 16_384;
/// Hardware addresses that nobody knows and that are watched all the same.
const MAX_STRANGERS: usize = 4096;

/// Lists that the operator chose. See [`NameList`].
#[derive(Debug, Default, Clone)]
pub struct Settings {
    /// Trackers, and places that the owner never chose.
    pub trackers: NameList,
    /// Resolvers over HTTPS, besides those that everybody knows.
    pub doh: NameList,
}

/// Whom a sign is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A device of the inventory.
    Host(HostId),
    /// Somebody else on the link.
    Mac(Mac),
}

/// Something noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noticed {
    /// Whom it is about.
    pub subject: Subject,
    /// When, by the packets.
    pub time: Time,
    /// What.
    pub sign: NetworkSign,
}

/// What was left out for lack of room, or because there was too much of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct WatchCounts {
    /// Signs told.
    pub told: u64,
    /// Strangers that were not watched: there were too many.
    pub untracked: u64,
    /// Conversations that were not held against a profile in time: too many waited.
    pub unjudged: u64,
    /// Signs held because a whole model did the same.
    pub held_by_novelty: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Watch {
    settings: Settings,
    hash: DefaultHashBuilder,
    models: Models,
    devices: HashMap<u64, Device>,
    strangers: usize,
    waiting: HashMap<u64, Flow>,
    queue: VecDeque<(Time, u64)>,
    growths: Growths,
    novelties: Novelties,
    bindings: Bindings,
    routers: Vec<Mac>,
    now: Time,
    out: Vec<Noticed>,
    counts: WatchCounts,
}

/// One end of a conversation that is watched.
struct End<'a> {
    side: Side<'a>,
    /// Of its device.
    key: u64,
    /// Its model's number, where it has a profile.
    model: Option<usize>,
    verdict: Option<Verdict>,
}

impl Watch {
    /// Nobody is known yet; the first events may come.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            hash: DefaultHashBuilder::default(),
            models: Models::default(),
            devices: HashMap::new(),
            strangers: 0,
            waiting: HashMap::new(),
            queue: VecDeque::new(),
            growths: Growths::default(),
            novelties: Novelties::default(),
            bindings: Bindings::default(),
            routers: Vec::new(),
            now: Time(i64::MIN),
            out: Vec::new(),
            counts: WatchCounts::default(),
        }
    }

    /// Takes over the network profiles of models, by name; a model without one is watched as a device without a profile.
    pub fn set_profiles<'a>(&mut self, profiles: impl IntoIterator<Item = (&'a str, &'a NetworkProfile)>) {
        self.models = Models::new(profiles);
    }

    /// What was left out.
    pub fn counts(&self) -> WatchCounts {
        self.counts
    }

    /// How many devices and strangers are remembered.
    pub fn devices(&self) -> usize {
        self.devices.len()
    }

    /// Takes one event; `tell` is called for each thing noticed.
    pub fn event(&mut self, event: &Event<'_>, hosts: &Hosts, tell: &mut impl FnMut(Noticed)) {
        let time = match event {
            Event::Opened(flow) => flow.first,
            Event::Named(flow) | Event::Grew(flow) | Event::Closed(flow) | Event::Told(flow, _) => flow.last,
            Event::Neighbour(neighbour) => neighbour.time,
        };
        self.due(time, hosts);
        match event {
            Event::Opened(flow) => self.opened(flow, hosts),
            Event::Named(flow) => self.named(flow, hosts),
            Event::Grew(flow) => self.grew(flow, hosts),
            Event::Closed(flow) => self.closed(flow, hosts),
            Event::Told(flow, told) => self.told(flow, told, hosts),
            Event::Neighbour(neighbour) => self.neighbour(neighbour, hosts),
        }
        self.flush(tell);
    }

    /// It is this late: what waited is judged.
    pub fn advance(&mut self, time: Time, hosts: &Hosts, tell: &mut impl FnMut(Noticed)) {
        self.due(time, hosts);
        self.flush(tell);
    }

    fn flush(&mut self, tell: &mut impl FnMut(Noticed)) {
        self.counts.told += self.out.len() as u64;
        self.out.drain(..).for_each(tell);
    }

    fn due(&mut self, time: Time, hosts: &Hosts) {
        self.now = self.now.max(time);
        while let Some((at, id)) = self.queue.front().copied().filter(|(at, _)| *at <= self.now) {
            self.queue.pop_front();
            if let Some(flow) = self.waiting.remove(&id) {
                self.each(&flow, hosts, |watch, end| watch.judge(end, at, hosts));
            }
        }
    }

    fn opened(&mut self, flow: &Flow, hosts: &Hosts) {
        self.learn_router(flow, hosts);
        let time = flow.first;
        self.each(flow, hosts, |watch, end| {
            let Self { devices, hash, out, .. } = watch;
            devices.entry(end.key).or_default().opened(&end.side, time, hash, out);
            watch.stranger(end, time, hosts);
            watch.resolver(end, time, hosts);
            watch.borrowed_address(end, time, hosts);
            if !matches!(end.verdict, Some(Verdict::Misses(_))) || !end.side.is_out() || !is_one(end.side.peer) {
                return;
            }
            let may_be_named = matches!(flow.protocol, 6 | 17) && is_public(end.side.peer.ip);
            if !may_be_named {
                watch.judge(end, time, hosts);
            } else if watch.queue.len() < MAX_WAITING {
                if watch.waiting.insert(flow.id, flow.clone()).is_none() {
                    watch.queue.push_back((Time(watch.now.0.saturating_add(PATIENCE)), flow.id));
                }
            } else {
                watch.counts.unjudged += 1;
            }
        });
    }

    fn named(&mut self, flow: &Flow, hosts: &Hosts) {
        if let Some(waiting) = self.waiting.get_mut(&flow.id) {
            waiting.clone_from(flow);
        }
        self.each(flow, hosts, |watch, end| {
            watch.devices.entry(end.key).or_default().named(&end.side, flow.last);
            watch.in_clear(end, flow.last);
            watch.place_on_a_list(end, flow.last);
            watch.answered_a_stranger(end, flow.last, hosts);
            watch.says_another_name(end, flow, hosts);
        });
    }

    /// The second factor: its first words (SNI, Host) name another place than the one whose address it called, which is allowed. An address
    /// of a content network is shared by many.
    fn says_another_name(&mut self, end: &End<'_>, flow: &Flow, hosts: &Hosts) {
        let says = flow.name.as_ref().is_some_and(|name| name.source > NameSource::Dns);
        let misses = matches!(end.verdict, Some(Verdict::Misses(_)));
        if says && misses && end.side.is_out() && !self.waiting.contains_key(&flow.id) {
            self.judge(end, flow.last, hosts);
        }
    }

    fn grew(&mut self, flow: &Flow, hosts: &Hosts) {
        let growth = self.growths.grew(flow);
        self.each(flow, hosts, |watch, end| {
            let Self { devices, out, .. } = watch;
            devices.entry(end.key).or_default().grew(&end.side, flow.last, growth.packets, growth.seconds, out);
            watch.used(end, flow.last, growth.bytes, 0);
            watch.answered_a_stranger(end, flow.last, hosts);
        });
    }

    fn closed(&mut self, flow: &Flow, hosts: &Hosts) {
        let growth = self.growths.closed(flow);
        let waited = self.waiting.remove(&flow.id).is_some();
        let time = self.now;
        self.each(flow, hosts, |watch, end| {
            let Self { devices, hash, out, .. } = watch;
            devices.entry(end.key).or_default().closed(&end.side, flow.last, hash, out);
            watch.used(end, flow.last, growth.bytes, 1);
            watch.in_clear(end, flow.last);
            if waited && end.side.is_out() {
                watch.judge(end, time, hosts);
            }
            watch.answered_a_stranger(end, flow.last, hosts);
            watch.without_a_name(end, flow.last);
        });
    }

    /// Each end that is watched.
    fn each(&mut self, flow: &Flow, hosts: &Hosts, mut f: impl FnMut(&mut Self, &End<'_>)) {
        let ends = [(Direction::Out, &flow.client, &flow.server), (Direction::In, &flow.server, &flow.client)];
        for (begins, own, peer) in ends {
            if let Some(end) = self.end(flow, begins, own, peer, hosts) {
                f(self, &end);
            }
        }
    }

    fn end<'a>(
        &mut self,
        flow: &'a Flow,
        begins: Direction,
        own: &'a Endpoint,
        peer: &'a Endpoint,
        hosts: &Hosts,
    ) -> Option<End<'a>> {
        let mut side = Side { subject: Subject::Mac(own.mac), begins, peer, flow, has_profile: false, fits: false };
        let Some(host) = hosts.find(own.mac, own.ip) else {
            if !self.is_watched(own, peer, hosts) {
                return None;
            }
            let key = self.hash.hash_one(own.mac);
            if !self.devices.contains_key(&key) {
                if self.strangers >= MAX_STRANGERS {
                    self.counts.untracked += 1;
                    return None;
                }
                self.strangers += 1;
            }
            return Some(End { side, key, model: None, verdict: None });
        };
        side.subject = Subject::Host(host);
        let known = hosts.get(host)?;
        let key = self.hash.hash_one(&known.name);
        let model = known.model.as_deref().and_then(|model| self.models.find(model));
        let verdict = model.map(|model| {
            let peer_host = hosts.find(peer.mac, peer.ip);
            let view = View { host, peer_host, begins, peer, is_turned: false, flow };
            self.models.judge(model, &view, hosts)
        });
        side.has_profile = model.is_some();
        side.fits = verdict.is_some_and(|verdict| !matches!(verdict, Verdict::Misses(_)));
        Some(End { side, key, model, verdict })
    }

    /// Somebody on the link whom the inventory does not know, and no router.
    fn is_watched(&self, own: &Endpoint, peer: &Endpoint, hosts: &Hosts) -> bool {
        let is_router = hosts.routers.contains(&own.mac) || self.routers.contains(&own.mac) || hosts.is_gateway(own);
        let is_local = !is_public(own.ip) || hosts.is_local(own.ip) || is_public(peer.ip);
        !is_router && is_local && !own.mac.is_unknown() && !own.mac.is_group() && is_one(own)
    }

    /// Who stands beside an address of the Internet, seen from a private one, is a router.
    fn learn_router(&mut self, flow: &Flow, hosts: &Hosts) {
        if !hosts.routers.is_empty() || self.routers.len() >= 16 {
            return;
        }
        for (far, near) in [(&flow.client, &flow.server), (&flow.server, &flow.client)] {
            let passes = is_public(far.ip) && !hosts.is_local(far.ip) && !is_public(near.ip) && is_one(far);
            if passes && far.mac != near.mac && !hosts.knows(far.mac) && !self.routers.contains(&far.mac) {
                self.routers.push(far.mac);
            }
        }
    }

    /// Holds a conversation against the profile, and says what does not fit.
    fn judge(&mut self, end: &End<'_>, time: Time, hosts: &Hosts) {
        let (Some(model), Some(Verdict::Misses(miss))) = (end.model, end.verdict) else {
            self.resembles(end, time, hosts);
            return;
        };
        let side = &end.side;
        if !is_one(side.peer) {
            return;
        }
        if miss == Miss::Peer && self.is_blind(end, model, hosts) {
            return;
        }
        let is_remote = is_public(side.peer.ip) && !hosts.is_local(side.peer.ip);
        self.resembles(end, time, hosts);
        let unnamed =
            if side.name().is_none() && is_remote && self.has_names(end) { "; no name had led there" } else { "" };
        let way = if side.is_out() { "calls" } else { "answers a call from" };
        let model_name = self.models.name(model).to_owned();
        let (kind, expected) = match miss {
            _ if matches!((side.port(), side.is_out()), (53 | 853, true)) => {
                (SignKind::DnsBypass, "names are asked of the given resolver".to_owned())
            }
            Miss::Peer => (SignKind::UnlistedPeer, format!("only peers in the profile of {model_name}")),
            Miss::Port => {
                (SignKind::UnlistedPort, format!("this peer only on the ports in the profile of {model_name}"))
            }
            Miss::Role => (SignKind::UnlistedRole, "clocks and other services that the network gave it".to_owned()),
            Miss::Lateral => {
                (SignKind::DeviceToDevice, format!("no talk to other devices, says the profile of {model_name}"))
            }
        };
        let observed = format!("{way} {}{unnamed}", side.place());
        let whom = side.name().map_or_else(|| fold(side.peer.ip), text_key);
        // Of callers, the port tells them apart and not the address: there are as many as there are scanners.
        let key = if side.is_out() { whom ^ u64::from(side.port()) << 40 } else { u64::from(side.port()) };
        let count = if kind == SignKind::DnsBypass { 1 } else { side.flow.packets.iter().sum() };
        self.novel(end, time, kind, key, count, expected, observed);
    }

    /// The place cannot be told from those of the profile: no names are seen here, and the model calls the Internet at
    /// this port.
    fn is_blind(&self, end: &End<'_>, model: usize, hosts: &Hosts) -> bool {
        let side = &end.side;
        let (protocol, port) = (side.flow.protocol, side.port());
        side.name().is_none()
            && is_public(side.peer.ip)
            && !hosts.is_local(side.peer.ip)
            && !self.has_names(end)
            && self.models.allows_port_outside(model, protocol, port)
    }

    fn has_names(&self, end: &End<'_>) -> bool {
        self.devices.get(&end.key).is_some_and(|device| device.has_names)
    }

    /// Tells it, unless the whole model does the same at once.
    #[expect(clippy::too_many_arguments, reason = "one sign, said in place")]
    fn novel(
        &mut self,
        end: &End<'_>,
        time: Time,
        kind: SignKind,
        key: u64,
        count: u64,
        expected: String,
        observed: String,
    ) {
        let Self { devices, novelties, models, out, counts, .. } = self;
        let device = devices.entry(end.key).or_default();
        let Some(model) = end.model else {
            device.say(&end.side, time, kind, key, DAY, count, expected, observed, out);
            return;
        };
        match novelties.does((model, kind, key), end.key, time) {
            novelty::Turn::Alone => device.say(&end.side, time, kind, key, DAY, count, expected, observed, out),
            novelty::Turn::Held => counts.held_by_novelty += 1,
            novelty::Turn::Together(devices) => {
                let name = models.name(model);
                let observed =
                    format!("update or incident: {devices} devices of {name} began the same within a day: {observed}");
                device.say(&end.side, time, SignKind::ModelNovelty, key, 0, devices, expected, observed, out);
            }
        }
    }

    /// Somebody called the device, and it answered: that is its doing.
    fn answered_a_stranger(&mut self, end: &End<'_>, time: Time, hosts: &Hosts) {
        let misses = matches!(end.verdict, Some(Verdict::Misses(_)));
        if misses && !end.side.is_out() && end.side.is_answered() && end.side.packets().0 > 0 {
            self.judge(end, time, hosts);
        }
    }

    fn resembles(&mut self, end: &End<'_>, time: Time, hosts: &Hosts) {
        let (Some(model), Subject::Host(host), Some(verdict)) = (end.model, end.side.subject, end.verdict) else {
            return;
        };
        if verdict == Verdict::Housekeeping || self.models.len() < 2 {
            return;
        }
        let Side { flow, peer, begins, .. } = end.side;
        let whom = end.side.name().map_or_else(|| fold(peer.ip), text_key);
        let thing = whom ^ u64::from(end.side.port()) << 40 ^ u64::from(flow.protocol) << 56;
        let view = View { host, peer_host: hosts.find(peer.mac, peer.ip), begins, peer, is_turned: false, flow };
        let Self { devices, models, out, .. } = self;
        let device = devices.entry(end.key).or_default();
        let fits = |other: usize| matches!(models.judge(other, &view, hosts), Verdict::Fits(_));
        if let Some(other) = device.likeness.add(thing, model, models.len(), fits) {
            let expected = format!("it behaves like {}", models.name(model));
            let observed = format!("it behaves like {}", models.name(other));
            device.say(&end.side, time, SignKind::OtherModel, other as u64, 30 * DAY, 1, expected, observed, out);
        }
    }

    /// More of an allowed thing than is usual.
    fn used(&mut self, end: &End<'_>, time: Time, bytes: [u64; 2], flows: u64) {
        let (Some(model), Some(Verdict::Fits(rule))) = (end.model, end.verdict) else { return };
        let Self { devices, models, out, .. } = self;
        let Some(rate) = models.rate(model, rule) else { return };
        let bytes = if end.side.is_out() { (bytes[0], bytes[1]) } else { (bytes[1], bytes[0]) };
        let device = devices.entry(end.key).or_default();
        if let Some((count, what, usual)) = device.uses.add(rule, rate, time, bytes, flows) {
            let expected = format!("at most about {usual} {what} in an hour with this peer");
            let observed = format!("{count} {what} within this hour, {}", end.side.place());
            device.say(
                &end.side,
                time,
                SignKind::OverRate,
                rule as u64,
                6 * 3600 * SECOND,
                count,
                expected,
                observed,
                out,
            );
        }
    }
}

/// A key of a text: the same in every run (FNV-1a).
fn text_key(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |key, byte| (key ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Addresses of resolvers that everybody knows; on port 443 they speak DNS over HTTPS.
fn is_known_resolver(ip: IpAddr) -> bool {
    let known: [[u8; 4]; 6] =
        [[8, 8, 8, 8], [8, 8, 4, 4], [1, 1, 1, 1], [1, 0, 0, 1], [9, 9, 9, 9], [149, 112, 112, 112]];
    matches!(ip, IpAddr::V4(ip) if known.contains(&ip.octets()))
}
