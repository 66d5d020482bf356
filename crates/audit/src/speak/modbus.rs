//! Modbus/TCP: device identification (Modbus Application Protocol V1.1b3 §6.21), and where that is not known, one read of
//! one register (§6.3). Neither changes anything. The protocol has no log-in: who gets an answer is anybody.

use std::io;

use super::product;
use super::way::{Answer, Way};
use super::words::{note, shown};
use crate::door::Line;
use crate::fact::{Access, Service};

pub(super) async fn ask(way: &Way, mut line: Line) -> io::Result<Answer> {
    let mut heard = way.exchange(&mut line, &question(&[0x2B, 0x0E, 1, 0]), is_whole).await;
    if heard.is_empty() || is_exception(&heard) {
        // A line of its own: some devices hang up at what they do not know.
        let mut line = way.open().await?;
        let more = way.exchange(&mut line, &question(&[3, 0, 0, 0, 1]), is_whole).await;
        heard = if more.is_empty() { heard } else { more };
    }
    Ok(Answer::of(read(&heard), heard))
}

/// The PDU to unit 1 with its header (Modbus Messaging on TCP/IP V1.0b §3.1.3).
fn question(pdu: &[u8]) -> Vec<u8> {
    let length = u8::try_from(pdu.len() + 1).unwrap_or(u8::MAX);
    [&TRANSACTION[..], &[0, 0, 0, length, 1], pdu].concat()
}

fn is_whole(heard: &[u8]) -> bool {
    heard.len() >= 6 && heard.len() >= 6 + usize::from(u16::from_be_bytes([heard[4], heard[5]]))
}

fn is_exception(heard: &[u8]) -> bool {
    heard.get(7).is_some_and(|function| function & 0x80 != 0)
}

/// What an answer to either question shows.
pub(super) fn read(heard: &[u8]) -> Option<Service> {
    let (header, pdu) = heard.split_at_checked(7)?;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let is_ours = header[..2] == TRANSACTION && header[2..4] == [0, 0] && (2..=254).contains(&length);
    let (function, rest) = pdu.split_first()?;
    if !is_ours || !matches!(function & 0x7F, 3 | 0x2B) {
        return None;
    }
    let mut service = Service { protocol: "modbus".into(), access: Access::Anybody, ..Service::default() };
    service.evidence = match function {
        0x2B => identification(&mut service, rest),
        3 => "a register was read".into(),
        _ => shown(&format!("exception {}", rest.first().copied().unwrap_or_default())),
    };
    Some(service)
}

/// Objects 0 to 2: vendor, product code, revision.
fn identification(service: &mut Service, rest: &[u8]) -> Box<str> {
    let mut said: [String; 3] = Default::default();
    let mut objects = rest.get(6..).unwrap_or_default();
    while let [id, length, after @ ..] = objects {
        let Some((value, next)) = after.split_at_checked(usize::from(*length)) else { break };
        if let Some(place) = said.get_mut(usize::from(*id)) {
            *place = String::from_utf8_lossy(value).into_owned();
        }
        objects = next;
    }
    let [vendor, code, revision] = said;
    note(service, "vendor", &vendor);
    product::state(service, &format!("{vendor} {code}"), &revision);
    service.device_model = Some(shown(&code)).filter(|it| !it.is_empty());
    shown(&format!("{vendor} {code} {revision}"))
}

/// Anything that an answer has to repeat.
const TRANSACTION: [u8; 2] = [0x46, 0x57];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identification_and_exceptions() {
        let objects = [&[0x2B, 0x0E, 1, 1, 0, 0, 3, 0, 3][..], b"Zoo", &[1, 5], b"PLC-1", &[2, 3], b"1.0"].concat();
        let service = read(&question(&objects)).unwrap();
        assert_eq!(service.product.as_deref(), Some("Zoo PLC-1"));
        assert_eq!((service.version.as_deref(), service.device_model.as_deref()), (Some("1.0"), Some("PLC-1")));
        let exception = read(&question(&[0xAB, 1])).unwrap();
        assert_eq!((&*exception.evidence, exception.access), ("exception 1", Access::Anybody));
        assert!(is_exception(&question(&[0xAB, 1])));
        assert!(read(b"HTTP/1.1 400 Bad").is_none());
    }
}
