//! OpenSSH and dropbear: what they offer is what they say of themselves, keys are proved, and known passwords open them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use fleetward_audit::access::{Attempts, Lists, try_known};
use fleetward_audit::door::Door;
use fleetward_audit::fact::{Access, Service};
use fleetward_audit::pace::Temperament;
use fleetward_audit::scope::{Scope, Target};
use fleetward_audit::speak::{At, ssh};
use fleetward_fleet::{Secret, Timestamp};
use fleetward_testkit::process::{Process, require_daemon, skip};
use sha2::{Digest as _, Sha256};

const COMMON: &str = "PidFile none\nStrictModes no\n";

#[test]
fn openssh() {
    let Some(folder) = folder(&[("sshd", "openssh-server")]) else { return };
    let folder = folder.path();
    let ed25519 = key(folder, "ed25519", &[]);
    key(folder, "rsa", &["-b", "1024"]);
    let settings = format!(
        "{COMMON}HostKey FOLDER/ed25519\nHostKey FOLDER/rsa\nUsePAM no\nKbdInteractiveAuthentication no\nKexAlgorithms +diffie-hellman-group1-sha1\n"
    );
    let (_daemon, port) = sshd(folder, &settings);
    let service = ask(port);
    let offer = service.ssh.clone().unwrap();
    assert_eq!((service.product.as_deref(), offer.rsa_bits), (Some("OpenSSH"), Some(1024)));
    assert_eq!(offer.host_key, Some((ed25519.into(), "ssh-ed25519".into())));
    // What the daemon itself says; beside it the markers of extensions and of the strict exchange.
    let said = said(folder);
    for (name, mut list) in [("kexalgorithms", offer.kex), ("ciphers", offer.ciphers), ("macs", offer.macs)] {
        list.retain(|it| !it.starts_with("kex-strict") && !it.starts_with("ext-info"));
        assert_eq!(list.join(","), said(name), "{name}");
    }
    assert_eq!(methods(&service), ["publickey", "password"]);
    assert_eq!(opened(port, &service), "admin by user-is-password");
    assert_eq!(opened_of(port, &service, "admin:wrong-one\n", 1), "Held { attempts: 1 }");
}

#[test]
fn openssh_by_prompts_by_keys_alone_and_of_old() {
    let Some(folder) = folder(&[("sshd", "openssh-server")]) else { return };
    let folder = folder.path();
    key(folder, "ecdsa", &["-b", "256"]);
    let common = format!("{COMMON}HostKey FOLDER/ecdsa\n");
    let prompts = format!(
        "{common}UsePAM yes\nPasswordAuthentication no\nKbdInteractiveAuthentication yes\nPubkeyAuthentication no\n"
    );
    let (_prompts, port) = sshd(folder, &prompts);
    let service = ask(port);
    assert_eq!(service.ssh.as_ref().unwrap().host_key.as_ref().unwrap().1, "ecdsa-sha2-nistp256".into());
    assert_eq!(
        (methods(&service), opened(port, &service)),
        (vec!["keyboard-interactive".into()], "admin by user-is-password".into())
    );
    let keys = format!("{common}UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n");
    let (_keys, port) = sshd(folder, &keys);
    let service = ask(port);
    assert_eq!(
        (methods(&service), opened(port, &service)),
        (vec!["publickey".into()], "Asks { methods: [\"publickey\"] }".into())
    );
    let old = format!("{common}UsePAM no\nKexAlgorithms diffie-hellman-group14-sha1\nCiphers aes128-cbc\n");
    let (_old, port) = sshd(folder, &old);
    let service = ask(port);
    let offer = service.ssh.clone().unwrap();
    assert_eq!((&*offer.ciphers, offer.host_key), (&[Box::from("aes128-cbc")][..], None));
    assert_eq!(opened(port, &service), "Unasked");
}

#[test]
fn dropbear() {
    let Some(folder) = folder(&[("dropbear", "dropbear-bin")]) else { return };
    for (kind, length, proved) in [("rsa", "1024", "ssh-rsa"), ("ecdsa", "256", "ecdsa-sha2-nistp256")] {
        let file = folder.path().join(format!("{kind}.key"));
        let mut make = Command::new("dropbearkey");
        assert!(make.args(["-t", kind, "-s", length, "-f"]).arg(&file).output().unwrap().status.success());
        let (file, port) = (file.display().to_string(), free_port());
        let at = format!("127.0.0.1:{port}");
        let _daemon = start(folder.path(), port, &["dropbear", "-F", "-E", "-r", &file, "-p", &at]);
        let service = ask(port);
        let offer = service.ssh.clone().unwrap();
        assert_eq!((service.product.as_deref(), &*offer.host_key.unwrap().1), (Some("dropbear"), proved));
        assert_eq!(offer.rsa_bits, (kind == "rsa").then_some(1024));
        assert_eq!(opened(port, &service), "admin by user-is-password");
    }
}

#[test]
fn what_is_no_ssh_and_what_says_its_name_alone() {
    assert!(answered(b"HTTP/1.0 400 Bad Request\r\n\r\n").is_none());
    let old = answered(b"SSH-1.5-OpenSSH_1.2.3\r\n").unwrap();
    assert_eq!((&*old.protocol, &*old.notes["version"], old.ssh), ("ssh", "1.5", None));
    assert_eq!(answered(b"SSH-2.0-x\r\n\xff\xff\xff\xff and so on").unwrap().ssh, None);
}

