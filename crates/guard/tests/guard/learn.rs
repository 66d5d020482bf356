//! What is learnt from made-up conversations, what never is, and what fits afterwards.

use std::net::IpAddr;

use fleetward_fleet::{Allow, Confidence, Direction, Mac, NetworkProfile, Peer, PortRange, Profile, Protocol, Role};
use fleetward_guard::fit::{Fit, Miss, Verdict};
use fleetward_guard::hosts::{Host, Hosts};
use fleetward_guard::learn::{Change, Learner, difference, profile_yaml, reachable, words};
use fleetward_guard::view::View;
use fleetward_packet::{Endpoint, Event, Flow, Name, NameSource, Sink, TcpSeen, Time};
use proptest::prelude::*;

const DAY: i64 = 86_400_000_000_000;
const ROUTER: Mac = Mac([2, 0, 0, 0, 0, 1]);
const BULB: &str = "192.168.1.20";
const OTHER_BULB: &str = "192.168.1.21";

fn hosts() -> Hosts {
    let mut hosts = Hosts::default();
    hosts.local = vec!["192.168.1.0/24".parse().expect("a network")];
    hosts.routers = vec![ROUTER];
    let bulb = || Host { name: "it".into(), model: Some("bulb".into()) };
    hosts.add(bulb(), &[], &[BULB.parse().expect("an address")]);
    hosts.add(bulb(), &[], &[OTHER_BULB.parse().expect("an address")]);
    hosts.add(Host { name: "cam".into(), model: Some("cam".into()) }, &[], &["192.168.1.30".parse().expect("one")]);
    hosts
}

fn end(ip: &str, port: u16) -> Endpoint {
    let ip: IpAddr = ip.parse().expect("an address");
    let is_near = ip.to_string().starts_with("192.168.1.") && ip.to_string() != "192.168.1.1";
    let mac = if is_near { Mac([2, 0, 0, 0, 1, 0]) } else { ROUTER };
    Endpoint { ip, port, mac }
}

/// An answered conversation on day `day`.
fn flow(from: (&str, u16), to: (&str, u16), protocol: u8, name: Option<&str>, day: i64) -> Flow {
    Flow {
        id: 1,
        client: end(from.0, from.1),
        server: end(to.0, to.1),
        protocol,
        vlan: 0,
        begun: true,
        first: Time(1_700_000_000_000_000_000 + day * DAY),
        last: Time(1_700_000_001_000_000_000 + day * DAY),
        packets: [4, 4],
        bytes: [400, 4000],
        tcp: TcpSeen { client: 0x1b, server: 0x1b },
        name: name.map(|text| Name { text: text.into(), source: NameSource::Tls }),
        application: None,
    }
}

fn to(ip: &str, port: u16, name: &str, day: i64) -> Flow {
    flow((BULB, 50_000), (ip, port), 6, Some(name).filter(|it| !it.is_empty()), day)
}

/// One capture for each list.
fn learn(captures: &[Vec<Flow>]) -> NetworkProfile {
    let hosts = hosts();
    let mut learner = Learner::of("bulb");
    for capture in captures {
        let mut sink = learner.capture(&hosts);
        for flow in capture {
            sink.event(Event::Closed(flow));
        }
    }
    learner.profile()
}

fn judge(profile: &NetworkProfile, flow: &Flow) -> Verdict {
    let hosts = hosts();
    let view = View::of(flow, &hosts).next().expect("it is a device's");
    Fit::new(profile).judge(&view, &hosts)
}

fn items(profile: &NetworkProfile) -> Vec<String> {
    profile.allow.iter().map(words).collect()
}

fn refused(profile: &NetworkProfile) -> Vec<String> {
    profile.learned.as_ref().map(|it| it.refused.clone()).unwrap_or_default()
}

