//! What one sensor saw, at one moment, about one device. Immutable.

mod kind;

use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv6Net;
use serde::{Deserialize, Serialize};

use crate::{
    Call, Country, Device, DeviceId, Exposure, Flow, Identity, Imei, Imeisv, Login, Message, Msisdn, NetworkSign,
    PlannedChange, Plmn, SimChange, SourceState, Timestamp,
};

/// One observation: when it happened, when we learnt it, who saw it, about whom, and what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When it happened, by the source's clock if it has one (`Event-Timestamp`), else arrival minus the stated delay.
    pub event_time: Timestamp,
    /// When we learnt it, by our clock. A rule that needs to know how old its input is compares the two.
    pub observed_at: Timestamp,
    /// The configured name of the sensor (for RADIUS, of the client), never something a packet said.
    pub source: Box<str>,
    /// The device it is about; where it concerns all ([`Body::concerns_all`]), `DeviceId(0)`.
    pub device: DeviceId,
    /// By what the sensor knew the device.
    pub identity: Option<Identity>,
    /// What was seen.
    pub body: Body,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// RADIUS accounting of one session (RFC 2866).
    Session(Box<Session>),
    /// An answer to an Access-Request: the decision and what it was decided on.
    Admission(Box<Admission>),
    /// Accounting-On or -Off: every session that this NAS had is over (RFC 2866 §5.1). Goes to all partitions.
    NasReset(NasReset),
    /// A NAS said that a session which we believe open does not exist (Error-Cause 503).
    SessionVanished(SessionVanished),
    /// The inventory changed: the device as it is from now on, or that it is gone.
    DeviceChange(Box<DeviceChange>),
    /// Somebody says that a deviation is coming (or that it is over). Goes to all partitions; `device` is `DeviceId(0)`.
    PlannedChange(Box<PlannedChange>),
    /// Time passed. Silence and clearing are judged on ticks, so that a replay judges the same. Goes to all partitions.
    Tick,
    /// A conversation of packets.
    Flow(Box<Flow>),
    /// Short messages.
    Message(Box<Message>),
    /// A voice call.
    Call(Box<Call>),
    /// An attempt to log in to the device.
    Login(Box<Login>),
    /// A part of the SIM changed at its platform.
    SimChange(Box<SimChange>),
    /// A source fell silent or came back. Goes to all partitions.
    SourceState(Box<SourceState>),
    /// Something about its traffic does not fit, says a sensor that saw the packets.
    Network(Box<NetworkSign>),
    /// An audit asked what is open on it.
    Exposure(Box<Exposure>),
}

impl Body {
    /// It is about no single device and goes to every partition.
    pub fn concerns_all(&self) -> bool {
        matches!(self, Self::NasReset(_) | Self::Tick | Self::SourceState(_) | Self::PlannedChange(_))
    }
}

/// What names a session at one NAS: the configured client and its Acct-Session-Id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SessionKey {
    /// The configured name of the RADIUS client.
    pub nas: Box<str>,
    /// Acct-Session-Id (RFC 2866 §5.5), as text; octets that are not UTF-8 are escaped by the decoder.
    pub id: Box<str>,
}

/// Acct-Status-Type of a session record (RFC 2866 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// 1
    Start,
    /// 3
    Interim,
    /// 2
    Stop,
}

