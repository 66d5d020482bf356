//! A real interface: a pair of virtual ones in a namespace of the test's own. Needs root (or skips, aloud).

#![allow(clippy::print_stdout, reason = "a test that is skipped says so, and figures are shown")]

use std::io::IoSlice;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fleetward_capture::{Live, LiveError, LiveOptions};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};

/// Packets of the flood.
const EACH: u32 = 300_000;

/// Packets of which most find no room.
const COUNT: u32 = 100_000;

/// Commands in the namespace of this thread.
fn sh(commands: &str) {
    for line in commands.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let program = words.next().unwrap_or_default();
        let done = Command::new(program).args(words).output().unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Runs `work` on a thread in a new network namespace with `near` and `far`, two ends of a cable.
fn with_cable(work: impl FnOnce() + Send + 'static) {
    let thread = thread::spawn(move || {
        if let Err(error) = unshare(CloneFlags::CLONE_NEWNET) {
            println!("SKIPPED: no network namespace here ({error}); run as root");
            return;
        }
        sh("ip link add near type veth peer name far
            ip addr add 10.9.0.1/24 dev near
            ip addr add fd09::1/64 dev near nodad
            ip link set near up
            ip link set far up
            ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev near
            ip neigh add fd09::2 lladdr 02:00:00:00:00:02 dev near");
        work();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Sends datagrams to `to` as fast as this thread can.
fn flood(to: SocketAddr, count: u32) {
    const AT_ONCE: usize = 64;
    let any: IpAddr = if to.is_ipv4() { [0, 0, 0, 0].into() } else { [0_u16; 8].into() };
    let socket = UdpSocket::bind((any, 0)).expect("a socket");
    let payload = [7_u8; 18];
    let parts = [[IoSlice::new(&payload)]; AT_ONCE];
    let address = [Some(SockaddrStorage::from(to)); AT_ONCE];
    let mut headers = MultiHeaders::preallocate(AT_ONCE, None);
    let (mut sent, count) = (0, count as usize);
    while sent < count {
        let batch = AT_ONCE.min(count - sent);
        let done =
            sendmmsg(socket.as_raw_fd(), &mut headers, &parts[..batch], &address[..batch], [], MsgFlags::empty());
        sent += done.map_or(0, Iterator::count);
    }
}

/// How many UDP datagrams to port 9999 there are, over IPv4 and IPv6; takes Ethernet apart by hand.
fn ours(bytes: &[u8]) -> [u64; 2] {
    let at = |at: usize, value: &[u8]| bytes.get(at..at + value.len()) == Some(value);
    let port = 9999_u16.to_be_bytes();
    [u64::from(at(12, &[8, 0]) && at(36, &port)), u64::from(at(12, &[0x86, 0xdd]) && at(56, &port))]
}

#[test]
fn nothing_is_lost_at_the_rate_that_a_thread_can_send() {
    with_cable(|| {
        let mut live = Live::open("far", LiveOptions::default()).expect("root may listen");
        let done = Arc::new(AtomicBool::new(false));
        let sender = {
            let done = Arc::clone(&done);
            // A thread is in the namespace of its parent.
            thread::spawn(move || {
                let start = Instant::now();
                flood(([10, 9, 0, 2], 9999).into(), EACH);
                flood((IpAddr::from([0xfd09, 0, 0, 0, 0, 0, 0, 2]), 9999).into(), EACH);
                done.store(true, Ordering::Release);
                2.0 * f64::from(EACH) / start.elapsed().as_secs_f64()
            })
        };
        let (mut seen, mut idle) = ([0, 0], 0);
        while idle < 3 {
            let over = done.load(Ordering::Acquire);
            let batch = live.batch(Duration::from_millis(100)).expect("it stays up");
            idle = if over && batch.is_empty() { idle + 1 } else { 0 };
            for packet in &batch {
                let [four, six] = ours(packet.bytes);
                seen = [seen[0] + four, seen[1] + six];
                assert_eq!((packet.link, packet.wire as usize), (1, packet.bytes.len()));
            }
        }
        let rate = sender.join().expect("the sender ends");
        let counted = live.counted();
        println!("sent {rate:.0} packets/s; seen {seen:?}; {counted:?}");
        assert_eq!(counted.drops, 0);
        assert_eq!(seen, [u64::from(EACH); 2]);
    });
}

#[test]
fn what_finds_no_room_is_counted() {
    with_cable(|| {
        let mut live =
            Live::open("far", LiveOptions { ring: 2 << 20, ..LiveOptions::default() }).expect("root may listen");
        // Nobody reads meanwhile.
        flood(([10, 9, 0, 2], 9999).into(), COUNT);
        let mut seen = 0;
        loop {
            let batch = live.batch(Duration::from_millis(200)).expect("it stays up");
            if batch.is_empty() {
                break;
            }
            seen += batch.iter().map(|packet| ours(packet.bytes)[0]).sum::<u64>();
        }
        let counted = live.counted();
        println!("{seen} of {COUNT} found room; {counted:?}");
        assert!(counted.drops > 0);
        assert!(seen + counted.drops >= u64::from(COUNT), "every packet is seen or counted");
        assert!(counted.packets >= u64::from(COUNT));
    });
}

#[test]
fn loopback_shows_a_packet_once() {
    with_cable(|| {
        sh("ip link set lo up");
        let mut live = Live::open("lo", LiveOptions::default()).expect("root may listen");
        flood(([127, 0, 0, 1], 9999).into(), 5);
        let mut seen = 0;
        for _ in 0..5 {
            let batch = live.batch(Duration::from_millis(100)).expect("it stays up");
            seen += batch.iter().map(|packet| ours(packet.bytes)[0]).sum::<u64>();
        }
        assert_eq!(seen, 5);
    });
}

#[test]
fn says_what_is_in_the_way() {
    with_cable(|| {
        let error = Live::open("nowhere", LiveOptions::default()).err().expect("there is none");
        assert!(matches!(error, LiveError::NoInterface { .. }), "{error}");
        let mut live = Live::open("far", LiveOptions::default()).expect("root may listen");
        sh("ip link set far down");
        let down = (0..20).any(|_| matches!(live.batch(Duration::from_millis(50)), Err(LiveError::Down { .. })));
        assert!(down, "a link that goes down is told");
    });
}
