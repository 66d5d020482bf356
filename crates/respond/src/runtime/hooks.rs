//! What the rest of the server does for the responder.

use std::sync::Arc;

use fleetward_fleet::{DeviceId, DeviceState, Finding, FindingId, Response, SessionKey};

use crate::dac::SessionTarget;
use crate::machine::Outcome;

/// What the rest of the server does for the responder. Called from its threads.
pub trait Hooks: Send + Sync + 'static {
    /// Puts the device into this state, through the journal: returns when the change is committed. Idempotent: where it
    /// is in this state already, the change is written all the same, because only its return verifies the response.
    /// `by` is `response:<id>`. May block; runs on a thread of its own.
    fn change_device(&self, device: DeviceId, state: DeviceState, by: &str) -> Outcome;

    /// Cuts the device off at the firewall, or lets it back; returns when that is in force. Idempotent. Its effect is told later, by
    /// [`super::Responder::isolated`]. May block; runs on the same thread as `change_device`.
    fn isolate(&self, device: DeviceId, cut: bool) -> Outcome {
        let _ = (device, cut);
        Outcome::Refused("this server has no firewall: see the section `enforce` of fleetward.yaml".into())
    }

    /// The NAS says that it does not know this session: append `SessionVanished` to the journal. May block; runs on
    /// the same thread as `change_device`.
    fn vanish(&self, session: &SessionKey);

    /// What is known of an open session; `None` where it is not open (any more). Must be quick and take no lock that is
    /// held while [`super::Responder::raise`] is called.
    fn target(&self, session: &SessionKey) -> Option<SessionTarget>;

    /// Something that a live view may want to show. Must be quick.
    fn event(&self, event: ResponseEvent);
}

/// Something that a live view may want to show.
#[derive(Debug, Clone)]
pub enum ResponseEvent {
    /// A response is new or in a new state; it is stored.
    Changed(Arc<Response>),
    /// A finding of the responder itself (containment failed, over budget); it is stored.
    Raised(Arc<Finding>),
    /// What a rule in dry-run would have done, or why nothing was done.
    Note {
        /// The finding.
        finding: FindingId,
        /// The device.
        device: DeviceId,
        /// In words.
        text: String,
    },
}
