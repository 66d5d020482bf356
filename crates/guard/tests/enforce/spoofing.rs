//! Nobody is somebody else.

use fleetward_fleet::Mac;

use crate::frames::{MARKER, arp_reply, icmp6, neighbour_advert, router_advert, udp};
use crate::isolation::load;
use crate::world::*;

#[test]
fn nobody_claims_what_is_anothers() {
    let Some(world) = World::try_new(2) else { return };
    let [victim, attacker] = &world.devices[..] else { panic!("there are two") };
    let (ears, mouth) = (victim.place.raw(), attacker.place.raw());
    let all_nodes = (Mac([0x33, 0x33, 0, 0, 0, 1]), ip("ff02::1"));
    let forged_arp = arp_reply(attacker.mac, ip(GATEWAY4), victim.ip4);
    let advert = icmp6((attacker.mac, ip("fe80::bad")), all_nodes, &router_advert());
    let offer = udp((attacker.mac, attacker.ip4, 67), (Mac::BROADCAST, ip("255.255.255.255"), 68), MARKER);
    let neighbour = icmp6((attacker.mac, ip("fe80::bad")), all_nodes, &neighbour_advert(ip(GATEWAY6), attacker.mac));
    for (what, frame) in [("ARP", &forged_arp), ("RA", &advert), ("DHCP", &offer)] {
        mouth.send(frame);
        assert!(ears.hears(MARKER), "without a firewall {what} arrives");
    }

    load(&world, &world.site(&["camera", "camera"]), "audit");
    for (what, frame, counter) in [
        ("ARP", &forged_arp, "arp_spoofed"),
        ("RA", &advert, "rogue_router"),
        ("DHCP", &offer, "rogue_dhcp"),
        ("NA", &neighbour, "nd_spoofed"),
    ] {
        let before = world.counter("bridge fleetward", counter);
        mouth.send(frame);
        assert!(!ears.hears(MARKER), "{what} does not arrive");
        assert_eq!(world.counter("bridge fleetward", counter), before + 1, "{what} is counted");
    }
    // Its own address it may claim.
    mouth.send(&arp_reply(attacker.mac, attacker.ip4, victim.ip4));
    assert!(ears.hears(MARKER), "an honest word arrives");

    // Another's address as source: to the gateway and to the other device, IPv4 and IPv6.
    for (from, to, to_mac) in [
        (victim.ip4, victim.ip4, victim.mac),
        (victim.ip6, victim.ip6, victim.mac),
        (ip("10.9.0.77"), victim.ip4, victim.mac),
    ] {
        let before = world.counter("bridge fleetward", "ip_spoofed");
        mouth.send(&udp((attacker.mac, from, 4000), (to_mac, to, 4000), MARKER));
        assert!(!ears.hears(MARKER), "{from} is not the attacker's");
        assert_eq!(world.counter("bridge fleetward", "ip_spoofed"), before + 1);
    }
}

#[test]
fn a_routed_interface_without_a_bridge_binds_as_well() {
    let Some(world) = World::try_new(2) else { return };
    let [victim, attacker] = &world.devices[..] else { panic!("there are two") };
    let site = fleetward_guard::nft::Site { ports: Vec::new(), ..world.site(&["camera", "camera"]) };
    load(&world, &site, "audit");
    let gateway = world.gateway.command("cat").arg("/sys/class/net/br0/address").output().expect("cat can be run");
    let gateway: Mac = String::from_utf8_lossy(&gateway.stdout).trim().parse().expect("it is a hardware address");
    let mouth = attacker.place.raw();
    for (from, to) in [(victim.ip4, ip(STRANGER4)), (victim.ip6, ip(STRANGER6)), (ip("198.51.100.1"), ip(STRANGER4))] {
        let before = world.counter("inet fleetward", "spoofed");
        mouth.send(&udp((attacker.mac, from, 4000), (gateway, to, 4000), MARKER));
        world.until("it is counted", || world.counter("inet fleetward", "spoofed") == before + 1);
    }
}
