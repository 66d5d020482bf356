//! What the server is started with.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use fleetward_fleet::Secret;

use crate::Client;

/// Login → password, for clients with [`crate::PasswordPolicy::Required`]. In clear, because CHAP needs it so.
pub type Logins = HashMap<Box<str>, Secret>;

/// Everything but the parts that are shared with the rest of the program.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where Access-Requests come (usually port 1812). Port 0: any free one.
    pub auth: Vec<SocketAddr>,
    /// Where Accounting-Requests come (usually port 1813).
    pub acct: Vec<SocketAddr>,
    /// `RadSec`, if wanted.
    pub radsec: Option<RadSecConfig>,
    /// Who may talk to us.
    pub clients: Vec<Client>,
    /// Passwords of logins.
    pub logins: Logins,
    /// Receive threads (and sockets, by `SO_REUSEPORT`) per address.
    pub threads: usize,
    /// Receive buffer to ask the kernel for, octets per socket. What it granted is read back and warned about.
    pub receive_buffer: usize,
    /// Access-Requests remembered per socket for their retransmissions, about 200 octets each.
    pub duplicates: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            auth: Vec::new(),
            acct: Vec::new(),
            radsec: None,
            clients: Vec::new(),
            logins: Logins::new(),
            threads: 1,
            receive_buffer: 4 << 20,
            duplicates: 65_536,
        }
    }
}

/// `RadSec` (RFC 6614): TLS 1.3 with certificates on both sides.
#[derive(Debug, Clone)]
pub struct RadSecConfig {
    /// Where (usually port 2083).
    pub listen: Vec<SocketAddr>,
    /// Our certificate and its chain, PEM.
    pub certificate_pem: Vec<u8>,
    /// Its private key, PEM.
    pub key_pem: Secret,
    /// The authorities whose client certificates are accepted, PEM. Being signed by them is not enough: the
    /// certificate must also belong to a configured client.
    pub client_ca_pem: Vec<u8>,
    /// Connections at a time; more are closed at once.
    pub max_connections: usize,
    /// A handshake must be done in this time.
    pub handshake_timeout: Duration,
    /// A connection on which nothing came for this long is closed.
    pub idle_timeout: Duration,
}

impl RadSecConfig {
    /// With the usual limits.
    pub fn new(listen: Vec<SocketAddr>, certificate_pem: Vec<u8>, key_pem: Secret, client_ca_pem: Vec<u8>) -> Self {
        Self {
            listen,
            certificate_pem,
            key_pem,
            client_ca_pem,
            max_connections: 1024,
            handshake_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(10),
        }
    }
}
