//! A bad cable: loses one frame in twenty each way and holds what comes back for 40 ms. (netem is not in every kernel.)
//!
//! Two packet sockets in a namespace without addresses; a seed decides what is lost, so every run loses alike.

use std::collections::VecDeque;
use std::os::fd::{AsFd as _, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use fleetward_testkit::daemons::Namespace;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    self, AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, setsockopt, sockopt,
};

const LOST: u64 = 20;
const HELD: Duration = Duration::from_millis(40);
const SEED: u64 = 0x00f1_ee70;

/// It carries until it is dropped.
pub(super) struct Wire {
    ended: Arc<AtomicBool>,
}

impl Wire {
    /// Between the interfaces `to` and `from` of this namespace.
    pub(super) fn lay(middle: &Namespace) -> anyhow::Result<Self> {
        let ends = middle.enter(|| -> anyhow::Result<_> { Ok([open("to")?, open("from")?]) })??;
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        thread::spawn(move || carry(&ends, &seen));
        Ok(Self { ended })
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn open(interface: &'static str) -> anyhow::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket::socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll)?;
    let own = |it: nix::ifaddrs::InterfaceAddress| {
        (it.interface_name == interface).then(|| it.address.and_then(|at| at.as_link_addr().copied())).flatten()
    };
    let at: LinkAddr = nix::ifaddrs::getifaddrs()?.find_map(own).context("the interface is not there")?;
    setsockopt(&fd, sockopt::RcvBufForce, &(64 << 20))?;
    setsockopt(&fd, sockopt::SndBufForce, &(64 << 20))?;
    socket::bind(fd.as_raw_fd(), &at)?;
    Ok(fd)
}

fn carry(ends: &[OwnedFd; 2], ended: &AtomicBool) {
    let (mut random, mut held) = (SEED, VecDeque::<(Instant, Vec<u8>)>::new());
    let mut frame = [0; 2048];
    while !ended.load(Ordering::Relaxed) {
        let wait =
            held.front().map_or(Duration::from_millis(50), |(at, _)| at.saturating_duration_since(Instant::now()));
        let mut wanted = [0, 1].map(|end| PollFd::new(ends[end].as_fd(), PollFlags::POLLIN));
        let wait = PollTimeout::try_from(wait.as_millis().max(1)).unwrap_or(PollTimeout::ZERO);
        poll(&mut wanted, wait).ok();
        for end in [0, 1] {
            // As many as fit between two looks at the clock.
            for _ in 0..64 {
                let Ok(got) = socket::recv(ends[end].as_raw_fd(), &mut frame, MsgFlags::empty()) else { break };
                if is_lost(&mut random) {
                    continue;
                }
                let whole = summed(&frame[..got]);
                if end == 1 {
                    held.push_back((Instant::now() + HELD, whole));
                } else {
                    socket::send(ends[1].as_raw_fd(), &whole, MsgFlags::empty()).ok();
                }
            }
        }
        while held.front().is_some_and(|(at, _)| *at <= Instant::now()) {
            let Some((_, whole)) = held.pop_front() else { break };
            socket::send(ends[0].as_raw_fd(), &whole, MsgFlags::empty()).ok();
        }
    }
}

/// One in [`LOST`]: xorshift.
fn is_lost(random: &mut u64) -> bool {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    (*random >> 32).is_multiple_of(LOST)
}

/// The frame with the sum of its TCP segment made, which virtual cables leave to a card that is not there.
fn summed(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let is_tcp = frame.len() >= 54 && frame[12..14] == [8, 0] && frame[23] == 6;
    let header = 14 + usize::from(frame.get(14).unwrap_or(&0) & 15) * 4;
    let end = 14 + usize::from(u16::from_be_bytes([frame[16 % frame.len()], frame[17 % frame.len()]]));
    if !is_tcp || header + 20 > end || end > frame.len() {
        return frame;
    }
    frame[header + 16..header + 18].fill(0);
    let words = |octets: &[u8]| {
        let pair = |it: &[u8]| u32::from(it[0]) << 8 | u32::from(*it.get(1).unwrap_or(&0));
        octets.chunks(2).map(pair).sum::<u32>()
    };
    let length = u32::try_from(end - header).unwrap_or(0);
    let sum = words(&frame[26..34]) + 6 + length + words(&frame[header..end]);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = !((sum & 0xffff) + (sum >> 16));
    frame[header + 16..header + 18].copy_from_slice(&(sum as u16).to_be_bytes());
    frame
}
