//! SIP (RFC 3261 §11): OPTIONS, which asks what a user agent can do and calls nobody. Max-Forwards is 0, so a proxy
//! answers itself.

use std::io;

use super::super::sip::read;
use super::talk::Talk;
use crate::fact::Service;

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
