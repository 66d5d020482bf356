//! A profile as a MUD file.

use std::net::IpAddr;

use fleetward_fleet::{Allow, Direction, NetworkProfile, Peer, PortRange, Protocol, Role};
use ipnet::IpNet;
use serde_json::{Map, Value, json};

use super::tls;
use crate::pattern;

/// The file's text (RFC 8520 §7 with RFC 8519 access lists), pretty, so that it can lie in git.
pub fn export(model: &str, profile: &NetworkProfile) -> String {
    let url = profile.mud_url.clone().unwrap_or_else(|| format!("https://mud.invalid/{}", slug(model)).into());
    let updated = profile.learned.as_ref().map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |it| it.until.to_string());
    let mut lists = Vec::new();
    let mut policies = [Vec::new(), Vec::new()];
    for (version, family) in [(4, "ipv4"), (6, "ipv6")] {
        for (place, way) in ["from", "to"].into_iter().enumerate() {
            let name = format!("{way}-{family}-{}", slug(model));
            let aces = aces(profile, version, way == "from", &name);
            if aces.is_empty() {
                continue;
            }
            policies[place].push(json!({ "name": name }));
            lists.push(json!({ "name": name, "type": format!("{family}-acl-type"), "aces": { "ace": aces } }));
        }
    }
    let policy = |lists: &Vec<Value>| json!({ "access-lists": { "access-list": lists } });
    let mut mud = json!({
        "mud-version": 1,
        "mud-url": url,
        "last-update": updated,
        "cache-validity": 48,
        "is-supported": true,
        "systeminfo": model.chars().take(60).collect::<String>(),
        "model-name": model,
        "from-device-policy": policy(&policies[0]),
        "to-device-policy": policy(&policies[1]),
    });
    if !profile.tls.is_empty() {
        mud["extensions"] = json!(["tls"]);
    }
    let whole = json!({ "ietf-mud:mud": mud, "ietf-access-control-list:acls": { "acl": lists } });
    serde_json::to_string_pretty(&whole).unwrap_or_default()
}

fn aces(profile: &NetworkProfile, version: u8, from_device: bool, name: &str) -> Vec<Value> {
    let mut aces = Vec::new();
    for allow in &profile.allow {
        for matches in peers(&allow.peer, allow, version, from_device) {
            let ports =
                if allow.ports.is_empty() { vec![None] } else { allow.ports.iter().map(|it| Some(*it)).collect() };
            for port in ports {
                let mut matches = matches.clone();
                transport(&mut matches, allow, port, version, from_device);
                if from_device && allow.begins == Direction::Out && allow.protocol == Protocol::TCP {
                    tls::write(&mut matches, &profile.tls, port);
                }
                let actions = json!({ "forwarding": "accept" });
                aces.push(json!({ "name": format!("{name}-{}", aces.len()), "matches": matches, "actions": actions }));
            }
        }
    }
    aces
}

/// What names the peer, one for each way to write it; empty where this version of IP has none.
fn peers(peer: &Peer, allow: &Allow, version: u8, from_device: bool) -> Vec<Map<String, Value>> {
    let family = if version == 4 { "ipv4" } else { "ipv6" };
    let side = if from_device { "destination" } else { "source" };
    let network = |net: &IpNet| json!({ family: { format!("{side}-{family}-network"): net.to_string() } });
    let of_version = |ip: &IpAddr| ip.is_ipv4() == (version == 4);
    let mud = |key: &str, value: Value| json!({ "ietf-mud:mud": { key: value }, family: {} });
    let values = match peer {
        Peer::Name(name) if !pattern::is_pattern(name) => {
            let key = if from_device { "ietf-acldns:dst-dnsname" } else { "ietf-acldns:src-dnsname" };
            vec![json!({ family: { key: name } })]
        }
        // A pattern cannot be said: where its names were can.
        Peer::Name(_) => {
            let addresses = allow.support.iter().flat_map(|support| &support.addresses);
            addresses.filter(|ip| of_version(ip)).map(|ip| network(&IpNet::from(*ip))).collect()
        }
        Peer::Net(net) if of_version(&net.addr()) => vec![network(net)],
        Peer::Role(Role::Dns) => vec![mud("controller", json!("urn:ietf:params:mud:dns"))],
        Peer::Role(Role::Ntp) => vec![mud("controller", json!("urn:ietf:params:mud:ntp"))],
        Peer::Role(Role::Controller) => vec![mud("my-controller", json!([null]))],
        Peer::Role(Role::SameModel) => vec![mud("same-manufacturer", json!([null]))],
        Peer::Role(Role::Gateway | Role::Dhcp) => vec![mud("local-networks", json!([null]))],
        Peer::Role(Role::Broadcast) if version == 4 && from_device => {
            vec![json!({ family: { "destination-ipv4-network": "255.255.255.255/32" } })]
        }
        Peer::Role(Role::LinkMulticast) if from_device => {
            let groups: &[&str] = if version == 4 { &["224.0.0.0/24", "239.255.255.250/32"] } else { &["ff02::/16"] };
            groups.iter().map(|group| json!({ family: { format!("destination-{family}-network"): group } })).collect()
        }
        Peer::Net(_) | Peer::Role(Role::Broadcast | Role::LinkMulticast) => Vec::new(),
        Peer::Model(model) => vec![mud("model", json!(format!("https://mud.invalid/{}", slug(model))))],
    };
    values.into_iter().filter_map(|value| if let Value::Object(map) = value { Some(map) } else { None }).collect()
}

/// Protocol, port of the side that is called, and for TCP who may begin (RFC 8520 §8).
fn transport(matches: &mut Map<String, Value>, allow: &Allow, port: Option<PortRange>, version: u8, from_device: bool) {
    let family = if version == 4 { "ipv4" } else { "ipv6" };
    matches.entry(family).or_insert_with(|| json!({}))["protocol"] = json!(allow.protocol.0);
    let name = match allow.protocol {
        Protocol::TCP => "tcp",
        Protocol::UDP => "udp",
        _ => return,
    };
    let called_is_peer = allow.begins == Direction::Out;
    let key = if called_is_peer == from_device { "destination-port" } else { "source-port" };
    let mut header = Map::new();
    if let Some(range) = port {
        let port = if range.first == range.last {
            json!({ "operator": "eq", "port": range.first })
        } else {
            json!({ "lower-port": range.first, "upper-port": range.last })
        };
        header.insert(key.to_owned(), port);
    }
    if allow.protocol == Protocol::TCP {
        let who = if called_is_peer { "from-device" } else { "to-device" };
        header.insert("ietf-mud:direction-initiated".to_owned(), json!(who));
    }
    matches.insert(name.to_owned(), Value::Object(header));
}

/// What may stand in a URL and in the name of a list.
fn slug(model: &str) -> String {
    let text: String =
        model.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    text.chars().take(64).collect()
}
