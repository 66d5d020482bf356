//! `fleetward audit` against hosts in network namespaces: what is open is found however the host answers, what is not
//! listed is not touched, and an audit that is cut says so.

use std::net::TcpListener;
use std::process::Command;

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
