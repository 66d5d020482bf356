//! Names by the given resolver only, and a quarantine that holds on the bridge as well.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use fleetward_fleet::Timestamp;
use fleetward_guard::nft::{Probe, Site, quarantine};

use crate::isolation::{answered, load, socket};
use crate::world::*;

#[test]
fn questions_to_others_go_to_the_given_resolver() {
    let Some(world) = World::try_new(1) else { return };
    if !world.features.has(Probe::Nat) {
        println!("SKIPPED: no destination NAT");
        return;
    }
    world.echo_udp(&world.gateway, GATEWAY4, 53);
    world.echo_udp(&world.gateway, GATEWAY6, 53);
    let camera = &world.devices[0];
    let site = world.site(&["camera"]);
    load(&world, &site, "enforce");
    assert!(!camera.place.asks(STRANGER4, 53), "a foreign resolver is not in the profile");
    load(&world, &Site { redirect_dns: true, ..site }, "enforce");
    for to in [STRANGER4, STRANGER6, GATEWAY4, GATEWAY6] {
        assert!(camera.place.asks(to, 53), "the gateway answers what was asked of {to}");
    }
    assert!(!camera.place.asks(STRANGER4, 5353), "other ports are not touched");
}

#[test]
fn secure_names_are_refused_and_counted() {
    let Some(world) = World::try_new(1) else { return };
    for port in [443, 853] {
        world.echo_tcp(&world.internet, port);
    }
    let camera = &world.devices[0];
    let site = world.site(&["camera"]);
    let refused = || world.counter("inet fleetward", "secure_dns");
    let (_, mut feeder) = load(&world, &site, "audit");
    let changes = answered(&mut feeder, camera, CLOUD4, 60, Timestamp(0));
    socket(&world).apply(&changes).expect("the kernel takes them");
    assert!(camera.place.connects(CLOUD4, 443) && camera.place.connects(STRANGER4, 853), "audit passes both");
    let strict = Site { refuse_secure_dns: true, secure_dns: vec![ip(CLOUD4)], ..site };
    let (_, mut feeder) = load(&world, &strict, "audit");
    let changes = answered(&mut feeder, camera, CLOUD4, 60, Timestamp(0));
    socket(&world).apply(&changes).expect("the kernel takes them");
    assert!(!camera.place.connects(CLOUD4, 443), "HTTPS to a resolver on the list, though its name is allowed");
    let https = refused();
    assert!(https > 0, "it is counted");
    for to in [STRANGER4, STRANGER6] {
        let before = refused();
        assert!(!camera.place.connects(to, 853), "DNS over TLS, whatever the mode");
        assert!(refused() > before, "{to}");
    }
    assert!(camera.place.connects(CLOUD6, 443), "HTTPS to others goes on");
}

#[test]
fn a_quarantine_holds_between_devices() {
    let Some(world) = World::try_new(2) else { return };
    let [camera, hub] = &world.devices[..] else { panic!("there are two") };
    world.echo_tcp(&camera.place, 554);
    let site = world.site(&["camera", "hub"]);
    load(&world, &site, "enforce");
    let mut talk = hub.place.connect("10.9.0.11", 554).expect("the hub's profile allows it");
    let mut six = hub.place.connect("fd00:9::11", 554).expect("by IPv6, too");
    assert!(echoes(&mut talk) && echoes(&mut six));
    let member = site.members[0].clone();
    socket(&world).apply(&quarantine::cut(&member)).expect("the kernel takes them");
    assert!(!echoes(&mut talk) && !echoes(&mut six), "connections that live on the bridge are cut");
    assert!(world.counter("bridge fleetward", "cut") > 0, "by its hardware address");
    assert!(!hub.place.connects("10.9.0.11", 554), "nor are new ones made");
    socket(&world).apply(&quarantine::release(&member)).expect("the kernel takes them");
    assert!(hub.place.connects("10.9.0.11", 554), "let back");
}
