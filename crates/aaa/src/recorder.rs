//! Where observations go, and the word that comes back when they are stored.
//!
//! The one contract that answers hang on: `done(Ok(..))` means stored. Two adapters: the journal, and the refusing or
//! scripted ones of tests.

use fleetward_fleet::{Observation, wire};
use fleetward_journal::{Entry, Handle, Outcome, Refused};

/// An observation and the name of its content.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyed {
    /// Two records with one key are one (0: never). See the module `observe`.
    pub key: u128,
    /// The record.
    pub observation: Observation,
}

/// Called exactly once, with an outcome for each record once all are stored, or with why none is.
pub type Done = Box<dyn FnOnce(Result<Vec<Outcome>, Refused>) + Send>;

/// Stores observations.
pub trait Recorder: Send + Sync + 'static {
    /// Takes a batch; does not wait for the disk.
    fn record(&self, batch: Vec<Keyed>, done: Done);

    /// Whether a record that came now could be stored: what Status-Server's answer depends on (RFC 5997).
    fn is_healthy(&self) -> bool;
}

/// The journal, whatever rides along in it, as long as an observation can be turned into it (`Observation`,
/// `Arc<Observation>`).
impl<T: From<Observation> + Send + 'static> Recorder for Handle<T> {
    fn record(&self, batch: Vec<Keyed>, done: Done) {
        let entry = |Keyed { key, observation }: Keyed| {
            let mut bytes = Vec::with_capacity(384);
            wire::to_wire(&observation, &mut bytes);
            let (event_time, observed_at) = (observation.event_time, observation.observed_at);
            Entry { key, event_time, observed_at, bytes, item: T::from(observation) }
        };
        self.append(batch.into_iter().map(entry).collect(), done);
    }

    fn is_healthy(&self) -> bool {
        self.health().ok
    }
}
