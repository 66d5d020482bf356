//! The engine that sends SYNs itself (`CAP_NET_RAW`): no socket a port, no connection on either side.
//!
//! Each host has a raw socket that is connected to it, so the kernel hands over what that host sends and nothing else.
//! Sequence numbers come from a keyed hash, and an answer counts only where it acknowledges ours. The kernel answers a
//! SYN-ACK with a reset, because nobody listens at the source port.
//!
//! Each try has a source port of its own. Where the answer to one was lost, the host still holds its half of a connection,
//! and would take another SYN between the same ports for a part of it (RFC 9293 §3.10.7.4) and not answer as to a new one.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};

use super::Progress;
use super::segment::{answer, syn};
use super::sweep::{CANARIES, CANARY, Probe, Step, Sweep};
use crate::door::Door;
use crate::fact::Outcome;
use crate::scope::Target;

/// Room for answers that wait.
const RECEIVE: usize = 8 << 20;

/// Source ports of a host begin somewhere here, above those that systems give to connections.
const FIRST: (u16, u64) = (61_000, 3_000);

/// Numbers of probes, each with its source port.
const NUMBERS: u16 = CANARY as u16 + CANARIES as u16;

/// Questions between two looks for answers.
const BURST: u32 = 32;

/// A raw socket to one host.
#[derive(Debug)]
pub(super) struct Wire {
    socket: Socket,
    /// The same socket, to be woken by; the runtime asks of a datagram socket nothing that a raw one has not.
    bell: UdpSocket,
    ends: (IpAddr, IpAddr),
    first: u16,
    key: RandomState,
}

impl Wire {
    /// `PermissionDenied` without the capability.
    pub(super) fn open(target: Target) -> io::Result<Self> {
        let to = SocketAddr::new(target.address(), 0);
        let socket = Socket::new(Domain::for_address(to), Type::RAW, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        // Without CAP_NET_ADMIN the system's limit holds.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE).is_err() {
            socket.set_recv_buffer_size(RECEIVE)?;
        }
        socket.connect(&SockAddr::from(to))?;
        let from = socket.local_addr()?.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?.ip();
        let key = RandomState::new();
        let first = FIRST.0 + (key.hash_one(to) % FIRST.1) as u16;
        let ends = (from, target.address());
        let bell = UdpSocket::from_std(socket.try_clone()?.into())?;
        Ok(Self { socket, bell, ends, first, key })
    }

    fn send(&self, probe: Probe) {
        let sequence = self.sequence(probe.port).wrapping_add(probe.number);
        let ours = self.first + probe.number as u16 % NUMBERS;
        let segment = syn(self.ends, (ours, probe.port), sequence);
        // A full queue loses the packet as the network may; the sweep asks again.
        self.socket.send(&segment).ok();
    }

    /// Hands over what has come.
    fn drain(&self, sweep: &mut Sweep, now: Duration) {
        let mut octets = [0; 2048];
        loop {
            match (&self.socket).read(&mut octets) {
                Ok(got) => {
                    let Some(answer) = answer(&octets[..got], self.ends.1.is_ipv4()) else { continue };
                    let number = answer.sequence.wrapping_sub(self.sequence(answer.port));
                    if answer.ours.checked_sub(self.first).is_some_and(|it| u32::from(it) == number) {
                        sweep.answered(answer.port, number, answer.state, now);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // What ICMP said of some packet; reading it clears it.
                Err(_) => {}
            }
        }
    }

    /// What rang was heard: the next packet rings again.
    fn rearm(&self) {
        self.bell.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into())).ok();
    }

    fn sequence(&self, port: u16) -> u32 {
        self.key.hash_one(port) as u32
    }
}

/// Runs the sweep to its end.
pub(super) async fn run(
    door: &Door,
    wire: &Wire,
    sweep: &mut Sweep,
    target: Target,
    progress: &dyn Progress,
) -> io::Result<Outcome> {
    let began = Instant::now();
    let mut burst = 0;
    loop {
        match sweep.step(began.elapsed()) {
            Step::Ask(probe) => {
                door.rare_turn(target).await;
                wire.send(probe);
                burst += 1;
                if burst >= BURST {
                    burst = 0;
                    wire.drain(sweep, began.elapsed());
                    progress.stage(target, super::Stage::Ports, sweep.resolved, sweep.total);
                    tokio::task::yield_now().await;
                }
            }
            Step::Wait(until) => {
                tokio::select! {
                    ready = wire.bell.readable() => {
                        ready?;
                        wire.rearm();
                        wire.drain(sweep, began.elapsed());
                    }
                    () = sleep_until(door.no_sooner(target, began + until)) => {}
                }
                progress.stage(target, super::Stage::Ports, sweep.resolved, sweep.total);
            }
            Step::End(outcome) => return Ok(outcome),
        }
        if progress.is_cancelled() {
            return Ok(Outcome::Cut);
        }
    }
}
