//! From things that were seen to items of a profile: what varies without meaning is made general, with a note that says from what.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fleetward_fleet::{Allow, Direction, NetworkProfile, Peer, PortRange, Protocol, Role};
use ipnet::IpNet;

use super::gather::{Gathered, Thing, Who};
use super::refuse;
use super::support::{OwnPort, Seen};
use crate::pattern;

/// From so many clocks or names of clocks on, which clock it is has no meaning.
const CLOCKS: usize = 3;
/// From so many ports on, a port that a stack picks has no meaning.
const PORTS: usize = 3;
/// Ports that stacks pick begin here (RFC 6335 §6 says 49152; many begin at 1024).
const DYNAMIC: u16 = 1024;
/// From so many addresses in one network on, the network is meant.
const ADDRESSES: usize = 3;
/// Addresses of a name that are kept.
const MAX_ADDRESSES: usize = 64;
/// From so many addresses on, of which nobody answered, it is a search.
const SEARCH: usize = 20;

/// An item before it is written: a peer with its ports.
type Items = BTreeMap<Whose, Ports>;
/// The peer, the protocol, and whether the peer begins.
type Whose = (Peer, u8, bool);
/// Ports with what speaks for each, and notes.
type Ports = (BTreeMap<u16, Seen>, BTreeSet<String>);

/// The items, and what was refused, in words.
pub(super) fn items(gathered: &Gathered) -> (Vec<Allow>, Vec<String>) {
    let mut refused = Vec::new();
    let mut items = Items::new();
    let searched = searches(gathered);
    let clocks = many_clocks(gathered);
    let habits = habits(gathered);
    let names = names(gathered);
    let nets = nets(gathered);
    for (thing, seen) in &gathered.things {
        let is_unnamed = matches!(thing.who, Who::Far(_) | Who::Near(_));
        if is_unnamed && !thing.is_in && searched.contains_key(&(thing.protocol, thing.port)) {
            continue;
        }
        let is_habit = matches!(seen.own_port, OwnPort::One(own) if thing.protocol == 17 && habits.contains(&own));
        let reason = refuse::reason(thing, seen, gathered.captures)
            .filter(|reason| *reason != refuse::NEVER_ANSWERED || !is_habit);
        if let Some(reason) = reason {
            refused.push(format!("{} ({} flows): {reason}", words(thing), seen.flows));
            continue;
        }
        let (peer, note) = peer(thing, clocks, &names, &nets);
        let (ports, notes) = items.entry((peer, thing.protocol, thing.is_in)).or_default();
        notes.extend(note);
        ports.entry(thing.port).and_modify(|known| known.join(seen)).or_insert_with(|| seen.clone());
    }
    // One line each, so that a search does not crowd out the rest of the list.
    refused.extend(searched.iter().map(|((protocol, port), count)| {
        format!("{} {port} to {count} addresses: a search: many addresses, no answers", Protocol(*protocol))
    }));
    if gathered.crowded > 0 {
        refused.push(format!("{} flows of more things than are kept", gathered.crowded));
    }
    let mut allowed: Vec<Allow> = items.into_iter().flat_map(|item| allow(item, gathered.captures as usize)).collect();
    for allow in &mut allowed {
        remember_addresses(allow, gathered);
    }
    (allowed, refused)
}

/// Where the names of an item were.
fn remember_addresses(allow: &mut Allow, gathered: &Gathered) {
    let (Peer::Name(name), Some(support)) = (&allow.peer, &mut allow.support) else { return };
    let meant = gathered.addresses.iter().filter(|(it, _)| pattern::matches(name, it));
    let addresses: BTreeSet<IpAddr> = meant.flat_map(|(_, ips)| ips).copied().collect();
    support.addresses = addresses.into_iter().take(MAX_ADDRESSES).collect();
}

