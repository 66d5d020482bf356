//! The firewall of a running server: what the profile allows passes, what it does not becomes a finding, a rule cuts the device off, the
//! kernel proves it, a person lets it back, and one command takes everything away.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use fleetward_guard::nft::Probe;
use fleetward_guard::nft::kernel::Kernel;
use fleetward_testkit::daemons::{Lab, Namespace};
use fleetward_testkit::process::Process;

use crate::misuse::with;
use crate::support::{LIMIT, Place};

const MODEL: &str = "model: camera
network:
  mode: enforce
  allow:
    - { net: 203.0.113.10/32, protocol: tcp, ports: [443] }
";
const RULE: &str = "rule: cut-off
version: 1
title: A camera calls whom it never should
when: sign.kind == \"unlisted_peer\"
severity: high
mode: enforce
respond: [quarantine]
";
const SECTION: &str = "enforce:
  inside: [br0]
  ports: [p1]
  gateway: [10.9.0.1]
  local: [10.9.0.0/24]
  spoofing: drop
";

fn ip(place: &Namespace, words: &str) {
    let ran = place.command("ip").args(words.split(' ')).output().unwrap();
    assert!(ran.status.success(), "{words}: {}", String::from_utf8_lossy(&ran.stderr));
}

/// A device on a bridge, its gateway, and somebody beyond.
fn site(lab: &mut Lab) -> [Namespace; 3] {
    let [gateway, device, internet] = ["gw", "cam", "net"].map(|it| lab.namespace(it).unwrap());
    ip(&gateway, "link add br0 type bridge mcast_snooping 0");
    lab.cable((&gateway, "p1", ""), (&device, "eth0", "10.9.0.11/24")).unwrap();
    lab.cable((&gateway, "wan", "203.0.113.1/24"), (&internet, "wan", "203.0.113.10/24")).unwrap();
    device.set_mac("eth0", "02:00:00:00:00:01").unwrap();
    ip(&device, "route add default via 10.9.0.1");
    ip(&gateway, "link set dev p1 master br0");
    ip(&gateway, "addr add 10.9.0.1/24 dev br0");
    ip(&gateway, "link set dev br0 up");
    ip(&internet, "addr add 203.0.113.66/24 dev wan");
    ip(&internet, "route add 10.9.0.0/24 via 203.0.113.1");
    let files = ["ipv4/ip_forward", "bridge/bridge-nf-call-iptables", "bridge/bridge-nf-call-ip6tables"];
    gateway
        .enter(move || {
            files.map(|it| {
                std::fs::write(format!("/proc/sys/net/{it}"), if it.starts_with("ip") { "1" } else { "0" }).ok()
            })
        })
        .unwrap();
    let listener = internet.enter(|| TcpListener::bind("0.0.0.0:443")).unwrap().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut octet = [0];
                while stream.read_exact(&mut octet).is_ok() && stream.write_all(&octet).is_ok() {}
            });
        }
    });
    [gateway, device, internet]
}

/// Whether this kernel can do what the tests need; says aloud where it cannot.
fn is_able(lab: &mut Lab) -> bool {
    let probe = lab.namespace("probe").unwrap();
    let features = Kernel::with(&["ip", "netns", "exec", probe.name(), "nft"]).probe();
    let needed = [Probe::Base, Probe::Bridge, Probe::Log, Probe::Fib, Probe::ConnectionLimit];
    let bridge = probe.command("ip").args(["link", "add", "br0", "type", "bridge"]).output();
    let is_able = needed.iter().all(|it| features.has(*it)) && bridge.unwrap().status.success();
    if !is_able {
        println!("SKIPPED: this kernel has no bridges, or not enough of nftables");
    }
    is_able
}

/// A server on the gateway that enforces this profile, not started yet, and the device for its inventory.
fn configured(gateway: &Namespace, model: &str) -> Place {
    let mut place = Place::init();
    place.enter(gateway.name());
    place.write("models/camera.yaml", model);
    place.write_private("fleetward.yaml", &(place.read("fleetward.yaml") + SECTION));
    place.write("devices.csv", "name,model,mac,ip\ncam-1,camera,02:00:00:00:00:01,10.9.0.11\n");
    place
}

fn connect(device: &Namespace, to: &str) -> Option<TcpStream> {
    let to: SocketAddr = to.parse().unwrap();
    let patience = Duration::from_millis(700);
    let stream = device.enter(move || TcpStream::connect_timeout(&to, patience)).unwrap().ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    Some(stream)
}

