//! From a believed packet to an [`Observation`] and the key of its content.
//!
//! # The content key
//!
//! A NAS that sends Acct-Delay-Time changes Identifier and authenticator on every retransmission (RFC 2866 §4.1), so
//! only the content tells that a record is the same: client, session id, status, the second it happened, counters,
//! session time and terminate cause, hashed to 128 bits. The second is Event-Timestamp where there is one. Otherwise it
//! is arrival minus Acct-Delay-Time, and because the delay is in whole seconds that moves by up to a second (and the way
//! of the packet) between retransmissions: [`Anchors`] remembers which second the same content was given within the
//! last ones and gives it again. It is memory only. A retransmission whose original was stored by an earlier process,
//! from a NAS without Event-Timestamp, may therefore be stored a second time; counters are cumulative, so sums stay
//! right.
//!
//! # A record that names nobody
//!
//! is kept all the same, because a NAS would send it for ever: its device is a stand-in for its session
//! (`nas:<client>/session:<id>`), its identity `None`.

use std::hash::Hasher;
use std::net::Ipv4Addr;

use fleetward_fleet::{
    Admission, Attach, Body, DeviceId, Identity, Imsi, Msisdn, NasReset, Observation, Plmn, Rat, Session, SessionKey,
    SessionStatus, Timestamp,
};
use ipnet::Ipv6Net;
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::admission::Decision;
use crate::attributes::Fields;
use crate::clients::{Client, IdentityFrom};
use crate::recorder::Keyed;
use crate::text;

mod anchors;

pub(crate) use anchors::Anchors;

/// Beyond this, Event-Timestamp and arrival are said to be skewed. Both are kept.
const SKEW_SECS: u64 = 300;

/// What an accounting record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Session(SessionStatus),
    NasReset { on: bool },
}

impl Status {
    /// Acct-Status-Type (RFC 2866 §5.1); `None` for what cannot be kept (tunnels, vendors' own, none at all).
    pub(crate) fn of(number: Option<u32>) -> Option<Self> {
        match number? {
            1 => Some(Self::Session(SessionStatus::Start)),
            2 => Some(Self::Session(SessionStatus::Stop)),
            3 => Some(Self::Session(SessionStatus::Interim)),
            7 => Some(Self::NasReset { on: true }),
            8 => Some(Self::NasReset { on: false }),
            _ => None,
        }
    }

    /// The same back. Part of keys that the journal keeps: these numbers never change.
    fn number(self) -> u64 {
        match self {
            Self::Session(SessionStatus::Start) => 1,
            Self::Session(SessionStatus::Stop) => 2,
            Self::Session(SessionStatus::Interim) => 3,
            Self::NasReset { on: true } => 7,
            Self::NasReset { on: false } => 8,
        }
    }
}

/// By what the packet knows the device, as the client's entry says.
pub(crate) fn identity(fields: &Fields<'_>, from: IdentityFrom) -> Option<Identity> {
    let imsi = |octets: &[u8]| text::clean(octets)?.parse::<Imsi>().ok().map(Identity::Imsi);
    // A name with control characters or broken UTF-8 is nobody's: it must not meet another one after escaping.
    let login = |octets: &[u8]| text::clean(octets).filter(|name| !name.is_empty()).map(|n| Identity::Login(n.into()));
    match from {
        IdentityFrom::Imsi => imsi(fields.imsi?),
        IdentityFrom::UserName => login(fields.user_name?),
        IdentityFrom::CallingStationId => {
            let octets = fields.calling_station?;
            let is_imsi = matches!(octets.len(), 14 | 15);
            imsi(octets).filter(|_| is_imsi).or_else(|| login(octets))
        }
    }
}

