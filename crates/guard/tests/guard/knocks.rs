//! A device that knocks where nobody is: told soon, and not where there is a reason for it.

use std::net::IpAddr;

use fleetward_fleet::{Mac, SignKind};
use fleetward_guard::hosts::{Host, Hosts};
use fleetward_guard::watch::{Settings, Watch};
use fleetward_packet::{Endpoint, Event, Flow, TcpSeen, Time};

const SECOND: i64 = 1_000_000_000;
const NEAR: &str = "192.168.1.20";

fn end(ip: &str, port: u16) -> Endpoint {
    let mac = if ip == NEAR { Mac([2, 0, 0, 0, 1, 0]) } else { Mac([2, 0, 0, 0, 0, 1]) };
    Endpoint { ip: ip.parse().expect("an address"), port, mac }
}

fn flow(to: (&str, u16), protocol: u8, packets: [u64; 2], seconds: i64) -> Flow {
    Flow {
        id: 1,
        client: end(NEAR, 50_000),
        server: end(to.0, to.1),
        protocol,
        vlan: 0,
        begun: true,
        first: Time(seconds * SECOND),
        last: Time((seconds + 7) * SECOND),
        packets,
        bytes: packets.map(|count| count * 60),
        tcp: TcpSeen { client: if protocol == 6 { 2 } else { 0 }, server: if packets[1] > 0 { 0x12 } else { 0 } },
        name: None,
        application: None,
    }
}

/// How often knocking was told of, after these conversations and four unanswered SYNs to 203.0.114.9, port 50, at `seconds`.
fn told(before: &[Flow], seconds: i64) -> usize {
    let mut hosts = Hosts::default();
    hosts.local = vec!["192.168.1.0/24".parse().expect("a network")];
    hosts.add(Host { name: "it".into(), model: None }, &[], &[NEAR.parse::<IpAddr>().expect("an address")]);
    let mut watch = Watch::new(Settings::default());
    let mut signs = Vec::new();
    let knock = flow(("203.0.114.9", 50), 6, [4, 0], seconds);
    for flow in before {
        for event in [Event::Opened(flow), Event::Closed(flow)] {
            watch.event(&event, &hosts, &mut |noticed| signs.push(noticed.sign.sign));
        }
    }
    for event in [Event::Opened(&knock), Event::Grew(&knock)] {
        watch.event(&event, &hosts, &mut |noticed| signs.push(noticed.sign.sign));
    }
    signs.iter().filter(|sign| **sign == SignKind::HardCodedAddress).count()
}

fn clock(seconds: i64) -> Flow {
    flow(("198.18.0.123", 123), 17, [1, 1], seconds)
}

#[test]
fn a_settled_device_that_calls_where_nobody_is() {
    assert_eq!(told(&[clock(0), clock(3_590)], 3_700), 1);
}

#[test]
fn not_while_it_is_new_or_the_internet_is_away() {
    assert_eq!(told(&[clock(0)], 600), 0, "just started");
    assert_eq!(told(&[clock(0)], 9_000), 0, "nothing answered for two hours");
    assert_eq!(told(&[flow(("198.18.0.123", 123), 17, [1, 0], 3_590)], 9_000), 0, "nothing ever answered");
}

#[test]
fn not_where_names_are_asked_for_that_we_do_not_hear_nor_where_somebody_was() {
    let asks = flow(("192.168.1.1", 53), 17, [1, 1], 10);
    assert_eq!(told(&[clock(0), asks, clock(3_590)], 3_700), 0, "its resolver answers it, and we do not hear what");
    let was_there = flow(("203.0.114.9", 50), 6, [6, 6], 100);
    assert_eq!(told(&[clock(0), was_there, clock(3_590)], 3_700), 0, "a server that is down");
}
