//! A network of fragile devices, audited gently: what a capture says of the packets, and what the auditor takes of a core.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops where it cannot go on, and says what it measured"
)]

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fleetward_audit::pace::Temperament;
use fleetward_audit::ports::{Engine, PortSet};
use fleetward_audit::run::{Plan, Report, Subject, audit};
use fleetward_audit::scope::Scope;
use fleetward_fleet::Timestamp;
use fleetward_testkit::daemons::{Lab, Namespace};
use nix::time::{ClockId, clock_gettime};
use socket2::{Domain, Protocol, Socket, Type};

/// Stated: at most so many questions a second and host.
const STATED: usize = 20;

/// Each device serves a page and greets at another port.
const OPEN: [(u16, &[u8]); 2] =
    [(80, b"HTTP/1.0 200 OK\r\nServer: Fragile/1.0\r\nContent-Length: 2\r\n\r\nok"), (22, b"SSH-2.0-fragile\r\n")];

/// What reached each device: when, and whether it was a question (a SYN, a datagram) or a part of a conversation.
type Seen = Arc<Mutex<HashMap<IpAddr, Vec<(Instant, bool)>>>>;

/// A copy of every packet of this protocol that comes into the namespace.
fn capture(net: &Namespace, protocol: Protocol, seen: &Seen) {
    let open = move || {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(protocol)).unwrap();
        socket.set_recv_buffer_size(8 << 20).unwrap();
        socket
    };
    let (mut socket, seen) = (net.enter(open).unwrap(), Arc::clone(seen));
    thread::spawn(move || {
        let mut octets = [0; 2048];
        while let Ok(got) = socket.read(&mut octets) {
            let (packet, header) = (&octets[..got], usize::from(octets[0] & 15) * 4);
            let to = Ipv4Addr::new(packet[16], packet[17], packet[18], packet[19]);
            let is_question = packet[9] == 17 || packet.get(header + 13).is_some_and(|flags| flags & 0x12 == 2);
            seen.lock().unwrap().entry(to.into()).or_default().push((Instant::now(), is_question));
        }
    });
}

fn serve(net: &Namespace) {
    for (port, words) in OPEN {
        let listener = net.enter(move || TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap()).unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_secs(3))).ok();
                    if port == 80 {
                        stream.read(&mut [0; 2048]).map(drop).ok();
                    }
                    stream.write_all(words).ok();
                });
            }
        });
    }
}

fn plan(hosts: u8, ports: &str) -> Plan {
    let scope = Scope::new(vec!["10.79.0.0/24".parse().unwrap()], false);
    let subject = |host| Subject {
        target: scope.admit(Ipv4Addr::new(10, 79, 0, host).into()).unwrap(),
        device: None,
        model: None,
    };
    Plan {
        subjects: (1..=hosts).map(subject).collect(),
        ports: ports.parse::<PortSet>().unwrap(),
        engine: Engine::Auto,
        temperament: Temperament::Gentle,
        passwords: None,
        profiles: HashMap::new(),
        has_gateway: false,
        even_silent: false,
        resume: None,
        clock: || Timestamp(0),
    }
}

/// The report, how long it took, and the CPU of the thread that audits, which is all that an audit has.
fn run(auditor: &Namespace, plan: Plan) -> (Report, Duration, Duration) {
    let work = move || {
        let cpu = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap());
        let (began, before) = (Instant::now(), cpu());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let report = runtime.block_on(audit(&plan, Arc::new(()))).unwrap();
        (report, began.elapsed(), cpu().saturating_sub(before))
    };
    auditor.enter(work).unwrap()
}

/// The most that are within one second.
fn densest(times: &[Instant]) -> usize {
    let within =
        |from: &Instant| times.iter().filter(|it| *it >= from && **it < *from + Duration::from_secs(1)).count();
    times.iter().map(within).max().unwrap_or(0)
}

#[test]
fn a_network_of_fragile_devices_is_never_asked_faster_than_stated() {
    let Some(mut lab) = Lab::try_new(&[]).unwrap() else { return };
    let (auditor, net) = (lab.namespace("auditor").unwrap(), lab.namespace("net").unwrap());
    lab.cable((&auditor, "net", "10.79.1.1/16"), (&net, "eth0", "10.79.2.1/16")).unwrap();
    let local = ["route", "add", "local", "10.79.0.0/24", "dev", "lo"];
    assert!(Command::status(net.command("ip").args(local)).unwrap().success());
    serve(&net);
    let seen = Seen::default();
    capture(&net, Protocol::TCP, &seen);
    capture(&net, Protocol::UDP, &seen);
    let (report, took, cpu) = run(&auditor, plan(254, PORTS));
    assert!(report.is_complete);
    for host in &report.hosts {
        let tcp = host.open.iter().map(|it| it.port).collect::<Vec<_>>();
        assert!(tcp.contains(&80) && tcp.contains(&22), "{}: {tcp:?}", host.address);
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 254, "the capture saw every device");
    let of = |wanted: fn(bool) -> bool| {
        let times = |packets: &Vec<(Instant, bool)>| {
            packets.iter().filter(|it| wanted(it.1)).map(|it| it.0).collect::<Vec<_>>()
        };
        seen.values().map(|packets| densest(&times(packets))).max().unwrap_or(0)
    };
    let (questions, all) = (of(|it| it), of(|_| true));
    let packets: usize = seen.values().map(Vec::len).sum();
    println!(
        "254 devices in {:.1} s: {packets} packets; a second and device: {questions} questions, {all} packets at most; \
         {:.2} % of a core",
        took.as_secs_f64(),
        100.0 * cpu.as_secs_f64() / took.as_secs_f64()
    );
    assert!(questions <= STATED, "{questions} questions in a second to one device");
    // A conversation has some packets more than its question: the handshake's end, the request, the parting.
    assert!(all <= STATED * 3, "{all} packets in a second to one device");
}

/// Two of them open.
const PORTS: &str = "20-25,53,80-90,443,554,1883,5000,8080,8443,8883,udp:161,udp:5683";
