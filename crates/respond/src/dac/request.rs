//! The bytes of a Disconnect- or CoA-Request: identification attributes and nothing else (RFC 5176 §3; no Service-Type).

use fleetward_fleet::Timestamp;
use fleetward_radius::dae::{Request, Sent};
use fleetward_radius::{Ipv6Prefix, dictionary as d};

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
) -> Result<Sent, Unsendable> {
    let keys = checked(profile, key_set, target)?;
    let mut request = match session_timeout_secs {
        Some(_) => Request::change(identifier),
        None => Request::disconnect(identifier),
    };
    if profile.message_authenticator {
        request.message_authenticator();
    }
    for key in keys {
        write(&mut request, *key, profile, target).ok_or_else(|| format!("{} is not known", key.name()))?;
    }
    if let Some(secs) = session_timeout_secs {
        request.session_timeout(secs);
    }
    if profile.event_timestamp {
        request.event_timestamp(u32::try_from(now.secs()).unwrap_or(0));
    }
    request.sign(profile.secret.reveal()).map_err(|error| error.to_string())
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

/// `None`: the session (or the profile) has no such value.
fn write(request: &mut Request, key: Key, profile: &NasProfile, target: &SessionTarget) -> Option<()> {
    let bytes = |text: &'_ Option<Box<str>>| text.as_ref().map(|text| text.as_bytes().to_vec());
    match key {
        Key::AcctSessionId => request.session_id(target.session_id.as_bytes()),
        Key::AcctMultiSessionId => request.multi_session_id(&bytes(&target.multi_session_id)?),
        Key::UserName => request.user_name(&bytes(&target.user_name)?),
        Key::Imsi => request.imsi(&target.imsi?.reveal()),
        Key::Nsapi => request.nsapi(format!("{:X}", target.nsapi? & 0xf).as_bytes()),
        Key::FramedIp => request.framed_ipv4(target.framed_ip?),
        Key::FramedIpv6Prefix => request.attribute(d::FRAMED_IPV6_PREFIX, &prefix(target)?.to_wire()),
        Key::CallingStationId => request.calling_station(&bytes(&target.calling_station_id)?),
        Key::CalledStationId => request.called_station(&bytes(&target.called_station_id)?),
        Key::NasIpAddress => request.nas_address(profile.nas_ip?),
        Key::NasIdentifier => request.nas_identifier(&bytes(&profile.nas_identifier)?),
    };
    Some(())
}

fn prefix(target: &SessionTarget) -> Option<Ipv6Prefix> {
    let net = target.framed_ipv6_prefix?;
    Some(Ipv6Prefix { address: net.network(), length: net.prefix_len() })
}
