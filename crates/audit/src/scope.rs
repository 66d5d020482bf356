//! Which addresses are the owner's. Nothing is touched that is not in a [`Scope`].

use std::net::IpAddr;

use ipnet::IpNet;

/// The networks that the owner listed as theirs.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    networks: Vec<IpNet>,
    public_is_ours: bool,
}

/// An address that may be touched. Only [`Scope::admit`] makes one, so who holds one was allowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target(IpAddr);

impl Target {
    /// The address.
    pub fn address(self) -> IpAddr {
        self.0
    }
}

/// Why an address is not touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// In no network of the owner.
    #[error("{0} is in none of the networks listed as yours")]
    NotListed(IpAddr),
    /// Public, and nobody stated that public addresses are the owner's.
    #[error("{0} is a public address")]
    Public(IpAddr),
    /// Multicast, broadcast, unspecified: not a host.
    #[error("{0} is not the address of one host")]
    NotAHost(IpAddr),
}

impl Scope {
    /// The owner's networks. `public_is_ours` is the explicit statement (logged by the caller) that those of them that
    /// are public belong to the owner too.
    pub fn new(networks: Vec<IpNet>, public_is_ours: bool) -> Self {
        Self { networks, public_is_ours }
    }

    /// The address as a target, or why not. An IPv4 address in IPv6 clothes is judged as what it is.
    pub fn admit(&self, address: IpAddr) -> Result<Target, Refused> {
        let address = address.to_canonical();
        if address.is_multicast() || address.is_unspecified() || address == IpAddr::from([255, 255, 255, 255]) {
            return Err(Refused::NotAHost(address));
        }
        if !self.networks.iter().any(|network| network.contains(&address)) {
            return Err(Refused::NotListed(address));
        }
        if is_public(address) && !self.public_is_ours {
            return Err(Refused::Public(address));
        }
        Ok(Target(address))
    }
}

/// Neither private (RFC 1918, RFC 6598, RFC 4193), loopback, link-local nor for documentation.
pub(crate) fn is_public(address: IpAddr) -> bool {
    const ELSEWHERE: [&str; 12] = [
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "192.0.2.0/24",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "fc00::/7",
        "fe80::/10",
        "2001:db8::/32",
    ];
    address != IpAddr::from(std::net::Ipv6Addr::LOCALHOST)
        && !ELSEWHERE.iter().any(|text| text.parse::<IpNet>().is_ok_and(|network| network.contains(&address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_and_private() {
        let scope = Scope::new(vec!["192.168.7.0/24".parse().unwrap(), "9.9.9.0/24".parse().unwrap()], false);
        let ask = |text: &str| scope.admit(text.parse().unwrap());
        assert_eq!(ask("192.168.7.9").unwrap().address(), IpAddr::from([192, 168, 7, 9]));
        assert_eq!(ask("::ffff:192.168.7.9").unwrap().address(), IpAddr::from([192, 168, 7, 9]));
        assert!(matches!(ask("192.168.8.9"), Err(Refused::NotListed(_))));
        assert!(matches!(ask("9.9.9.9"), Err(Refused::Public(_))));
        assert!(matches!(ask("224.0.0.1"), Err(Refused::NotAHost(_))));
        assert!(Scope::new(vec!["9.9.9.0/24".parse().unwrap()], true).admit("9.9.9.9".parse().unwrap()).is_ok());
    }
}
