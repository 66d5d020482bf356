//! `radius:`: gateways, and how they speak.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

use super::super::place::{Address, Bytes, Socket, Span};
use super::super::secret::SecretRef;
use super::yes;

/// `radius:`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Radius {
    pub(crate) authentication: Vec<Socket>,
    pub(crate) accounting: Vec<Socket>,
    pub(crate) threads: usize,
    pub(crate) receive_buffer: Bytes,
    pub(crate) radsec: Option<Radsec>,
    pub(crate) clients: Vec<Client>,
    pub(crate) logins: Option<PathBuf>,
}

impl Default for Radius {
    fn default() -> Self {
        Self {
            authentication: vec![Socket(([127, 0, 0, 1], 1812).into())],
            accounting: vec![Socket(([127, 0, 0, 1], 1813).into())],
            threads: 2,
            receive_buffer: Bytes(16 << 20),
            radsec: None,
            clients: Vec::new(),
            logins: None,
        }
    }
}

/// `radius.radsec:`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Radsec {
    pub(crate) listen: Vec<Socket>,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) client_ca: PathBuf,
}

/// One gateway.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    pub(crate) name: Spanned<String>,
    #[serde(default)]
    pub(crate) address: Option<Address>,
    #[serde(default)]
    pub(crate) certificate: Option<Certificate>,
    #[serde(default)]
    pub(crate) secret: Option<Spanned<SecretRef>>,
    #[serde(default)]
    pub(crate) identity: IdentityKind,
    #[serde(default)]
    pub(crate) password: Option<PasswordKind>,
    #[serde(default)]
    pub(crate) legacy_pap_without_ma: bool,
    #[serde(default)]
    pub(crate) disconnect: Option<Disconnect>,
}

impl Client {
    /// How its requests prove themselves.
    pub(crate) fn password(&self) -> PasswordKind {
        let by_identity =
            if self.identity == IdentityKind::Imsi { PasswordKind::Network } else { PasswordKind::Required };
        self.password.unwrap_or(by_identity)
    }

    /// The network that its packets come from; `None` for a client known by certificate alone.
    pub(crate) fn net(&self) -> Option<IpNet> {
        self.address.map(|address| address.0)
    }
}

/// By which certificate a RadSec client is known.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Certificate {
    /// SHA-256 of the certificate (DER), 64 hexadecimal digits, colons allowed.
    #[serde(default)]
    pub(crate) sha256: Option<String>,
    /// A DNS name among its subject alternative names.
    #[serde(default)]
    pub(crate) san: Option<String>,
}

impl Certificate {
    /// The 32 octets of the fingerprint, where one is stated.
    pub(crate) fn fingerprint(&self) -> Result<Option<[u8; 32]>, String> {
        let Some(text) = &self.sha256 else { return Ok(None) };
        let digits: String = text.chars().filter(|c| *c != ':').collect();
        let wrong =
            || format!("{text:?} is no SHA-256 fingerprint: 64 hexadecimal digits (openssl x509 -fingerprint -sha256)");
        if digits.len() != 64 || !digits.is_ascii() {
            return Err(wrong());
        }
        let mut octets = [0; 32];
        for (at, octet) in octets.iter_mut().enumerate() {
            *octet = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Some(octets))
    }
}

/// What names the device in a packet.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum IdentityKind {
    #[default]
    Imsi,
    UserName,
    CallingStationId,
}

/// How an Access-Request proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PasswordKind {
    /// The network has authenticated the SIM; the default for `identity: imsi`.
    Network,
    /// PAP or CHAP against `radius.logins`; the default elsewhere.
    Required,
}

impl<'de> Deserialize<'de> for PasswordKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error must not repeat what was written: somebody may have taken this for the place of a password.
        match String::deserialize(deserializer).as_deref() {
            Ok("network") => Ok(Self::Network),
            Ok("required") => Ok(Self::Required),
            _ => Err(D::Error::custom(
                "write `password: network` or `password: required`; passwords stand in the file that `radius.logins` names",
            )),
        }
    }
}

/// How a gateway ends a session when asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Disconnect {
    pub(crate) to: Socket,
    pub(crate) secret: Spanned<SecretRef>,
    #[serde(default = "default_keys")]
    pub(crate) keys: Vec<Vec<DisconnectKey>>,
    #[serde(default = "yes")]
    pub(crate) event_timestamp: bool,
    #[serde(default = "yes")]
    pub(crate) message_authenticator: bool,
    #[serde(default = "default_deadline")]
    pub(crate) deadline: Span,
    /// The gateway matches on User-Name alone, and it is known that this may end several sessions.
    #[serde(default)]
    pub(crate) shared_user_names: bool,
}

/// An attribute that identifies a session to a gateway (RFC 5176 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DisconnectKey {
    AcctSessionId,
    AcctMultiSessionId,
    UserName,
    #[serde(rename = "3gpp-imsi")]
    Imsi,
    #[serde(rename = "3gpp-nsapi")]
    Nsapi,
    FramedIpAddress,
    CallingStationId,
    CalledStationId,
    NasIdentifier,
    NasIpAddress,
}

fn default_deadline() -> Span {
    Span(Duration::from_secs(30))
}

fn default_keys() -> Vec<Vec<DisconnectKey>> {
    vec![vec![DisconnectKey::AcctSessionId]]
}
