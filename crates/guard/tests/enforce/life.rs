//! Quarantine, names that move, restarts, floods.

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fleetward_fleet::{Protocol, Timestamp};
use fleetward_guard::nft::server::{self, Shield};
use fleetward_guard::nft::{Change, Element, Site, Table, quarantine, ruleset, sets};

use crate::frames::syn;
use crate::isolation::{answered, load, socket};
use crate::world::*;

/// Writes all the time; says when the other end was last heard.
fn keeps_talking(mut stream: TcpStream) -> (Arc<AtomicU32>, Arc<AtomicBool>) {
    let (heard, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, end) = (Arc::clone(&heard), Arc::clone(&stop));
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a stream can");
    thread::spawn(move || {
        while !end.load(Ordering::Relaxed) {
            if echoes(&mut stream) {
                count.fetch_add(1, Ordering::Relaxed);
            }
            thread::sleep(Duration::from_millis(5));
        }
    });
    (heard, stop)
}

#[test]
fn quarantine_cuts_a_connection_that_lives_and_release_gives_it_back() {
    let Some(world) = World::try_new(2) else { return };
    world.echo_tcp(&world.internet, 443);
    let [camera, other] = &world.devices[..] else { panic!("there are two") };
    let site = world.site(&["camera", "camera"]);
    let (_, mut feeder) = load(&world, &site, "enforce");
    let mut socket = socket(&world);
    socket.apply(&answered(&mut feeder, camera, CLOUD4, 60, Timestamp(0))).expect("the kernel takes them");
    let talks = [(CLOUD4, 443), (CLOUD6, 443)]
        .map(|(to, port)| keeps_talking(camera.place.connect(to, port).expect("it is allowed")));
    world.until("both talk", || talks.iter().all(|(heard, _)| heard.load(Ordering::Relaxed) > 5));

    let asked = Instant::now();
    let member = site.members[0].clone();
    socket.apply(&quarantine::cut(&member)).expect("the kernel takes them");
    let in_force = asked.elapsed();
    let heard = |at: usize| talks[at].0.load(Ordering::Relaxed);
    thread::sleep(Duration::from_millis(100));
    let at_once = [heard(0), heard(1)];
    thread::sleep(Duration::from_millis(900));
    eprintln!("quarantine in force after {in_force:?}");
    assert_eq!([heard(0), heard(1)], at_once, "nothing is heard a tenth of a second later, nor within a second");
    let dropped = quarantine::dropped(&world.kernel, &member).expect("it is in the set");
    assert!(dropped > 0, "its counter rises: that is the proof");
    assert!(!camera.place.connects(CLOUD4, 443) && !camera.place.asks(GATEWAY4, 53), "nothing goes, not even names");
    assert!(other.place.connects(CLOUD4, 443), "the others go on");

    socket.apply(&quarantine::release(&member)).expect("the kernel takes them");
    assert_eq!(quarantine::dropped(&world.kernel, &member), None);
    assert!(camera.place.connects(CLOUD4, 443), "released");
    for (_, stop) in &talks {
        stop.store(true, Ordering::Relaxed);
    }
    for message in quarantine::forget(&member) {
        socket.tell(&message).expect("this kernel deletes connections by address");
    }
}

#[test]
fn a_name_that_moves_keeps_working_and_a_connection_outlives_its_answer() {
    let Some(world) = World::try_new(1) else { return };
    world.echo_tcp(&world.internet, 443);
    let camera = &world.devices[0];
    let (_, mut feeder) = load(&world, &world.site(&["camera"]), "enforce");
    let mut socket = socket(&world);
    let start = Timestamp(0);
    let shorten = |changes: Vec<Change>| -> Vec<Change> {
        // The feeder gives six minutes at least; a test does not wait that long.
        let short = Some(Duration::from_secs(2));
        changes
            .into_iter()
            .map(|it| match it {
                Change::Put { set, element, .. } => Change::Put { set, element, life: short },
                other @ Change::Take { .. } => other,
            })
            .collect()
    };
    socket.apply(&shorten(answered(&mut feeder, camera, CLOUD4, 60, start))).expect("the kernel takes them");
    let mut stream = camera.place.connect(CLOUD4, 443).expect("the first address");
    // The same answer again, later: the life is made longer, whatever the kernel's age.
    thread::sleep(Duration::from_millis(1500));
    let again = shorten(answered(&mut feeder, camera, CLOUD4, 60, start + Duration::from_mins(10)));
    assert!(!again.is_empty());
    socket.apply(&again).expect("the kernel takes them");
    thread::sleep(Duration::from_secs(1));
    assert!(camera.place.connects(CLOUD4, 443), "2.5 s after the first answer, 1 s after the second");
    thread::sleep(Duration::from_millis(1500));
    assert!(!camera.place.connects(CLOUD4, 443), "the answer is dead");
    assert!(echoes(&mut stream), "the connection lives");
    assert!(!camera.place.connects(MOVED4, 443), "nobody was told of the new address yet");
    let moved = answered(&mut feeder, camera, MOVED4, 60, start + Duration::from_secs(700));
    socket.apply(&moved).expect("the kernel takes them");
    assert!(camera.place.connects(MOVED4, 443), "the name leads elsewhere now");
    let rebound = answered(&mut feeder, camera, "10.9.0.1", 60, start);
    assert!(rebound.is_empty() && feeder.ignored.local == 1, "a name never leads into the site");
}

