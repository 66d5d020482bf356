//! `fleetward audit` against hosts in network namespaces: what is open is found however the host answers, what is not
//! listed is not touched, and an audit that is cut says so.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fleetward_testkit::daemons::{Lab, Namespace};
use serde_json::Value;

use crate::support::Place;

const OPEN: [u16; 4] = [22, 80, 8123, 61000];

/// Who audits, the host, and its open ports while they are held.
fn site(lab: &mut Lab) -> (Place, Namespace, Vec<TcpListener>) {
    let [auditor, host] = ["audit", "host"].map(|it| lab.namespace(it).unwrap());
    lab.cable((&auditor, "eth0", "10.9.0.1/24"), (&host, "eth0", "10.9.0.2/24")).unwrap();
    let listen = || OPEN.map(|port| TcpListener::bind(("10.9.0.2", port)).unwrap()).into();
    let held = host.enter(listen).unwrap();
    let mut place = Place::empty();
    place.enter(auditor.name());
    (place, host, held)
}

fn filter(host: &Namespace, rule: &str) {
    let text = format!(
        "add table inet t; add chain inet t i {{ type filter hook input priority 0; }}; add rule inet t i {rule}"
    );
    let done = host.command("nft").arg(text).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn audit(place: &Place, more: &[&str]) -> Value {
    let words = ["audit", "10.9.0.2", "--mine", "10.9.0.0/24", "--temperament", "fast", "--format", "json"];
    let ran = place.run(&[&words, more].concat());
    assert!(ran.code <= 1, "{}", ran.err);
    serde_json::from_str(&ran.out).unwrap()
}

fn tcp(report: &Value) -> Vec<u64> {
    let open = report["hosts"][0]["open"].as_array().unwrap();
    open.iter().filter(|it| it["transport"] == "tcp").filter_map(|it| it["port"].as_u64()).collect()
}

#[test]
fn what_is_open_is_found_by_both_engines() {
    let Some(mut lab) = Lab::try_new(&[]).unwrap() else { return };
    let (place, _host, _held) = site(&mut lab);
    for engine in ["raw", "connect"] {
        let report = audit(&place, &["--engine", engine]);
        assert_eq!(tcp(&report), OPEN.map(u64::from), "{engine}");
        assert_eq!(report["is_complete"], true);
    }
}

#[test]
fn behind_a_firewall_that_drops_the_rest_is_unknown_and_not_closed() {
    let Some(mut lab) = Lab::try_new(&[("nft", "nftables")]).unwrap() else { return };
    let (place, host, _held) = site(&mut lab);
    filter(&host, "tcp flags & (syn|ack) == syn tcp dport != { 22, 80, 8123, 61000 } drop");
    let report = audit(&place, &["--ports", "1-65535"]);
    assert_eq!(tcp(&report), OPEN.map(u64::from));
    assert_eq!(report["hosts"][0]["closed"], 0);
}

#[test]
fn a_host_that_limits_its_answers_is_asked_until_it_has_said_all() {
    let Some(mut lab) = Lab::try_new(&[("nft", "nftables")]).unwrap() else { return };
    let (place, host, _held) = site(&mut lab);
    filter(&host, "tcp flags & (syn|ack) == syn limit rate over 2000/second burst 100 packets drop");
    let report = audit(&place, &["--ports", "1-9000,61000"]);
    assert_eq!(tcp(&report), OPEN.map(u64::from));
    assert!(report["hosts"][0]["unknown"].as_u64().unwrap() < 60, "{}", report["hosts"][0]["unknown"]);
}

#[test]
fn what_is_not_listed_is_refused_and_nothing_leaves() {
    let Some(mut lab) = Lab::try_new(&[("nft", "nftables")]).unwrap() else { return };
    let (place, host, _held) = site(&mut lab);
    filter(&host, "meta nfproto ipv4 counter");
    // IPv4 packets, and whether somebody asked for the host's hardware address.
    let touched = |host: &Namespace| {
        let said = |mut command: Command| String::from_utf8(command.output().unwrap().stdout).unwrap();
        let (mut count, mut neighbours) = (host.command("nft"), host.command("ip"));
        count.args(["list", "ruleset"]);
        neighbours.args(["-4", "neigh"]);
        (said(count), said(neighbours))
    };
    let before = touched(&host);
    assert!(before.0.contains("packets 0"), "{}", before.0);
    for words in [&["10.9.0.2"][..], &["10.9.0.2", "--mine", "10.8.0.0/24"], &["10.9.0.0/24", "--mine", "10.9.0.0/25"]]
    {
        place.run(&[&["audit"], words].concat()).fails(2);
    }
    place.run(&["audit", "9.9.9.9", "--mine", "9.9.9.0/24"]).fails(2);
    assert_eq!(touched(&host), before);
}

const OWN: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 8, 0, 2);

