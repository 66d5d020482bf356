//! A flow as one device lives it.

use fleetward_fleet::Direction;
use fleetward_packet::{Endpoint, Flow};

use crate::hosts::{HostId, Hosts};

/// A flow from the side of one device. A flow between two devices has two views.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The device.
    pub host: HostId,
    /// The other end's device, where it is one of ours.
    pub peer_host: Option<HostId>,
    /// Who began it, seen from the device.
    pub begins: Direction,
    /// The other end.
    pub peer: &'a Endpoint,
    /// Read the other way: who began is not certain, and it was the other side.
    pub is_turned: bool,
    /// The flow.
    pub flow: &'a Flow,
}

impl<'a> View<'a> {
    /// The views of a flow: none, one or two.
    pub fn of(flow: &'a Flow, hosts: &Hosts) -> impl Iterator<Item = Self> {
        let client = hosts.find(flow.client.mac, flow.client.ip);
        let server = hosts.find(flow.server.mac, flow.server.ip);
        let out = client.map(|host| Self {
            host,
            peer_host: server,
            begins: Direction::Out,
            is_turned: false,
            peer: &flow.server,
            flow,
        });
        let into = server.map(|host| Self {
            host,
            peer_host: client,
            begins: Direction::In,
            is_turned: false,
            peer: &flow.client,
            flow,
        });
        out.into_iter().chain(into)
    }

    /// The port of the side that was called.
    pub fn port(&self) -> u16 {
        if self.is_turned { self.flow.client.port } else { self.flow.server.port }
    }

    /// The same, read the other way, where who began is not certain: TCP whose beginning was missed, and UDP, which has none (what is
    /// sent from a port that listens may be an answer to a group).
    #[must_use]
    pub fn turned(&self) -> Option<Self> {
        let uncertain = match self.flow.protocol {
            6 => !self.flow.begun,
            17 => true,
            _ => false,
        };
        let begins = if self.begins == Direction::Out { Direction::In } else { Direction::Out };
        (uncertain && !self.is_turned).then_some(Self { begins, is_turned: true, ..*self })
    }

    /// The device's own end.
    pub fn own(&self) -> &'a Endpoint {
        if std::ptr::eq(self.peer, &raw const self.flow.server) { &self.flow.client } else { &self.flow.server }
    }

    /// Octets from the device, octets to it.
    pub fn bytes(&self) -> (u64, u64) {
        let [client, server] = self.flow.bytes;
        if (self.begins == Direction::Out) == self.is_turned { (server, client) } else { (client, server) }
    }
}
