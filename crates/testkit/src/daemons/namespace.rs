//! One network namespace.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use nix::sched::{CloneFlags, setns};

use super::{DaemonError, io_error, run};

/// The names of our namespaces begin with this and the process id.
const PREFIX: &str = "fwt-";

/// A network namespace of a [`super::Lab`], by name.
#[derive(Debug, Clone)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    pub(super) fn create(label: &str) -> Result<Self, DaemonError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = Self { name: format!("{PREFIX}{}-{number}-{label}", std::process::id()) };
        run(Command::new("ip").args(["netns", "add", &namespace.name]))?;
        run(namespace.command("ip").args(["link", "set", "lo", "up"]))?;
        Ok(namespace)
    }

    /// As `ip netns` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that runs `program` in here; it has a private mount namespace, too.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Runs `work` on a thread whose sockets are in here.
    pub fn enter<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, DaemonError> {
        let name = self.name.clone();
        let thread = thread::spawn(move || {
            let file = File::open(format!("/run/netns/{name}")).map_err(io_error("open the namespace"))?;
            setns(&file, CloneFlags::CLONE_NEWNET).map_err(|e| io_error("enter the namespace")(e.into()))?;
            Ok(work())
        });
        match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Another address on the loopback interface.
    pub fn add_address(&self, address: &str) -> Result<(), DaemonError> {
        run(self.command("ip").args(["addr", "add", address, "dev", "lo"])).map(drop)
    }

    /// Gives an interface this MAC address.
    pub fn set_mac(&self, interface: &str, mac: &str) -> Result<(), DaemonError> {
        run(self.command("ip").args(["link", "set", "dev", interface, "address", mac])).map(drop)
    }

    /// Sends `count` datagrams of a thousand octets from here to `at`, an address of `to`, which sends them back.
    /// Returns how many came back within two seconds of the last one.
    pub fn exchange(&self, to: &Self, at: SocketAddr, count: u32) -> Result<u32, DaemonError> {
        let bound = to.enter(move || UdpSocket::bind(at))?.map_err(io_error("bind the echo socket"))?;
        let local: IpAddr = if at.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = self.enter(move || UdpSocket::bind((local, 0)))?.map_err(io_error("bind a socket"))?;
        exchange(&socket, &bound, at, count).map_err(io_error("exchange datagrams"))
    }

    pub(super) fn remove(&self) {
        // At the end of a test nobody can do anything about a failure; `remove_abandoned` tries again.
        run(Command::new("ip").args(["netns", "del", &self.name])).ok();
    }
}

/// Both sockets stay in their namespaces whichever thread uses them.
fn exchange(socket: &UdpSocket, echo: &UdpSocket, at: SocketAddr, count: u32) -> io::Result<u32> {
    let (mut buffer, mut back) = ([0; 2000], 0);
    for socket in [socket, echo] {
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    }
    for _ in 0..count {
        socket.send_to(&[0xAB; 1000], at)?;
        let Ok((length, from)) = echo.recv_from(&mut buffer) else { continue };
        echo.send_to(&buffer[..length], from)?;
        back += u32::from(socket.recv_from(&mut buffer).is_ok());
    }
    Ok(back)
}

/// Removes namespaces of test processes that were killed.
pub(super) fn remove_abandoned() {
    let Ok(entries) = fs::read_dir("/run/netns") else { return };
    for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|pid| pid.parse::<u32>().is_ok() && !fs::exists(format!("/proc/{pid}")).unwrap_or(true)) {
            (Namespace { name }).remove();
        }
    }
}
