//! `enforce:`: where the firewall stands and how strict it is.

use std::net::IpAddr;

use fleetward_fleet::{Device, Mac, Protocol};
use fleetward_guard::nft::server::Shield;
use fleetward_guard::nft::{Controller, Member, OnBreach, Site, Unknown};
use ipnet::IpNet;
use serde::Deserialize;

/// The section. Without it nothing is enforced.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "options that an operator sets one by one")]
pub(crate) struct Enforce {
    pub(crate) inside: Vec<Box<str>>,
    pub(crate) routed: Vec<Box<str>>,
    pub(crate) ports: Vec<Box<str>>,
    pub(crate) gateway: Vec<IpAddr>,
    pub(crate) resolvers: Vec<IpAddr>,
    pub(crate) clocks: Vec<IpAddr>,
    pub(crate) local: Vec<IpNet>,
    pub(crate) controllers: Vec<WrittenController>,
    pub(crate) unknown: OnUnknown,
    pub(crate) spoofing: OnSpoofing,
    pub(crate) strict_ipv4: bool,
    pub(crate) strict_ipv6: bool,
    pub(crate) reject: bool,
    pub(crate) redirect_dns: bool,
    pub(crate) refuse_secure_dns: bool,
    pub(crate) secure_dns: Vec<IpAddr>,
    pub(crate) syn_per_second: u32,
    pub(crate) connections: u32,
    pub(crate) server: Option<ServerShield>,
}

impl Default for Enforce {
    fn default() -> Self {
        Self {
            inside: Vec::new(),
            routed: Vec::new(),
            ports: Vec::new(),
            gateway: Vec::new(),
            resolvers: Vec::new(),
            clocks: Vec::new(),
            local: Vec::new(),
            controllers: Vec::new(),
            unknown: OnUnknown::default(),
            spoofing: OnSpoofing::default(),
            strict_ipv4: false,
            strict_ipv6: false,
            reject: false,
            redirect_dns: false,
            refuse_secure_dns: false,
            secure_dns: Vec::new(),
            syn_per_second: 20,
            connections: 200,
            server: None,
        }
    }
}

/// An app or hub.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenController {
    #[serde(default)]
    pub(crate) mac: Option<Mac>,
    #[serde(default)]
    pub(crate) ips: Vec<IpAddr>,
}

/// A hardware address that nobody knows.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnUnknown {
    #[default]
    Audit,
    Drop,
}

/// An address that is another's.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnSpoofing {
    Off,
    #[default]
    Audit,
    Drop,
}

/// `enforce.server:`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerShield {
    /// `tcp/8443`, `udp/1812`
    pub(crate) services: Vec<String>,
    #[serde(default)]
    pub(crate) fleet: Vec<IpNet>,
    #[serde(default = "fleet_per_second")]
    pub(crate) fleet_per_second: u32,
    #[serde(default = "fleet_connections")]
    pub(crate) fleet_connections: u32,
    #[serde(default = "stranger_per_second")]
    pub(crate) stranger_per_second: u32,
    #[serde(default = "stranger_connections")]
    pub(crate) stranger_connections: u32,
    #[serde(default = "strangers_per_second")]
    pub(crate) strangers_per_second: u32,
}

impl ServerShield {
    /// As the compiler takes it, with the fixed addresses of the inventory; or what is wrong.
    pub(crate) fn shield(&self, devices: &[Device]) -> Result<Shield, String> {
        let service = |text: &String| {
            let wrong = || format!("enforce.server.services: `{text}` is no service; write `tcp/8443` or `udp/1812`");
            let (protocol, port) = text.split_once('/').ok_or_else(wrong)?;
            let protocol: Protocol = protocol.parse().map_err(|_| wrong())?;
            let port: u16 = port.parse().map_err(|_| wrong())?;
            if protocol.has_ports() { Ok((protocol, port)) } else { Err(wrong()) }
        };
        let v4 = devices.iter().filter_map(|it| it.ip).map(|ip| IpNet::from(IpAddr::from(ip)));
        let v6 = devices.iter().filter_map(|it| it.ipv6).map(IpNet::from);
        Ok(Shield {
            services: self.services.iter().map(service).collect::<Result<_, _>>()?,
            fleet: self.fleet.iter().copied().chain(v4).chain(v6).collect(),
            fleet_per_second: self.fleet_per_second,
            fleet_connections: self.fleet_connections,
            stranger_per_second: self.stranger_per_second,
            stranger_connections: self.stranger_connections,
            strangers_per_second: self.strangers_per_second,
        })
    }
}

