//! Certificates for RadSec peers, made by `openssl`: one authority, one certificate each.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{DaemonError, Lab, run, write_file};

/// The files of one peer.
#[derive(Debug, Clone)]
pub struct Pem {
    /// Its certificate.
    pub certificate: PathBuf,
    /// Its key (PKCS #8).
    pub key: PathBuf,
}

/// An authority, a server and a client.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// The authority's certificate.
    pub authority: PathBuf,
    /// For the RadSec server.
    pub server: Pem,
    /// For the RadSec client; common name `radsec-client`.
    pub client: Pem,
}

impl Certificates {
    /// Makes them, valid for two days; the server's for this IP address and the name `radsec-server`.
    pub fn make(lab: &Lab, server_ip: &str) -> Result<Self, DaemonError> {
        let folder = lab.subfolder("certificates")?;
        let authority = folder.join("authority.pem");
        let key = folder.join("authority.key");
        let make = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
        let subject = ["-subj", "/CN=Fleetward test authority"];
        run(Command::new("openssl").args(make).args(subject).arg("-keyout").arg(&key).arg("-out").arg(&authority))?;
        let server = issue(&folder, "radsec-server", &format!("DNS:radsec-server,IP:{server_ip}"), "serverAuth")?;
        let client = issue(&folder, "radsec-client", "DNS:radsec-client", "clientAuth")?;
        Ok(Self { authority, server, client })
    }

    /// A certificate for one more client, with this common name and DNS name.
    pub fn issue_client(&self, name: &str) -> Result<Pem, DaemonError> {
        let folder = self.authority.parent().unwrap_or(Path::new("."));
        issue(folder, name, &format!("DNS:{name}"), "clientAuth")
    }
}

fn issue(folder: &Path, name: &str, names: &str, usage: &str) -> Result<Pem, DaemonError> {
    let file = |ending: &str| folder.join(format!("{name}.{ending}"));
    let make =
        ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", &format!("/CN={name}")];
    run(Command::new("openssl").args(make).arg("-keyout").arg(file("key")).arg("-out").arg(file("csr")))?;
    let extensions = format!("subjectAltName={names}\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n");
    write_file(&file("ext"), &extensions)?;
    let mut sign = Command::new("openssl");
    sign.args(["x509", "-req", "-days", "2", "-CAcreateserial"]).arg("-in").arg(file("csr"));
    sign.arg("-CA").arg(folder.join("authority.pem")).arg("-CAkey").arg(folder.join("authority.key"));
    run(sign.arg("-extfile").arg(file("ext")).arg("-out").arg(file("pem")))?;
    Ok(Pem { certificate: file("pem"), key: file("key") })
}
