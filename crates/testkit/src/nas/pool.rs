//! Requests under way: sockets with 256 identifiers each, more sockets as they run out, and retransmission.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use fleetward_fleet::Timestamp;

use super::packet::{Letterhead, Record, accounting_request, reset_request};
use super::{SessionRef, Stats, Timing};
use crate::random::Random;
use crate::wire::{ACCESS_ACCEPT, ACCESS_REJECT, ACCOUNTING_RESPONSE, View};

/// What a request is about.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Access { session: SessionRef },
    Record { session: SessionRef, record: Box<Record> },
    Reset { on: bool, at: Timestamp },
}

impl Content {
    /// An accounting request, delayed by the time since it happened.
    pub(super) fn to_wire(&self, head: &Letterhead, identifier: u8, now: Timestamp, secret: &[u8]) -> Vec<u8> {
        let delay = |at: Timestamp| u32::try_from(now.since(at).as_secs()).unwrap_or(u32::MAX);
        let packet = match self {
            Self::Record { record, .. } => accounting_request(head, record, identifier, delay(record.event_time)),
            Self::Reset { on, at } => reset_request(head, *on, *at, identifier, delay(*at)),
            Self::Access { .. } => unreachable!("an Access-Request is resent as it was"),
        };
        packet.finish_signed(secret)
    }

    fn expects(&self, code: u8) -> bool {
        match self {
            Self::Access { .. } => matches!(code, ACCESS_ACCEPT | ACCESS_REJECT),
            Self::Record { .. } | Self::Reset { .. } => code == ACCOUNTING_RESPONSE,
        }
    }
}

/// A proven answer to a request.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) content: Content,
    bytes: Vec<u8>,
}

impl Answer {
    /// The packet, if it is an Access-Accept.
    pub(super) fn accept(&self) -> Option<View<'_>> {
        View::parse(&self.bytes).filter(|view| view.code() == ACCESS_ACCEPT)
    }
}

#[derive(Debug)]
struct Waiting {
    content: Content,
    bytes: Vec<u8>,
    began: Instant,
    due: Instant,
    interval: Duration,
    attempts: u32,
}

#[derive(Debug)]
struct Port {
    socket: UdpSocket,
    slots: Vec<Option<Waiting>>,
    next: u8,
}

/// All requests of one kind to one server.
#[derive(Debug)]
pub(super) struct Pool {
    ip: IpAddr,
    pub(super) server: Option<SocketAddr>,
    ports: Vec<Port>,
}

