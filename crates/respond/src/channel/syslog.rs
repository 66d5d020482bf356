//! Syslog: RFC 5424 messages over TLS with octet counting (RFC 5425), in clear over TCP (RFC 6587) to loopback only.
//!
//! Syslog has no acknowledgement. "Accepted" means that the server took the octets and had not closed the connection;
//! a connection is made for every message, so that a dead one is noticed before, not after.

use std::io::{self, Read as _, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;

use fleetward_fleet::{Severity, Timestamp};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;

use super::notification::clean;
use super::{ChannelError, Notification, Roots, TIMEOUT, Undelivered, is_loopback, tls};

/// How a syslog server is spoken to.
#[derive(Debug, Clone)]
pub enum SyslogTransport {
    /// TLS (usually port 6514).
    Tls(Roots),
    /// In clear; loopback only.
    Tcp,
}

/// What syslog is made of.
#[derive(Debug, Clone)]
pub struct SyslogConfig {
    /// The server's name; its certificate must carry it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub transport: SyslogTransport,
    /// Our own name in the messages (HOSTNAME of RFC 5424).
    pub hostname: String,
}

/// Syslog, ready to use.
#[derive(Debug)]
pub struct Syslog {
    config: SyslogConfig,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl Syslog {
    pub(super) fn new(config: SyslogConfig) -> Result<Self, ChannelError> {
        let tls = match &config.transport {
            SyslogTransport::Tls(roots) => {
                let name = ServerName::try_from(config.host.clone())
                    .map_err(|error| ChannelError::Invalid { what: "host", why: error.to_string() })?;
                Some((tls::client(roots)?, name))
            }
            SyslogTransport::Tcp if is_loopback(&config.host) => None,
            SyslogTransport::Tcp => return Err(ChannelError::Unencrypted(format!("syslog+tcp://{}", config.host))),
        };
        Ok(Self { config, tls })
    }

    pub(super) fn deliver(&self, notification: &Notification, now: Timestamp) -> Result<String, Undelivered> {
        let message = message(notification, &self.config.hostname, now);
        self.write(&framed(&message)).map_err(|error| Undelivered::Later(format!("{}: {error}", self.config.host)))?;
        Ok(format!("taken by {}:{} (syslog does not acknowledge)", self.config.host, self.config.port))
    }

    fn write(&self, frame: &[u8]) -> io::Result<()> {
        let mut tcp = connect(&self.config.host, self.config.port)?;
        let Some((config, name)) = &self.tls else {
            tcp.write_all(frame)?;
            return tcp.shutdown(std::net::Shutdown::Write);
        };
        let connection = ClientConnection::new(Arc::clone(config), name.clone()).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, tcp);
        stream.write_all(frame)?;
        stream.conn.send_close_notify();
        stream.flush()?;
        closed_in_order(&mut stream)
    }
}

/// Waits for the server's close, so that an alert (for example a refused certificate) is not mistaken for acceptance.
fn closed_in_order(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> io::Result<()> {
    stream.sock.set_read_timeout(Some(CLOSE_WITHIN))?;
    let mut nothing = [0; 64];
    match stream.read(&mut nothing) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(error), // a TLS alert
        _ => Ok(()),
    }
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, TIMEOUT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream.set_write_timeout(Some(TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Octet counting: `MSG-LEN SP SYSLOG-MSG` (RFC 5425 §4.3).
fn framed(message: &str) -> Vec<u8> {
    format!("{} {message}", message.len()).into_bytes()
}

/// One RFC 5424 message: header, one structured-data element, a byte order mark and the text.
fn message(notification: &Notification, hostname: &str, now: Timestamp) -> String {
    let priority = FACILITY_LOCAL0 * 8 + severity(notification.severity);
    let hostname = printable(hostname, 255);
    let element = format!(
        "[finding@{ENTERPRISE} id=\"{}\" rule=\"{}\" device=\"{}\" severity=\"{}\" expected=\"{}\" observed=\"{}\" since=\"{}\" advice=\"{}\"]",
        value(&notification.finding),
        value(&notification.rule),
        value(&notification.device),
        notification.severity_name(),
        value(&notification.expected),
        value(&notification.observed),
        notification.since,
        value(&notification.advice),
    );
    let kind = printable(notification.kind, 32);
    format!("<{priority}>1 {now} {hostname} fleetward - {kind} {element} \u{feff}{}", notification.headline())
}

/// A PARAM-VALUE: `"`, `\` and `]` are escaped (RFC 5424 §6.3.3).
fn value(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text, 1000).chars() {
        if matches!(c, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// A header field: printable ASCII without spaces, or `-`.
fn printable(text: &str, most: usize) -> String {
    let text: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if text.is_empty() { "-".into() } else { text }
}

fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
        Severity::Info => 6,
    }
}

const FACILITY_LOCAL0: u8 = 16;
/// The enterprise number that RFC 5612 sets aside for documentation: we have none of our own.
const ENTERPRISE: u32 = 32473;
/// How long the server may take to close its side.
const CLOSE_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_rfc_5424() {
        let now = Timestamp(1_795_000_000_123);
        let mut notification = Notification::test(now);
        notification.observed = "said \"]\\\"\nand more".into();
        let expected = concat!(
            "<134>1 2026-11-18T11:06:40.123Z aaa1 fleetward - test [finding@32473 id=\"\" rule=\"fleetward.test\" ",
            "device=\"\" severity=\"INFO\" expected=\"this message arrives\" observed=\"said \\\"\\]\\\\\\\" and more\" ",
            "since=\"2026-11-18T11:06:40.123Z\" advice=\"Nothing to do.\"] ",
            "\u{feff}[INFO] no device: Test of this channel",
        );
        assert_eq!(message(&notification, "aaa 1", now), expected);
    }

    #[test]
    fn frames_count_octets_not_characters() {
        assert_eq!(framed("ä"), "2 ä".as_bytes());
    }
}
