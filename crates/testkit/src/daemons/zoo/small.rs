//! Devices that Debian does not have: Modbus, RTSP, one that locks accounts, one that dies of haste.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::daemons::{DaemonError, Namespace, io_error};

/// More connections in a second kill the fragile one.
const FRAGILE: usize = 50;

/// Failures at which an account locks.
const LOCKS: u32 = 3;

/// Counters of the devices, and what ends them.
#[derive(Debug, Default)]
pub(super) struct Small {
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    ended: AtomicBool,
    locked: AtomicU32,
    harmed: AtomicU32,
    failures: Mutex<HashMap<String, u32>>,
    recent: Mutex<VecDeque<Instant>>,
}

type Serve = fn(&mut TcpStream, &Counters) -> io::Result<()>;

impl Small {
    pub(super) fn start(zoo: &Namespace) -> Result<Self, DaemonError> {
        let small = Self::default();
        let devices: [(&str, Serve); 4] = [
            ("10.77.0.22:502", modbus),
            ("10.77.0.23:554", rtsp),
            ("10.77.0.24:80", locker),
            ("10.77.0.25:80", fragile),
        ];
        for (at, serve) in devices {
            let bound = zoo.enter(move || TcpListener::bind(at))?.map_err(io_error(&format!("bind {at}")))?;
            bound.set_nonblocking(true).map_err(io_error("listen"))?;
            let counters = Arc::clone(&small.counters);
            thread::spawn(move || listen(&bound, serve, &counters));
        }
        Ok(small)
    }

    pub(super) fn locked(&self) -> u32 {
        self.counters.locked.load(Ordering::Relaxed)
    }

    pub(super) fn harmed(&self) -> u32 {
        self.counters.harmed.load(Ordering::Relaxed)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        self.counters.ended.store(true, Ordering::Relaxed);
    }
}

/// Until the end, or until the device dies.
fn listen(bound: &TcpListener, serve: Serve, counters: &Arc<Counters>) {
    while !counters.ended.load(Ordering::Relaxed) {
        let Ok((mut stream, _)) = bound.accept() else {
            thread::sleep(Duration::from_millis(5));
            continue;
        };
        if serve as usize == fragile as Serve as usize && counters.is_too_fast() {
            return;
        }
        let counters = Arc::clone(counters);
        thread::spawn(move || {
            stream.set_nonblocking(false).ok();
            stream.set_read_timeout(Some(Duration::from_secs(10))).ok();
            // A client that hangs up is no fault of the device.
            serve(&mut stream, &counters).ok();
        });
    }
}

impl Counters {
    fn is_too_fast(&self) -> bool {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_back(Instant::now());
        while recent.front().is_some_and(|first| first.elapsed() > Duration::from_secs(1)) {
            recent.pop_front();
        }
        let died = recent.len() > FRAGILE;
        self.harmed.fetch_add(u32::from(died), Ordering::Relaxed);
        died
    }
}

/// Read holding registers and device identification (Modbus Application Protocol V1.1b3 §6.3, §6.21); else an exception.
fn modbus(stream: &mut TcpStream, _: &Counters) -> io::Result<()> {
    loop {
        let mut head = [0; 8];
        stream.read_exact(&mut head)?;
        let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
        let mut rest = vec![0; length.saturating_sub(2).min(260)];
        stream.read_exact(&mut rest)?;
        let answer: Vec<u8> = match head[7] {
            3 | 4 => vec![head[7], 2, 0, 42],
            0x2B => {
                let mut answer = vec![0x2B, 0x0E, 1, 1, 0, 0, 3];
                for (id, text) in [(0, "Zoo"), (1, "PLC-1"), (2, "1.0")] {
                    answer.extend([id, u8::try_from(text.len()).unwrap_or(0)]);
                    answer.extend(text.as_bytes());
                }
                answer
            }
            other => vec![other | 0x80, 1],
        };
        let length = u16::try_from(answer.len() + 1).unwrap_or(0).to_be_bytes();
        stream.write_all(&[&head[..4], &length, &head[6..7], &answer].concat())?;
    }
}

/// OPTIONS and DESCRIBE (RFC 7826's ancestor, RFC 2326 §10) for everybody; nothing but RTSP is answered.
fn rtsp(stream: &mut TcpStream, _: &Counters) -> io::Result<()> {
    loop {
        let request = head(stream)?;
        let sequence = header(&request, "cseq").unwrap_or("0");
        let (headers, body) = match request.split(' ').next() {
            _ if !request.contains("RTSP/1.0") => return Ok(()),
            Some("OPTIONS") => ("Public: OPTIONS, DESCRIBE\r\n".to_owned(), ""),
            Some("DESCRIBE") => (
                "Content-Type: application/sdp\r\nContent-Length: 28\r\n".to_owned(),
                "v=0\r\ns=eye\r\nm=video 0 RTP/A\r\n",
            ),
            _ => {
                return stream
                    .write_all(format!("RTSP/1.0 501 Not Implemented\r\nCSeq: {sequence}\r\n\r\n").as_bytes());
            }
        };
        let headers = headers.replace("28", &body.len().to_string());
        stream.write_all(
            format!("RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nServer: Zoo-Eye/1.0\r\n{headers}\r\n{body}").as_bytes(),
        )?;
    }
}

/// Basic; nobody knows the password, and the third failure of an account locks it.
fn locker(stream: &mut TcpStream, counters: &Counters) -> io::Result<()> {
    let request = head(stream)?;
    let mut status = "401 Unauthorized";
    // An account is told by what is before the password; for that the first eight characters are enough here.
    if let Some(pair) = header(&request, "authorization") {
        let account: String = pair.chars().take("Basic ".len() + 6).collect();
        let mut failures = counters.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(account).or_insert(0);
        *count += 1;
        counters.locked.fetch_add(u32::from(*count == LOCKS), Ordering::Relaxed);
        if *count >= LOCKS {
            status = "423 Locked";
        }
    }
    let head =
        "WWW-Authenticate: Basic realm=\"safe\"\r\nServer: Zoo-Safe/1.0\r\nContent-Length: 0\r\nConnection: close";
    stream.write_all(format!("HTTP/1.1 {status}\r\n{head}\r\n\r\n").as_bytes())
}

fn fragile(stream: &mut TcpStream, _: &Counters) -> io::Result<()> {
    head(stream)?;
    let head = "Server: Zoo-Fragile/1.0\r\nContent-Type: text/html\r\nContent-Length: 5\r\nConnection: close";
    stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\nhello").as_bytes())
}

/// A request up to its empty line, at most 8 KiB.
fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet)?;
        text.push(octet[0]);
        if text.len() > 8192 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn header<'a>(request: &'a str, wanted: &str) -> Option<&'a str> {
    let of = |line: &'a str| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
    request.lines().find_map(of).map(|(_, value)| value.trim())
}
