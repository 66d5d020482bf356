//! Elements: what is in the sets and maps, as text and as the kernel's bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::net::IpAddr;
use std::time::Duration;

use fleetward_fleet::{Mac, PortRange, Protocol};
use ipnet::IpNet;

use super::Mark;

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// `inet fleetward`
    Inet,
    /// `bridge fleetward`
    Bridge,
    /// `inet fleetward_server`
    Server,
}

impl Table {
    /// Family and name.
    pub fn words(self) -> &'static str {
        match self {
            Self::Inet => "inet fleetward",
            Self::Bridge => "bridge fleetward",
            Self::Server => "inet fleetward_server",
        }
    }
}

/// A set or map of one of our tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set {
    /// Where it is.
    pub table: Table,
    /// Its name.
    pub name: &'static str,
}

/// All sets and maps by name.
pub mod sets {
    use super::{Set, Table};

    macro_rules! sets {
        ($($(#[$doc:meta])* $id:ident = $table:ident $name:literal;)*) => {
            $($(#[$doc])* pub const $id: Set = Set { table: Table::$table, name: $name };)*
        };
    }
    sets! {
        /// Hardware address to profile.
        PROFILE = Inet "profile";
        /// Address to profile, for what goes to devices and for routed interfaces.
        PROFILE4 = Inet "profile4";
        /// The same for IPv6.
        PROFILE6 = Inet "profile6";
        /// Hardware address and its address.
        BIND4 = Inet "bind4";
        /// The same for IPv6.
        BIND6 = Inet "bind6";
        /// Addresses that are somebody's.
        TAKEN4 = Inet "taken4";
        /// The same for IPv6.
        TAKEN6 = Inet "taken6";
        /// Whom a profile may call: exact, and fed by names.
        OUT4 = Inet "out4";
        /// The same for IPv6.
        OUT6 = Inet "out6";
        /// Whom a profile may call: networks and ranges of ports, written down.
        OUT_NET4 = Inet "out_net4";
        /// The same for IPv6.
        OUT_NET6 = Inet "out_net6";
        /// Whom a profile may call: ranges of ports at addresses of names.
        OUT_SPAN4 = Inet "out_span4";
        /// The same for IPv6.
        OUT_SPAN6 = Inet "out_span6";
        /// Whom a profile may call by a protocol without ports.
        OUT_ANY4 = Inet "out_any4";
        /// The same for IPv6.
        OUT_ANY6 = Inet "out_any6";
        /// Who may call devices of a profile, in the same five forms.
        IN4 = Inet "in4";
        /// The same for IPv6.
        IN6 = Inet "in6";
        /// See [`OUT_NET4`].
        IN_NET4 = Inet "in_net4";
        /// The same for IPv6.
        IN_NET6 = Inet "in_net6";
        /// See [`OUT_SPAN4`].
        IN_SPAN4 = Inet "in_span4";
        /// The same for IPv6.
        IN_SPAN6 = Inet "in_span6";
        /// See [`OUT_ANY4`].
        IN_ANY4 = Inet "in_any4";
        /// The same for IPv6.
        IN_ANY6 = Inet "in_any6";
        /// What a profile may send to everybody on the link.
        BROADCAST = Inet "broadcast";
        /// What a profile may send to link-local groups.
        MULTICAST = Inet "multicast";
        /// Profiles that may ask any time server.
        CLOCKS = Inet "clocks";
        /// What is done with the rest.
        MODE = Inet "mode";
        /// What is done beyond the limits.
        EXCESS = Inet "excess";
        /// Devices that are cut off, by hardware address.
        QUARANTINE = Inet "quarantine";
        /// The same by address.
        QUARANTINE4 = Inet "quarantine4";
        /// The same for IPv6.
        QUARANTINE6 = Inet "quarantine6";
        /// Servers of DNS over HTTPS.
        SECURE_DNS4 = Inet "secure_dns4";
        /// The same for IPv6.
        SECURE_DNS6 = Inet "secure_dns6";
        /// Hardware address to profile, in the bridge.
        BRIDGE_PROFILE = Bridge "profile";
        /// Hardware address and its IPv4 address, in ARP and in IP.
        BRIDGE_BIND4 = Bridge "bind4";
        /// IPv4 addresses that are somebody's.
        BRIDGE_TAKEN4 = Bridge "taken4";
        /// Hardware address and its IPv6 address.
        BRIDGE_BIND6 = Bridge "bind6";
        /// IPv6 addresses that are somebody's.
        BRIDGE_TAKEN6 = Bridge "taken6";
        /// Who may answer for which address in neighbour discovery.
        BRIDGE_ND = Bridge "bind_nd";
        /// Addresses that are somebody's, for neighbour discovery.
        BRIDGE_ND_TAKEN = Bridge "nd_taken";
        /// Which device (by hardware address) a profile may call.
        LATERAL = Bridge "lateral";
        /// The same for ranges of ports.
        LATERAL_SPAN = Bridge "lateral_span";
        /// The same for protocols without ports.
        LATERAL_ANY = Bridge "lateral_any";
        /// Who on the link (no device of ours) may call a profile's devices.
        LATERAL_IN = Bridge "lateral_in";
        /// The same for ranges of ports.
        LATERAL_IN_SPAN = Bridge "lateral_in_span";
        /// See [`BROADCAST`].
        BRIDGE_BROADCAST = Bridge "broadcast";
        /// See [`MULTICAST`].
        BRIDGE_MULTICAST = Bridge "multicast";
        /// See [`MODE`].
        BRIDGE_MODE = Bridge "mode";
        /// See [`QUARANTINE`].
        BRIDGE_QUARANTINE = Bridge "quarantine";
        /// The fleet's own addresses, at a server.
        FLEET4 = Server "fleet4";
        /// The same for IPv6.
        FLEET6 = Server "fleet6";
        /// Ports that are protected.
        SERVICES = Server "services";
    }
}

/// What a verdict map says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// `goto audit`
    Audit,
    /// `goto enforce`
    Enforce,
    /// `drop`
    Drop,
    /// `return`: judged on.
    Return,
}

/// One element. Which form belongs into which set is what [`super::compile()`] and the text's declarations agree on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Element {
    /// A hardware address.
    Mac(Mac),
    /// An address.
    Ip(IpAddr),
    /// A network.
    Net(IpNet),
    /// A profile.
    Mark(Mark),
    /// A hardware address's profile.
    MacMark(Mac, Mark),
    /// An address's profile.
    IpMark(IpAddr, Mark),
    /// A hardware address and its address.
    Bound(Mac, IpAddr),
    /// An address in neighbour discovery, and whose it is.
    Neighbour(IpAddr, Mac),
    /// `profile . address . protocol . port`
    Port(Mark, IpAddr, Protocol, u16),
    /// `profile . network . protocol . ports`
    Span(Mark, IpNet, Protocol, PortRange),
    /// `profile . network . protocol`
    Any(Mark, IpNet, Protocol),
    /// `profile . hardware address . protocol . port`
    Pair(Mark, Mac, Protocol, u16),
    /// `profile . hardware address . protocol . ports`
    PairSpan(Mark, Mac, Protocol, PortRange),
    /// `profile . hardware address . protocol`
    PairAny(Mark, Mac, Protocol),
    /// `profile . protocol . ports`
    Group(Mark, Protocol, PortRange),
    /// `protocol . port`
    Service(Protocol, u16),
    /// A profile's verdict.
    Mode(Mark, Verdict),
}

/// Elements by set, in a stable order.
pub type Elements = BTreeMap<Set, BTreeSet<Element>>;

/// A change of one element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Put in, or its life made longer.
    Put {
        /// Where.
        set: Set,
        /// What.
        element: Element,
        /// For how long; `None`: for good.
        life: Option<Duration>,
    },
    /// Taken out; nothing happens where it is not in.
    Take {
        /// Where.
        set: Set,
        /// What.
        element: Element,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Audit => "goto audit",
            Self::Enforce => "goto enforce",
            Self::Drop => "drop",
            Self::Return => "return",
        })
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => write!(f, "{mac}"),
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Net(net) => net_text(f, *net),
            Self::Mark(mark) => write!(f, "{mark}"),
            Self::MacMark(mac, mark) => write!(f, "{mac} : {mark}"),
            Self::IpMark(ip, mark) => write!(f, "{ip} : {mark}"),
            Self::Bound(mac, ip) => write!(f, "{mac} . {ip}"),
            Self::Neighbour(ip, mac) => {
                f.write_str("0x")?;
                octets(*ip).iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
                if mac.is_unknown() { Ok(()) } else { write!(f, " . {mac}") }
            }
            Self::Port(mark, ip, protocol, port) => write!(f, "{mark} . {ip} . {} . {port}", word(*protocol)),
            Self::Span(mark, net, protocol, ports) => {
                write!(f, "{mark} . ")?;
                net_text(f, *net)?;
                write!(f, " . {} . {ports}", word(*protocol))
            }
            Self::Any(mark, net, protocol) => {
                write!(f, "{mark} . ")?;
                net_text(f, *net)?;
                write!(f, " . {}", word(*protocol))
            }
            Self::Pair(mark, mac, protocol, port) => write!(f, "{mark} . {mac} . {} . {port}", word(*protocol)),
            Self::PairSpan(mark, mac, protocol, ports) => write!(f, "{mark} . {mac} . {} . {ports}", word(*protocol)),
            Self::PairAny(mark, mac, protocol) => write!(f, "{mark} . {mac} . {}", word(*protocol)),
            Self::Group(mark, protocol, ports) => write!(f, "{mark} . {} . {ports}", word(*protocol)),
            Self::Service(protocol, port) => write!(f, "{} . {port}", word(*protocol)),
            Self::Mode(mark, verdict) => write!(f, "{mark} : {verdict}"),
        }
    }
}

