//! FreeRADIUS: the server to compare with, and its `radclient`.

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Certificates, DaemonError, Lab, Namespace, READY, ServerAddress, io_error, run, write_file};
use crate::process::Process;

/// (program, Debian package) of [`radclient`].
pub const RADCLIENT: (&str, &str) = ("radclient", "freeradius-utils");

/// Where accounting goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Acknowledged and forgotten.
    Nothing,
    /// A detail file, as Debian ships it: no sync.
    Detail,
    /// A detail file with the file system's synchronous-update attribute: every record is on disk before the answer.
    DetailSynced,
}

/// A user that may log in.
#[derive(Debug, Clone)]
pub struct Account {
    /// User-Name.
    pub name: String,
    /// Its password.
    pub password: String,
    /// Framed-IP-Address.
    pub ip: Option<Ipv4Addr>,
}

/// A server to be started.
#[derive(Debug, Clone)]
pub struct FreeRadiusSetup {
    /// Where it listens and with which secret for everybody.
    pub listen: ServerAddress,
    /// Who may log in.
    pub accounts: Vec<Account>,
    /// Where accounting goes.
    pub storage: Storage,
    /// Worker threads.
    pub threads: u32,
    /// RadSec on this port with these certificates, which are asked of clients, too.
    pub radsec: Option<(u16, Certificates)>,
}

/// A running server.
#[derive(Debug)]
pub struct FreeRadius {
    /// The process, for its CPU time and log.
    pub process: Process,
    /// The detail file.
    pub detail: PathBuf,
}

impl FreeRadius {
    /// What a test with it and [`radclient`] needs: (program, Debian package).
    pub const PROGRAMS: [(&str, &str); 3] = [("freeradius", "freeradius"), RADCLIENT, ("chattr", "e2fsprogs")];

    /// Starts it in `folder`, in a namespace or (`None`) on the host's loopback.
    pub fn start(folder: &Path, namespace: Option<&Namespace>, setup: &FreeRadiusSetup) -> Result<Self, DaemonError> {
        let detail = folder.join("detail");
        write_file(&folder.join("users"), &users(&setup.accounts))?;
        write_file(&folder.join("radiusd.conf"), &configuration(folder, &detail, setup))?;
        if setup.storage == Storage::DetailSynced {
            write_file(&detail, "")?;
            run(Command::new("chattr").arg("+S").arg(&detail))?;
        }
        let mut command = namespace.map_or_else(|| Command::new("freeradius"), |n| n.command("freeradius"));
        command.args(["-f", "-n", "radiusd", "-l", "stdout", "-d"]).arg(folder);
        let mut process = Process::start(&mut command, folder.join("freeradius.log"))?;
        process.wait_for_line("Ready to process requests", READY)?;
        Ok(Self { process, detail })
    }

    /// [`FreeRadius::start`] in a lab.
    pub fn in_lab(lab: &Lab, namespace: &Namespace, setup: &FreeRadiusSetup) -> Result<Self, DaemonError> {
        Self::start(&lab.subfolder("freeradius")?, Some(namespace), setup)
    }

    /// The accounting records so far, as text.
    pub fn accounting(&self) -> String {
        std::fs::read_to_string(&self.detail).unwrap_or_default()
    }
}

/// Runs `radclient` with these attributes (`User-Name = "x", …`); returns what it printed. An Access-Reject or a
/// missing answer is an error.
pub fn radclient(
    namespace: Option<&Namespace>,
    server: std::net::SocketAddr,
    kind: &str,
    secret: &str,
    attributes: &str,
) -> Result<String, DaemonError> {
    let mut command = namespace.map_or_else(|| Command::new("radclient"), |n| n.command("radclient"));
    command.args(["-x", "-r", "3", "-t", "2", &server.to_string(), kind, secret]);
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(io_error(&shown))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(attributes.as_bytes()).map_err(io_error(&shown))?;
    }
    let output = child.wait_with_output().map_err(io_error(&shown))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(text) } else { Err(DaemonError::Failed { command: shown, output: text }) }
}

fn users(accounts: &[Account]) -> String {
    let mut text = String::new();
    for account in accounts {
        text += &[&account.name, " Cleartext-Password := \"", &account.password, "\"\n"].concat();
        let ip = account.ip.map(|ip| format!("\tFramed-IP-Address = {ip},\n")).unwrap_or_default();
        text += &[&ip, "\tAcct-Interim-Interval = 60\n\n"].concat();
    }
    text
}

fn configuration(folder: &Path, detail: &Path, setup: &FreeRadiusSetup) -> String {
    let (folder, detail) = (folder.display(), detail.display());
    let ServerAddress { ip, auth, acct, secret } = &setup.listen;
    let accounting = if setup.storage == Storage::Nothing { "ok" } else { "detail" };
    let threads = setup.threads.max(1);
    let radsec = setup.radsec.as_ref().map(|(port, pem)| radsec(*ip, *port, pem)).unwrap_or_default();
    format!(
        r#"prefix = /usr
exec_prefix = /usr
localstatedir = {folder}
logdir = {folder}
raddbdir = {folder}
confdir = {folder}
run_dir = {folder}
libdir = /usr/lib/freeradius
pidfile = {folder}/freeradius.pid
correct_escapes = true
max_request_time = 30
cleanup_delay = 5
max_requests = 65536
hostname_lookups = no
log {{
    destination = stdout
    auth = no
}}
security {{
    max_attributes = 200
    reject_delay = 0
    status_server = yes
}}
proxy_requests = no
thread pool {{
    start_servers = {threads}
    max_servers = {threads}
    min_spare_servers = 1
    max_spare_servers = {threads}
    max_requests_per_server = 0
}}
client anybody {{
    ipaddr = 0.0.0.0/0
    secret = {secret}
}}
modules {{
    always ok {{
        rcode = ok
    }}
    files {{
        filename = {folder}/users
    }}
    pap {{
    }}
    detail {{
        filename = {detail}
        permissions = 0600
        header = "%t"
    }}
}}
server default {{
    listen {{
        type = auth
        ipaddr = {ip}
        port = {auth}
    }}
    listen {{
        type = acct
        ipaddr = {ip}
        port = {acct}
    }}
    authorize {{
        files
        pap
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
    }}
    accounting {{
        {accounting}
    }}
}}
{radsec}"#
    )
}

fn radsec(ip: Ipv4Addr, port: u16, pem: &Certificates) -> String {
    let (authority, certificate, key) =
        (pem.authority.display(), pem.server.certificate.display(), pem.server.key.display());
    format!(
        r"
clients radsec {{
    client peers {{
        ipaddr = 0.0.0.0/0
        proto = tls
        secret = radsec
    }}
}}
listen {{
    type = auth+acct
    proto = tcp
    ipaddr = {ip}
    port = {port}
    virtual_server = default
    clients = radsec
    tls {{
        private_key_file = {key}
        certificate_file = {certificate}
        ca_file = {authority}
        require_client_cert = yes
        tls_min_version = 1.2
        tls_max_version = 1.3
        fragment_size = 8192
    }}
}}
"
    )
}
