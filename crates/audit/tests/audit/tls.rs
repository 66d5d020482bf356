//! TLS endpoints of `OpenSSL` and `GnuTLS`: the same versions and suites as sslscan tells, and what it does not tell.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fleetward_audit::door::Door;
use fleetward_audit::fact::Tls;
use fleetward_audit::pace::Temperament;
use fleetward_audit::scope::{Scope, Target};
use fleetward_audit::speak::{At, tls};
use fleetward_testkit::process::{Process, require_daemon};

/// Name, key and signature (by `openssl req`), arguments of `openssl s_server`.
const SERVERS: [(&str, &[&str], &[&str]); 12] = [
    ("today", RSA_2048, &[]),
    ("elliptic", P_256, &[]),
    ("all old", RSA_1024, &["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-dhparam", "dh1024"]),
    ("its own order", RSA_2048, &["-cipher", "ALL:@SECLEVEL=0", "-serverpref"]),
    ("tls1.0 alone", RSA_1024, &["-tls1", "-cipher", "ALL:@SECLEVEL=0"]),
    ("tls1.1 alone", RSA_2048, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]),
    ("tls1.2 alone", P_256, &["-tls1_2"]),
    ("tls1.3 alone", P_256, &["-tls1_3"]),
    (
        "tls1.3, one suite, one group",
        RSA_2048,
        &["-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384", "-curves", "P-384"],
    ),
    ("nothing encrypted", RSA_2048, &["-tls1_2", "-cipher", "eNULL:@SECLEVEL=0"]),
    ("anybody", RSA_2048, &["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"]),
    ("clients are asked", RSA_2048, &["-verify", "1", "-cipher", "AES128-SHA256"]),
];

const RSA_2048: &[&str] = &["-newkey", "rsa:2048", "-sha256"];
const RSA_1024: &[&str] = &["-newkey", "rsa:1024", "-sha1"];
const P_256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha256"];

#[test]
fn versions_and_suites_are_those_of_sslscan() {
    if require_daemon("openssl", "openssl").is_none() || require_daemon("sslscan", "sslscan").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    parameters(folder.path());
    for (name, key, arguments) in SERVERS {
        let (_server, port) = serve(folder.path(), key, arguments);
        let ours = probe(port);
        let theirs = sslscan(port);
        assert_eq!(ours.versions.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), theirs.versions, "{name}");
        let suites: BTreeSet<String> = ours.suites.iter().map(ToString::to_string).collect();
        let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
        assert_eq!((only(&suites, &theirs.suites), only(&theirs.suites, &suites)), (vec![], vec![]), "{name}");
        assert_eq!(ours.cut, None, "{name}");
    }
}

#[test]
fn certificates_keys_and_clients() {
    if require_daemon("openssl", "openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    parameters(folder.path());
    let (_server, port) = serve(folder.path(), RSA_1024, SERVERS[2].2);
    let old = probe(port);
    let certificate = old.certificate.unwrap();
    assert_eq!((&*certificate.key, certificate.key_bits, certificate.self_signed), ("rsa", 1024, true));
    assert_eq!((&*certificate.signature, &*certificate.subject), ("sha1WithRSAEncryption", "CN=device"));
    assert_eq!((old.dh_bits, old.chain, old.asks_client, old.insecure_renegotiation), (Some(1024), 1, false, false));
    assert_eq!(certificate.names, ["device.local".into(), "127.0.0.1".into()] as [Box<str>; 2]);
    assert_eq!(
        certificate.revocation,
        ["http://crl.example/a".into(), "http://ocsp.example/b".into()] as [Box<str>; 2]
    );
    assert_eq!(certificate.not_after - certificate.not_before, 30 * 86_400);
    // In TLS 1.3 it is encrypted.
    let (_server, port) = serve(folder.path(), P_256, &["-tls1_3", "-Verify", "1"]);
    let new = probe(port);
    let certificate = new.certificate.unwrap();
    assert_eq!((&*certificate.key, certificate.key_bits, &*certificate.signature), ("ec", 256, "ecdsa-with-SHA256"));
    assert!(new.asks_client);
    let (_server, port) = serve(folder.path(), RSA_2048, SERVERS[11].2);
    assert!(probe(port).asks_client);
}

#[test]
fn ciphers_that_openssl_forgot() {
    if require_daemon("openssl", "openssl").is_none() || require_daemon("gnutls-serv", "gnutls-bin").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path(), RSA_2048);
    let port = free_port();
    let mut command = Command::new("gnutls-serv");
    command.current_dir(folder.path()).args(["--port", &port.to_string(), "--x509keyfile", "key.pem"]);
    command.args(["--x509certfile", "certificate.pem", "--priority"]);
    command.arg("NONE:+VERS-TLS1.0:+ARCFOUR-128:+3DES-CBC:+RSA:+MD5:+SHA1:+SIGN-ALL:+COMP-NULL");
    let _server = start(&mut command, folder.path(), port);
    let tls = probe(port);
    let expected = ["TLS_RSA_WITH_RC4_128_MD5", "TLS_RSA_WITH_RC4_128_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"];
    assert_eq!(tls.suites.iter().map(|it| it.replace(" tls1.0", "")).collect::<Vec<_>>(), expected);
}

