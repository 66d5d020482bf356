//! The way to one port: opens conversations with it, in clear or inside TLS, and hears within bounds.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::At;
use crate::door::{Door, Line};
use crate::fact::Service;
use crate::scope::Target;

/// Where questions go. Owned, so that two of them can be on their way at once.
#[derive(Debug, Clone)]
pub(super) struct Way {
    door: Door,
    target: Target,
    pub(super) port: u16,
    patience: Duration,
    /// Conversations are inside TLS.
    pub(super) is_inside: bool,
}

/// What a question led to.
#[derive(Debug)]
pub(super) enum Answer {
    /// It is this, for certain.
    Is(Box<Service>),
    /// Something else, with what it said: often nothing.
    Other(Vec<u8>),
}

impl Answer {
    pub(super) fn of(service: Option<Service>, heard: Vec<u8>) -> Self {
        service.map_or(Self::Other(heard), |service| Self::Is(Box::new(service)))
    }

    pub(super) fn service(self) -> Option<Service> {
        match self {
            Self::Is(service) => Some(*service),
            Self::Other(heard) => super::greeting::read(&heard),
        }
    }
}

impl Way {
    pub(super) fn to(at: At<'_>) -> Self {
        let patience = at.door.limits().patience;
        Self { door: at.door.clone(), target: at.target, port: at.port, patience, is_inside: false }
    }

    /// The same inside TLS.
    pub(super) fn within(&self) -> Self {
        Self { is_inside: true, ..self.clone() }
    }

    /// A conversation more.
    ///
    /// # Errors
    /// As [`Door::tcp`] and [`Door::tls`].
    pub(super) async fn open(&self) -> io::Result<Line> {
        if self.is_inside {
            return self.door.tls(self.target, self.port).await;
        }
        self.door.tcp(self.target, self.port).await
    }

    /// For those that open their own.
    pub(super) fn at(&self) -> At<'_> {
        At { door: &self.door, target: self.target, port: self.port }
    }

    /// As long as one answer is waited for.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// The same for a question that is a guess: it waits half as long.
    pub(super) fn hasty(&self) -> Self {
        Self { patience: self.patience / 2, ..self.clone() }
    }

    /// The address as URLs have it (RFC 3986 §3.2.2).
    pub(super) fn host(&self) -> String {
        url_host(self.target.address())
    }

    /// Says it and hears until `done` says so, the other side ends, `most` octets came or the patience is at its end.
    pub(super) async fn exchange(&self, line: &mut Line, words: &[u8], done: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        line.extend(self.patience());
        if line.say(words).await.is_err() {
            return Vec::new();
        }
        hear(line, MOST, done).await
    }

    /// Hears what comes unasked, for so long; whether the other side is still there.
    pub(super) async fn listen(
        &self,
        line: &mut Line,
        wait: Duration,
        done: impl Fn(&[u8]) -> bool,
    ) -> (Vec<u8>, bool) {
        line.extend(wait);
        hear_on(line, MOST, done).await
    }
}

/// An address as URLs have it (RFC 3986 §3.2.2).
pub(crate) fn url_host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

/// Until `done`, `most` octets, the end or the deadline: what came until then counts, however it ended.
pub(super) async fn hear(line: &mut Line, most: usize, done: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    hear_on(line, most, done).await.0
}

async fn hear_on(line: &mut Line, most: usize, done: impl Fn(&[u8]) -> bool) -> (Vec<u8>, bool) {
    let mut heard = Vec::new();
    while heard.len() < most && !done(&heard) {
        match line.hear(&mut heard).await {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => break,
            Ok(0) | Err(_) => return (heard, false),
        }
    }
    (heard, true)
}

/// A whole line came.
pub(super) fn has_line(heard: &[u8]) -> bool {
    heard.ends_with(b"\n")
}

/// The last line of a reply as FTP and SMTP have it (RFC 959 §4.2): three digits and no hyphen.
pub(super) fn has_reply(heard: &[u8]) -> bool {
    let last = heard.strip_suffix(b"\n").and_then(|it| it.rsplit(|octet| *octet == b'\n').next());
    last.is_some_and(|it| it.len() >= 3 && it[..3].iter().all(u8::is_ascii_digit) && it.get(3) != Some(&b'-'))
}

/// A head came to its empty line (HTTP and its kin). Looks at the end only where pieces are small, and everywhere once.
pub(super) fn has_head(heard: &[u8]) -> bool {
    head_end(heard).is_some()
}

/// Where the head ends and the body begins.
pub(super) fn head_end(heard: &[u8]) -> Option<usize> {
    let within = &heard[..heard.len().min(MOST)];
    let crlf = within.windows(4).position(|it| it == b"\r\n\r\n").map(|at| at + 4);
    crlf.or_else(|| within.windows(2).position(|it| it == b"\n\n").map(|at| at + 2))
}

/// Octets of an answer that are read; bodies of pages have a bound of their own.
const MOST: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_end_with_their_last_line() {
        assert!(has_reply(b"220 ready\r\n"));
        assert!(has_reply(b"220-welcome\r\n hello\r\n220 ready\r\n"));
        assert!(!has_reply(b"220-welcome\r\n"));
        assert!(!has_reply(b"220 rea"));
        assert_eq!(head_end(b"a\r\n\r\nb"), Some(5));
    }
}
