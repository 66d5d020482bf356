//! MQTT 3.1.1 and 5: CONNECT without a name, and what CONNACK says (§3.1, §3.2 of both); who is let in asks the broker's
//! version, which the broker publishes of itself. Nothing is published.

use std::io;

use super::product;
use super::way::{Answer, Way, hear};
use super::words::{note, shown};
use crate::door::Line;
use crate::fact::{Access, Service};

pub(super) async fn ask(way: &Way, line: Line) -> io::Result<Answer> {
    let mut heard = talk(way, line, CONNECT, SUBSCRIBE).await?;
    if heard.starts_with(&[0x20, 2, 0, 1]) {
        let five = talk(way, way.open().await?, CONNECT_5, SUBSCRIBE_5).await?;
        heard = if read(&five).is_some() { five } else { heard };
    }
    Ok(Answer::of(read(&heard), heard))
}

async fn talk(way: &Way, mut line: Line, connect: &[u8], subscribe: &[u8]) -> io::Result<Vec<u8>> {
    let whole = |it: &[u8]| it.len() >= 4 && it.len() >= 2 + usize::from(it[1]);
    let mut heard = way.exchange(&mut line, connect, whole).await;
    if heard.starts_with(&[0x20]) && heard.get(3) == Some(&0) {
        line.say(subscribe).await?;
        line.extend(way.patience().min(WAIT));
        // The acknowledgement, then the one message, where there is one.
        heard.extend(hear(&mut line, 1024, |it| it.starts_with(&[0x90]) && it.len() > 5 + TOPIC.len()).await);
        line.say(DISCONNECT).await.ok();
    }
    Ok(heard)
}

/// What CONNACK and what follows it show. Version 5 has properties (and so another length) and reasons above 128.
pub(super) fn read(heard: &[u8]) -> Option<Service> {
    let (&[0x20, length, 0 | 1, code], rest) = heard.split_first_chunk::<4>()? else { return None };
    let version = match (length, code) {
        (2, 0..=5) => "3.1.1",
        (3..=127, 0 | 0x80..=0x9F) if rest.len() >= usize::from(length) - 2 => "5",
        _ => return None,
    };
    let (access, words) = match code {
        0 => (Access::Anybody, "accepted"),
        1 | 0x84 => (Access::Unasked, "unacceptable protocol version"),
        4 | 0x86 => (asks("password"), "bad user name or password"),
        5 | 0x87 => (asks("password"), "not authorized"),
        0x8C => (asks("other"), "bad authentication method"),
        _ => (Access::Unasked, "refused"),
    };
    let evidence = shown(&format!("CONNACK {code}: {words}"));
    let mut service = Service { protocol: "mqtt".into(), access, evidence, ..Service::default() };
    note(&mut service, "version", version);
    if let Some(at) = rest.windows(TOPIC.len()).position(|it| it == TOPIC) {
        product::find(&mut service, &String::from_utf8_lossy(&rest[at + TOPIC.len()..]));
    }
    Some(service)
}

fn asks(method: &str) -> Access {
    Access::Asks { methods: vec![method.into()] }
}

/// The version is retained: it comes at once, or not at all.
const WAIT: std::time::Duration = std::time::Duration::from_millis(700);
const TOPIC: &[u8] = b"$SYS/broker/version";
const CONNECT: &[u8] = b"\x10\x0c\0\x04MQTT\x04\x02\0\x1e\0\0";
const SUBSCRIBE: &[u8] = b"\x82\x18\0\x01\0\x13$SYS/broker/version\0";
const CONNECT_5: &[u8] = b"\x10\x0d\0\x04MQTT\x05\x02\0\x1e\0\0\0";
const SUBSCRIBE_5: &[u8] = b"\x82\x19\0\x01\0\0\x13$SYS/broker/version\0";
const DISCONNECT: &[u8] = &[0xE0, 0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements() {
        let heard = b"\x20\x02\0\0\x90\x03\0\x01\0\x31\x2c\0\x13$SYS/broker/versionmosquitto version 2.0.11";
        let open = read(heard).unwrap();
        assert_eq!((open.access, open.version.as_deref()), (Access::Anybody, Some("2.0.11")));
        assert_eq!(read(b"\x20\x02\0\x05").unwrap().access, asks("password"));
        let five = read(b"\x20\x03\0\x87\0").unwrap();
        assert_eq!((five.access, &*five.notes["version"]), (asks("password"), "5"));
        assert!(read(b"\x20\x02\0\x77").is_none() && read(b"\x20").is_none());
        for packet in [CONNECT, SUBSCRIBE, CONNECT_5, SUBSCRIBE_5] {
            assert_eq!(usize::from(packet[1]) + 2, packet.len());
        }
    }
}