fn lives(stream: &mut TcpStream) -> bool {
    stream.write_all(b"x").is_ok() && stream.read_exact(&mut [0]).is_ok()
}

#[test]
fn a_device_that_calls_a_stranger_is_cut_off_with_proof_and_let_back_by_a_person() {
    let Some(mut lab) = Lab::try_new(&[("nft", "nftables")]).unwrap() else { return };
    if !is_able(&mut lab) {
        return;
    }
    let [gateway, device, _internet] = site(&mut lab);
    let place = configured(&gateway, MODEL);
    place.write("rules/cut-off.yaml", RULE);
    let server = place.serve();
    place.run(&["devices", "import", "devices.csv"]).ok();
    // Nobody knows the device yet: it passes, and is told of.
    let mut stream =
        connect(&device, "203.0.113.10:443").expect("the profile allows it, and so does audit of the unknown");
    assert!(lives(&mut stream));
    let end = Instant::now() + Duration::from_secs(20);
    while connect(&device, "203.0.113.66:443").is_some() {
        assert!(Instant::now() < end, "the inventory never reached the firewall: {}", place.read("serve.log"));
    }
    let is_verified = |rows: &serde_json::Value| {
        with(rows, "state", "verified").iter().any(|it| it["action"]["kind"] == "quarantine")
    };
    let mut stopped = false;
    let responses = place.until(&["responses", "list"], |rows| {
        // It keeps trying, so that there is something to refuse and to drop (the first call may have been slow, not refused).
        drop(connect(&device, "203.0.113.66:443"));
        stopped |= !lives(&mut stream);
        is_verified(rows)
    });
    assert!(stopped && !lives(&mut stream), "the connection that lived is cut");
    let note = with(&responses, "state", "verified")[0]["history"].to_string();
    assert!(note.contains("packets of it were dropped"), "{note}");

    // A restart of the server lets nobody back.
    drop(server);
    assert!(connect(&device, "203.0.113.10:443").is_none(), "the rules outlive the process");
    let _server = place.serve();
    assert!(connect(&device, "203.0.113.10:443").is_none(), "and the next one knows of the quarantine");

    place.run(&["devices", "release", "cam-1"]).ok();
    place.until(&["responses", "list"], |rows| {
        with(rows, "state", "verified").iter().any(|it| it["action"]["kind"] == "release")
    });
    assert!(connect(&device, "203.0.113.10:443").is_some(), "let back");

    let layers = place.json(&["enforce", "--layers"]);
    assert_eq!(with(&layers, "layer", "profile firewall")[0]["standing"], "in force", "{layers:#}");
    assert_eq!(with(&layers, "layer", "wireless isolation")[0]["standing"], "not measured");
    let status = place.json(&["enforce", "--status"]);
    assert_eq!(status["state"], "in force");
    assert_eq!(status["absent_interfaces"].as_array().map(Vec::len), Some(0), "{status:#}");
    assert!(place.run(&["enforce", "--dry-run"]).ok().contains("chain from_device {"));
    place.run(&["enforce", "--off"]).ok();
    assert!(connect(&device, "203.0.113.66:443").is_some(), "one command takes it all back");
    assert_eq!(place.json(&["enforce", "--status"])["state"], "not loaded");
    place.edit("ports: [p1]", "ports: [p1, lan9]");
    assert_eq!(place.json(&["enforce", "--status"])["absent_interfaces"][0], "lan9");
}

/// 100 models with 50 endpoints each, and 10,000 devices of them.
fn fleet(place: &Place) {
    for model in 0..100 {
        let mut text = format!("model: model-{model}\nnetwork:\n  mode: enforce\n  allow:\n");
        for endpoint in 0..50 {
            writeln!(text, "    - {{ net: 192.0.{model}.{endpoint}/32, protocol: tcp, ports: [443] }}").unwrap();
        }
        place.write(&format!("models/model-{model}.yaml"), &text);
    }
    let mut devices = String::from("name,model,mac,ip\n");
    for device in 0..10_000 {
        let (high, low) = (device / 256, device % 256);
        let model = device % 100;
        writeln!(devices, "d-{device},model-{model},02:00:00:01:{high:02x}:{low:02x},10.9.{high}.{low}").unwrap();
    }
    place.write("devices.csv", &devices);
}

