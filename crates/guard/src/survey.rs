//! Who is who, where nobody said it: routers and local networks told from a first pass over packets.
//!
//! What is stated in configuration wins; this is for captures that arrive without a word.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fleetward_fleet::Mac;
use fleetward_packet::{Endpoint, Event, NeighbourDoes, Sink, Told};
use ipnet::{IpNet, Ipv4Net};

use crate::hosts::Hosts;

/// Hardware addresses that are remembered; a site has fewer.
const MAX_MACS: usize = 65_536;
/// Addresses behind one hardware address that are remembered; more prove nothing more.
const MAX_BEHIND: usize = 16;

/// What packets tell of the site.
#[derive(Debug, Default)]
pub struct Survey {
    behind: BTreeMap<Mac, BTreeSet<IpAddr>>,
    /// What each said that it holds (ARP, neighbour discovery).
    claims: BTreeMap<Mac, BTreeSet<IpAddr>>,
    resolvers: BTreeSet<IpAddr>,
    clocks: BTreeSet<IpAddr>,
    routers: BTreeSet<IpAddr>,
}

impl Survey {
    /// Hardware addresses that sent, and the addresses behind each (at most 16).
    pub fn macs(&self) -> impl Iterator<Item = (Mac, &BTreeSet<IpAddr>)> {
        self.behind.iter().map(|(mac, ips)| (*mac, ips))
    }

    /// What each hardware address said that it holds (ARP, neighbour discovery); a packet that it sends with another address is somebody
    /// else's, which it forwards.
    pub fn claimed(&self, mac: Mac) -> Option<&BTreeSet<IpAddr>> {
        self.claims.get(&mac)
    }

    /// Fills in what `hosts` does not state yet: a hardware address with public addresses behind it is a router, where these are not of a
    /// network that is stated as local; the private networks (/24) and link-local addresses of the others are local; resolvers and clocks are
    /// those that DHCP gave out.
    pub fn complete(&self, hosts: &mut Hosts) {
        // A device that is known is no router, whatever it forwards while it is set up.
        let known: BTreeSet<Mac> = self.behind.keys().filter(|mac| hosts.knows(**mac)).copied().collect();
        let stated = hosts.local.clone();
        let is_abroad = |ip: &IpAddr| is_public(*ip) && !stated.iter().any(|net| net.contains(ip));
        let is_router = |mac: &Mac, ips: &BTreeSet<IpAddr>| !known.contains(mac) && ips.iter().any(is_abroad);
        if hosts.routers.is_empty() {
            let by_traffic = self.behind.iter().filter(|(mac, ips)| is_router(mac, ips)).map(|(mac, _)| *mac);
            let by_dhcp = self.behind.iter().filter(|(_, ips)| ips.iter().any(|ip| self.routers.contains(ip)));
            let routers: BTreeSet<Mac> = by_traffic.chain(by_dhcp.map(|(mac, _)| *mac)).collect();
            hosts.routers = routers.into_iter().collect();
        }
        if hosts.local.is_empty() {
            let own = self
                .behind
                .iter()
                .filter(|(mac, ips)| !is_router(mac, ips))
                .flat_map(|(_, ips)| ips)
                .chain(self.claims.values().flatten());
            let nets: BTreeSet<IpNet> = own.filter_map(|ip| local_net(*ip)).collect();
            hosts.local = nets.into_iter().collect();
        }
        if hosts.resolvers.is_empty() {
            hosts.resolvers = self.resolvers.iter().copied().collect();
        }
        if hosts.clocks.is_empty() {
            hosts.clocks = self.clocks.iter().copied().collect();
        }
    }

    fn saw(&mut self, end: &Endpoint) {
        if end.mac.is_group() || end.mac.is_unknown() || end.ip.is_unspecified() || end.ip.is_multicast() {
            return;
        }
        if self.behind.len() >= MAX_MACS && !self.behind.contains_key(&end.mac) {
            return;
        }
        let ips = self.behind.entry(end.mac).or_default();
        if ips.len() < MAX_BEHIND {
            ips.insert(end.ip);
        }
    }
}

impl Sink for Survey {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Closed(flow) => {
                if flow.packets[0] > 0 {
                    self.saw(&flow.client);
                }
                if flow.packets[1] > 0 {
                    self.saw(&flow.server);
                }
            }
            Event::Neighbour(neighbour)
                if neighbour.does == NeighbourDoes::Claims
                    && neighbour.mac == neighbour.sender
                    && self.claims.len() < MAX_MACS =>
            {
                let claims = self.claims.entry(neighbour.mac).or_default();
                if claims.len() < MAX_BEHIND {
                    claims.insert(neighbour.ip);
                }
            }
            Event::Told(_, Told::Lease { routers, resolvers, clocks, .. }) => {
                self.routers.extend(routers);
                self.resolvers.extend(resolvers);
                self.clocks.extend(clocks);
            }
            _ => {}
        }
    }
}

/// An address of the Internet, as far as its number tells.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
                || ip.is_unspecified()
                || shared)
        }
        IpAddr::V6(ip) => ip.segments()[0] & 0xe000 == 0x2000,
    }
}

fn local_net(ip: IpAddr) -> Option<IpNet> {
    let IpAddr::V4(ip) = ip else { return None };
    let is_own = ip.is_private();
    let net = Ipv4Net::new(ip, 24).ok().filter(|_| is_own)?;
    Some(IpNet::V4(net.trunc()))
}
