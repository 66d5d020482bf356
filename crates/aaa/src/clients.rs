//! The RADIUS clients (NASes, proxies) that we talk to, found by source address or by certificate.
//!
//! # Invariants
//!
//! * **A client is never found by what a packet says** (NAS-IP-Address, NAS-Identifier), only by where it came from.
//! * **Message-Authenticator is required** unless the client's entry says otherwise, and that is warned about at every
//!   start (CVE-2024-3596).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use fleetward_fleet::Secret;
use ipnet::IpNet;

/// One configured client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Unique name; it is the `nas` of sessions and the `source` of observations.
    pub name: Box<str>,
    /// Where its packets come from.
    pub peer: Peer,
    /// The shared secret. Not used over `RadSec`, where it is `radsec` (RFC 6614 §2.3).
    pub secret: Secret,
    /// What names the device in its packets.
    pub identity: IdentityFrom,
    /// How logins prove themselves.
    pub password: PasswordPolicy,
    /// Accept an Access-Request without Message-Authenticator, if it carries no Proxy-State (limit-proxy-state).
    pub legacy_pap_without_ma: bool,
}

/// Where a client's packets come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// UDP from an address in this network; the longest prefix wins.
    Net(IpNet),
    /// `RadSec` with a certificate of our CA. Everything that is stated must match.
    Certificate {
        /// SHA-256 of the certificate's DER form.
        fingerprint: Option<[u8; 32]>,
        /// A DNS name among its subject alternative names (compared without case; no wildcards).
        dns: Option<Box<str>>,
    },
}

/// What names the device.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum IdentityFrom {
    /// 3GPP-IMSI (TS 29.061 §16.4.7.2, sub-attribute 1): said by the network. The default, and the only one for SIMs.
    #[default]
    Imsi,
    /// User-Name, as a login: VPN gateways.
    UserName,
    /// Calling-Station-Id: an IMSI where it is 14 or 15 digits, else a login (a MAC address behind a switch).
    CallingStationId,
}

/// How an Access-Request proves itself beyond coming from this client.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum PasswordPolicy {
    /// Not at all: the network authenticated the SIM already. User-Password is ignored.
    #[default]
    NetworkAuthenticated,
    /// PAP or CHAP against the configured [`crate::Logins`].
    Required,
}

/// Why the clients were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Two clients have one name.
    #[error("two RADIUS clients are called {0:?}; give each its own name")]
    SameName(Box<str>),
    /// Two clients claim the same packets.
    #[error("the RADIUS clients {0:?} and {1:?} have the same address or certificate; remove one")]
    SamePeer(Box<str>, Box<str>),
    /// An empty secret protects nothing.
    #[error("the RADIUS client {0:?} has an empty secret; state one of at least 16 characters")]
    NoSecret(Box<str>),
    /// A certificate client that states nothing would match every certificate.
    #[error("the RADIUS client {0:?} states neither a fingerprint nor a DNS name; state at least one")]
    AnyCertificate(Box<str>),
    /// No name.
    #[error("a RADIUS client has no name")]
    NoName,
}

/// All clients, ready for look-up.
#[derive(Debug, Default)]
pub struct ClientTable {
    clients: Vec<Arc<Client>>,
    by_net: HashMap<IpNet, Arc<Client>>,
    lengths_v4: Vec<u8>,
    lengths_v6: Vec<u8>,
}

impl ClientTable {
    /// Checks and indexes them.
    pub fn new(clients: Vec<Client>) -> Result<Self, ClientError> {
        let mut table = Self::default();
        for client in clients {
            table.add(Arc::new(client))?;
        }
        for lengths in [&mut table.lengths_v4, &mut table.lengths_v6] {
            lengths.sort_unstable_by(|a, b| b.cmp(a));
            lengths.dedup();
        }
        Ok(table)
    }

    fn add(&mut self, client: Arc<Client>) -> Result<(), ClientError> {
        if client.name.is_empty() {
            return Err(ClientError::NoName);
        }
        if self.clients.iter().any(|other| other.name == client.name) {
            return Err(ClientError::SameName(client.name.clone()));
        }
        match &client.peer {
            Peer::Net(_) if client.secret.reveal().is_empty() => {
                return Err(ClientError::NoSecret(client.name.clone()));
            }
            Peer::Net(net) => {
                let net = net.trunc();
                if let Some(other) = self.by_net.insert(net, Arc::clone(&client)) {
                    return Err(ClientError::SamePeer(other.name.clone(), client.name.clone()));
                }
                match net {
                    IpNet::V4(net) => self.lengths_v4.push(net.prefix_len()),
                    IpNet::V6(net) => self.lengths_v6.push(net.prefix_len()),
                }
            }
            Peer::Certificate { fingerprint: None, dns: None } => {
                return Err(ClientError::AnyCertificate(client.name.clone()));
            }
            peer @ Peer::Certificate { .. } => {
                if let Some(other) = self.clients.iter().find(|other| other.peer == *peer) {
                    return Err(ClientError::SamePeer(other.name.clone(), client.name.clone()));
                }
            }
        }
        self.clients.push(client);
        Ok(())
    }

