//! A gateway (GGSN, PGW, VPN) that speaks real RADIUS over UDP from sockets of its own.
//!
//! A [`Nas`] is driven by its owner's loop: calls like [`Nas::attach`] send at once, [`Nas::turn`] receives,
//! retransmits and returns what happened. So one thread serves many sessions on many gateways ([`turn_all`]).
//!
//! # Invariants
//!
//! * **Only proven answers count**: an answer without the right authenticator is counted in [`Stats::bad`], no more.
//! * **Accounting is never given up** (RFC 5080 §2.2.1): a retransmit has a new Identifier and a new Acct-Delay-Time
//!   (RFC 2866 §5.2). Only an interim that a newer one overtakes is dropped (RFC 2869 §2.1).
//! * **A Disconnect ends in a Stop** with cause Admin-Reset, unless [`Obedience`] says otherwise.

mod dae;
mod event;
mod packet;
mod pool;
mod turn;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use fleetward_fleet::Secret;

pub use event::{Admitted, Entry, Event, Obedience, SessionRef, Stats, Timing, cause};
pub(crate) use packet::{Letterhead, access_request, accounting_request};
pub use packet::{Record, Sim, Status};
use pool::{Content, Pool};
pub use turn::turn_all;

use crate::Clock;
use crate::random::Random;

/// One gateway.
pub struct Nas {
    head: Letterhead,
    secret: Secret,
    clock: Clock,
    timing: Timing,
    obedience: Obedience,
    auth: Pool,
    acct: Pool,
    dae: UdpSocket,
    dae_answers: VecDeque<dae::Remembered>,
    sessions: BTreeMap<SessionRef, Live>,
    overtaken: Vec<Record>,
    next_session: u64,
    boot: u32,
    random: Random,
    stats: Stats,
}

impl std::fmt::Debug for Nas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nas").field("name", &self.head.name).field("stats", &self.stats).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Live {
    sim: Sim,
    id: Box<str>,
    state: State,
    ip: Ipv4Addr,
    bytes_up: u64,
    bytes_down: u64,
    opened: Instant,
    class: Option<Box<[u8]>>,
    last: Option<Record>,
    hold_next: bool,
    held: Option<Record>,
    stop_due: Option<(Instant, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Asking,
    Open,
    Closing,
}

impl Nas {
    /// A gateway whose packets come from `ip` and which listens for Disconnect and CoA on `ip:dae_port` (0: any).
    pub fn bind(name: &str, ip: IpAddr, dae_port: u16, secret: Secret, clock: Clock) -> io::Result<Self> {
        let dae = UdpSocket::bind((ip, dae_port))?;
        dae.set_nonblocking(true)?;
        let seed = name.bytes().fold(u64::from(dae.local_addr()?.port()), |h, b| h.wrapping_mul(31) + u64::from(b));
        let host = match ip {
            IpAddr::V4(ip) => ip.octets()[3],
            IpAddr::V6(_) => 1,
        };
        // Tenths of a second: no session id returns when the gateway is started again.
        let boot = (clock().0 / 100) as u32;
        Ok(Self {
            head: Letterhead { name: name.into(), address: Ipv4Addr::new(192, 0, 2, host) },
            secret,
            clock,
            timing: Timing::default(),
            obedience: Obedience::Obeys(Duration::from_millis(50)),
            auth: Pool::new(ip),
            acct: Pool::new(ip),
            dae,
            dae_answers: VecDeque::new(),
            sessions: BTreeMap::new(),
            overtaken: Vec::new(),
            next_session: 1,
            boot,
            random: Random::new(seed),
            stats: Stats::default(),
        })
    }

    /// Where the server listens. Nothing may be sent before.
    pub fn aim(&mut self, auth: SocketAddr, acct: SocketAddr) {
        self.auth.server = Some(auth);
        self.acct.server = Some(acct);
    }

    /// Sets how it retransmits.
    pub fn set_timing(&mut self, timing: Timing) {
        self.timing = timing;
    }

