//! What a peer is to the network, told by packets alone.

use std::net::IpAddr;

use fleetward_fleet::{Direction, Role};

use crate::hosts::Hosts;
use crate::view::View;

const ICMP: u8 = 1;
const IGMP: u8 = 2;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// What every device with an address does, whatever it is: it gets an address, finds its router, joins groups, asks the given resolver
/// for names, and says where a packet could not go. Roles are checked: an answer of DHCP comes from the gateway's side, a resolver is the
/// given one.
pub fn is_housekeeping(view: &View<'_>, hosts: &Hosts) -> bool {
    let peer = view.peer.ip;
    match view.flow.protocol {
        IGMP => is_group(peer) || hosts.is_gateway(view.peer),
        // Errors about other traffic: unreachable, too long, time exceeded.
        // It answers who on the site asks whether it lives.
        ICMP if view.begins == Direction::In && view.port() >> 8 == 8 => hosts.is_local(peer),
        ICMP => matches!(view.port() >> 8, 3 | 11 | 12),
        // Errors, multicast listeners, router and neighbour discovery (RFC 4890 §4.4).
        ICMPV6 => matches!(view.port() >> 8, 1..=4 | 130..=137 | 141..=143 | 148 | 149 | 151..=153),
        UDP => match view.port() {
            67 | 68 => is_dhcp_peer(view, hosts),
            547 | 546 => peer.is_multicast() || hosts.is_local(peer),
            53 => view.begins == Direction::Out && hosts.is_resolver(view.peer),
            _ => false,
        },
        TCP => view.port() == 53 && view.begins == Direction::Out && hosts.is_resolver(view.peer),
        _ => false,
    }
}

/// The role of the peer in this conversation, where it has one that follows from its address and port.
pub fn role(view: &View<'_>, hosts: &Hosts) -> Option<Role> {
    let peer = view.peer;
    if is_broadcast(peer.ip, hosts) || peer.mac == fleetward_fleet::Mac::BROADCAST {
        return Some(Role::Broadcast);
    }
    if is_link_group(peer.ip) {
        return Some(Role::LinkMulticast);
    }
    if view.flow.protocol == UDP && view.port() == 123 && view.begins == Direction::Out {
        return Some(Role::Ntp);
    }
    if view.port() == 53 && view.begins == Direction::Out && hosts.is_resolver(peer) {
        return Some(Role::Dns);
    }
    if hosts.is_gateway(peer) {
        return Some(Role::Gateway);
    }
    None
}

/// Groups that no router forwards, and the one of SSDP: RFC 5771 §4, RFC 4291 §2.7 (scopes of interface and link), UDA 2.0 §1.1.
pub fn is_link_group(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => matches!(ip.octets(), [224, 0, 0, _] | [239, 255, 255, 250]),
        IpAddr::V6(ip) => {
            ip.is_multicast() && matches!(ip.segments()[0] & 0xf, 1 | 2)
                || ip.segments() == [0xff05, 0, 0, 0, 0, 0, 0, 0xc]
        }
    }
}

fn is_group(ip: IpAddr) -> bool {
    ip.is_multicast()
}

/// 255.255.255.255, or the last address of a local network.
pub fn is_broadcast(ip: IpAddr, hosts: &Hosts) -> bool {
    let IpAddr::V4(v4) = ip else { return false };
    v4.is_broadcast()
        || hosts.local.iter().any(|net| match net {
            ipnet::IpNet::V4(net) => net.prefix_len() < 31 && net.broadcast() == v4,
            ipnet::IpNet::V6(_) => false,
        })
}

fn is_dhcp_peer(view: &View<'_>, hosts: &Hosts) -> bool {
    let peer = view.peer;
    is_broadcast(peer.ip, hosts) || peer.ip.is_unspecified() || hosts.is_gateway(peer) || hosts.is_resolver(peer)
}
