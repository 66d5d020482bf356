//! The way out (but for raw SYNs, which `ports` sends): connections and datagrams to a [`Target`], paced by host, bounded in time and octets.
//!
//! A speaker asks the door and never a socket, so what a device says cannot lead it elsewhere, a device that sends
//! without end is read up to a bound, and one that sends an octet a minute is left at its deadline.

mod datagram;
mod inside;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

pub use datagram::Datagrams;

use crate::pace::{Limits, Temperament};
use crate::scope::Target;

pub use inside::Shown;
use inside::Stream;

/// Octets that one conversation may bring in.
pub const MAX_OCTETS: usize = 256 * 1024;

/// Turns that are further apart are kept to the millisecond.
const RARE: Duration = Duration::from_millis(5);

/// Opens conversations with targets. Cheap to clone; clones share the pace.
#[derive(Debug, Clone)]
pub struct Door {
    limits: Limits,
    hosts: Arc<Mutex<HashMap<Target, Arc<HostPace>>>>,
}

#[derive(Debug)]
struct HostPace {
    slots: Arc<Semaphore>,
    next: Mutex<Instant>,
}

impl Door {
    /// A door that is opened as gently as said.
    pub fn new(temperament: Temperament) -> Self {
        Self { limits: temperament.limits(), hosts: Arc::default() }
    }

    /// What it holds itself to.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Waits for the host's turn, connects.
    ///
    /// # Errors
    /// `ConnectionRefused` where the port is closed, `TimedOut` where nothing answered within the patience.
    pub async fn tcp(&self, target: Target, port: u16) -> io::Result<Line> {
        let pace = self.pace(target);
        let slot = Arc::clone(&pace.slots).acquire_owned().await.map_err(io::Error::other)?;
        self.turn(&pace).await;
        let deadline = Instant::now() + self.limits.patience;
        let address = SocketAddr::new(target.address(), port);
        let stream = timeout_at(deadline, TcpStream::connect(address)).await.map_err(|_| io::ErrorKind::TimedOut)??;
        stream.set_nodelay(true)?;
        Ok(Line { stream: Stream::Plain(stream), left: MAX_OCTETS, deadline, _slot: slot })
    }

    /// As [`Door::tcp`], with TLS 1.2 or 1.3 around the conversation; see [`Line::encrypt`].
    ///
    /// # Errors
    /// As [`Door::tcp`] and [`Line::encrypt`].
    pub async fn tls(&self, target: Target, port: u16) -> io::Result<Line> {
        self.tcp(target, port).await?.encrypt().await
    }

    /// Whether a port opens: connects and hangs up at once (with a reset, so that nothing lingers on either side). Who
    /// knocks often keeps to a pace.
    ///
    /// # Errors
    /// As [`Door::tcp`].
    pub async fn knock(&self, target: Target, port: u16, wait: Duration) -> io::Result<()> {
        self.rare_turn(target).await;
        let address = SocketAddr::new(target.address(), port);
        let connect = tokio::time::timeout(wait, TcpStream::connect(address)).await;
        let stream = connect.map_err(|_| io::ErrorKind::TimedOut)??;
        socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))
    }

    /// Waits for the host's turn where turns are rare: whoever sends without a conversation shares the pace of those that
    /// have one. Where they are frequent the search for ports keeps its own, which no timer could.
    pub(crate) async fn rare_turn(&self, target: Target) {
        if self.limits.gap() >= RARE {
            self.turn(&self.pace(target)).await;
        }
    }

    /// `at`, or the host's next turn where that is later and turns are rare: who waits for both waits once.
    pub(crate) fn no_sooner(&self, target: Target, at: Instant) -> Instant {
        if self.limits.gap() < RARE {
            return at;
        }
        let pace = self.pace(target);
        let next = pace.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        at.max(*next)
    }

    fn pace(&self, target: Target) -> Arc<HostPace> {
        let mut hosts = self.hosts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let made = || {
            let slots = Arc::new(Semaphore::new(self.limits.at_once as usize));
            Arc::new(HostPace { slots, next: Mutex::new(Instant::now()) })
        };
        Arc::clone(hosts.entry(target).or_insert_with(made))
    }

    async fn turn(&self, pace: &HostPace) {
        let at = {
            let mut next = pace.next.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let at = (*next).max(Instant::now());
            *next = at + self.limits.gap();
            at
        };
        tokio::time::sleep_until(at).await;
    }
}

/// One conversation.
#[derive(Debug)]
pub struct Line {
    stream: Stream,
    left: usize,
    deadline: Instant,
    _slot: tokio::sync::OwnedSemaphorePermit,
}

impl Line {
    /// Sets how long the conversation may last from now on.
    pub fn extend(&mut self, by: Duration) {
        self.deadline = Instant::now() + by;
    }

    /// Goes on inside TLS, at once or after a STARTTLS. Within the deadline of the conversation.
    ///
    /// **Nothing is verified, on purpose**: an audit looks at what a device shows and does not rely on it. Devices'
    /// certificates are seldom signed by anybody, and who would listen on the way hears no secret of the owner's: the
    /// passwords that are tried are those that everybody knows.
    ///
    /// # Errors
    /// `InvalidData` where the other side does not speak TLS 1.2 or 1.3 with a suite of today, `TimedOut`, or as the socket.
    pub async fn encrypt(self) -> io::Result<Self> {
        let Stream::Plain(stream) = self.stream else { return Err(io::ErrorKind::InvalidInput.into()) };
        let stream = timeout_at(self.deadline, inside::shake_hands(stream)).await;
        let stream = stream.map_err(|_| io::ErrorKind::TimedOut)??;
        Ok(Self { stream, ..self })
    }

    /// What the other side showed of itself inside TLS; nothing in clear text.
    pub fn shown(&self) -> Option<Shown> {
        self.stream.shown()
    }

    /// Sends all of it.
    ///
    /// # Errors
    /// As the socket, or `TimedOut`.
    pub async fn say(&mut self, octets: &[u8]) -> io::Result<()> {
        let said = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        timeout_at(self.deadline, said).await.map_err(|_| io::ErrorKind::TimedOut)?
    }

    /// Adds what comes next to `heard`; 0 at the end of the conversation.
    ///
    /// # Errors
    /// `TimedOut` at the deadline, `QuotaExceeded` beyond [`MAX_OCTETS`], or as the socket.
    pub async fn hear(&mut self, heard: &mut Vec<u8>) -> io::Result<usize> {
        let mut piece = [0; 4096];
        if self.left == 0 {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let room = self.left.min(piece.len());
        let got = timeout_at(self.deadline, self.stream.read(&mut piece[..room])).await;
        let got = got.map_err(|_| io::ErrorKind::TimedOut)??;
        self.left -= got;
        heard.extend_from_slice(&piece[..got]);
        Ok(got)
    }
}
