//! Accounting that remembers exactly what was acknowledged, while the server dies and comes back.
//!
//! Several gateways, each with a number of sessions, send interims with retransmits until they are answered. Whatever
//! was answered must afterwards be in the server's journal once; whatever was not may be there once or not at all.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fleetward_fleet::{Device, Rat, Secret};

use crate::nas::{Entry, Event, Nas, Record, SessionRef, Sim, Status, Timing, cause, turn_all};
use crate::random::Random;
use crate::{Clock, fleet};

/// What to send.
#[derive(Clone)]
pub struct Recorder {
    /// The gateways: NAS-Identifier and address.
    pub gateways: Vec<(String, IpAddr)>,
    /// Shared with the server.
    pub secret: Secret,
    /// The server's accounting port.
    pub acct: SocketAddr,
    /// Sessions open at a time per gateway.
    pub sessions: u32,
    /// Records a session has before it stops and the next SIM begins one.
    pub records: u32,
    /// Mean time between two records of a session.
    pub every: Duration,
    /// Retransmission; short, so that a restart costs little time.
    pub timing: Timing,
    /// Part of the records that are sent once more although they were answered.
    pub duplicates: f64,
    /// Decides what chance decides.
    pub seed: u64,
    /// For Event-Timestamp.
    pub clock: Clock,
}

/// What came of it.
#[derive(Debug, Default, Clone)]
pub struct Ledger {
    /// Acknowledged records, each once, by gateway name.
    pub acknowledged: Vec<(Box<str>, Record)>,
    /// Records that nobody acknowledged, and that the server may have all the same: in flight at the end, or interims
    /// that newer ones overtook. None of them is in `acknowledged`.
    pub open: Vec<(Box<str>, Record)>,
    /// Datagrams sent.
    pub sent: u64,
    /// Of these, retransmits.
    pub retransmits: u64,
    /// Datagrams that were not proven.
    pub bad: u64,
}

/// A recorder at work.
#[derive(Debug)]
pub struct Recording {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    thread: JoinHandle<io::Result<Ledger>>,
}

impl Recorder {
    /// Three gateways on 127.0.0.31 to 33, 50 sessions each, a record a session every 100 ms.
    pub fn new(acct: SocketAddr, secret: Secret, clock: Clock) -> Self {
        let gateways = (1..=3_u8).map(|n| (format!("torture-{n}"), IpAddr::from([127, 0, 0, 30 + n]))).collect();
        Self {
            gateways,
            secret,
            acct,
            sessions: 50,
            records: 20,
            every: Duration::from_millis(100),
            timing: Timing {
                first: Duration::from_millis(300),
                cap: Duration::from_secs(1),
                give_up: Duration::from_secs(30),
            },
            duplicates: 0.05,
            seed: 1,
            clock,
        }
    }

    /// The devices whose SIMs it uses; each session slot has a SIM of its own.
    pub fn devices(&self) -> Vec<Device> {
        (0..self.gateways.len() as u32 * self.sessions).map(crate::load::device).collect()
    }

    /// Records on a thread of its own until [`Recording::stop`].
    pub fn start(self) -> io::Result<Recording> {
        let bind = |(name, ip): &(String, IpAddr)| Nas::bind(name, *ip, 0, self.secret.clone(), self.clock.clone());
        let mut nases = self.gateways.iter().map(bind).collect::<io::Result<Vec<_>>>()?;
        for nas in &mut nases {
            nas.aim(self.acct, self.acct);
            nas.set_timing(self.timing);
        }
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (flag, count) = (Arc::clone(&stop), Arc::clone(&acknowledged));
        let work =
            Work { slots: Vec::new(), slot_of: HashMap::new(), random: Random::new(self.seed), nases, recorder: self };
        let thread = std::thread::Builder::new().name("recorder".into()).spawn(move || work.run(&flag, &count))?;
        Ok(Recording { stop, acknowledged, thread })
    }
}

impl Recording {
    /// Records acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Sends nothing new, waits up to five seconds for the answers under way (the server should be up), and hands
    /// over the ledger.
    pub fn stop(self) -> io::Result<Ledger> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the recorder panicked")))
    }
}

/// One session at a time, of one SIM.
struct Slot {
    nas: usize,
    sim: u32,
    session: Option<SessionRef>,
    left: u32,
    due: Instant,
}

struct Work {
    recorder: Recorder,
    nases: Vec<Nas>,
    slots: Vec<Slot>,
    slot_of: HashMap<(usize, SessionRef), usize>,
    random: Random,
}

