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

use super::way::{Answer, Way};
use super::{ftp, greeting, http, modbus, mqtt, redis, rtsp, telnet};
use crate::door::Line;
use crate::fact::Service;

/// A protocol that is spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    Ssh,
    Telnet,
    Ftp,
    Mqtt,
    Redis,
    Rtsp,
    Modbus,
}

impl Protocol {
    /// As [`Service::protocol`] has it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::Telnet => "telnet",
            Self::Ftp => "ftp",
            Self::Mqtt => "mqtt",
            Self::Redis => "redis",
            Self::Rtsp => "rtsp",
            Self::Modbus => "modbus",
        }
    }

    /// It waits for the client's first words.
    fn is_asked(self) -> bool {
        !matches!(self, Self::Ssh | Self::Telnet | Self::Ftp)
    }

    async fn ask(self, way: &Way, line: Line) -> io::Result<Answer> {
        match self {
            Self::Http => http::ask(way, line).await,
            Self::Mqtt => mqtt::ask(way, line).await,
            Self::Redis => redis::ask(way, line).await,
            Self::Rtsp => rtsp::ask(way, line).await,
            Self::Modbus => modbus::ask(way, line).await,
            Self::Ssh | Self::Telnet | Self::Ftp => greet(way, line, way.patience()).await.map(|it| it.1),
        }
    }

    /// What usually speaks at that port.
    fn fits(port: u16) -> Option<Self> {
        Some(match port {
            21 | 2121 => Self::Ftp,
            22 | 222 | 830 | 2222 | 22222 => Self::Ssh,
            23 | 2323 | 23023 => Self::Telnet,
            80 | 81 | 82 | 88 | 631 | 2375 | 3000 | 5000 | 5357 | 7547 | 8000..=8100 | 8888 | 9000 | 9080 => Self::Http,
            502 | 503 => Self::Modbus,
            554 | 5554 | 7070 | 8554 => Self::Rtsp,
            1883 | 1884 => Self::Mqtt,
            6379 | 6380 => Self::Redis,
            _ => return None,
        })
    }
}

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
    let first = Protocol::fits(way.port);
    let mut waiting: VecDeque<_> = first.into_iter().chain(COMMON).filter(|it| it.is_asked()).collect();
    let mut line = Some(way.open().await?);
    if !first.is_some_and(Protocol::is_asked) {
        let patience = if first.is_some() { way.patience() } else { way.patience().min(GREETING) };
        let open = line.take().ok_or(io::ErrorKind::NotConnected)?;
        match greet(way, open, patience).await? {
            (_, Answer::Is(service)) => return Ok(Some(*service)),
            (rest, _) => line = rest,
        }
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
    let line = match line {
        Some(line) => line,
        None => way.open().await?,
    };
    protocol.ask(&way, line).await
}

/// Listens for what is said unasked, and goes on in the protocol that it shows. Returns the line where nothing was said
/// and it is still open.
async fn greet(way: &Way, mut line: Line, wait: Duration) -> io::Result<(Option<Line>, Answer)> {
    let (heard, is_open) = way.listen(&mut line, wait, greeting::is_whole).await;
    if heard.is_empty() {
        return Ok((is_open.then_some(line), Answer::Other(heard)));
    }
    let fits = Protocol::fits(way.port).filter(|it| *it == Protocol::Ftp && heard.starts_with(b"220"));
    let answer = match greeting::protocol(&heard).or(fits) {
        Some(Protocol::Telnet) => telnet::ask(way, line, heard).await?,
        Some(Protocol::Ftp) => ftp::ask(way, line, heard).await?,
        _ => Answer::of(greeting::read(&heard), heard),
    };
    Ok((None, answer))
}

/// For one port.
const LIMIT: Duration = Duration::from_secs(40);
/// Questions to one port.
const MOST: usize = 12;
/// A greeting comes at once, or not at all; what comes later is heard as the answer to a question.
const GREETING: Duration = Duration::from_millis(800);
/// Asked where the number of the port tells nothing.
const COMMON: [Protocol; 5] = [Protocol::Http, Protocol::Mqtt, Protocol::Rtsp, Protocol::Redis, Protocol::Modbus];
/// Raw printing (JetDirect): paper comes out of what they are sent.
const PRINTS: std::ops::RangeInclusive<u16> = 9100..=9107;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_fit_one_protocol() {
        assert_eq!(Protocol::fits(8080), Some(Protocol::Http));
        assert_eq!(Protocol::fits(23), Some(Protocol::Telnet));
        assert_eq!(Protocol::fits(9100), None);
    }
}
