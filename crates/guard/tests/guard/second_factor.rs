//! An address that is allowed for a name is not allowed for another name that the first words of a conversation say.

use std::net::IpAddr;

use fleetward_fleet::{Mac, NetworkProfile, SignKind};
use fleetward_guard::hosts::{Host, Hosts};
use fleetward_guard::watch::{Settings, Watch};
use fleetward_packet::{Endpoint, Event, Flow, Name, NameSource, TcpSeen, Time};

const PROFILE: &str = "
allow:
  - name: api.vendor.example
    protocol: tcp
    ports: [443]
    support:
      { devices: 1, days: 2, flows: 2, first_seen: 2023-11-14T22:13:20Z, last_seen: 2023-11-15T22:13:20Z, confidence: medium, addresses: [203.0.113.9] }
";

fn flow(name: Option<(&str, NameSource)>) -> Flow {
    let end =
        |ip: &str, port, last| Endpoint { ip: ip.parse().expect("an address"), port, mac: Mac([2, 0, 0, 0, 0, last]) };
    Flow {
        id: 1,
        client: end("192.168.1.20", 50_000, 7),
        server: end("203.0.113.9", 443, 1),
        protocol: 6,
        vlan: 0,
        begun: true,
        first: Time(0),
        last: Time(1_000_000),
        packets: [3, 2],
        bytes: [300, 200],
        tcp: TcpSeen { client: 0x1a, server: 0x1a },
        name: name.map(|(text, source)| Name { text: text.into(), source }),
        application: None,
    }
}

/// What is told of a conversation that begins with this name and then says that one.
fn told(at_first: Option<(&str, NameSource)>, says: Option<(&str, NameSource)>) -> Vec<(SignKind, Option<Box<str>>)> {
    let profile: NetworkProfile = serde_saphyr::from_str(PROFILE).expect("the profile is well written");
    let mut hosts = Hosts::default();
    hosts.local = vec!["192.168.1.0/24".parse().expect("a network")];
    let ip: IpAddr = "192.168.1.20".parse().expect("an address");
    hosts.add(Host { name: "it".into(), model: Some("lamp".into()) }, &[], &[ip]);
    let mut watch = Watch::new(Settings::default());
    watch.set_profiles([("lamp", &profile)]);
    let mut signs = Vec::new();
    let (first, named) = (flow(at_first), flow(says));
    for event in [Event::Opened(&first), Event::Named(&named), Event::Named(&named), Event::Closed(&named)] {
        watch.event(&event, &hosts, &mut |noticed| signs.push((noticed.sign.sign, noticed.sign.name)));
    }
    watch.advance(Time(60_000_000_000), &hosts, &mut |noticed| signs.push((noticed.sign.sign, noticed.sign.name)));
    signs
}

#[test]
fn what_the_first_words_say_counts_beside_the_address() {
    let resolved = Some(("api.vendor.example", NameSource::Dns));
    let foreign = [NameSource::HttpHost, NameSource::Tls, NameSource::Quic];
    for source in foreign {
        let expected = vec![(SignKind::UnlistedPeer, Some("c2.example".into()))];
        for at_first in [resolved, None] {
            assert_eq!(told(at_first, Some(("c2.example", source))), expected, "{at_first:?}, {source:?}");
        }
    }
}

#[test]
fn what_fits_both_ways_is_not_told() {
    let resolved = Some(("api.vendor.example", NameSource::Dns));
    assert_eq!(told(resolved, resolved), []);
    assert_eq!(told(resolved, Some(("api.vendor.example", NameSource::Tls))), []);
    assert_eq!(told(None, Some(("api.vendor.example", NameSource::HttpHost))), []);
    assert_eq!(told(None, None), [], "where the name was while it was learnt");
}
