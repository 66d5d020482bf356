//! Where the firewall stands and who lives behind it.

use std::net::IpAddr;

use fleetward_fleet::Mac;
use ipnet::IpNet;

/// The place: interfaces, addresses that play a part, the devices, and how strict to be.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "options that an operator sets one by one")]
pub struct Site {
    /// Interfaces through which devices' packets reach this machine with their own hardware address: a bridge, a VLAN, a port.
    pub inside: Vec<Box<str>>,
    /// Interfaces without hardware addresses, or with a router between: tunnels, an APN. Devices are known by their address there.
    pub routed: Vec<Box<str>>,
    /// Ports of a bridge on this machine at which devices (or access points with devices) are: between them `bridge fleetward` judges.
    /// Empty: no bridge here.
    pub ports: Vec<Box<str>>,
    /// Addresses of this machine as the devices see it.
    pub gateway: Vec<IpAddr>,
    /// Resolvers that devices were given; empty: the gateway.
    pub resolvers: Vec<IpAddr>,
    /// Time servers that devices were given; empty: any, at a clock's rate.
    pub clocks: Vec<IpAddr>,
    /// Networks in which devices live.
    pub local: Vec<IpNet>,
    /// Apps and hubs that control devices and are no devices of ours.
    pub controllers: Vec<Controller>,
    /// The devices.
    pub members: Vec<Member>,
    /// A hardware address that is no member's.
    pub unknown: Unknown,
    /// A packet with an address that is another's (IP, ARP, neighbour discovery), a DHCP server or router that is none.
    pub spoofing: OnBreach,
    /// IPv4 source addresses must be bound to the sender; otherwise only bound ones are protected. Right where leases are known.
    pub strict4: bool,
    /// The same for IPv6; devices make up their own addresses there (RFC 8981), so mostly `false`.
    pub strict6: bool,
    /// Answer what is refused (ICMP administratively prohibited), for devices that hang on silence.
    pub reject: bool,
    /// Every DNS question goes to the first resolver of its family, whomever it was meant for.
    pub redirect_dns: bool,
    /// DNS over TLS and QUIC (port 853) is refused, and HTTPS to `secure_dns`.
    pub refuse_secure_dns: bool,
    /// Addresses of DNS over HTTPS servers, from the operator's list.
    pub secure_dns: Vec<IpAddr>,
    /// New TCP connections a second of one device, beyond a burst of twice as many; 0: no limit.
    pub syn_per_second: u32,
    /// Connections of one device at once; 0: no limit.
    pub connections: u32,
    /// Devices that are cut off.
    pub quarantined: Vec<Mac>,
    /// Addresses that are cut off: of devices whose hardware address nobody knows.
    pub quarantined_ips: Vec<IpAddr>,
}

/// A device at this site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its hardware address; unknown (zeros) behind a routed interface.
    pub mac: Mac,
    /// Addresses that are its own: leases, fixed ones.
    pub ips: Vec<IpAddr>,
    /// Its model, the name of a profile; without one it is unknown to the firewall.
    pub model: Option<Box<str>>,
}

/// An app or hub on the same site that controls devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Its hardware address, where it is on the same bridge.
    pub mac: Option<Mac>,
    /// Its addresses.
    pub ips: Vec<IpAddr>,
}

/// What becomes of a hardware address that nobody knows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// Passed and told.
    #[default]
    Audit,
    /// Dropped and told.
    Drop,
}

/// What becomes of a packet that breaks a binding.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum OnBreach {
    /// Not looked at.
    Off,
    /// Passed and told.
    #[default]
    Audit,
    /// Dropped and told.
    Drop,
}

impl Site {
    /// Resolvers that devices were given, the gateway where nothing else is said.
    pub fn resolvers(&self) -> &[IpAddr] {
        if self.resolvers.is_empty() { &self.gateway } else { &self.resolvers }
    }

    /// The address is on this site: no cloud name may lead there (DNS rebinding).
    pub fn is_local(&self, ip: IpAddr) -> bool {
        let special = match ip {
            IpAddr::V4(ip) => {
                ip.is_loopback() || ip.is_link_local() || ip.is_multicast() || ip.is_broadcast() || ip.is_unspecified()
            }
            IpAddr::V6(ip) => {
                ip.is_loopback() || ip.is_unicast_link_local() || ip.is_multicast() || ip.is_unspecified()
            }
        };
        special || self.gateway.contains(&ip) || self.local.iter().any(|net| net.contains(&ip))
    }
}
