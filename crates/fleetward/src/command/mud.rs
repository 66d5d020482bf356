//! `fleetward mud`: MUD files (RFC 8520) in and out.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use fleetward_fleet::Profile;
use fleetward_guard::learn::profile_yaml;
use fleetward_guard::mud::{self, Fingerprint, Signer, VerifyError};

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
        /// Take it only if this certificate signed it. Without: whoever signed what --out was made from; the first signer is written down there.
        #[arg(long, value_name = "SHA256", requires = "signature")]
        signer: Option<Fingerprint>,
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
        /// Only if this certificate signed it; `mud verify` says its fingerprint.
        #[arg(long, value_name = "SHA256")]
        signer: Option<Fingerprint>,
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
            Self::Import { file, model, out, signature, roots, signer } => {
                let signed = signature.as_deref().zip(roots.as_deref());
                import_to(&file, model, out.as_deref(), signed, signer)?;
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
            Self::Verify { file, signature, roots, signer } => {
                write_line(&verify(&file, &signature, &roots, signer)?.to_string())?;
            }
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

/// Takes the file as a profile. Of a profile that is there already only the `network:` part is replaced, and only by its old signer.
fn import_to(
    file: &Path,
    model: Option<String>,
    out: Option<&Path>,
    signed: Option<(&Path, &Path)>,
    wanted: Option<Fingerprint>,
) -> anyhow::Result<()> {
    let old = out.map(super::learn::read_if_there).transpose()?.flatten();
    let pinned = old.as_deref().and_then(pinned);
    let by = match (signed, pinned) {
        (Some((signature, roots)), pinned) => Some(verify(file, signature, roots, wanted.or(pinned))?),
        (None, Some(pinned)) => {
            let message = format!(
                "the profile was made from a file that {pinned} signed, and this one comes without a signature"
            );
            let hint = "give --signature and --roots, or take the line `# signed by` out of the profile";
            return Err(Failure::input(message, hint).into());
        }
        (None, None) => None,
    };
    let imported = import(file)?;
    let model = model.or(imported.model).unwrap_or_else(|| {
        file.file_stem().map_or_else(|| "model".to_owned(), |stem| stem.to_string_lossy().into_owned())
    });
    let mut page = String::new();
    if let Some(by) = by {
        page += &format!("{SIGNED}{}; {}\n", by.fingerprint, by.subject.replace('\n', " "));
    }
    for refused in &imported.refused {
        page += &format!("{REFUSED}{}\n", refused.replace('\n', " "));
    }
    let is_old = |line: &&str| !line.starts_with(SIGNED) && !line.starts_with(REFUSED);
    let rest = old.map(|old| old.split_inclusive('\n').filter(is_old).collect::<String>());
    page += &profile_yaml(&model, &imported.profile, rest.as_deref());
    match out {
        Some(out) => fs::write(out, page).with_context(|| format!("cannot write {}", out.display()))?,
        None => write_line(page.trim_end())?,
    }
    Ok(())
}

/// Who signed the file that a profile was made from, by the comment that the import left in it.
fn pinned(profile: &str) -> Option<Fingerprint> {
    let line = profile.lines().find_map(|line| line.strip_prefix(SIGNED))?;
    line.split(';').next()?.trim().parse().ok()
}

/// Who signed it.
fn verify(file: &Path, signature: &Path, roots: &Path, signer: Option<Fingerprint>) -> anyhow::Result<Signer> {
    mud::verify(file, signature, roots, signer).map_err(|error| {
        let hint = match error {
            VerifyError::OtherSigner(..) => {
                "ask the vendor, by another way, whether the signer changed; if so, state the new one with --signer"
            }
            _ => "ask the vendor for the file, its signature and the certificates that belong together",
        };
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Failure::input(format!("{}: {error}{cause}", file.display()), hint).into()
    })
}

const SIGNED: &str = "# signed by: sha256 ";
const REFUSED: &str = "# too wide, not taken: ";
