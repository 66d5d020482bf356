//! RADIUS over UDP: receive threads, the wire's duplicate cache, and answers that leave when the record is stored.
//!
//! A thread receives a batch, makes one journal append of it, and receives the next; it never waits for the disk. The
//! answers leave from the journal's thread, in one `sendmmsg` per batch, through the socket the requests came by.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use fleetward_fleet::Timestamp;
use fleetward_journal::{Outcome, Refused};
use fleetward_radius::{Code, Packet};
use parking_lot::Mutex;

use crate::clients::Client;
use crate::duplicates::{DuplicateCache, Seen, Ticket, WireKey};
use crate::metrics::{Discard, Duplicate, ReplyKind};
use crate::recorder::Keyed;
use crate::service::{After, Core, Handled, Port};

pub(crate) mod drops;
pub(crate) mod socket;

use socket::{Inbox, Mail, Socket};

/// One socket and what its thread and its answers share.
pub(crate) struct Listener {
    pub(crate) core: Arc<Core>,
    pub(crate) socket: Socket,
    pub(crate) port: Port,
    duplicates: Mutex<DuplicateCache>,
}

/// What a batch of requests leads to.
#[derive(Default)]
struct Batch {
    records: Vec<Keyed>,
    waiting: Vec<Waiting>,
    /// Answers that wait for no record.
    ready: Vec<Mail>,
    octets: Vec<u8>,
}

/// An answer that waits for its record.
struct Waiting {
    mail: Mail,
    kind: ReplyKind,
    after: After,
    ticket: Option<Ticket>,
}

impl Listener {
    pub(crate) fn new(core: Arc<Core>, socket: Socket, port: Port, duplicates: usize) -> Self {
        Self { core, socket, port, duplicates: Mutex::new(DuplicateCache::new(duplicates)) }
    }

    /// Receives until `stop`.
    pub(crate) fn run(self: &Arc<Self>, stop: &AtomicBool) {
        let mut inbox = Inbox::new();
        while !stop.load(Relaxed) {
            match self.socket.receive(&mut inbox) {
                Ok(()) if inbox.is_empty() => {}
                Ok(()) => self.batch(&inbox),
                Err(error) => {
                    // It has no known cause that goes away by asking faster.
                    tracing::error!(address = %self.socket.local, %error, "receiving failed; trying again");
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }

    fn batch(self: &Arc<Self>, inbox: &Inbox) {
        let now = (self.core.clock)();
        let mut batch = Batch::default();
        for (from, datagram) in inbox.iter() {
            let Some(client) = self.core.clients.by_address(from.ip()) else {
                self.core.discard(Discard::UnknownClient, from.ip(), None);
                continue;
            };
            if let Err(reason) = self.one(&mut batch, from, datagram, client, now) {
                self.core.discard(reason, from.ip(), Some(client));
            }
        }
        self.send(&batch.ready, &batch.octets);
        if batch.records.is_empty() {
            return;
        }
        let Batch { records, waiting, octets, .. } = batch;
        let listener = Arc::clone(self);
        let done = Box::new(move |outcome: Result<Vec<Outcome>, Refused>| listener.done(outcome, waiting, &octets));
        self.core.recorder.record(records, done);
    }

    fn one(
        &self,
        batch: &mut Batch,
        from: SocketAddr,
        datagram: &[u8],
        client: &Client,
        now: Timestamp,
    ) -> Result<(), Discard> {
        let secret = client.secret.reveal();
        let packet = Core::believe(datagram, client, secret, self.port)?;
        let ticket = match self.known(&packet, from, now) {
            None => None,
            Some(Seen::New(ticket)) => Some(ticket),
            Some(Seen::InProgress) => {
                self.core.counters.duplicate(Duplicate::InProgress);
                return Ok(());
            }
            Some(Seen::Answered(answer)) => {
                self.core.counters.duplicate(Duplicate::Resent);
                let mail = batch.write(from, &answer);
                batch.ready.push(mail);
                return Ok(());
            }
        };
        match self.core.handle(&packet, client, secret, self.port, now) {
            Ok(Handled::Answer(reply)) => {
                self.core.counters.reply(reply.kind);
                let mail = batch.write(from, &reply.octets);
                batch.ready.push(mail);
            }
            Ok(Handled::Record(pending)) => {
                let mail = batch.write(from, &pending.reply.octets);
                batch.waiting.push(Waiting { mail, kind: pending.reply.kind, after: pending.after, ticket });
                batch.records.push(pending.record);
            }
            Err(reason) => {
                if let Some(ticket) = ticket {
                    self.duplicates.lock().forget(ticket);
                }
                return Err(reason);
            }
        }
        Ok(())
    }

    /// Only Access-Requests are looked up. An Accounting-Request that comes again is recorded again, and the journal
    /// knows its content; a Status-Server probe has no effect that could be doubled.
    fn known(&self, packet: &Packet<'_>, from: SocketAddr, now: Timestamp) -> Option<Seen> {
        let key = WireKey { from, identifier: packet.identifier() };
        (packet.code() == Code::ACCESS_REQUEST).then(|| self.duplicates.lock().check(key, packet.authenticator(), now))
    }

    /// The journal's word on a batch: answers leave, or nothing does.
    fn done(&self, outcome: Result<Vec<Outcome>, Refused>, waiting: Vec<Waiting>, octets: &[u8]) {
        let Ok(outcomes) = outcome else {
            for waiting in &waiting {
                self.core.discard(Discard::NotRecorded, waiting.mail.to.ip(), None);
            }
            let mut duplicates = self.duplicates.lock();
            waiting.iter().filter_map(|waiting| waiting.ticket).for_each(|ticket| duplicates.forget(ticket));
            return;
        };
        for (waiting, outcome) in waiting.iter().zip(outcomes) {
            self.core.stored(outcome, waiting.after, waiting.kind);
        }
        if self.port == Port::Auth {
            let mut duplicates = self.duplicates.lock();
            for waiting in &waiting {
                if let Some(ticket) = waiting.ticket {
                    duplicates.answered(ticket, &octets[waiting.mail.octets.clone()]);
                }
            }
        }
        let mail: Vec<Mail> = waiting.into_iter().map(|waiting| waiting.mail).collect();
        self.send(&mail, octets);
    }

    fn send(&self, mail: &[Mail], octets: &[u8]) {
        if !mail.is_empty() {
            self.core.counters.unsent(self.socket.send(mail, octets));
        }
    }
}

impl Batch {
    fn write(&mut self, to: SocketAddr, answer: &[u8]) -> Mail {
        let start = self.octets.len();
        self.octets.extend_from_slice(answer);
        let octets: Range<usize> = start..self.octets.len();
        Mail { to, octets }
    }
}
