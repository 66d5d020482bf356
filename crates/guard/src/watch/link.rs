//! Who is who on the link, and who pretends to be another.

use std::net::IpAddr;

use fleetward_fleet::{Direction, Mac, NetworkSign, SignKind};
use fleetward_packet::{Flow, Neighbour, NeighbourDoes, Time};
use hashbrown::HashMap;

use super::device::{Side, fold};
use super::{DAY, End, Noticed, Subject, Watch};
use crate::hosts::Hosts;

const MAX_BINDINGS: usize = 65_536;
/// Strangers that are told of in an hour.
const MAX_STRANGERS_AN_HOUR: u32 = 32;
/// Two that claim one address within so many nanoseconds contend for it; later, it may have been given to another.
const CONTEND: i64 = 120_000_000_000;
const HOUR: i64 = 3_600_000_000_000;

/// Who holds which address.
#[derive(Debug, Default)]
pub(super) struct Bindings {
    by_ip: HashMap<IpAddr, (Mac, Time)>,
    hour: i64,
    strangers: u32,
}

impl Bindings {
    /// The other one that held it a moment ago.
    fn claim(&mut self, ip: IpAddr, mac: Mac, time: Time) -> Option<Mac> {
        let before = self.by_ip.get(&ip).copied();
        if before.is_none() && self.by_ip.len() >= MAX_BINDINGS {
            return None;
        }
        self.by_ip.insert(ip, (mac, time));
        let (other, at) = before?;
        (other != mac && time.0.saturating_sub(at.0) <= CONTEND).then_some(other)
    }

    fn may_tell_stranger(&mut self, time: Time) -> bool {
        let hour = time.0.div_euclid(HOUR);
        if hour != self.hour {
            (self.hour, self.strangers) = (hour, 0);
        }
        self.strangers += 1;
        self.strangers <= MAX_STRANGERS_AN_HOUR
    }
}

impl Watch {
    pub(super) fn neighbour(&mut self, it: &Neighbour, hosts: &Hosts) {
        let flow = flow_of(it);
        let subject = hosts.find(it.mac, it.ip).map_or(Subject::Mac(it.mac), Subject::Host);
        let begins = Direction::Out;
        let side = Side { subject, begins, peer: &flow.server, flow: &flow, has_profile: false, fits: false };
        let is_router = |mac: Mac| hosts.routers.contains(&mac);
        match it.does {
            NeighbourDoes::Asks => {
                self.each(&flow, hosts, |watch, end| {
                    let Self { devices, hash, out, .. } = watch;
                    if end.side.is_out() {
                        devices.entry(end.key).or_default().asks_for(&end.side, it.time, hash, out);
                    }
                });
            }
            NeighbourDoes::Claims => {
                let Some(other) = self.bindings.claim(it.ip, it.mac, it.time) else { return };
                let is_victim = is_router(other) || hosts.knows(other);
                if is_victim && !is_router(it.mac) {
                    let whose = if is_router(other) { "the router's" } else { "another device's" };
                    let observed = format!("{} says that it holds {}, which is {whose} ({other})", it.mac, it.ip);
                    self.spoofs(&side, it.time, fold(it.ip), "each address is held by one".to_owned(), observed);
                }
            }
            NeighbourDoes::Advertises => {
                if !hosts.routers.is_empty() && !is_router(it.mac) && !is_router(it.sender) {
                    let observed = format!("{} says that it is a router (router advertisement)", it.mac);
                    self.spoofs(&side, it.time, 1, "only routers advertise themselves".to_owned(), observed);
                }
            }
        }
    }

