//! The gateway's side of RFC 5176: Disconnect and CoA.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::pool::{receive_one, tolerate};
use super::{Event, Live, Nas, Obedience, SessionRef, State, cause};
use crate::wire::{COA_ACK, COA_NAK, COA_REQUEST, DISCONNECT_ACK, DISCONNECT_NAK, DISCONNECT_REQUEST, View, Writer};

/// An answer that a repeated request gets again, octet by octet (RFC 5176 §2.3).
#[derive(Debug)]
pub(super) struct Remembered {
    from: SocketAddr,
    identifier: u8,
    authenticator: [u8; 16],
    answer: Vec<u8>,
    at: Instant,
}

/// How old an Event-Timestamp may be, and how long answers are remembered (RFC 5176 §6.3).
const WINDOW: Duration = Duration::from_mins(5);
const MISSING_ATTRIBUTE: u32 = 402;
const NAS_MISMATCH: u32 = 403;
const SESSION_NOT_FOUND: u32 = 503;

impl Nas {
    /// Answers all requests that have arrived.
    pub(super) fn listen(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        let mut buffer = [0; 4096];
        while let Some((length, from)) = receive_one(&self.dae, &mut buffer)? {
            match self.answer(&buffer[..length], from, events) {
                Some(answer) => tolerate(self.dae.send_to(&answer, from))?,
                None => self.stats.dae_dropped += 1,
            }
        }
        Ok(())
    }

    fn answer(&mut self, datagram: &[u8], from: SocketAddr, events: &mut Vec<Event>) -> Option<Vec<u8>> {
        let request = View::parse(datagram).filter(|view| view.is_signed(self.secret.reveal()))?;
        let is_disconnect = match request.code() {
            DISCONNECT_REQUEST => true,
            COA_REQUEST => false,
            _ => return None,
        };
        if !self.is_fresh(&request) || self.obedience == Obedience::Silent {
            return None;
        }
        self.dae_answers.retain(|known| known.at.elapsed() < WINDOW);
        if let Some(known) = self.dae_answers.iter().find(|known| known.is_to(&request, from)) {
            return Some(known.answer.clone());
        }
        let outcome =
            self.matching(&request).and_then(|sessions| self.carry_out(is_disconnect, &request, sessions, events));
        let answer = self.write_answer(&request, is_disconnect, outcome);
        let (identifier, authenticator) = (request.identifier(), request.authenticator());
        self.dae_answers.push_back(Remembered {
            from,
            identifier,
            authenticator,
            answer: answer.clone(),
            at: Instant::now(),
        });
        Some(answer)
    }

    fn is_fresh(&self, request: &View<'_>) -> bool {
        let now = (self.clock)().secs();
        request.number(55).is_none_or(|at| now.abs_diff(i64::from(at)) <= WINDOW.as_secs())
    }

    /// The open sessions that every identification attribute fits (RFC 5176 §3).
    fn matching(&self, request: &View<'_>) -> Result<Vec<SessionRef>, u32> {
        let ours = [
            Some(self.head.address),
            self.dae.local_addr().ok().and_then(|at| match at.ip() {
                std::net::IpAddr::V4(ip) => Some(ip),
                std::net::IpAddr::V6(_) => None,
            }),
        ];
        let is_us = |value: &[u8]| ours.iter().flatten().any(|ip| ip.octets() == value);
        if request.first(4).is_some_and(|value| !is_us(value))
            || request.text(32).is_some_and(|name| *name != *self.head.name)
        {
            return Err(NAS_MISMATCH);
        }
        let keys = [1, 8, 31, 44].iter().any(|kind| request.first(*kind).is_some()) || request.tgpp(1).is_some();
        if !keys {
            return Err(MISSING_ATTRIBUTE);
        }
        let open = self.sessions.iter().filter(|(_, live)| live.state == State::Open && live.stop_due.is_none());
        let found: Vec<_> = open.filter(|(_, live)| fits(live, request)).map(|(session, _)| *session).collect();
        if found.is_empty() { Err(SESSION_NOT_FOUND) } else { Ok(found) }
    }

    fn carry_out(
        &mut self,
        is_disconnect: bool,
        request: &View<'_>,
        sessions: Vec<SessionRef>,
        events: &mut Vec<Event>,
    ) -> Result<(), u32> {
        for session in sessions {
            if !is_disconnect {
                events.push(Event::Changed(session, request.number(27)));
                continue;
            }
            events.push(Event::Disconnected(session, Instant::now()));
            match self.obedience {
                Obedience::Refuses(error) => return Err(error),
                Obedience::SaysYesDoesNothing | Obedience::Silent => {}
                Obedience::Obeys(after) => {
                    if let Some(live) = self.sessions.get_mut(&session) {
                        live.stop_due = Some((Instant::now() + after, cause::ADMIN_RESET));
                    }
                }
            }
        }
        Ok(())
    }

    fn write_answer(&mut self, request: &View<'_>, is_disconnect: bool, outcome: Result<(), u32>) -> Vec<u8> {
        let (ack, nak) = if is_disconnect { (DISCONNECT_ACK, DISCONNECT_NAK) } else { (COA_ACK, COA_NAK) };
        let mut answer = Writer::new(if outcome.is_ok() { ack } else { nak }, request.identifier());
        answer.message_authenticator();
        match outcome {
            Ok(()) => self.stats.dae_acks += 1,
            Err(error) => {
                self.stats.dae_naks += 1;
                if error != 0 {
                    answer.number(101, error);
                }
            }
        }
        request.attributes().filter(|(kind, _)| *kind == 33).for_each(|(_, state)| {
            answer.octets(33, state);
        });
        answer.finish_answer(&request.authenticator(), self.secret.reveal())
    }
}

impl Remembered {
    fn is_to(&self, request: &View<'_>, from: SocketAddr) -> bool {
        self.from == from && self.identifier == request.identifier() && self.authenticator == request.authenticator()
    }
}

fn fits(live: &Live, request: &View<'_>) -> bool {
    let text = |kind: u8, own: &str| request.first(kind).is_none_or(|value| value == own.as_bytes());
    let msisdn = live.sim.msisdn.reveal();
    text(44, &live.id)
        && text(1, &msisdn)
        && text(31, &msisdn)
        && text(30, &live.sim.apn)
        && request.first(8).is_none_or(|value| value == live.ip.octets())
        && request.tgpp(1).is_none_or(|value| value == live.sim.imsi.reveal().as_bytes())
        && request.tgpp(10).is_none_or(|value| value == b"5")
}
