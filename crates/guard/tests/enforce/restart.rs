//! The firewall as it runs: a restart keeps what names led to, who has which address and who is cut off; one call takes it away.

use std::path::Path;

use fleetward_fleet::Timestamp;
use fleetward_guard::nft::firewall::{self, Firewall};
use fleetward_guard::nft::{Answer, Site};

use crate::isolation::profiles;
use crate::world::*;
use fleetward_guard::nft::log::Why;
use fleetward_guard::nft::netlink::Listener;
use fleetward_guard::nft::overhear::Overhearing;
use fleetward_testkit::process::Process;

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
    firewall.save(Timestamp(2000)).expect("it can be written");
    assert!(firewall.isolate(&site.members[0], true, Timestamp(2000)).is_ok());
    drop(firewall);

    // The process is gone; the kernel's rules are not.
    assert!(!camera.place.connects(CLOUD4, 443) && other.place.connects(CLOUD4, 443));
    let firewall = start(&world, &site, folder.path(), 3000);
    let (mut firewall, in_force) = within(&world, firewall, |it| it.is_in_force());
    assert!(in_force && other.place.connects(CLOUD4, 443), "the name is remembered");
    assert!(!camera.place.connects(CLOUD4, 443), "so is the quarantine");
    firewall.isolate(&site.members[0], false, Timestamp(4000)).expect("the kernel takes it");
    assert!(camera.place.connects(CLOUD4, 443), "and the lease");

    // The machine was switched off: the file is loaded at boot, before the network is up.
    drop(firewall);
    world.kernel.off(true).expect("it can be taken away");
    assert!(camera.place.connects(STRANGER4, 443), "nothing is in force");
    let text = firewall::last_text(folder.path()).expect("it was written");
    world.kernel.load(&text).expect("the kernel takes it");
    assert!(other.place.connects(CLOUD4, 443) && !camera.place.connects(STRANGER4, 443));

    firewall::off(&world.kernel, folder.path()).expect("it can be taken away");
    assert!(camera.place.connects(STRANGER4, 443));
    assert_eq!(firewall::last_text(folder.path()), None, "nothing comes back at the next boot");
}

/// Asks `dnsmasq` on the gateway for `api.vendor.example`; the first address of the answer.
fn resolves(device: &Device) -> Option<std::net::Ipv4Addr> {
    let question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03api\x06vendor\x07example\x00\x00\x01\x00\x01";
    let socket = device.place.enter(|| std::net::UdpSocket::bind("0.0.0.0:0")).expect("a namespace").expect("a port");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket can");
    socket.send_to(question, (GATEWAY4, 53)).ok()?;
    let mut buffer = [0; 512];
    let length = socket.recv(&mut buffer).ok()?;
    let octets: [u8; 4] = buffer[..length].last_chunk().copied()?;
    Some(octets.into())
}

/// The same over TCP (RFC 7766 §8).
fn resolves_over_tcp(device: &Device) -> Option<std::net::Ipv4Addr> {
    use std::io::{Read as _, Write as _};
    let question =
        b"\0\x24\x12\x35\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03api\x06vendor\x07example\x00\x00\x01\x00\x01";
    let mut stream = device.place.connect(GATEWAY4, 53)?;
    stream.write_all(question).ok()?;
    let mut buffer = [0; 512];
    let length = stream.read(&mut buffer).ok()?;
    let octets: [u8; 4] = buffer[..length].last_chunk().copied()?;
    Some(octets.into())
}

