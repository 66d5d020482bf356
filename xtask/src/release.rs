//! Where the project is, and its release binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// The root of the workspace.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.map(Path::to_owned).context("xtask has no parent folder")
}

/// Builds `fleetward` in release mode and says where it is; or takes the one that `FLEETWARD_BINARY` names.
pub(crate) fn fleetward() -> anyhow::Result<PathBuf> {
    if let Some(ready) = std::env::var_os("FLEETWARD_BINARY") {
        // It is called from other folders, too.
        return std::path::absolute(&ready).with_context(|| PathBuf::from(ready).display().to_string());
    }
    let root = root()?;
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--package", "fleetward"])
        .current_dir(&root)
        .status()
        .context("cargo build --release")?;
    ensure!(status.success(), "fleetward does not build");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(target.join("release").join("fleetward"))
}