/// One item for each port, or one for all where the ports have no meaning.
fn allow(((peer, protocol, is_in), (ports, notes)): (Whose, Ports), captures: usize) -> Vec<Allow> {
    let begins = if is_in { Direction::In } else { Direction::Out };
    let protocol = Protocol(protocol);
    let note = notes.into_iter().collect::<Vec<_>>().join("; ");
    let item = |ports: Vec<PortRange>, seen: &Seen, note: String| Allow {
        peer: peer.clone(),
        protocol,
        ports,
        begins,
        rate: Some(seen.rate()),
        support: Some(seen.support(note)),
    };
    if !protocol.has_ports() {
        // Of ICMP the type is no port; of others there is none.
        let all = ports.into_values().reduce(|mut all, seen| {
            all.join(&seen);
            all
        });
        return all.map(|seen| item(Vec::new(), &seen, note)).into_iter().collect();
    }
    // A stack picks ports for a group or a partner on the site; a service far away has one.
    let may_vary = matches!(
        peer,
        Peer::Role(Role::Broadcast | Role::LinkMulticast | Role::Controller | Role::SameModel | Role::Gateway)
            | Peer::Model(_)
    );
    let is_dynamic = |port: u16, seen: &Seen| port >= DYNAMIC && seen.captures.len() * 4 < captures.max(5);
    let dynamic = ports.iter().filter(|(port, seen)| is_dynamic(**port, seen)).count();
    // Many ports of neighbours, always from the same port of its own: it answers there what was asked of everybody.
    let own = ports.values().fold(OwnPort::None, |own, seen| own.and(seen.own_port));
    if let (OwnPort::One(own), 17, Direction::Out, true, true) = (own, protocol.0, begins, may_vary, ports.len() >= 2) {
        let all = ports.into_values().reduce(|mut all, seen| {
            all.join(&seen);
            all
        });
        let note = format!("{note}; answers from one port").trim_start_matches("; ").to_owned();
        let written = all.map(|seen| Allow { begins: Direction::In, ..item(vec![PortRange::one(own)], &seen, note) });
        return written.into_iter().collect();
    }
    let mut written = Vec::new();
    let mut varying: Option<(Seen, usize)> = None;
    for (port, seen) in ports {
        if may_vary && dynamic >= PORTS && is_dynamic(port, &seen) {
            varying = Some(match varying {
                Some((mut all, count)) => {
                    all.join(&seen);
                    (all, count + 1)
                }
                None => (seen, 1),
            });
        } else {
            written.push(item(vec![PortRange::one(port)], &seen, note.clone()));
        }
    }
    if let Some((seen, count)) = varying {
        let note = format!("{count} ports above {DYNAMIC}, each in few captures: picked anew each time");
        written.push(item(vec![PortRange { first: DYNAMIC, last: u16::MAX }], &seen, note));
    }
    written
}

/// Ports of its own from which it talks UDP to neighbours in several captures, each time to another port: it answers there.
fn habits(gathered: &Gathered) -> BTreeSet<u16> {
    let mut captures: BTreeMap<u16, BTreeSet<u32>> = BTreeMap::new();
    for (thing, seen) in &gathered.things {
        if let (Who::Near(_) | Who::SameModel | Who::Model(_), 17, OwnPort::One(own)) =
            (&thing.who, thing.protocol, seen.own_port)
        {
            captures.entry(own).or_default().extend(&seen.captures);
        }
    }
    captures.into_iter().filter(|(_, captures)| captures.len() >= 2).map(|(own, _)| own).collect()
}

/// (protocol, port) on which many unnamed addresses were tried and nobody answered.
fn searches(gathered: &Gathered) -> BTreeMap<(u8, u16), usize> {
    let mut tried: BTreeMap<(u8, u16), (usize, u64)> = BTreeMap::new();
    for (thing, seen) in &gathered.things {
        if matches!(thing.who, Who::Far(_) | Who::Near(_)) && !thing.is_in {
            let (count, answered) = tried.entry((thing.protocol, thing.port)).or_default();
            *count += 1;
            *answered += u64::from(seen.answered > 0);
        }
    }
    let is_search = |(count, answered): &(usize, u64)| *count >= SEARCH && *answered * 10 < *count as u64;
    tried.into_iter().filter(|(_, tried)| is_search(tried)).map(|(key, (count, _))| (key, count)).collect()
}

/// It asks more clocks than a few.
fn many_clocks(gathered: &Gathered) -> bool {
    let asks = |thing: &&Thing| thing.protocol == 17 && thing.port == 123 && !thing.is_in;
    let names = gathered.things.keys().filter(asks).filter(|thing| matches!(thing.who, Who::Name(_))).count();
    let unnamed = gathered.things.keys().filter(asks).any(|thing| thing.who == Who::Role(Role::Ntp));
    unnamed || names >= CLOCKS
}

/// Which names are one: by protocol and port, names whose digits alone differ; and names with digits that come and go from capture to
/// capture, where the next capture will bring another.
fn names(gathered: &Gathered) -> BTreeMap<Box<str>, Box<str>> {
    let mut alike: BTreeMap<String, BTreeSet<Box<str>>> = BTreeMap::new();
    let mut captures: BTreeMap<Box<str>, BTreeSet<u32>> = BTreeMap::new();
    for (thing, seen) in &gathered.things {
        if let Who::Name(name) = &thing.who {
            alike.entry(pattern::digits(name)).or_default().insert(name.clone());
            captures.entry(name.clone()).or_default().extend(&seen.captures);
        }
    }
    let mut general = BTreeMap::new();
    for (digits, names) in alike {
        let comes_and_goes = |name: &str| captures[name].len() * 2 < gathered.captures as usize;
        if names.len() >= 2
            || names.iter().any(|name| gathered.captures >= 3 && comes_and_goes(name) && **name != *digits)
        {
            general.extend(names.into_iter().map(|name| (name, digits.clone().into())));
        }
    }
    general
}

