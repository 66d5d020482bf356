//! Why the store could not do it: one variant per decision that a caller could take.

use std::path::PathBuf;

use fleetward_fleet::FindingState;

/// Why the store could not do it. [`StoreError::hint`] says the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be created, opened or made private.
    #[error("cannot open the database {}", path.display())]
    Io {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Another process holds the file.
    #[error("the database {} is locked by another process", path.display())]
    Locked {
        /// The database file.
        path: PathBuf,
    },
    /// The file is an `SQLite` database, but damaged.
    #[error("the database {} is damaged: {detail}", path.display())]
    Corrupt {
        /// The database file.
        path: PathBuf,
        /// The first thing that `SQLite` found.
        detail: String,
    },
    /// The file is something else.
    #[error("{} is not a Fleetward database", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A newer Fleetward wrote it.
    #[error("the database {} has schema {found}, this version knows up to {known}", path.display())]
    NewerSchema {
        /// The database file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest that this version knows.
        known: u32,
    },
    /// No space left; nothing was changed, and it works again as soon as there is space.
    #[error("no space left for the database {}", path.display())]
    Full {
        /// The database file.
        path: PathBuf,
    },
    /// `SQLite` refused for another reason.
    #[error("the database {} refused", path.display())]
    Sqlite {
        /// The database file.
        path: PathBuf,
        /// What `SQLite` said.
        #[source]
        source: rusqlite::Error,
    },
    /// A stored row cannot be read by this version.
    #[error("a stored {what} cannot be read")]
    Unreadable {
        /// Which kind of row.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no such thing.
    #[error("no such {what}: {key}")]
    NotFound {
        /// Which kind of thing.
        what: &'static str,
        /// What was asked for.
        key: String,
    },
    /// There is one already.
    #[error("there is already a {what} named {key}")]
    Exists {
        /// Which kind of thing.
        what: &'static str,
        /// Its name.
        key: String,
    },
    /// The finding is in a state that does not allow this.
    #[error("a finding that is {} cannot become {}", state_name(*from), state_name(*to))]
    IllegalTransition {
        /// Where it is.
        from: FindingState,
        /// Where it should have gone.
        to: FindingState,
    },
    /// Somebody else changed it since it was read: read again.
    #[error("the {what} {key} has changed since it was read")]
    Stale {
        /// Which kind of thing.
        what: &'static str,
        /// Which one.
        key: String,
    },
    /// An argument is not acceptable.
    #[error("{field}: {message}")]
    Invalid {
        /// Which argument.
        field: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
    /// No randomness from the system.
    #[error("the system gave no randomness")]
    NoRandomness,
}

impl StoreError {
    /// The way out, where there is one to tell.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Io { .. } => "check that the folder exists and that this user may write to it",
            Self::Locked { .. } => "stop the other fleetward (or the tool that has the file open) and start again",
            Self::Corrupt { .. } => {
                "nothing was changed; move the file away, restore it from a backup, or start without it: devices come \
                 back from the journal, findings and the audit log only from the backup"
            }
            Self::NotOurs { .. } => {
                "move the file away, or name another data folder (`data:`); this one was not touched"
            }
            Self::NewerSchema { .. } => "use the newer fleetward again, or restore the backup from before the upgrade",
            Self::Full { .. } => "make space; nothing was lost",
            _ => return None,
        })
    }

    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }

    pub(crate) fn not_found(what: &'static str, key: &dyn std::fmt::Display) -> Self {
        Self::NotFound { what, key: key.to_string() }
    }
}

fn state_name(state: FindingState) -> &'static str {
    crate::finding_state::name(state)
}
