//! The zoo: real Debian daemons (and four small ones of our own) as a dozen devices in one namespace, an address each.
//!
//! What an audit is meant to say of each is in `zoo/truth.yaml`, which a [`Score`] holds a report against. The auditor has a namespace of its own, joined by a cable.
//!
//! # Invariants
//!
//! * **Nothing of the host is touched.** Accounts are files mounted over `/etc/passwd` and `/etc/shadow` for one daemon only.
//! * **Harm is seen**: the devices that lock and that die of haste say whether they did.

mod device;
mod settings;
mod small;
mod truth;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::{DaemonError, Lab, Namespace};
pub use truth::Score;

/// The network of the devices.
pub const NETWORK: &str = "10.77.0.0/24";

/// A running zoo; everything ends with it.
#[derive(Debug)]
pub struct Zoo {
    // Before the lab, so that daemons end before their namespaces.
    daemons: device::Running,
    small: small::Small,
    panel: PathBuf,
    auditor: Namespace,
    _lab: Lab,
}

impl Zoo {
    /// What has to be installed: (program, Debian package).
    pub const PROGRAMS: [(&str, &str); 13] = [
        ("openssl", "openssl"),
        ("socat", "socat"),
        ("telnetd", "inetutils-telnetd"),
        ("busybox", "busybox"),
        ("dropbear", "dropbear-bin"),
        ("sshd", "openssh-server"),
        ("vsftpd", "vsftpd"),
        ("lighttpd", "lighttpd"),
        ("nginx", "nginx-light"),
        ("mosquitto", "mosquitto"),
        ("snmpd", "snmpd"),
        ("coap-server-notls", "libcoap3-bin"),
        ("redis-server", "redis-server"),
    ];

    /// Starts all of it, or `None` after saying aloud what is missing.
    ///
    /// # Errors
    /// A daemon that does not get ready, with the last lines that it wrote.
    pub fn try_start() -> Result<Option<Self>, DaemonError> {
        let Some(mut lab) = Lab::try_new(&Self::PROGRAMS)? else { return Ok(None) };
        let (zoo, auditor) = (lab.namespace("zoo")?, lab.namespace("auditor")?);
        lab.cable((&zoo, "devices", "10.77.0.253/24"), (&auditor, "audit", "10.77.0.254/24"))?;
        let daemons = device::start_all(&lab, &zoo)?;
        let small = small::Small::start(&zoo)?;
        let panel = lab.subfolder("zoo")?.join(device::PANEL_STATE);
        Ok(Some(Self { daemons, small, panel, auditor, _lab: lab }))
    }

    /// Where an auditor lives: only the devices are there.
    pub fn auditor(&self) -> &Namespace {
        &self.auditor
    }

    /// Address of device `number` of the truth.
    pub fn address(number: u8) -> IpAddr {
        Ipv4Addr::new(10, 77, 0, number).into()
    }

    /// Ends the daemon that listens at the port of device `number`, as an owner who closes it.
    pub fn close(&mut self, number: u8, port: u16) {
        self.daemons.retain(|(at, _)| *at != (number, Some(port)));
    }

    /// Accounts that locked since the start.
    pub fn locked(&self) -> u32 {
        self.small.locked() + u32::from(self.panel.join("locked").exists())
    }

    /// Sessions that somebody opened at the panel and did not end.
    pub fn sessions(&self) -> usize {
        let entries = std::fs::read_dir(&self.panel).into_iter().flatten().flatten();
        entries.filter(|it| it.file_name().to_string_lossy().starts_with("sid-")).count()
    }

    /// Devices that died: of haste, or daemons that ended.
    pub fn harmed(&mut self) -> u32 {
        let ended = self.daemons.iter_mut().filter_map(|(_, it)| it.try_wait().ok().flatten()).count();
        self.small.harmed() + u32::try_from(ended).unwrap_or(u32::MAX)
    }
}
