//! Devices that answer to harm: garbage, without end, an octet a minute, half a protocol. Whatever they do, the audit ends
//! in bounded time and memory, opens nothing that is not open, and does not panic.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops where it cannot go on, and says what it measured"
)]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fleetward_audit::access::{Attempts, Lists, try_known};
use fleetward_audit::door::Door;
use fleetward_audit::fact::{Access, Service};
use fleetward_audit::pace::Temperament;
use fleetward_audit::scope::{Scope, Target};
use fleetward_audit::speak::{At, UDP_PORTS, tcp, udp};
use fleetward_fleet::{Secret, Timestamp};
use tokio::task::JoinSet;

/// What a device says, once somebody has connected. It ends when the auditor hangs up, or after [`HELD`].
type Manner = fn(TcpStream) -> std::io::Result<()>;

const MANNERS: [(&str, Manner); 17] = [
    ("garbage", |mut it| {
        it.write_all(&noise(60_000, 7))?;
        hold(it)
    }),
    ("gigabytes", |it| without_end(it, &noise(8_192, 3))),
    ("an octet a minute", |mut it| {
        it.write_all(b"2")?;
        hold(it)
    }),
    ("an octet, then another", |mut it| {
        loop {
            it.write_all(b"2")?;
            thread::sleep(Duration::from_millis(200));
        }
    }),
    ("a banner without end", |it| without_end(it, b"220-welcome\r\n")),
    ("a line without end", |it| without_end(it, b"SSH-2.0-aaaaaaaaaaaaaaaaaaaaaaaaaa")),
    ("headers without end", |it| after_question(it, b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n")),
    ("a body without end", |it| {
        after_question(it, b"HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n", b"<form>")
    }),
    ("chunks that lie", |it| {
        after_question(it, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\n", b"x")
    }),
    ("redirects in a ring", |it| once(it, b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")),
    ("TLS that lies about lengths", |it| once(it, b"\x16\x03\x03\xff\xff\x02\x00\xff\xff\x03\x03garbage")),
    ("TLS alerts without end", |it| without_end(it, b"\x15\x03\x03\x00\x02\x01\x00")),
    ("SSH with a huge packet", |mut it| {
        it.write_all(b"SSH-2.0-x\r\n\xff\xff\xff\xf0\x04\x14")?;
        without_end(it, &[0x14; 4096])
    }),
    ("MQTT that lies about lengths", |it| once(it, b"\x20\xff\xff\xff\x7f\x00\x00")),
    ("an echo", |mut it| {
        let mut octets = [0; 4096];
        loop {
            let got = it.read(&mut octets)?;
            if got == 0 {
                return Ok(());
            }
            it.write_all(&octets[..got])?;
        }
    }),
    ("a reset in the middle", |mut it| {
        it.write_all(b"HTTP/1.1 2")?;
        it.read_exact(&mut [0])?;
        socket2::SockRef::from(&it).set_linger(Some(Duration::ZERO))
    }),
    ("silence", hold),
];

/// Ports that speakers have an idea of, and one of which nobody has.
const PORTS: [u16; 18] =
    [21, 22, 23, 25, 80, 102, 443, 502, 554, 1_883, 4_840, 5_555, 5_672, 5_900, 6_379, 7_547, 8_883, 45_678];

const PROTOCOLS: [(&str, u16); 7] =
    [("http", 80), ("rtsp", 554), ("ftp", 21), ("telnet", 23), ("mqtt", 1_883), ("redis", 6_379), ("ssh", 22)];

/// One port's identification, and one service's attempts, end within this, however many questions they take.
const BOUND: Duration = Duration::from_mins(1);

/// So much more may the process hold while eighteen ports are asked at once: 256 KiB a conversation, and what is made of it.
const MEMORY: u64 = 64 << 20;

const HELD: Duration = Duration::from_mins(1);

fn hold(mut it: TcpStream) -> std::io::Result<()> {
    let mut octets = [0; 4096];
    while it.read(&mut octets)? > 0 {}
    Ok(())
}

fn without_end(mut it: TcpStream, octets: &[u8]) -> std::io::Result<()> {
    loop {
        it.write_all(octets)?;
    }
}

fn after_question(mut it: TcpStream, first: &[u8], then: &[u8]) -> std::io::Result<()> {
    it.read(&mut [0; 4096]).map(drop)?;
    it.write_all(first)?;
    without_end(it, &then.repeat(100))
}

fn once(mut it: TcpStream, octets: &[u8]) -> std::io::Result<()> {
    it.read(&mut [0; 4096]).map(drop)?;
    it.write_all(octets)?;
    hold(it)
}

fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// One loopback address a manner.
fn address(manner: usize) -> IpAddr {
    Ipv4Addr::new(127, 77, u8::try_from(manner).unwrap(), 1).into()
}

/// Whether ports below 1,024 can be had; says aloud where not.
fn may_bind() -> bool {
    let may = TcpListener::bind("127.77.0.1:0").is_ok() && nix::unistd::geteuid().is_root();
    if !may {
        fleetward_testkit::process::skip("ports below 1,024 on 127.77.0.0/16 need root on Linux");
    }
    may
}

fn serve(at: SocketAddr, manner: Manner) {
    let listener = TcpListener::bind(at).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(HELD)).ok();
            stream.set_write_timeout(Some(HELD)).ok();
            thread::spawn(move || manner(stream).ok());
        }
    });
}

fn target(address: IpAddr) -> Target {
    Scope::new(vec!["127.77.0.0/16".parse().unwrap()], false).admit(address).unwrap()
}

/// The most that this process ever held, from now on (`clear_refs` 5, proc(5)).
fn forget_peak() -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").ok();
    peak()
}

fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|it| it.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn whatever_a_device_says_identification_ends_in_time_and_memory() {
    if !may_bind() {
        return;
    }
    let mut slowest = Duration::ZERO;
    for (number, (name, manner)) in MANNERS.iter().enumerate() {
        for port in PORTS {
            serve((address(number), port).into(), *manner);
        }
        let (before, began) = (forget_peak(), Instant::now());
        let said = block_on(async {
            let door = Door::new(Temperament::Fast);
            let mut asked = JoinSet::new();
            for port in PORTS {
                let (door, target) = (door.clone(), target(address(number)));
                asked.spawn(
                    async move { (port, tokio::time::timeout(BOUND, tcp(At { door: &door, target, port })).await) },
                );
            }
            asked.join_all().await
        });
        for (port, told) in said {
            assert!(told.is_ok(), "{name} at {port} takes more than {BOUND:?}");
        }
        let grown = peak().saturating_sub(before);
        println!("{name}: {:.1} s, {} KiB", began.elapsed().as_secs_f64(), grown / 1024);
        assert!(grown < MEMORY, "{name} takes {grown} octets");
        slowest = slowest.max(began.elapsed());
    }
    println!("the slowest: {:.1} s for {} ports", slowest.as_secs_f64(), PORTS.len());
}

#[test]
fn whatever_a_device_says_no_password_opens_it() {
    if !may_bind() {
        return;
    }
    block_on(async {
        let mut asked = JoinSet::new();
        for (number, (name, manner)) in MANNERS.iter().enumerate() {
            let address = IpAddr::from([127, 77, 100 + u8::try_from(number).unwrap(), 1]);
            for (protocol, port) in PROTOCOLS {
                serve((address, port).into(), *manner);
                let access = Access::Asks { methods: vec!["password".into()] };
                let service = Service { protocol: protocol.into(), access, ..Service::default() };
                let attempts = Attempts { spacing: Duration::from_millis(10), ..Attempts::default() };
                let lists = Arc::new(Lists::new(Secret::new("key"), attempts, Timestamp(0)));
                let door = Door::new(Temperament::Fast);
                asked.spawn(async move {
                    let tried = try_known(&door, target(address), port, &service, &lists);
                    (*name, protocol, tokio::time::timeout(BOUND * 2, tried).await)
                });
            }
        }
        for (name, protocol, told) in asked.join_all().await {
            let told = told.unwrap_or_else(|_| panic!("{protocol} against {name} does not end"));
            assert!(!matches!(told, Access::Opened { .. }), "{protocol} against {name}: {told:?}");
        }
    });
}

/// Datagrams: garbage, huge, cut, many, from another port.
type Reply = fn(&UdpSocket, SocketAddr, &[u8]) -> std::io::Result<usize>;

const DATAGRAMS: [(&str, Reply); 6] = [
    ("garbage", |socket, to, _| socket.send_to(&noise(1_400, 9), to)),
    ("huge", |socket, to, _| socket.send_to(&noise(60_000, 5), to)),
    ("empty", |socket, to, _| socket.send_to(&[], to)),
    ("an echo", |socket, to, asked| socket.send_to(asked, to)),
    ("a flood", |socket, to, asked| {
        (0..2_000).try_for_each(|it| socket.send_to(&[asked, &[0xff; 64]].concat()[it % 8..], to).map(drop)).map(|()| 0)
    }),
    ("another port", |socket, to, asked| {
        let ip = socket.local_addr()?.ip();
        UdpSocket::bind((ip, 0))?.send_to(asked, to)
    }),
];

#[test]
fn whatever_a_datagram_says_it_is_read_or_refused() {
    if !may_bind() {
        return;
    }
    let (before, began) = (forget_peak(), Instant::now());
    block_on(async {
        let mut asked = JoinSet::new();
        for (number, (name, answer)) in DATAGRAMS.iter().enumerate() {
            let address = IpAddr::from([127, 77, 200 + u8::try_from(number).unwrap(), 1]);
            for port in UDP_PORTS.iter().copied() {
                let socket = UdpSocket::bind((address, port)).unwrap();
                thread::spawn(move || {
                    let mut octets = [0; 2048];
                    while let Ok((got, from)) = socket.recv_from(&mut octets) {
                        answer(&socket, from, &octets[..got]).ok();
                    }
                });
                let door = Door::new(Temperament::Fast);
                asked.spawn(async move {
                    let at = At { door: &door, target: target(address), port };
                    (*name, port, tokio::time::timeout(BOUND, udp(at)).await.is_ok())
                });
            }
        }
        for (name, port, has_ended) in asked.join_all().await {
            assert!(has_ended, "{name} at {port} takes more than {BOUND:?}");
        }
    });
    println!("datagrams: {:.1} s, {} KiB", began.elapsed().as_secs_f64(), peak().saturating_sub(before) / 1024);
    assert!(peak().saturating_sub(before) < MEMORY);
}
