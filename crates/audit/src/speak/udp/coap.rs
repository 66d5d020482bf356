//! `CoAP` (RFC 7252): a GET of `/.well-known/core` (RFC 6690), which lists what there is.

use std::io;

use super::super::words::{note, shown_octets as shown};
use super::talk::Talk;
use super::words::{listed, word};
use crate::fact::{Access, Service};

/// Message id and token of the question.
const ID: [u8; 2] = *b"\x46\x57";
const TOKEN: [u8; 2] = *b"fw";

/// Resources that are noted.
const NOTED: usize = 16;

/// An answer to the question.
#[derive(Debug, PartialEq, Eq)]
struct Answer<'a> {
    /// Class and detail: 2.05 is `0x45`; 0 is a reset.
    code: u8,
    payload: &'a [u8],
}

pub(super) async fn ask(talk: &mut Talk<'_>) -> io::Result<Option<Service>> {
    let answer = talk.ask(&question()).await?;
    Ok(read(&answer).map(|answer| service(&answer)))
}

/// Confirmable GET; options Uri-Path twice (RFC 7252 §3.1, §5.10.1).
fn question() -> Vec<u8> {
    [&[0x42, 1], &ID[..], &TOKEN, &[0xBB], b".well-known", &[4], b"core"].concat()
}

fn read(octets: &[u8]) -> Option<Answer<'_>> {
    let (&[first, code, id @ ..], rest) = octets.split_first_chunk::<4>()?;
    let (kind, length) = ((first >> 4) & 3, usize::from(first & 15));
    if first >> 6 != 1 || length > 8 {
        return None;
    }
    let (token, rest) = rest.split_at_checked(length)?;
    // A reset repeats the id and has nothing else (§4.2).
    if kind == 3 {
        return (code == 0 && id == ID).then_some(Answer { code, payload: &[] });
    }
    let is_answer = (2..=5).contains(&(code >> 5)) && token == TOKEN;
    is_answer.then(|| Answer { code, payload: payload(rest).unwrap_or_default() })
}

/// What is behind the options (§3.1).
fn payload(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (&first, after) = rest.split_first()?;
        if first == 0xFF {
            return Some(after);
        }
        let mut skip = 0;
        let mut extended = 0;
        for nibble in [first >> 4, first & 15] {
            let more: usize = match nibble {
                13 => 1,
                14 => 2,
                15 => return None,
                _ => 0,
            };
            let digits = after.get(extended..extended + more)?;
            let value = digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit));
            // Only the length (the second) is skipped.
            skip = value + [usize::from(nibble), 13, 269][more];
            extended += more;
        }
        rest = after.get(extended + skip..)?;
    }
}

fn service(answer: &Answer<'_>) -> Service {
    let access = match answer.code {
        0x45 => Access::Anybody,
        // 4.01 Unauthorized, 4.03 Forbidden.
        0x81 | 0x83 => Access::Asks { methods: vec!["coap".into()] },
        _ => Access::Unasked,
    };
    let code = format!("{}.{:02}", answer.code >> 5, answer.code & 31);
    let evidence = format!("{code} {}", shown(answer.payload));
    let mut service =
        Service { protocol: "coap".into(), evidence: shown(evidence.as_bytes()), access, ..Service::default() };
    let paths = resources(answer.payload);
    note(&mut service, "resources", &listed(paths));
    service
}

/// `</a>;rt="x",</b>` (RFC 6690 §2): the paths of the first of them.
fn resources(payload: &[u8]) -> Vec<Box<str>> {
    let links = payload.split(|octet| *octet == b'<').skip(1);
    let paths = links.filter_map(|link| word(link.split(|octet| *octet == b'>').next()?));
    paths.take(NOTED).collect()
}

/// For any octets.
pub(super) fn read_anything(octets: &[u8]) -> Option<Service> {
    read(octets).map(|answer| service(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_listed() {
        let octets =
            [&[0x62, 0x45], &ID[..], b"fw\xc1\x28\xff</>;title=\"General Info\";ct=0,</time>;if=\"clock\""].concat();
        let service = service(&read(&octets).unwrap());
        assert_eq!(&*service.notes["resources"], "/,/time");
        assert_eq!(service.access, Access::Anybody);
        assert!(service.evidence.starts_with("2.05 </>"), "{}", service.evidence);
    }

    #[test]
    fn who_asks_for_a_key_and_who_resets() {
        let refused = read(b"\x62\x81\x46\x57fw").unwrap();
        assert!(matches!(service(&refused).access, Access::Asks { .. }));
        assert_eq!(read(b"\x70\x00\x46\x57"), Some(Answer { code: 0, payload: &[] }));
    }

    #[test]
    fn other_tokens_and_broken_options_are_no_listing() {
        assert_eq!(read(b"\x62\x45\x46\x57xx\xffx"), None);
        assert_eq!(read(b"\x62\x45\x46\x57fw\xe1\xff"), Some(Answer { code: 0x45, payload: &[] }));
        assert_eq!(payload(b"\xdd\x00\x00012345678901\xff"), None);
        assert_eq!(payload(b"\xd1\x0ax\xffyes"), Some(&b"yes"[..]));
    }
}
