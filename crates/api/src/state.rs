//! What every handler has at hand.

use std::sync::Arc;

use fleetward_fleet::{Timestamp, metric::Sample};
use fleetward_store::Store;
use tokio::sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, watch};

use crate::error::ApiError;
use crate::limiter::Limiter;
use crate::{Component, Control, Health};

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// At most so many watch events at once.
const WATCHERS: usize = 64;

/// At most so many passwords are hashed at once: each takes 19 MiB and a core for a moment.
const HASHERS: usize = 2;

/// What an operator may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiConfig {
    /// The version to tell.
    pub version: String,
    /// Whether `/metrics` answers without a token to callers on loopback.
    pub open_metrics_on_loopback: bool,
    /// How long a sign-in lasts.
    pub sign_in_lasts: std::time::Duration,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            open_metrics_on_loopback: false,
            sign_in_lasts: std::time::Duration::from_hours(8),
        }
    }
}

/// What every handler has at hand: a cheap handle.
#[derive(Clone)]
pub struct ApiState(Arc<Inner>);

struct Inner {
    store: Store,
    control: Arc<dyn Control>,
    clock: Clock,
    config: ApiConfig,
    sign_ins: Limiter,
    hashers: Arc<Semaphore>,
    watchers: Arc<Semaphore>,
    inventory: Arc<Mutex<()>>,
    stopping: watch::Sender<bool>,
}

impl ApiState {
    /// From the store, the running server and a clock.
    pub fn new(store: Store, control: Arc<dyn Control>, clock: Clock, config: ApiConfig) -> Self {
        Self(Arc::new(Inner {
            store,
            control,
            clock,
            config,
            sign_ins: Limiter::default(),
            hashers: Arc::new(Semaphore::new(HASHERS)),
            watchers: Arc::new(Semaphore::new(WATCHERS)),
            inventory: Arc::new(Mutex::new(())),
            stopping: watch::Sender::new(false),
        }))
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    pub(crate) fn config(&self) -> &ApiConfig {
        &self.0.config
    }

    pub(crate) fn sign_ins(&self) -> &Limiter {
        &self.0.sign_ins
    }

    /// A turn to hash a password. Moved into the work itself: a caller who hangs up must not free it early.
    pub(crate) async fn hash_turn(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.0.hashers).acquire_owned().await.map_err(|closed| ApiError::internal(&closed))
    }

    pub(crate) fn watchers(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.watchers)
    }

    /// Held while the inventory is checked for conflicts and changed: two imports cannot both find it free. Moved into
    /// the work itself: a caller who hangs up must not free it early.
    pub(crate) async fn inventory_turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.0.inventory).lock_owned().await
    }

    /// For [`stopped`]; streams end then.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }

    pub(crate) fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    pub(crate) fn subscribe(&self) -> tokio::sync::broadcast::Receiver<Arc<crate::Event>> {
        self.0.control.subscribe()
    }

    /// Runs something that blocks (a query, a journal write) off the event loop.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store, &dyn Control) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner.store, &*inner.control)).await;
        done.unwrap_or_else(|panic| Err(ApiError::internal(&panic)))
    }

    /// How the components are, the store included.
    pub(crate) async fn health(&self) -> Vec<Component> {
        let asked = self
            .run(|store, control| {
                let mut components = control.health();
                if !components.iter().any(|component| component.name == "store") {
                    let (health, reason) = match store.meta("health") {
                        Ok(_) => (Health::Ok, String::new()),
                        Err(error) => (Health::Failing, error.to_string()),
                    };
                    components.push(Component { name: "store", health, reason });
                }
                Ok(components)
            })
            .await;
        asked.unwrap_or_else(|_| {
            let reason = "the health check itself failed; see the log".to_owned();
            vec![Component { name: "api", health: Health::Failing, reason }]
        })
    }

    /// What all components measure.
    pub(crate) async fn metrics(&self) -> Result<Vec<Sample>, ApiError> {
        self.run(|store, control| {
            let mut samples = control.metrics();
            samples.extend(store.metrics()?);
            Ok(samples)
        })
        .await
    }
}

/// Ready when the server stops.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it the server. The guard must not live across an await.
    drop(stopping.wait_for(|stopping| *stopping).await);
}

impl std::fmt::Debug for ApiState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiState").field("store", &self.0.store).field("config", &self.0.config).finish_non_exhaustive()
    }
}
