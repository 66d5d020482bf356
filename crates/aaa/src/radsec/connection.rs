//! One connection: packets in, framed by their Length (RFC 6613 §2.6.4); answers out in the order they are ready.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fleetward_journal::{Outcome, Refused};
use fleetward_radius::{MAX_PACKET, Packet};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::server::TlsStream;

use super::SECRET;
use crate::clients::Client;
use crate::metrics::{Discard, ReplyKind};
use crate::recorder::Keyed;
use crate::service::{After, Core, Handled, Port};

/// Requests under way per connection; more wait in the peer's TCP window. There are 256 identifiers.
const IN_FLIGHT: usize = 256;
/// What is read at once.
const BUFFER: usize = 16 * MAX_PACKET;

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// By the peer, or by the network.
    Closed,
    /// Nothing came for long.
    Idle,
    /// What came cannot be believed.
    BadPacket,
}

/// Octets that are ready to leave, with the places they take among the requests under way.
type Outgoing = (Vec<u8>, OwnedSemaphorePermit);

/// Serves the connection until it ends.
pub(super) async fn run(
    stream: TlsStream<TcpStream>,
    from: SocketAddr,
    client: Arc<Client>,
    core: Arc<Core>,
    idle: Duration,
) -> End {
    let (reader, writer) = split(stream);
    let (answers, outbox) = unbounded_channel();
    let writing = tokio::spawn(write(writer, outbox, idle));
    let connection = Connection { from, client, core, answers, places: Arc::new(Semaphore::new(IN_FLIGHT)) };
    let end = connection.read(reader, idle).await;
    // Answers that still wait for the disk have nowhere to go (RFC 6613 §2.6.1: dropped with the connection).
    writing.abort();
    end
}

async fn write(
    mut writer: WriteHalf<TlsStream<TcpStream>>,
    mut outbox: UnboundedReceiver<Outgoing>,
    timeout: Duration,
) {
    while let Some((octets, places)) = outbox.recv().await {
        // A peer that does not read holds its own places, and after the time-out its connection.
        let written = tokio::time::timeout(timeout, async {
            writer.write_all(&octets).await?;
            writer.flush().await
        });
        if !matches!(written.await, Ok(Ok(()))) {
            return;
        }
        drop(places);
    }
}

struct Connection {
    from: SocketAddr,
    client: Arc<Client>,
    core: Arc<Core>,
    answers: UnboundedSender<Outgoing>,
    places: Arc<Semaphore>,
}

/// What one read leads to.
#[derive(Default)]
struct Batch {
    records: Vec<Keyed>,
    waiting: Vec<(Vec<u8>, ReplyKind, After)>,
    ready: Vec<u8>,
    ready_count: usize,
}

impl Connection {
    async fn read(&self, mut reader: ReadHalf<TlsStream<TcpStream>>, idle: Duration) -> End {
        let mut buffer = vec![0; BUFFER];
        let mut held = 0;
        loop {
            let read = match tokio::time::timeout(idle, reader.read(&mut buffer[held..])).await {
                Err(_) => return End::Idle,
                Ok(Err(_) | Ok(0)) => return End::Closed,
                Ok(Ok(read)) => read,
            };
            held += read;
            let Some(used) = self.packets(&buffer[..held], idle).await else { return End::BadPacket };
            buffer.copy_within(used..held, 0);
            held -= used;
        }
    }

    /// Handles every whole packet at the start of `octets`; returns how many octets those were, `None` where one
    /// cannot be believed.
    async fn packets(&self, octets: &[u8], patience: Duration) -> Option<usize> {
        let mut used = 0;
        loop {
            let mut batch = Batch::default();
            let mut is_bad = false;
            let start = used;
            while batch.len() < IN_FLIGHT && !is_bad {
                match Packet::frame_length(&octets[used..]) {
                    Ok(Some(length)) if octets.len() - used >= length => {
                        is_bad = self.one(&mut batch, &octets[used..used + length]).is_err();
                        used += length;
                    }
                    Ok(_) => break,
                    Err(malformed) => {
                        self.core.discard(malformed.into(), self.from.ip(), Some(&self.client));
                        is_bad = true;
                    }
                }
            }
            self.finish(batch, patience).await?;
            if is_bad {
                return None;
            }
            if used == start {
                return Some(used);
            }
        }
    }

    /// `Err`: the connection must end.
    fn one(&self, batch: &mut Batch, octets: &[u8]) -> Result<(), ()> {
        let now = (self.core.clock)();
        let discard = |reason| self.core.discard(reason, self.from.ip(), Some(&self.client));
        let packet = Core::believe(octets, &self.client, SECRET, Port::Both).map_err(discard)?;
        match self.core.handle(&packet, &self.client, SECRET, Port::Both, now) {
            Ok(Handled::Answer(reply)) => {
                self.core.counters.reply(reply.kind);
                batch.ready.extend_from_slice(&reply.octets);
                batch.ready_count += 1;
            }
            Ok(Handled::Record(pending)) => {
                batch.waiting.push((pending.reply.octets, pending.reply.kind, pending.after));
                batch.records.push(pending.record);
            }
            // Believed, but not to be answered: no reason to lose the connection.
            Err(reason) => discard(reason),
        }
        Ok(())
    }

    /// Waits for places, sends what is ready and records the rest. `None`: the peer reads no answers.
    async fn finish(&self, batch: Batch, patience: Duration) -> Option<()> {
        if batch.ready_count > 0 {
            let places = self.places(batch.ready_count, patience).await?;
            // A send fails only when the writer is gone, and then the reader will be too.
            self.answers.send((batch.ready, places)).ok()?;
        }
        if batch.records.is_empty() {
            return Some(());
        }
        let places = self.places(batch.records.len(), patience).await?;
        let (core, answers, from) = (Arc::clone(&self.core), self.answers.clone(), self.from);
        let waiting = batch.waiting;
        let done = move |outcome: Result<Vec<Outcome>, Refused>| {
            let Ok(outcomes) = outcome else {
                return waiting.iter().for_each(|_| core.discard(Discard::NotRecorded, from.ip(), None));
            };
            let mut octets = Vec::new();
            for ((reply, kind, after), outcome) in waiting.into_iter().zip(outcomes) {
                core.stored(outcome, after, kind);
                octets.extend_from_slice(&reply);
            }
            if answers.send((octets, places)).is_err() {
                tracing::debug!(%from, "RadSec connection ended before its answers were ready");
            }
        };
        self.core.recorder.record(batch.records, Box::new(done));
        Some(())
    }

    async fn places(&self, count: usize, patience: Duration) -> Option<OwnedSemaphorePermit> {
        let places = Arc::clone(&self.places).acquire_many_owned(u32::try_from(count).ok()?);
        tokio::time::timeout(patience, places).await.ok()?.ok()
    }
}

impl Batch {
    fn len(&self) -> usize {
        self.records.len() + self.ready_count
    }
}
