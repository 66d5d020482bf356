//! `fleetward secret`: makes secrets that nobody has to think up.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;

use crate::exit::{Exit, Failure};
use crate::printer::write_line;

/// Shared secrets of gateways and channels.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Write a new random secret (32 characters) into a file that only you can read.
    New {
        /// The file; it must not exist yet.
        file: PathBuf,
    },
}

impl SecretCommand {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let Self::New { file } = self;
        write_new(&file, format!("{}\n", random_text(32)?).as_bytes())?;
        write_line(&format!("{}: a new secret; copy it to the gateway, not into a chat", file.display()))?;
        Ok(Exit::Done)
    }
}

/// `length` random letters and digits, without those that look alike: gateways want them typed in.
pub(crate) fn random_text(length: usize) -> anyhow::Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyzABCDEF234";
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

/// Writes a file that must not exist and that only its owner may read.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            return there_already(path);
        }
        Failure::input(format!("{}: {error}", path.display()), "the folder must let this user write")
    })?;
    file.write_all(content).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// Why a file is not written that somebody may still need.
pub(crate) fn there_already(path: &Path) -> Failure {
    let hint = "a file is never overwritten; name another one, or remove it";
    Failure::input(format!("{} is there already", path.display()), hint)
}
