//! Datagrams to a target, and what that very address sends back.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::{Door, MAX_OCTETS};
use crate::scope::Target;

/// Datagrams that one conversation may bring in.
const MAX_DATAGRAMS: u32 = 64;

/// A conversation over UDP with one host.
#[derive(Debug)]
pub struct Datagrams {
    door: Door,
    target: Target,
    port: u16,
    socket: UdpSocket,
    octets_left: usize,
    answers_left: u32,
}

impl Door {
    /// Sends one datagram and returns the first answer of that very address and port (at most 64 KiB), or `TimedOut`;
    /// `ConnectionRefused` where the host says that the port is closed.
    pub async fn udp(&self, target: Target, port: u16, request: &[u8], wait: Duration) -> io::Result<Vec<u8>> {
        let mut line = self.datagrams(target, port)?;
        line.say(request).await?;
        let deadline = Instant::now() + wait;
        loop {
            let (from, answer) = line.hear(deadline).await?;
            if from == port {
                return Ok(answer);
            }
        }
    }

    /// A conversation in which the host may answer from another port than the one that was asked, as TFTP does
    /// (RFC 1350 §4) and many SSDP servers.
    ///
    /// # Errors
    /// As the socket.
    pub fn datagrams(&self, target: Target, port: u16) -> io::Result<Datagrams> {
        let socket = std::net::UdpSocket::bind(SocketAddr::new(source(target)?, 0))?;
        socket.set_nonblocking(true)?;
        // The socket is not connected, for the other port; what ICMP says of it is to be had only so (ip(7)).
        if target.address().is_ipv4() {
            setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
        } else {
            setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
        }
        let socket = UdpSocket::from_std(socket)?;
        Ok(Datagrams { door: self.clone(), target, port, socket, octets_left: MAX_OCTETS, answers_left: MAX_DATAGRAMS })
    }
}

/// The address that speaks to the target.
fn source(target: Target) -> io::Result<IpAddr> {
    let any = if target.address().is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = std::net::UdpSocket::bind(any)?;
    // Port 9 (discard): connecting sends nothing, it asks the routing table.
    socket.connect(SocketAddr::new(target.address(), 9))?;
    Ok(socket.local_addr()?.ip())
}

impl Datagrams {
    /// Where answers come to.
    ///
    /// # Errors
    /// As the socket.
    pub fn local(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Waits for the host's turn, sends.
    ///
    /// # Errors
    /// As the socket; `ConnectionRefused` where the host said before that the port is closed.
    pub async fn say(&self, octets: &[u8]) -> io::Result<()> {
        self.say_to(self.port, octets).await
    }

    /// The same, to the port that an answer came from.
    ///
    /// # Errors
    /// As [`Datagrams::say`].
    pub async fn say_to(&self, port: u16, octets: &[u8]) -> io::Result<()> {
        self.door.turn(&self.door.pace(self.target)).await;
        self.socket.send_to(octets, SocketAddr::new(self.target.address(), port)).await.map(drop)
    }

    /// The next datagram of the host, with the port that it came from; what others send is passed over.
    ///
    /// # Errors
    /// `TimedOut` at the deadline, `ConnectionRefused` where the port is closed, `QuotaExceeded` beyond what one
    /// conversation may bring in.
    pub async fn hear(&mut self, deadline: Instant) -> io::Result<(u16, Vec<u8>)> {
        let mut answer = vec![0; 65_536];
        loop {
            if self.answers_left == 0 || self.octets_left == 0 {
                return Err(io::ErrorKind::QuotaExceeded.into());
            }
            let got = timeout_at(deadline, self.socket.recv_from(&mut answer)).await;
            let (length, from) = got.map_err(|_| io::ErrorKind::TimedOut)??;
            self.answers_left -= 1;
            if from.ip().to_canonical() == self.target.address() {
                self.octets_left = self.octets_left.saturating_sub(length);
                answer.truncate(length);
                return Ok((from.port(), answer));
            }
        }
    }
}
