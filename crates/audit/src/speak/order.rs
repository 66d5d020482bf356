//! What is asked at a port, in which order: what fits its number, then what is common; until the first certain answer.
//!
//! # Invariants
//!
//! * **Few and slow.** At most two questions at once and [`MOST`] at all; a port that prints what it is sent is sent nothing.
//! * **Bounded in time**: [`LIMIT`] for one port, whatever answers.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::protocol::Protocol;
use super::way::{Answer, Way};
use super::{greeting, inside};
use crate::door::Line;
use crate::fact::Service;

/// See [`super::tcp`].
pub(super) async fn identify(way: &Way) -> io::Result<Option<Service>> {
    let mut seen = Seen::default();
    match timeout(LIMIT, search(way, &mut seen)).await {
        Ok(Ok(Some(service))) => Ok(Some(service)),
        // What was said to one of the questions is worth more than that another one failed.
        Ok(Ok(None)) | Err(_) => Ok(seen.unknown()),
        Ok(Err(error)) => seen.unknown().map_or(Err(error), |service| Ok(Some(service))),
    }
}

/// What was said that nobody understood.
#[derive(Debug, Default)]
struct Seen {
    heard: Vec<u8>,
}

impl Seen {
    fn unknown(&self) -> Option<Service> {
        greeting::read(&self.heard)
    }
}

async fn search(way: &Way, seen: &mut Seen) -> io::Result<Option<Service>> {
    let first = Protocol::fits(way);
    let mut waiting: VecDeque<_> = first.into_iter().chain(COMMON).filter(|it| it.is_asked()).collect();
    waiting.retain(|it| !way.is_inside || *it != Protocol::Tls);
    // The probe of TLS opens lines of its own.
    let mut line = if first == Some(Protocol::Tls) { None } else { Some(way.open().await?) };
    if !first.is_some_and(Protocol::is_asked)
        && let Some(mut open) = line.take()
    {
        let wait = if first.is_some() { way.patience() } else { way.patience().min(GREETING) };
        let (heard, is_open) = way.listen(&mut open, wait, greeting::is_whole).await;
        if !heard.is_empty() {
            return greeted(way, open, heard).await.map(Answer::service);
        }
        line = is_open.then_some(open);
    }
    if PRINTS.contains(&way.port) {
        return Ok(None);
    }
    let (mut asking, mut asked) = (JoinSet::new(), Vec::new());
    loop {
        // The first is asked alone: most often it is the last one.
        let at_once = if asked.is_empty() { 1 } else { 2 };
        while asking.len() < at_once
            && asked.len() < MOST
            && let Some(next) = waiting.pop_front()
        {
            if !asked.contains(&next) {
                asked.push(next);
                let way = if asked.len() == 1 { way.clone() } else { way.hasty() };
                asking.spawn(question(way, line.take(), next));
            }
        }
        let Some(joined) = asking.join_next().await else { return Ok(None) };
        match joined.map_err(io::Error::other)?? {
            Answer::Is(service) => return Ok(Some(*service)),
            Answer::Other(heard) => {
                // Many say in a protocol of their own that they understood nothing.
                if let Some(hint) = greeting::protocol(&heard) {
                    waiting.push_front(hint);
                }
                if seen.heard.is_empty() {
                    seen.heard = heard;
                }
            }
        }
    }
}

async fn question(way: Way, line: Option<Line>, protocol: Protocol) -> io::Result<Answer> {
    if protocol == Protocol::Tls {
        drop(line);
        return inside::ask(&way).await;
    }
    let mut line = match line {
        Some(line) => line,
        None => way.open().await?,
    };
    if protocol.is_asked() {
        return protocol.ask(&way, line).await;
    }
    let (heard, _) = way.listen(&mut line, way.patience(), greeting::is_whole).await;
    greeted(&way, line, heard).await
}

/// Goes on in the protocol that the greeting shows, or that fits the port.
async fn greeted(way: &Way, line: Line, heard: Vec<u8>) -> io::Result<Answer> {
    let fits = Protocol::fits(way).filter(|_| heard.starts_with(b"220"));
    match greeting::protocol(&heard).or(fits).filter(|it| !it.is_asked()) {
        Some(protocol) => protocol.go_on(way, line, heard).await,
        None => Ok(Answer::of(greeting::read(&heard), heard)),
    }
}

/// For one port.
const LIMIT: Duration = Duration::from_secs(40);
/// Questions to one port.
const MOST: usize = 12;
/// A greeting comes at once, or not at all; what comes later is heard as the answer to a question.
const GREETING: Duration = Duration::from_millis(800);
/// Asked where the number of the port tells nothing.
const COMMON: [Protocol; 9] = [
    Protocol::Http,
    Protocol::Tls,
    Protocol::Mqtt,
    Protocol::Rtsp,
    Protocol::Redis,
    Protocol::Modbus,
    Protocol::Adb,
    Protocol::OpcUa,
    Protocol::Amqp,
];
/// Raw printing (JetDirect): paper comes out of what they are sent.
const PRINTS: std::ops::RangeInclusive<u16> = 9100..=9107;
