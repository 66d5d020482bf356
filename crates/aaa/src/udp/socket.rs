//! One UDP socket: bound with its buffers, received from and sent to in batches of system calls.
//!
//! `recvmmsg`/`sendmmsg` through `nix`'s safe wrappers. Control messages are not used: `nix` 0.31 gives the kernel back
//! the control length of the previous call, so one datagram without a control message would end them for good. Kernel
//! drops therefore come from `/proc/net/udp{,6}` ([`super::drops`]), and the source address of an answer is right only
//! when each address is bound by itself (a wildcard warns at start).

use std::cell::RefCell;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};
use socket2::{Domain, Protocol, SockAddr, Type};

/// Datagrams per system call.
pub(crate) const BATCH: usize = 64;
/// Octets per datagram: what is longer is no RADIUS packet, or padding.
pub(crate) const DATAGRAM: usize = fleetward_radius::MAX_PACKET;
/// How long a receive waits before it looks whether it should stop.
const WAKE: Duration = Duration::from_millis(200);

/// A bound socket.
#[derive(Debug)]
pub(crate) struct Socket {
    udp: UdpSocket,
    /// Where it is bound, with the real port.
    pub(crate) local: SocketAddr,
    /// The receive buffer that the kernel granted, octets (half of what it reports: the rest is its own overhead).
    pub(crate) receive_buffer: usize,
}

impl Socket {
    /// Binds. `share` sets `SO_REUSEPORT`, for several sockets at one address.
    pub(crate) fn bind(address: SocketAddr, share: bool, receive_buffer: usize) -> io::Result<Self> {
        let socket = socket2::Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_port(share)?;
        socket.set_recv_buffer_size(receive_buffer)?;
        socket.set_send_buffer_size(receive_buffer)?;
        socket.set_read_timeout(Some(WAKE))?;
        socket.bind(&SockAddr::from(address))?;
        let granted = socket.recv_buffer_size()? / 2;
        let udp = UdpSocket::from(socket);
        let local = udp.local_addr()?;
        Ok(Self { udp, local, receive_buffer: granted })
    }

    /// Whether it is bound to every address of the machine.
    pub(crate) fn is_wildcard(&self) -> bool {
        self.local.ip().is_unspecified()
    }

    /// Receives what is there, at least one datagram, at most [`BATCH`]. Empty after [`WAKE`] without any.
    pub(crate) fn receive(&self, inbox: &mut Inbox) -> io::Result<()> {
        inbox.datagrams.clear();
        let mut slices = inbox.buffer.chunks_exact_mut(DATAGRAM);
        let mut vectors: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(slices.next().expect("the buffer holds BATCH datagrams"))]);
        let fd = self.udp.as_raw_fd();
        let received = match recvmmsg(fd, &mut inbox.headers, &mut vectors, MsgFlags::MSG_WAITFORONE, None) {
            Ok(received) => received,
            // Nothing came, or a signal did, or an earlier answer was refused by its receiver's machine.
            Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for (slot, message) in received.enumerate() {
            if let Some(from) = message.address.as_ref().and_then(to_std) {
                inbox.datagrams.push(Datagram { from, start: slot * DATAGRAM, length: message.bytes });
            }
        }
        Ok(())
    }

    /// Sends all without waiting; returns how many the kernel would not take.
    pub(crate) fn send(&self, mail: &[Mail], octets: &[u8]) -> usize {
        mail.chunks(BATCH).map(|chunk| self.send_chunk(chunk, octets)).sum()
    }

    fn send_chunk(&self, mail: &[Mail], octets: &[u8]) -> usize {
        thread_local! {
            static HEADERS: RefCell<MultiHeaders<SockaddrStorage>> =
                RefCell::new(MultiHeaders::preallocate(BATCH, None));
        }
        let mut failed = 0;
        let mut rest = mail;
        while !rest.is_empty() {
            let slices: Vec<[IoSlice<'_>; 1]> =
                rest.iter().map(|mail| [IoSlice::new(&octets[mail.octets.clone()])]).collect();
            let to: Vec<Option<SockaddrStorage>> = rest.iter().map(|mail| Some(mail.to.into())).collect();
            let sent = HEADERS.with_borrow_mut(|headers| {
                let fd = self.udp.as_raw_fd();
                sendmmsg(fd, headers, &slices, &to, [], MsgFlags::MSG_DONTWAIT).map(Iterator::count)
            });
            match sent {
                Ok(sent) if sent > 0 => rest = &rest[sent..],
                Err(Errno::EINTR) => {}
                // The first of the rest cannot be sent (no route, no room): leave it out, the peer asks again.
                _ => {
                    failed += 1;
                    rest = &rest[1..];
                }
            }
        }
        failed
    }
}

/// One answer on its way: to whom, and where its octets are.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) to: SocketAddr,
    pub(crate) octets: Range<usize>,
}

/// One received datagram, as a place in its [`Inbox`].
#[derive(Debug, Clone, Copy)]
struct Datagram {
    from: SocketAddr,
    start: usize,
    length: usize,
}

/// Room for a batch, used again and again by one thread.
pub(crate) struct Inbox {
    buffer: Box<[u8]>,
    headers: MultiHeaders<SockaddrStorage>,
    datagrams: Vec<Datagram>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; BATCH * DATAGRAM].into(),
            headers: MultiHeaders::preallocate(BATCH, None),
            datagrams: Vec::with_capacity(BATCH),
        }
    }

    /// Nothing came.
    pub(crate) fn is_empty(&self) -> bool {
        self.datagrams.is_empty()
    }

    /// The datagrams of the last receive, with their octets.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        self.datagrams.iter().map(|d| (d.from, &self.buffer[d.start..d.start + d.length]))
    }
}

fn to_std(address: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddr::from((v4.ip(), v4.port())));
    }
    // The scope stays: without it an answer to a link-local address does not leave.
    address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into()))
}

/// Whether nobody is bound there. Asked before `SO_REUSEPORT`, which would silently share a port with another program
/// of ours and lose half of the packets to it.
pub(crate) fn is_free(address: SocketAddr) -> io::Result<()> {
    Socket::bind(address, false, 4096).map(drop)
}
