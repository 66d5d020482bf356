//! Real peers in network namespaces of their own: FreeRADIUS, strongSwan, hostapd with wpa_supplicant, radsecproxy.
//!
//! A [`Lab`] is a set of namespaces, joined by virtual cables, and a folder for configurations and logs. It needs
//! root; [`Lab::try_new`] says aloud when a test has to be skipped. Everything that was made ends with the lab.
//!
//! # Invariants
//!
//! * **Nothing of the host is touched**: no address, route or file outside the namespaces and the folder.
//! * **A failure shows the logs**: errors carry the last lines that the daemon wrote.

mod certificates;
mod freeradius;
mod hostapd;
mod namespace;
mod radsecproxy;
mod strongswan;
pub mod zoo;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

pub use certificates::{Certificates, Pem};
pub use freeradius::{Account, FreeRadius, FreeRadiusSetup, RADCLIENT, Storage, radclient};
pub use hostapd::{Hostapd, HostapdSetup, Supplicant};
pub use namespace::Namespace;
pub use radsecproxy::{RadsecProxy, RadsecProxySetup};
pub use strongswan::{StrongSwan, VpnClient, VpnGatewaySetup};
pub use zoo::Zoo;

use crate::process::{ProcessError, require_daemon, skip};

/// Why the lab or a peer does not work.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// A daemon did not get ready.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A file could not be written, or a command not be run.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A command failed.
    #[error("{command}: {output}")]
    Failed {
        /// What was run.
        command: String,
        /// What it said.
        output: String,
    },
}

/// How long a daemon may take to get ready; they take one to three seconds on an idle machine.
pub const READY: Duration = Duration::from_secs(30);

/// Namespaces, cables and a folder.
#[derive(Debug)]
pub struct Lab {
    namespaces: Vec<Namespace>,
    folder: TempDir,
}

impl Lab {
    /// A lab, or `None` after saying aloud why there is none: no root or no capabilities, or one of these
    /// programs (with their Debian packages) is missing.
    ///
    /// # Panics
    ///
    /// Where `FLEETWARD_REQUIRE_DAEMONS=1` says that skipping is a failure.
    pub fn try_new(programs: &[(&str, &str)]) -> Result<Option<Self>, DaemonError> {
        if !nix::unistd::geteuid().is_root() {
            skip("network namespaces need root; run the test as root");
            return Ok(None);
        }
        let needed = std::iter::once(&("ip", "iproute2")).chain(programs);
        if needed.filter(|(program, package)| require_daemon(program, package).is_none()).count() > 0 {
            return Ok(None);
        }
        namespace::remove_abandoned();
        match Namespace::create("probe") {
            Ok(probe) => probe.remove(),
            Err(error) => {
                skip(&format!(
                    "network namespaces cannot be made here ({error}); run with CAP_NET_ADMIN and CAP_SYS_ADMIN"
                ));
                return Ok(None);
            }
        }
        let folder = TempDir::with_prefix("fleetward-lab-").map_err(io_error("make a folder for the lab"))?;
        // Daemons drop to other users and must reach their files.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(folder.path(), open).map_err(io_error("open the lab's folder"))?;
        Ok(Some(Self { namespaces: Vec::new(), folder }))
    }

    /// A new namespace with a loopback interface; the handle is a name that the lab keeps alive.
    pub fn namespace(&mut self, label: &str) -> Result<Namespace, DaemonError> {
        let namespace = Namespace::create(label)?;
        self.namespaces.push(namespace.clone());
        Ok(namespace)
    }

    /// A cable (veth) between two namespaces: (namespace, interface name, address with prefix length or nothing).
    pub fn cable(&self, a: (&Namespace, &str, &str), b: (&Namespace, &str, &str)) -> Result<(), DaemonError> {
        let ((from, from_if, _), (to, to_if, _)) = (a, b);
        let make = [
            "link",
            "add",
            "name",
            from_if,
            "netns",
            from.name(),
            "type",
            "veth",
            "peer",
            "name",
            to_if,
            "netns",
            to.name(),
        ];
        run(Command::new("ip").args(make))?;
        for (namespace, interface, address) in [a, b] {
            if !address.is_empty() {
                run(namespace.command("ip").args(["addr", "add", address, "dev", interface]))?;
            }
            run(namespace.command("ip").args(["link", "set", "dev", interface, "up"]))?;
        }
        Ok(())
    }

    /// The lab's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A folder of its own for one peer.
    pub fn subfolder(&self, name: &str) -> Result<PathBuf, DaemonError> {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).map_err(io_error(&format!("make {}", path.display())))?;
        Ok(path)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.namespaces.iter().for_each(Namespace::remove);
    }
}

/// A RADIUS server that a peer should use.
#[derive(Debug, Clone)]
pub struct ServerAddress {
    /// Its address.
    pub ip: Ipv4Addr,
    /// Authentication port.
    pub auth: u16,
    /// Accounting port.
    pub acct: u16,
    /// The shared secret, without quotes and spaces.
    pub secret: String,
}

impl ServerAddress {
    /// Usual ports.
    pub fn new(ip: Ipv4Addr, secret: &str) -> Self {
        Self { ip, auth: 1812, acct: 1813, secret: secret.into() }
    }

    /// For authentication.
    pub fn auth_addr(&self) -> SocketAddr {
        (self.ip, self.auth).into()
    }

    /// For accounting.
    pub fn acct_addr(&self) -> SocketAddr {
        (self.ip, self.acct).into()
    }
}

/// Runs a short command; an error carries what it wrote.
pub(crate) fn run(command: &mut Command) -> Result<String, DaemonError> {
    let shown = format!("{command:?}");
    let output = command.output().map_err(io_error(&shown))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let output = format!("{}{} ({})", text(&output.stdout), text(&output.stderr), output.status);
    Err(DaemonError::Failed { command: shown, output })
}

pub(crate) fn io_error(what: &str) -> impl FnOnce(io::Error) -> DaemonError + use<> {
    let what = what.to_owned();
    move |source| DaemonError::Io { what, source }
}

pub(crate) fn write_file(path: &Path, text: &str) -> Result<(), DaemonError> {
    fs::write(path, text).map_err(io_error(&format!("write {}", path.display())))
}