    /// The client at this address: the longest prefix that holds it. An IPv4-mapped IPv6 address counts as IPv4.
    pub fn by_address(&self, address: IpAddr) -> Option<&Arc<Client>> {
        let address = address.to_canonical();
        let lengths = if address.is_ipv4() { &self.lengths_v4 } else { &self.lengths_v6 };
        lengths.iter().find_map(|&length| self.by_net.get(&IpNet::new(address, length).ok()?.trunc()))
    }

    /// The client with this certificate. One that states the fingerprint goes before one that states only a name.
    pub fn by_certificate(&self, fingerprint: &[u8; 32], dns_names: &[String]) -> Option<&Arc<Client>> {
        let fits = |client: &&Arc<Client>| match &client.peer {
            Peer::Net(_) => false,
            Peer::Certificate { fingerprint: wanted, dns } => {
                wanted.as_ref().is_none_or(|wanted| wanted == fingerprint)
                    && dns.as_ref().is_none_or(|dns| dns_names.iter().any(|name| name.eq_ignore_ascii_case(dns)))
            }
        };
        let pinned = |client: &&Arc<Client>| matches!(client.peer, Peer::Certificate { fingerprint: Some(_), .. });
        self.clients.iter().filter(fits).max_by_key(pinned)
    }

    /// All of them, in configured order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.iter()
    }

    /// What the operator should hear at every start, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for client in &self.clients {
            if client.legacy_pap_without_ma {
                warnings.push(format!(
                    "RADIUS client {:?} may send Access-Requests without Message-Authenticator \
                     (legacy_pap_without_ma): anyone between it and us can forge admissions (CVE-2024-3596). \
                     Update the NAS and remove the exception.",
                    client.name
                ));
            }
            let short = client.secret.reveal().len() < 16;
            if short && matches!(client.peer, Peer::Net(_)) {
                warnings.push(format!(
                    "The secret of RADIUS client {:?} is shorter than 16 octets: it can be guessed from one captured \
                     packet (RFC 2865 §3).",
                    client.name
                ));
            }
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str, net: &str) -> Client {
        Client {
            name: name.into(),
            peer: Peer::Net(net.parse().unwrap()),
            secret: Secret::new("0123456789abcdef"),
            identity: IdentityFrom::Imsi,
            password: PasswordPolicy::default(),
            legacy_pap_without_ma: false,
        }
    }

    fn certificate(name: &str, fingerprint: Option<[u8; 32]>, dns: Option<&str>) -> Client {
        let peer = Peer::Certificate { fingerprint, dns: dns.map(Into::into) };
        Client { peer, ..client(name, "192.0.2.1/32") }
    }

    #[test]
    fn the_longest_prefix_wins_and_mapped_addresses_are_ipv4() {
        let table = ClientTable::new(vec![
            client("wide", "10.0.0.0/8"),
            client("narrow", "10.1.2.3/24"),
            client("six", "2001:db8::/32"),
            client("six-host", "2001:db8::1/128"),
        ])
        .unwrap();
        let name = |address: &str| table.by_address(address.parse().unwrap()).map(|c| &*c.name);
        assert_eq!(name("10.1.2.9"), Some("narrow"));
        assert_eq!(name("10.1.3.9"), Some("wide"));
        assert_eq!(name("::ffff:10.1.2.9"), Some("narrow"));
        assert_eq!(name("2001:db8::1"), Some("six-host"));
        assert_eq!(name("2001:db8::2"), Some("six"));
        assert_eq!(name("11.0.0.1"), None);
        assert_eq!(name("2001:db9::1"), None);
    }

    #[test]
    fn a_certificate_must_match_everything_that_is_stated() {
        let table = ClientTable::new(vec![
            certificate("by-name", None, Some("pgw.example")),
            certificate("pinned", Some([1; 32]), Some("pgw.example")),
        ])
        .unwrap();
        let find = |print: u8, dns: &str| table.by_certificate(&[print; 32], &[dns.to_owned()]).map(|c| &*c.name);
        assert_eq!(find(1, "PGW.example"), Some("pinned"));
        assert_eq!(find(2, "pgw.example"), Some("by-name"));
        assert_eq!(find(1, "other.example"), None);
    }

    #[test]
    fn mistakes_are_named() {
        let error = |clients| ClientTable::new(clients).err().unwrap().to_string();
        assert!(error(vec![client("a", "10.0.0.0/8"), client("a", "11.0.0.0/8")]).contains("\"a\""));
        assert!(error(vec![client("a", "10.0.0.1/8"), client("b", "10.0.0.0/8")]).contains("same address"));
        assert!(error(vec![Client { secret: Secret::new(""), ..client("a", "10.0.0.0/8") }]).contains("empty secret"));
        assert!(error(vec![certificate("c", None, None)]).contains("neither"));
    }

    #[test]
    fn a_legacy_client_is_warned_about_and_its_secret_is_not_shown() {
        let legacy = Client { legacy_pap_without_ma: true, secret: Secret::new("hush"), ..client("old", "10.0.0.0/8") };
        let warnings = ClientTable::new(vec![legacy]).unwrap().warnings();
        assert_eq!(warnings.len(), 2);
        assert!(warnings.iter().all(|w| w.contains("\"old\"") && !w.contains("hush")));
    }
}