/// A resolver at 127.0.0.1 of the namespace. `camera.test` is the owner's at the first question and somebody else's from
/// then on (rebinding); `pair.test` is both. How often it was asked for an IPv4 address is counted.
fn resolver(namespace: &Namespace) -> Arc<AtomicUsize> {
    let socket = namespace.enter(|| UdpSocket::bind("127.0.0.1:53")).unwrap().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut octets = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut octets) {
            // Header, name, type, class (RFC 1035 §4.1); what else is asked with it is left out.
            let kind = 12 + octets[12..length].iter().position(|it| *it == 0).unwrap() + 1;
            let said = match (octets[kind + 1], octets[13]) {
                (1, b'p') => &[OWN, OTHER][..],
                (1, _) if count.fetch_add(1, Ordering::SeqCst) == 0 => &[OWN],
                (1, _) => &[OTHER],
                _ => &[],
            };
            let mut answer = [&octets[..2], &[0x81, 0x80, 0, 1, 0, said.len() as u8, 0, 0, 0, 0]].concat();
            answer.extend(&octets[12..kind + 4]);
            for address in said {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
                answer.extend(address.octets());
            }
            socket.send_to(&answer, from).unwrap();
        }
    });
    asked
}

#[test]
fn a_name_is_asked_once_and_each_of_its_addresses_is_listed_or_nothing_leaves() {
    let Some(mut lab) = Lab::try_new(&[("nft", "nftables")]).unwrap() else { return };
    let [auditor, host] = ["audit", "host"].map(|it| lab.namespace(it).unwrap());
    lab.cable((&auditor, "eth0", "10.9.0.1/24"), (&host, "eth0", "10.9.0.2/24")).unwrap();
    for (namespace, address) in [(&auditor, "10.8.0.1/24"), (&host, "10.8.0.2/24")] {
        let done = namespace.command("ip").args(["addr", "add", address, "dev", "eth0"]).status().unwrap();
        assert!(done.success());
    }
    let _held = host.enter(|| TcpListener::bind("0.0.0.0:80")).unwrap().unwrap();
    filter(&host, "ip daddr 10.8.0.2 counter; add rule inet t i ip daddr 10.9.0.2 counter");
    let packets = |address: &str| {
        let said = host.command("nft").args(["list", "ruleset"]).output().unwrap().stdout;
        let said = String::from_utf8(said).unwrap();
        let line = said.lines().find(|line| line.contains(&format!("daddr {address} "))).unwrap();
        let count = line.split("packets ").nth(1).unwrap().split(' ').next().unwrap();
        count.parse::<u64>().unwrap()
    };
    let mut place = Place::empty();
    place.write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:5\n");
    place.enter(auditor.name());
    let audit = |name: &str| {
        // The file lies over that of the system in the mount namespace of this one command.
        let mut command = auditor.command("sh");
        command.args(["-c", "mount --bind resolv.conf /etc/resolv.conf && exec \"$@\"", "sh", "timeout", "60"]);
        command.arg(env!("CARGO_BIN_EXE_fleetward"));
        command.args([
            "audit",
            name,
            "--mine",
            "10.9.0.0/24",
            "--ports",
            "80",
            "--temperament",
            "fast",
            "--report",
            "json",
        ]);
        command.current_dir(place.path("")).env("XDG_STATE_HOME", place.path(""));
        command.output().unwrap()
    };
    let asked = resolver(&auditor);
    let ran = audit("camera.test");
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(tcp(&report), [80], "{report:#}");
    assert_eq!((asked.load(Ordering::SeqCst), packets("10.8.0.2")), (1, 0), "it was asked once and believed once");
    let before = packets("10.9.0.2");
    assert!(before > 0, "the counter counts");

    let ran = audit("pair.test");
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("nothing was sent"));
    assert_eq!((packets("10.9.0.2"), packets("10.8.0.2")), (before, 0));
}

#[test]
fn an_audit_that_is_interrupted_says_so_and_is_resumed() {
    let Some(mut lab) = Lab::try_new(&[]).unwrap() else { return };
    let (place, _host, _held) = site(&mut lab);
    let file = place.path("part.json").display().to_string();
    let words = ["audit", "10.9.0.2", "--mine", "10.9.0.0/24", "--format", "json", "--out", &file];
    let mut child: Command = place.command(&words);
    let mut child = child.spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    let part: Value = serde_json::from_str(&place.read("part.json")).unwrap();
    assert_eq!((&part["is_complete"], &part["hosts"][0]["outcome"]), (&false.into(), &"cut".into()));
    let whole = audit(&place, &["--resume", &file]);
    assert_eq!(tcp(&whole), OPEN.map(u64::from));
    assert_eq!((&whole["is_complete"], whole["hosts"][0]["asked"].as_u64() >= Some(65_535)), (&true.into(), true));
}
