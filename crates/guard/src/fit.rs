//! Does what a device does fit its model's profile? The profile, compiled for asking often.
//!
//! # Invariants
//!
//! * **A name decides where there is one.** An address is taken for a name's only because this device had resolved it, or named it in
//!   its first words (SNI, Host); a shared address of another name does not fit.
//! * **The direction counts.** What a device may begin, others may not begin with it.
//! * **Nothing is allocated for an answer.**

use std::collections::HashMap;
use std::net::IpAddr;

use fleetward_fleet::{Allow, Direction, NetworkProfile, Peer, PortRange, Role};
use ipnet::IpNet;

use crate::hosts::Hosts;
use crate::pattern;
use crate::roles;
use crate::view::View;

/// How a conversation stands to a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Allowed, by this item of `allow`.
    Fits(usize),
    /// What every device with an address does ([`roles::is_housekeeping`]).
    Housekeeping,
    /// Not allowed.
    Misses(Miss),
}

/// In which way it is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Miss {
    /// The profile does not know the peer.
    Peer,
    /// The profile knows the peer, on other ports, protocols or in the other direction.
    Port,
    /// A part (resolver, clock, gateway, server of addresses) is played by somebody else.
    Role,
    /// The peer is a device of ours.
    Lateral,
}

/// A profile, compiled.
#[derive(Debug, Default, Clone)]
pub struct Fit {
    allow: Vec<Item>,
    names: HashMap<Box<str>, Vec<usize>>,
    patterns: Vec<(Box<str>, usize)>,
    nets: Vec<(IpNet, usize)>,
    roles: Vec<(Role, usize)>,
    models: Vec<(Box<str>, usize)>,
    /// Where names were while they were learnt.
    addresses: HashMap<IpAddr, Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Item {
    protocol: u8,
    ports: Vec<PortRange>,
    begins: Direction,
}

impl Fit {
    /// Compiles the network part of a profile.
    pub fn new(profile: &NetworkProfile) -> Self {
        let mut fit = Self::default();
        for (at, allow) in profile.allow.iter().enumerate() {
            fit.allow.push(Item { protocol: allow.protocol.0, ports: allow.ports.clone(), begins: allow.begins });
            fit.add(allow, at);
        }
        fit
    }

    fn add(&mut self, allow: &Allow, at: usize) {
        for ip in allow.support.iter().flat_map(|support| &support.addresses) {
            self.addresses.entry(*ip).or_default().push(at);
        }
        match &allow.peer {
            Peer::Name(name) if pattern::is_pattern(name) => self.patterns.push((name.clone(), at)),
            Peer::Name(name) => self.names.entry(name.clone()).or_default().push(at),
            Peer::Net(net) => self.nets.push((*net, at)),
            Peer::Role(role) => self.roles.push((*role, at)),
            Peer::Model(model) => self.models.push((model.clone(), at)),
        }
    }

    /// How this conversation stands; where who began is not certain, the reading that fits counts.
    pub fn judge(&self, view: &View<'_>, hosts: &Hosts) -> Verdict {
        let verdict = self.judge_one_way(view, hosts);
        if !matches!(verdict, Verdict::Misses(_)) {
            return verdict;
        }
        let turned = view.turned().map(|turned| self.judge_one_way(&turned, hosts));
        turned.filter(|turned| !matches!(turned, Verdict::Misses(_))).unwrap_or(verdict)
    }

    fn judge_one_way(&self, view: &View<'_>, hosts: &Hosts) -> Verdict {
        if roles::is_housekeeping(view, hosts) {
            return Verdict::Housekeeping;
        }
        let mut knows_peer = false;
        let mut fits = |at: usize| {
            knows_peer = true;
            self.allow[at].takes(view).then_some(at)
        };
        if let Some(at) = self.candidates(view, hosts).find_map(&mut fits) {
            return Verdict::Fits(at);
        }
        Verdict::Misses(match () {
            () if knows_peer => Miss::Port,
            () if view.peer_host.is_some() => Miss::Lateral,
            () if is_role_of_another(view) => Miss::Role,
            () => Miss::Peer,
        })
    }

    /// Items whose peer this is.
    fn candidates<'a>(&'a self, view: &'a View<'_>, hosts: &'a Hosts) -> impl Iterator<Item = usize> + 'a {
        let name = if view.begins == Direction::Out && !view.is_turned {
            view.flow.name.as_ref().map(|name| &*name.text)
        } else {
            None
        };
        let exact = name.and_then(|name| self.names.get(name)).into_iter().flatten().copied();
        let patterns = self.patterns.iter().filter(move |(it, _)| name.is_some_and(|name| pattern::matches(it, name)));
        let ip = view.peer.ip;
        // Without a name, by where the names were.
        let known = if view.flow.name.is_none() || view.is_turned { self.addresses.get(&ip) } else { None };
        let nets = self.nets.iter().filter(move |(net, _)| net.contains(&ip));
        let mut part = None;
        let mut part = move || *part.get_or_insert_with(|| roles::role(view, hosts));
        let roles = self.roles.iter().filter(move |(role, _)| plays(*role, view, hosts, &mut part));
        let model = view.peer_host.and_then(|peer| hosts.get(peer)).and_then(|peer| peer.model.as_deref());
        let models = self.models.iter().filter(move |(it, _)| model == Some(&**it));
        exact
            .chain(known.into_iter().flatten().copied())
            .chain(patterns.map(|(_, at)| *at))
            .chain(nets.map(|(_, at)| *at))
            .chain(roles.map(|(_, at)| *at))
            .chain(models.map(|(_, at)| *at))
    }
}

impl Item {
    fn takes(&self, view: &View<'_>) -> bool {
        self.protocol == view.flow.protocol
            && self.begins == view.begins
            && (self.ports.is_empty() || self.ports.iter().any(|range| range.contains(view.port())))
    }
}

/// The peer plays this part in this conversation.
fn plays(role: Role, view: &View<'_>, hosts: &Hosts, mut part: impl FnMut() -> Option<Role>) -> bool {
    match role {
        Role::Controller => {
            let ip = view.peer.ip;
            view.peer_host.is_none() && hosts.is_local(ip) && matches!(part(), None | Some(Role::Gateway))
        }
        Role::SameModel => {
            let model = |host| hosts.get(host).and_then(|host| host.model.as_deref());
            view.peer_host.is_some_and(|peer| model(peer).is_some() && model(peer) == model(view.host))
        }
        Role::Dhcp => hosts.is_gateway(view.peer) || roles::is_broadcast(view.peer.ip, hosts),
        Role::Dns => hosts.is_resolver(view.peer),
        Role::Ntp | Role::Gateway | Role::Broadcast | Role::LinkMulticast => part() == Some(role),
    }
}

/// A resolver, clock or server of addresses that is not the given one.
fn is_role_of_another(view: &View<'_>) -> bool {
    view.begins == Direction::Out
        && matches!((view.flow.protocol, view.port()), (17, 53 | 67 | 123 | 853) | (6, 53 | 853))
}
