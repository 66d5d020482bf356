//! DNS (RFC 1035): what software it is (`version.bind`, RFC 4892), and whether it resolves for whoever asks (RFC 5358).

use std::io;

use super::super::words::shown_octets as shown;
use super::message::{A, CHAOS, Data, INTERNET, Message, TXT, question, read};
use super::talk::Talk;
use super::words::word;
use crate::fact::Service;

/// Ids of the questions.
const VERSION: u16 = 0x4657;
const RESOLVE: u16 = 0x4658;

/// A name that is for examples (RFC 2606 §3), with recursion desired.
const ELSEWHERE: &str = "example.com";

pub(super) async fn ask(talk: &mut Talk<'_>) -> io::Result<Option<Service>> {
    let first = talk.ask(&question(VERSION, 0, "version.bind", TXT, CHAOS)).await?;
    let Some(version) = answer(&first, VERSION) else { return Ok(None) };
    let resolve = question(RESOLVE, 0x0100, ELSEWHERE, A, INTERNET);
    let resolved = talk.ask_on(&resolve, |octets| answer(octets, RESOLVE)).await;
    Ok(Some(service(&version, resolved.as_ref())))
}

fn answer(octets: &[u8], id: u16) -> Option<Message> {
    read(octets).filter(|message| message.id == id)
}

fn service(version: &Message, resolved: Option<&Message>) -> Service {
    let stated = version.records.iter().find_map(|record| match &record.data {
        Data::Texts(texts) => texts.first().and_then(|text| word(text)),
        _ => None,
    });
    let evidence = stated.clone().unwrap_or_else(|| shown(format!("DNS answer {:04x}", version.flags).as_bytes()));
    let mut service = Service { protocol: "dns".into(), evidence, ..Service::default() };
    if let Some((product, number)) = stated.as_deref().and_then(product) {
        service.cpe = cpe(product, &number);
        (service.product, service.version) = (Some(product.into()), Some(number.into()));
    }
    if let Some(recursion) = resolved.and_then(recursion) {
        service.notes.insert("recursion".into(), recursion.into());
    }
    service
}

/// `dnsmasq-2.90`, `9.18.49-1~deb12u3-Debian`, `unbound 1.17.1`, `PowerDNS Recursor 4.8.4`.
fn product(stated: &str) -> Option<(&'static str, String)> {
    let lower = stated.to_ascii_lowercase();
    let at = lower.find(|letter: char| letter.is_ascii_digit())?;
    let number: String = lower[at..].chars().take_while(|it| it.is_ascii_digit() || *it == '.').collect();
    let named = ["dnsmasq", "unbound", "powerdns", "knot", "nsd"].into_iter().find(|name| lower.contains(name));
    // BIND says its number alone.
    named.or((at == 0 && number.contains('.')).then_some("bind")).map(|name| (name, number))
}

fn cpe(product: &str, number: &str) -> Option<Box<str>> {
    let vendor = match product {
        "dnsmasq" => "thekelleys",
        "bind" => "isc",
        "unbound" => "nlnetlabs",
        _ => return None,
    };
    Some(format!("cpe:2.3:a:{vendor}:{product}:{number}:*:*:*:*:*:*:*").into())
}

/// Whether it resolved the name, offers to (RA), or refused.
fn recursion(message: &Message) -> Option<&'static str> {
    let resolved = message.records.iter().any(|record| record.kind == A);
    match (message.flags & 0x0080 != 0, message.flags & 15) {
        (true, 0) if resolved => Some("resolved"),
        (_, 5) => Some("refused"),
        (true, _) => Some("offered"),
        _ => None,
    }
}

/// For any octets.
pub(super) fn read_anything(octets: &[u8]) -> Option<Service> {
    read(octets).map(|message| service(&message, Some(&message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_by_what_they_say() {
        assert_eq!(product("dnsmasq-2.90"), Some(("dnsmasq", "2.90".into())));
        assert_eq!(product("9.18.49-1~deb12u3-Debian"), Some(("bind", "9.18.49".into())));
        assert_eq!(product("unbound 1.17.1"), Some(("unbound", "1.17.1".into())));
        assert_eq!(product("none of your business 7"), None);
        assert_eq!(product("7"), None);
    }

    #[test]
    fn who_resolves_for_anybody() {
        let mut octets = question(RESOLVE, 0x8180, ELSEWHERE, A, INTERNET);
        assert_eq!(recursion(&answer(&octets, RESOLVE).unwrap()), Some("offered"));
        octets[7] = 1;
        octets.extend(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x0a\x00\x04\x5d\xb8\xd8\x22");
        assert_eq!(recursion(&answer(&octets, RESOLVE).unwrap()), Some("resolved"));
        assert_eq!(recursion(&answer(&question(RESOLVE, 0x8105, "x", A, INTERNET), RESOLVE).unwrap()), Some("refused"));
        assert_eq!(answer(&octets, VERSION), None);
    }

    #[test]
    fn the_version_is_read() {
        let mut octets = question(VERSION, 0x8580, "version.bind", TXT, CHAOS);
        octets[7] = 1;
        octets.extend(b"\xc0\x0c\x00\x10\x00\x03\x00\x00\x00\x00\x00\x0d\x0cdnsmasq-2.90");
        let service = service(&answer(&octets, VERSION).unwrap(), None);
        assert_eq!(service.cpe.as_deref(), Some("cpe:2.3:a:thekelleys:dnsmasq:2.90:*:*:*:*:*:*:*"));
    }
}
