//! The socket: sends one transaction and waits for the kernel's word.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt, socket,
    sockopt,
};
use nix::sys::time::TimeVal;

use super::write;
use crate::nft::element::Change;
use crate::nft::log::{Told, Why, read};

/// Why the kernel did not take a change.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The socket: mostly missing privileges (`CAP_NET_ADMIN`).
    #[error("netlink socket")]
    Socket(#[source] io::Error),
    /// The kernel refused; nothing of the transaction is in force.
    #[error("the kernel refused the change")]
    Refused(#[source] io::Error),
}

/// To the kernel's firewall. One transaction at a time.
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    /// Elements have to be taken out before they are put in with a longer life.
    refresh: bool,
}

impl Socket {
    /// Opens it in the present network namespace.
    pub fn open() -> Result<Self, NetlinkError> {
        Ok(Self { fd: netfilter()?, refresh: is_older_than(6, 12) })
    }

    /// Makes all changes or none; returns when they are in force.
    pub fn apply(&mut self, changes: &[Change]) -> Result<(), NetlinkError> {
        // A transaction has to fit into the socket's buffer.
        for part in changes.chunks(AT_ONCE) {
            let batch = write::batch(part, self.refresh);
            self.exchange(&batch, write::acknowledgements(&batch))?;
        }
        Ok(())
    }

    /// Sends one message and waits for its acknowledgement. "No such entry" is an answer, too.
    pub fn tell(&mut self, message: &[u8]) -> Result<(), NetlinkError> {
        match self.exchange(message, 1) {
            Err(NetlinkError::Refused(error)) if error.raw_os_error() == Some(Errno::ENOENT as i32) => Ok(()),
            other => other,
        }
    }

    fn exchange(&mut self, bytes: &[u8], mut awaited: usize) -> Result<(), NetlinkError> {
        let fd = self.fd.as_raw_fd();
        send(fd, bytes, MsgFlags::empty()).map_err(broken)?;
        let mut buffer = vec![0_u8; 65_536];
        let mut refused = None;
        while awaited > 0 {
            let length = match recv(fd, &mut buffer, MsgFlags::empty()) {
                // The kernel is silent after a refusal of the whole.
                Err(Errno::EAGAIN) if refused.is_some() => break,
                other => other.map_err(broken)?,
            };
            let mut rest = &buffer[..length];
            while let Some((code, after)) = answer(rest) {
                awaited = awaited.saturating_sub(1);
                if code != 0 {
                    refused.get_or_insert(code);
                }
                rest = after;
            }
            if refused.is_some() {
                self.drain();
                break;
            }
        }
        match refused {
            Some(code) => Err(NetlinkError::Refused(io::Error::from_raw_os_error(-code))),
            None => Ok(()),
        }
    }

    /// What else the kernel said to a refused transaction is of no interest.
    fn drain(&mut self) {
        let mut buffer = [0_u8; 4096];
        while recv(self.fd.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT).is_ok() {}
    }
}

/// Listens to what the kernel tells over NFLOG.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
    buffer: Vec<u8>,
}

impl Listener {
    /// Subscribes to these reasons in the present network namespace; another listener of the same is refused by the kernel.
    pub fn open(reasons: &[Why], snaplen: u32) -> Result<Self, NetlinkError> {
        let mut socket = Socket { fd: netfilter()?, refresh: false };
        for why in reasons {
            socket.exchange(&write::listen(why.group(), snaplen), 1)?;
        }
        Ok(Self { fd: socket.fd, buffer: vec![0; 65_536] })
    }

    /// Waits up to a second for the next packets; hands out each. Messages lost because we were slow are returned as `true`.
    pub fn next(&mut self, mut each: impl FnMut(Told)) -> Result<bool, NetlinkError> {
        let length = match recv(self.fd.as_raw_fd(), &mut self.buffer, MsgFlags::empty()) {
            Ok(length) => length,
            Err(Errno::EAGAIN | Errno::EINTR) => return Ok(false),
            Err(Errno::ENOBUFS) => return Ok(true),
            Err(other) => return Err(broken(other)),
        };
        let mut rest = &self.buffer[..length];
        while rest.len() >= 16 {
            let size = u32::from_ne_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
            if size < 16 || size > rest.len() {
                break;
            }
            if let Some(told) = read(&rest[..size]) {
                each(told);
            }
            rest = rest.get(size.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(false)
    }
}

/// The error code of the first message, and what follows; other kinds of message are passed over.
fn answer(mut bytes: &[u8]) -> Option<(i32, &[u8])> {
    loop {
        let length = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
        let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
        let after = bytes.get(length.max(16).next_multiple_of(4)..).unwrap_or_default();
        if kind == ERROR {
            return Some((i32::from_ne_bytes(bytes.get(16..20)?.try_into().ok()?), after));
        }
        bytes = after;
    }
}

fn netfilter() -> Result<OwnedFd, NetlinkError> {
    let fd = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkNetFilter)
        .map_err(broken)?;
    bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0)).map_err(broken)?;
    setsockopt(&fd, sockopt::ReceiveTimeout, &TimeVal::new(1, 0)).map_err(broken)?;
    // As much as root may; less is enough for small changes.
    setsockopt(&fd, sockopt::SndBufForce, &BUFFER)
        .or_else(|_| setsockopt(&fd, sockopt::SndBuf, &BUFFER))
        .map_err(broken)?;
    setsockopt(&fd, sockopt::RcvBufForce, &BUFFER)
        .or_else(|_| setsockopt(&fd, sockopt::RcvBuf, &BUFFER))
        .map_err(broken)?;
    Ok(fd)
}

fn broken(error: Errno) -> NetlinkError {
    NetlinkError::Socket(error.into())
}

/// What cannot be told is taken for old: that is only slower.
fn is_older_than(major: u32, minor: u32) -> bool {
    let release = nix::sys::utsname::uname().ok().map(|it| it.release().to_string_lossy().into_owned());
    let mut numbers = release.iter().flat_map(|it| it.split(['.', '-'])).map_while(|it| it.parse::<u32>().ok());
    let (first, second) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    (first, second) < (major, minor)
}

/// `NLMSG_ERROR`, which an acknowledgement is as well (code 0).
const ERROR: u16 = 2;
const BUFFER: usize = 4 << 20;
const AT_ONCE: usize = 8_000;