/// Module, network and place.
pub(crate) fn attach(fields: &Fields<'_>) -> Attach {
    let digits = |octets: &[u8]| text::clean(octets).map(str::to_owned);
    let stated = fields.serving_network.and_then(text::clean).and_then(|text| text.parse::<Plmn>().ok());
    Attach {
        imeisv: fields.imeisv.and_then(text::clean).and_then(|text| text.parse().ok()),
        network: stated.or_else(|| fields.location.and_then(network_of_location)),
        apn: fields.called_station.map(apn).filter(|apn| !apn.is_empty()),
        rat: fields.rat.map(Rat),
        location: fields.location.map(Into::into),
        msisdn: fields
            .calling_station
            .and_then(digits)
            .and_then(|text| text.trim_start_matches('+').parse::<Msisdn>().ok()),
        gateway: fields.gateway,
    }
}

/// Called-Station-Id as an access point name: lower case, without the operator's suffix (TS 23.003 §9.1).
fn apn(octets: &[u8]) -> Box<str> {
    let name = text::safe(octets).to_lowercase();
    let suffix = name.len().checked_sub(".mnc000.mcc000.gprs".len()).and_then(|at| name.split_at_checked(at));
    match suffix {
        Some((network_id, suffix)) if is_operator_suffix(suffix) => network_id.into(),
        _ => name.into(),
    }
}

fn is_operator_suffix(suffix: &str) -> bool {
    let mut pattern = ".mnc###.mcc###.gprs".bytes();
    suffix
        .bytes()
        .all(|octet| pattern.next().is_some_and(|want| want == octet || want == b'#' && octet.is_ascii_digit()))
}

/// The network of 3GPP-User-Location-Info: three octets behind the type, in every type that begins with a place.
fn network_of_location(location: &[u8]) -> Option<Plmn> {
    let (kind, rest) = location.split_first()?;
    let begins_with_network = matches!(kind, 0..=2 | 128..=130 | 135..=137);
    let octets = rest.first_chunk::<3>().filter(|_| begins_with_network)?;
    Plmn::from_octets(*octets)
}

/// When the record's event happened, by the source; and whether that is far from `now`.
pub(crate) fn event_time(fields: &Fields<'_>, now: Timestamp) -> (Timestamp, bool) {
    let delayed = now - std::time::Duration::from_secs(u64::from(fields.delay_secs.unwrap_or(0)));
    // 0 is a NAS without a clock, not 1970.
    let Some(stated) = fields.event_timestamp.filter(|secs| *secs != 0) else { return (delayed, false) };
    let stated = Timestamp::from_secs(i64::from(stated));
    (stated, stated.0.abs_diff(delayed.0) > SKEW_SECS * 1000)
}

/// What the observation of an accounting record needs besides the packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) client: &'a Client,
    pub(crate) now: Timestamp,
    pub(crate) anchors: &'a Anchors,
}

/// The session that a record is about. A packet without Acct-Session-Id (against RFC 2866 §5.5) has the empty one.
pub(crate) fn session_key(fields: &Fields<'_>, client: &Client) -> SessionKey {
    SessionKey { nas: client.name.clone(), id: text::safe(fields.session_id.unwrap_or_default()) }
}

/// The device that stands in for a session of nobody.
pub(crate) fn stand_in(key: &SessionKey) -> DeviceId {
    DeviceId::of(&format!("nas:{}/session:{}", key.nas, key.id))
}

/// The record of a session.
pub(crate) fn session(
    fields: &Fields<'_>,
    status: SessionStatus,
    key: SessionKey,
    (device, identity): (DeviceId, Option<Identity>),
    context: Context<'_>,
) -> Keyed {
    let (event_time, _) = event_time(fields, context.now);
    let name = content_key(fields, &key, Status::Session(status), event_time, context.anchors);
    let session = Session {
        key,
        status,
        bytes_up: fields.bytes_up(),
        bytes_down: fields.bytes_down(),
        packets_up: fields.input_packets,
        packets_down: fields.output_packets,
        has_gigawords: fields.input_gigawords.is_some() || fields.output_gigawords.is_some(),
        session_secs: fields.session_secs,
        terminate_cause: fields.terminate_cause,
        ip: fields.framed_ip.filter(|ip| is_host(*ip)),
        ipv6: fields
            .framed_ipv6_prefix
            .and_then(|a| a.ipv6_prefix())
            .and_then(|p| Ipv6Net::new(p.address, p.length).ok()),
        attach: attach(fields),
        user_name: fields.user_name.map(text::safe),
        multi_session_id: fields.multi_session_id.map(text::safe),
        nsapi: fields.nsapi.and_then(text::clean).and_then(|text| u8::from_str_radix(text, 16).ok()),
        class: fields.class.map(Into::into),
    };
    let body = Body::Session(Box::new(session));
    let source = context.client.name.clone();
    let observation = Observation { event_time, observed_at: context.now, source, device, identity, body };
    Keyed { key: name, observation }
}

