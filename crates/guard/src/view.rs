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
    /// The flow.
    pub flow: &'a Flow,
}

impl<'a> View<'a> {
    /// The views of a flow: none, one or two.
    pub fn of(flow: &'a Flow, hosts: &Hosts) -> impl Iterator<Item = Self> {
        let client = hosts.find(flow.client.mac, flow.client.ip);
        let server = hosts.find(flow.server.mac, flow.server.ip);
        let out = client.map(|host| Self { host, peer_host: server, begins: Direction::Out, peer: &flow.server, flow });
        let into = server.map(|host| Self { host, peer_host: client, begins: Direction::In, peer: &flow.client, flow });
        out.into_iter().chain(into)
    }

    /// The port of the side that was called.
    pub fn port(&self) -> u16 {
        self.flow.server.port
    }

    /// Octets from the device, octets to it.
    pub fn bytes(&self) -> (u64, u64) {
        let [client, server] = self.flow.bytes;
        if self.begins == Direction::Out { (client, server) } else { (server, client) }
    }
}
