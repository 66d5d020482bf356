//! `fleetward mud`: MUD files (RFC 8520) in and out.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use fleetward_fleet::Profile;
use fleetward_guard::learn::profile_yaml;
use fleetward_guard::mud;

use super::cell;
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::printer::write_line;

/// See the module.
#[derive(Debug, Subcommand)]
pub(crate) enum Mud {
    /// Say what a MUD file would allow, and what of it is too wide to be taken.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Take a MUD file as the `network:` part of a profile.
    Import {
        /// The file.
        file: PathBuf,
        /// The model's name; without, the file's own.
        #[arg(long)]
        model: Option<String>,
        /// Write the profile here instead of printing it.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Take it only if this detached signature (CMS, DER) is by somebody whom --roots vouch for.
        #[arg(long, value_name = "FILE", requires = "roots")]
        signature: Option<PathBuf>,
        /// Certificates (PEM) that vouch for signers.
        #[arg(long, value_name = "FILE")]
        roots: Option<PathBuf>,
    },
    /// Write the network part of a profile as a MUD file.
    Export {
        /// The profile, `models/NAME.yaml`.
        profile: PathBuf,
    },
    /// Check the detached signature of a MUD file (RFC 8520 §13.2) with the program `openssl`.
    Verify {
        /// The file.
        file: PathBuf,
        /// The signature, DER.
        #[arg(long, value_name = "FILE")]
        signature: PathBuf,
        /// Certificates (PEM) that vouch for signers.
        #[arg(long, value_name = "FILE")]
        roots: PathBuf,
    },
}

impl Mud {
    pub(crate) fn run(self, global: &Global) -> anyhow::Result<Exit> {
        match self {
            Self::Check { file } => {
                let imported = import(&file)?;
                let taken = imported.profile.allow.iter().map(fleetward_guard::learn::words);
                let row = |verdict: &str, what: String| serde_json::json!({ "verdict": verdict, "what": what });
                let mut rows: Vec<serde_json::Value> = taken.map(|what| row("takes", what)).collect();
                rows.extend(imported.refused.iter().map(|what| row("too wide: not taken", what.clone())));
                let fields = ["verdict", "what"];
                global
                    .printer()
                    .rows(&rows, &["", "WHAT"], |row| fields.iter().map(|field| cell(row, field)).collect())?;
            }
            Self::Import { file, model, out, signature, roots } => {
                if let (Some(signature), Some(roots)) = (&signature, &roots) {
                    verify(&file, signature, roots)?;
                }
                let imported = import(&file)?;
                let model = model.or(imported.model).unwrap_or_else(|| {
                    file.file_stem().map_or_else(|| "model".to_owned(), |stem| stem.to_string_lossy().into_owned())
                });
                let mut page = String::new();
                for refused in &imported.refused {
                    page += &format!("# too wide, not taken: {}\n", refused.replace('\n', " "));
                }
                page += &profile_yaml(&model, &imported.profile, None);
                match out {
                    Some(out) => fs::write(&out, page).with_context(|| format!("cannot write {}", out.display()))?,
                    None => write_line(page.trim_end())?,
                }
            }
            Self::Export { profile } => {
                let text = read(&profile)?;
                let profile = Profile::from_yaml(&text).with_context(|| profile.display().to_string())?;
                let Some(network) = &profile.network else {
                    let message = format!("the profile of {} has no `network:` part", profile.model);
                    return Err(Failure::input(message, "fleetward learn makes one").into());
                };
                write_line(&mud::export(&profile.model, network))?;
            }
            Self::Verify { file, signature, roots } => write_line(&verify(&file, &signature, &roots)?)?,
        }
        Ok(Exit::Done)
    }
}

fn read(file: &Path) -> anyhow::Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn import(file: &Path) -> anyhow::Result<mud::Imported> {
    let text = read(file)?;
    mud::import(&text).map_err(|error| {
        Failure::input(format!("{}: {error}", file.display()), "a MUD file is JSON as RFC 8520 shows it").into()
    })
}

/// Who signed it, in the words of openssl.
fn verify(file: &Path, signature: &Path, roots: &Path) -> anyhow::Result<String> {
    mud::verify(file, signature, roots).map_err(|error| {
        Failure::input(
            format!("{}: {error}", file.display()),
            "ask the vendor for the file, its signature and the certificates that belong together",
        )
        .into()
    })
}
