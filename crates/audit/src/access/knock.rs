//! One attempt at one service.

use std::io;
use std::time::Duration;

use crate::access::{form, ftp, http, mqtt, redis, snmp, ssh, telnet};
use crate::door::{Door, Line};
use crate::fact::Service;
use crate::scope::Target;

/// What an attempt, or a look without one, led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// It is open.
    Open,
    /// It asked, or refused; how it said so, in a form in which two refusals are equal.
    Refused(String),
    /// It says that it locked, or will.
    Locked,
    /// It says that it has no time now.
    Busy,
    /// It speaks something else, or asks in a way that is not known here.
    Strange,
}

/// Where to knock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub door: &'a Door,
    pub target: Target,
    pub port: u16,
    pub service: &'a Service,
}

/// Account and password.
#[derive(Clone, Copy)]
pub(super) struct Try<'a> {
    pub user: &'a str,
    pub password: &'a [u8],
}

/// The protocols that are known here, in clear text or inside TLS; of UDP, in clear text.
pub(super) fn is_known(service: &Service) -> bool {
    match &*service.protocol {
        "http" | "rtsp" | "ftp" | "telnet" | "ssh" | "mqtt" | "redis" => true,
        "snmp" => !service.encrypted,
        _ => false,
    }
}

/// `None`: looks whether it asks at all.
pub(super) async fn knock(place: Place<'_>, with: Option<Try<'_>>) -> io::Result<Reply> {
    match &*place.service.protocol {
        "http" if form::is_asked(place.service) => form::knock(place, with).await,
        "http" | "rtsp" => http::knock(place, with).await,
        "ftp" => ftp::knock(place, with).await,
        "telnet" => telnet::knock(place, with).await,
        "ssh" => ssh::knock(place, with).await,
        "mqtt" => mqtt::knock(place, with).await,
        "snmp" => snmp::knock(place, with).await,
        "redis" => redis::knock(place, with).await,
        _ => Ok(Reply::Strange),
    }
}

impl Place<'_> {
    /// As the service speaks: inside TLS or not. Log-ins are slow on purpose.
    pub(super) async fn line(&self) -> io::Result<Line> {
        let mut line = if self.service.encrypted {
            self.door.tls(self.target, self.port).await?
        } else {
            self.door.tcp(self.target, self.port).await?
        };
        line.extend(Duration::from_secs(12));
        Ok(line)
    }
}

/// Words by which services say that there were too many attempts.
pub(crate) fn says_locked(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["locked", "too many", "temporarily", "blocked", "banned", "try again later", "account disabled"]
        .iter()
        .any(|word| text.contains(word))
}

/// Hears until `done` says so of all that was heard, or the end; then returns it. Who hangs up without a word broke off.
pub(super) async fn hear_until(line: &mut Line, done: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    while !done(&heard) && line.hear(&mut heard).await? > 0 {}
    if heard.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(heard) }
}