/// Accounting-On or -Off.
pub(crate) fn nas_reset(fields: &Fields<'_>, on: bool, context: Context<'_>) -> Keyed {
    let (event_time, _) = event_time(fields, context.now);
    let key = session_key(fields, context.client);
    let name = content_key(fields, &key, Status::NasReset { on }, event_time, context.anchors);
    let nas = context.client.name.clone();
    let observation = Observation {
        event_time,
        observed_at: context.now,
        source: nas.clone(),
        device: DeviceId(0),
        identity: None,
        body: Body::NasReset(NasReset { nas, on }),
    };
    Keyed { key: name, observation }
}

/// An admission decision. Its key is the request itself, so that a retransmission after a restart is the same decision.
pub(crate) fn admission(
    packet: &[u8],
    (device, identity): (DeviceId, Option<Identity>),
    attach: Attach,
    decision: &Decision,
    client: &Client,
    now: Timestamp,
) -> Keyed {
    let mut hasher = hasher();
    part(&mut hasher, b"admission");
    part(&mut hasher, client.name.as_bytes());
    part(&mut hasher, packet);
    let (rejected, expected, observed) = match decision {
        Decision::Accept(_) => (None, "", ""),
        Decision::Reject(refusal) => (Some(refusal.reason), &*refusal.expected, &*refusal.observed),
    };
    let (expected, observed) = (expected.into(), observed.into());
    let body = Body::Admission(Box::new(Admission { rejected, nas: client.name.clone(), attach, expected, observed }));
    let source = client.name.clone();
    let observation = Observation { event_time: now, observed_at: now, source, device, identity, body };
    Keyed { key: never_zero(hasher.finish128().as_u128()), observation }
}

fn content_key(
    fields: &Fields<'_>,
    key: &SessionKey,
    status: Status,
    event_time: Timestamp,
    anchors: &Anchors,
) -> u128 {
    let mut hasher = hasher();
    part(&mut hasher, key.nas.as_bytes());
    part(&mut hasher, key.id.as_bytes());
    for number in [
        status.number(),
        fields.bytes_up(),
        fields.bytes_down(),
        fields.session_secs.map_or(u64::MAX, u64::from),
        fields.terminate_cause.map_or(u64::MAX, u64::from),
    ] {
        hasher.write(&number.to_be_bytes());
    }
    let secs = if fields.event_timestamp.is_some_and(|secs| secs != 0) {
        event_time.secs()
    } else {
        anchors.second(hasher.finish128().h1, event_time.secs())
    };
    hasher.write(&secs.to_be_bytes());
    never_zero(hasher.finish128().as_u128())
}

/// Fixed keys: the journal keeps the hash over restarts and upgrades. NASes are trusted peers (their packets verified),
/// so nobody who could craft a collision has anything to win by one.
fn hasher() -> SipHasher13 {
    SipHasher13::new_with_keys(0x666c_6565_7477_6172, 0x636f_6e74_656e_7431)
}

fn part(hasher: &mut SipHasher13, octets: &[u8]) {
    hasher.write(&(octets.len() as u64).to_be_bytes());
    hasher.write(octets);
}

/// To the journal, 0 means "no key".
fn never_zero(key: u128) -> u128 {
    key.max(1)
}

/// Not 0.0.0.0 and not one of RFC 2865 §5.8's "choose yourself".
fn is_host(address: Ipv4Addr) -> bool {
    !address.is_unspecified() && u32::from(address) < 0xFFFF_FFFE
}

#[cfg(test)]
mod tests;
