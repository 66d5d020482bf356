//! hostapd on a wire (802.1X) with EAP of its own, accounting and Disconnect; wpa_supplicant as the device.
//!
//! Because EAP ends in hostapd, accounting names the device by its MAC address: User-Name `02005e000001`,
//! Calling-Station-Id `02-00-5E-00-00-01` (measured with 2.10). Use [`super::Namespace::set_mac`].

use std::net::Ipv4Addr;
use std::path::PathBuf;

use super::{DaemonError, Lab, Namespace, READY, ServerAddress, run, write_file};
use crate::process::Process;

/// A switch port to be guarded.
#[derive(Debug, Clone)]
pub struct HostapdSetup {
    /// The interface towards the device.
    pub interface: String,
    /// NAS-IP-Address, and where accounting comes from.
    pub own_ip: Ipv4Addr,
    /// NAS-Identifier.
    pub name: String,
    /// Where accounting goes.
    pub server: ServerAddress,
    /// Who may send Disconnects, to port 3799.
    pub dac: Ipv4Addr,
    /// The secret for Disconnects. Event-Timestamp and Message-Authenticator are required.
    pub dac_secret: String,
    /// The device's login.
    pub login: String,
    /// Its password (EAP-MD5).
    pub password: String,
    /// Interims, seconds.
    pub interim_secs: u32,
}

/// A running authenticator.
#[derive(Debug)]
pub struct Hostapd {
    /// The process and its log.
    pub process: Process,
}

impl Hostapd {
    /// What a test with it and a [`Supplicant`] needs: (program, Debian package).
    pub const PROGRAMS: [(&str, &str); 2] = [("hostapd", "hostapd"), ("wpa_supplicant", "wpasupplicant")];

    /// Starts it in a namespace.
    pub fn start(lab: &Lab, namespace: &Namespace, setup: &HostapdSetup) -> Result<Self, DaemonError> {
        let folder = lab.subfolder("hostapd")?;
        let users = folder.join("eap_users");
        write_file(&users, &format!("\"{}\" MD5 \"{}\"\n", setup.login, setup.password))?;
        let file = folder.join("hostapd.conf");
        write_file(&file, &configuration(setup, &users))?;
        let mut command = namespace.command("hostapd");
        command.arg("-d").arg(&file);
        let mut process = Process::start(&mut command, folder.join("hostapd.log"))?;
        process.wait_for_line("AP-ENABLED", READY)?;
        Ok(Self { process })
    }
}

fn configuration(setup: &HostapdSetup, users: &std::path::Path) -> String {
    let HostapdSetup { interface, own_ip, name, server, dac, dac_secret, interim_secs, .. } = setup;
    format!(
        "interface={interface}
driver=wired
logger_stdout=-1
logger_stdout_level=0
ieee8021x=1
use_pae_group_addr=1
eap_reauth_period=0
eap_server=1
eap_user_file={}
own_ip_addr={own_ip}
nas_identifier={name}
acct_server_addr={}
acct_server_port={}
acct_server_shared_secret={}
radius_acct_interim_interval={interim_secs}
radius_das_port=3799
radius_das_client={dac} {dac_secret}
radius_das_require_event_timestamp=1
radius_das_require_message_authenticator=1
",
        users.display(),
        server.ip,
        server.acct,
        server.secret
    )
}

/// A device behind a guarded port.
#[derive(Debug)]
pub struct Supplicant {
    /// The process and its log.
    pub process: Process,
    control: PathBuf,
    interface: String,
    namespace: Namespace,
}

impl Supplicant {
    /// Logs in with EAP-MD5 and waits until the port is open.
    pub fn start(
        lab: &Lab,
        namespace: &Namespace,
        interface: &str,
        login: &str,
        password: &str,
    ) -> Result<Self, DaemonError> {
        let folder = lab.subfolder("supplicant")?;
        let (file, control) = (folder.join("wpa_supplicant.conf"), folder.join("control"));
        let text = format!(
            "ctrl_interface={}
ap_scan=0
network={{
    key_mgmt=IEEE8021X
    eap=MD5
    identity=\"{login}\"
    password=\"{password}\"
    eapol_flags=0
}}
",
            control.display()
        );
        write_file(&file, &text)?;
        let mut command = namespace.command("wpa_supplicant");
        command.args(["-D", "wired", "-i", interface, "-c"]).arg(&file);
        let mut process = Process::start(&mut command, folder.join("wpa_supplicant.log"))?;
        process.wait_for_line("CTRL-EVENT-CONNECTED", READY)?;
        Ok(Self { process, control, interface: interface.into(), namespace: namespace.clone() })
    }

    /// Logs off.
    pub fn log_off(&self) -> Result<(), DaemonError> {
        let mut command = self.namespace.command("wpa_cli");
        command.arg("-p").arg(&self.control).args(["-i", &self.interface, "logoff"]);
        run(&mut command).map(drop)
    }
}