impl Work {
    fn run(mut self, stop: &AtomicBool, count: &AtomicU64) -> io::Result<Ledger> {
        let mut ledger = Ledger::default();
        // What was acknowledged already: a duplicate's answer is no second record.
        let mut seen = std::collections::HashSet::new();
        self.set_up();
        let mut end = None;
        loop {
            for (nas, event) in turn_all(&mut self.nases, Duration::from_millis(2))? {
                match event {
                    Event::Acknowledged(_, record) if seen.insert(key(nas, &record)) => {
                        ledger.acknowledged.push((self.nases[nas].name().into(), *record));
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    Event::Closed(session, _) => self.closed(nas, session),
                    _ => {}
                }
            }
            let now = Instant::now();
            if stop.load(Ordering::Relaxed) {
                let end = *end.get_or_insert(now + DRAIN);
                if now >= end || self.nases.iter().all(|nas| nas.unanswered() == 0) {
                    break;
                }
            } else {
                self.send_due(now)?;
            }
        }
        for (index, nas) in self.nases.iter_mut().enumerate() {
            // An open duplicate of an acknowledged record, or of another open one, is no further record.
            let open = nas.unanswered_records().into_iter().chain(nas.take_overtaken());
            let open: Vec<Record> = open.filter(|record| seen.insert(key(index, record))).collect();
            ledger.open.extend(open.into_iter().map(|record| (nas.name().into(), record)));
            let stats = nas.stats();
            ledger.sent += stats.sent;
            ledger.retransmits += stats.retransmits;
            ledger.bad += stats.bad;
        }
        Ok(ledger)
    }

    fn set_up(&mut self) {
        let per_nas = self.recorder.sessions;
        for nas in 0..self.nases.len() {
            for slot in 0..per_nas {
                let sim = nas as u32 * per_nas + slot;
                let due = Instant::now() + self.random.around(self.recorder.every);
                self.slots.push(Slot { nas, sim, session: None, left: 0, due });
            }
        }
    }

    fn closed(&mut self, nas: usize, session: SessionRef) {
        if let Some(slot) = self.slot_of.remove(&(nas, session)) {
            self.slots[slot].session = None;
        }
    }

    fn send_due(&mut self, now: Instant) -> io::Result<()> {
        for index in 0..self.slots.len() {
            if self.slots[index].due <= now {
                self.slots[index].due = now + self.random.around(self.recorder.every);
                self.send(index)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, index: usize) -> io::Result<()> {
        let slot = &mut self.slots[index];
        let nas = &mut self.nases[slot.nas];
        let Some(session) = slot.session else {
            let session = nas.attach(sim(slot.sim), Entry::Unasked, fleet::address(slot.sim))?;
            slot.session = Some(session);
            slot.left = self.recorder.records;
            self.slot_of.insert((slot.nas, session), index);
            return Ok(());
        };
        if slot.left == 0 {
            return nas.detach(session, cause::USER_REQUEST);
        }
        slot.left -= 1;
        // Every record differs in its counters, so that each can be told from all others.
        nas.traffic(session, self.random.between(1, 5000), self.random.between(1, 5000));
        nas.interim(session)?;
        if self.random.chance(self.recorder.duplicates) {
            nas.repeat(session)?;
        }
        Ok(())
    }
}

/// What tells a record of the recorder from all others.
fn key(nas: usize, record: &Record) -> (usize, Box<str>, Status, u64, u64) {
    (nas, record.session_id.clone(), record.status, record.bytes_up, record.bytes_down)
}

fn sim(index: u32) -> Sim {
    Sim {
        imsi: fleet::imsi(index),
        msisdn: fleet::msisdn(index),
        imeisv: Some(crate::load::imeisv(index)),
        network: "26299".parse().expect("five digits"),
        apn: fleet::APN.into(),
        rat: Rat(6),
    }
}

const DRAIN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mirror::{Habits, Mirror, clock, habits, secret};
    use std::collections::HashSet;

    #[test]
    fn the_ledger_is_what_the_server_saw() {
        let server = Mirror::start(Habits { deaf: 0.3, ..habits() });
        let mut recorder = Recorder::new(server.addr, secret(), clock());
        (recorder.every, recorder.records) = (Duration::from_millis(20), 3);
        recorder.timing.first = Duration::from_millis(50);
        let recording = recorder.start().unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while recording.acknowledged() < 2000 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        let ledger = recording.stop().unwrap();
        assert!(ledger.acknowledged.len() >= 2000 && ledger.retransmits > 100, "{} {ledger:?}", ledger.sent);
        let seen: HashSet<_> =
            server.all().into_iter().map(|s| (s.nas, s.session, s.status, u64::from(s.octets.0))).collect();
        let mut known = HashSet::new();
        for (nas, record) in &ledger.acknowledged {
            let status = [1, 3, 2][record.status as usize];
            let key = (nas.to_string(), record.session_id.to_string(), status, record.bytes_up);
            let up = if status == 1 { 0 } else { record.bytes_up };
            assert!(seen.contains(&(key.0.clone(), key.1.clone(), key.2, up)), "{record:?}");
            assert!(known.insert((key, record.bytes_down)), "twice: {record:?}");
        }
        // Whatever the server saw was acknowledged or is known to be open: nothing is unaccounted for.
        let told = ledger.acknowledged.iter().chain(&ledger.open);
        let told: HashSet<_> = told
            .map(|(nas, r)| (nas.to_string(), r.session_id.to_string(), [1, 3, 2][r.status as usize], r.bytes_up))
            .collect();
        assert!(seen.iter().all(|record| told.contains(record)));
        assert_eq!(ledger.bad, 0);
    }
}
