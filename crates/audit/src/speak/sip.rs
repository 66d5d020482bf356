//! SIP (RFC 3261 §11): OPTIONS over TCP, which rings nobody; and who answers it, over UDP as well.

use std::io;

use super::http::Response;
use super::product;
use super::way::{Answer, Way, has_head};
use super::words::{note, shown};
use crate::door::Line;
use crate::fact::{Access, Service};

pub(super) async fn ask(way: &Way, mut line: Line) -> io::Result<Answer> {
    let (host, port) = (way.host(), way.port);
    let question = format!(
        "OPTIONS sip:{host}:{port} SIP/2.0\r\nVia: SIP/2.0/TCP audit.invalid;branch=z9hG4bKaudit\r\nMax-Forwards: 1\r\n\
         From: <sip:audit@audit.invalid>;tag=audit\r\nTo: <sip:{host}>\r\nCall-ID: audit@audit.invalid\r\n\
         CSeq: 1 OPTIONS\r\nContact: <sip:audit@audit.invalid>\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n"
    );
    let heard = way.exchange(&mut line, question.as_bytes(), has_head).await;
    Ok(Answer::of(read(&heard), heard))
}

/// What the answer shows.
pub(super) fn read(heard: &[u8]) -> Option<Service> {
    let answer = Response::of("SIP/2.0", heard)?;
    let software = answer.header("server").or_else(|| answer.header("user-agent")).unwrap_or_default();
    let mut service = Service { protocol: "sip".into(), ..Service::default() };
    service.evidence = shown(&format!("{}; {software}", answer.status_line));
    product::server(&mut service, software);
    note(&mut service, "allow", answer.header("allow").unwrap_or_default());
    if matches!(answer.status, 401 | 407) {
        service.access = Access::Asks { methods: vec!["digest".into()] };
    }
    Some(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        let text = b"SIP/2.0 200 OK\r\nUser-Agent: Yealink/66.84\r\nAllow: INVITE, ACK\r\n\r\n";
        let service = read(text).unwrap();
        assert_eq!((service.product.as_deref(), service.version.as_deref()), (Some("Yealink"), Some("66.84")));
        assert_eq!(service.access, Access::Unasked);
        let phone = read(b"SIP/2.0 200 OK\r\nUser-Agent: Grandstream/1.0.11.2 GXP\r\n\r\n").unwrap();
        assert_eq!((phone.product.as_deref(), phone.version.as_deref()), (Some("Grandstream"), Some("1.0.11.2")));
        assert_eq!(read(b"HTTP/1.1 200 OK\r\n\r\n"), None);
        let asks = read(b"SIP/2.0 401 Unauthorized\r\nServer: Asterisk PBX 18.1.0\r\n\r\n").unwrap();
        assert_eq!(asks.access, Access::Asks { methods: vec!["digest".into()] });
    }
}
