//! What is outstanding: under one lock, held for microseconds.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use fleetward_fleet::{ResponseId, Timestamp};
use fleetward_radius::dae::{self, Sent};

use super::pool::Lane;
use super::profile::NasProfile;
use super::{Answer, Inner, Request, cannot, plain, request};
use crate::machine::NasAnswer;

/// What tells requests apart on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot {
    pub(super) port: usize,
    pub(super) to: SocketAddr,
    pub(super) identifier: u8,
}

#[derive(Default)]
pub(super) struct State {
    sockets_v4: Vec<Arc<UdpSocket>>,
    sockets_v6: Vec<Arc<UdpSocket>>,
    lanes: HashMap<SocketAddr, Lane>,
    pending: HashMap<Slot, Pending>,
    by_response: HashMap<ResponseId, Slot>,
    timers: BTreeSet<(Instant, Slot)>,
    waiting: VecDeque<(Arc<NasProfile>, Request)>,
}

struct Pending {
    request: Request,
    profile: Arc<NasProfile>,
    signed: Sent,
    sent: u32,
    due: Instant,
    trouble: Option<String>,
}

impl State {
    /// Sends, or queues. `Some` is an answer to give at once.
    pub(super) fn send(
        &mut self,
        inner: &Arc<Inner>,
        profile: Arc<NasProfile>,
        request: Request,
        now: Instant,
    ) -> Option<NasAnswer> {
        if self.waiting.iter().any(|(other, _)| other.to == profile.to) {
            return Some(self.wait(inner, profile, request)); // first come, first served
        }
        match self.try_send(inner, profile, request, now) {
            Ok(answer) => answer,
            Err((profile, request)) => Some(self.wait(inner, profile, request)),
        }
    }

    /// `Err` gives the request back: no identifier is free.
    #[expect(clippy::result_large_err, reason = "the request is moved back to wait; boxing it would cost every send")]
    fn try_send(
        &mut self,
        inner: &Arc<Inner>,
        profile: Arc<NasProfile>,
        request: Request,
        now: Instant,
    ) -> Result<Option<NasAnswer>, (Arc<NasProfile>, Request)> {
        let to = plain(profile.to);
        let config = inner.config;
        let lane = self.lanes.entry(to).or_insert_with(|| Lane::new(config.ports, config.identifier_rest));
        let Some((port, identifier)) = lane.take(now) else { return Err((profile, request)) };
        let slot = Slot { port, to, identifier };
        let Request { key_set, session_timeout_secs, .. } = request;
        let at = (inner.clock)();
        let built = request::build(&profile, key_set, &request.target, session_timeout_secs, identifier, at);
        let ready = built.and_then(|signed| match self.socket(inner, slot) {
            Ok(_) => Ok(signed),
            Err(error) => Err(format!("no source port: {error}")),
        });
        let signed = match ready {
            Ok(signed) => signed,
            Err(reason) => {
                self.rest(slot, now);
                return Ok(Some(NasAnswer::CannotSend { reason }));
            }
        };
        self.by_response.insert(request.id, slot);
        let pending = Pending { request, profile, signed, sent: 0, due: now, trouble: None };
        self.pending.insert(slot, pending);
        self.transmit(inner, slot, now);
        Ok(None)
    }

    fn wait(&mut self, inner: &Inner, profile: Arc<NasProfile>, request: Request) -> NasAnswer {
        if self.waiting.len() >= MAX_WAITING {
            return cannot("too many requests wait for a free identifier");
        }
        inner.counters.queued.fetch_add(1, Ordering::Relaxed);
        self.waiting.push_back((profile, request));
        NasAnswer::Queued
    }

    /// The same datagram, for the first time or again.
    fn transmit(&mut self, inner: &Arc<Inner>, slot: Slot, now: Instant) {
        let socket = self.socket(inner, slot).cloned();
        let Some(pending) = self.pending.get_mut(&slot) else { return };
        let sent = socket.and_then(|socket| socket.send_to(pending.signed.bytes(), slot.to));
        pending.trouble = sent.err().map(|error| error.to_string());
        if pending.sent > 0 {
            inner.counters.retransmitted.fetch_add(1, Ordering::Relaxed);
        }
        inner.counters.sent.fetch_add(1, Ordering::Relaxed);
        pending.sent += 1;
        self.timers.remove(&(pending.due, slot));
        pending.due = now + jittered(pending.profile.retransmit.pause(pending.sent));
        self.timers.insert((pending.due, slot));
    }

    /// A datagram for this slot: the answer, if it is one.
    pub(super) fn answered(&mut self, slot: Slot, datagram: &[u8], at: Timestamp, now: Instant) -> Option<Answer> {
        let pending = self.pending.get(&slot)?;
        let answer = read(&pending.signed, datagram, &pending.profile, at)?;
        let (id, attempt) = (pending.request.id, pending.request.attempt);
        self.end(slot, now);
        Some(Answer { id, attempt, answer })
    }

    pub(super) fn forget(&mut self, id: ResponseId, now: Instant) {
        if let Some(slot) = self.by_response.get(&id).copied() {
            self.end(slot, now);
        }
        self.waiting.retain(|(_, request)| request.id != id);
    }

