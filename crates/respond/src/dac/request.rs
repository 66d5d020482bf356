//! The bytes of a Disconnect- or CoA-Request: identification attributes and nothing else (RFC 5176 §3; no Service-Type).

use std::net::IpAddr;

use fleetward_fleet::Timestamp;
use fleetward_radius::{Builder, Code, Ipv6Prefix, dictionary as d};

use super::profile::{Key, NasProfile, SessionTarget};

/// Why this key set cannot be sent, in words.
pub(super) type Unsendable = String;

/// A request with `identifier`, or why this key set cannot name this session.
pub(super) fn build(
    profile: &NasProfile,
    key_set: usize,
    target: &SessionTarget,
    session_timeout_secs: Option<u32>,
    identifier: u8,
    now: Timestamp,
) -> Result<Vec<u8>, Unsendable> {
    let keys = checked(profile, key_set, target)?;
    let code = if session_timeout_secs.is_some() { Code::COA_REQUEST } else { Code::DISCONNECT_REQUEST };
    let mut builder = Builder::request(code, identifier);
    if profile.message_authenticator {
        builder.message_authenticator();
    }
    for key in keys {
        write(&mut builder, *key, profile, target).ok_or_else(|| format!("{} is not known", key.name()))?;
    }
    if let Some(secs) = session_timeout_secs {
        builder.u32(d::SESSION_TIMEOUT, secs);
    }
    if profile.event_timestamp {
        builder.u32(d::EVENT_TIMESTAMP, u32::try_from(now.secs()).unwrap_or(0));
    }
    builder.sign(profile.secret.reveal()).map_err(|error| error.to_string())
}

/// The key set, if it names one session only.
pub(super) fn checked<'a>(
    profile: &'a NasProfile,
    key_set: usize,
    target: &SessionTarget,
) -> Result<&'a [Key], Unsendable> {
    let keys = profile.key_sets.get(key_set).ok_or("the profile has no such key set")?;
    let mut naming = keys.iter().filter(|key| key.names_a_session());
    let Some(first) = naming.next() else { return Err("the key set names no session".into()) };
    let others = target.same_user_name.saturating_sub(1);
    let user_name_alone = *first == Key::UserName && naming.next().is_none();
    if user_name_alone && others > 0 && !profile.user_name_may_end_others {
        return Err(format!("User-Name alone would end {others} other session(s), too"));
    }
    Ok(keys)
}

fn write(builder: &mut Builder, key: Key, profile: &NasProfile, target: &SessionTarget) -> Option<()> {
    match key {
        Key::AcctSessionId => builder.text(d::ACCT_SESSION_ID, &target.session_id),
        Key::AcctMultiSessionId => builder.text(d::ACCT_MULTI_SESSION_ID, target.multi_session_id.as_deref()?),
        Key::UserName => builder.text(d::USER_NAME, target.user_name.as_deref()?),
        Key::Imsi => builder.vendor_text(TGPP, TGPP_IMSI, &target.imsi?.reveal()),
        Key::Nsapi => builder.vendor_text(TGPP, TGPP_NSAPI, &format!("{:X}", target.nsapi? & 0xf)),
        Key::FramedIp => builder.ipv4(d::FRAMED_IP_ADDRESS, target.framed_ip?),
        Key::FramedIpv6Prefix => builder.ipv6_prefix(d::FRAMED_IPV6_PREFIX, prefix(target)?),
        Key::CallingStationId => builder.text(d::CALLING_STATION_ID, target.calling_station_id.as_deref()?),
        Key::CalledStationId => builder.text(d::CALLED_STATION_ID, target.called_station_id.as_deref()?),
        Key::NasIpAddress => match profile.nas_ip? {
            IpAddr::V4(ip) => builder.ipv4(d::NAS_IP_ADDRESS, ip),
            IpAddr::V6(ip) => builder.ipv6(d::NAS_IPV6_ADDRESS, ip),
        },
        Key::NasIdentifier => builder.text(d::NAS_IDENTIFIER, profile.nas_identifier.as_deref()?),
    };
    Some(())
}

fn prefix(target: &SessionTarget) -> Option<Ipv6Prefix> {
    let net = target.framed_ipv6_prefix?;
    Some(Ipv6Prefix { address: net.network(), length: net.prefix_len() })
}

/// The 3GPP's vendor number, and its sub-attributes (TS 29.061 §16.4.7.2).
const TGPP: u32 = 10415;
const TGPP_IMSI: u8 = 1;
const TGPP_NSAPI: u8 = 10;
