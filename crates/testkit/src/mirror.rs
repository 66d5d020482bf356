//! A minimal server for this crate's own tests: answers everything, forgets some of it, remembers what it saw.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fleetward_fleet::{Secret, Timestamp};

use crate::Clock;
use crate::random::Random;
use crate::wire::{
    ACCESS_ACCEPT, ACCESS_REJECT, ACCESS_REQUEST, ACCOUNTING_RESPONSE, DISCONNECT_ACK, DISCONNECT_REQUEST, View, Writer,
};

pub(crate) const SECRET: &[u8] = b"mirror";

/// How it answers. All functions are pure decisions on the packet.
#[derive(Clone)]
pub(crate) struct Habits {
    /// Part of all requests that it does not answer.
    pub(crate) deaf: f64,
    /// Requests that it rejects.
    pub(crate) rejects: fn(&Seen) -> bool,
    /// Records whose sessions it disconnects.
    pub(crate) disconnects: fn(&Seen) -> bool,
    /// Where it sends Disconnects, by NAS-Identifier.
    pub(crate) dae: HashMap<String, SocketAddr>,
}

/// A request as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    pub(crate) code: u8,
    pub(crate) nas: String,
    pub(crate) status: u32,
    pub(crate) session: String,
    pub(crate) imsi: String,
    pub(crate) imeisv: String,
    pub(crate) network: String,
    pub(crate) octets: (u32, u32),
    pub(crate) cause: u32,
    pub(crate) delay: u32,
}

pub(crate) struct Mirror {
    pub(crate) addr: SocketAddr,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    pub(crate) disconnect_acks: Arc<Mutex<usize>>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

pub(crate) fn clock() -> Clock {
    // A fixed day plus real time that has passed: a clock for tests that does not read the time of day.
    let began = Instant::now();
    Arc::new(move || Timestamp(1_795_000_000_000) + began.elapsed())
}

pub(crate) fn secret() -> Secret {
    Secret::new(SECRET)
}

pub(crate) fn habits() -> Habits {
    Habits { deaf: 0.0, rejects: |_| false, disconnects: |_| false, dae: HashMap::new() }
}

impl Mirror {
    pub(crate) fn start(habits: Habits) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let (addr, seen) = (socket.local_addr().unwrap(), Arc::default());
        let (disconnect_acks, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (log, acks, flag) = (Arc::clone(&seen), Arc::clone(&disconnect_acks), Arc::clone(&stop));
        let thread = std::thread::spawn(move || serve(&socket, &habits, &log, &acks, &flag));
        Self { addr, seen, disconnect_acks, stop, thread: Some(thread) }
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}

fn serve(socket: &UdpSocket, habits: &Habits, log: &Mutex<Vec<Seen>>, acks: &Mutex<usize>, stop: &AtomicBool) {
    let mut random = Random::new(1);
    let mut buffer = [0; 4096];
    let mut disconnecting: HashMap<u8, [u8; 16]> = HashMap::new();
    let mut next = 0_u8;
    while !stop.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let Some(request) = View::parse(&buffer[..length]) else { continue };
        if request.code() == DISCONNECT_ACK {
            let proven = disconnecting.get(&request.identifier()).is_some_and(|a| request.answers(a, SECRET));
            *acks.lock().unwrap() += usize::from(proven && request.has_mac());
            continue;
        }
        let seen = see(&request);
        log.lock().unwrap().push(seen.clone());
        if random.chance(habits.deaf) {
            continue;
        }
        let code = match (request.code(), (habits.rejects)(&seen)) {
            (ACCESS_REQUEST, true) => ACCESS_REJECT,
            (ACCESS_REQUEST, false) => ACCESS_ACCEPT,
            _ => {
                assert!(request.is_signed(SECRET), "an accounting request with a wrong authenticator");
                ACCOUNTING_RESPONSE
            }
        };
        let mut answer = Writer::new(code, request.identifier());
        if request.code() == ACCESS_REQUEST {
            answer.message_authenticator();
        }
        if code == ACCESS_ACCEPT {
            answer.octets(8, &[10, 9, 9, 9]).octets(25, b"decision-1").number(85, 60);
        }
        socket.send_to(&answer.finish_answer(&request.authenticator(), SECRET), from).unwrap();
        if let Some(dae) = habits.dae.get(&seen.nas).filter(|_| (habits.disconnects)(&seen)) {
            let mut order = Writer::new(DISCONNECT_REQUEST, next);
            order.message_authenticator().text(44, &seen.session).tgpp(1, seen.imsi.as_bytes());
            let order = order.finish_signed(SECRET);
            disconnecting.insert(next, View::parse(&order).unwrap().authenticator());
            socket.send_to(&order, dae).unwrap();
            next = next.wrapping_add(1);
        }
    }
}

fn see(request: &View<'_>) -> Seen {
    let text = |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
    let number = |kind| request.number(kind).unwrap_or(0);
    Seen {
        code: request.code(),
        nas: text(request.first(32)),
        status: number(40),
        session: text(request.first(44)),
        imsi: text(request.tgpp(1)),
        imeisv: text(request.tgpp(20)),
        network: text(request.tgpp(18)),
        octets: (number(42), number(43)),
        cause: number(49),
        delay: number(41),
    }
}
