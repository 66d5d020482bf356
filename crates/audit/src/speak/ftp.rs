//! FTP (RFC 959): the greeting, what it can (FEAT, RFC 2389), and whether it knows `anonymous` (RFC 1635).
//!
//! The one log-in that is tried is the guest's, once: no account of anybody can lock by it.

use std::io;

use super::product;
use super::way::{Answer, Way, has_reply};
use super::words::{has, note, shown_octets};
use crate::access::says_locked;
use crate::door::Line;
use crate::fact::{Access, Service};

/// Goes on from the greeting.
pub(super) async fn ask(way: &Way, mut line: Line, greeting: Vec<u8>) -> io::Result<Answer> {
    let features = way.exchange(&mut line, b"FEAT\r\n", has_reply).await;
    let Some(mut service) = read(&greeting, &features) else { return Ok(Answer::Other(greeting)) };
    if !says_locked(&service.evidence) {
        let mut reply = way.exchange(&mut line, b"USER anonymous\r\n", has_reply).await;
        if reply.starts_with(b"331") {
            reply = way.exchange(&mut line, b"PASS audit@\r\n", has_reply).await;
        }
        guest(&mut service, &reply);
    }
    line.say(b"QUIT\r\n").await.ok();
    Ok(Answer::Is(Box::new(service)))
}

/// What greeting and features show; `None` where the greeting is none (RFC 959 §5.4).
pub(super) fn read(greeting: &[u8], features: &[u8]) -> Option<Service> {
    if !greeting.starts_with(b"220") && !greeting.starts_with(b"120") {
        return None;
    }
    let evidence = shown_octets(greeting);
    let mut service = Service { protocol: "ftp".into(), evidence, ..Service::default() };
    product::find(&mut service, &String::from_utf8_lossy(greeting));
    if has(&String::from_utf8_lossy(features), &["auth tls", "auth ssl"]) {
        note(&mut service, "starttls", "offered");
    }
    Some(service)
}

/// What the guest was told.
fn guest(service: &mut Service, reply: &[u8]) {
    let text = String::from_utf8_lossy(reply);
    let is_open = reply.starts_with(b"230");
    if is_open {
        service.access = Access::Anybody;
    } else if reply.starts_with(b"5") || reply.starts_with(b"332") {
        service.access = Access::Asks { methods: vec!["password".into()] };
    }
    note(service, "anonymous", if is_open { "yes" } else { "no" });
    if !is_open && has(&text, &["must use encryption", "tls required", "ssl required", "requires tls"]) {
        note(service, "starttls", "required");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests() {
        let mut service = read(b"220 (vsFTPd 3.0.3)\r\n", b"211-Features:\r\n AUTH TLS\r\n211 End\r\n").unwrap();
        assert_eq!(service.version.as_deref(), Some("3.0.3"));
        assert_eq!(&*service.notes["starttls"], "offered");
        guest(&mut service, b"530 Login incorrect.\r\n");
        assert_eq!(service.access, Access::Asks { methods: vec!["password".into()] });
        guest(&mut service, b"230 Login successful.\r\n");
        assert_eq!((&service.access, &*service.notes["anonymous"]), (&Access::Anybody, "yes"));
        assert!(read(b"421 busy\r\n", b"").is_none());
    }
}
