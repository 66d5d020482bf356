//! radsecproxy: RADIUS over UDP in, RadSec out.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use super::{DaemonError, Lab, Namespace, READY, write_file};
use crate::process::{Process, ProcessError};

/// A proxy to be started.
#[derive(Debug, Clone)]
pub struct RadsecProxySetup {
    /// Where it listens for UDP, authentication and accounting alike.
    pub listen: SocketAddr,
    /// The secret of its UDP clients.
    pub secret: String,
    /// The RadSec server.
    pub server: SocketAddr,
    /// Whom to trust.
    pub authority: PathBuf,
    /// Its own certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// A running proxy.
#[derive(Debug)]
pub struct RadsecProxy {
    /// The process; its log tells of the TLS session.
    pub process: Process,
}

impl RadsecProxy {
    /// What a test with it and [`super::Certificates`] needs: (program, Debian package).
    pub const PROGRAMS: [(&str, &str); 2] = [("radsecproxy", "radsecproxy"), ("openssl", "openssl")];

    /// Starts it in a namespace of the lab or (`None`) on the host's loopback. The server is connected to in the
    /// background: see [`RadsecProxy::wait_connected`].
    pub fn start(lab: &Lab, namespace: Option<&Namespace>, setup: &RadsecProxySetup) -> Result<Self, DaemonError> {
        let folder = lab.subfolder("radsecproxy")?;
        let file = folder.join("radsecproxy.conf");
        write_file(&file, &configuration(setup))?;
        let mut command = namespace.map_or_else(|| Command::new("radsecproxy"), |n| n.command("radsecproxy"));
        command.args(["-f", "-d", "2", "-c"]).arg(&file);
        let mut process = Process::start(&mut command, folder.join("radsecproxy.log"))?;
        process.wait_for_line("listening for udp", READY)?;
        Ok(Self { process })
    }

    /// Waits until the TLS session with the server is up; returns the line that says so.
    pub fn wait_connected(&mut self) -> Result<String, ProcessError> {
        self.process.wait_for_line("connection to", READY)
    }
}

fn configuration(setup: &RadsecProxySetup) -> String {
    let RadsecProxySetup { listen, secret, server, authority, certificate, key } = setup;
    format!(
        "ListenUDP {listen}
LogLevel 2
tls default {{
    CACertificateFile {}
    CertificateFile {}
    CertificateKeyFile {}
}}
client {} {{
    type udp
    secret {secret}
}}
server radsec {{
    host {}
    port {}
    type tls
    secret radsec
    tls default
    certificateNameCheck off
    StatusServer on
}}
realm * {{
    server radsec
    accountingServer radsec
}}
",
        authority.display(),
        certificate.display(),
        key.display(),
        listen.ip(),
        server.ip(),
        server.port(),
    )
}
