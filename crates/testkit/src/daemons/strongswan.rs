//! strongSwan: a VPN gateway that authenticates (IKEv1 XAuth, PAP) and accounts with RADIUS, and a client.
//!
//! ESP runs in user space (`kernel-libipsec`, a TUN device): no kernel support is needed. Each charon has a private
//! /run, because two of them would fight for one pid file.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{DaemonError, Lab, Namespace, READY, ServerAddress, run, write_file};
use crate::process::Process;

/// A gateway to be started.
#[derive(Debug, Clone)]
pub struct VpnGatewaySetup {
    /// Its address towards devices.
    pub outside: Ipv4Addr,
    /// What devices may reach, e.g. `192.0.2.0/24`.
    pub inside: String,
    /// Who authenticates and accounts.
    pub server: ServerAddress,
    /// NAS-Identifier.
    pub name: String,
    /// Interims, seconds (the server's Acct-Interim-Interval wins).
    pub interim_secs: u32,
    /// The secret for Disconnects, to port 3799.
    pub dac_secret: String,
    /// The group's pre-shared key.
    pub psk: String,
}

/// A device's side of the tunnel.
#[derive(Debug, Clone)]
pub struct VpnClient {
    /// Its address.
    pub outside: Ipv4Addr,
    /// The gateway's.
    pub gateway: Ipv4Addr,
    /// What it wants to reach.
    pub inside: String,
    /// XAuth login.
    pub login: String,
    /// XAuth password.
    pub password: String,
    /// The group's pre-shared key.
    pub psk: String,
}

/// A running charon.
#[derive(Debug)]
pub struct StrongSwan {
    /// The process and its log.
    pub process: Process,
    folder: PathBuf,
}

impl StrongSwan {
    /// What a test with gateway and client needs: (program or plugin, Debian package).
    pub const PROGRAMS: [(&str, &str); 5] = [
        ("charon", "strongswan-charon"),
        ("swanctl", "strongswan-swanctl"),
        ("/usr/lib/ipsec/plugins/libstrongswan-eap-radius.so", "libcharon-extra-plugins"),
        ("/usr/lib/ipsec/plugins/libstrongswan-xauth-generic.so", "libcharon-extauth-plugins"),
        ("/usr/lib/ipsec/plugins/libstrongswan-openssl.so", "libstrongswan-standard-plugins"),
    ];

    /// Starts a gateway.
    pub fn gateway(lab: &Lab, namespace: &Namespace, setup: &VpnGatewaySetup) -> Result<Self, DaemonError> {
        let folder = lab.subfolder("vpn-gateway")?;
        Self::start(folder, namespace, &radius_plugin(setup), &gateway_connection(setup))
    }

    /// Starts a client; [`StrongSwan::connect`] opens its tunnel.
    pub fn client(lab: &Lab, namespace: &Namespace, setup: &VpnClient) -> Result<Self, DaemonError> {
        let folder = lab.subfolder("vpn-client")?;
        Self::start(folder, namespace, "", &client_connection(setup))
    }

    fn start(folder: PathBuf, namespace: &Namespace, plugins: &str, connections: &str) -> Result<Self, DaemonError> {
        let run_folder = folder.join("run");
        std::fs::create_dir_all(&run_folder).map_err(super::io_error("make a run folder"))?;
        write_file(&folder.join("strongswan.conf"), &daemon_configuration(&folder, plugins))?;
        write_file(&folder.join("swanctl.conf"), connections)?;
        let mut command = namespace.command("sh");
        let script = "mount --bind \"$1\" /run && exec /usr/lib/ipsec/charon";
        command.args(["-c", script, "charon"]).arg(&run_folder).env("STRONGSWAN_CONF", folder.join("strongswan.conf"));
        let log = folder.join("charon.log");
        let process = Process::start(&mut command, log)?;
        let mut charon = Self { process, folder };
        let socket = charon.socket();
        charon.process.wait_until("no vici socket", READY, |_| socket.exists())?;
        charon.swanctl(&["--load-all", "--noprompt", "--file", &charon.file("swanctl.conf")])?;
        Ok(charon)
    }