    pub(super) fn poll(&mut self, inner: &Arc<Inner>, now: Instant, answers: &mut Vec<Answer>) -> Option<Instant> {
        while let Some((due, slot)) = self.timers.first().copied().filter(|(due, _)| *due <= now) {
            self.timers.remove(&(due, slot));
            let Some(pending) = self.pending.get(&slot) else { continue };
            if pending.sent < pending.profile.retransmit.sends {
                self.transmit(inner, slot, now);
                continue;
            }
            let reason = pending.trouble.clone();
            let answer = reason.map_or(NasAnswer::Timeout, |reason| NasAnswer::CannotSend { reason });
            answers.push(Answer { id: pending.request.id, attempt: pending.request.attempt, answer });
            inner.counters.timeouts.fetch_add(1, Ordering::Relaxed);
            self.end(slot, now);
        }
        self.serve_waiting(inner, now, answers);
        let next = self.timers.first().map(|(due, _)| *due);
        let look = (!self.waiting.is_empty()).then_some(now + WAITING_LOOK);
        next.into_iter().chain(look).min()
    }

    fn serve_waiting(&mut self, inner: &Arc<Inner>, now: Instant, answers: &mut Vec<Answer>) {
        let mut blocked: Vec<SocketAddr> = Vec::new();
        for _ in 0..self.waiting.len() {
            let Some((profile, request)) = self.waiting.pop_front() else { break };
            if blocked.contains(&profile.to) {
                self.waiting.push_back((profile, request));
                continue;
            }
            let (id, attempt) = (request.id, request.attempt);
            match self.try_send(inner, profile, request, now) {
                Ok(None) => {}
                Ok(Some(answer)) => answers.push(Answer { id, attempt, answer }),
                Err((profile, request)) => {
                    blocked.push(profile.to);
                    self.waiting.push_back((profile, request));
                }
            }
        }
    }

    fn end(&mut self, slot: Slot, now: Instant) {
        if let Some(pending) = self.pending.remove(&slot) {
            self.timers.remove(&(pending.due, slot));
            self.by_response.remove(&pending.request.id);
            self.rest(slot, now);
        }
    }

    fn rest(&mut self, slot: Slot, now: Instant) {
        if let Some(lane) = self.lanes.get_mut(&slot.to) {
            lane.put_back(slot.port, slot.identifier, now);
        }
    }

    /// A failure here is met again, and reported, by the first request.
    pub(super) fn open_first_ports(&mut self, inner: &Arc<Inner>) {
        for profile in inner.profiles.values() {
            let slot = Slot { port: 0, to: plain(profile.to), identifier: 0 };
            if let Err(error) = self.socket(inner, slot) {
                tracing::warn!(nas = &*profile.name, %error, "no source port for Disconnect-Requests");
            }
        }
    }

    /// The socket of a port number; opened, with a thread that listens on it, when it is first needed.
    fn socket(&mut self, inner: &Arc<Inner>, slot: Slot) -> io::Result<&Arc<UdpSocket>> {
        let sockets = if slot.to.is_ipv4() { &mut self.sockets_v4 } else { &mut self.sockets_v6 };
        while sockets.len() <= slot.port {
            let socket = Arc::new(UdpSocket::bind(inner.bind_address(slot.to))?);
            socket.set_read_timeout(Some(STOP_LOOK))?;
            listen(Arc::downgrade(inner), Arc::clone(&socket), sockets.len())?;
            sockets.push(socket);
        }
        sockets.get(slot.port).ok_or_else(|| io::Error::other("no such source port"))
    }

    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

fn listen(inner: Weak<Inner>, socket: Arc<UdpSocket>, port: usize) -> io::Result<()> {
    let run = move || {
        let mut buffer = [0; fleetward_radius::MAX_PACKET];
        loop {
            let received = socket.recv_from(&mut buffer);
            let Some(inner) = inner.upgrade().filter(|inner| !inner.stopped.load(Ordering::Relaxed)) else { return };
            match received {
                Ok((length, from)) => inner.received(port, from, &buffer[..length]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                // An ICMP error of an earlier send, or a signal: nothing that reading again would not get over.
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        }
    };
    thread::Builder::new().name(format!("dac-{port}")).spawn(run).map(drop)
}

/// What the datagram says, where it is a true answer to what was sent; anything else changes nothing.
fn read(signed: &Sent, datagram: &[u8], profile: &NasProfile, at: Timestamp) -> Option<NasAnswer> {
    Some(match signed.check(datagram, profile.secret.reveal(), at.secs()).ok()? {
        dae::Answer::Ack { .. } => NasAnswer::Ack,
        dae::Answer::Nak { cause } => NasAnswer::Nak { error_cause: cause.map(|cause| cause.0) },
    })
}

/// Up to a quarter more or less, so that many requests do not come again together.
fn jittered(pause: Duration) -> Duration {
    let mut random = [0_u8; 2];
    if getrandom::fill(&mut random).is_err() {
        return pause;
    }
    pause.mul_f32(0.75 + f32::from(u16::from_be_bytes(random)) / 65_536.0 / 2.0)
}

/// The most requests that wait for an identifier.
const MAX_WAITING: usize = 10_000;
/// How often those that wait are looked at.
const WAITING_LOOK: Duration = Duration::from_secs(1);
/// How often a listening thread looks whether it shall stop.
const STOP_LOOK: Duration = Duration::from_millis(250);
