//! What happens, as it happens, for whoever watches: the demo and the API's event stream.

use std::sync::Arc;

use fleetward_detect::{SessionEnded, SessionOpened};
use fleetward_fleet::{Finding, FindingId, Response, Timestamp};
use fleetward_store::ExcusedDeviation;
use parking_lot::Mutex;

/// One thing that happened.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A rule found something.
    Finding(Box<Finding>),
    /// A finding's cause is gone.
    Cleared(FindingId, Timestamp),
    /// A deviation that a planned change had announced: no finding.
    Excused(Box<ExcusedDeviation>),
    /// A response moved.
    Response(Box<Response>),
    /// A session began.
    SessionOpened(Box<SessionOpened>),
    /// A session is over.
    SessionEnded(Box<SessionEnded>),
}

/// Somebody who watches. Must return at once.
pub(crate) type Watcher = Box<dyn Fn(&Event) + Send>;

/// Everybody who watches.
#[derive(Clone, Default)]
pub(crate) struct Events {
    watchers: Arc<Mutex<Vec<Watcher>>>,
}

impl Events {
    /// Adds a watcher for the rest of the process.
    pub(crate) fn watch(&self, watcher: Watcher) {
        self.watchers.lock().push(watcher);
    }

    /// Tells all of them.
    pub(crate) fn publish(&self, event: &Event) {
        for watcher in self.watchers.lock().iter() {
            watcher(event);
        }
    }
}
