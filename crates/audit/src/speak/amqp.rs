//! AMQP 0-9-1: the protocol header, and what `connection.start` tells: product, version, mechanisms (§4.2.2, §1.4.2.1 of
//! the specification). Nobody logs in.

use std::io;

use super::product;
use super::way::{Answer, Way};
use super::words::{note, shown};
use crate::door::Line;
use crate::fact::{Access, Service};

pub(super) async fn ask(way: &Way, mut line: Line) -> io::Result<Answer> {
    let heard = way.exchange(&mut line, b"AMQP\0\0\x09\x01", is_whole).await;
    Ok(Answer::of(read(&heard), heard))
}

fn is_whole(heard: &[u8]) -> bool {
    match heard {
        [b'A', b'M', b'Q', b'P', ..] => heard.len() >= 8,
        [_, _, _, a, b, c, d, ..] => heard.len() > 7 + u32::from_be_bytes([*a, *b, *c, *d]) as usize,
        _ => false,
    }
}

/// What `connection.start`, or the header of another version, shows.
pub(super) fn read(heard: &[u8]) -> Option<Service> {
    let mut service = Service { protocol: "amqp".into(), ..Service::default() };
    if let Some([id, major, minor, revision]) = heard.strip_prefix(b"AMQP").and_then(|it| it.first_chunk()) {
        service.evidence = shown(&format!("speaks AMQP {major}.{minor}.{revision}, header {id}"));
        note(&mut service, "version", &format!("{major}.{minor}.{revision}"));
        return Some(service);
    }
    // Method frame of channel 0; class 10, method 10; version 0-9.
    let rest = heard.strip_prefix(&[1, 0, 0])?.get(4..)?.strip_prefix(&[0, 10, 0, 10, 0, 9])?;
    let (table, rest) = long(rest)?;
    let mechanisms = long(rest).map(|it| String::from_utf8_lossy(it.0).into_owned()).unwrap_or_default();
    let methods: Vec<String> = mechanisms.split_whitespace().take(16).map(str::to_ascii_lowercase).collect();
    let said = |name| text_of(table, name).unwrap_or_default();
    product::state(&mut service, &said("product"), &said("version"));
    service.evidence = shown(&format!("{} {}; mechanisms {mechanisms}", said("product"), said("version")));
    note(&mut service, "methods", &methods.join(", "));
    note(&mut service, "version", "0.9.1");
    service.access = if methods.iter().any(|it| it == "anonymous") {
        Access::Anybody
    } else {
        Access::Asks { methods: methods.into_iter().map(Into::into).collect() }
    };
    Some(service)
}

/// A long string, or a table: four octets of length.
fn long(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// The text of that name: a short string, `S`, a long string. Tables within the table hold no such names.
fn text_of(table: &[u8], name: &str) -> Option<String> {
    let key = [&[name.len() as u8], name.as_bytes(), b"S"].concat();
    let at = table.windows(key.len()).position(|it| it == key)?;
    long(&table[at + key.len()..]).map(|it| String::from_utf8_lossy(it.0).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(mechanisms: &str) -> Vec<u8> {
        let text = |it: &str| [&(it.len() as u32).to_be_bytes()[..], it.as_bytes()].concat();
        let table = [&b"\x07productS"[..], &text("RabbitMQ"), b"\x07versionS", &text("3.10.8")].concat();
        let body = [&[0, 10, 0, 10, 0, 9][..], &(table.len() as u32).to_be_bytes(), &table, &text(mechanisms)].concat();
        [&[1, 0, 0][..], &(body.len() as u32).to_be_bytes(), &body, &[0xCE]].concat()
    }

    #[test]
    fn starts() {
        let service = read(&start("PLAIN AMQPLAIN")).unwrap();
        assert_eq!((service.product.as_deref(), service.version.as_deref()), (Some("RabbitMQ"), Some("3.10.8")));
        assert_eq!(service.access, Access::Asks { methods: vec!["plain".into(), "amqplain".into()] });
        assert_eq!(read(&start("ANONYMOUS PLAIN")).unwrap().access, Access::Anybody);
        assert!(is_whole(&start("PLAIN")) && !is_whole(&start("PLAIN")[..20]));
        assert_eq!(&*read(b"AMQP\x03\x01\0\0").unwrap().notes["version"], "1.0.0");
        assert!(read(b"HTTP/1.1 400").is_none());
    }
}
