//! SIP (RFC 3261 §11): OPTIONS, which asks what a user agent can do and calls nobody. Max-Forwards is 0, so a proxy
//! answers itself.

use std::io;

use super::super::product;
use super::super::words::{note, shown};
use super::talk::Talk;
use super::words::field;
use crate::fact::{Access, Service};

pub(super) async fn ask(talk: &mut Talk<'_>) -> io::Result<Option<Service>> {
    let (host, local) = (talk.at.target.address(), talk.local()?);
    let host = if host.is_ipv6() { format!("[{host}]") } else { host.to_string() };
    let question = format!(
        "OPTIONS sip:{host} SIP/2.0\r\nVia: SIP/2.0/UDP {local};rport;branch=z9hG4bK-fleetward\r\nMax-Forwards: 0\r\n\
         From: <sip:audit@{local}>;tag=fleetward\r\nTo: <sip:{host}>\r\nCall-ID: fleetward-audit-{}\r\nCSeq: 1 OPTIONS\r\n\
         Accept: application/sdp\r\nContent-Length: 0\r\n\r\n",
        local.port(),
    );
    let answer = talk.ask(question.as_bytes()).await?;
    Ok(read(&answer))
}

fn read(octets: &[u8]) -> Option<Service> {
    let text = String::from_utf8_lossy(octets);
    let status = text.strip_prefix("SIP/2.0 ")?.lines().next()?;
    let mut service = Service { protocol: "sip".into(), ..Service::default() };
    let software = field(&text, "user-agent").or_else(|| field(&text, "server")).unwrap_or_default();
    service.evidence = shown(&format!("{status} {software}"));
    if let Some((name, version)) = product::token(software) {
        product::state(&mut service, name, version);
    }
    if status.starts_with("401") || status.starts_with("407") {
        service.access = Access::Asks { methods: vec!["digest".into()] };
    }
    note(&mut service, "allow", field(&text, "allow").unwrap_or_default());
    Some(service)
}

/// For any octets.
pub(super) fn read_anything(octets: &[u8]) -> Option<Service> {
    read(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_says_what_it_is() {
        let service =
            read(b"SIP/2.0 200 OK\r\nUser-Agent: Grandstream/1.0.11.2 GXP\r\nAllow: INVITE, ACK\r\n\r\n").unwrap();
        assert_eq!((service.product.as_deref(), service.version.as_deref()), (Some("Grandstream"), Some("1.0.11.2")));
        assert_eq!(&*service.evidence, "200 OK Grandstream/1.0.11.2 GXP");
        assert!(matches!(read(b"SIP/2.0 401 Unauthorized\r\n\r\n").unwrap().access, Access::Asks { .. }));
        assert_eq!(read(b"HTTP/1.1 200 OK\r\n\r\n"), None);
    }
}
