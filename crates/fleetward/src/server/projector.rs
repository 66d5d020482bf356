//! The inventory's way from the journal into the database and the directory that admission reads.
//!
//! A change is made by appending it to the journal; this thread then projects it, in journal order and in batches, and
//! wakes whoever waits to read his own write.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use fleetward_aaa::Directory;
use fleetward_fleet::{Body, Device, DeviceChange, Observation, Offset, PlannedChange};
use fleetward_store::{Store, StoreError};
use parking_lot::{Condvar, Mutex};

/// Changes that are projected in one transaction at most.
const BATCH: usize = 2000;

/// Called with each device as it is now, after it was projected.
pub(crate) type OnChange = Box<dyn Fn(&Device, bool) + Send>;

/// A cheap handle on the projecting thread.
#[derive(Clone)]
pub(crate) struct Projector {
    changes: Sender<(Offset, Change)>,
    done: Arc<Done>,
}

/// What is projected.
enum Change {
    Device(DeviceChange),
    Planned(PlannedChange),
    /// None; so far the projection has come.
    None,
}

/// So often the database is told how far the projection is, though nothing changed: a start reads the journal from there on.
const MARK_EVERY: u64 = 1 << 16;

/// How far the projection is.
struct Done {
    /// Everything before this offset is projected.
    upto: Mutex<Offset>,
    moved: Condvar,
}

impl Projector {
    /// Starts the thread; it ends when the last handle is dropped.
    pub(crate) fn start(store: Store, directory: Arc<Directory>, on_change: OnChange) -> std::io::Result<Self> {
        let (changes, incoming) = crossbeam_channel::bounded(BATCH * 4);
        let done = Arc::new(Done { upto: Mutex::new(Offset(0)), moved: Condvar::new() });
        let worker = Worker { incoming, store, directory, on_change, done: Arc::clone(&done) };
        std::thread::Builder::new().name("projector".into()).spawn(move || worker.run())?;
        Ok(Self { changes, done })
    }

    /// Hands a record over, in journal order, if it is a change of what the database shows. Waits where it lags far behind.
    pub(crate) fn project(&self, offset: Offset, record: &Observation) {
        let change = match &record.body {
            Body::DeviceChange(change) => Change::Device((**change).clone()),
            Body::PlannedChange(change) => Change::Planned((**change).clone()),
            _ if offset.0.is_multiple_of(MARK_EVERY) => Change::None,
            _ => return,
        };
        // The thread ends only after the last handle, so a send cannot fail while one exists.
        drop(self.changes.send((offset, change)));
    }

    /// Waits until the change at `offset` can be read, at most `patience`. Says whether it can.
    pub(crate) fn wait(&self, offset: Offset, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut upto = self.done.upto.lock();
        while *upto <= offset {
            if self.done.moved.wait_until(&mut upto, end).timed_out() {
                return *upto > offset;
            }
        }
        true
    }
}

struct Worker {
    incoming: Receiver<(Offset, Change)>,
    store: Store,
    directory: Arc<Directory>,
    on_change: OnChange,
    done: Arc<Done>,
}

impl Worker {
    fn run(self) {
        while let Ok(first) = self.incoming.recv() {
            let batch: Vec<_> = std::iter::once(first).chain(self.incoming.try_iter().take(BATCH - 1)).collect();
            let Some(last) = batch.last().map(|(offset, _)| *offset) else { continue };
            let (mut devices, mut planned, mut is_mark) = (Vec::new(), Vec::new(), false);
            for (offset, change) in batch {
                match change {
                    Change::Device(change) => devices.push((offset, change)),
                    Change::Planned(change) => planned.push((offset, change)),
                    Change::None => is_mark = true,
                }
            }
            // Planned changes first: with the devices, the database also remembers how far it is.
            self.plan(&planned);
            if !devices.is_empty() {
                self.project(&devices);
            }
            if is_mark && let Err(error) = self.store.set_devices_projected(last) {
                tracing::debug!(%error, "the next start reads more of the journal than it must");
            }
            *self.done.upto.lock() = Offset(last.0 + 1);
            self.done.moved.notify_all();
        }
    }

    fn plan(&self, batch: &[(Offset, PlannedChange)]) {
        if batch.is_empty() {
            return;
        }
        while let Err(error) = self.store.project_planned(batch) {
            if !matches!(error, StoreError::Locked { .. } | StoreError::Full { .. }) {
                tracing::error!(%error, "planned changes are judged by, but cannot be shown");
                return;
            }
            tracing::error!(%error, "the database does not take the planned change; trying again");
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// Writes a batch; the journal has it, so a database in trouble is waited for, not given up on.
    fn project(&self, batch: &[(Offset, DeviceChange)]) {
        while let Err(error) = self.store.project_devices(batch) {
            let passing = matches!(error, StoreError::Locked { .. } | StoreError::Full { .. });
            if !passing && batch.len() > 1 {
                // One change may be the trouble: take them one by one.
                for change in batch {
                    self.project(std::slice::from_ref(change));
                }
                return;
            }
            if !passing {
                tracing::error!(device = %batch[0].1.device.name, %error, "the inventory's change was not applied");
                return;
            }
            tracing::error!(%error, "the database does not take the inventory's change; trying again");
            std::thread::sleep(Duration::from_secs(1));
        }
        for (_, change) in batch {
            if change.removed {
                self.directory.remove(change.device.id());
            } else {
                self.directory.upsert(&change.device);
            }
            (self.on_change)(&change.device, change.removed);
        }
    }
}

#[cfg(test)]
mod tests {
    use fleetward_fleet::{DeviceId, Timestamp};

    use super::*;

    #[test]
    fn it_says_how_far_it_is_though_nothing_changes() {
        let place = tempfile::tempdir().unwrap();
        let store = Store::open(&place.path().join("fleetward.db")).unwrap();
        let projector = Projector::start(store.clone(), Arc::new(Directory::new()), Box::new(|_, _| ())).unwrap();
        let tick = Observation {
            event_time: Timestamp(0),
            observed_at: Timestamp(0),
            source: "clock".into(),
            device: DeviceId(0),
            identity: None,
            body: Body::Tick,
        };
        for offset in [1, MARK_EVERY, MARK_EVERY + 1] {
            projector.project(Offset(offset), &tick);
        }
        assert!(projector.wait(Offset(MARK_EVERY), Duration::from_secs(30)));
        assert_eq!(store.devices_projected().unwrap(), Some(Offset(MARK_EVERY)));
    }
}
