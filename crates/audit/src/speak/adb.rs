//! Android Debug Bridge: CNXN, and whether the device lets one in, or asks for a key (AOSP, `packages/modules/adb/protocol.txt`).
//! No stream is opened, and no key is shown, so no question appears on a screen.

use std::io;

use super::way::{Answer, Way};
use super::words::{note, shown_octets};
use crate::door::Line;
use crate::fact::{Access, Service};

pub(super) async fn ask(way: &Way, mut line: Line) -> io::Result<Answer> {
    let heard = way.exchange(&mut line, &message(*b"CNXN", 0x0100_0000, 4096, b"host::\0"), is_whole).await;
    Ok(Answer::of(read(&heard), heard))
}

fn message(command: [u8; 4], first: u32, second: u32, data: &[u8]) -> Vec<u8> {
    let sum = data.iter().map(|octet| u32::from(*octet)).sum::<u32>();
    let magic = u32::from_le_bytes(command) ^ u32::MAX;
    let mut message = command.to_vec();
    for word in [first, second, data.len() as u32, sum, magic] {
        message.extend(word.to_le_bytes());
    }
    message.extend(data);
    message
}

fn is_whole(heard: &[u8]) -> bool {
    let length = heard.get(12..16).and_then(|it| it.try_into().ok()).map_or(0, u32::from_le_bytes);
    heard.len() >= 24 + length.min(4096) as usize
}

/// What the answer to CNXN shows.
pub(super) fn read(heard: &[u8]) -> Option<Service> {
    let (header, data) = heard.split_first_chunk::<24>()?;
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if word(0) != word(20) ^ u32::MAX {
        return None;
    }
    let access = match &header[..4] {
        b"CNXN" => Access::Anybody,
        b"AUTH" => Access::Asks { methods: vec!["publickey".into()] },
        b"STLS" => Access::Asks { methods: vec!["certificate".into()] },
        _ => return None,
    };
    let evidence = if access == Access::Anybody { shown_octets(data) } else { shown_octets(&header[..4]) };
    let mut service = Service { protocol: "adb".into(), access, evidence, ..Service::default() };
    if service.access == Access::Anybody {
        let text = String::from_utf8_lossy(data).into_owned();
        let of = |name: &str| text.split(['\0', ';', ':']).find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
        service.device_model = of("ro.product.model").map(super::words::shown).filter(|it| !it.is_empty());
        note(&mut service, "name", of("ro.product.name").unwrap_or_default());
    }
    Some(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn let_in_or_asked() {
        let banner = b"device::ro.product.name=tv;ro.product.model=Box 4K;ro.product.device=tv;\0";
        let open = read(&message(*b"CNXN", 0x0100_0000, 4096, banner)).unwrap();
        assert_eq!((open.access, open.device_model.as_deref()), (Access::Anybody, Some("Box 4K")));
        let asks = read(&message(*b"AUTH", 1, 0, &[7; 20])).unwrap();
        assert_eq!((asks.access, &*asks.evidence), (Access::Asks { methods: vec!["publickey".into()] }, "AUTH"));
        assert!(read(&[0; 24]).is_none() && read(b"CNXN").is_none());
    }
}