    /// Opens the tunnel and waits until it is up.
    pub fn connect(&self) -> Result<String, DaemonError> {
        self.swanctl(&["--initiate", "--child", "net", "--timeout", "20"])
    }

    /// Closes all tunnels politely.
    pub fn disconnect(&self) -> Result<String, DaemonError> {
        self.swanctl(&["--terminate", "--ike", "vpn", "--timeout", "10"])
    }

    /// The tunnels, as `swanctl --list-sas` shows them; empty where there are none.
    pub fn tunnels(&self) -> Result<String, DaemonError> {
        self.swanctl(&["--list-sas"])
    }

    fn swanctl(&self, arguments: &[&str]) -> Result<String, DaemonError> {
        let mut command = Command::new("swanctl");
        command.args(arguments).args(["--uri", &format!("unix://{}", self.socket().display())]);
        command.env("STRONGSWAN_CONF", self.file("strongswan.conf")).env("SWANCTL_DIR", &self.folder);
        run(&mut command).map_err(|error| match error {
            DaemonError::Failed { command, output } => {
                let log = crate::process::tail(&self.process.output());
                DaemonError::Failed { command, output: format!("{output}\ncharon's log ends:\n{log}") }
            }
            other => other,
        })
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("charon.vici")
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

fn daemon_configuration(folder: &Path, plugins: &str) -> String {
    format!(
        "charon {{
    load = random nonce openssl aes sha1 sha2 md5 hmac kdf gmp pem pkcs1 x509 pubkey kernel-libipsec kernel-netlink socket-default vici updown eap-radius xauth-generic
    retransmit_tries = 3
    filelog {{
        stderr {{
            default = 1
            ike = 1
            cfg = 2
            flush_line = yes
        }}
    }}
    syslog {{
        daemon {{
            default = -1
        }}
    }}
    plugins {{
        vici {{
            socket = unix://{}/charon.vici
        }}
{plugins}
    }}
}}
",
        folder.display()
    )
}

fn radius_plugin(setup: &VpnGatewaySetup) -> String {
    let VpnGatewaySetup { server, name, interim_secs, dac_secret, .. } = setup;
    let ServerAddress { ip, auth, acct, secret } = server;
    format!(
        "        eap-radius {{
            accounting = yes
            accounting_interval = {interim_secs}
            nas_identifier = {name}
            servers {{
                fleetward {{
                    address = {ip}
                    auth_port = {auth}
                    acct_port = {acct}
                    secret = {secret}
                    nas_identifier = {name}
                    sockets = 4
                }}
            }}
            dae {{
                enable = yes
                listen = 0.0.0.0
                port = 3799
                secret = {dac_secret}
            }}
        }}"
    )
}

fn gateway_connection(setup: &VpnGatewaySetup) -> String {
    let VpnGatewaySetup { outside, inside, psk, .. } = setup;
    format!(
        "connections {{
    vpn {{
        version = 1
        local_addrs = {outside}
        proposals = aes128-sha256-modp2048
        encap = yes
        pools = radius
        local {{
            auth = psk
            id = gateway
        }}
        remote-1 {{
            auth = psk
        }}
        remote-2 {{
            auth = xauth-radius
        }}
        children {{
            net {{
                local_ts = {inside}
                esp_proposals = aes128-sha256
            }}
        }}
    }}
}}
secrets {{
    ike-group {{
        secret = \"{psk}\"
    }}
}}
"
    )
}

fn client_connection(setup: &VpnClient) -> String {
    let VpnClient { outside, gateway, inside, login, password, psk } = setup;
    format!(
        "connections {{
    vpn {{
        version = 1
        local_addrs = {outside}
        remote_addrs = {gateway}
        proposals = aes128-sha256-modp2048
        encap = yes
        vips = 0.0.0.0
        local-1 {{
            auth = psk
            id = device
        }}
        local-2 {{
            auth = xauth
            xauth_id = {login}
        }}
        remote {{
            auth = psk
            id = gateway
        }}
        children {{
            net {{
                remote_ts = {inside}
                esp_proposals = aes128-sha256
            }}
        }}
    }}
}}
secrets {{
    ike-group {{
        secret = \"{psk}\"
    }}
    xauth-device {{
        id = {login}
        secret = \"{password}\"
    }}
}}
"
    )
}
