//! SSDP (`UPnP` Device Architecture 2.0 §1.3.3): a search that goes to one host. Where it says that its description lies
//! is noted, and read where that is the host itself; no other address is asked, and no name is resolved.

use std::io;
use std::net::IpAddr;

use super::super::words::{element, elements, note, shown, shown_octets};
use super::super::{At, product};
use super::talk::Talk;
use super::words::{field, listed};
use crate::fact::{Access, Service};

/// Octets of a description that are read.
const DESCRIPTION: usize = 64 * 1024;

pub(super) async fn ask(talk: &mut Talk<'_>) -> io::Result<Option<Service>> {
    let host = talk.at.target.address();
    let question = format!(
        "M-SEARCH * HTTP/1.1\r\nHOST: {host}:1900\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: upnp:rootdevice\r\n\r\n"
    );
    let answer = talk.ask(question.as_bytes()).await?;
    let Some(mut service) = read(&answer) else { return Ok(None) };
    if let Some((port, path)) = service.notes.get("location").and_then(|url| own(url, host)) {
        let description = fetch(talk.at, port, &path).await.unwrap_or_default();
        describe(&mut service, &description);
    }
    Ok(Some(service))
}

fn read(octets: &[u8]) -> Option<Service> {
    let text = String::from_utf8_lossy(octets);
    let is_answer = text.starts_with("HTTP/1.1 200") || text.starts_with("NOTIFY * HTTP/1.1");
    let mut service = Service { protocol: "ssdp".into(), ..Service::default() };
    service.evidence = shown(field(&text, "server").or_else(|| field(&text, "usn")).unwrap_or_default());
    note(&mut service, "location", field(&text, "location").unwrap_or_default());
    // `Debian/12 UPnP/1.1 MiniUPnPd/2.3.1`: the system, the architecture, the product.
    let stated = field(&text, "server").and_then(|server| server.split_whitespace().last()?.split_once('/'));
    if let Some((name, version)) = stated.filter(|(name, _)| !name.eq_ignore_ascii_case("upnp")) {
        product::state(&mut service, name, version);
    }
    is_answer.then_some(service)
}

/// Port and path of a URL that leads to this very address.
fn own(url: &str, host: IpAddr) -> Option<(u16, String)> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (name, port) = match authority.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()?),
        _ => (authority, 80),
    };
    let address: IpAddr = name.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    (address == host).then(|| (port, if path.is_empty() { "/".into() } else { path.into() }))
}

async fn fetch(at: At<'_>, port: u16, path: &str) -> io::Result<Vec<u8>> {
    let mut line = at.door.tcp(at.target, port).await?;
    let host = at.target.address();
    line.say(format!("GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut heard = Vec::new();
    // What came before the end, or the deadline, is read.
    while heard.len() < DESCRIPTION && line.hear(&mut heard).await.unwrap_or(0) > 0 {}
    Ok(heard)
}

/// Who made it, which model, and what it is (`UPnP` Device Architecture 2.0 §2.3).
fn describe(service: &mut Service, description: &[u8]) {
    let text = String::from_utf8_lossy(description);
    service.device_model = element(&text, "modelName").map(shown).filter(|model| !model.is_empty());
    for (name, tag) in [("vendor", "manufacturer"), ("model_number", "modelNumber")] {
        note(service, name, element(&text, tag).unwrap_or_default());
    }
    let kinds = elements(&text, "deviceType").chain(elements(&text, "serviceType"));
    let kinds = kinds.filter_map(|urn| urn.rsplit(':').nth(1)).take(12);
    note(service, "offers", &listed(kinds));
    // It is there for whoever finds it.
    service.access = Access::Anybody;
}

/// For any octets.
pub(super) fn read_anything(octets: &[u8]) -> Option<Service> {
    let mut service = read(octets).or_else(|| octets.starts_with(b"<").then(Service::default))?;
    describe(&mut service, octets);
    let host = IpAddr::from([192, 0, 2, 7]);
    if let Some((_, path)) = own(&shown_octets(octets), host) {
        assert!(path.starts_with('/') && !path.contains('\n'), "a path adds no line to a request");
    }
    Some(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_says_what_it_is() {
        let answer = b"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nLOCATION: http://192.0.2.7:5000/rootDesc.xml\r\nSERVER: Debian/12 UPnP/1.1 MiniUPnPd/2.3.1\r\n\r\n";
        let mut service = read(answer).unwrap();
        assert_eq!((service.product.as_deref(), service.version.as_deref()), (Some("MiniUPnPd"), Some("2.3.1")));
        describe(
            &mut service,
            b"<root><device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType><modelName>R 7\n</modelName></device></root>",
        );
        assert_eq!(
            (service.device_model.as_deref(), &*service.notes["offers"]),
            (Some("R 7"), "InternetGatewayDevice")
        );
    }

    #[test]
    fn a_location_elsewhere_is_not_read() {
        let host = IpAddr::from([192, 0, 2, 7]);
        assert_eq!(own("http://192.0.2.7:5000/d.xml", host), Some((5000, "/d.xml".into())));
        assert_eq!(own("http://192.0.2.7", host), Some((80, "/".into())));
        for url in [
            "http://192.0.2.8/",
            "http://router.lan/",
            "https://192.0.2.7/",
            "http://192.0.2.7@192.0.2.8/",
            "http://192.0.2.7:99999/",
        ] {
            assert_eq!(own(url, host), None, "{url}");
        }
        assert_eq!(own("http://[fd00::7]:80/x", "fd00::7".parse().unwrap()), Some((80, "/x".into())));
    }
}