#[test]
fn shards_become_a_pattern_within_their_domain() {
    let profile = learn(&[
        vec![to("203.0.113.1", 443, "r1.api.vendor.com", 0)],
        vec![to("203.0.113.2", 443, "r27.api.vendor.com", 1)],
    ]);
    assert_eq!(items(&profile), ["tcp 443 to r#.api.vendor.com"]);
    assert_eq!(judge(&profile, &to("203.0.113.9", 443, "r300.api.vendor.com", 2)), Verdict::Fits(0));
    let stranger = to("203.0.113.9", 443, "r3.evil.com", 2);
    assert_eq!(judge(&profile, &stranger), Verdict::Misses(Miss::Peer));
    let port = to("203.0.113.9", 8443, "r3.api.vendor.com", 2);
    assert_eq!(judge(&profile, &port), Verdict::Misses(Miss::Port));
}

#[test]
fn customers_of_a_cloud_are_not_each_other() {
    let profile = learn(&[
        vec![to("203.0.113.1", 443, "d1.cloudfront.net", 0)],
        vec![to("203.0.113.2", 443, "d2.cloudfront.net", 1)],
    ]);
    assert_eq!(items(&profile), ["tcp 443 to d1.cloudfront.net", "tcp 443 to d2.cloudfront.net"]);
    let other = to("203.0.113.1", 443, "d3.cloudfront.net", 2);
    assert_eq!(judge(&profile, &other), Verdict::Misses(Miss::Peer), "the address is shared, the name decides");
}

#[test]
fn a_name_that_a_device_chose_becomes_no_pattern() {
    let profile = learn(&[vec![to("203.0.113.1", 443, "*.com", 0), to("203.0.113.2", 443, "*", 0)]]);
    assert_eq!(items(&profile), ["tcp 443 to 203.0.113.1", "tcp 443 to 203.0.113.2"]);
}

#[test]
fn what_malware_does_is_never_learnt_however_often() {
    let day = |day| {
        let mut flows = vec![
            to("203.0.113.1", 23, "", day),
            to("203.0.113.1", 6667, "irc.vendor.com", day),
            to("203.0.113.1", 25, "mail.vendor.com", day),
            flow((BULB, 50_000), ("192.168.1.30", 23), 6, None, day),
            flow(("203.0.113.66", 50_000), (BULB, 8080), 6, None, day),
        ];
        flows.extend((1..60).map(|host| {
            let silent = to(&format!("198.51.100.{host}"), 8081, "", day);
            Flow { packets: [1, 0], bytes: [40, 0], tcp: TcpSeen { client: 2, server: 0 }, ..silent }
        }));
        flows
    };
    let profile = learn(&(0..5).map(day).collect::<Vec<_>>());
    assert_eq!(items(&profile), Vec::<String>::new());
    let refused = refused(&profile).join("\n");
    for reason in ["telnet", "IRC", "mail", "stranger from afar", "a search"] {
        assert!(refused.contains(reason), "{reason} is not in\n{refused}");
    }
}

#[test]
fn partners_on_the_site_are_roles_and_never_the_whole_site() {
    let profile = learn(&[vec![
        flow(("192.168.1.99", 50_000), (BULB, 80), 6, None, 0),
        flow((BULB, 50_001), (OTHER_BULB, 9999), 17, None, 0),
        flow((BULB, 50_002), ("192.168.1.30", 554), 6, None, 0),
        flow((BULB, 50_003), ("192.168.1.255", 6667), 17, None, 0),
        flow((BULB, 68), ("192.168.1.1", 67), 17, None, 0),
    ]]);
    let mut found = items(&profile);
    found.sort();
    found.dedup();
    let expected = [
        "tcp 554 to model cam",
        "tcp 80 from controller",
        "udp 6667 to broadcast",
        "udp 9999 from same model",
        "udp 9999 to same model",
    ];
    assert_eq!(found, expected);
    assert!(profile.allow.iter().all(|it| !matches!(it.peer, Peer::Net(_))));
    let telnet = flow((BULB, 50_000), ("192.168.1.30", 23), 6, None, 0);
    assert!(matches!(judge(&profile, &telnet), Verdict::Misses(_)));
    let backwards = flow((BULB, 50_000), ("192.168.1.99", 80), 6, None, 0);
    assert!(matches!(judge(&profile, &backwards), Verdict::Misses(_)), "who began counts");
}

