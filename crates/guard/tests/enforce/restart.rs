//! The firewall as it runs: a restart keeps what names led to, who has which address and who is cut off; one call takes it away.

use std::path::Path;

use fleetward_fleet::Timestamp;
use fleetward_guard::nft::firewall::{self, Firewall};
use fleetward_guard::nft::{Answer, Site};

use crate::isolation::profiles;
use crate::world::*;

/// In the gateway's namespace, as the server runs there.
fn start(world: &World, site: &Site, folder: &Path, at: i64) -> Firewall {
    let (site, folder) = (site.clone(), folder.to_owned());
    let started = world.gateway.enter(move || Firewall::start(site, &profiles("enforce"), &folder, Timestamp(at)));
    started.expect("the namespace can be entered").expect("it starts")
}

/// `nft` runs where the thread is.
fn within<T: Send + 'static>(world: &World, mut firewall: Firewall, work: fn(&mut Firewall) -> T) -> (Firewall, T) {
    let done = world.gateway.enter(move || {
        let result = work(&mut firewall);
        (firewall, result)
    });
    done.expect("the namespace can be entered")
}

#[test]
fn a_restart_keeps_names_leases_and_quarantines() {
    let Some(world) = World::try_new(2) else { return };
    world.echo_tcp(&world.internet, 443);
    let [camera, other] = &world.devices[..] else { panic!("there are two") };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut site = world.site(&["camera", "camera"]);
    site.members[0].ips.retain(std::net::IpAddr::is_ipv6); // its IPv4 address comes by a lease

    let mut firewall = start(&world, &site, folder.path(), 0);
    assert!(!camera.place.connects(CLOUD4, 443), "its address is nobody's yet");
    firewall.lease(camera.mac, camera.ip4).expect("the kernel takes it");
    let answer = |address: &'static str| Answer {
        asker: camera.mac,
        asker_ip: camera.ip4,
        resolver: ip(GATEWAY4),
        asked: "api.vendor.example",
        chain: &[],
        addresses: Box::leak(Box::new([ip(address)])),
        ttl: 60,
    };
    assert_eq!(firewall.answer(answer(CLOUD4), Timestamp(0)).expect("the kernel takes it"), 2);
    assert_eq!(firewall.answer(answer(CLOUD4), Timestamp(1000)).expect("nothing to do"), 0, "it lives long enough");
    assert!(camera.place.connects(CLOUD4, 443) && other.place.connects(CLOUD4, 443));
    let (mut firewall, _) = within(&world, firewall, |it| it.save(Timestamp(2000)).expect("it can be written"));
    assert!(firewall.isolate(camera.mac, true, Timestamp(2000)).expect("the kernel takes it").is_some());
    drop(firewall);

    // The process is gone; the kernel's rules are not.
    assert!(!camera.place.connects(CLOUD4, 443) && other.place.connects(CLOUD4, 443));
    let firewall = start(&world, &site, folder.path(), 3000);
    let (mut firewall, in_force) = within(&world, firewall, |it| it.is_in_force());
    assert!(in_force && other.place.connects(CLOUD4, 443), "the name is remembered");
    assert!(!camera.place.connects(CLOUD4, 443), "so is the quarantine");
    firewall.isolate(camera.mac, false, Timestamp(4000)).expect("the kernel takes it");
    assert!(camera.place.connects(CLOUD4, 443), "and the lease");

    // The machine was switched off: the file is loaded at boot, before the network is up.
    let (firewall, _) = within(&world, firewall, |it| it.kernel().off(true).expect("it can be taken away"));
    drop(firewall);
    assert!(camera.place.connects(STRANGER4, 443), "nothing is in force");
    let text = firewall::last_text(folder.path()).expect("it was written");
    world.kernel.load(&text).expect("the kernel takes it");
    assert!(other.place.connects(CLOUD4, 443) && !camera.place.connects(STRANGER4, 443));

    firewall::off(&world.kernel, folder.path()).expect("it can be taken away");
    assert!(camera.place.connects(STRANGER4, 443));
    assert_eq!(firewall::last_text(folder.path()), None, "nothing comes back at the next boot");
}
