//! A site in network namespaces: devices on a bridge, a gateway, and beyond it an "Internet".

#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fleetward_fleet::Mac;
use fleetward_guard::nft::kernel::Kernel;
use fleetward_guard::nft::{Features, Member, OnBreach, Probe, Site};
use fleetward_testkit::daemons::{Lab, Namespace};
use nix::sys::socket::{self, AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType};

/// The gateway, as devices see it.
pub(crate) const GATEWAY4: &str = "10.9.0.1";
pub(crate) const GATEWAY6: &str = "fd00:9::1";
/// A cloud that is allowed, once its name was answered.
pub(crate) const CLOUD4: &str = "203.0.113.10";
pub(crate) const CLOUD6: &str = "2001:db8:f::10";
/// Where the same name leads later.
pub(crate) const MOVED4: &str = "203.0.113.11";
/// Nobody that a profile knows.
pub(crate) const STRANGER4: &str = "203.0.113.66";
pub(crate) const STRANGER6: &str = "2001:db8:f::66";

pub(crate) struct World {
    pub(crate) gateway: Namespace,
    pub(crate) internet: Namespace,
    pub(crate) devices: Vec<Device>,
    pub(crate) kernel: Kernel,
    pub(crate) features: Features,
    stop: Arc<AtomicBool>,
    /// Kept: the namespaces end with it.
    _lab: Lab,
}

pub(crate) struct Device {
    pub(crate) place: Namespace,
    pub(crate) mac: Mac,
    pub(crate) ip4: IpAddr,
    pub(crate) ip6: IpAddr,
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("it is an address")
}

