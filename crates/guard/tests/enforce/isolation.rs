//! What is allowed passes, and nothing else.

use std::collections::BTreeMap;
use std::time::Instant;

use fleetward_fleet::{NetworkProfile, Timestamp};
use fleetward_guard::nft::netlink::{self, Listener, Socket};
use fleetward_guard::nft::{Answer, Change, Compiled, Feeder, Site, compile, log::Why, ruleset, sets};

use crate::world::*;

pub(crate) fn profiles(mode: &str) -> BTreeMap<Box<str>, NetworkProfile> {
    let camera = format!(
        "
mode: {mode}
allow:
  - {{ name: api.vendor.example, protocol: tcp, ports: [443] }}
  - {{ name: api.vendor.example, protocol: udp, ports: [7000-7100] }}
  - {{ net: 2001:db8:f::10/128, protocol: tcp, ports: [443] }}
  - {{ role: dns, protocol: udp, ports: [53] }}
"
    );
    let hub = format!(
        "
mode: {mode}
allow:
  - {{ model: camera, protocol: tcp, ports: [554] }}
  - {{ model: camera, protocol: udp, ports: [5000] }}
  - {{ net: 203.0.113.10/32, protocol: tcp, ports: [80] }}
"
    );
    let read = |text: &str| serde_saphyr::from_str(text).expect("the profile is well written");
    BTreeMap::from([("camera".into(), read(&camera)), ("hub".into(), read(&hub))])
}

pub(crate) fn load(world: &World, site: &Site, mode: &str) -> (Compiled, Feeder) {
    let compiled = compile(site, &profiles(mode));
    world.kernel.load(&ruleset(site, &world.features, &compiled.elements)).expect("the kernel takes it");
    let feeder = Feeder::new(site, &compiled);
    (compiled, feeder)
}

pub(crate) fn socket(world: &World) -> Socket {
    world.gateway.enter(Socket::open).expect("the namespace can be entered").expect("root may")
}

/// As if the camera had asked the gateway and got this.
pub(crate) fn answered(feeder: &mut Feeder, device: &Device, address: &str, ttl: u32, now: Timestamp) -> Vec<Change> {
    let answer = Answer {
        asker: device.mac,
        asker_ip: device.ip4,
        resolver: ip(GATEWAY4),
        asked: "api.vendor.example",
        chain: &[],
        addresses: &[ip(address)],
        ttl,
    };
    feeder.answer(answer, now)
}

#[test]
fn what_is_allowed_passes_and_nothing_else() {
    let Some(world) = World::try_new(3) else { return };
    for port in [443, 80, 23] {
        world.echo_tcp(&world.internet, port);
    }
    world.echo_udp(&world.internet, CLOUD4, 7050);
    let [camera, hub, other] = &world.devices[..] else { panic!("there are three") };
    for port in [554, 80] {
        world.echo_tcp(&camera.place, port);
    }
    world.echo_udp(&camera.place, "10.9.0.11", 5000);
    world.echo_tcp(&world.gateway, 22);
    world.echo_udp(&world.gateway, GATEWAY4, 53);
    // Without a firewall everybody reaches everybody: the test would notice.
    assert!(camera.place.connects(STRANGER4, 23) && camera.place.connects(STRANGER6, 23));
    assert!(other.place.connects("10.9.0.11", 80) && other.place.connects("fd00:9::11", 80));

    let site = world.site(&["camera", "hub", "camera"]);
    let (_, mut feeder) = load(&world, &site, "enforce");
    let mut socket = socket(&world);
    assert!(!camera.place.connects(CLOUD4, 443), "the name was not answered yet");
    let changes = answered(&mut feeder, camera, CLOUD4, 60, Timestamp(0));
    let started = Instant::now();
    socket.apply(&changes).expect("the kernel takes them");
    eprintln!("{} elements in force after {:?}", changes.len(), started.elapsed());

    assert!(camera.place.connects(CLOUD4, 443), "a name that was answered");
    assert!(other.place.connects(CLOUD4, 443), "of the same model: the same profile");
    assert!(camera.place.asks(CLOUD4, 7050), "a range of ports of a name");
    assert!(camera.place.connects(CLOUD6, 443), "an address, IPv6");
    assert!(camera.place.asks(GATEWAY4, 53), "the resolver");
    assert!(!camera.place.connects(CLOUD4, 80), "another port");
    assert!(!camera.place.connects(STRANGER4, 443), "another address");
    assert!(!camera.place.connects(STRANGER6, 443), "another address, IPv6");
    assert!(!camera.place.asks(CLOUD6, 7050), "another port, IPv6");
    assert!(!camera.place.connects(GATEWAY4, 22), "the gateway itself");
    assert!(hub.place.connects(CLOUD4, 80) && !hub.place.connects(CLOUD4, 443), "another model, another profile");
    assert!(!world.internet.connects("10.9.0.11", 80), "nobody calls a device from outside");
    assert!(!world.internet.connects("fd00:9::11", 80), "nor by IPv6");

    assert!(hub.place.connects("10.9.0.11", 554), "a hub and its camera");
    assert!(hub.place.connects("fd00:9::11", 554), "by IPv6");
    assert!(hub.place.asks("10.9.0.11", 5000), "and by UDP");
    assert!(!hub.place.connects("10.9.0.11", 80), "not on another port");
    assert!(!other.place.connects("10.9.0.11", 554), "not another device");
    assert!(!other.place.connects("fd00:9::11", 80), "not by IPv6");
    assert!(!other.place.asks("10.9.0.11", 5000), "not by UDP");
    assert!(world.counter("inet fleetward", "denied") > 0 && world.counter("bridge fleetward", "denied") > 0);

    world.kernel.off(true).expect("it takes itself back");
    assert!(camera.place.connects(STRANGER4, 23) && other.place.connects("10.9.0.11", 80), "one command takes it back");
}

