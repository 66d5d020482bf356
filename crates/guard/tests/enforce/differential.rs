//! The kernel and `Fit` agree: random profiles, random packets, each packet refused by both or by neither.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::thread;
use std::time::Duration;

use fleetward_fleet::{Allow, Direction, GuardMode, Mac, NetworkProfile, Peer, PortRange, Protocol};
use fleetward_guard::fit::{Fit, Verdict};
use fleetward_guard::hosts::{Host, Hosts};
use fleetward_guard::nft::{compile, ruleset};
use fleetward_guard::view::View;
use fleetward_packet::{Endpoint, Flow, TcpSeen, Time};
use ipnet::IpNet;

use crate::frames::{syn, udp};
use crate::world::*;

/// Numbers that repeat with their seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (it ^ (it >> 31)) % end
    }

    /// In a space so small that packets meet rules.
    fn address(&mut self) -> IpAddr {
        let last = self.below(32) as u16;
        if self.below(3) == 0 {
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, last))
        } else {
            IpAddr::V4(Ipv4Addr::new(198, 51, 100, last as u8))
        }
    }

    fn protocol(&mut self) -> Protocol {
        if self.below(2) == 0 { Protocol::TCP } else { Protocol::UDP }
    }

    fn ports(&mut self) -> PortRange {
        let first = 1000 + self.below(60) as u16;
        let more = if self.below(2) == 0 { 0 } else { self.below(40) as u16 };
        PortRange { first, last: first + more }
    }

    fn allow(&mut self) -> Allow {
        let ip = self.address();
        let shorter = self.below(6) as u8;
        let longest = if ip.is_ipv4() { 32 } else { 128 };
        let shorter = if self.below(2) == 0 { 0 } else { shorter };
        Allow {
            peer: Peer::Net(IpNet::new(ip, longest - shorter).expect("it is no longer than the address").trunc()),
            protocol: self.protocol(),
            ports: (0..=self.below(3)).map(|_| self.ports()).collect(),
            begins: if self.below(5) == 0 { Direction::In } else { Direction::Out },
            rate: None,
            support: None,
        }
    }
}

#[test]
fn the_kernel_and_the_profile_agree_on_every_packet() {
    let Some(world) = World::try_new(1) else { return };
    let camera = &world.devices[0];
    let route = |words: &str| {
        let mut command = world.gateway.command("ip");
        assert!(command.args(words.split(' ')).status().is_ok_and(|it| it.success()), "{words}");
    };
    route("route add 198.51.100.0/24 via 203.0.113.2");
    route("-6 route add 2001:db8:a::/64 via 2001:db8:f::2");
    let gateway = world.gateway.command("cat").arg("/sys/class/net/br0/address").output().expect("cat can be run");
    let gateway: Mac = String::from_utf8_lossy(&gateway.stdout).trim().parse().expect("it is a hardware address");
    let (mouth, ears) = (camera.place.raw(), world.internet.raw_at("wan"));
    let (mut passed, mut refused) = (0, 0);
    for seed in 0..8 {
        let mut dice = Dice(seed);
        let allow: Vec<Allow> = (0..=dice.below(12)).map(|_| dice.allow()).collect();
        let profile = NetworkProfile { mode: GuardMode::Enforce, allow, ..NetworkProfile::default() };
        let site = world.site(&["camera"]);
        let compiled = compile(&site, &BTreeMap::from([("camera".into(), profile.clone())]));
        world.kernel.load(&ruleset(&site, &world.features, &compiled.elements)).expect("the kernel takes it");

        let mut hosts = Hosts::default();
        (hosts.local, hosts.routers) = (site.local.clone(), vec![gateway]);
        let host = Host { name: "camera".into(), model: Some("camera".into()) };
        hosts.add(host, &[camera.mac], &[camera.ip4, camera.ip6]);
        let fit = Fit::new(&profile);
        let (mut expected, mut sent) = (BTreeSet::new(), Vec::new());
        drop(ears.waiting());
        for number in 0..400_u16 {
            let (to, protocol, port) = (dice.address(), dice.protocol(), 1000 + dice.below(110) as u16);
            // The source port is the packet's name; each seed has its own, so that no connection is met again.
            let own = 2000 + seed as u16 * 400 + number;
            let from = if to.is_ipv4() { camera.ip4 } else { camera.ip6 };
            let (a, b) = ((camera.mac, from, own), (gateway, to, port));
            mouth.send(&if protocol == Protocol::TCP { syn(a, b) } else { udp(a, b, b"who goes there") });
            let end = |ip, port, mac| Endpoint { ip, port, mac };
            let flow = Flow {
                id: 0,
                client: end(from, own, camera.mac),
                server: end(to, port, gateway),
                protocol: protocol.0,
                vlan: 0,
                begun: true,
                first: Time(0),
                last: Time(0),
                packets: [1, 0],
                bytes: [40, 0],
                tcp: TcpSeen::default(),
                name: None,
                application: None,
            };
            let view = View::of(&flow, &hosts).next().expect("the camera is known");
            if matches!(fit.judge(&view, &hosts), Verdict::Fits(_)) {
                expected.insert(own);
            }
            sent.push((own, to, protocol, port));
            if number % 50 == 49 {
                thread::sleep(Duration::from_millis(20));
            }
        }
        thread::sleep(Duration::from_millis(200));
        let arrived: BTreeSet<u16> = ears.waiting().iter().filter_map(|frame| source_port(frame)).collect();
        for (own, to, protocol, port) in sent {
            let (kernel, rust) = (arrived.contains(&own), expected.contains(&own));
            assert_eq!(
                kernel, rust,
                "seed {seed}: {protocol} to {to} port {port}: passed the kernel, fits the profile\n{profile:#?}"
            );
            if kernel { passed += 1 } else { refused += 1 }
        }
    }
    eprintln!("{passed} packets passed both, {refused} were refused by both");
    assert!(passed > 100 && refused > 100);
}

/// Of a device's packet, by its addresses' space.
fn source_port(frame: &[u8]) -> Option<u16> {
    let start = match frame.get(12..14)? {
        [8, 0] if frame.get(30..33)? == [198, 51, 100] => 34,
        [0x86, 0xdd] if frame.get(38..44)? == [0x20, 1, 0xd, 0xb8, 0, 0xa] => 54,
        _ => return None,
    };
    Some(u16::from_be_bytes([*frame.get(start)?, *frame.get(start + 1)?]))
}