/// One accounting record. Counters are cumulative since the session's start, never deltas (RFC 2869 §2.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Which session.
    pub key: SessionKey,
    /// Start, interim or stop.
    pub status: SessionStatus,
    /// Octets from the device into the network: Acct-Input-Octets plus Gigawords · 2³² (RFC 2869 §5.1).
    pub bytes_up: u64,
    /// Octets to the device: Acct-Output-Octets plus Gigawords · 2³².
    pub bytes_down: u64,
    /// Packets from the device: Acct-Input-Packets (RFC 2866 §5.8), where stated. 32 bits; there are no Gigawords of packets.
    #[serde(default)]
    pub packets_up: Option<u32>,
    /// Packets to the device: Acct-Output-Packets (RFC 2866 §5.9), where stated.
    #[serde(default)]
    pub packets_down: Option<u32>,
    /// The record carried Gigawords attributes; where not, a decrease is a 32-bit wrap and is flagged, not guessed.
    pub has_gigawords: bool,
    /// Acct-Session-Time in seconds, where stated.
    pub session_secs: Option<u32>,
    /// Acct-Terminate-Cause of a stop (RFC 2866 §5.10).
    pub terminate_cause: Option<u32>,
    /// Framed-IP-Address; a Start may lack it.
    pub ip: Option<Ipv4Addr>,
    /// Framed-IPv6-Prefix.
    pub ipv6: Option<Ipv6Net>,
    /// Where and with what the device was attached.
    pub attach: Attach,
    /// User-Name: what the device chose to say. Never an identity for a SIM; some gateways need it to disconnect.
    pub user_name: Option<Box<str>>,
    /// Acct-Multi-Session-Id.
    pub multi_session_id: Option<Box<str>>,
    /// 3GPP-NSAPI (one hexadecimal digit), which some gateways need to disconnect.
    pub nsapi: Option<u8>,
    /// Class attribute: our own policy decision id, echoed.
    #[serde(serialize_with = "hex", deserialize_with = "unhex", default)]
    pub class: Option<Box<[u8]>>,
}

/// Module, network and place, as far as a packet told.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attach {
    /// 3GPP-IMEISV.
    pub imeisv: Option<Imeisv>,
    /// Serving network: 3GPP-SGSN-MCC-MNC, else the PLMN of the location.
    pub network: Option<Plmn>,
    /// Access point name: Called-Station-Id in lower case without `.mncNNN.mccNNN.gprs`.
    pub apn: Option<Box<str>>,
    /// Radio access technology.
    pub rat: Option<Rat>,
    /// 3GPP-User-Location-Info as sent (type octet first), the cell.
    #[serde(serialize_with = "hex", deserialize_with = "unhex", default)]
    pub location: Option<Box<[u8]>>,
    /// Calling-Station-Id where it is a telephone number.
    pub msisdn: Option<Msisdn>,
    /// 3GPP-SGSN-Address or -IPv6-Address: the serving gateway.
    pub gateway: Option<IpAddr>,
}

impl Attach {
    /// The country of the serving network, by its MCC (ITU-T E.212).
    pub fn country(&self) -> Option<Country> {
        self.network.and_then(Plmn::country)
    }

    /// The module, without its software version.
    pub fn imei(&self) -> Option<Imei> {
        self.imeisv.map(Imeisv::imei)
    }
}

/// 3GPP-RAT-Type (TS 29.061 §16.4.7.2, sub-attribute 21), the number as sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rat(pub u8);

impl Rat {
    /// All that [`Self::name`] may say.
    pub const NAMES: [&str; 15] = [
        "utran",
        "geran",
        "wlan",
        "gan",
        "hspa+",
        "eutran",
        "virtual",
        "nb-iot",
        "lte-m",
        "nr",
        "nr-u",
        "trusted-wlan",
        "trusted-non-3gpp",
        "wireline",
        "other",
    ];

    /// The name that profiles and rules use: `utran`, `geran`, `wlan`, `eutran`, `nb-iot`, `lte-m`, `nr`, … or `other`.
    pub fn name(self) -> &'static str {
        match self.0 {
            1 => "utran",
            2 => "geran",
            3 => "wlan",
            4 => "gan",
            5 => "hspa+",
            6 => "eutran",
            7 => "virtual",
            8 => "nb-iot",
            9 => "lte-m",
            51 => "nr",
            52 => "nr-u",
            53 => "trusted-wlan",
            54 => "trusted-non-3gpp",
            55..=57 => "wireline",
            _ => "other",
        }
    }
}

