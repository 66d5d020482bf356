//! The state as a file: written beside, synced, renamed; the last two are kept.

use std::path::PathBuf;

/// Why a snapshot was not written, or the folder of snapshots cannot be used. A snapshot that is damaged or of another
/// version is no error: the older one is taken, or the journal is replayed.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The configuration keeps none.
    #[error("no folder for snapshots is configured")]
    NotConfigured,
    /// The outputs up to the snapshot are not durable, so it must not be kept.
    #[error("the outputs before the snapshot were not confirmed to be stored")]
    NotConfirmed,
    /// A worker is gone.
    #[error(transparent)]
    Stopped(#[from] crate::engine::Stopped),
    /// The disk refused.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}
