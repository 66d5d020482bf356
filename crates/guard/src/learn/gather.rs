//! Conversations, gathered by what they are for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fleetward_fleet::{Direction, Peer, Role, Timestamp};

use crate::hosts::Hosts;
use crate::pattern;
use crate::roles;
use crate::view::View;

use super::support::{Amount, Seen};

/// Distinct things that are kept; what comes after is counted as refused for lack of room.
const MAX_THINGS: usize = 65_536;

const TCP: u8 = 6;
/// Ports that stacks pick for a caller begin here (Linux: 32768; RFC 6335 §6: 49152).
const PICKED: u16 = 32_768;

/// The other end, before anything is made general.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Name(Box<str>),
    Role(Role),
    /// Without a name, beyond the site.
    Far(IpAddr),
    /// Without a name, on the site.
    Near(IpAddr),
    /// A device of ours, by its model.
    Model(Box<str>),
    SameModel,
}

/// What a conversation is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Thing {
    pub(super) who: Who,
    pub(super) protocol: u8,
    pub(super) port: u16,
    pub(super) is_in: bool,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) things: BTreeMap<Thing, Seen>,
    /// Addresses behind each name.
    pub(super) addresses: BTreeMap<Box<str>, BTreeSet<IpAddr>>,
    pub(super) captures: u32,
    devices: BTreeSet<u32>,
    flows: u64,
    span: Option<(Timestamp, Timestamp)>,
    pub(super) crowded: u64,
}

/// What it was learnt from.
pub(super) struct Outline {
    pub(super) devices: u32,
    pub(super) captures: u32,
    pub(super) flows: u64,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

impl Gathered {
    pub(super) fn next_capture(&mut self) {
        self.captures += 1;
    }

    pub(super) fn outline(&self) -> Option<Outline> {
        let (from, until) = self.span?;
        let devices = u32::try_from(self.devices.len()).unwrap_or(u32::MAX);
        Some(Outline { devices, captures: self.captures, flows: self.flows, from, until })
    }

    pub(super) fn take(&mut self, view: &View<'_>, hosts: &Hosts, amount: Amount) {
        let (first, last) = (view.flow.first.timestamp(), view.flow.last.timestamp());
        self.flows += amount.flows();
        self.devices.insert(view.host.0);
        self.span = Some(self.span.map_or((first, last), |(from, until)| (from.min(first), until.max(last))));
        if roles::is_housekeeping(view, hosts) {
            return;
        }
        let view = &caller_by_port(view, hosts).unwrap_or(*view);
        let thing = thing(view, hosts);
        if let Who::Name(name) = &thing.who
            && !view.peer.ip.is_unspecified()
        {
            self.addresses.entry(name.clone()).or_default().insert(view.peer.ip);
        }
        if self.things.len() >= MAX_THINGS && !self.things.contains_key(&thing) {
            self.crowded += amount.flows();
            return;
        }
        self.things.entry(thing).or_insert_with(|| Seen::new(first)).add(view, self.captures, amount);
    }
}

/// A connection whose beginning was missed, read the other way where the ports say who called: the device's own is one that stacks pick
/// (RFC 6056 §3.2), the stranger's is one that stands still.
fn caller_by_port<'a>(view: &View<'a>, hosts: &Hosts) -> Option<View<'a>> {
    let (own, peer) = (view.own().port, view.peer.port);
    let is_missed = view.flow.protocol == TCP && !view.flow.begun && view.begins == Direction::In;
    let is_caller = own >= PICKED && peer < PICKED && !hosts.is_local(view.peer.ip);
    (is_missed && is_caller).then(|| view.turned()).flatten()
}

fn thing(view: &View<'_>, hosts: &Hosts) -> Thing {
    let is_in = view.begins == Direction::In;
    Thing { who: who(view, hosts), protocol: view.flow.protocol, port: view.port(), is_in }
}

fn who(view: &View<'_>, hosts: &Hosts) -> Who {
    if let Some(peer) = view.peer_host {
        let model = |host| hosts.get(host).and_then(|host| host.model.clone());
        return match model(peer) {
            Some(other) if Some(&other) != model(view.host).as_ref() => Who::Model(other),
            _ => Who::SameModel,
        };
    }
    let name = view.flow.name.as_ref().filter(|_| view.begins == Direction::Out);
    match (roles::role(view, hosts), name) {
        // A clock by a name of its own is known better by the name.
        (Some(Role::Ntp) | None, Some(name)) if is_plain(&name.text) => Who::Name(name.text.clone()),
        (Some(role), _) => Who::Role(role),
        (None, _) if hosts.is_local(view.peer.ip) => Who::Near(view.peer.ip),
        (None, _) => Who::Far(view.peer.ip),
    }
}

/// A name that means one host. The device chose it (SNI, Host), so one with a wildcard in it must not become a pattern.
fn is_plain(name: &str) -> bool {
    name.parse::<IpAddr>().is_err() && !pattern::is_pattern(name) && Peer::name(name).is_ok()
}