/// An admission decision and what it was decided on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Admission {
    /// `None`: admitted. Otherwise why not; the peer is never told.
    pub rejected: Option<RejectReason>,
    /// The configured name of the RADIUS client.
    pub nas: Box<str>,
    /// What the packet said about module, network and place.
    pub attach: Attach,
    /// What was expected and what came, in words for the finding, e.g. (`TAC 35693803`, `TAC 86012304`).
    pub expected: Box<str>,
    /// See `expected`.
    pub observed: Box<str>,
}

/// Why a SIM was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// No device in the inventory has this identity.
    UnknownSim,
    /// The device is suspended.
    Suspended,
    /// The device is in stock or retired and has no business to talk.
    NotActive,
    /// Another module than the one the SIM is locked to.
    ImeiLock,
    /// The network did not say which module, and the policy wants to know.
    ImeiMissing,
    /// The module is of a type that the model does not use.
    TacNotOfModel,
    /// The serving network is in a country that the profile does not list.
    CountryNotAllowed,
    /// The serving network is not in the profile.
    NetworkNotAllowed,
    /// The access point name is not in the profile.
    ApnNotAllowed,
    /// A session of this SIM is open already.
    SecondSession,
    /// PAP or CHAP did not verify (VPN logins).
    WrongPassword,
}

impl RejectReason {
    /// The name in rules, metrics and the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownSim => "unknown_sim",
            Self::Suspended => "suspended",
            Self::NotActive => "not_active",
            Self::ImeiLock => "imei_lock",
            Self::ImeiMissing => "imei_missing",
            Self::TacNotOfModel => "tac_not_of_model",
            Self::CountryNotAllowed => "country_not_allowed",
            Self::NetworkNotAllowed => "network_not_allowed",
            Self::ApnNotAllowed => "apn_not_allowed",
            Self::SecondSession => "second_session",
            Self::WrongPassword => "wrong_password",
        }
    }

    /// All reasons, in the order of their numbers on disk (which never change).
    pub const ALL: [Self; 11] = [
        Self::UnknownSim,
        Self::Suspended,
        Self::NotActive,
        Self::ImeiLock,
        Self::ImeiMissing,
        Self::TacNotOfModel,
        Self::CountryNotAllowed,
        Self::NetworkNotAllowed,
        Self::ApnNotAllowed,
        Self::SecondSession,
        Self::WrongPassword,
    ];
}

/// Accounting-On (boot) or -Off (shutdown) of a NAS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NasReset {
    /// The configured name of the RADIUS client.
    pub nas: Box<str>,
    /// `true` for Accounting-On, `false` for Accounting-Off.
    pub on: bool,
}

/// A session that the NAS does not know (any more).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionVanished {
    /// Which session.
    pub key: SessionKey,
}

/// The inventory's word on one device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceChange {
    /// The device as it is from now on.
    pub device: Device,
    /// The device has left the inventory.
    pub removed: bool,
    /// Who changed it: a user, `cli`, or `response:<id>`.
    pub by: Box<str>,
}

/// Octets as hexadecimal digits.
#[expect(clippy::ref_option, reason = "the signature that serde's `serialize_with` wants")]
fn hex<S: serde::Serializer>(octets: &Option<Box<[u8]>>, serializer: S) -> Result<S::Ok, S::Error> {
    let digits =
        |octet: &u8| [octet >> 4, octet & 15].map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)]));
    let text = octets.as_ref().map(|octets| octets.iter().flat_map(digits).collect::<String>());
    text.serialize(serializer)
}

/// Hexadecimal digits as octets.
fn unhex<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Box<[u8]>>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let wrong = || serde::de::Error::custom("octets are pairs of hexadecimal digits");
    if !text.is_ascii() || text.len() % 2 != 0 {
        return Err(wrong());
    }
    let octets = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        u8::from_str_radix(pair, 16).map_err(|_| wrong())
    });
    octets.collect::<Result<Box<[u8]>, _>>().map(Some)
}