/// Which unnamed addresses are one: by protocol and port, three or more in one network of an operator's usual smallest size (/24, /64).
fn nets(gathered: &Gathered) -> BTreeMap<(u8, u16, IpAddr), IpNet> {
    let mut alike: BTreeMap<(u8, u16, IpNet), BTreeSet<IpAddr>> = BTreeMap::new();
    for thing in gathered.things.keys() {
        if let Who::Far(ip) = thing.who
            && let Some(net) = around(ip)
        {
            alike.entry((thing.protocol, thing.port, net)).or_default().insert(ip);
        }
    }
    let many = alike.into_iter().filter(|(_, ips)| ips.len() >= ADDRESSES);
    many.flat_map(|((protocol, port, net), ips)| ips.into_iter().map(move |ip| ((protocol, port, ip), net))).collect()
}

fn around(ip: IpAddr) -> Option<IpNet> {
    IpNet::new(ip, if ip.is_ipv4() { 24 } else { 64 }).ok().map(|net| net.trunc())
}

fn peer(
    thing: &Thing,
    many_clocks: bool,
    names: &BTreeMap<Box<str>, Box<str>>,
    nets: &BTreeMap<(u8, u16, IpAddr), IpNet>,
) -> (Peer, Option<String>) {
    let is_clock = thing.protocol == 17 && thing.port == 123 && !thing.is_in;
    match &thing.who {
        Who::Name(name) if is_clock && many_clocks => (Peer::Role(Role::Ntp), Some(format!("among others {name}"))),
        Who::Name(name) => match names.get(name) {
            Some(general) => {
                (Peer::Name(general.clone()), Some(format!("from {name}")).filter(|_| **name != **general))
            }
            None => (Peer::Name(name.clone()), None),
        },
        Who::Role(role) => (Peer::Role(*role), None),
        Who::Far(ip) => match nets.get(&(thing.protocol, thing.port, *ip)) {
            Some(net) => (Peer::Net(*net), Some(format!("from {ip}; no name led there"))),
            None => (Peer::Net(IpNet::from(*ip)), Some("no name led there".to_owned())),
        },
        Who::Near(ip) => (Peer::Role(Role::Controller), Some(format!("from {ip}, on the site"))),
        Who::Model(model) => (Peer::Model(model.clone()), None),
        Who::SameModel => (Peer::Role(Role::SameModel), None),
    }
}

fn words(thing: &Thing) -> String {
    let who = match &thing.who {
        Who::Name(name) => name.to_string(),
        Who::Role(role) => format!("{role:?}").to_lowercase(),
        Who::Far(ip) | Who::Near(ip) => ip.to_string(),
        Who::Model(model) => format!("model {model}"),
        Who::SameModel => "the same model".to_owned(),
    };
    let way = if thing.is_in { "from" } else { "to" };
    format!("{} {} {way} {who}", Protocol(thing.protocol), thing.port)
}

/// What changed between two profiles of a model.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Allowed now, and was not.
    Added(Allow),
    /// Was allowed.
    Removed(Allow),
    /// The same peer, with other ports or more of it.
    Changed {
        /// As it was.
        from: Allow,
        /// As it is.
        to: Allow,
    },
}

/// From `old` to `new`, item by item; the order of items has no meaning.
pub fn difference(old: &NetworkProfile, new: &NetworkProfile) -> Vec<Change> {
    let key = |allow: &Allow| (allow.peer.clone(), allow.protocol, allow.begins == Direction::In, allow.ports.clone());
    let by_key = |profile: &NetworkProfile| -> BTreeMap<_, Allow> {
        profile.allow.iter().map(|allow| (key(allow), allow.clone())).collect()
    };
    let (before, after) = (by_key(old), by_key(new));
    let removed =
        before.iter().filter(|(key, _)| !after.contains_key(key)).map(|(_, allow)| Change::Removed(allow.clone()));
    let mut changes: Vec<Change> = removed.collect();
    for (key, to) in &after {
        match before.get(key) {
            None => changes.push(Change::Added(to.clone())),
            Some(from) if from.rate != to.rate => changes.push(Change::Changed { from: from.clone(), to: to.clone() }),
            Some(_) => {}
        }
    }
    changes
}