#[test]
fn audit_passes_and_tells_and_going_to_enforce_ends_what_only_audit_let_pass() {
    let Some(world) = World::try_new(2) else { return };
    world.echo_tcp(&world.internet, 23);
    world.echo_tcp(&world.internet, 443);
    let [camera, other] = &world.devices[..] else { panic!("there are two") };
    world.echo_tcp(&camera.place, 80);
    let site = world.site(&["camera", "camera"]);
    let mut listener = world
        .gateway
        .enter(|| Listener::open(&[Why::Audited, Why::LateralAudited, Why::Denied], 128))
        .expect("the namespace can be entered")
        .expect("root may listen");
    let (compiled, _) = load(&world, &site, "audit");
    let mut told = camera.place.connect(STRANGER4, 23).expect("audit passes");
    let mut allowed = camera.place.connect(CLOUD6, 443).expect("it is allowed");
    assert!(other.place.connects("10.9.0.11", 80), "audit passes between devices");
    let mut heard = Vec::new();
    world.until("both were told", || {
        listener.next(|it| heard.push(it)).expect("the kernel talks");
        heard.iter().any(|it| it.why == Why::Audited) && heard.iter().any(|it| it.why == Why::LateralAudited)
    });
    let first = heard.iter().find(|it| it.why == Why::Audited).expect("it was told");
    assert_eq!((first.mac, first.from, first.to), (Some(camera.mac), Some(camera.ip4), Some(ip(STRANGER4))));
    assert_eq!((first.protocol, first.port), (Some(6), Some(23)));
    let sign = first.sign().expect("it is a breach");
    assert_eq!((&*sign.observed, sign.port), ("TCP to 203.0.113.66 port 23", Some(23)));
    assert!(heard.iter().all(|it| it.to != Some(ip(CLOUD6))), "what is allowed is not told");

    // From audit to enforce is one element of each map, and the end of what only audit let pass.
    let mark = compiled.marks["camera"];
    let mut socket = socket(&world);
    let enforced = compile(&site, &profiles("enforce"));
    let flips = [sets::MODE, sets::EXCESS, sets::BRIDGE_MODE].into_iter().flat_map(|set| {
        let old = compiled.elements[&set].iter().map(move |it| Change::Take { set, element: it.clone() });
        let new = enforced.elements[&set].iter().map(move |it| Change::Put { set, element: it.clone(), life: None });
        old.chain(new).collect::<Vec<_>>()
    });
    socket.apply(&flips.collect::<Vec<_>>()).expect("the kernel takes them");
    assert!(echoes(&mut told), "it is established");
    socket.tell(&netlink::delete_audited(mark)).expect("the kernel forgets it");
    assert!(!echoes(&mut told), "it is judged anew, and refused");
    assert!(echoes(&mut allowed), "what the profile allows goes on");
    assert!(!camera.place.connects(STRANGER4, 23) && !other.place.connects("10.9.0.11", 80));
}
