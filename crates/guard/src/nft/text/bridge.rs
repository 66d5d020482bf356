//! `table bridge fleetward`: between devices on one link, and who may claim what there.

use super::super::element::sets;
use super::{
    Elements, Features, OnBreach, Probe, Set, Site, Table, Unknown, Why, breach, counters, declare, interfaces, tell,
};

pub(super) fn table(site: &Site, features: &Features, elements: &Elements) -> String {
    let mut text = format!("table {} {{\n", Table::Bridge.words());
    text.push_str(&interfaces("ports", &site.ports));
    for set in SETS {
        declare(&mut text, set, elements);
    }
    text.push_str(&counters(&[
        "arp_spoofed",
        "ip_spoofed",
        "nd_spoofed",
        "rogue_dhcp",
        "rogue_router",
        "denied",
        "audited",
        "unknown",
        "cut",
    ]));
    text.push('\n');
    if site.spoofing != OnBreach::Off {
        for name in ["arp_spoofed", "ip_spoofed", "nd_spoofed", "rogue_dhcp", "rogue_router"] {
            text.push_str(&breach(features, name, Why::Spoofed, site.spoofing));
        }
    }
    text.push_str(&ends(site, features));
    text.push_str(&prerouting(site));
    text.push_str(
        "  chain forward {\n    type filter hook forward priority filter - 5; policy accept;\n    iifname @ports oifname @ports goto lateral\n  }\n",
    );
    text.push_str(&lateral(features));
    text.push_str("}\n");
    text
}

fn ends(site: &Site, features: &Features) -> String {
    let unknown = if site.unknown == Unknown::Drop { "drop" } else { "accept" };
    let chain = |name: &str, counter: &str, why: Why, end: &str| {
        format!("  chain {name} {{\n    counter name {counter}\n{}    {end}\n  }}\n", tell(features, why))
    };
    chain("enforce", "denied", Why::Lateral, "drop")
        + &chain("audit", "audited", Why::LateralAudited, "accept")
        + &chain("unknown_device", "unknown", Why::Unknown, unknown)
}

fn prerouting(site: &Site) -> String {
    let mut text = String::from(
        "  chain prerouting {\n    type filter hook prerouting priority -300; policy accept;\n    iifname != @ports accept\n    ether saddr @quarantine counter name cut drop\n",
    );
    if site.spoofing == OnBreach::Off {
        return text + "  }\n";
    }
    text.push_str(CLAIMS);
    let strict = if site.strict4 { "ether saddr . " } else { "" };
    if site.strict4 {
        text.push_str("    ether saddr . arp saddr ip != @bind4 jump arp_spoofed\n");
    } else {
        text.push_str("    arp saddr ip @taken4 ether saddr . arp saddr ip != @bind4 jump arp_spoofed\n");
    }
    text.push_str("    arp saddr ip @taken4 arp saddr ether . arp saddr ip != @bind4 jump arp_spoofed\n  }\n  chain claims4 {\n    ip saddr 0.0.0.0 return\n");
    text.push_str(if strict.is_empty() {
        "    ip saddr @taken4 ether saddr . ip saddr != @bind4 jump ip_spoofed\n"
    } else {
        "    ether saddr . ip saddr != @bind4 jump ip_spoofed\n"
    });
    text.push_str("    udp sport 67 jump rogue_dhcp\n  }\n  chain claims6 {\n");
    if site.strict6 {
        text.push_str("    ip6 saddr != { ::, fe80::/10 } ether saddr . ip6 saddr != @bind6 jump ip_spoofed\n");
    }
    text.push_str(NEIGHBOURS);
    text
}

/// Without conntrack for bridges a reply is told by its source port and, for TCP, by not being a first SYN. What that cannot tell: a
/// UDP packet that a called device sends first, from the very port it may be called on, to one that may call it.
fn lateral(features: &Features) -> String {
    let stateful = features.has(Probe::BridgeConntrack);
    let mut text = String::from(
        "  chain lateral {\n    ether daddr @quarantine counter name cut drop\n    ether type arp accept\n    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n    udp dport { 67, 547 } drop\n",
    );
    if stateful {
        text.push_str("    ct state established,related accept\n");
    }
    text.push_str(CALLS);
    if !stateful {
        text.push_str("    meta mark . ether daddr . meta l4proto . th sport @lateral_in jump reply\n    meta mark . ether daddr . meta l4proto . th sport @lateral_in_span jump reply\n");
    }
    text.push_str(CALLED);
    if !stateful {
        text.push_str(REPLIES);
    }
    text.push_str(REST);
    text
}

const SETS: [Set; 16] = [
    sets::BRIDGE_PROFILE,
    sets::BRIDGE_BIND4,
    sets::BRIDGE_TAKEN4,
    sets::BRIDGE_BIND6,
    sets::BRIDGE_TAKEN6,
    sets::BRIDGE_ND,
    sets::BRIDGE_ND_TAKEN,
    sets::LATERAL,
    sets::LATERAL_SPAN,
    sets::LATERAL_ANY,
    sets::LATERAL_IN,
    sets::LATERAL_IN_SPAN,
    sets::BRIDGE_BROADCAST,
    sets::BRIDGE_MULTICAST,
    sets::BRIDGE_MODE,
    sets::BRIDGE_QUARANTINE,
];

/// A probe (RFC 5227 §2.1.1) claims nothing yet.
const CLAIMS: &str = "    ether type arp jump claims_arp
    ether type ip jump claims4
    ether type ip6 jump claims6
  }
  chain claims_arp {
    arp saddr ip 0.0.0.0 return
";

/// The target of an advertisement stands 8 octets into it (RFC 4861 §4.4).
const NEIGHBOURS: &str = "    ip6 saddr @taken6 ether saddr . ip6 saddr != @bind6 jump ip_spoofed
    icmpv6 type { nd-router-advert, nd-redirect } jump rogue_router
    icmpv6 type nd-neighbor-advert @th,64,128 @nd_taken @th,64,128 . ether saddr != @bind_nd jump nd_spoofed
    udp sport 547 jump rogue_dhcp
  }
";

const CALLS: &str = "    meta mark set 0
    meta mark set ether saddr map @profile
    ether daddr ff:ff:ff:ff:ff:ff meta mark . meta l4proto . th dport @broadcast accept
    ether daddr ff:ff:ff:ff:ff:ff goto rest
    ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 meta mark . meta l4proto . th dport @multicast accept
    ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 meta l4proto { igmp, ipv6-icmp } accept
    ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 goto rest
    meta mark . ether daddr . meta l4proto . th dport @lateral accept
    meta mark . ether daddr . meta l4proto . th dport @lateral_span accept
    meta mark . ether daddr . meta l4proto @lateral_any accept
";

const CALLED: &str = "    meta mark set 0
    meta mark set ether daddr map @profile
    meta mark . ether saddr . meta l4proto . th dport @lateral_in accept
    meta mark . ether saddr . meta l4proto . th dport @lateral_in_span accept
";

const REPLIES: &str = "    meta mark . ether saddr . meta l4proto . th sport @lateral jump reply
    meta mark . ether saddr . meta l4proto . th sport @lateral_span jump reply
    meta mark . ether saddr . meta l4proto @lateral_any accept
";

const REST: &str = "    meta mark set 0
    meta mark set ether saddr map @profile
    goto rest
  }
  chain reply {
    tcp flags & (fin | syn | rst | ack) == syn return
    accept
  }
  chain rest {
    meta mark 0 goto unknown_device
    meta mark vmap @mode
    goto enforce
  }
";
