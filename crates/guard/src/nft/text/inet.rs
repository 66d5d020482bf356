//! `table inet fleetward`: what is routed, and what goes to the gateway itself.

use super::super::element::sets;
use super::{
    Elements, Features, IpAddr, Mark, OnBreach, Probe, Set, Site, Table, Unknown, Why, breach, counters, declare,
    interfaces, put, tell,
};

pub(super) fn table(site: &Site, features: &Features, elements: &Elements) -> String {
    let mut text = format!("table {} {{\n", Table::Inet.words());
    text.push_str(&interfaces("inside", &site.inside));
    text.push_str(&interfaces("routed", &site.routed));
    for set in SETS {
        declare(&mut text, set, elements);
    }
    for (name, kind, ages) in COUNTING {
        let flags = if ages { "flags dynamic, timeout\n    timeout 1m" } else { "flags dynamic" };
        put(&mut text, format_args!("  set {name} {{\n    {kind}\n    {flags}\n    size 65536\n  }}\n"));
    }
    text.push_str(&counters(&[
        "spoofed",
        "unknown",
        "flooding",
        "denied",
        "audited",
        "cut_out",
        "cut_in",
        "secure_dns",
        "invalid",
    ]));
    text.push('\n');
    text.push_str(&breach(features, "spoofed", Why::Spoofed, site.spoofing));
    text.push_str(&verdicts(site, features));
    if site.spoofing != OnBreach::Off {
        text.push_str(&prerouting(site, features));
    }
    text.push_str(&allow_out(site, features));
    text.push_str(&from_device(site));
    text.push_str(TO_DEVICE);
    text.push_str(CUT);
    text.push_str(&overhear(features));
    text.push_str(FORWARD);
    text.push_str(INPUT);
    if site.redirect_dns && features.has(Probe::Nat) {
        text.push_str(&redirect(site));
    }
    text.push_str("}\n");
    text
}

/// Ends of the judgement. The mark is the profile's until here; nobody else shall take it for theirs.
fn verdicts(site: &Site, features: &Features) -> String {
    let refuse = if site.reject && features.has(Probe::Reject) { "reject with icmpx admin-prohibited" } else { "drop" };
    let unknown = if site.unknown == Unknown::Drop { "drop" } else { "accept" };
    let chain = |name: &str, counter: &str, why: Why, end: &str| {
        format!("  chain {name} {{\n    counter name {counter}\n{}{end}  }}\n", tell(features, why))
    };
    let audited = format!("    ct mark set ct mark | 0x{:08x}\n    meta mark set 0\n    accept\n", Mark::AUDITED);
    [
        chain("enforce", "denied", Why::Denied, &format!("    {refuse}\n")),
        chain("audit", "audited", Why::Audited, &audited),
        chain("unknown_device", "unknown", Why::Unknown, &format!("    {unknown}\n")),
        chain("secure_dns", "secure_dns", Why::SecureDns, &format!("    {refuse}\n")),
        chain("over_limit", "flooding", Why::Flooding, "    meta mark vmap @excess\n"),
        "  chain allow {\n    meta mark set 0\n    accept\n  }\n".to_owned(),
    ]
    .concat()
}

/// Before conntrack, so that a forged packet makes no connection.
fn prerouting(site: &Site, features: &Features) -> String {
    let path =
        if features.has(Probe::Fib) { "    iifname @routed fib saddr . iif oif missing jump spoofed\n" } else { "" };
    let mut text = format!(
        "  chain binding {{\n    type filter hook prerouting priority raw - 5; policy accept;\n    iifname @inside jump bound\n{path}  }}\n  chain bound {{\n    ip saddr 0.0.0.0 udp sport 68 udp dport 67 return\n    ip saddr 0.0.0.0 meta l4proto igmp return\n    ip6 saddr :: meta l4proto ipv6-icmp return\n",
    );
    for (v6, strict) in [(false, site.strict4), (true, site.strict6)] {
        let (ip, taken, bind) = if v6 { ("ip6", "taken6", "bind6") } else { ("ip", "taken4", "bind4") };
        if strict {
            // Link-local IPv6 addresses cannot lead anywhere, so only those that are somebody's are looked at.
            let not_here = if v6 { "ip6 saddr != fe80::/10 " } else { "" };
            put(&mut text, format_args!("    {not_here}ether saddr . {ip} saddr != @{bind} jump spoofed\n"));
        }
        if !strict || v6 {
            put(&mut text, format_args!("    {ip} saddr @{taken} ether saddr . {ip} saddr != @{bind} jump spoofed\n"));
        }
        let local: Vec<String> = site
            .local
            .iter()
            .filter(|net| matches!(net.addr(), IpAddr::V6(_)) == v6)
            .map(ToString::to_string)
            .collect();
        if !strict && !local.is_empty() {
            let extra = if v6 { "fe80::/10, " } else { "" };
            put(&mut text, format_args!("    {ip} saddr != {{ {extra}{} }} jump spoofed\n", local.join(", ")));
        }
    }
    text.push_str("  }\n");
    text
}

