//! An item of a profile as it stands in a file, before it is held to its promises: one peer, ports where there are ports, and nobody is
//! everybody. `serde(flatten)` would let a second peer and unknown keys pass in silence; this does not.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::{Allow, Peer, PortRange, Protocol, Rate, Role, Support};
use crate::Direction;

/// A network wider than this is everybody, written in pieces: bits of the prefix, by version.
const WIDEST: [u8; 2] = [8, 16];
/// RFC 1035 §2.3.4, without the dot at the end.
const LONGEST_NAME: usize = 253;

/// What a file says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "an item of `allow`")]
pub(super) struct Written {
    #[serde(default)]
    name: Option<Box<str>>,
    #[serde(default)]
    net: Option<Box<str>>,
    #[serde(default)]
    role: Option<Role>,
    #[serde(default)]
    model: Option<Box<str>>,
    protocol: Protocol,
    #[serde(default)]
    ports: Vec<PortRange>,
    #[serde(default)]
    begins: Direction,
    #[serde(default)]
    rate: Option<Rate>,
    #[serde(default)]
    support: Option<Support>,
}

impl TryFrom<Written> for Allow {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { name, net, role, model, protocol, ports, begins, rate, support } = written;
        let name = name.map(|name| Peer::name(&name)).transpose()?;
        let net = net.map(|net| Peer::net(&net)).transpose()?;
        let mut peers = [name, net, role.map(Peer::Role), model.map(Peer::Model)].into_iter().flatten();
        let peer = match (peers.next(), peers.next()) {
            (Some(peer), None) => peer,
            (None, _) => return Err("whom? write one of name, net, role or model".to_owned()),
            (Some(_), Some(_)) => {
                return Err("two peers in one item; write an item for each of name, net, role and model".to_owned());
            }
        };
        match (protocol.has_ports(), ports.is_empty()) {
            (true, true) => return Err(format!("{protocol} needs ports, for example `ports: [443]`")),
            (false, false) => return Err(format!("{protocol} has no ports; leave them out")),
            _ => {}
        }
        Ok(Self { peer, protocol, ports, begins, rate, support })
    }
}

impl Peer {
    /// A name or a pattern. The last two labels are literal: what stands for others stays below a domain that somebody owns.
    pub fn name(text: &str) -> Result<Self, String> {
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let is_name = |label: &str| !label.is_empty() && !label.contains(|c: char| c.is_whitespace() || c.is_control());
        if name.len() > LONGEST_NAME || !name.split('.').all(is_name) {
            return Err(format!("`{text}` is no name"));
        }
        if name.rsplit('.').take(2).any(|label| label.contains(['*', '#'])) {
            return Err(format!("`{text}` is everybody; `*` and `#` stand left of a domain, as in `*.vendor.example`"));
        }
        Ok(Self::Name(name.into()))
    }

    /// A network, or an address alone.
    pub fn net(text: &str) -> Result<Self, String> {
        let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let net = net.map_err(|_| format!("`{text}` is no address and no network; write 192.0.2.1 or 192.0.2.0/24"))?;
        let widest = WIDEST[usize::from(net.addr().is_ipv6())];
        if net.prefix_len() < widest {
            return Err(format!("`{text}` is too wide to be anybody in particular; /{widest} is the widest"));
        }
        Ok(Self::Net(net))
    }
}

#[cfg(test)]
mod tests {
    use crate::Profile;

    /// The mistake in an item, as a person reads it.
    fn mistake(item: &str) -> String {
        let text = format!("model: bulb\nnetwork:\n  allow:\n    - {item}\n");
        let error = Profile::from_yaml(&text).err().unwrap_or_else(|| panic!("accepted: {item}"));
        assert!(error.line >= 1, "{item}: {error} has no place");
        error.message
    }

    #[test]
    fn every_mistake_says_what_would_be_right() {
        let cases = [
            ("{ role: dns, name: a.example, protocol: udp, ports: [53] }", "two peers"),
            ("{ name: a.example, net: 192.0.2.1, protocol: udp, ports: [53] }", "two peers"),
            ("{ protocol: udp, ports: [53] }", "one of name, net, role or model"),
            ("{ role: dns, protocol: udp, ports: [53], port: 53 }", "port"),
            ("{ role: dns, protocol: udp, ports: [53], rate: { octets: 1 } }", "octets"),
            ("{ name: a.example, protocol: tcp }", "ports: [443]"),
            ("{ name: a.example, protocol: udp, ports: [] }", "ports: [443]"),
            ("{ name: a.example, protocol: icmp, ports: [8] }", "no ports"),
            ("{ name: '*', protocol: tcp, ports: [443] }", "everybody"),
            ("{ name: '*.com', protocol: tcp, ports: [443] }", "everybody"),
            ("{ name: 'vendor#.com', protocol: tcp, ports: [443] }", "everybody"),
            ("{ name: 'a b.example', protocol: tcp, ports: [443] }", "no name"),
            ("{ name: 'a..example', protocol: tcp, ports: [443] }", "no name"),
            ("{ net: 0.0.0.0/0, protocol: tcp, ports: [443] }", "too wide"),
            ("{ net: '::/0', protocol: tcp, ports: [443] }", "too wide"),
            ("{ net: 300.1.1.1, protocol: tcp, ports: [443] }", "no address"),
            ("{ role: everybody, protocol: tcp, ports: [443] }", "everybody"),
            ("{ role: dns, protocol: sctp }", "unknown protocol"),
        ];
        for (item, expected) in cases {
            let message = mistake(item);
            assert!(message.contains(expected), "{item}: {message}");
        }
    }

    #[test]
    fn names_and_addresses_are_taken_as_people_write_them() {
        let text = "model: bulb\nnetwork:\n  allow:\n    - { name: API.Vendor.example., protocol: tcp, ports: [443] }\n    \
                    - { name: '*.pool.ntp.org', protocol: udp, ports: [123] }\n    - { net: 192.0.2.1, protocol: icmp }\n";
        let network = Profile::from_yaml(text).unwrap_or_else(|error| panic!("{error}")).network;
        let peers: Vec<String> = network.iter().flat_map(|it| &it.allow).map(|it| format!("{:?}", it.peer)).collect();
        assert_eq!(peers, ["Name(\"api.vendor.example\")", "Name(\"*.pool.ntp.org\")", "Net(192.0.2.1/32)"]);
    }
}
