//! A finding about many devices, aimed at each of them.
//!
//! A rule about a group, a network or a destination names the devices that took part. What it asks for is asked for each of
//! them by itself: with its own sessions, its own groups and its own say whether it is safety-critical, under the same
//! budgets as any other response. On a thread of its own, because it asks detection, which may be waiting for the outputs
//! to be taken.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use fleetward_aaa::Directory;
use fleetward_detect::{Engine, Raised};
use fleetward_fleet::{DeviceId, Finding, Timestamp};
use fleetward_respond::machine::FindingRaised;
use fleetward_store::{Lookup, Store};

use super::kin::Kin;
use super::responder::Late;
use super::translate;

/// Findings that may wait; beyond it their interventions are left to people, and that is said.
const QUEUE: usize = 256;
/// How often it is looked whether the responder is there: it comes once the journal is replayed.
const PATIENCE: Duration = Duration::from_millis(100);

/// What the thread needs.
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) directory: Arc<Directory>,
    /// Not owned: the engine's outputs lead here.
    pub(super) engine: Weak<Engine>,
    pub(super) responder: Late,
    pub(super) clock: fn() -> Timestamp,
}

/// A handle on the thread.
pub(super) struct Aim(Sender<Raised>);

impl Aim {
    /// Starts the thread; it ends with the handle.
    pub(super) fn start(parts: Parts) -> std::io::Result<Self> {
        let (queue, findings) = crossbeam_channel::bounded(QUEUE);
        std::thread::Builder::new().name("aim".into()).spawn(move || run(&parts, &findings))?;
        Ok(Self(queue))
    }

    /// Asks for the interventions of a finding about many devices on each of them.
    pub(super) fn at(&self, raised: &Raised) {
        let mut shared = raised.clone();
        shared.responds.retain(|respond| respond.action.is_intervention());
        if shared.responds.is_empty() {
            return;
        }
        if let Err(TrySendError::Full(raised) | TrySendError::Disconnected(raised)) = self.0.try_send(shared) {
            let (finding, devices) = (raised.finding.id, raised.devices.len());
            tracing::warn!(%finding, devices, "its interventions are left to people: too many findings at once");
        }
    }
}

fn run(parts: &Parts, findings: &Receiver<Raised>) {
    let mut kin = Kin::default();
    for raised in findings {
        for device in &raised.devices {
            if let Some(single) = at_one(parts, &mut kin, &raised, *device) {
                while parts.responder.get().is_none() {
                    if parts.engine.strong_count() == 0 {
                        return;
                    }
                    std::thread::sleep(PATIENCE);
                }
                parts.responder.get().into_iter().for_each(|responder| responder.raise(single.clone()));
            }
        }
    }
}

/// The finding as if it were about this device alone; `None` where the inventory does not have it: nothing can be asked.
fn at_one(parts: &Parts, kin: &mut Kin, raised: &Raised, id: DeviceId) -> Option<FindingRaised> {
    let found = parts.store.device(&Lookup::Id(id));
    let device = found.inspect_err(|error| tracing::warn!(%error, "a device is left to people")).ok()??;
    let view = parts.engine.upgrade()?.device(id).ok().flatten();
    let profile = device.model.as_deref().and_then(|model| parts.directory.profile(model));
    let mut single = raised.clone();
    single.finding = Finding { device: id, ..single.finding };
    single.subject.critical = device.critical || profile.is_some_and(|profile| profile.critical);
    single.subject.groups.clone_from(&device.groups);
    let kin = kin.of(&single, &parts.store, (parts.clock)());
    let mut asked = translate::raised(single, kin);
    asked.sessions = view.into_iter().flat_map(|view| view.open).map(|session| session.key()).collect();
    Some(asked)
}