fn run(command: &mut Command) {
    let output = command.output().expect("it can be run");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn ip_in(place: &Namespace, words: &str) {
    run(place.command("ip").args(words.split(' ')));
}

fn sysctl(place: &Namespace, path: &'static str, value: &'static str) {
    place.enter(move || std::fs::write(path, value).ok()).expect("the namespace can be entered");
}

impl World {
    /// Builds it with so many devices; `None` (said aloud) where the machine cannot.
    pub(crate) fn try_new(devices: u8) -> Option<Self> {
        let mut lab = Lab::try_new(&[("nft", "nftables")]).expect("a lab can be made")?;
        let gateway = lab.namespace("gw").expect("a namespace can be made");
        let internet = lab.namespace("net").expect("a namespace can be made");
        sysctl(&gateway, "/proc/sys/net/ipv4/ip_forward", "1");
        sysctl(&gateway, "/proc/sys/net/ipv6/conf/all/forwarding", "1");
        sysctl(&gateway, "/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
        sysctl(&gateway, "/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0");
        let kernel = Kernel::with(&["ip", "netns", "exec", gateway.name(), "nft"]);
        let features = kernel.probe();
        let needed = [Probe::Base, Probe::Bridge, Probe::Log, Probe::ConnectionLimit, Probe::Fib];
        if let Some((_, meaning)) = features.missing().find(|(probe, _)| needed.contains(probe)) {
            println!("SKIPPED: {meaning}");
            return None;
        }
        let bridge =
            gateway.command("ip").args(["link", "add", "br0", "type", "bridge", "mcast_snooping", "0"]).output();
        if !bridge.is_ok_and(|it| it.status.success()) {
            println!("SKIPPED: this kernel makes no bridge");
            return None;
        }
        lab.cable((&gateway, "wan", "203.0.113.1/24"), (&internet, "wan", "203.0.113.2/24")).expect("a cable");
        ip_in(&gateway, "addr add 2001:db8:f::1/64 dev wan nodad");
        ip_in(&internet, "addr add 2001:db8:f::2/64 dev wan nodad");
        for address in [CLOUD4, MOVED4, STRANGER4] {
            ip_in(&internet, &format!("addr add {address}/24 dev wan"));
        }
        for address in [CLOUD6, STRANGER6] {
            ip_in(&internet, &format!("addr add {address}/64 dev wan nodad"));
        }
        ip_in(&internet, "route add 10.9.0.0/24 via 203.0.113.1");
        ip_in(&internet, "-6 route add fd00:9::/64 via 2001:db8:f::1");
        let mut all = Vec::new();
        for number in 1..=devices {
            let place = lab.namespace(&format!("d{number}")).expect("a namespace can be made");
            let port = format!("p{number}");
            lab.cable((&gateway, &port, ""), (&place, "eth0", "")).expect("a cable");
            let mac = Mac([2, 0, 0, 0, 0, number]);
            ip_in(&place, &format!("link set dev eth0 address {mac}"));
            ip_in(&place, &format!("addr add 10.9.0.{}/24 dev eth0", 10 + number));
            ip_in(&place, &format!("addr add fd00:9::{}/64 dev eth0 nodad", 10 + number));
            ip_in(&place, &format!("route add default via {GATEWAY4}"));
            ip_in(&place, &format!("-6 route add default via {GATEWAY6}"));
            ip_in(&gateway, &format!("link set dev {port} master br0"));
            let (ip4, ip6) = (ip(&format!("10.9.0.{}", 10 + number)), ip(&format!("fd00:9::{}", 10 + number)));
            all.push(Device { place, mac, ip4, ip6 });
        }
        ip_in(&gateway, &format!("addr add {GATEWAY4}/24 dev br0"));
        ip_in(&gateway, &format!("addr add {GATEWAY6}/64 dev br0 nodad"));
        ip_in(&gateway, "link set dev br0 up");
        for (_, meaning) in features.missing() {
            eprintln!("this kernel: {meaning}");
        }
        let world = Self { gateway, internet, devices: all, kernel, features, stop: Arc::default(), _lab: lab };
        for device in &world.devices {
            for to in [CLOUD4, CLOUD6] {
                world.until("the links are up", || device.place.reaches(to));
            }
        }
        Some(world)
    }

    /// The site with these models, one for each device; strict, enforced.
    pub(crate) fn site(&self, models: &[&str]) -> Site {
        let members = self.devices.iter().zip(models).map(|(device, model)| Member {
            mac: device.mac,
            ips: vec![device.ip4, device.ip6],
            model: Some((*model).into()),
        });
        Site {
            inside: vec!["br0".into()],
            ports: (1..=self.devices.len()).map(|it| format!("p{it}").into()).collect(),
            gateway: vec![ip(GATEWAY4), ip(GATEWAY6)],
            local: ["10.9.0.0/24", "fd00:9::/64"].map(|it| it.parse().expect("it is a network")).into(),
            members: members.collect(),
            spoofing: OnBreach::Drop,
            strict4: true,
            ..Site::default()
        }
    }

    /// Waits up to ten seconds.
    #[expect(clippy::unused_self, reason = "reads better where it is called")]
    pub(crate) fn until(&self, what: &str, mut is_so: impl FnMut() -> bool) {
        for _ in 0..100 {
            if is_so() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("waited in vain: {what}");
    }

    /// A counter of ours; 0 where it is not there.
    pub(crate) fn counter(&self, table: &str, name: &str) -> u64 {
        let all = self.kernel.counters();
        all.iter().find(|it| it.0 == table && it.1 == name).map_or(0, |it| it.2)
    }

    /// A TCP server that sends back what it gets, until the world ends.
    pub(crate) fn echo_tcp(&self, place: &Namespace, port: u16) {
        let stop = Arc::clone(&self.stop);
        let listener = place
            .enter(move || TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)))
            .expect("the namespace can be entered")
            .expect("the port is free");
        listener.set_nonblocking(true).expect("a listener can");
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let Ok((mut stream, _)) = listener.accept() else {
                    thread::sleep(Duration::from_millis(10));
                    continue;
                };
                thread::spawn(move || {
                    let mut buffer = [0; 256];
                    stream.set_nonblocking(false).ok();
                    while let Ok(length @ 1..) = stream.read(&mut buffer) {
                        if stream.write_all(&buffer[..length]).is_err() {
                            break;
                        }
                    }
                });
            }
        });
    }

    /// The same for UDP at one address, so that it answers from there.
    pub(crate) fn echo_udp(&self, place: &Namespace, at: &str, port: u16) {
        let (stop, at) = (Arc::clone(&self.stop), ip(at));
        let echo = place
            .enter(move || UdpSocket::bind((at, port)))
            .expect("the namespace can be entered")
            .expect("the port is free");
        echo.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket can");
        thread::spawn(move || {
            let mut buffer = [0; 2048];
            while !stop.load(Ordering::Relaxed) {
                if let Ok((length, from)) = echo.recv_from(&mut buffer) {
                    echo.send_to(&buffer[..length], from).ok();
                }
            }
        });
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// What somebody in a namespace can do.
pub(crate) trait Acts {
    /// Opens a TCP connection.
    fn connect(&self, to: &str, port: u16) -> Option<TcpStream>;
    /// A datagram there comes back.
    fn asks(&self, to: &str, port: u16) -> bool;
    /// A socket for whole frames on `eth0`.
    fn raw(&self) -> Raw {
        self.raw_at("eth0")
    }
    /// The same on another interface.
    fn raw_at(&self, interface: &'static str) -> Raw;
    /// The other end is there: it refuses a connection to a port where nobody listens.
    fn reaches(&self, to: &str) -> bool;

    fn connects(&self, to: &str, port: u16) -> bool {
        self.connect(to, port).is_some()
    }
}

impl Acts for Namespace {
    fn connect(&self, to: &str, port: u16) -> Option<TcpStream> {
        let to = SocketAddr::new(ip(to), port);
        let stream =
            self.enter(move || TcpStream::connect_timeout(&to, PATIENCE)).expect("the namespace can be entered");
        let stream = stream.ok()?;
        stream.set_read_timeout(Some(PATIENCE)).expect("a stream can");
        Some(stream)
    }

    fn asks(&self, to: &str, port: u16) -> bool {
        let to = SocketAddr::new(ip(to), port);
        let any: IpAddr = if to.is_ipv4() { ip("0.0.0.0") } else { ip("::") };
        let socket =
            self.enter(move || UdpSocket::bind((any, 0))).expect("the namespace can be entered").expect("a port");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket can");
        socket.send_to(b"are you there", to).is_ok() && socket.recv_from(&mut [0; 64]).is_ok()
    }

    fn raw_at(&self, interface: &'static str) -> Raw {
        self.enter(move || {
            let fd = socket::socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)
                .expect("root may");
            let all = nix::ifaddrs::getifaddrs().expect("interfaces can be listed");
            let own = |it: nix::ifaddrs::InterfaceAddress| {
                (it.interface_name == interface).then(|| it.address.and_then(|at| at.as_link_addr().copied())).flatten()
            };
            let at: LinkAddr = all.into_iter().find_map(own).expect("the interface is there");
            socket::bind(fd.as_raw_fd(), &at).expect("it can be bound");
            Raw(fd)
        })
        .expect("the namespace can be entered")
    }

    fn reaches(&self, to: &str) -> bool {
        let to = SocketAddr::new(ip(to), 1);
        let tried =
            self.enter(move || TcpStream::connect_timeout(&to, PATIENCE)).expect("the namespace can be entered");
        tried.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused)
    }
}