/// A single address is written without its length, which nft takes for one, too.
fn net_text(f: &mut fmt::Formatter<'_>, net: IpNet) -> fmt::Result {
    if net.prefix_len() == net.max_prefix_len() { write!(f, "{}", net.addr()) } else { write!(f, "{}", net.trunc()) }
}

/// Names that every nft knows; others as numbers.
fn word(protocol: Protocol) -> String {
    match protocol {
        Protocol::ICMPV6 => "ipv6-icmp".to_owned(),
        other => other.to_string(),
    }
}

/// An address's octets.
pub(super) fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

impl Change {
    /// As a line of nft.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let done = match self {
            Self::Put { set, element, life } => {
                let life = life.map(|it| format!(" timeout {}s", it.as_secs().max(1))).unwrap_or_default();
                let words = element.to_string();
                // The timeout stands before a map's value.
                let (key, value) = words.split_once(" : ").unwrap_or((&words, ""));
                let colon = if value.is_empty() { "" } else { " : " };
                writeln!(text, "add element {} {} {{ {key}{life}{colon}{value} }}", set.table.words(), set.name)
            }
            Self::Take { set, element } => {
                let words = element.to_string();
                let key = words.split(" : ").next().unwrap_or_default();
                writeln!(text, "delete element {} {} {{ {key} }}", set.table.words(), set.name)
            }
        };
        done.map(|()| text).unwrap_or_default()
    }
}
