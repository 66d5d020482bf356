//! Who is who on the network: which address belongs to which device, and what it is to the others.

use std::net::IpAddr;

use fleetward_fleet::Mac;
use fleetward_packet::Endpoint;
use hashbrown::HashMap;
use ipnet::IpNet;

/// A device as packets show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name in the inventory, or its hardware address.
    pub name: Box<str>,
    /// Its model, where the inventory (or the command line) says one.
    pub model: Option<Box<str>>,
}

/// Index into [`Hosts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(pub u32);

/// Devices by hardware address and by address, and the parts that addresses play.
#[derive(Debug, Default, Clone)]
pub struct Hosts {
    known: Vec<Host>,
    by_mac: HashMap<Mac, HostId>,
    by_ip: HashMap<IpAddr, HostId>,
    /// Networks in which the devices themselves live: a peer inside them is local.
    pub local: Vec<IpNet>,
    /// Hardware addresses of routers: an address behind one is not the router's own.
    pub routers: Vec<Mac>,
    /// Resolvers that devices were given; empty: the routers.
    pub resolvers: Vec<IpAddr>,
    /// Time servers that devices were given.
    pub clocks: Vec<IpAddr>,
}

impl Hosts {
    /// Adds a device, known by any of these.
    pub fn add(&mut self, host: Host, macs: &[Mac], ips: &[IpAddr]) -> HostId {
        let id = HostId(u32::try_from(self.known.len()).unwrap_or(u32::MAX));
        self.known.push(host);
        self.by_mac.extend(macs.iter().map(|mac| (*mac, id)));
        self.by_ip.extend(ips.iter().map(|ip| (ip.to_canonical(), id)));
        id
    }

    /// What is known of it.
    pub fn get(&self, id: HostId) -> Option<&Host> {
        self.known.get(id.0 as usize)
    }

    /// The device at this end: by its hardware address (unless it is a router's), else by its address.
    pub fn find(&self, mac: Mac, ip: IpAddr) -> Option<HostId> {
        self.by_mac.get(&mac).or_else(|| self.by_ip.get(&ip)).copied()
    }

    /// A device has this hardware address.
    pub fn knows(&self, mac: Mac) -> bool {
        self.by_mac.contains_key(&mac)
    }

    /// The devices, in order of their numbers.
    pub fn all(&self) -> impl Iterator<Item = (HostId, &Host)> {
        (0..).map(HostId).zip(&self.known)
    }

    /// The router itself is at this end: its hardware address with an address of the devices' own networks, or where nothing is known of
    /// either, the first address of such a network.
    pub fn is_gateway(&self, end: &Endpoint) -> bool {
        if self.routers.is_empty() {
            self.is_first(end.ip)
        } else {
            self.routers.contains(&end.mac) && self.is_local(end.ip)
        }
    }

    /// A resolver that devices were given; where none is stated, the router.
    pub fn is_resolver(&self, end: &Endpoint) -> bool {
        if self.resolvers.is_empty() { self.is_gateway(end) } else { self.resolvers.contains(&end.ip) }
    }

    fn is_first(&self, ip: IpAddr) -> bool {
        self.local.iter().any(|net| match (net, ip) {
            // Of a network of two addresses or one (RFC 3021), and of IPv6, the first is one like any other.
            (IpNet::V4(net), IpAddr::V4(ip)) => {
                u32::from(net.network()) + u32::from(net.prefix_len() < 31) == u32::from(ip)
            }
            (IpNet::V6(net), IpAddr::V6(ip)) => net.network() == ip,
            _ => false,
        })
    }

    /// The address is on the devices' own networks, or link-local.
    pub fn is_local(&self, ip: IpAddr) -> bool {
        let link_local = match ip {
            IpAddr::V4(ip) => ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_unicast_link_local(),
        };
        link_local || self.local.iter().any(|net| net.contains(&ip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_is_the_first_that_a_host_may_have() {
        for net in [
            "10.0.0.0/8",
            "192.168.1.128/25",
            "192.0.2.4/30",
            "192.0.2.4/31",
            "192.0.2.4/32",
            "0.0.0.0/0",
            "2001:db8::/64",
        ] {
            let net: IpNet = net.parse().expect("a network");
            let hosts = Hosts { local: vec![net], ..Hosts::default() };
            let first = net.hosts().next().expect("an address");
            assert!(hosts.is_first(first), "{net}");
            let another: IpAddr = "10.0.0.2".parse().expect("an address");
            assert!(!hosts.is_first(another), "{net}");
        }
    }
}