#[test]
fn one_device_on_one_day_is_low_confidence() {
    let confidence = |profile: &NetworkProfile| profile.allow[0].support.as_ref().map(|it| it.confidence);
    let here = |day| to("203.0.113.1", 443, "api.vendor.com", day);
    let other = |day| flow((OTHER_BULB, 50_000), ("203.0.113.1", 443), 6, Some("api.vendor.com"), day);
    assert_eq!(confidence(&learn(&[vec![here(0)], vec![here(0)], vec![here(0)]])), Some(Confidence::Low));
    assert_eq!(confidence(&learn(&[vec![here(0)], vec![here(1)]])), Some(Confidence::Medium));
    assert_eq!(confidence(&learn(&[vec![here(0)], vec![other(1)]])), Some(Confidence::High));
}

#[test]
fn learning_again_shows_what_changed() {
    let old = learn(&[vec![to("203.0.113.1", 443, "api.vendor.com", 0), to("203.0.113.2", 443, "old.vendor.com", 0)]]);
    let new = learn(&[vec![to("203.0.113.1", 443, "api.vendor.com", 0), to("203.0.113.3", 80, "new.vendor.com", 0)]]);
    assert_eq!(difference(&old, &old), []);
    let said: Vec<String> = difference(&old, &new)
        .iter()
        .map(|change| match change {
            Change::Added(it) => format!("+ {}", words(it)),
            Change::Removed(it) => format!("- {}", words(it)),
            Change::Changed { to, .. } => format!("~ {}", words(to)),
        })
        .collect();
    assert!(said.contains(&"+ tcp 80 to new.vendor.com".to_owned()), "{said:?}");
    assert!(said.contains(&"- tcp 443 to old.vendor.com".to_owned()), "{said:?}");
}

#[test]
fn breadth_is_counted() {
    let item =
        |peer, ports| Allow { peer, protocol: Protocol::TCP, ports, begins: Direction::Out, rate: None, support: None };
    let net = Peer::Net("192.0.2.0/24".parse().expect("a network"));
    let allow = [
        item(Peer::Name("api.vendor.com".into()), vec![PortRange::one(443)]),
        item(net, vec![PortRange { first: 1, last: 10 }]),
        item(Peer::Role(Role::Dns), vec![PortRange::one(53)]),
    ];
    assert_eq!(reachable(&allow, |_| 3), 3 + 2560 + 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What was learnt fits (or is listed as refused), whatever it was; what is written is read back as it was.
    #[test]
    fn a_profile_takes_what_it_was_learnt_from(
        all in prop::collection::vec((0..6_usize, 1..250_u8, 1..u16::MAX, any::<bool>(), any::<bool>(), 0..5_i64), 1..60)
    ) {
        let names = ["", "api.vendor.com", "r1.vendor.com", "r22.vendor.com", "d1.cloudfront.net", "0.fr.pool.ntp.org"];
        let flows: Vec<Flow> = all.iter().map(|(name, host, port, tcp, near, day)| {
            let ip = if *near { format!("192.168.1.{host}") } else { format!("203.0.113.{host}") };
            let name = Some(names[*name]).filter(|it| !it.is_empty() && !near);
            flow((BULB, 50_000), (&ip, *port), if *tcp { 6 } else { 17 }, name, *day)
        }).filter(|flow| flow.server.ip != flow.client.ip).collect();
        let profile = learn(&flows.iter().map(|flow| vec![flow.clone()]).collect::<Vec<_>>());
        for flow in &flows {
            if let Verdict::Misses(miss) = judge(&profile, flow) {
                prop_assert!(!refused(&profile).is_empty(), "{:?} of {:?}\n{:?}", miss, flow, items(&profile));
            }
        }
        let page = profile_yaml("bulb", &profile, None);
        let back = Profile::from_yaml(&page).map_err(|error| TestCaseError::fail(format!("{error}\n{page}")))?;
        prop_assert_eq!(back.network, Some(profile));
    }
}
