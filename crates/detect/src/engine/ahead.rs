//! Asking for a record before it is judged, so that its cache lines come in while others do.

use fleetward_fleet::{Body, Observation, Session};

use crate::prefetch::prefetch;

/// What the record itself points to (step 0), then what that points to (1).
pub(super) fn record(observation: &Observation, step: u8) {
    match (&observation.body, step) {
        (_, 0) => {
            prefetch(&*observation.source);
            body(&observation.body);
        }
        (Body::Session(session), 1) => texts(session),
        (Body::Flow(flow), 1) => prefetch(flow.name.as_deref().unwrap_or_default()),
        _ => {}
    }
}

fn body(body: &Body) {
    match body {
        Body::Session(session) => prefetch(&**session),
        Body::Flow(flow) => prefetch(&**flow),
        _ => {}
    }
}

fn texts(session: &Session) {
    prefetch(&*session.key.id);
    prefetch(&*session.key.nas);
    prefetch(session.attach.apn.as_deref().unwrap_or_default());
    prefetch(session.attach.location.as_deref().unwrap_or_default());
    prefetch(session.user_name.as_deref().unwrap_or_default());
}
