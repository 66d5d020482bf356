//! UPnP's description of a device (UPnP Device Architecture 2.0 §2.3), from a path of the very server that is asked.

use super::{Response, get};
use crate::fact::{Access, Service};
use crate::speak::product;
use crate::speak::way::Way;
use crate::speak::words::{element, has, note, shown};

/// Whether it is worth asking: the server says so, or the port is one where descriptions lie.
pub(super) fn is_likely(port: u16, service: &Service) -> bool {
    let server = service.notes.get("server").map_or("", |it| it);
    has(server, &["upnp", "dlna"]) || matches!(port, 1900 | 2869 | 5000 | 5431 | 8200 | 49152..=49160)
}

/// Asks for the usual names of a description, until one is there.
pub(super) async fn ask(way: &Way, service: &mut Service) {
    for path in ["/rootDesc.xml", "/description.xml", "/setup.xml"] {
        let Ok(line) = way.open().await else { return };
        if read(service, &get(way, line, path).await) {
            note(service, "path", path);
            return;
        }
    }
}

/// Makes it `upnp` with what the description tells; whether it was one.
pub(in crate::speak) fn read(service: &mut Service, heard: &[u8]) -> bool {
    let Some(answer) = Response::read(heard).filter(|it| it.status == 200) else { return false };
    let text = String::from_utf8_lossy(answer.body);
    let of = |name: &str| element(&text, name).unwrap_or_default();
    let kind = of("deviceType");
    if kind.is_empty() || !text.contains("urn:schemas-upnp-org") {
        return false;
    }
    (service.protocol, service.access) = ("upnp".into(), Access::Anybody);
    let names = [of("manufacturer"), of("modelName"), of("modelNumber")];
    service.evidence = shown(&format!("{kind}; {}", names.join(" ")));
    service.device_model = Some(shown(names[1])).filter(|it| !it.is_empty());
    note(service, "device_type", kind);
    note(service, "vendor", names[0]);
    note(service, "name", of("friendlyName"));
    if service.product.is_none() {
        product::state(service, names[1], names[2]);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_describes_itself() {
        let body = "<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device>\
            <deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>\
            <modelName>Router</modelName><modelNumber>7</modelNumber></device></root>";
        let mut service = Service::default();
        assert!(read(&mut service, format!("HTTP/1.1 200 OK\r\n\r\n{body}").as_bytes()));
        assert_eq!((&*service.protocol, service.device_model.as_deref()), ("upnp", Some("Router")));
        assert!(service.evidence.contains("InternetGatewayDevice"));
        assert!(!read(&mut service, b"HTTP/1.1 200 OK\r\n\r\n<deviceType></deviceType>"));
    }
}
