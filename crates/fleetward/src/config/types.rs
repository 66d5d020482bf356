//! The shape of `fleetward.yaml`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use fleetward_detect::{AlarmBudget, BaselineSettings};
use fleetward_fleet::Mac;
use ipnet::IpNet;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

use super::place::{Address, Bytes, Socket, Span};
use super::secret::SecretRef;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default = "default_data")]
    pub(crate) data: PathBuf,
    #[serde(default)]
    pub(crate) radius: Radius,
    #[serde(default)]
    pub(crate) journal: Journal,
    #[serde(default = "default_snapshot")]
    pub(crate) snapshot_every: Span,
    #[serde(default)]
    pub(crate) api: Api,
    #[serde(default = "default_models")]
    pub(crate) models: PathBuf,
    #[serde(default = "default_rules")]
    pub(crate) rules: PathBuf,
    #[serde(default = "yes")]
    pub(crate) builtin_rules: bool,
    #[serde(default)]
    pub(crate) disable_rules: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) channels: BTreeMap<String, Channel>,
    #[serde(default)]
    pub(crate) automation: Automation,
    #[serde(default)]
    pub(crate) baseline: Baseline,
    #[serde(default)]
    pub(crate) sources: Vec<Source>,
    #[serde(default)]
    pub(crate) capture: Capture,
    #[serde(default)]
    pub(crate) enforce: Option<super::Enforce>,
    #[serde(default)]
    pub(crate) audit: Audit,
    #[serde(default)]
    pub(crate) log: Log,
}

/// `audit:`: which networks may be probed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Audit {
    /// The owner's networks. Nothing outside is ever touched.
    pub(crate) networks: Vec<Address>,
}

/// `capture:`: where packets are seen, and what the network there is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Capture {
    /// Networks in which devices live.
    pub(crate) local: Vec<Address>,
    /// Hardware addresses of their routers.
    pub(crate) routers: Vec<Mac>,
    /// Resolvers that they were given; without any, the routers.
    pub(crate) resolvers: Vec<IpAddr>,
    /// Time servers that they were given.
    pub(crate) clocks: Vec<IpAddr>,
    /// Lists of names that devices should not call: one a line, or a hosts file.
    pub(crate) trackers: Vec<PathBuf>,
    /// Lists of names of resolvers over HTTPS.
    pub(crate) doh: Vec<PathBuf>,
    /// How often what a device did is summed up for the journal.
    pub(crate) flush_every: Span,
    pub(crate) sources: Vec<CaptureSource>,
}

impl Default for Capture {
    fn default() -> Self {
        Self {
            local: Vec::new(),
            routers: Vec::new(),
            resolvers: Vec::new(),
            clocks: Vec::new(),
            trackers: Vec::new(),
            doh: Vec::new(),
            flush_every: Span(Duration::from_mins(1)),
            sources: Vec::new(),
        }
    }
}

/// One place where packets (or flows) are seen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaptureSource {
    pub(crate) name: Spanned<String>,
    /// An interface that is listened to.
    #[serde(default)]
    pub(crate) interface: Option<String>,
    /// A capture that is read once, or a named pipe that is read as it comes.
    #[serde(default)]
    pub(crate) file: Option<PathBuf>,
    /// Where a gateway sends IPFIX or NetFlow v9 to.
    #[serde(default)]
    pub(crate) ipfix: Option<Socket>,
    /// The gateways that may; their datagrams carry no proof of who sent them.
    #[serde(default)]
    pub(crate) from: Vec<Address>,
    /// Also frames that are for others.
    #[serde(default = "yes")]
    pub(crate) promiscuous: bool,
    /// Room for frames that wait.
    #[serde(default = "default_ring")]
    pub(crate) ring: Bytes,
    /// As in `sources:`.
    #[serde(default)]
    pub(crate) silent_after: Option<Span>,
}

fn default_ring() -> Bytes {
    Bytes(32 << 20)
}

/// `baseline:`: how many alarms the baselines may raise, and where they are off.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Baseline {
    pub(crate) learn: bool,
    /// Over the whole fleet.
    pub(crate) alarms_per_day: Option<Spanned<f64>>,
    /// For each device, in a month of 730 hours.
    pub(crate) false_alarms_per_device_month: Option<Spanned<f64>>,
    pub(crate) floor: Bytes,
    /// Models whose baseline is not learnt.
    pub(crate) off_for: Vec<Spanned<String>>,
}