#[test]
fn ten_thousand_devices_with_fifty_endpoints_each_load_in_seconds() {
    let Some(mut lab) = Lab::try_new(&[("nft", "nftables")]).unwrap() else { return };
    let gateway = lab.namespace("many").unwrap();
    let features = Kernel::with(&["ip", "netns", "exec", gateway.name(), "nft"]).probe();
    if [Probe::Base, Probe::Log, Probe::Fib].iter().any(|it| !features.has(*it)) {
        println!("SKIPPED: not enough of nftables");
        return;
    }
    let mut place = Place::init();
    place.enter(gateway.name());
    fleet(&place);
    let server = place.serve();
    place.run(&["devices", "import", "devices.csv"]).ok();
    drop(server);
    let section = "enforce:\n  inside: [br0]\n  gateway: [10.9.0.1]\n  local: [10.9.0.0/16]\n  spoofing: drop\n";
    place.write_private("fleetward.yaml", &(place.read("fleetward.yaml") + section));
    let started = Instant::now();
    let said = place.run(&["enforce"]).ok();
    let took = started.elapsed();
    println!("10,000 devices of 100 models in force after {took:?}");
    assert!(said.contains("in force: 10000 devices, 100 profiles (100 enforced"), "{said}");
    assert_eq!(place.json(&["enforce", "--status"])["state"], "in force");
    // Of an unoptimised build, beside other work.
    assert!(took < Duration::from_mins(1), "{took:?}");
    place.run(&["enforce", "--off"]).ok();
    assert_eq!(place.json(&["enforce", "--status"])["state"], "not loaded");
}

#[test]
fn what_an_audit_found_is_closed_at_the_gateway_by_the_step_that_it_names() {
    let tools = [("nft", "nftables"), ("redis-server", "redis-server")];
    let Some(mut lab) = Lab::try_new(&tools).unwrap() else { return };
    if !is_able(&mut lab) {
        return;
    }
    let [gateway, device, internet] = site(&mut lab);
    let audited = MODEL.replace("mode: enforce", "mode: audit");
    let mut place = configured(&gateway, &audited);
    place.edit("networks: []", "networks: [10.9.0.0/24]");
    let mut command = device.command("redis-server");
    command.args(["--bind", "10.9.0.11", "--protected-mode", "no", "--save", "", "--daemonize", "no"]);
    let mut redis = Process::start(&mut command, place.path("redis.log")).unwrap();
    redis.wait_for_line("Ready to accept connections", LIMIT).unwrap();
    let _server = place.serve();
    place.run(&["devices", "import", "devices.csv"]).ok();

    // Somebody beyond the gateway, as those are whom it is to be closed for.
    place.enter(internet.name());
    let audit = |place: &Place| {
        let ran = place.run(&["audit", "cam-1", "--ports", "6379", "--temperament", "fast", "--report", "json"]);
        assert!(ran.code <= 1, "{}", ran.err);
        serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()
    };
    let report = audit(&place);
    let advice = |check: &str| {
        let found = report["found"].as_array().unwrap();
        let found = found.iter().find(|it| it["fault"]["check"] == check).unwrap();
        found["fault"]["advice"].as_str().unwrap().to_owned()
    };
    for step in ["the profile of camera lets nobody call tcp/6379", "`mode: enforce`", "`fleetward reload`"] {
        assert!(advice("no-authentication").contains(step), "{}", advice("no-authentication"));
        assert!(advice("port-not-in-profile").contains(step), "{}", advice("port-not-in-profile"));
    }
    assert!(advice("no-authentication").contains("`fleetward devices quarantine cam-1`"));

    place.enter(gateway.name());
    place.write("models/camera.yaml", &audited.replace("mode: audit", "mode: enforce"));
    place.run(&["reload"]).ok();
    place.enter(internet.name());
    let end = Instant::now() + LIMIT;
    let closed = loop {
        let report = audit(&place);
        if report["found"] == serde_json::json!([]) {
            break report;
        }
        assert!(Instant::now() < end, "{report:#}\n{}", place.read("serve.log"));
    };
    // Dropped on the way is not closed on the device.
    assert_eq!((&closed["hosts"][0]["closed"], &closed["hosts"][0]["unknown"]), (&0.into(), &1.into()), "{closed:#}");
}