    /// An address was given out by somebody.
    pub(super) fn leased(&mut self, flow: &Flow, mac: Mac, ip: IpAddr, hosts: &Hosts) {
        self.bindings.claim(ip, mac, flow.last);
        let server = flow.server.mac;
        if hosts.routers.is_empty() || hosts.routers.contains(&server) || server.is_group() || server.is_unknown() {
            return;
        }
        if hosts.is_resolver(&flow.server) || hosts.is_gateway(&flow.server) {
            return;
        }
        let subject = hosts.find(server, flow.server.ip).map_or(Subject::Mac(server), Subject::Host);
        let side = Side { subject, begins: Direction::In, peer: &flow.client, flow, has_profile: false, fits: false };
        let observed = format!("{server} ({}) gives out addresses by DHCP", flow.server.ip);
        self.spoofs(&side, flow.last, 2, "only the router gives out addresses".to_owned(), observed);
    }

    /// It sends with the address of another device.
    pub(super) fn borrowed_address(&mut self, end: &End<'_>, time: Time, hosts: &Hosts) {
        let Subject::Host(host) = end.side.subject else { return };
        let own = end.side.flow.client;
        if !end.side.is_out() || end.side.packets().0 == 0 || own.mac.is_unknown() || !hosts.knows(own.mac) {
            return;
        }
        let Some(owner) = hosts.find(Mac::default(), own.ip).filter(|owner| *owner != host) else { return };
        let name = hosts.get(owner).map_or("another device", |host| &host.name);
        let observed = format!("sends with {}, which is the address of {name}", own.ip);
        self.spoofs(&end.side, time, fold(own.ip), "it sends with its own address".to_owned(), observed);
    }

    fn spoofs(&mut self, side: &Side<'_>, time: Time, key: u64, expected: String, observed: String) {
        use std::hash::BuildHasher;
        let device = self.hash.hash_one(match side.subject {
            Subject::Host(host) => u64::from(host.0),
            Subject::Mac(mac) => self.hash.hash_one(mac),
        });
        if !self.devices.contains_key(&device) && self.strangers >= super::MAX_STRANGERS {
            return;
        }
        self.strangers += usize::from(!self.devices.contains_key(&device));
        let Self { devices, out, .. } = self;
        devices.entry(device).or_default().say(side, time, SignKind::Spoofing, key, HOUR, 1, expected, observed, out);
    }

    /// Somebody on the link whom the inventory does not know. Where the inventory is empty, everybody is, and nobody is told of.
    pub(super) fn stranger(&mut self, end: &End<'_>, time: Time, hosts: &Hosts) {
        let Subject::Mac(mac) = end.side.subject else { return };
        let own = if end.side.is_out() { &end.side.flow.client } else { &end.side.flow.server };
        let speaks = end.side.packets().0 > 0 && !crate::survey::is_public(own.ip);
        if !speaks || hosts.all().next().is_none() {
            return;
        }
        let device = self.devices.entry(end.key).or_default();
        let turn = device.episodes.happens(SignKind::UnknownDevice, 0, time, 7 * DAY);
        if turn == super::episode::Turn::Hold || !self.bindings.may_tell_stranger(time) {
            return;
        }
        let sign = NetworkSign {
            sign: SignKind::UnknownDevice,
            address: Some(own.ip),
            name: None,
            port: None,
            protocol: None,
            direction: Direction::Out,
            count: 1,
            expected: "only devices of the inventory".into(),
            observed: format!("{mac} sends with {}", own.ip).into(),
        };
        self.out.push(Noticed { subject: end.side.subject, time, sign });
    }
}

/// A sighting on the link, in the words of conversations.
fn flow_of(it: &Neighbour) -> Flow {
    let client = fleetward_packet::Endpoint { ip: IpAddr::from([0, 0, 0, 0]), port: 0, mac: it.mac };
    let server = fleetward_packet::Endpoint { ip: it.ip, port: 0, mac: Mac::default() };
    Flow {
        id: u64::MAX,
        client,
        server,
        protocol: 0,
        vlan: it.vlan,
        begun: true,
        first: it.time,
        last: it.time,
        packets: [1, 0],
        bytes: [0, 0],
        tcp: fleetward_packet::TcpSeen::default(),
        name: None,
        application: None,
    }
}