/// Only what is allowed is counted: what is refused needs no limit.
fn allow_out(site: &Site, features: &Features) -> String {
    let mut text = String::from("  chain allow_out {\n");
    if site.syn_per_second > 0 {
        let (rate, burst) = (site.syn_per_second, site.syn_per_second * 2);
        for (at, key, set) in [
            ("@inside", "ether saddr", "syn_rate"),
            ("@routed", "ip saddr", "syn_rate4"),
            ("@routed", "ip6 saddr", "syn_rate6"),
        ] {
            put(
                &mut text,
                format_args!(
                    "    iifname {at} tcp flags & (fin | syn | rst | ack) == syn update @{set} {{ {key} limit rate over {rate}/second burst {burst} packets }} jump over_limit\n"
                ),
            );
        }
    }
    if site.connections > 0 && features.has(Probe::ConnectionLimit) {
        for (at, key, set) in
            [("@inside", "ether saddr", "conns"), ("@routed", "ip saddr", "conns4"), ("@routed", "ip6 saddr", "conns6")]
        {
            let most = site.connections;
            put(
                &mut text,
                format_args!(
                    "    iifname {at} ct state new add @{set} {{ {key} ct count over {most} }} jump over_limit\n"
                ),
            );
        }
    }
    text.push_str("    goto allow\n  }\n");
    text
}

fn from_device(site: &Site) -> String {
    let mut text = String::from(
        "  chain from_device {\n    meta mark set 0\n    iifname @inside meta mark set ether saddr map @profile\n    iifname @routed meta mark set ip saddr map @profile4\n    iifname @routed meta mark set ip6 saddr map @profile6\n    meta mark 0 goto unknown_device\n    ct mark set meta mark\n",
    );
    if site.refuse_secure_dns {
        text.push_str(
            "    meta l4proto { tcp, udp } th dport 853 goto secure_dns\n    ip daddr @secure_dns4 th dport 443 goto secure_dns\n    ip6 daddr @secure_dns6 th dport 443 goto secure_dns\n",
        );
    }
    text.push_str(ALLOWED_OUT);
    text
}

/// Questions, answers and leases are told to whoever fills the sets, also those that this machine itself answers. At once: the kernel
/// would gather them for up to a second, and the device calls sooner.
fn overhear(features: &Features) -> String {
    let told = if features.has(Probe::Log) {
        let (group, rate) = (Why::Names.group(), NAMES_PER_SECOND);
        let ports = [
            "meta l4proto { tcp, udp } th sport 53",
            "meta l4proto { tcp, udp } th dport 53",
            "udp sport 67 udp dport 68",
        ];
        ports
            .map(|it| {
                format!(
                    "    {it} limit rate {rate}/second burst {rate} packets log group {group} snaplen {NAMES_SNAPLEN} queue-threshold 1\n"
                )
            })
            .concat()
    } else {
        String::new()
    };
    format!(
        "  chain overhear {{\n{told}  }}\n  chain output {{\n    type filter hook output priority filter - 5; policy accept;\n    oifname @inside goto overhear\n    oifname @routed goto overhear\n  }}\n"
    )
}

fn redirect(site: &Site) -> String {
    let mut text = String::from(
        "  chain questions {\n    type nat hook prerouting priority dstnat - 5; policy accept;\n    iifname != @inside iifname != @routed accept\n",
    );
    for (v6, ip, word) in [(false, "ip", "ip"), (true, "ip6", "ip6")] {
        let ours: Vec<IpAddr> = site.resolvers().iter().copied().filter(|it| it.is_ipv6() == v6).collect();
        let Some(first) = ours.first() else { continue };
        let list: Vec<String> = ours.iter().map(ToString::to_string).collect();
        put(
            &mut text,
            format_args!(
                "    {ip} daddr != {{ {} }} meta l4proto {{ tcp, udp }} th dport 53 dnat {word} to {first}\n",
                list.join(", ")
            ),
        );
    }
    text.push_str("  }\n");
    text
}

const SETS: [Set; 33] = [
    sets::PROFILE,
    sets::PROFILE4,
    sets::PROFILE6,
    sets::BIND4,
    sets::BIND6,
    sets::TAKEN4,
    sets::TAKEN6,
    sets::OUT4,
    sets::OUT6,
    sets::OUT_NET4,
    sets::OUT_NET6,
    sets::OUT_SPAN4,
    sets::OUT_SPAN6,
    sets::OUT_ANY4,
    sets::OUT_ANY6,
    sets::IN4,
    sets::IN6,
    sets::IN_NET4,
    sets::IN_NET6,
    sets::IN_SPAN4,
    sets::IN_SPAN6,
    sets::IN_ANY4,
    sets::IN_ANY6,
    sets::BROADCAST,
    sets::MULTICAST,
    sets::CLOCKS,
    sets::MODE,
    sets::EXCESS,
    sets::QUARANTINE,
    sets::QUARANTINE4,
    sets::QUARANTINE6,
    sets::SECURE_DNS4,
    sets::SECURE_DNS6,
];