fn answered(octets: &'static [u8]) -> Option<Service> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::io::Write::write_all(&mut stream, octets).ok();
        }
    });
    try_ask(port)
}

/// The methods that it has.
fn methods(service: &Service) -> Vec<String> {
    let Access::Asks { methods } = &service.access else { panic!("{:?}", service.access) };
    methods.iter().map(ToString::to_string).collect()
}

fn opened(port: u16, service: &Service) -> String {
    opened_of(port, service, "", 4)
}

/// What became of it with this list before ours, and so many attempts.
fn opened_of(port: u16, service: &Service, list: &str, most: u32) -> String {
    let attempts = Attempts { spacing: Duration::from_millis(50), per_port: most, per_account: most.min(2) };
    let mut lists = Lists::new(Secret::new("key"), attempts, Timestamp::from_secs(1_000_000));
    let model = Service { device_model: Some("test".into()), ..service.clone() };
    lists.add("mine", &list.replace('\n', "\tmodel=test\n")).unwrap();
    let door = Door::new(Temperament::Normal);
    match runtime().block_on(try_known(&door, target(), port, &model, &lists)) {
        Access::Opened { by, account, .. } => format!("{account} by {by}"),
        other => format!("{other:?}"),
    }
}

fn ask(port: u16) -> Service {
    try_ask(port).unwrap()
}

fn try_ask(port: u16) -> Option<Service> {
    let door = Door::new(Temperament::Normal);
    runtime().block_on(ssh::ask(At { door: &door, target: target(), port })).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn target() -> Target {
    let scope = Scope::new(vec!["127.0.0.0/8".parse().unwrap()], false);
    scope.admit(IpAddr::from(Ipv4Addr::LOCALHOST)).unwrap()
}

/// With the account admin/admin in files that daemons get in the place of the system's; `None` after saying why.
fn folder(programs: &[(&str, &str)]) -> Option<tempfile::TempDir> {
    if !nix::unistd::geteuid().is_root() {
        skip("accounts of a daemon's own need root; run the test as root");
        return None;
    }
    let needed = [("openssl", "openssl"), ("unshare", "util-linux")].iter().chain(programs);
    if needed.filter(|(program, package)| require_daemon(program, package).is_none()).count() > 0 {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let hash = Command::new("openssl").args(["passwd", "-6", "-salt", "zoo", "admin"]).output().unwrap().stdout;
    let hash = String::from_utf8(hash).unwrap();
    let with = |file: &str, line: String| {
        fs::write(folder.path().join(file), fs::read_to_string(format!("/etc/{file}")).unwrap() + &line)
    };
    with("passwd", "admin:x:2001:2001::/tmp:/bin/sh\n".into()).unwrap();
    with("shadow", format!("admin:{}:19000:0:99999:7:::\n", hash.trim())).unwrap();
    Some(folder)
}

/// Makes a key; its SHA-256.
fn key(folder: &Path, kind: &str, more: &[&str]) -> String {
    let mut make = Command::new("ssh-keygen");
    make.current_dir(folder).args(["-q", "-t", kind, "-N", "", "-f", kind]).args(more);
    assert!(make.status().unwrap().success());
    let public = fs::read_to_string(folder.join(format!("{kind}.pub"))).unwrap();
    let blob = base64::engine::general_purpose::STANDARD.decode(public.split(' ').nth(1).unwrap()).unwrap();
    Sha256::digest(blob).iter().fold(String::new(), |text, it| text + &format!("{it:02x}"))
}

fn sshd(folder: &Path, settings: &str) -> (Process, u16) {
    let port = free_port();
    let settings = settings.replace("FOLDER", &folder.display().to_string());
    fs::write(folder.join("sshd.conf"), format!("ListenAddress 127.0.0.1:{port}\n{settings}")).unwrap();
    let file = folder.join("sshd.conf").display().to_string();
    (start(folder, port, &["/usr/sbin/sshd", "-D", "-e", "-f", &file]), port)
}

/// What `sshd -T` says of a setting.
fn said(folder: &Path) -> impl Fn(&str) -> String {
    let output = Command::new("/usr/sbin/sshd").arg("-T").arg("-f").arg(folder.join("sshd.conf")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    move |name| text.lines().find_map(|it| it.strip_prefix(&format!("{name} "))).unwrap_or_default().to_owned()
}

fn start(folder: &Path, port: u16, daemon: &[&str]) -> Process {
    let mounts =
        "mount --bind passwd /etc/passwd && mount --bind shadow /etc/shadow && mkdir -p /run/sshd && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.current_dir(folder).args(["-m", "sh", "-c", mounts, "sh"]).args(daemon);
    let mut process = Process::start(&mut command, folder.join(format!("{port}.log"))).unwrap();
    let end = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(Instant::now() < end && process.try_wait().unwrap().is_none(), "{}", process.output());
        std::thread::sleep(Duration::from_millis(20));
    }
    process
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
