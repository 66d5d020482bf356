//! The journal: opens, owns the threads, closes.

use std::ops::Deref;
use std::sync::Arc;

use fleetward_fleet::Timestamp;

use crate::{Committed, Config, Handle, OpenError, Recovery};

/// An open journal. Dereferences to its [`Handle`]. Dropping it stores what was handed over, then closes.
pub struct Journal<T> {
    handle: Handle<T>,
}

impl<T: Send + 'static> Journal<T> {
    /// Opens or creates the journal in `config.dir`, repairs a half-written end, and starts the two threads.
    ///
    /// `clock` dates segments, for retention. `on_commit` gets every appended record once, in offset order; while it
    /// runs, no answer leaves, so it should hand over and return.
    pub fn open(
        config: Config,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        on_commit: impl FnMut(Vec<Committed<T>>) + Send + 'static,
    ) -> Result<(Self, Recovery), OpenError> {
        let _ = (config, clock, on_commit);
        todo!()
    }

    /// A handle to give away.
    pub fn handle(&self) -> Handle<T> {
        self.handle.clone()
    }
}

impl<T> Deref for Journal<T> {
    type Target = Handle<T>;
    fn deref(&self) -> &Handle<T> {
        &self.handle
    }
}
