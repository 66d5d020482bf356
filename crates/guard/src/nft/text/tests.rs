use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use fleetward_fleet::NetworkProfile;

use super::super::{Controller, Features, Member, OnBreach, Probe, Site, Unknown, compile, digest_of, ruleset, server};

fn profiles() -> BTreeMap<Box<str>, NetworkProfile> {
    let camera = "
mode: enforce
allow:
  - { name: api.vendor.example, protocol: tcp, ports: [443] }
  - { name: media.vendor.example, protocol: udp, ports: [10000-20000] }
  - { role: dns, protocol: udp, ports: [53] }
  - { role: ntp, protocol: udp, ports: [123] }
  - { role: dhcp, protocol: udp, ports: [67] }
  - { role: link_multicast, protocol: udp, ports: [5353] }
  - { role: broadcast, protocol: udp, ports: [1000-65535] }
  - { role: controller, protocol: tcp, ports: [554], begins: in }
  - { net: 192.0.2.0/24, protocol: tcp, ports: [8000-8100] }
  - { net: 192.0.2.16/28, protocol: tcp, ports: [8050-8200] }
  - { net: 198.51.100.7/32, protocol: icmp }
  - { net: 2001:db8:9::/48, protocol: tcp, ports: [8883] }
";
    let hub = "
allow:
  - { model: camera, protocol: tcp, ports: [554, 8000-8030] }
  - { role: same_model, protocol: udp, ports: [5683] }
  - { role: gateway, protocol: icmp }
";
    let read = |text: &str| serde_saphyr::from_str(text).expect("the profile is well written");
    BTreeMap::from([("camera".into(), read(camera)), ("hub".into(), read(hub))])
}

fn site() -> Site {
    let ip = |text: &str| text.parse().expect("it is an address");
    let member = |mac: &str, ips: &[&str], model: Option<&str>| Member {
        mac: mac.parse().expect("it is a hardware address"),
        ips: ips.iter().map(|it| ip(it)).collect(),
        model: model.map(Into::into),
    };
    Site {
        inside: vec!["br0".into()],
        ports: vec!["p1".into(), "p2".into()],
        gateway: vec![ip("10.9.0.1"), ip("fd00:9::1")],
        local: ["10.9.0.0/24", "fd00:9::/64"].map(|it| it.parse().expect("it is a network")).into(),
        controllers: vec![Controller { mac: "02:00:00:00:00:99".parse().ok(), ips: vec![ip("10.9.0.99")] }],
        members: vec![
            member("02:00:00:00:00:01", &["10.9.0.11", "fd00:9::11"], Some("camera")),
            member("02:00:00:00:00:02", &["10.9.0.12"], Some("hub")),
            member("02:00:00:00:00:03", &[], None),
        ],
        spoofing: OnBreach::Drop,
        strict4: true,
        syn_per_second: 20,
        connections: 200,
        quarantined: vec!["02:00:00:00:00:02".parse().expect("it is a hardware address")],
        ..Site::default()
    }
}

/// `nft -c` in a namespace of its own; `None` (said aloud) where there is none.
fn is_taken(text: &str) -> Option<Result<(), String>> {
    let child = Command::new("unshare")
        .args(["-rn", "nft", "-c", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("SKIPPED: no `unshare` here, so nft did not check the text");
        return None;
    };
    let sent = std::io::Write::write_all(&mut child.stdin.take().expect("it is piped"), text.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("unshare") || said.contains("No such file or directory") && said.contains("nft:") || sent.is_err()
    {
        assert!(std::env::var_os("FLEETWARD_REQUIRE_DAEMONS").is_none(), "nft cannot be asked: {said}");
        eprintln!("SKIPPED: nft cannot be asked here: {said}");
        return None;
    }
    Some(if output.status.success() { Ok(()) } else { Err(said) })
}

#[test]
fn the_text_is_what_a_person_reviewed() {
    let compiled = compile(&site(), &profiles());
    let stateless = Features::all().without(Probe::BridgeConntrack);
    insta::assert_snapshot!("stateless", ruleset(&site(), &stateless, &compiled.elements));
    let open = Site {
        routed: vec!["tun0".into()],
        ports: Vec::new(),
        spoofing: OnBreach::Audit,
        strict4: false,
        unknown: Unknown::Drop,
        reject: true,
        redirect_dns: true,
        refuse_secure_dns: true,
        secure_dns: vec![[192, 0, 2, 53].into()],
        ..site()
    };
    insta::assert_snapshot!("options", ruleset(&open, &Features::all(), &compile(&open, &profiles()).elements));
    let shield = server::Shield {
        services: vec![(fleetward_fleet::Protocol::UDP, 1812), (fleetward_fleet::Protocol::TCP, 8443)],
        fleet: ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/48"].map(|it| it.parse().expect("it is a network")).into(),
        ..server::Shield::default()
    };
    insta::assert_snapshot!("server", server::ruleset(&shield, &Features::all()));
}

#[test]
fn nft_takes_the_text() {
    for stateful in [false, true] {
        let features = if stateful { Features::all() } else { Features::all().without(Probe::BridgeConntrack) };
        let text = ruleset(&site(), &features, &compile(&site(), &profiles()).elements);
        match is_taken(&text) {
            None => return,
            Some(Err(said)) if stateful && said.contains("Protocol error") => {
                eprintln!("SKIPPED: this kernel has no conntrack for bridges");
            }
            Some(taken) => assert_eq!(taken, Ok(()), "{text}"),
        }
    }
    let everything = Site {
        routed: vec!["tun0".into()],
        reject: true,
        redirect_dns: true,
        refuse_secure_dns: true,
        strict6: true,
        spoofing: OnBreach::Audit,
        ..site()
    };
    let features = Features::all().without(Probe::BridgeConntrack);
    let text = ruleset(&everything, &features, &compile(&everything, &profiles()).elements);
    assert_eq!(is_taken(&text), Some(Ok(())), "{text}");
    let nothing = Features::ask(|_| false);
    let text = ruleset(&Site::default(), &nothing, &compile(&Site::default(), &BTreeMap::new()).elements);
    assert_eq!(is_taken(&text), Some(Ok(())), "{text}");
    assert_eq!(is_taken(&server::ruleset(&server::Shield::default(), &Features::all())), Some(Ok(())));
}

#[test]
fn rules_do_not_grow_with_the_fleet() {
    let rules = |site: &Site| {
        let text = ruleset(site, &Features::all(), &compile(site, &profiles()).elements);
        (text.lines().count(), digest_of(&text).map(ToOwned::to_owned))
    };
    let mut large = site();
    for number in 0..5000_u32 {
        let octets = number.to_be_bytes();
        large.members.push(Member {
            mac: fleetward_fleet::Mac([2, 1, 0, 0, octets[2], octets[3]]),
            ips: vec![[10, 8, octets[2], octets[3]].into()],
            model: Some("camera".into()),
        });
    }
    assert_eq!(rules(&large), rules(&site()), "members are elements, not rules");
    large.syn_per_second += 1;
    assert_ne!(rules(&large).1, rules(&site()).1, "a digest tells rules apart");
}