impl Pool {
    pub(super) fn new(ip: IpAddr) -> Self {
        Self { ip, server: None, ports: Vec::new() }
    }

    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.ports.iter().map(|port| port.socket.as_fd())
    }

    pub(super) fn waiting(&self) -> usize {
        self.ports.iter().map(|port| port.slots.iter().flatten().count()).sum()
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.ports.iter().flat_map(|port| port.slots.iter().flatten()).filter_map(|waiting| match &waiting.content {
            Content::Record { record, .. } => Some(&**record),
            _ => None,
        })
    }

    /// Sends a new request; `to_wire` writes it for the identifier that is free.
    pub(super) fn send(
        &mut self,
        content: Content,
        interval: Duration,
        to_wire: impl FnOnce(u8) -> Vec<u8>,
    ) -> io::Result<()> {
        let now = Instant::now();
        let (port, identifier) = self.free()?;
        let bytes = to_wire(identifier);
        let waiting = Waiting { content, bytes, began: now, due: now + interval, interval, attempts: 1 };
        self.put(port, identifier, waiting)
    }

    /// Forgets everything under way.
    pub(super) fn clear(&mut self) {
        self.ports.iter_mut().for_each(|port| port.slots.fill_with(|| None));
    }

    /// Drops and returns interims of this session that are being retransmitted: a newer record overtakes them.
    pub(super) fn drop_overtaken(&mut self, session_id: &str) -> Vec<Record> {
        let overtaken = |waiting: &Waiting| {
            matches!(&waiting.content, Content::Record { record, .. }
                if waiting.attempts > 1 && record.status == super::Status::Interim && *record.session_id == *session_id)
        };
        let slots = self.ports.iter_mut().flat_map(|port| &mut port.slots);
        let dropped = slots.filter_map(|slot| slot.take_if(|waiting| overtaken(waiting)));
        dropped
            .filter_map(|waiting| match waiting.content {
                Content::Record { record, .. } => Some(*record),
                _ => None,
            })
            .collect()
    }

    /// Resends what is due as it was (Access-Requests); returns the sessions that are given up.
    pub(super) fn retransmit(
        &mut self,
        now: Instant,
        timing: Timing,
        random: &mut Random,
        stats: &mut Stats,
    ) -> io::Result<Vec<SessionRef>> {
        let mut given_up = Vec::new();
        let Some(server) = self.server else { return Ok(given_up) };
        for port in &mut self.ports {
            for slot in &mut port.slots {
                let Some(waiting) = slot.as_mut().filter(|waiting| waiting.due <= now) else { continue };
                if now.duration_since(waiting.began) >= timing.give_up {
                    if let Some(Waiting { content: Content::Access { session }, .. }) = slot.take() {
                        given_up.push(session);
                    }
                    continue;
                }
                waiting.again(now, timing, random);
                stats.sent += 1;
                stats.retransmits += 1;
                tolerate(port.socket.send_to(&waiting.bytes, server))?;
            }
        }
        Ok(given_up)
    }

    /// Sends what is due again under a new identifier and with a new delay (accounting).
    pub(super) fn send_again(
        &mut self,
        now: Instant,
        timing: Timing,
        random: &mut Random,
        stats: &mut Stats,
        to_wire: impl Fn(&Content, u8) -> Vec<u8>,
    ) -> io::Result<()> {
        let slots = self.ports.iter_mut().flat_map(|port| &mut port.slots);
        let due: Vec<Waiting> = slots.filter_map(|slot| slot.take_if(|waiting| waiting.due <= now)).collect();
        for mut waiting in due {
            let (port, identifier) = self.free()?;
            waiting.again(now, timing, random);
            waiting.bytes = to_wire(&waiting.content, identifier);
            stats.sent += 1;
            stats.retransmits += 1;
            self.put(port, identifier, waiting)?;
        }
        Ok(())
    }

    /// All answers that have arrived and are proven; others are counted.
    pub(super) fn receive(&mut self, secret: &[u8], stats: &mut Stats) -> io::Result<Vec<Answer>> {
        let mut answers = Vec::new();
        let mut buffer = [0; 4096];
        for port in &mut self.ports {
            while let Some((length, from)) = receive_one(&port.socket, &mut buffer)? {
                let datagram = &buffer[..length];
                if Some(from) != self.server {
                    stats.bad += 1;
                } else if let Some(answer) = port.take(datagram, secret) {
                    stats.answered += 1;
                    answers.push(answer);
                } else if port.is_late(datagram) {
                    stats.late += 1;
                } else {
                    stats.bad += 1;
                }
            }
        }
        Ok(answers)
    }

    fn put(&mut self, port: usize, identifier: u8, waiting: Waiting) -> io::Result<()> {
        let server = self.server.ok_or_else(|| io::Error::other("aim() the gateway at a server first"))?;
        let port = &mut self.ports[port];
        tolerate(port.socket.send_to(&waiting.bytes, server))?;
        port.slots[usize::from(identifier)] = Some(waiting);
        Ok(())
    }

    /// A free identifier, the one used longest ago first; a new socket where there is none.
    fn free(&mut self) -> io::Result<(usize, u8)> {
        for (index, port) in self.ports.iter_mut().enumerate() {
            let start = port.next;
            let free =
                (0..=255_u8).map(|step| start.wrapping_add(step)).find(|id| port.slots[usize::from(*id)].is_none());
            if let Some(identifier) = free {
                port.next = identifier.wrapping_add(1);
                return Ok((index, identifier));
            }
        }
        let socket = UdpSocket::bind((self.ip, 0))?;
        socket.set_nonblocking(true)?;
        self.ports.push(Port { socket, slots: (0..256).map(|_| None).collect(), next: 1 });
        Ok((self.ports.len() - 1, 0))
    }
}

impl Port {
    fn take(&mut self, datagram: &[u8], secret: &[u8]) -> Option<Answer> {
        let view = View::parse(datagram)?;
        let slot = &mut self.slots[usize::from(view.identifier())];
        let request = View::parse(&slot.as_ref()?.bytes)?.authenticator();
        let waiting = slot.take_if(|waiting| waiting.content.expects(view.code()) && view.answers(&request, secret))?;
        Some(Answer { content: waiting.content, bytes: datagram.to_vec() })
    }

    /// Whether nothing waits under the identifier of this well-formed packet.
    fn is_late(&self, datagram: &[u8]) -> bool {
        View::parse(datagram).is_some_and(|view| self.slots[usize::from(view.identifier())].is_none())
    }
}

impl Waiting {
    fn again(&mut self, now: Instant, timing: Timing, random: &mut Random) {
        self.attempts += 1;
        self.interval = (self.interval * 2).min(timing.cap);
        let jitter = 0.9 + f64::from(random.next_u32()) / f64::from(u32::MAX) / 5.0;
        self.due = now + self.interval.mul_f64(jitter);
    }
}

/// One datagram, if there is one.
pub(super) fn receive_one(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Option<(usize, SocketAddr)>> {
    match socket.recv_from(buffer) {
        Ok(received) => Ok(Some(received)),
        Err(error) if is_passing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A server that is down or a full queue is no error of the gateway: it sends again.
pub(super) fn tolerate(sent: io::Result<usize>) -> io::Result<()> {
    match sent {
        Ok(_) => Ok(()),
        Err(error) if is_passing(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::WouldBlock
            | Kind::Interrupted
            | Kind::ConnectionRefused
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
    ) || error.raw_os_error() == Some(nix::libc::ENOBUFS)
}
