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
mod packet;
mod pool;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use fleetward_fleet::Secret;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

pub(crate) use packet::{Letterhead, access_request, accounting_request};
pub use packet::{Record, Sim, Status};
use pool::{Answer, Content, Pool};

use crate::Clock;
use crate::random::Random;

/// Acct-Terminate-Cause (RFC 2866 §5.10).
pub mod cause {
    /// The device hung up.
    pub const USER_REQUEST: u32 = 1;
    /// The radio was lost.
    pub const LOST_CARRIER: u32 = 2;
    /// Ended by the operator; what a Disconnect leads to.
    pub const ADMIN_RESET: u32 = 6;
}

/// A session at one [`Nas`]; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionRef(u64);

/// Whether the gateway asks before it opens a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Access-Request first; accounting begins after the Accept.
    Asks,
    /// A legacy gateway: accounting begins at once, nobody is asked.
    Unasked,
}

/// What the gateway does with a Disconnect-Request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obedience {
    /// ACK, and after this long the Stop.
    Obeys(Duration),
    /// ACK, and the session goes on.
    SaysYesDoesNothing,
    /// NAK with this Error-Cause (RFC 5176 §3.5); without one where 0.
    Refuses(u32),
    /// No answer at all.
    Silent,
}

/// How long to wait before sending again: doubles from `first` to `cap`, with 10 % jitter (RFC 5080 §2.2.1).
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Before the first retransmit.
    pub first: Duration,
    /// At most.
    pub cap: Duration,
    /// An Access-Request is given up after this long.
    pub give_up: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { first: Duration::from_secs(2), cap: Duration::from_secs(16), give_up: Duration::from_secs(30) }
    }
}

/// What happened at a gateway.
#[derive(Debug, Clone)]
pub enum Event {
    /// Access-Accept; the Start is on its way.
    Admitted(Admitted),
    /// Access-Reject.
    Rejected(SessionRef),
    /// Nobody answered the Access-Request.
    Unanswered(SessionRef),
    /// The server has acknowledged this accounting record.
    Acknowledged(SessionRef, Box<Record>),
    /// Accounting-On (`true`) or -Off was acknowledged.
    ResetAcknowledged(bool),
    /// A valid Disconnect-Request for this session arrived then; it was answered as [`Obedience`] says.
    Disconnected(SessionRef, Instant),
    /// A CoA-Request changed this session's Session-Timeout (seconds).
    Changed(SessionRef, Option<u32>),
    /// The session is over and its Stop is acknowledged (cause as in the Stop).
    Closed(SessionRef, u32),
}

/// What an Access-Accept granted.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The session.
    pub session: SessionRef,
    /// Framed-IP-Address.
    pub ip: Option<Ipv4Addr>,
    /// Session-Timeout, seconds.
    pub timeout_secs: Option<u32>,
    /// Acct-Interim-Interval, seconds. The owner decides whether to obey (RFC 2869 §2.1 lets the gateway override).
    pub interim_secs: Option<u32>,
    /// Whether the answer carried a Message-Authenticator, which was right.
    pub has_message_authenticator: bool,
}

