//! The one place that reads the wall clock. Everything else is told the time.

use fleetward_fleet::Timestamp;

/// Now, in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The clock as components take it.
pub(crate) fn shared() -> std::sync::Arc<dyn Fn() -> Timestamp + Send + Sync> {
    std::sync::Arc::new(now)
}
