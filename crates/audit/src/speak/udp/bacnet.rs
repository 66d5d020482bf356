//! `BACnet`/IP (ANSI/ASHRAE 135, annex J): what a device says of its device object, to whoever asks.
//!
//! An answer to Who-Is may go to the whole network (clause 16.10), so `ReadProperty` with the wildcard instance is asked
//! with it.

use std::io;

use super::super::words::{note, shown, shown_octets};
use super::talk::Talk;
use crate::fact::{Access, Service};

/// Who-Is, to one host.
const WHO_IS: &[u8] = &[0x81, 0x0A, 0, 8, 1, 0, 0x10, 8];

/// The device object of any instance (clause 12.11).
const ANY_DEVICE: [u8; 4] = [0x02, 0x3F, 0xFF, 0xFF];

/// Properties of the device object (clause 21).
const NAME: u8 = 75;
const VENDOR: u8 = 121;
const MODEL: u8 = 70;
const FIRMWARE: u8 = 44;
const SOFTWARE: u8 = 12;

pub(super) async fn ask(talk: &mut Talk<'_>) -> io::Result<Option<Service>> {
    let answers = talk.ask_all(&[read_property(NAME), WHO_IS.to_vec()]).await?;
    let Some(first) = answers.iter().find_map(|octets| apdu(octets)) else { return Ok(None) };
    let access = if is_refusal(first) { Access::Unasked } else { Access::Anybody };
    let mut told = Vec::new();
    for property in [VENDOR, MODEL, FIRMWARE, SOFTWARE] {
        let value = talk.ask_on(&read_property(property), |octets| value(octets, property)).await;
        // Who does not answer one is not asked for the others.
        let Some(value) = value else { break };
        told.push((property, value));
    }
    Ok(Some(service(access, &told)))
}

fn service(access: Access, told: &[(u8, Box<str>)]) -> Service {
    let of = |wanted: u8| told.iter().find(|(property, _)| *property == wanted).map(|(_, value)| value.clone());
    let mut service = Service { protocol: "bacnet".into(), access, ..Service::default() };
    let words: Vec<&str> = told.iter().map(|(_, value)| &**value).collect();
    service.evidence = shown(&words.join(", "));
    note(&mut service, "vendor", &of(VENDOR).unwrap_or_default());
    note(&mut service, "software", &of(SOFTWARE).unwrap_or_default());
    (service.product, service.device_model, service.version) = (of(MODEL), of(MODEL), of(FIRMWARE));
    service
}

/// A confirmed request (clause 20.1.2) with one context-tagged object and property.
fn read_property(property: u8) -> Vec<u8> {
    let apdu = [&[0x00, 0x05, property, 0x0C, 0x0C], &ANY_DEVICE[..], &[0x19, property]].concat();
    [&[0x81, 0x0A, 0, 6 + apdu.len() as u8, 0x01, 0x04], &apdu[..]].concat()
}

/// What is inside the virtual link and the network layer (clauses J.2, 6.2).
fn apdu(octets: &[u8]) -> Option<&[u8]> {
    let (&[kind, _, high, low], rest) = octets.split_first_chunk::<4>()?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if kind != 0x81 || length != octets.len() {
        return None;
    }
    let (&[version, control], mut rest) = rest.split_first_chunk::<2>()?;
    // Destination and source, each a network and an address behind its length.
    for bit in [0x20, 0x08] {
        if control & bit != 0 {
            let length = usize::from(*rest.get(2)?);
            rest = rest.get(3 + length..)?;
        }
    }
    rest = rest.get(usize::from(control & 0x20 != 0)..)?;
    (version == 1 && control & 0x80 == 0 && !rest.is_empty()).then_some(rest)
}

/// Error, reject, abort.
fn is_refusal(apdu: &[u8]) -> bool {
    (5..=7).contains(&(apdu[0] >> 4))
}

/// The text of a complex acknowledgement of [`read_property`]; its number is the property's.
fn value(octets: &[u8], property: u8) -> Option<Box<str>> {
    let rest = apdu(octets)?;
    if is_refusal(rest) && rest.get(1) == Some(&property) {
        return Some(Box::default());
    }
    let rest = rest.strip_prefix(&[0x30, property, 0x0C, 0x0C])?.get(4..)?;
    let rest = rest.strip_prefix(&[0x19, property, 0x3E])?;
    // A character string (clause 20.2.9): tag 7, length, character set, text.
    let (length, rest) = match rest.strip_prefix(&[0x75]) {
        Some([length, rest @ ..]) if *length < 254 => (usize::from(*length), rest),
        Some(_) => return None,
        None => (usize::from(rest.first()?.checked_sub(0x70)?), rest.get(1..)?),
    };
    let text = rest.get(1..length)?;
    Some(shown_octets(text))
}

/// For any octets.
pub(super) fn read_anything(octets: &[u8]) -> Option<Service> {
    let told: Vec<_> = [VENDOR, MODEL, FIRMWARE].into_iter().filter_map(|it| Some((it, value(octets, it)?))).collect();
    apdu(octets).map(|apdu| service(if is_refusal(apdu) { Access::Unasked } else { Access::Anybody }, &told))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_read() {
        let ask = read_property(NAME);
        assert_eq!(ask, b"\x81\x0a\x00\x11\x01\x04\x00\x05\x4b\x0c\x0c\x02\x3f\xff\xff\x19\x4b");
        let answer = b"\x81\x0a\x00\x1b\x01\x00\x30\x79\x0c\x0c\x02\x00\x00\x07\x19\x79\x3e\x75\x07\x00Zoo Co\x3f";
        assert_eq!(value(answer, VENDOR).as_deref(), Some("Zoo Co"));
        assert_eq!(value(answer, MODEL), None);
        assert_eq!(value(&answer[..26], VENDOR), None, "cut");
    }

    #[test]
    fn routed_answers_and_refusals() {
        let error = b"\x81\x0a\x00\x11\x01\x08\x00\x02\x01\x07\x50\x46\x0c\x91\x01\x91\x20";
        assert!(apdu(error).is_some_and(is_refusal));
        assert_eq!(value(error, MODEL).as_deref(), Some(""));
        assert_eq!(apdu(b"\x81\x0a\x00\x06\x01\x00"), None);
    }
}
