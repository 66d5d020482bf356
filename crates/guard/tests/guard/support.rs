//! Real captures and profiles, where they are.

use std::path::{Path, PathBuf};

/// A folder of the test data; says where it is not.
pub(crate) fn data(folder: &str) -> Option<PathBuf> {
    let stated = std::env::var_os("FLEETWARD_TESTDATA").map(PathBuf::from);
    let all = stated.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    let folder = all.join(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no test data at {}; set FLEETWARD_TESTDATA", folder.display());
    None
}
