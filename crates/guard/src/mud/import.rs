//! A MUD file as a profile. Real files are taken as they are: names of rules that repeat, `[null]` for "any", Ethernet inside IPv4 lists,
//! URNs of other tools. What would allow everybody, or every port, is not taken and said.

use std::collections::BTreeSet;
use std::net::IpAddr;

use fleetward_fleet::{Allow, Direction, NetworkProfile, Peer, PortRange, Protocol, Role};
use ipnet::IpNet;
use serde_json::Value;

use super::tls;
use crate::pattern;
use crate::roles;

/// The longest file that is read; the largest of real ones is 100 kB.
const MAX_LENGTH: usize = 4 << 20;
/// Rules that are read.
const MAX_RULES: usize = 20_000;
/// Networks wider than this are nobody's in particular: bits of the prefix, by version.
const WIDEST: [u8; 2] = [16, 32];

/// What a file said.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The model, where the file names one.
    pub model: Option<String>,
    /// What is taken.
    pub profile: NetworkProfile,
    /// What is too wide and was not taken, in words with the name of the rule.
    pub refused: Vec<String>,
}

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum MudError {
    /// No JSON.
    #[error("no JSON")]
    Json(#[source] serde_json::Error),
    /// JSON, but no MUD file.
    #[error("no `{0}` in it")]
    Missing(&'static str),
    /// Larger than any device needs.
    #[error("too large: {0}")]
    TooLarge(&'static str),
}

/// Reads a file.
pub fn import(text: &str) -> Result<Imported, MudError> {
    if text.len() > MAX_LENGTH {
        return Err(MudError::TooLarge("more than 4 MB"));
    }
    let whole: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(MudError::Json)?;
    let mud = whole.get("ietf-mud:mud").ok_or(MudError::Missing("ietf-mud:mud"))?;
    // RFC 8520's own examples say `acls`; many files have the older name.
    let lists = ["ietf-access-control-list:acls", "ietf-access-control-list:access-lists"];
    let lists = lists.iter().find_map(|key| whole[key]["acl"].as_array());
    let lists = lists.ok_or(MudError::Missing("ietf-access-control-list:acls"))?;
    let mut reading = Reading::default();
    for (key, from_device) in [("from-device-policy", true), ("to-device-policy", false)] {
        let names = mud[key]["access-lists"]["access-list"].as_array();
        let names: BTreeSet<&str> = names.into_iter().flatten().filter_map(|it| it["name"].as_str()).collect();
        let wanted = lists.iter().filter(|list| list["name"].as_str().is_some_and(|name| names.contains(name)));
        for ace in wanted.flat_map(|list| list["aces"]["ace"].as_array().into_iter().flatten()) {
            reading.rules += 1;
            if reading.rules > MAX_RULES {
                return Err(MudError::TooLarge("more than 20,000 rules"));
            }
            reading.ace(ace, from_device);
        }
    }
    let text = |key: &str| mud[key].as_str().map(str::to_owned);
    let mud_url = text("mud-url").map(Into::into);
    let profile = NetworkProfile { allow: reading.allow, tls: reading.tls, mud_url, ..NetworkProfile::default() };
    let model = text("model-name").or_else(|| text("systeminfo")).filter(|name| !name.is_empty());
    Ok(Imported { model, profile, refused: reading.refused })
}

#[derive(Default)]
struct Reading {
    rules: usize,
    allow: Vec<Allow>,
    tls: Vec<fleetward_fleet::TlsShape>,
    refused: Vec<String>,
}

impl Reading {
    fn ace(&mut self, ace: &Value, from_device: bool) {
        let name = ace["name"].as_str().unwrap_or("a rule without a name");
        if ace["actions"]["forwarding"].as_str() != Some("accept") {
            return;
        }
        let matches = &ace["matches"];
        for shape in tls::read(matches) {
            if !self.tls.contains(&shape) && self.tls.len() < 64 {
                self.tls.push(shape);
            }
        }
        match rule(matches, from_device) {
            Ok(Some(allow)) if !self.allow.contains(&allow) => self.allow.push(allow),
            Ok(_) => {}
            Err(reason) => self.refused.push(format!("{name}: {reason}")),
        }
    }
}

/// `Ok(None)`: what every device does anyway, or no IP.
fn rule(matches: &Value, from_device: bool) -> Result<Option<Allow>, String> {
    let ip = ["ipv4", "ipv6"].iter().map(|family| &matches[family]).find(|it| it.is_object()).unwrap_or(&Value::Null);
    if ip.is_null() && matches["eth"].is_object() {
        return Ok(None);
    }
    let transport = ["tcp", "udp"].into_iter().find(|name| matches[name].is_object());
    let protocol = match (ip["protocol"].as_u64(), transport) {
        (Some(number), _) => {
            u8::try_from(number).map(Protocol).map_err(|_| format!("there is no protocol {number}"))?
        }
        (None, Some("tcp")) => Protocol::TCP,
        (None, Some(_)) => Protocol::UDP,
        (None, None) if matches["icmp"].is_object() && matches["ipv6"].is_object() => Protocol::ICMPV6,
        (None, None) if matches["icmp"].is_object() => Protocol::ICMP,
        (None, None) => return Err("any protocol".to_owned()),
    };
    let header = transport.map_or(&Value::Null, |name| &matches[name]);
    let (near, far) = (ports(&header["source-port"])?, ports(&header["destination-port"])?);
    let (source, destination) = (near, far);
    // The port of the side that is called decides who begins where the file does not say.
    let initiated = header["ietf-mud:direction-initiated"].as_str();
    let begins = match (initiated, from_device, source, destination) {
        (Some("from-device"), ..) => Direction::Out,
        (Some("to-device"), ..) | (_, true, Some(_), None) | (_, false, _, Some(_)) => Direction::In,
        _ => Direction::Out,
    };
    let called_is_destination = (begins == Direction::Out) == from_device;
    let port = if called_is_destination { destination } else { source };
    let peer = peer(matches, ip, from_device)?;
    if protocol.has_ports() && port.is_none_or(|port| port == (PortRange { first: 0, last: u16::MAX })) {
        return Err(format!("any port of {protocol}"));
    }
    let ports = if protocol.has_ports() { port.into_iter().collect() } else { Vec::new() };
    Ok(Some(Allow { peer, protocol, ports, begins, rate: None, support: None }))
}

/// RFC 8519 §4.1: an operator and a port, or the two ends of a range.
fn ports(value: &Value) -> Result<Option<PortRange>, String> {
    let number = |value: &Value| -> Option<u16> {
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
        number.try_into().ok()
    };
    if value.is_null() {
        return Ok(None);
    }
    let range = match (number(&value["lower-port"]), number(&value["upper-port"]), number(&value["port"])) {
        (Some(first), Some(last), _) if first <= last => PortRange { first, last },
        (_, _, Some(port)) => match value["operator"].as_str().unwrap_or("eq") {
            "eq" => PortRange::one(port),
            "gte" => PortRange { first: port, last: u16::MAX },
            "lte" => PortRange { first: 0, last: port },
            other => return Err(format!("ports by `{other}`")),
        },
        _ => return Err("ports that cannot be read".to_owned()),
    };
    Ok(Some(range))
}

fn peer(matches: &Value, ip: &Value, from_device: bool) -> Result<Peer, String> {
    let name = ["ietf-acldns:dst-dnsname", "ietf-acldns:src-dnsname"].iter().find_map(|key| ip[key].as_str());
    if let Some(name) = name {
        return a_name(name);
    }
    let side = if from_device { "destination" } else { "source" };
    let net = ["ipv4", "ipv6"].iter().find_map(|family| ip[format!("{side}-{family}-network")].as_str());
    let mud = &matches["ietf-mud:mud"];
    if let Some(net) = net {
        let net: IpNet = net
            .parse()
            .or_else(|_| net.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| format!("`{net}` is no network"))?;
        return a_net(net, mud);
    }
    let has = |key: &str| !mud[key].is_null();
    if let Some(controller) = mud["controller"].as_str() {
        return Ok(Peer::Role(match controller {
            "urn:ietf:params:mud:dns" => Role::Dns,
            "urn:ietf:params:mud:ntp" => Role::Ntp,
            "urn:ietf:params:mud:gateway" => Role::Gateway,
            _ => Role::Controller,
        }));
    }
    if has("my-controller") || has("local-networks") {
        // RFC 8520 means the whole network; here it is who controls the device there.
        return Ok(Peer::Role(Role::Controller));
    }
    if has("same-manufacturer") {
        return Ok(Peer::Role(Role::SameModel));
    }
    match mud["model"].as_str().or_else(|| mud["manufacturer"].as_str()) {
        Some(model) => Ok(Peer::Model(model.rsplit('/').next().unwrap_or(model).into())),
        None => Err("everybody".to_owned()),
    }
}

fn a_name(name: &str) -> Result<Peer, String> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Ok(Peer::Net(IpNet::from(ip)));
    }
    if name.contains('*') && pattern::registrable(name.trim_start_matches(['*', '.'])).is_none() {
        return Err(format!("every name under {name}"));
    }
    if name.contains('#') {
        return Err(format!("`{name}` is no name"));
    }
    Peer::name(&name)
}

fn a_net(net: IpNet, mud: &Value) -> Result<Peer, String> {
    if net.addr().is_multicast() {
        let is_group = net.prefix_len() == net.max_prefix_len() || roles::is_link_group(net.addr());
        return match (is_group, roles::is_link_group(net.addr())) {
            (_, true) => Ok(Peer::Role(Role::LinkMulticast)),
            (true, false) => Ok(Peer::Net(net)),
            _ => Err(format!("every group of {net}")),
        };
    }
    if matches!(net, IpNet::V4(it) if it.addr().is_broadcast()) {
        return Ok(Peer::Role(Role::Broadcast));
    }
    let widest = if net.addr().is_ipv4() { WIDEST[0] } else { WIDEST[1] };
    if net.prefix_len() < widest {
        return if mud["local-networks"].is_null() {
            Err(format!("all of {net}"))
        } else {
            Ok(Peer::Role(Role::Controller))
        };
    }
    Ok(Peer::Net(net))
}
