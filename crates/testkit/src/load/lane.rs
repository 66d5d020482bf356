//! One connected socket and its 256 identifiers.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use fleetward_fleet::Timestamp;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmmsg};

use super::histogram::Histogram;
use super::template::Plan;
use super::{Kind, Load, LoadReport};
use crate::wire::{ACCESS_ACCEPT, ACCESS_REJECT, ACCOUNTING_RESPONSE, View};

/// Octets kept for each request; ours have at most about 400.
const STRIDE: usize = 512;
/// Datagrams in one system call.
const BATCH: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Slot {
    length: usize,
    authenticator: [u8; 16],
    first_sent: Instant,
    sent: Instant,
    busy: bool,
    duplicate: bool,
}

pub(super) struct Lane {
    pub(super) socket: UdpSocket,
    window: usize,
    slots: Vec<Slot>,
    /// Free identifiers, the one used longest ago first.
    free: VecDeque<u8>,
    packets: Vec<u8>,
    answers: Vec<u8>,
    headers: MultiHeaders<SockaddrStorage>,
    unsent: Vec<u8>,
}

impl Lane {
    pub(super) fn connect(load: &Load) -> io::Result<Self> {
        let socket = UdpSocket::bind((load.source, 0))?;
        socket.connect(load.server)?;
        socket.set_nonblocking(true)?;
        let now = Instant::now();
        let idle =
            Slot { length: 0, authenticator: [0; 16], first_sent: now, sent: now, busy: false, duplicate: false };
        Ok(Self {
            socket,
            window: load.window.clamp(1, 256),
            slots: vec![idle; 256],
            free: (0..=255).collect(),
            packets: vec![0; 256 * STRIDE],
            answers: vec![0; BATCH * STRIDE],
            headers: MultiHeaders::preallocate(BATCH, None),
            unsent: Vec::with_capacity(256),
        })
    }

    pub(super) fn under_way(&self) -> usize {
        256 - self.free.len()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.free.len() == 256
    }

    /// Opens requests until the window is full or the plan has no more, and sends them.
    pub(super) fn fill(&mut self, plan: &mut Plan, bound: u64, at: Timestamp, now: Instant) -> io::Result<()> {
        while self.under_way() < self.window {
            let Some(request) = plan.next(bound, at) else { break };
            let Some(identifier) = self.free.pop_front() else { break };
            let place = usize::from(identifier) * STRIDE;
            let (length, authenticator) = plan.write(request, identifier, &mut self.packets[place..place + STRIDE]);
            let duplicate = request.duplicate;
            self.slots[usize::from(identifier)] =
                Slot { length, authenticator, first_sent: now, sent: now, busy: true, duplicate };
            self.unsent.push(identifier);
        }
        self.send()
    }

    /// Sends again, as it was, what has waited this long.
    pub(super) fn retransmit(&mut self, now: Instant, after: Duration) -> io::Result<u64> {
        for (identifier, slot) in self.slots.iter_mut().enumerate().filter(|(_, slot)| slot.busy) {
            if now.saturating_duration_since(slot.sent) >= after {
                slot.sent = now;
                self.unsent.push(identifier as u8);
            }
        }
        let count = self.unsent.len() as u64;
        self.send()?;
        Ok(count)
    }

    /// Reads all answers that are there; says whether any was proven.
    pub(super) fn drain(&mut self, load: &Load, times: &mut Histogram, report: &mut LoadReport) -> io::Result<bool> {
        let mut any = false;
        loop {
            let lengths = self.receive()?;
            let now = Instant::now();
            for (place, length) in lengths.iter().enumerate() {
                let answer = place * STRIDE..place * STRIDE + length.min(&STRIDE);
                match self.check(load, answer) {
                    Some((slot, rejected)) => {
                        any = true;
                        times.record(now.saturating_duration_since(slot.first_sent));
                        report.requests += u64::from(!slot.duplicate);
                        report.duplicates += u64::from(slot.duplicate);
                        report.rejected += u64::from(rejected);
                    }
                    None => report.bad += 1,
                }
            }
            if lengths.len() < BATCH {
                return Ok(any);
            }
        }
    }

    /// Frees and returns the slot that this answer proves to belong to.
    fn check(&mut self, load: &Load, answer: std::ops::Range<usize>) -> Option<(Slot, bool)> {
        let view = View::parse(&self.answers[answer])?;
        let slot = &mut self.slots[usize::from(view.identifier())];
        let expected = match load.kind {
            Kind::Accounting { .. } => view.code() == ACCOUNTING_RESPONSE,
            Kind::Admission => matches!(view.code(), ACCESS_ACCEPT | ACCESS_REJECT),
        };
        let must_have_mac = load.kind == Kind::Admission && load.require_message_authenticator;
        let proven = slot.busy
            && expected
            && view.answers(&slot.authenticator, load.secret.reveal())
            && (!must_have_mac || view.has_mac());
        if !proven {
            return None;
        }
        slot.busy = false;
        self.free.push_back(view.identifier());
        Some((*slot, view.code() == ACCESS_REJECT))
    }

    /// A full queue or a server that is down costs a retransmit, no more.
    fn send(&mut self) -> io::Result<()> {
        for batch in self.unsent.chunks(BATCH) {
            let slices: Vec<[IoSlice<'_>; 1]> = batch
                .iter()
                .map(|id| usize::from(*id))
                .map(|id| [IoSlice::new(&self.packets[id * STRIDE..id * STRIDE + self.slots[id].length])])
                .collect();
            let nowhere = [None::<SockaddrStorage>; BATCH];
            let no_control: [ControlMessage<'_>; 0] = [];
            let fd = self.socket.as_raw_fd();
            let sent = sendmmsg(fd, &mut self.headers, &slices, &nowhere[..batch.len()], no_control, MsgFlags::empty());
            match sent {
                Ok(_) | Err(Errno::EAGAIN | Errno::ECONNREFUSED | Errno::ENOBUFS | Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.unsent.clear();
        Ok(())
    }

    fn receive(&mut self) -> io::Result<Vec<usize>> {
        let mut slices: Vec<[IoSliceMut<'_>; 1]> =
            self.answers.chunks_exact_mut(STRIDE).map(|chunk| [IoSliceMut::new(chunk)]).collect();
        let fd = self.socket.as_raw_fd();
        match recvmmsg(fd, &mut self.headers, &mut slices, MsgFlags::MSG_DONTWAIT, None) {
            Ok(received) => Ok(received.map(|message| message.bytes).collect()),
            Err(Errno::EAGAIN | Errno::ECONNREFUSED | Errno::EINTR) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}