    /// Sets what it does with a Disconnect.
    pub fn set_obedience(&mut self, obedience: Obedience) {
        self.obedience = obedience;
    }

    /// NAS-Identifier.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// Where it listens for Disconnect and CoA.
    pub fn dae_addr(&self) -> io::Result<SocketAddr> {
        self.dae.local_addr()
    }

    /// What it counted.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Acct-Session-Id of a session that is not over.
    pub fn session_id(&self, session: SessionRef) -> Option<&str> {
        self.sessions.get(&session).map(|live| &*live.id)
    }

    /// Sessions that are not over, as far as the gateway is concerned.
    pub fn sessions(&self) -> impl Iterator<Item = SessionRef> + '_ {
        self.sessions.keys().copied()
    }

    /// Whether the session is open: admitted (or unasked) and not closing.
    pub fn is_open(&self, session: SessionRef) -> bool {
        self.sessions.get(&session).is_some_and(|live| live.state == State::Open && live.stop_due.is_none())
    }

    /// Octets up and down so far.
    pub fn traffic_of(&self, session: SessionRef) -> Option<(u64, u64)> {
        self.sessions.get(&session).map(|live| (live.bytes_up, live.bytes_down))
    }

    /// Accounting requests without an answer so far.
    pub fn unanswered(&self) -> usize {
        self.acct.waiting()
    }

    /// The records that no answer has come for.
    pub fn unanswered_records(&self) -> Vec<Record> {
        self.acct.records().cloned().collect()
    }

    /// Interims that newer records overtook before they were answered, since the last call (at most 10,000). The server
    /// may have them all the same.
    pub fn take_overtaken(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.overtaken)
    }

    /// A SIM attaches. `ip` is used where the server assigns none.
    pub fn attach(&mut self, sim: Sim, entry: Entry, ip: Ipv4Addr) -> io::Result<SessionRef> {
        let session = SessionRef(self.next_session);
        self.next_session += 1;
        let id = format!("{:08x}{:08x}", self.boot, session.0).into();
        let live = Live {
            sim,
            id,
            state: State::Asking,
            ip,
            bytes_up: 0,
            bytes_down: 0,
            opened: Instant::now(),
            class: None,
            last: None,
            hold_next: false,
            held: None,
            stop_due: None,
        };
        self.sessions.insert(session, live);
        match entry {
            Entry::Asks => self.ask(session)?,
            Entry::Unasked => self.open(session)?,
        }
        Ok(session)
    }

    /// Sends an accounting record that somebody else made up: of a simulation, of a recording.
    pub fn play(&mut self, record: Record) -> io::Result<()> {
        self.send_record(SessionRef(0), record)
    }

    /// Adds traffic, octets up and down.
    pub fn traffic(&mut self, session: SessionRef, up: u64, down: u64) {
        if let Some(live) = self.sessions.get_mut(&session) {
            live.bytes_up += up;
            live.bytes_down += down;
        }
    }

    /// Sends an interim with the traffic so far; does nothing unless the session is open.
    pub fn interim(&mut self, session: SessionRef) -> io::Result<()> {
        if !self.is_open(session) {
            return Ok(());
        }
        let Some(record) = self.record(session, Status::Interim, None) else { return Ok(()) };
        self.drop_overtaken(&record.session_id);
        let Some(live) = self.sessions.get_mut(&session) else { return Ok(()) };
        if std::mem::take(&mut live.hold_next) {
            live.held = Some(record);
            return Ok(());
        }
        let held = live.held.take();
        live.last = Some(record.clone());
        self.send_record(session, record)?;
        held.map_or(Ok(()), |held| self.send_record(session, held))
    }

    /// Keeps the next interim back until the one after it has been sent: they arrive in the wrong order.
    pub fn reorder(&mut self, session: SessionRef) {
        if let Some(live) = self.sessions.get_mut(&session) {
            live.hold_next = true;
        }
    }

    /// Sends the last record once more as a retransmit would be: new Identifier, new Acct-Delay-Time.
    pub fn repeat(&mut self, session: SessionRef) -> io::Result<()> {
        match self.sessions.get(&session).and_then(|live| live.last.clone()) {
            Some(record) => self.send_record(session, record),
            None => Ok(()),
        }
    }

    /// From now on the network reports this about the session's SIM.
    pub fn moved(&mut self, session: SessionRef, sim: Sim) {
        if let Some(live) = self.sessions.get_mut(&session) {
            live.sim = sim;
        }
    }

    /// Ends the session with a Stop.
    pub fn detach(&mut self, session: SessionRef, cause: u32) -> io::Result<()> {
        let Some(live) = self.sessions.get_mut(&session) else { return Ok(()) };
        if live.state == State::Closing {
            return Ok(());
        }
        if live.state == State::Asking {
            self.sessions.remove(&session);
            return Ok(());
        }
        live.state = State::Closing;
        live.stop_due = None;
        let held = live.held.take();
        if let Some(held) = held {
            self.send_record(session, held)?;
        }
        let Some(record) = self.record(session, Status::Stop, Some(cause)) else { return Ok(()) };
        self.drop_overtaken(&record.session_id);
        self.send_record(session, record)
    }

    /// Accounting-Off (or, after power came back, Accounting-On): all sessions are gone, without Stops.
    pub fn reset(&mut self, on: bool) -> io::Result<()> {
        self.sessions.clear();
        self.acct.clear();
        self.auth.clear();
        let content = Content::Reset { on, at: (self.clock)() };
        self.send_accounting(&content)
    }

    fn drop_overtaken(&mut self, session_id: &str) {
        let room = 10_000_usize.saturating_sub(self.overtaken.len());
        self.overtaken.extend(self.acct.drop_overtaken(session_id).into_iter().take(room));
    }

    fn ask(&mut self, session: SessionRef) -> io::Result<()> {
        let Some(live) = self.sessions.get(&session) else { return Ok(()) };
        let (head, secret, authenticator) = (&self.head, self.secret.reveal(), self.random.octets());
        let content = Content::Access { session };
        self.stats.sent += 1;
        self.auth.send(content, self.timing.first, |identifier| {
            let packet = packet::access_request(head, &live.sim, &live.id, identifier, authenticator, secret);
            packet.finish_access(authenticator, secret)
        })
    }

    fn open(&mut self, session: SessionRef) -> io::Result<()> {
        let Some(live) = self.sessions.get_mut(&session) else { return Ok(()) };
        live.state = State::Open;
        live.opened = Instant::now();
        match self.record(session, Status::Start, None) {
            Some(record) => self.send_record(session, record),
            None => Ok(()),
        }
    }

    fn record(&self, session: SessionRef, status: Status, cause: Option<u32>) -> Option<Record> {
        let live = self.sessions.get(&session)?;
        Some(Record {
            status,
            session_id: live.id.clone(),
            sim: live.sim.clone(),
            ip: live.ip,
            bytes_up: live.bytes_up,
            bytes_down: live.bytes_down,
            packets: None,
            session_secs: u32::try_from(live.opened.elapsed().as_secs()).unwrap_or(u32::MAX),
            event_time: (self.clock)(),
            cause,
            class: live.class.clone(),
        })
    }

    fn send_record(&mut self, session: SessionRef, record: Record) -> io::Result<()> {
        if let Some(live) = self.sessions.get_mut(&session) {
            live.last = Some(record.clone());
        }
        self.send_accounting(&Content::Record { session, record: Box::new(record) })
    }

    fn send_accounting(&mut self, content: &Content) -> io::Result<()> {
        self.stats.sent += 1;
        let (head, secret, now) = (&self.head, self.secret.reveal(), (self.clock)());
        self.acct.send(content.clone(), self.timing.first, |id| content.to_wire(head, id, now, secret))
    }
}

#[cfg(test)]
mod tests;
