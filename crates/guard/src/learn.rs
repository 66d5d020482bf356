//! Learns what a model needs of the network from what its devices did.
//!
//! Conversations are gathered by what they are *for* (peer, protocol, port, who began), over all captures and devices of the model; then
//! what varies without meaning is made general, and each item carries what speaks for it. See `docs/decisions` on generalising without
//! wildcards.
//!
//! # Invariants
//!
//! * **Nothing becomes everybody.** A peer is a name (or a pattern within its registrable domain), an address, a role or a model.
//! * **Some things are never learnt** (telnet, IRC, mail to strangers, searches), however often they are seen; they are listed instead.
//! * **Support is counted over captures, days and devices**, never over packets: a rare and vital thing counts like a frequent one.
//! * **No model is known by name.** All thresholds are about captures, addresses and ports.

mod gather;
mod general;
mod page;
mod refuse;
mod sums;
mod support;

use fleetward_fleet::{Allow, Learned, NetworkProfile, TlsShape};
use fleetward_packet::{Event, Sink, Told};

use crate::hosts::Hosts;
use crate::view::View;

use gather::Gathered;
use support::Amount;

pub use general::{Change, difference};
pub use page::{network_yaml, profile_yaml, support_words, words};

/// At most so many shapes of a `ClientHello` are kept for a model.
const MAX_SHAPES: usize = 16;
/// At most so many refused things are listed.
const MAX_REFUSED: usize = 32;

/// A learner of one model. Feed it the events of each capture, a capture at a time.
#[derive(Debug)]
pub struct Learner {
    model: Box<str>,
    gathered: Gathered,
    shapes: Vec<TlsShape>,
}

impl Learner {
    /// Of this model: of [`Hosts`], those that state it are learnt from.
    pub fn of(model: &str) -> Self {
        Self { model: model.into(), gathered: Gathered::default(), shapes: Vec::new() }
    }

    /// A sink for the events of one capture.
    pub fn capture<'a>(&'a mut self, hosts: &'a Hosts) -> Capture<'a> {
        self.gathered.next_capture();
        Capture { learner: self, hosts }
    }

    /// A sink for more of the capture before.
    pub fn same_capture<'a>(&'a mut self, hosts: &'a Hosts) -> Capture<'a> {
        Capture { learner: self, hosts }
    }

    /// What was learnt.
    pub fn profile(&self) -> NetworkProfile {
        let (allow, refused) = general::items(&self.gathered);
        let learned = self.gathered.outline().map(|outline| Learned {
            devices: outline.devices,
            captures: outline.captures,
            flows: outline.flows,
            from: outline.from,
            until: outline.until,
            refused: refused.into_iter().take(MAX_REFUSED).collect(),
        });
        NetworkProfile { learned, allow, tls: self.shapes.clone(), ..NetworkProfile::default() }
    }

    fn shape(&mut self, shape: &TlsShape) {
        if self.shapes.len() < MAX_SHAPES && !self.shapes.contains(shape) {
            self.shapes.push(shape.clone());
        }
    }
}

/// One capture on its way into a [`Learner`].
#[derive(Debug)]
pub struct Capture<'a> {
    learner: &'a mut Learner,
    hosts: &'a Hosts,
}

impl Capture<'_> {
    fn is_ours(&self, view: &View<'_>) -> bool {
        self.hosts.get(view.host).is_some_and(|host| host.model.as_deref() == Some(&*self.learner.model))
    }
}

impl Sink for Capture<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Closed(flow) => {
                for view in View::of(flow, self.hosts) {
                    if self.is_ours(&view) {
                        self.learner.gathered.take(&view, self.hosts, Amount::One);
                    }
                }
            }
            Event::Told(flow, Told::ClientHello(shape)) => {
                let mut views = View::of(flow, self.hosts);
                if views.any(|view| view.begins == fleetward_fleet::Direction::Out && self.is_ours(&view)) {
                    self.learner.shape(shape);
                }
            }
            _ => {}
        }
    }
}

/// Endpoints (address, protocol, port) that a profile lets a device begin a conversation with. A name counts for as many addresses as
/// `addresses` says it has (1 where nothing is known), a network for its size, a role for one.
pub fn reachable(allow: &[Allow], mut addresses: impl FnMut(&str) -> u64) -> u128 {
    let ports = |allow: &Allow| allow.ports.iter().map(|range| u128::from(range.size())).sum::<u128>().max(1);
    let out = allow.iter().filter(|allow| allow.begins == fleetward_fleet::Direction::Out);
    out.map(|allow| {
        let peers = match &allow.peer {
            fleetward_fleet::Peer::Name(name) => u128::from(addresses(name).max(1)),
            fleetward_fleet::Peer::Net(net) => 1 << (net.max_prefix_len() - net.prefix_len()).min(64),
            fleetward_fleet::Peer::Role(_) | fleetward_fleet::Peer::Model(_) => 1,
        };
        peers.saturating_mul(ports(allow))
    })
    .sum()
}
