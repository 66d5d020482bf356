//! The Dynamic Authorization Client (RFC 5176): asks a NAS to end a session or to shorten it.
//!
//! # Invariants
//!
//! * Requests go to the profile's address, and answers count only from there, with the right secret.
//! * A retransmission is the same datagram: identifier, port, authenticator and Event-Timestamp are not refreshed.
//! * An identifier is not used again on its port within the rest (`pool.rs`); what does not fit waits in order.
//! * One request for a response: a new one supersedes the old one, whose late answer is then ignored.
//!
//! Sending happens on the caller's thread (the time to stop matters); one thread per source port listens.

mod pool;
mod profile;
mod request;
mod state;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fleetward_fleet::{ResponseId, Timestamp};

pub use profile::{Key, NasProfile, Retransmit, SessionTarget};
use state::{Slot, State};

use crate::machine::NasAnswer;

/// The most source ports.
pub const MAX_PORTS: usize = 64;

/// How the client's own side is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DacConfig {
    /// The IPv4 address to send from.
    pub bind_v4: Ipv4Addr,
    /// The IPv6 address to send from.
    pub bind_v6: Ipv6Addr,
    /// The most source ports a family, 1 to [`MAX_PORTS`]; each allows 256 requests per NAS and rest.
    pub ports: usize,
    /// How long an identifier rests (RFC 5176 §6.3: 300 s).
    pub identifier_rest: Duration,
}

impl Default for DacConfig {
    fn default() -> Self {
        Self {
            bind_v4: Ipv4Addr::UNSPECIFIED,
            bind_v6: Ipv6Addr::UNSPECIFIED,
            ports: 8,
            identifier_rest: Duration::from_mins(5),
        }
    }
}

/// One request to one NAS.
#[derive(Debug, Clone)]
pub struct Request {
    /// For which response.
    pub id: ResponseId,
    /// Comes back in the answer.
    pub attempt: u32,
    /// The NAS, by the name of its profile.
    pub nas: Box<str>,
    /// Which of the profile's key sets.
    pub key_set: usize,
    /// The session.
    pub target: SessionTarget,
    /// `None`: Disconnect-Request. Otherwise CoA-Request with this Session-Timeout.
    pub session_timeout_secs: Option<u32>,
}

/// What became of a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Of which response.
    pub id: ResponseId,
    /// Of which attempt.
    pub attempt: u32,
    /// What it was.
    pub answer: NasAnswer,
}

/// What the client counts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Datagrams sent, retransmissions included.
    pub sent: AtomicU64,
    /// Retransmissions.
    pub retransmitted: AtomicU64,
    /// ACKs.
    pub acks: AtomicU64,
    /// NAKs.
    pub naks: AtomicU64,
    /// Requests given up without an answer.
    pub timeouts: AtomicU64,
    /// Datagrams that were no true answer to anything outstanding.
    pub ignored: AtomicU64,
    /// Requests that had to wait for an identifier.
    pub queued: AtomicU64,
}

/// Reads the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The client. Dropping it ends its threads.
pub struct Dac {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    config: DacConfig,
    profiles: HashMap<Box<str>, Arc<NasProfile>>,
    clock: Clock,
    answers: Box<dyn Fn(Answer) + Send + Sync>,
    state: Mutex<State>,
    stopped: AtomicBool,
    counters: Counters,
}

impl Dac {
    /// A client for these NASes. `answers` is called once per request (twice where it was queued first), from any thread.
    pub fn start(
        config: DacConfig,
        profiles: impl IntoIterator<Item = NasProfile>,
        clock: Clock,
        answers: impl Fn(Answer) + Send + Sync + 'static,
    ) -> Self {
        let profiles = profiles.into_iter().map(|profile| (profile.name.clone(), Arc::new(profile))).collect();
        let inner = Inner {
            config,
            profiles,
            clock,
            answers: Box::new(answers),
            state: Mutex::default(),
            stopped: AtomicBool::new(false),
            counters: Counters::default(),
        };
        let inner = Arc::new(inner);
        inner.lock().open_first_ports(&inner); // so that the first Disconnect does not wait for it
        Self { inner }
    }

    /// The profile of a NAS.
    pub fn profile(&self, nas: &str) -> Option<&NasProfile> {
        self.inner.profiles.get(nas).map(|profile| &**profile)
    }

    /// Sends, now if an identifier is free. The outcome comes through `answers`.
    /// Returns whether the datagram left.
    pub fn send(&self, request: Request) -> bool {
        let (id, attempt) = (request.id, request.attempt);
        let answer = |answer| Answer { id, attempt, answer };
        let Some(profile) = self.inner.profiles.get(&request.nas).cloned() else {
            (self.inner.answers)(answer(cannot("no profile for this NAS")));
            return false;
        };
        if let Err(reason) = request::checked(&profile, request.key_set, &request.target) {
            (self.inner.answers)(answer(NasAnswer::CannotSend { reason }));
            return false;
        }
        let outcome = {
            let mut state = self.inner.lock();
            state.forget(id, Instant::now());
            state.send(&self.inner, profile, request, Instant::now())
        };
        match outcome {
            Some(outcome) => (self.inner.answers)(answer(outcome)),
            None => return true,
        }
        false
    }

    /// Forgets the outstanding request of this response: no more retransmissions, and its answer is ignored.
    pub fn cancel(&self, id: ResponseId) {
        self.inner.lock().forget(id, Instant::now());
    }

    /// Retransmits, gives up and sends what waited, as far as due; returns when to call again.
    pub fn poll(&self, now: Instant) -> Option<Instant> {
        let mut answers = Vec::new();
        let next = self.inner.lock().poll(&self.inner, now, &mut answers);
        for answer in answers {
            (self.inner.answers)(answer);
        }
        next
    }

    /// What it counted.
    pub fn counters(&self) -> &Counters {
        &self.inner.counters
    }

    /// Requests without an answer yet, and requests that wait for an identifier.
    pub fn outstanding(&self) -> (usize, usize) {
        let state = self.inner.lock();
        (state.pending(), state.waiting())
    }
}

impl Drop for Dac {
    fn drop(&mut self) {
        self.inner.stopped.store(true, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Dac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dac").field("nases", &self.inner.profiles.len()).finish_non_exhaustive()
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A datagram came to source port number `port` from `from`.
    fn received(&self, port: usize, from: SocketAddr, datagram: &[u8]) {
        let Some(identifier) = datagram.get(1).copied() else { return };
        let slot = Slot { port, to: plain(from), identifier };
        let answer = self.lock().answered(slot, datagram, (self.clock)(), Instant::now());
        let Some(answer) = answer else {
            self.counters.ignored.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let counter = if answer.answer == NasAnswer::Ack { &self.counters.acks } else { &self.counters.naks };
        counter.fetch_add(1, Ordering::Relaxed);
        (self.answers)(answer);
    }

    fn bind_address(&self, to: SocketAddr) -> SocketAddr {
        let ip = if to.is_ipv4() { IpAddr::V4(self.config.bind_v4) } else { IpAddr::V6(self.config.bind_v6) };
        SocketAddr::new(ip, 0)
    }
}

fn cannot(reason: &str) -> NasAnswer {
    NasAnswer::CannotSend { reason: reason.to_owned() }
}

/// Address and port without flow label and scope, so that equal addresses compare equal.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), address.port())
}
