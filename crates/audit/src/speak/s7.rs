//! Siemens S7 over ISO on TCP (RFC 1006, ISO 8073): connect, set the communication up, read the list that names the module.
//! Nothing is written, and the protocol (in its open form) has no log-in: who is set up is anybody.

use std::io;

use super::product;
use super::way::{Answer, Way};
use super::words::{note, shown};
use crate::door::Line;
use crate::fact::{Access, Service};

pub(super) async fn ask(way: &Way, mut line: Line) -> io::Result<Answer> {
    let mut heard = way.exchange(&mut line, CONNECT, is_whole).await;
    if is_confirmed(&heard) {
        let setup = way.exchange(&mut line, SETUP, is_whole).await;
        let is_set_up = job_of(&setup) == Some(3);
        heard.extend(setup);
        if is_set_up {
            heard.extend(way.exchange(&mut line, MODULE, is_whole).await);
        }
    }
    Ok(Answer::of(read(&heard), heard))
}

/// One packet of RFC 1006 §6.
fn packet(heard: &[u8]) -> Option<(&[u8], &[u8])> {
    let [3, _, high, low, ..] = heard else { return None };
    heard.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])).max(4))
}

fn is_whole(heard: &[u8]) -> bool {
    packet(heard).is_some()
}

/// A connection confirm (ISO 8073 §13.4).
fn is_confirmed(heard: &[u8]) -> bool {
    heard.starts_with(&[3]) && heard.get(5) == Some(&0xD0)
}

/// What kind of S7 message it is: 3 acknowledges with data, 7 is user data.
fn job_of(packet: &[u8]) -> Option<u8> {
    match packet.get(4..9)? {
        [2, 0xF0, 0x80, 0x32, kind] => Some(*kind),
        _ => None,
    }
}

/// What the answers show, one after the other; a confirmed connection alone is ISO on TCP.
pub(super) fn read(heard: &[u8]) -> Option<Service> {
    let (confirm, rest) = packet(heard).filter(|it| is_confirmed(it.0))?;
    let mut service = Service { protocol: "iso-tsap".into(), ..Service::default() };
    service.evidence = shown(&format!("connection confirmed, {} octets", confirm.len()));
    let Some((_, rest)) = packet(rest).filter(|it| job_of(it.0) == Some(3)) else { return Some(service) };
    (service.protocol, service.access) = ("s7".into(), Access::Anybody);
    service.evidence = "communication was set up".into();
    if let Some((list, _)) = packet(rest).filter(|it| job_of(it.0) == Some(7)) {
        module(&mut service, list);
    }
    Some(service)
}

/// Records of list 0x0011, mostly of 28 octets: index, 20 of text, type, and 4 of version at the end. Index 1 is the
/// module, 7 its firmware.
fn module(service: &mut Service, list: &[u8]) {
    let begins = |it: &[u8]| it[..5] == [0, 0x11, 0, 0, 0] && (26..=64).contains(&it[5]);
    let Some(at) = list.windows(6).position(begins) else { return };
    let length = usize::from(list[at + 5]);
    let (mut order, mut version) = (Box::<str>::default(), String::new());
    for record in list.get(at + 8..).unwrap_or_default().chunks_exact(length) {
        if record[..2] == [0, 1] {
            order = shown(&String::from_utf8_lossy(&record[2..22]));
        }
        if let ([0, 7], [b'V', major, minor, patch]) = (&record[..2], &record[length - 4..]) {
            version = format!("{major}.{minor}.{patch}");
        }
    }
    note(service, "order", &order);
    service.device_model = Some(order.clone()).filter(|it| !it.is_empty());
    product::state(service, &order, &version);
    service.evidence = shown(&format!("module {order} {version}"));
}

/// To rack 0, slot 2, as most expect it.
const CONNECT: &[u8] = b"\x03\0\0\x16\x11\xE0\0\0\0\x01\0\xC0\x01\x0A\xC1\x02\x01\0\xC2\x02\x01\x02";
const SETUP: &[u8] = b"\x03\0\0\x19\x02\xF0\x80\x32\x01\0\0\0\0\0\x08\0\0\xF0\0\0\x01\0\x01\x01\xE0";
/// Read system status list 0x0011, index 0.
const MODULE: &[u8] =
    b"\x03\0\0\x21\x02\xF0\x80\x32\x07\0\0\0\0\0\x08\0\x08\0\x01\x12\x04\x11\x44\x01\0\xFF\x09\0\x04\0\x11\0\0";

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIRM: &[u8] = b"\x03\0\0\x0B\x06\xD0\0\x01\0\x02\0";
    const SET_UP: &[u8] = b"\x03\0\0\x0F\x02\xF0\x80\x32\x03\0\0\0\0\0\0";

    #[test]
    fn from_confirmed_to_named() {
        for question in [CONNECT, SETUP, MODULE] {
            assert_eq!(packet(question).unwrap().1, b"", "its length is right");
        }
        assert_eq!(&*read(CONFIRM).unwrap().protocol, "iso-tsap");
        let set_up = [CONFIRM, SET_UP].concat();
        assert_eq!(read(&set_up).unwrap().access, Access::Anybody);
        let module = [&[0, 1][..], b"6ES7 315-2EH14-0AB0 ", &[0, 0xC0, 0, 3, 0, 1]].concat();
        let firmware = [&[0, 7][..], b"                    ", &[0, 0xC0], b"V\x03\x02\x06"].concat();
        let head = [&[2, 0xF0, 0x80, 0x32, 7][..], &[0; 12], &[0, 0x11, 0, 0, 0, 28, 0, 2]].concat();
        let list = [head, module, firmware].concat();
        let list = [&[3, 0, 0, list.len() as u8 + 4][..], &list].concat();
        let service = read(&[&set_up[..], &list].concat()).unwrap();
        assert_eq!(service.device_model.as_deref(), Some("6ES7 315-2EH14-0AB0"));
        assert_eq!(service.version.as_deref(), Some("3.2.6"));
        assert!(read(b"HTTP/1.1 400").is_none());
    }
}
