//! IPMI over RMCP (IPMI 2.0 §13): a presence ping (§13.2.3) and, without a session, which ways of proving who one is a
//! controller knows (§22.13) and which cipher suites (§22.15). No session is opened and nobody logs in.

use std::io;

use super::super::words::note;
use super::talk::Talk;
use super::words::listed;
use crate::fact::{Access, Service};

/// RMCP with ASF, presence ping.
const PING: &[u8] = &[6, 0, 0xFF, 6, 0, 0, 0x11, 0xBE, 0x80, 0x46, 0, 0];

/// This channel, and the capabilities of version 2.0 too.
const CHANNEL: u8 = 0x8E;
const ADMINISTRATOR: u8 = 4;

/// Get Channel Authentication Capabilities; Get Channel Cipher Suites.
const CAPABILITIES: u8 = 0x38;
const SUITES: u8 = 0x54;

pub(super) async fn ask(talk: &mut Talk<'_>) -> io::Result<Option<Service>> {
    let answers = talk.ask_all(&[request(CAPABILITIES, &[CHANNEL, ADMINISTRATOR]), PING.to_vec()]).await?;
    let told = answers.iter().find_map(|octets| data(octets, CAPABILITIES));
    if told.is_none() && !answers.iter().any(|octets| is_pong(octets)) {
        return Ok(None);
    }
    let mut records = Vec::new();
    // Sixteen octets at a time, at most 64 times (§22.15).
    for index in 0..64 {
        let next = request(SUITES, &[CHANNEL & 15, 0, 0x80 | index]);
        let Some(part) = talk.ask_on(&next, |octets| data(octets, SUITES).map(<[u8]>::to_vec)).await else { break };
        records.extend_from_slice(part.get(1..).unwrap_or_default());
        if part.len() < 17 {
            break;
        }
    }
    Ok(Some(service(told, &suites(&records))))
}

/// Outside a session (§13.6), to the controller (0x20) from a console (0x81), with both checksums.
fn request(command: u8, data: &[u8]) -> Vec<u8> {
    let inner = [&[0x81, 0, command], data].concat();
    let sum = inner.iter().fold(0_u8, |sum, octet| sum.wrapping_add(*octet)).wrapping_neg();
    let message = [&[0x20, 0x18, 0xC8], &inner[..], &[sum]].concat();
    [&[6, 0, 0xFF, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, message.len() as u8], &message[..]].concat()
}

fn is_pong(octets: &[u8]) -> bool {
    octets.starts_with(&[6, 0, 0xFF, 6, 0, 0, 0x11, 0xBE, 0x40])
}

/// The data of a response that completed (code 0).
fn data(octets: &[u8], command: u8) -> Option<&[u8]> {
    let message = octets.strip_prefix(&[6, 0])?.strip_prefix(&[0xFF, 7, 0])?.get(8..)?;
    let (length, message) = message.split_first()?;
    let message = message.get(..usize::from(*length))?;
    let is_answer = message.get(5) == Some(&command) && message.get(6) == Some(&0);
    is_answer.then(|| message.get(7..message.len() - 1)).flatten()
}

/// Numbers of the suites in the records (§22.15.1): 0xC0 with a number, 0xC1 with a number and an enterprise.
fn suites(records: &[u8]) -> Vec<u8> {
    let mut suites = Vec::new();
    let mut rest = records;
    while let Some((first, after)) = rest.split_first() {
        let skip = match first {
            0xC0 => 1,
            0xC1 => 4,
            _ => 0,
        };
        if let (1.., Some(number)) = (skip, after.first()) {
            suites.push(*number);
        }
        rest = after.get(skip..).unwrap_or_default();
    }
    suites
}

fn service(capabilities: Option<&[u8]>, suites: &[u8]) -> Service {
    let mut service = Service { protocol: "ipmi".into(), evidence: "RMCP presence".into(), ..Service::default() };
    let Some(&[_, kinds, status, extended, ..]) = capabilities else { return service };
    let methods = [(0, "none"), (1, "md2"), (2, "md5"), (4, "password"), (5, "oem")];
    let methods: Vec<&str> = methods.iter().filter(|(bit, _)| kinds >> bit & 1 != 0).map(|(_, name)| *name).collect();
    let version = if kinds & 0x80 != 0 && extended & 2 != 0 { "2.0" } else { "1.5" };
    service.evidence = format!("IPMI {version}, authentication {}", methods.join(" ")).into();
    note(&mut service, "version", version);
    note(&mut service, "authentication", &listed(&methods));
    // Bit 0: null user with null password (§22.13).
    if status & 1 != 0 {
        note(&mut service, "anonymous", "yes");
    }
    note(&mut service, "suites", &listed(suites.iter().map(u8::to_string)));
    service.access = Access::Asks { methods: methods.into_iter().map(Into::into).collect() };
    service
}

/// For any octets.
pub(super) fn read_anything(octets: &[u8]) -> Option<Service> {
    let told = data(octets, CAPABILITIES);
    (told.is_some() || is_pong(octets)).then(|| service(told, &suites(data(octets, SUITES).unwrap_or(octets))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_have_their_checksums() {
        let ask = request(CAPABILITIES, &[CHANNEL, ADMINISTRATOR]);
        assert_eq!(ask[13..], *b"\x09\x20\x18\xc8\x81\x00\x38\x8e\x04\xb5");
    }

    #[test]
    fn weak_ways_are_told() {
        let answer = b"\x06\x00\xff\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x81\x1c\x63\x20\x00\x38\x00\x01\x97\x05\x03\x00\x00\x00\x00\x09";
        let told = service(
            data(answer, CAPABILITIES),
            &suites(b"\xc0\x00\x00\x40\x80\xc0\x03\x01\x41\x81\xc1\x09\x00\x00\x01\x02"),
        );
        assert_eq!(&*told.notes["authentication"], "none,md2,md5,password");
        assert_eq!((&*told.notes["anonymous"], &*told.notes["suites"]), ("yes", "0,3,9"));
        assert_eq!(data(&answer[..20], CAPABILITIES), None);
    }
}