/// What a gateway counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Requests sent, retransmits included.
    pub sent: u64,
    /// Of these, retransmits.
    pub retransmits: u64,
    /// Answers that were proven.
    pub answered: u64,
    /// Datagrams that were malformed or unproven.
    pub bad: u64,
    /// Answers to nothing: to a request that was sent again meanwhile under another Identifier, or given up.
    pub late: u64,
    /// Disconnect- and CoA-Requests answered with ACK.
    pub dae_acks: u64,
    /// Disconnect- and CoA-Requests answered with NAK.
    pub dae_naks: u64,
    /// Disconnect- and CoA-Requests dropped: wrong secret, too old, malformed.
    pub dae_dropped: u64,
}

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
        self.acct.drop_overtaken(&record.session_id);
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
        self.acct.drop_overtaken(&record.session_id);
        self.send_record(session, record)
    }

    /// Accounting-Off (or, after power came back, Accounting-On): all sessions are gone, without Stops.
    pub fn reset(&mut self, on: bool) -> io::Result<()> {
        self.sessions.clear();
        self.acct.clear();
        self.auth.clear();
        let content = Content::Reset { on, at: (self.clock)() };
        self.send_accounting(content)
    }

    /// Receives and retransmits, waits up to `wait` for something to happen, and says what did.
    pub fn turn(&mut self, wait: Duration) -> io::Result<Vec<Event>> {
        let mut events = self.timers()?;
        if events.is_empty() {
            wait_readable(&[self], wait)?;
        }
        self.receive(&mut events)?;
        Ok(events)
    }

    /// Takes turns until `wanted` picks something out of an event, at most `limit` long.
    pub fn wait_for<T>(
        &mut self,
        limit: Duration,
        mut wanted: impl FnMut(&Event) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            for event in self.turn(Duration::from_millis(20))? {
                if let Some(found) = wanted(&event) {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.auth.fds().chain(self.acct.fds()).chain(std::iter::once(self.dae.as_fd()))
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
        self.send_accounting(Content::Record { session, record: Box::new(record) })
    }

    fn send_accounting(&mut self, content: Content) -> io::Result<()> {
        self.stats.sent += 1;
        let (head, secret, now) = (&self.head, self.secret.reveal(), (self.clock)());
        self.acct.send(content.clone(), self.timing.first, |id| content.to_wire(head, id, now, secret))
    }

    /// What is due by the clock: retransmits and the Stops that Disconnects led to.
    fn timers(&mut self) -> io::Result<Vec<Event>> {
        let now = Instant::now();
        let mut events = Vec::new();
        let due = |(s, live): (&SessionRef, &Live)| live.stop_due.filter(|(at, _)| *at <= now).map(|(_, c)| (*s, c));
        for (session, cause) in self.sessions.iter().filter_map(due).collect::<Vec<_>>() {
            self.detach(session, cause)?;
        }
        for session in self.auth.retransmit(now, self.timing, &mut self.random, &mut self.stats)? {
            self.sessions.remove(&session);
            events.push(Event::Unanswered(session));
        }
        let (head, secret, at) = (&self.head, self.secret.reveal(), (self.clock)());
        let again = |content: &Content, id| content.to_wire(head, id, at, secret);
        self.acct.send_again(now, self.timing, &mut self.random, &mut self.stats, again)?;
        Ok(events)
    }

    fn receive(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        for answer in self.auth.receive(self.secret.reveal(), &mut self.stats)? {
            self.admission(&answer, events)?;
        }
        for answer in self.acct.receive(self.secret.reveal(), &mut self.stats)? {
            self.acknowledged(answer, events);
        }
        self.listen(events)
    }

    fn admission(&mut self, answer: &Answer, events: &mut Vec<Event>) -> io::Result<()> {
        let Content::Access { session } = answer.content else { return Ok(()) };
        let Some(live) = self.sessions.get_mut(&session).filter(|live| live.state == State::Asking) else {
            return Ok(());
        };
        let Some(accept) = answer.accept() else {
            self.sessions.remove(&session);
            events.push(Event::Rejected(session));
            return Ok(());
        };
        live.class = accept.first(25).map(Into::into);
        let number = |kind| accept.number(kind);
        // 255.255.255.254 and .255 leave the choice to the gateway and the device (RFC 2865 §5.8).
        let ip = number(8).filter(|ip| *ip < 0xFFFF_FFFE).map(Ipv4Addr::from);
        live.ip = ip.unwrap_or(live.ip);
        events.push(Event::Admitted(Admitted {
            session,
            ip,
            timeout_secs: number(27),
            interim_secs: number(85),
            has_message_authenticator: accept.has_mac(),
        }));
        self.open(session)
    }

    fn acknowledged(&mut self, answer: Answer, events: &mut Vec<Event>) {
        match answer.content {
            Content::Record { session, record } => {
                let stopped = (record.status == Status::Stop).then_some(record.cause.unwrap_or(0));
                events.push(Event::Acknowledged(session, record));
                if let Some(cause) = stopped
                    && self.sessions.remove(&session).is_some()
                {
                    events.push(Event::Closed(session, cause));
                }
            }
            Content::Reset { on, .. } => events.push(Event::ResetAcknowledged(on)),
            Content::Access { .. } => {}
        }
    }
}

/// One turn of several gateways at once; says which of them each event belongs to.
pub fn turn_all(gateways: &mut [Nas], wait: Duration) -> io::Result<Vec<(usize, Event)>> {
    let mut all = Vec::new();
    for (index, nas) in gateways.iter_mut().enumerate() {
        all.extend(nas.timers()?.into_iter().map(|event| (index, event)));
    }
    if all.is_empty() {
        wait_readable(&gateways.iter().collect::<Vec<_>>(), wait)?;
    }
    for (index, nas) in gateways.iter_mut().enumerate() {
        let mut events = Vec::new();
        nas.receive(&mut events)?;
        all.extend(events.into_iter().map(|event| (index, event)));
    }
    Ok(all)
}

fn wait_readable(gateways: &[&Nas], wait: Duration) -> io::Result<()> {
    let mut fds: Vec<PollFd<'_>> =
        gateways.iter().flat_map(|nas| nas.fds()).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    let timeout = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
    match poll(&mut fds, timeout) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Fleet;
    use crate::mirror::{Mirror, clock, habits, secret};

    const LIMIT: Duration = Duration::from_secs(10);

    fn gateway(server: &Mirror) -> Nas {
        let mut nas = Nas::bind("gw", [127, 0, 0, 1].into(), 0, secret(), clock()).unwrap();
        nas.aim(server.addr, server.addr);
        let short = Duration::from_millis(50);
        nas.set_timing(Timing { first: short, cap: short * 2, give_up: Duration::from_millis(400) });
        nas
    }

    fn sim() -> Sim {
        Fleet::new(1, 20).members[0].sim.clone()
    }

    fn open(nas: &mut Nas) -> SessionRef {
        let session = nas.attach(sim(), Entry::Asks, [10, 0, 0, 1].into()).unwrap();
        let admitted = |event: &Event| match event {
            Event::Admitted(admitted) => Some(admitted.clone()),
            _ => None,
        };
        let admitted = nas.wait_for(LIMIT, admitted).unwrap().expect("an answer");
        assert_eq!((admitted.session, admitted.ip), (session, Some([10, 9, 9, 9].into())));
        assert!(admitted.has_message_authenticator);
        session
    }

    fn closed(event: &Event) -> Option<u32> {
        match event {
            Event::Closed(_, cause) => Some(*cause),
            _ => None,
        }
    }

    #[test]
    fn a_session_from_request_to_stop() {
        let server = Mirror::start(habits());
        let mut nas = gateway(&server);
        let session = open(&mut nas);
        nas.traffic(session, 100, 5);
        nas.interim(session).unwrap();
        nas.detach(session, cause::USER_REQUEST).unwrap();
        assert_eq!(nas.wait_for(LIMIT, closed).unwrap(), Some(cause::USER_REQUEST));
        let seen: Vec<_> = server.all().iter().map(|seen| (seen.code, seen.status, seen.octets)).collect();
        assert_eq!(seen, [(1, 0, (0, 0)), (4, 1, (0, 0)), (4, 3, (100, 5)), (4, 2, (100, 5))]);
        assert_eq!(nas.stats().bad, 0);
    }

    #[test]
    fn a_deaf_server_gets_everything_again_until_it_has_it() {
        let server = Mirror::start(crate::mirror::Habits { deaf: 0.5, ..habits() });
        let mut nas = gateway(&server);
        let session = nas.attach(sim(), Entry::Unasked, [10, 0, 0, 1].into()).unwrap();
        nas.detach(session, 1).unwrap();
        let mut acknowledged = Vec::new();
        let both = nas.wait_for(LIMIT, |event| {
            if let Event::Acknowledged(_, record) = event {
                acknowledged.push(record.status);
            }
            (acknowledged.len() == 2).then_some(())
        });
        assert!(both.unwrap().is_some(), "{acknowledged:?}");
    }

    #[test]
    fn an_access_request_is_given_up_and_a_rejection_is_heard() {
        let server = Mirror::start(crate::mirror::Habits { deaf: 1.0, ..habits() });
        let mut nas = gateway(&server);
        let session = nas.attach(sim(), Entry::Asks, [10, 0, 0, 1].into()).unwrap();
        let unanswered = |event: &Event| matches!(event, Event::Unanswered(s) if *s == session).then_some(());
        assert!(nas.wait_for(LIMIT, unanswered).unwrap().is_some());
        let first = server.all()[0].clone();
        assert!(server.all().len() > 2 && server.all().iter().all(|seen| *seen == first), "resent as it was");

        let server = Mirror::start(crate::mirror::Habits { rejects: |_| true, ..habits() });
        let mut nas = gateway(&server);
        nas.attach(sim(), Entry::Asks, [10, 0, 0, 1].into()).unwrap();
        let rejected = |event: &Event| matches!(event, Event::Rejected(_)).then_some(());
        assert!(nas.wait_for(LIMIT, rejected).unwrap().is_some());
        assert_eq!(nas.sessions().count(), 0);
    }

    #[test]
    fn a_disconnect_ends_in_a_stop_and_only_if_the_gateway_is_honest() {
        for (obedience, stops) in [(Obedience::Obeys(Duration::ZERO), true), (Obedience::SaysYesDoesNothing, false)] {
            let mut nas = Nas::bind("gw", [127, 0, 0, 1].into(), 0, secret(), clock()).unwrap();
            let dae = [("gw".to_owned(), nas.dae_addr().unwrap())].into();
            let server = Mirror::start(crate::mirror::Habits { disconnects: |seen| seen.status == 3, dae, ..habits() });
            nas.aim(server.addr, server.addr);
            nas.set_obedience(obedience);
            let session = open(&mut nas);
            nas.interim(session).unwrap();
            let disconnected = |event: &Event| matches!(event, Event::Disconnected(..)).then_some(());
            assert!(nas.wait_for(LIMIT, disconnected).unwrap().is_some());
            let wait = if stops { LIMIT } else { Duration::from_millis(200) };
            assert_eq!(nas.wait_for(wait, closed).unwrap(), stops.then_some(cause::ADMIN_RESET));
            assert_eq!((nas.stats().dae_acks, nas.is_open(session)), (1, !stops));
            let end = Instant::now() + LIMIT;
            while *server.disconnect_acks.lock().unwrap() == 0 && Instant::now() < end {
                std::thread::yield_now();
            }
            assert_eq!(*server.disconnect_acks.lock().unwrap(), 1);
        }
    }
}