impl Enforce {
    /// The site with the devices of the inventory that can be told on the network.
    pub(crate) fn site(&self, devices: &[Device]) -> Site {
        Site {
            inside: self.inside.clone(),
            routed: self.routed.clone(),
            ports: self.ports.clone(),
            gateway: self.gateway.clone(),
            resolvers: self.resolvers.clone(),
            clocks: self.clocks.clone(),
            local: self.local.clone(),
            controllers: self.controllers.iter().map(|it| Controller { mac: it.mac, ips: it.ips.clone() }).collect(),
            members: devices.iter().filter_map(member).collect(),
            unknown: match self.unknown {
                OnUnknown::Audit => Unknown::Audit,
                OnUnknown::Drop => Unknown::Drop,
            },
            spoofing: match self.spoofing {
                OnSpoofing::Off => OnBreach::Off,
                OnSpoofing::Audit => OnBreach::Audit,
                OnSpoofing::Drop => OnBreach::Drop,
            },
            strict4: self.strict_ipv4,
            strict6: self.strict_ipv6,
            reject: self.reject,
            redirect_dns: self.redirect_dns,
            refuse_secure_dns: self.refuse_secure_dns,
            secure_dns: self.secure_dns.clone(),
            syn_per_second: self.syn_per_second,
            connections: self.connections,
            quarantined: Vec::new(),
            quarantined_ips: Vec::new(),
        }
    }

    /// Interfaces that are named and not there now.
    pub(crate) fn absent(&self) -> Vec<&str> {
        let names = self.inside.iter().chain(&self.routed).chain(&self.ports).map(AsRef::as_ref);
        names.filter(|name| nix::net::if_::if_nametoindex(*name).is_err()).collect()
    }

    /// What cannot be meant.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.inside.is_empty() && self.routed.is_empty() {
            problems.push(
                "enforce: name the interfaces that devices are behind: `inside: [br0]` (or `routed: [tun0]`)"
                    .to_owned(),
            );
        }
        if self.gateway.is_empty() && self.resolvers.is_empty() {
            problems.push("enforce: without `gateway` or `resolvers` no name can become an address".to_owned());
        }
        let names = self.inside.iter().chain(&self.routed).chain(&self.ports);
        let is_odd = |name: &str| {
            name.is_empty()
                || name.len() > 15
                || name.contains(|it: char| it.is_whitespace() || it.is_control() || "\"/\\*".contains(it))
        };
        problems
            .extend(names.filter(|it| is_odd(it)).map(|name| format!("enforce: {name:?} is no name of an interface")));
        if let Some(Err(wrong)) = self.server.as_ref().map(|it| it.shield(&[])) {
            problems.push(wrong);
        }
        problems
    }
}

/// As the firewall knows it; `None`: neither hardware address nor address is known.
pub(crate) fn member(device: &Device) -> Option<Member> {
    let single = device.ipv6.filter(|net| net.prefix_len() == 128).map(|net| IpAddr::from(net.addr()));
    let ips: Vec<IpAddr> = device.ip.map(IpAddr::from).into_iter().chain(single).collect();
    if device.mac.is_none() && ips.is_empty() {
        return None;
    }
    Some(Member { mac: device.mac.unwrap_or_default(), ips, model: device.model.clone() })
}

fn fleet_per_second() -> u32 {
    Shield::default().fleet_per_second
}

fn fleet_connections() -> u32 {
    Shield::default().fleet_connections
}

fn stranger_per_second() -> u32 {
    Shield::default().stranger_per_second
}

fn stranger_connections() -> u32 {
    Shield::default().stranger_connections
}

fn strangers_per_second() -> u32 {
    Shield::default().strangers_per_second
}
