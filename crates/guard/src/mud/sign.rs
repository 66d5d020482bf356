//! Whether a MUD file is its maker's (RFC 8520 §13.2): a detached CMS signature over the file's very octets.
//!
//! CMS is read by the program `openssl`: the crates for it are not finished, and a signature is the last place for a home-made parser.

use std::path::Path;
use std::process::{Command, Stdio};

/// Why a signature was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The program is not there.
    #[error("cannot run openssl")]
    NoProgram(#[source] std::io::Error),
    /// It says no.
    #[error("the signature does not hold: {0}")]
    Refused(String),
    /// No place for the signer's certificate.
    #[error("no temporary folder")]
    Folder(#[source] std::io::Error),
}

/// Checks the signature `signature` (DER) of `file` against the certificates `roots` (PEM). Returns who signed: subject and SHA-256
/// fingerprint of his certificate, to be pinned.
///
/// Nothing of the environment or of openssl's own configuration takes part; only `roots` vouch.
pub fn verify(file: &Path, signature: &Path, roots: &Path) -> Result<String, VerifyError> {
    let folder = std::env::temp_dir().join(format!("fleetward-mud-{}-{:p}", std::process::id(), &raw const *file));
    std::fs::create_dir(&folder).map_err(VerifyError::Folder)?;
    let signer = folder.join("signer.pem");
    let checked = check(file, signature, roots, &signer).and_then(|()| describe(&signer));
    // A folder that stays behind holds a public certificate.
    drop(std::fs::remove_dir_all(&folder));
    checked
}

fn check(file: &Path, signature: &Path, roots: &Path, signer: &Path) -> Result<(), VerifyError> {
    let mut command = openssl();
    command.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-no-CApath", "-no-CAstore"]);
    command.arg("-in").arg(signature).arg("-content").arg(file).arg("-CAfile").arg(roots).arg("-signer").arg(signer);
    run(command.arg("-out").arg("/dev/null")).map(drop)
}

fn describe(signer: &Path) -> Result<String, VerifyError> {
    let mut command = openssl();
    command.args(["x509", "-noout", "-subject", "-nameopt", "RFC2253", "-fingerprint", "-sha256", "-in"]).arg(signer);
    run(&mut command).map(|said| said.lines().map(str::trim).collect::<Vec<_>>().join("; "))
}

fn openssl() -> Command {
    let mut command = Command::new("openssl");
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/local/bin")
        .env("OPENSSL_CONF", "/dev/null")
        .stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Result<String, VerifyError> {
    let done = command.output().map_err(VerifyError::NoProgram)?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
    Err(VerifyError::Refused(last.chars().take(300).collect()))
}
