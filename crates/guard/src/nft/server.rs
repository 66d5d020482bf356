//! In front of the services that a fleet talks to: limits for each source, and the fleet's own addresses first.
//!
//! Strangers share a budget, the fleet does not: a flood from outside cannot keep the fleet out, and one device that floods keeps out
//! nobody but itself. SYN cookies are the kernel's business (`net.ipv4.tcp_syncookies`, on by default).

use fleetward_fleet::Protocol;
use ipnet::IpNet;

use super::element::{Element, Elements, sets};
use super::log::Why;
use super::text::put;
use super::{Features, Probe, Table};

/// What is protected, and how much is plenty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shield {
    /// Ports of this machine.
    pub services: Vec<(Protocol, u16)>,
    /// Addresses and networks of the fleet, and of gateways that speak for it.
    pub fleet: Vec<IpNet>,
    /// New connections a second of one source of the fleet; the burst is twice that.
    pub fleet_per_second: u32,
    /// Connections of one source of the fleet at once.
    pub fleet_connections: u32,
    /// The same for strangers.
    pub stranger_per_second: u32,
    /// The same for strangers.
    pub stranger_connections: u32,
    /// New connections a second of all strangers together.
    pub strangers_per_second: u32,
}

impl Default for Shield {
    fn default() -> Self {
        Self {
            services: Vec::new(),
            fleet: Vec::new(),
            fleet_per_second: 50,
            fleet_connections: 400,
            stranger_per_second: 5,
            stranger_connections: 20,
            strangers_per_second: 500,
        }
    }
}

/// The text for `nft -f -`: one transaction.
pub fn ruleset(shield: &Shield, features: &Features) -> String {
    let words = Table::Server.words();
    let mut elements = Elements::new();
    let services = shield.services.iter().map(|(protocol, port)| Element::Service(*protocol, *port));
    elements.insert(sets::SERVICES, services.collect());
    // The widest networks only: an interval set takes no overlaps.
    for net in IpNet::aggregate(&shield.fleet) {
        let set = if net.addr().is_ipv4() { sets::FLEET4 } else { sets::FLEET6 };
        elements.entry(set).or_default().insert(Element::Net(net));
    }
    let mut text = format!("table {words}\ndelete table {words}\n\ntable {words} {{\n");
    for set in [sets::SERVICES, sets::FLEET4, sets::FLEET6] {
        super::text::declare(&mut text, set, &elements);
    }
    let counts = features.has(Probe::ConnectionLimit);
    for who in ["fleet", "stranger"] {
        for (version, kind) in [("4", "type ipv4_addr"), ("6", "type ipv6_addr")] {
            put(
                &mut text,
                format_args!(
                    "  set {who}_rate{version} {{\n    {kind}\n    flags dynamic, timeout\n    timeout 1m\n    size 65536\n  }}\n"
                ),
            );
            if counts {
                put(
                    &mut text,
                    format_args!(
                        "  set {who}_conns{version} {{\n    {kind}\n    flags dynamic\n    size 65536\n  }}\n"
                    ),
                );
            }
        }
    }
    for counter in ["no_syn", "fleet_flooding", "stranger_flooding", "strangers_over"] {
        put(&mut text, format_args!("  counter {counter} {{\n  }}\n"));
    }
    for counter in ["fleet_flooding", "stranger_flooding", "strangers_over"] {
        let tell = super::text::tell(features, Why::Server);
        put(&mut text, format_args!("  chain {counter} {{\n    counter name {counter}\n{tell}    drop\n  }}\n"));
    }
    text.push_str(&source("fleet", shield.fleet_per_second, shield.fleet_connections, counts, ""));
    let together = shield.strangers_per_second;
    let budget = format!("    limit rate over {together}/second burst {} packets goto strangers_over\n", together * 2);
    text.push_str(&source("stranger", shield.stranger_per_second, shield.stranger_connections, counts, &budget));
    text.push_str(INPUT);
    text.push_str("}\n");
    text
}

/// IPv6 sources are counted by their /64: one machine has all of it (RFC 4291 §2.5.4).
fn source(who: &str, rate: u32, connections: u32, counts: bool, end: &str) -> String {
    let mut text = format!("  chain {who} {{\n");
    for (version, key) in [("4", "ip saddr"), ("6", "ip6 saddr & ffff:ffff:ffff:ffff::")] {
        put(
            &mut text,
            format_args!(
                "    update @{who}_rate{version} {{ {key} limit rate over {rate}/second burst {} packets }} goto {who}_flooding\n",
                rate * 2
            ),
        );
        if counts {
            put(
                &mut text,
                format_args!(
                    "    add @{who}_conns{version} {{ {key} ct count over {connections} }} goto {who}_flooding\n"
                ),
            );
        }
    }
    text.push_str(end);
    text.push_str("    accept\n  }\n");
    text
}

const INPUT: &str = "  chain service {
    ct state established,related accept
    tcp flags & (fin | syn | rst | ack) != syn counter name no_syn drop
    ip saddr @fleet4 goto fleet
    ip6 saddr @fleet6 goto fleet
    goto stranger
  }
  chain input {
    type filter hook input priority filter - 6; policy accept;
    iif lo accept
    meta l4proto . th dport @services goto service
  }
";
