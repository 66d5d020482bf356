//! MQTT 3.1.1: CONNECT without a name, and what CONNACK says (§3.1, §3.2); who is let in asks the broker's version, which
//! the broker publishes of itself.

use std::io;

use super::product;
use super::way::{Answer, Way, hear};
use super::words::{note, shown};
use crate::door::Line;
use crate::fact::{Access, Service};

pub(super) async fn ask(way: &Way, mut line: Line) -> io::Result<Answer> {
    let mut heard = way.exchange(&mut line, CONNECT, |it| it.len() >= 4).await;
    if heard.starts_with(&[0x20, 2, 0, 0]) {
        line.say(SUBSCRIBE).await?;
        line.extend(way.patience().min(WAIT));
        // The acknowledgement, then the one message, where there is one.
        heard.extend(hear(&mut line, 1024, |it| it.starts_with(&[0x90]) && it.len() > 5 + TOPIC.len()).await);
        line.say(DISCONNECT).await.ok();
    }
    Ok(Answer::of(read(&heard), heard))
}

/// What CONNACK and what follows it show.
pub(super) fn read(heard: &[u8]) -> Option<Service> {
    let (&[0x20, 2, 0 | 1, code], rest) = heard.split_first_chunk::<4>()? else { return None };
    let (access, words) = match code {
        0 => (Access::Anybody, "accepted"),
        1 => (Access::Unasked, "unacceptable protocol version"),
        2 => (Access::Unasked, "identifier rejected"),
        3 => (Access::Unasked, "server unavailable"),
        4 => (asks(), "bad user name or password"),
        5 => (asks(), "not authorized"),
        _ => return None,
    };
    let evidence = shown(&format!("CONNACK {code}: {words}"));
    let mut service = Service { protocol: "mqtt".into(), access, evidence, ..Service::default() };
    note(&mut service, "version", "3.1.1");
    if let Some(at) = rest.windows(TOPIC.len()).position(|it| it == TOPIC) {
        product::find(&mut service, &String::from_utf8_lossy(&rest[at + TOPIC.len()..]));
    }
    Some(service)
}

fn asks() -> Access {
    Access::Asks { methods: vec!["password".into()] }
}

/// The version is retained: it comes at once, or not at all.
const WAIT: std::time::Duration = std::time::Duration::from_millis(700);
const TOPIC: &[u8] = b"$SYS/broker/version";
const CONNECT: &[u8] = b"\x10\x0c\0\x04MQTT\x04\x02\0\x1e\0\0";
const SUBSCRIBE: &[u8] = b"\x82\x18\0\x01\0\x13$SYS/broker/version\0";
const DISCONNECT: &[u8] = &[0xE0, 0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements() {
        let heard = b"\x20\x02\0\0\x90\x03\0\x01\0\x31\x2c\0\x13$SYS/broker/versionmosquitto version 2.0.11";
        let open = read(heard).unwrap();
        assert_eq!((open.access, open.version.as_deref()), (Access::Anybody, Some("2.0.11")));
        assert_eq!(read(b"\x20\x02\0\x05").unwrap().access, asks());
        assert!(read(b"\x20\x02\0\x77").is_none() && read(b"\x20").is_none());
        assert_eq!(usize::from(CONNECT[1]) + 2, CONNECT.len());
        assert_eq!(usize::from(SUBSCRIBE[1]) + 2, SUBSCRIBE.len());
    }
}
