//! Reading a little of a record before it is judged, so that its cache lines come in while others do.

use fleetward_fleet::{Body, Observation};

/// Of the record itself (0), then of what it points to (1). The result means nothing.
pub(super) fn record(observation: &Observation, step: u8) -> u64 {
    let session = match &observation.body {
        Body::Session(session) => session,
        Body::Flow(flow) if step == 0 => return flow.bytes_up ^ u64::from(flow.count),
        Body::Flow(flow) => return u64::from(flow.name.as_deref().and_then(|name| name.bytes().next()).unwrap_or(0)),
        _ => return 0,
    };
    if step == 0 {
        return session.bytes_up ^ u64::from(session.has_gigawords) ^ u64::from(session.attach.rat.is_some());
    }
    let attach = &session.attach;
    let texts = [
        session.key.id.as_bytes(),
        session.key.nas.as_bytes(),
        attach.apn.as_deref().unwrap_or_default().as_bytes(),
        attach.location.as_deref().unwrap_or_default(),
        session.user_name.as_deref().unwrap_or_default().as_bytes(),
    ];
    texts.iter().fold(0, |sum, text| sum ^ u64::from(text.first().copied().unwrap_or(0)))
}