#[test]
fn what_speaks_no_tls_is_none() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::io::Write::write_all(&mut &stream, b"220 welcome\r\n").ok();
        }
    });
    assert_eq!(try_probe(port), None);
}

/// What sslscan says, in our words.
struct Theirs {
    versions: BTreeSet<String>,
    /// With the highest version that took them, as ours.
    suites: BTreeSet<String>,
}

fn sslscan(port: u16) -> Theirs {
    let at = format!("127.0.0.1:{port}");
    let list = ["--no-check-certificate", "--no-heartbleed", "--no-renegotiation", "--no-groups", "--no-fallback"];
    let output = Command::new("sslscan").args(list).args(["--no-colour", &at]).output().unwrap();
    let names = standard_names();
    let text = String::from_utf8(output.stdout).unwrap();
    let (mut versions, mut highest) = (BTreeSet::new(), BTreeMap::<String, String>::new());
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [version, "enabled"] => drop(versions.insert(ours(version))),
            ["Preferred" | "Accepted", version, _, "bits", suite, ..] => {
                // The highest version comes first.
                let suite = names.get(suite).cloned().unwrap_or_else(|| suite.to_owned());
                highest.entry(suite).or_insert_with(|| ours(version));
            }
            _ => {}
        }
    }
    Theirs { versions, suites: highest.into_iter().map(|(suite, version)| format!("{suite} {version}")).collect() }
}

/// OpenSSL's names of suites and those of IANA.
fn standard_names() -> BTreeMap<String, String> {
    let mut command = Command::new("openssl");
    let output = command.args(["ciphers", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let pair = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.nth(2)?.to_owned(), line.split_whitespace().next()?.to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

/// `TLSv1.2` is `tls1.2`.
fn ours(version: &str) -> String {
    version.to_lowercase().replace("tlsv", "tls").replace("sslv", "ssl")
}

fn probe(port: u16) -> Tls {
    try_probe(port).unwrap()
}

fn try_probe(port: u16) -> Option<Tls> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let door = Door::new(Temperament::Normal);
    runtime.block_on(tls::probe(At { door: &door, target: target(), port })).unwrap()
}

fn target() -> Target {
    let scope = Scope::new(vec!["127.0.0.0/8".parse().unwrap()], false);
    scope.admit(IpAddr::from(Ipv4Addr::LOCALHOST)).unwrap()
}

fn serve(folder: &Path, key: &[&str], arguments: &[&str]) -> (Process, u16) {
    certify(folder, key);
    let port = free_port();
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["s_server", "-quiet", "-accept", &port.to_string()]);
    command.args(["-cert", "certificate.pem", "-key", "key.pem"]).args(arguments);
    (start(&mut command, folder, port), port)
}

fn start(command: &mut Command, folder: &Path, port: u16) -> Process {
    let mut server = Process::start(command, folder.join(format!("{port}.log"))).unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(Instant::now() < end && server.try_wait().unwrap().is_none(), "{}", server.output());
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

/// A certificate of `device` that signed itself, for thirty days.
fn certify(folder: &Path, key: &[&str]) {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=device"]).args(key);
    command.args(["-addext", "subjectAltName=DNS:device.local,IP:127.0.0.1"]);
    command.args(["-addext", "crlDistributionPoints=URI:http://crl.example/a"]);
    command.args(["-addext", "authorityInfoAccess=OCSP;URI:http://ocsp.example/b"]);
    let output = command.args(["-keyout", "key.pem", "-out", "certificate.pem"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A prime of 1024 bits is a matter of seconds to minutes; one is made once, without being a safe one.
fn parameters(folder: &Path) {
    let mut command = Command::new("openssl");
    command.current_dir(folder).args(["dhparam", "-dsaparam", "-out", "dh1024", "1024"]);
    assert!(command.output().unwrap().status.success());
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