/// Whole frames.
pub(crate) struct Raw(OwnedFd);

impl Raw {
    pub(crate) fn send(&self, frame: &[u8]) {
        socket::send(self.0.as_raw_fd(), frame, MsgFlags::empty()).expect("the interface takes it");
    }

    /// Frames that arrived so far.
    pub(crate) fn waiting(&self) -> Vec<Vec<u8>> {
        let (mut buffer, mut all) = ([0_u8; 2048], Vec::new());
        while let Ok(length) = socket::recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
            all.push(buffer[..length].to_vec());
        }
        all
    }

    /// A frame that contains `marker` arrives within half a second.
    pub(crate) fn hears(&self, marker: &[u8]) -> bool {
        let mut buffer = [0_u8; 2048];
        for _ in 0..50 {
            while let Ok(length) = socket::recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                if buffer[..length].windows(marker.len()).any(|it| it == marker) {
                    return true;
                }
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

/// The stream still carries: what is sent comes back in time.
pub(crate) fn echoes(stream: &mut TcpStream) -> bool {
    let mut back = [0; 5];
    stream.write_all(b"alive").is_ok() && stream.read_exact(&mut back).is_ok() && &back == b"alive"
}

/// How long an answer may take on this machine. Short enough for what never comes.
pub(crate) const PATIENCE: Duration = Duration::from_millis(600);
