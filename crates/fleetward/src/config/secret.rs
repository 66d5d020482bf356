//! Where a secret is. Never the secret itself: configuration lives in version control.

use std::path::{Path, PathBuf};

use fleetward_fleet::Secret;
use serde::{Deserialize, Deserializer, de::Error};

use crate::unread;

/// A reference to a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretRef {
    /// The first line of a file that only its owner may read.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    File(PathBuf),
    Env(String),
}

impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error must not repeat what was written: it may be the secret itself.
        match Written::deserialize(deserializer) {
            Ok(Written::File(path)) => Ok(Self::File(path)),
            Ok(Written::Env(name)) => Ok(Self::Env(name)),
            Err(_) => Err(D::Error::custom(
                "a secret is not written into the configuration; write `{ file: secrets/name }` or `{ env: NAME }`",
            )),
        }
    }
}

impl SecretRef {
    /// Fetches the secret: at least 16 bytes unless it is a password of somebody else's making.
    pub(crate) fn fetch(&self, base: &Path, least: usize) -> Result<Secret, String> {
        let bytes = match self {
            Self::File(path) => read_private(&base.join(path))?,
            Self::Env(name) => {
                std::env::var(name).map_err(|_| format!("environment variable {name} is not set"))?.into_bytes()
            }
        };
        let line = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.len() < least {
            return Err(format!(
                "the secret in {self} has {} bytes, at least {least} are wanted (make one: fleetward secret new FILE)",
                line.len()
            ));
        }
        Ok(Secret::new(line))
    }
}

impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Env(name) => write!(f, "${name}"),
        }
    }
}

/// Reads a file that nobody but its owner may read.
pub(crate) fn read_private(path: &Path) -> Result<Vec<u8>, String> {
    use std::os::unix::fs::PermissionsExt;
    let meta = std::fs::metadata(path).map_err(|error| format!("{}: {}", path.display(), unread::why(path, &error)))?;
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(format!("{} can be read by others; run: chmod 600 {0}", path.display()));
    }
    std::fs::read(path).map_err(|error| format!("{}: {}", path.display(), unread::why(path, &error)))
}