/// Names that are told in a second, of each kind: a thousand devices that wake up at once.
const NAMES_PER_SECOND: u32 = 5_000;
/// Octets of a packet of names that are told: EDNS allows 4,096, and a segment of TCP is shorter.
const NAMES_SNAPLEN: u32 = 4_224;

/// Sets that the rules themselves fill.
const COUNTING: [(&str, &str, bool); 9] = [
    ("syn_rate", "type ether_addr", true),
    ("syn_rate4", "type ipv4_addr", true),
    ("syn_rate6", "type ipv6_addr", true),
    ("conns", "type ether_addr", false),
    ("conns4", "type ipv4_addr", false),
    ("conns6", "type ipv6_addr", false),
    ("clock_rate", "type ether_addr", true),
    ("clock_rate4", "type ipv4_addr", true),
    ("clock_rate6", "type ipv6_addr", true),
];

const ALLOWED_OUT: &str = "    meta mark . ip daddr . meta l4proto . th dport @out4 goto allow_out
    meta mark . ip daddr . meta l4proto . th dport @out_net4 goto allow_out
    meta mark . ip daddr . meta l4proto . th dport @out_span4 goto allow_out
    meta mark . ip daddr . meta l4proto @out_any4 goto allow_out
    meta mark . ip6 daddr . meta l4proto . th dport @out6 goto allow_out
    meta mark . ip6 daddr . meta l4proto . th dport @out_net6 goto allow_out
    meta mark . ip6 daddr . meta l4proto . th dport @out_span6 goto allow_out
    meta mark . ip6 daddr . meta l4proto @out_any6 goto allow_out
    meta pkttype broadcast meta mark . meta l4proto . th dport @broadcast goto allow_out
    meta pkttype multicast meta mark . meta l4proto . th dport @multicast goto allow_out
    udp dport 123 meta mark @clocks jump clocks
    meta mark vmap @mode
    goto enforce
  }
  chain clocks {
    iifname @inside update @clock_rate { ether saddr limit rate 30/minute burst 20 packets } goto allow_out
    iifname @routed update @clock_rate4 { ip saddr limit rate 30/minute burst 20 packets } goto allow_out
    iifname @routed update @clock_rate6 { ip6 saddr limit rate 30/minute burst 20 packets } goto allow_out
  }
";

const TO_DEVICE: &str = "  chain to_device {
    meta mark set 0
    meta mark set ip daddr map @profile4
    meta mark set ip6 daddr map @profile6
    meta mark 0 goto unknown_device
    ct mark set meta mark
    meta mark . ip saddr . meta l4proto . th dport @in4 goto allow
    meta mark . ip saddr . meta l4proto . th dport @in_net4 goto allow
    meta mark . ip saddr . meta l4proto . th dport @in_span4 goto allow
    meta mark . ip saddr . meta l4proto @in_any4 goto allow
    meta mark . ip6 saddr . meta l4proto . th dport @in6 goto allow
    meta mark . ip6 saddr . meta l4proto . th dport @in_net6 goto allow
    meta mark . ip6 saddr . meta l4proto . th dport @in_span6 goto allow
    meta mark . ip6 saddr . meta l4proto @in_any6 goto allow
    meta mark vmap @mode
    goto enforce
  }
";

/// Before conntrack's word: a connection that lives is cut, too.
const CUT: &str = "  chain cut_out {
    iifname @inside ether saddr @quarantine counter name cut_out drop
    ip saddr @quarantine4 counter name cut_out drop
    ip6 saddr @quarantine6 counter name cut_out drop
  }
  chain cut_in {
    ip daddr @quarantine4 counter name cut_in drop
    ip6 daddr @quarantine6 counter name cut_in drop
  }
";

const FORWARD: &str = "  chain forward {
    type filter hook forward priority filter - 5; policy accept;
    iifname @inside goto outward
    iifname @routed goto outward
    oifname @inside goto inward
    oifname @routed goto inward
  }
  chain outward {
    jump cut_out
    jump overhear
    jump cut_in
    ct state established,related accept
    ct state invalid counter name invalid drop
    goto from_device
  }
  chain inward {
    jump cut_in
    jump overhear
    ct state established,related accept
    ct state invalid counter name invalid drop
    goto to_device
  }
";

/// What keeps a link alive always passes: addresses by DHCP, groups, neighbours.
const INPUT: &str = "  chain input {
    type filter hook input priority filter - 5; policy accept;
    iifname @inside goto to_gateway
    iifname @routed goto to_gateway
  }
  chain to_gateway {
    jump cut_out
    meta l4proto { tcp, udp } th dport 53 jump overhear
    ct state established,related accept
    udp sport 68 udp dport 67 accept
    udp sport 546 udp dport 547 accept
    meta l4proto igmp accept
    icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept
    icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } accept
    goto from_device
  }
";
