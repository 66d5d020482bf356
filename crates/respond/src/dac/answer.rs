//! Whether an answer may be believed, and what it says.

use std::time::Duration;

use fleetward_fleet::Timestamp;
use fleetward_radius::{Code, Packet, auth, dictionary as d};

use super::profile::NasProfile;
use crate::machine::NasAnswer;

/// What the datagram says in answer to `request`; `None` where it is not a true answer, which changes nothing.
pub(super) fn read(datagram: &[u8], request: &[u8], profile: &NasProfile, now: Timestamp) -> Option<NasAnswer> {
    let packet = Packet::parse(datagram).ok()?;
    let request = Packet::parse(request).ok()?;
    if !packet.code().answers(request.code()) {
        return None;
    }
    let secret = profile.secret.reveal();
    auth::verify_reply(&packet, &request, secret, auth::Policy::Require).ok()?;
    if !is_recent(&packet, now) {
        return None;
    }
    match packet.code() {
        Code::DISCONNECT_ACK | Code::COA_ACK => Some(NasAnswer::Ack),
        Code::DISCONNECT_NAK | Code::COA_NAK => Some(NasAnswer::Nak { error_cause: number(&packet, d::ERROR_CAUSE) }),
        _ => Some(NasAnswer::Nak { error_cause: None }),
    }
}

/// Without Event-Timestamp the authenticator has to do; with one, a recorded answer is of no use later.
fn is_recent(packet: &Packet<'_>, now: Timestamp) -> bool {
    number(packet, d::EVENT_TIMESTAMP).is_none_or(|secs| {
        let at = Timestamp::from_secs(secs.into());
        now.since(at) <= WINDOW && at.since(now) <= WINDOW
    })
}

fn number(packet: &Packet<'_>, kind: u8) -> Option<u32> {
    packet.first(kind).and_then(|value| value.try_into().ok()).map(u32::from_be_bytes)
}

/// RFC 5176 §3.3: "the default value … 300 seconds".
const WINDOW: Duration = Duration::from_secs(300);