#[test]
fn a_restart_leaves_old_or_new_and_never_a_hole() {
    let Some(world) = World::try_new(1) else { return };
    world.echo_tcp(&world.internet, 443);
    world.echo_udp(&world.internet, STRANGER4, 9);
    let camera = &world.devices[0];
    let site = world.site(&["camera"]);
    let (compiled, _) = load(&world, &site, "enforce");
    // A large text takes a while, so that a kill hits the middle of it.
    let mut elements = compiled.elements.clone();
    let mark = compiled.marks["camera"];
    let many =
        (0..20_000_u32).map(|it| Element::Port(mark, (0xc633_0000_u32 + it).to_be_bytes().into(), Protocol::TCP, 443));
    elements.entry(sets::OUT4).or_default().extend(many);
    let text = ruleset(&site, &world.features, &elements);

    let (stop, leaks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let to = std::net::SocketAddr::new(ip(STRANGER4), 9);
    let prober =
        camera.place.enter(move || std::net::UdpSocket::bind("0.0.0.0:0")).expect("a namespace").expect("a port");
    prober.set_read_timeout(Some(Duration::from_micros(200))).expect("a socket can");
    let (end, count) = (Arc::clone(&stop), Arc::clone(&leaks));
    let probing = thread::spawn(move || {
        let (mut sent, mut buffer) = (0_u64, [0; 16]);
        while !end.load(Ordering::Relaxed) {
            sent += u64::from(prober.send_to(b"leak", to).is_ok());
            count.fetch_add(u32::from(prober.recv_from(&mut buffer).is_ok()), Ordering::Relaxed);
        }
        sent
    });
    let (mut killed, mut whole) = (0, 0);
    // The first load runs to its end and says how long one takes here; the others are killed at all places of that time.
    let mut takes = Duration::ZERO;
    for round in 0..24_u32 {
        let begun = Instant::now();
        let mut command = Command::new("ip");
        command.args(["netns", "exec", world.gateway.name(), "nft", "-f", "-"]);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("nft can be run");
        let mut stdin = child.stdin.take().expect("it is piped");
        let text = text.clone();
        let writer = thread::spawn(move || std::io::Write::write_all(&mut stdin, text.as_bytes()).is_ok());
        if round > 0 {
            thread::sleep(takes * (round - 1) / 20);
            child.kill().ok();
        }
        match child.wait().expect("it ends").code() {
            Some(0) => whole += 1,
            _ => killed += 1,
        }
        if round == 0 {
            takes = begun.elapsed();
        }
        writer.join().expect("the writer ends");
        assert!(world.kernel.loaded().is_some(), "old or new, never none");
        assert!(camera.place.connects(CLOUD6, 443), "what is allowed passes before and after");
    }
    stop.store(true, Ordering::Relaxed);
    let sent = probing.join().expect("the prober ends");
    eprintln!("{killed} loads killed, {whole} whole; {sent} forbidden packets sent meanwhile");
    assert!(killed > 0 && whole > 0, "some were killed and some were not");
    assert_eq!(leaks.load(Ordering::Relaxed), 0, "none of them arrived");
}

#[test]
fn a_flood_is_cut_to_the_limit() {
    let Some(world) = World::try_new(2) else { return };
    world.echo_tcp(&world.internet, 443);
    let [camera, other] = &world.devices[..] else { panic!("there are two") };
    let site = Site { syn_per_second: 20, connections: 50, ..world.site(&["camera", "camera"]) };
    load(&world, &site, "enforce");
    let gateway = world.gateway.command("cat").arg("/sys/class/net/br0/address").output().expect("cat can be run");
    let gateway = String::from_utf8_lossy(&gateway.stdout).trim().parse().expect("it is a hardware address");
    let mouth = camera.place.raw();
    for number in 0..2000_u16 {
        mouth.send(&syn((camera.mac, camera.ip6, 10_000 + number), (gateway, ip(CLOUD6), 443)));
    }
    world.until("they are counted", || world.counter("inet fleetward", "flooding") > 1800);
    assert!(other.place.connects(CLOUD6, 443), "another device is not kept out");
}

#[test]
fn a_server_keeps_the_fleet_first() {
    let Some(world) = World::try_new(2) else { return };
    let [fleet, stranger] = &world.devices[..] else { panic!("there are two") };
    world.echo_tcp(&world.gateway, 8443);
    world.echo_tcp(&world.gateway, 22);
    let shield = Shield {
        services: vec![(Protocol::TCP, 8443)],
        fleet: vec![fleet.ip4.into(), fleet.ip6.into()],
        ..Shield::default()
    };
    world.kernel.load(&server::ruleset(&shield, &world.features)).expect("the kernel takes it");
    assert!(world.kernel.has_table(Table::Server.words()));
    let gateway = world.gateway.command("cat").arg("/sys/class/net/br0/address").output().expect("cat can be run");
    let gateway = String::from_utf8_lossy(&gateway.stdout).trim().parse().expect("it is a hardware address");
    let mouth = stranger.place.raw();
    for number in 0..2000_u16 {
        mouth.send(&syn((stranger.mac, stranger.ip4, 10_000 + number), (gateway, ip(GATEWAY4), 8443)));
    }
    let flooding = || world.counter("inet fleetward_server", "stranger_flooding");
    world.until("they are counted", || flooding() > 1900);
    assert!(!stranger.place.connects(GATEWAY4, 8443), "whoever floods keeps itself out");
    assert!(stranger.place.connects(GATEWAY4, 22), "what is not a protected service is left alone");
    for to in [GATEWAY4, GATEWAY6] {
        assert!(fleet.place.connects(to, 8443), "the fleet is not kept out");
    }
    assert_eq!(world.counter("inet fleetward_server", "fleet_flooding"), 0);
}
