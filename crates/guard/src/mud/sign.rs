//! Whether a MUD file is its maker's (RFC 8520 §13.2): a detached CMS signature over the file's very octets.
//!
//! CMS is read by the program `openssl`: the crates for it are not finished, and a signature is the last place for a home-made parser.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;

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
    /// Somebody else than before signed it.
    #[error("signed by {0}, and {1} was expected")]
    OtherSigner(Box<Signer>, Fingerprint),
}

/// SHA-256 of a certificate (DER).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl FromStr for Fingerprint {
    type Err = String;

    /// 64 hexadecimal digits; openssl writes colons between them.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write the SHA-256 fingerprint of the signer's certificate: 64 hexadecimal digits".to_owned();
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
        let mut octets = [0; 32];
        if digits.len() != 64 {
            return Err(wrong());
        }
        for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = digit(pair[0]).zip(digit(pair[1])).ok_or_else(wrong)?;
            *octet = u8::try_from(high << 4 | low).map_err(|_| wrong())?;
        }
        Ok(Self(octets))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The subject of the certificate (RFC 2253), as openssl writes it.
    pub subject: String,
    /// To be pinned: RFC 8520 §16 asks for it, because anybody whom a root vouches for could sign for any model.
    pub fingerprint: Fingerprint,
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; sha256 {}", self.subject, self.fingerprint)
    }
}

impl Signer {
    /// As two lines of openssl: `subject=...` and `sha256 Fingerprint=...`.
    fn read(said: &str) -> Option<Self> {
        let after = |mark: &str| said.lines().find_map(|line| line.trim().strip_prefix(mark));
        let fingerprint = after("sha256 Fingerprint=").or_else(|| after("SHA256 Fingerprint="))?;
        Some(Self { subject: after("subject=")?.trim().to_owned(), fingerprint: fingerprint.parse().ok()? })
    }
}

/// Checks the signature `signature` (DER) of `file` against the certificates `roots` (PEM), and where `pinned` is given that it is by that
/// certificate. Returns who signed, to be pinned.
///
/// Nothing of the environment or of openssl's own configuration takes part; only `roots` vouch.
pub fn verify(file: &Path, signature: &Path, roots: &Path, pinned: Option<Fingerprint>) -> Result<Signer, VerifyError> {
    let folder = std::env::temp_dir().join(format!("fleetward-mud-{}-{:p}", std::process::id(), &raw const *file));
    std::fs::create_dir(&folder).map_err(VerifyError::Folder)?;
    let signer = folder.join("signer.pem");
    let checked = check(file, signature, roots, &signer).and_then(|()| describe(&signer));
    // A folder that stays behind holds a public certificate.
    drop(std::fs::remove_dir_all(&folder));
    let who = checked?;
    match pinned {
        Some(pinned) if pinned != who.fingerprint => Err(VerifyError::OtherSigner(Box::new(who), pinned)),
        _ => Ok(who),
    }
}

fn check(file: &Path, signature: &Path, roots: &Path, signer: &Path) -> Result<(), VerifyError> {
    let mut command = openssl();
    command.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-no-CApath", "-no-CAstore"]);
    command.arg("-in").arg(signature).arg("-content").arg(file).arg("-CAfile").arg(roots).arg("-signer").arg(signer);
    run(command.arg("-out").arg("/dev/null")).map(drop)
}

fn describe(signer: &Path) -> Result<Signer, VerifyError> {
    let mut command = openssl();
    command.args(["x509", "-noout", "-subject", "-nameopt", "RFC2253", "-fingerprint", "-sha256", "-in"]).arg(signer);
    let said = run(&mut command)?;
    Signer::read(&said).ok_or_else(|| VerifyError::Refused("openssl does not say who signed".to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_with_and_without_colons_and_nothing_else_is() {
        let plain = "0123456789abcdef".repeat(4);
        let parsed: Fingerprint = plain.parse().unwrap();
        assert_eq!(parsed.to_string(), plain);
        let colons =
            plain.to_uppercase().as_bytes().chunks(2).map(String::from_utf8_lossy).collect::<Vec<_>>().join(":");
        assert_eq!(colons.parse(), Ok(parsed));
        assert!(plain[1..].parse::<Fingerprint>().is_err() && plain.replace('0', "g").parse::<Fingerprint>().is_err());
    }

    #[test]
    fn who_signed_is_read_from_either_writing_of_openssl() {
        let hex = "AB:".repeat(31) + "AB";
        for word in ["sha256", "SHA256"] {
            let signer = Signer::read(&format!("subject=CN=maker\n{word} Fingerprint={hex}\n")).unwrap();
            assert_eq!(signer.to_string(), format!("CN=maker; sha256 {}", "ab".repeat(32)));
        }
        assert_eq!(Signer::read("subject=CN=maker"), None);
    }
}
