//! Starting the Debian daemons.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::settings;
use crate::daemons::{DaemonError, Lab, Namespace, READY, io_error, run, write_file};
use crate::process::{Process, ProcessError};

/// One daemon to be started.
struct Daemon {
    number: u8,
    command: Vec<String>,
    /// TCP port at which it is ready; none for UDP.
    port: Option<u16>,
}

/// Where the panel keeps sessions, failures and whether an account locked.
pub(super) const PANEL_STATE: &str = "panel-state";

/// Which device and TCP port each daemon serves.
pub(super) type Running = Vec<((u8, Option<u16>), Process)>;

/// All of them, ready.
pub(super) fn start_all(lab: &Lab, zoo: &Namespace) -> Result<Running, DaemonError> {
    let folder = lab.subfolder("zoo")?;
    for number in 10..=26 {
        zoo.add_address(&format!("10.77.0.{number}/32"))?;
    }
    files(&folder)?;
    let mut running = Vec::new();
    let daemons = daemons(&folder);
    for (daemon, index) in daemons.iter().zip(1..) {
        let mut command = zoo.command("/bin/sh");
        command.arg(folder.join("with-accounts")).args(&daemon.command);
        let name = daemon.command.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        running.push(Process::start(&mut command, folder.join(format!("{index}-{name}.log")))?);
    }
    for (daemon, process) in daemons.iter().zip(&mut running) {
        if let Some(port) = daemon.port {
            wait(zoo, process, (Ipv4Addr::new(10, 77, 0, daemon.number), port).into())?;
        }
    }
    Ok(daemons.iter().map(|it| (it.number, it.port)).zip(running).collect())
}

/// As [`Process::wait_for_port`], from within the namespace.
fn wait(zoo: &Namespace, process: &mut Process, at: SocketAddr) -> Result<(), DaemonError> {
    let end = Instant::now() + READY;
    loop {
        let connected = zoo.enter(move || TcpStream::connect_timeout(&at, Duration::from_millis(200)).is_ok())?;
        if connected {
            return Ok(());
        }
        if Instant::now() >= end || process.try_wait()?.is_some() {
            let (program, what) = (at.to_string(), "nothing listens there".to_owned());
            return Err(ProcessError::NotReady { program, what, output: process.output() }.into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn daemons(folder: &Path) -> Vec<Daemon> {
    let file = |name: &str| folder.join(name).display().to_string();
    let one = |number, port, command: &[&str]| Daemon {
        number,
        port,
        command: command.iter().map(|it| (*it).to_owned()).collect(),
    };
    vec![
        one(10, Some(22), &["/usr/sbin/sshd", "-D", "-e", "-f", &file("sshd.conf")]),
        one(10, Some(443), &["/usr/sbin/nginx", "-c", &file("hardened.conf")]),
        one(11, Some(23), &["socat", "TCP4-LISTEN:23,bind=10.77.0.11,fork,reuseaddr", "EXEC:/usr/sbin/telnetd,nofork"]),
        one(12, Some(22), &["dropbear", "-F", "-E", "-r", &file("shared.dropbear"), "-p", "10.77.0.12:22"]),
        one(13, Some(22), &["dropbear", "-F", "-E", "-s", "-r", &file("shared.dropbear"), "-p", "10.77.0.13:22"]),
        one(
            13,
            Some(80),
            &[
                "busybox",
                "httpd",
                "-f",
                "-p",
                "10.77.0.13:80",
                "-h",
                &file("www"),
                "-c",
                &file("httpd.conf"),
                "-r",
                "printer",
            ],
        ),
        one(14, Some(21), &["/usr/sbin/vsftpd", &file("vsftpd.conf")]),
        one(15, Some(80), &["/usr/sbin/lighttpd", "-D", "-f", &file("lighttpd.conf")]),
        one(16, Some(443), &["/usr/sbin/nginx", "-c", &file("old.conf")]),
        one(17, Some(1883), &["mosquitto", "-c", &file("open.conf")]),
        one(18, Some(1883), &["mosquitto", "-c", &file("closed.conf")]),
        one(19, None, &["/usr/sbin/snmpd", "-f", "-Lo", "-C", "-c", &file("snmpd.conf"), "udp:10.77.0.19:161"]),
        one(20, None, &["coap-server-notls", "-A", "10.77.0.20", "-p", "5683"]),
        one(
            21,
            Some(6379),
            &["redis-server", "--bind", "10.77.0.21", "--protected-mode", "no", "--save", "", "--dir", &file("")],
        ),
        one(26, Some(80), &["busybox", "httpd", "-f", "-p", "10.77.0.26:80", "-h", &file("panel")]),
    ]
}

/// Keys, certificates, accounts and settings.
fn files(folder: &Path) -> Result<(), DaemonError> {
    let path = |name: &str| folder.join(name);
    let read = |name: &str| std::fs::read_to_string(name).map_err(io_error(&format!("read {name}")));
    let hash = run(Command::new("openssl").args(["passwd", "-6", "-salt", "zoo", "admin"]))?;
    write_file(&path("passwd"), &format!("{}admin:x:2001:2001::/tmp:/bin/sh\n", read("/etc/passwd")?))?;
    write_file(&path("shadow"), &format!("{}admin:{}:19000:0:99999:7:::\n", read("/etc/shadow")?, hash.trim()))?;
    run(Command::new("chmod").arg("600").arg(path("shadow")))?;
    for name in ["www", "empty", "panel/cgi-bin", PANEL_STATE] {
        run(Command::new("mkdir").arg("-p").arg(path(name)))?;
    }
    write_file(&path("www/index.html"), "<title>device</title>\n")?;
    for (name, text) in settings::all(folder) {
        write_file(&path(name), &text)?;
    }
    run(Command::new("chmod").arg("755").arg(path("panel/cgi-bin/panel")))?;
    run(Command::new("dropbearkey").args(["-t", "ed25519", "-f"]).arg(path("shared.dropbear")))?;
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path("hardened.ssh")))?;
    run(Command::new("mosquitto_passwd").args(["-b", "-c"]).arg(path("mosquitto.passwd")).args(["admin", "admin"]))?;
    run(Command::new("chmod").arg("644").arg(path("mosquitto.passwd")))?;
    certificates(folder)
}

/// An authority with a certificate for the hardened device; one that signed itself, is short, expired and has SHA-1.
fn certificates(folder: &Path) -> Result<(), DaemonError> {
    let openssl = |words: &str| {
        let words = words.replace("FOLDER", &folder.display().to_string());
        run(Command::new("openssl").args(words.split(' '))).map(drop)
    };
    write_file(&folder.join("names"), "subjectAltName=IP:10.77.0.10\nbasicConstraints=CA:FALSE\n")?;
    let ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!("req -x509 {ec} -days 2 -subj /CN=authority -keyout FOLDER/ca.key -out FOLDER/ca.pem"))?;
    openssl(&format!("req {ec} -subj /CN=hardened -keyout FOLDER/hardened.key -out FOLDER/hardened.csr"))?;
    openssl(
        "x509 -req -days 2 -CAcreateserial -in FOLDER/hardened.csr -CA FOLDER/ca.pem -CAkey FOLDER/ca.key -extfile FOLDER/names -out FOLDER/hardened.pem",
    )?;
    openssl("req -newkey rsa:1024 -nodes -subj /CN=meter -keyout FOLDER/meter.key -out FOLDER/meter.csr")?;
    openssl("x509 -req -sha1 -days -1 -in FOLDER/meter.csr -signkey FOLDER/meter.key -out FOLDER/meter.pem")
}
