//! The data folder: private, and opened with errors that say the way out.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;
use fleetward_store::{Names, Store, StoreError};

use crate::exit::Failure;

/// The folder for a server that starts, with its database; says where the one was lost and the other was not.
pub(super) fn open(data: &Path) -> anyhow::Result<Store> {
    make_private_folder(data)?;
    if let Some(warning) = lost_store(data) {
        tracing::warn!("{warning}");
    }
    open_store(data)
}

/// Makes the folder, if it is not there, so that only this user may look into it.
pub(crate) fn make_private_folder(path: &Path) -> anyhow::Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.with_context(|| format!("cannot make the data folder {}", path.display()))?;
    let found = std::fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    if found.permissions().mode() & 0o077 != 0 {
        let message =
            format!("the data folder {} can be read by others; it holds subscriber identities", path.display());
        return Err(Failure::input(message, format!("chmod 700 {}", path.display())).into());
    }
    Ok(())
}

/// The models and groups of the inventory, where it is known; a server may be using the database, which is left as it is.
pub(crate) fn names(data: &Path) -> Names {
    fleetward_store::names(&data.join(DATABASE)).unwrap_or_default()
}

/// Whether a server ever ran here.
pub(crate) fn has_store(data: &Path) -> bool {
    data.join(DATABASE).is_file()
}

/// What somebody should know who starts where there is a snapshot of detection and no database: detection goes on behind what it has
/// found, so none of it is found again.
fn lost_store(data: &Path) -> Option<String> {
    let snapshots = data.join("snapshots");
    let holds_one = std::fs::read_dir(&snapshots).is_ok_and(|mut entries| entries.next().is_some());
    (holds_one && !has_store(data)).then(|| {
        format!(
            "the database is gone and {} is not: findings of the past are not found again (to judge the journal anew: \
             stop, remove that folder, start without `channels`)",
            snapshots.display()
        )
    })
}

/// Opens the database in the data folder.
pub(crate) fn open_store(data: &Path) -> anyhow::Result<Store> {
    Store::open(&data.join(DATABASE)).map_err(failure)
}

/// A store's error with its way out.
pub(crate) fn failure(error: StoreError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => {
            let hint = hint.to_owned();
            let mut message = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(cause) = source {
                message.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            Failure::unfinished(message, hint).into()
        }
        None => error.into(),
    }
}

const DATABASE: &str = "fleetward.db";
