//! Declarations of sets and maps with their elements.

use super::super::element::{Elements, Set, Table};
use super::put;

/// How a set is declared. The types are those of [`super::super::Element`]'s forms.
struct Form {
    map: bool,
    kind: &'static str,
    flags: &'static str,
    /// Lowest size; more where the elements need it.
    size: usize,
}

/// Declares a set or map and fills it.
pub(in super::super) fn declare(text: &mut String, set: Set, elements: &Elements) {
    let form = form(set);
    let filled = elements.get(&set);
    let count = filled.map_or(0, std::collections::BTreeSet::len);
    // Room for twice what is there, so that a fleet can grow between two loads.
    let size = form.size.max((count * 2).next_power_of_two());
    let word = if form.map { "map" } else { "set" };
    put(text, format_args!("  {word} {} {{\n    {}\n", set.name, form.kind));
    if !form.flags.is_empty() {
        put(text, format_args!("    {}\n", form.flags));
    }
    put(text, format_args!("    size {size}\n"));
    if let Some(filled) = filled.filter(|it| !it.is_empty()) {
        text.push_str("    elements = { ");
        for (at, element) in filled.iter().enumerate() {
            put(text, format_args!("{}{element}", if at == 0 { "" } else { ", " }));
        }
        text.push_str(" }\n");
    }
    text.push_str("  }\n");
}

fn form(set: Set) -> Form {
    let plain = |kind, flags, size| Form { map: false, kind, flags, size };
    let map = |kind, size| Form { map: true, kind, flags: "", size };
    let bridged = set.table == Table::Bridge;
    let (base, v6) = match set.name.strip_suffix('6') {
        Some(base) => (base, true),
        None => (set.name.strip_suffix('4').unwrap_or(set.name), false),
    };
    let pick = |four, six| if v6 { six } else { four };
    let daddr = pick(
        "typeof meta mark . ip daddr . meta l4proto . th dport",
        "typeof meta mark . ip6 daddr . meta l4proto . th dport",
    );
    match base {
        "profile" if bridged || set.name == base => map("type ether_addr : mark", DEVICES),
        "profile" => map(pick("type ipv4_addr : mark", "type ipv6_addr : mark"), DEVICES),
        "bind" => plain(pick("type ether_addr . ipv4_addr", "type ether_addr . ipv6_addr"), "", DEVICES),
        "nd_taken" => plain("typeof @th,64,128", "", DEVICES),
        "taken" | "secure_dns" => plain(pick("type ipv4_addr", "type ipv6_addr"), "", DEVICES),
        "out" | "in" => plain(daddr, "flags timeout", ENDPOINTS),
        "out_net" | "in_net" => plain(daddr, "flags interval", RANGES),
        "out_span" | "in_span" => plain(daddr, "flags interval, timeout", RANGES),
        "out_any" | "in_any" => {
            let kind =
                pick("typeof meta mark . ip daddr . meta l4proto", "typeof meta mark . ip6 daddr . meta l4proto");
            plain(kind, "flags interval", RANGES)
        }
        "broadcast" | "multicast" => plain("typeof meta mark . meta l4proto . th dport", "flags interval", RANGES),
        "clocks" => plain("type mark", "", PROFILES),
        "mode" | "excess" => map("type mark : verdict", PROFILES),
        "quarantine" if set.name == base => plain("type ether_addr", "counter", DEVICES),
        "quarantine" => plain(pick("type ipv4_addr", "type ipv6_addr"), "counter", DEVICES),
        "bind_nd" => plain("typeof @th,64,128 . ether saddr", "", DEVICES),
        "lateral" | "lateral_in" => plain("typeof meta mark . ether daddr . meta l4proto . th dport", "", ENDPOINTS),
        "lateral_span" | "lateral_in_span" => {
            plain("typeof meta mark . ether daddr . meta l4proto . th dport", "flags interval", RANGES)
        }
        "lateral_any" => plain("typeof meta mark . ether daddr . meta l4proto", "", RANGES),
        "fleet" => plain(pick("type ipv4_addr", "type ipv6_addr"), "flags interval", DEVICES),
        "services" => plain("typeof meta l4proto . th dport", "", PROFILES),
        other => unreachable!("the set {other} has no form"),
    }
}

/// Devices of a site.
const DEVICES: usize = 16_384;
/// Addresses and ports of all profiles.
const ENDPOINTS: usize = 262_144;
/// Networks and ranges of all profiles.
const RANGES: usize = 65_536;
/// Models, and services of a server.
const PROFILES: usize = 4_096;