impl Default for Baseline {
    fn default() -> Self {
        let floor = Bytes(BaselineSettings::default().floor);
        Self { learn: true, alarms_per_day: None, false_alarms_per_device_month: None, floor, off_for: Vec::new() }
    }
}

impl Baseline {
    /// As detection takes it; `None`: nothing is learnt.
    pub(crate) fn settings(&self) -> Option<BaselineSettings> {
        let default = BaselineSettings::default();
        let budget = match (&self.alarms_per_day, &self.false_alarms_per_device_month) {
            (Some(alarms), _) => AlarmBudget::AlarmsPerDay(alarms.value),
            (None, Some(rate)) => AlarmBudget::PerDeviceMonth(rate.value),
            (None, None) => default.budget,
        };
        self.learn.then_some(BaselineSettings { budget, floor: self.floor.0 })
    }
}

/// A source that is expected to speak: a gateway, or a token that tells observations.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) name: Spanned<String>,
    pub(crate) silent_after: Span,
}

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

/// `journal:`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Journal {
    pub(crate) segment: Bytes,
    pub(crate) keep_days: u32,
    pub(crate) keep_bytes: Bytes,
}

impl Default for Journal {
    fn default() -> Self {
        Self { segment: Bytes(64 << 20), keep_days: 400, keep_bytes: Bytes(50_000_000_000) }
    }
}

/// `api:`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Api {
    pub(crate) listen: Socket,
    pub(crate) tls: Spanned<Tls>,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            listen: Socket(([127, 0, 0, 1], 8443).into()),
            tls: Spanned::new(Tls::Auto, Location::UNKNOWN, Location::UNKNOWN),
        }
    }
}

/// `api.tls:`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tls {
    /// A self-signed certificate in the data folder.
    Auto,
    /// Plain HTTP, on loopback only.
    Off,
    /// A certificate of the operator's.
    Files {
        /// PEM, leaf first.
        certificate: PathBuf,
        /// PEM.
        key: PathBuf,
    },
}

/// How people write it; `off` is a boolean in YAML 1.1.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenTls {
    Switch(bool),
    Word(String),
    Files { certificate: PathBuf, key: PathBuf },
}

impl<'de> Deserialize<'de> for Tls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom("write `tls: auto`, `tls: off` or `tls: { certificate: FILE, key: FILE }`");
        match WrittenTls::deserialize(deserializer) {
            Ok(WrittenTls::Switch(true)) => Ok(Self::Auto),
            Ok(WrittenTls::Switch(false)) => Ok(Self::Off),
            Ok(WrittenTls::Word(word)) if word == "auto" => Ok(Self::Auto),
            Ok(WrittenTls::Word(word)) if word == "off" => Ok(Self::Off),
            Ok(WrittenTls::Files { certificate, key }) => Ok(Self::Files { certificate, key }),
            Ok(WrittenTls::Word(_)) | Err(_) => Err(wrong()),
        }
    }
}

/// Somebody to tell.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Channel {
    /// Standard Webhooks.
    Webhook { url: String, secret: Spanned<SecretRef> },
    /// SMTP.
    Mail {
        server: String,
        from: String,
        to: Vec<String>,
        #[serde(default)]
        user: Option<String>,
        #[serde(default)]
        password: Option<Spanned<SecretRef>>,
    },
    /// RFC 5424 over TLS (RFC 5425); plain TCP to loopback only.
    Syslog {
        to: String,
        #[serde(default)]
        ca: Option<PathBuf>,
        #[serde(default = "yes")]
        tls: bool,
    },
}

/// `automation:`
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Automation {
    pub(crate) devices_per_hour: u32,
    pub(crate) percent_of_group: u32,
}

impl Default for Automation {
    fn default() -> Self {
        Self { devices_per_hour: 50, percent_of_group: 20 }
    }
}

/// `log:`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: LogLevel,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: LogLevel::Info }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Which log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

fn default_data() -> PathBuf {
    "data".into()
}

fn default_models() -> PathBuf {
    "models".into()
}

fn default_rules() -> PathBuf {
    "rules".into()
}

fn default_snapshot() -> Span {
    Span(Duration::from_mins(1))
}

fn default_deadline() -> Span {
    Span(Duration::from_secs(30))
}

fn default_keys() -> Vec<Vec<DisconnectKey>> {
    vec![vec![DisconnectKey::AcctSessionId]]
}

fn yes() -> bool {
    true
}
