//! Learning from sums of conversations, as the journal keeps them.
//!
//! A sum has no ports of the device's own, no flags and no hardware addresses. So the router is told by its address (the first of its
//! network), and TCP that brought back no more than refusals do counts as refused. Of ICMP the journal does not say which kind; it is not
//! learnt from there.

use std::net::{IpAddr, Ipv4Addr};

use fleetward_fleet::{Direction, Mac, Timestamp};
use fleetward_packet::{Endpoint, Flow, Name, NameSource, TcpSeen, Time};

use super::Capture;
use super::support::Amount;
use crate::hosts::HostId;
use crate::view::View;

impl Capture<'_> {
    /// A sum of conversations of a device, at this time.
    pub fn sum(&mut self, host: HostId, sum: &fleetward_fleet::Flow, at: Timestamp) {
        let count = u64::from(sum.count.max(1));
        if sum.address.is_none() && sum.name.is_none() {
            // What was too much to be kept apart.
            self.learner.gathered.crowded += count;
            return;
        }
        let Some(flow) = flow(sum, count, at) else { return };
        let peer = if sum.direction == Direction::Out { &flow.server } else { &flow.client };
        let peer_host = self.hosts.find(peer.mac, peer.ip);
        let view = View { host, peer_host, begins: sum.direction, peer, is_turned: false, flow: &flow };
        if self.is_ours(&view) {
            self.learner.gathered.take(&view, self.hosts, Amount::Sum(count));
        }
    }
}

/// As one conversation; `None` where nothing can be learnt of it.
fn flow(sum: &fleetward_fleet::Flow, count: u64, at: Timestamp) -> Option<Flow> {
    let (protocol, port) = (sum.protocol?, sum.port.unwrap_or(0));
    if matches!(protocol, ICMP | ICMPV6) || matches!(protocol, TCP | UDP) && port == 0 {
        return None;
    }
    let end = |ip: Option<IpAddr>, port| Endpoint {
        ip: ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()).to_canonical(),
        port,
        mac: Mac::default(),
    };
    let is_out = sum.direction == Direction::Out;
    let (client, server) = if is_out { (None, sum.address) } else { (sum.address, None) };
    let bytes = if is_out { [sum.bytes_up, sum.bytes_down] } else { [sum.bytes_down, sum.bytes_up] };
    let is_answered = bytes[1] > if protocol == TCP { count.saturating_mul(REFUSAL) } else { 0 };
    let time = Time(at.0.saturating_mul(1_000_000));
    Some(Flow {
        id: 0,
        client: end(client, 0),
        server: end(server, port),
        protocol,
        vlan: 0,
        begun: true,
        first: time,
        last: time,
        packets: [u64::from(bytes[0] > 0), u64::from(is_answered)],
        bytes,
        tcp: TcpSeen::default(),
        name: sum.name.clone().map(|text| Name { text, source: NameSource::Dns }),
        application: None,
    })
}

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
/// Octets of an IPv6 packet with RST and no more.
const REFUSAL: u64 = 60;
