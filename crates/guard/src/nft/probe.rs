//! What this kernel and this `nft` can, found by asking: one small ruleset for each thing, checked and not loaded.

use std::collections::BTreeSet;

/// Something that kernels are built without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Probe {
    /// Sets of concatenated keys with intervals and timeouts, verdict maps, marks: nothing works without.
    Base,
    /// The bridge family.
    Bridge,
    /// Connections known in the bridge family (`nf_conntrack_bridge`).
    BridgeConntrack,
    /// Destination NAT in the inet family.
    Nat,
    /// Refusing with an ICMP message.
    Reject,
    /// Counting connections a key.
    ConnectionLimit,
    /// The reverse path of an address.
    Fib,
    /// Telling user space over NFLOG.
    Log,
    /// SYN proxy for protected services.
    Synproxy,
}

impl Probe {
    /// All, in the order they are asked.
    pub const ALL: [Self; 9] = [
        Self::Base,
        Self::Bridge,
        Self::BridgeConntrack,
        Self::Nat,
        Self::Reject,
        Self::ConnectionLimit,
        Self::Fib,
        Self::Log,
        Self::Synproxy,
    ];

    /// The ruleset to check.
    pub fn snippet(self) -> String {
        let (family, hook, rule) = match self {
            Self::Base => {
                return "table inet fleetward_probe {\n  map m {\n    type ether_addr : mark\n  }\n  set s {\n    typeof meta mark . ip daddr . meta l4proto . th dport\n    flags interval, timeout\n  }\n  map v {\n    type mark : verdict\n  }\n  chain c {\n    type filter hook forward priority filter; policy accept;\n    meta mark set ether saddr map @m\n    ct state established accept\n    meta mark . ip daddr . meta l4proto . th dport @s accept\n    meta mark vmap @v\n  }\n}\n".to_owned();
            }
            Self::Bridge => ("bridge", "forward", "ether saddr 02:00:00:00:00:01 drop"),
            Self::BridgeConntrack => ("bridge", "forward", "ct state established accept"),
            Self::Nat => {
                return "table inet fleetward_probe {\n  chain c {\n    type nat hook prerouting priority dstnat; policy accept;\n    udp dport 53 dnat ip to 192.0.2.1\n  }\n}\n".to_owned();
            }
            Self::Reject => ("inet", "forward", "reject with icmpx admin-prohibited"),
            Self::ConnectionLimit => {
                return "table inet fleetward_probe {\n  set s {\n    type ether_addr\n    flags dynamic\n    size 16\n  }\n  chain c {\n    type filter hook forward priority filter; policy accept;\n    ct state new add @s { ether saddr ct count over 8 } drop\n  }\n}\n".to_owned();
            }
            Self::Fib => ("inet", "prerouting", "fib saddr . iif oif missing drop"),
            Self::Log => ("inet", "forward", "log group 100 snaplen 96"),
            Self::Synproxy => ("inet", "input", "tcp flags syn synproxy mss 1460 wscale 7"),
        };
        format!(
            "table {family} fleetward_probe {{\n  chain c {{\n    type filter hook {hook} priority filter; policy accept;\n    {rule}\n  }}\n}}\n"
        )
    }

    /// What is done where it is missing, in words.
    pub fn without(self) -> &'static str {
        match self {
            Self::Base => "this kernel's nftables is too old or not there: nothing can be enforced",
            Self::Bridge => "no bridge family: devices on one link are not isolated from each other by this machine",
            Self::BridgeConntrack => {
                "no conntrack for bridges: rules between devices are stateless (a UDP packet from an allowed port passes as a reply)"
            }
            Self::Nat => "no destination NAT: questions to foreign resolvers are judged by the profile, not redirected",
            Self::Reject => "no reject: what is refused is dropped in silence",
            Self::ConnectionLimit => "no connection counts: only new connections a second are limited",
            Self::Fib => "no reverse path lookup: source addresses on routed interfaces are not checked",
            Self::Log => "no NFLOG: what is refused is counted, not told",
            Self::Synproxy => "no SYN proxy",
        }
    }
}

/// What there is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Features(BTreeSet<Probe>);

impl Features {
    /// Everything: for a text that is only to be read.
    pub fn all() -> Self {
        Self(Probe::ALL.into())
    }

    /// Asks `check` about each snippet.
    pub fn ask(mut check: impl FnMut(&str) -> bool) -> Self {
        Self(Probe::ALL.into_iter().filter(|probe| check(&probe.snippet())).collect())
    }

    /// Everything but this.
    #[must_use]
    pub fn without(mut self, probe: Probe) -> Self {
        self.0.remove(&probe);
        self
    }

    /// It is there.
    pub fn has(&self, probe: Probe) -> bool {
        self.0.contains(&probe)
    }

    /// What is missing and what that means.
    pub fn missing(&self) -> impl Iterator<Item = (Probe, &'static str)> + '_ {
        Probe::ALL.into_iter().filter(|it| !self.has(*it)).map(|it| (it, it.without()))
    }
}
