//! What an audit learnt of a host: values that the journal keeps and `judge` reads.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// TCP or UDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP (RFC 9293).
    Tcp,
    /// UDP (RFC 768).
    Udp,
}

/// What is known of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortState {
    /// It answered.
    Open,
    /// It refused: RST, or ICMP port unreachable.
    Closed,
    /// Nothing came back: dropped on the way, or the host limits its answers. Not a synonym of closed.
    Unknown,
}

/// One address, audited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Where.
    pub address: IpAddr,
    /// The inventory's name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Box<str>>,
    /// The inventory's model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Box<str>>,
    /// How far the audit came.
    pub outcome: Outcome,
    /// Open ports with what speaks there, by transport and number.
    pub open: Vec<OpenPort>,
    /// How many ports were asked, and how many of them said nothing.
    pub asked: u32,
    /// Of those, closed.
    pub closed: u32,
    /// Of those, without an answer.
    pub unknown: u32,
    /// Ports that answered, open or closed, as [`crate::ports::PortSet`] writes them: what this audit can tell of.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub settled: Box<str>,
}

/// How far the audit of a host came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All that was asked was done.
    Done,
    /// It never answered anything.
    Silent,
    /// It answered, then stopped: the audit left it alone.
    FellSilent,
    /// The audit was ended before it was done.
    Cut,
}

/// A port that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPort {
    /// TCP or UDP.
    pub transport: Transport,
    /// Its number.
    pub port: u16,
    /// What speaks there, where it could be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
}

/// What speaks at a port.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its protocol: `http`, `ssh`, `telnet`, `mqtt` ...; `unknown` with a banner.
    pub protocol: Box<str>,
    /// Inside TLS (or DTLS).
    #[serde(default)]
    pub encrypted: bool,
    /// Product, as stated: `dropbear`, `lighttpd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<Box<str>>,
    /// Version, as stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Box<str>>,
    /// Model of the device, where the service says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_model: Option<Box<str>>,
    /// CPE 2.3, where product and version are sure enough to look vulnerabilities up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpe: Option<Box<str>>,
    /// The words that showed it: at most 256 printable characters, secrets left out.
    #[serde(default)]
    pub evidence: Box<str>,
    /// Who may use it, as far as was seen.
    #[serde(default)]
    pub access: Access,
    /// What it says of its encryption, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// SSH algorithms offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<Ssh>,
    /// Whatever else a protocol tells of itself: `realm`, `communities`, `engine_id`, `anonymous` ...
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<Box<str>, Box<str>>,
}

/// Who may use a service.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Not looked at.
    #[default]
    Unasked,
    /// Anybody: it asked for nothing.
    Anybody,
    /// It asks who one is.
    Asks {
        /// How: `basic`, `digest`, `form`, `password`, `publickey`, `community` ...
        methods: Vec<Box<str>>,
    },
    /// A rule opened it.
    Opened {
        /// Which rule of which list: `well-known:3`, `empty`, `user-is-password`. Never the password.
        by: Box<str>,
        /// The account's name.
        account: Box<str>,
        /// Keyed fingerprint of the password (HMAC-SHA-256, first 16 octets, hexadecimal): equal ones are recycled.
        fingerprint: Box<str>,
    },
    /// It asked, and nothing that was tried opened it.
    Held {
        /// Attempts made.
        attempts: u32,
    },
    /// It locks, or began to: no more attempts.
    Locks {
        /// Attempts made before.
        attempts: u32,
    },
}

/// What a TLS endpoint accepts.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// Versions accepted: `ssl3`, `tls1.0`, `tls1.1`, `tls1.2`, `tls1.3`.
    pub versions: Vec<Box<str>>,
    /// Suites accepted, by IANA name, each with the highest version that took it.
    pub suites: Vec<Box<str>>,
    /// The leaf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
    /// The server asks for a certificate of the client.
    #[serde(default)]
    pub asks_client: bool,
    /// Insecure renegotiation (no RFC 5746) in TLS 1.2 and below.
    #[serde(default)]
    pub insecure_renegotiation: bool,
    /// It compresses what it encrypts.
    #[serde(default)]
    pub compression: bool,
    /// Bits of the shortest prime by which it exchanges keys (DHE).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dh_bits: Option<u32>,
    /// Groups of elliptic curves that it chose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Box<str>>,
    /// Certificates that it showed, its own included.
    #[serde(default)]
    pub chain: u32,
    /// Hellos that were said to it.
    #[serde(default)]
    pub hellos: u32,
    /// Why it may accept more than is listed here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<Box<str>>,
}

/// The leaf certificate.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: Box<str>,
    /// SHA-256 of its public key (`SubjectPublicKeyInfo`), hexadecimal.
    pub key_sha256: Box<str>,
    /// Subject, RFC 4514.
    pub subject: Box<str>,
    /// Issuer, RFC 4514.
    pub issuer: Box<str>,
    /// Names and addresses (SAN).
    pub names: Vec<Box<str>>,
    /// Not before, Unix seconds.
    pub not_before: i64,
    /// Not after, Unix seconds.
    pub not_after: i64,
    /// `rsa`, `ec`, `ed25519`.
    pub key: Box<str>,
    /// Bits of the key.
    pub key_bits: u32,
    /// Signature algorithm, e.g. `sha1WithRSAEncryption`.
    pub signature: Box<str>,
    /// It signed itself.
    pub self_signed: bool,
    /// Where revocation can be asked (CRL, OCSP).
    pub revocation: Vec<Box<str>>,
}

/// What an SSH server offers (RFC 4253 §7.1) and who it is.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ssh {
    /// Key exchange.
    pub kex: Vec<Box<str>>,
    /// Host keys' algorithms.
    pub host_keys: Vec<Box<str>>,
    /// Ciphers, server to client.
    pub ciphers: Vec<Box<str>>,
    /// MACs, server to client.
    pub macs: Vec<Box<str>>,
    /// SHA-256 of the host key that it proved, hexadecimal, and its algorithm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<(Box<str>, Box<str>)>,
    /// Bits of its RSA host key, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsa_bits: Option<u32>,
}