#[test]
fn names_and_leases_of_a_real_daemon_open_what_they_should() {
    let Some(world) = World::try_new(2) else { return };
    if fleetward_testkit::process::require_daemon("dnsmasq", "dnsmasq-base").is_none() {
        return;
    }
    world.echo_tcp(&world.internet, 443);
    let [camera, other] = &world.devices[..] else { panic!("there are two") };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let hosts = folder.path().join("hosts");
    std::fs::write(&hosts, format!("{CLOUD4} api.vendor.example\n")).expect("it can be written");
    let mut command = world.gateway.command("dnsmasq");
    command.args([
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--user=root",
        "--bind-interfaces",
    ]);
    command.args([
        "--listen-address=10.9.0.1",
        "--interface=br0",
        "--except-interface=lo",
        "--pid-file",
        "--local-ttl=5",
    ]);
    command.args(["--dhcp-range=10.9.0.40,10.9.0.60,1h", "--dhcp-leasefile=/dev/null", "--dhcp-authoritative"]);
    command.arg(format!("--addn-hosts={}", hosts.display()));
    let dnsmasq = Process::start(&mut command, folder.path().join("dnsmasq.log")).expect("it can be run");

    let site = world.site(&["camera", "camera"]);
    let mut firewall = start(&world, &site, folder.path(), 0);
    let mut listener =
        world.gateway.enter(|| Listener::open(&[Why::Names], 4096)).expect("a namespace").expect("root may");
    let mut overhearing = Overhearing::default();
    let mut now = 0;
    let mut hear = |firewall: &mut Firewall| {
        let mut changed = 0;
        for _ in 0..2 {
            let mut heard = Vec::new();
            listener.next(|it| heard.push(it)).expect("the kernel talks");
            now += 1000;
            for told in &heard {
                changed += overhearing.take(firewall, told, Timestamp(now)).expect("the kernel takes it");
            }
            if changed > 0 {
                break;
            }
        }
        changed
    };
    world.until("dnsmasq answers", || resolves(camera) == Some(CLOUD4.parse().expect("an address")));
    assert!(hear(&mut firewall) > 0, "the answer became elements; {}", dnsmasq.output());
    assert!(camera.place.connects(CLOUD4, 443) && !camera.place.connects(MOVED4, 443));

    // The name moves.
    std::fs::write(&hosts, format!("{MOVED4} api.vendor.example\n")).expect("it can be written");
    assert!(std::process::Command::new("kill").args(["-HUP", &dnsmasq.pid().to_string()]).status().is_ok());
    world.until("dnsmasq says so", || resolves(other) == Some(MOVED4.parse().expect("an address")));
    // What was asked before the name moved is heard first, and changes nothing.
    let opens = |firewall: &mut Firewall, hear: &mut dyn FnMut(&mut Firewall) -> usize, address| {
        (0..10).any(|_| {
            hear(firewall);
            camera.place.connects(address, 443)
        })
    };
    assert!(opens(&mut firewall, &mut hear, MOVED4), "what one device was told is what its model may call");

    // It moves again, and this is told over TCP only.
    std::fs::write(&hosts, format!("{STRANGER4} api.vendor.example\n")).expect("it can be written");
    assert!(std::process::Command::new("kill").args(["-HUP", &dnsmasq.pid().to_string()]).status().is_ok());
    assert!(!camera.place.connects(STRANGER4, 443), "not told yet");
    world.until("dnsmasq says so by TCP", || resolves_over_tcp(camera) == Some(STRANGER4.parse().expect("an address")));
    assert!(opens(&mut firewall, &mut hear, STRANGER4), "an answer over TCP opens as well");

    // A lease: an honest DISCOVER and REQUEST in one (rapid commit is off, so a REQUEST of an authoritative server's range).
    let mouth = other.place.raw();
    mouth.send(&dhcp_request(other.mac, [10, 9, 0, 44]));
    let is_bound = (0..10).any(|_| {
        hear(&mut firewall);
        let member = firewall.site().members.iter().find(|it| it.mac == other.mac).expect("it is a member");
        member.ips.contains(&ip("10.9.0.44"))
    });
    assert!(is_bound, "the lease is bound; {}", dnsmasq.output());
}

/// DHCPREQUEST in INIT-REBOOT (RFC 2131 §4.3.2): asks for an address that it says it had.
fn dhcp_request(mac: fleetward_fleet::Mac, wanted: [u8; 4]) -> Vec<u8> {
    let mut message = vec![1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0];
    message.extend([0; 16]);
    message.extend(mac.0);
    message.extend([0; 10 + 192]);
    message.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 3, 50, 4]);
    message.extend(wanted);
    message.push(255);
    let everybody = fleetward_fleet::Mac::BROADCAST;
    crate::frames::udp((mac, ip("0.0.0.0"), 68), (everybody, ip("255.255.255.255"), 67), &message)
}
