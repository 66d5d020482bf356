//! ONVIF (Core Specification §8.3.2): whether a web server is a camera's, and whether it says without a log-in what it is.

use super::{Response, exchange};
use crate::fact::Service;
use crate::speak::product;
use crate::speak::way::Way;
use crate::speak::words::{element, has, note, shown};

/// Asks `GetDeviceInformation` once, without a name; adds what was told.
pub(super) async fn ask(way: &Way, service: &mut Service) {
    let Ok(mut line) = way.open().await else { return };
    let request = format!(
        "POST /onvif/device_service HTTP/1.1\r\nHost: {}:{}\r\nUser-Agent: fleetward-audit\r\nConnection: close\r\n\
         Content-Type: application/soap+xml; charset=utf-8\r\nContent-Length: {}\r\n\r\n{ENVELOPE}",
        way.host(),
        way.port,
        ENVELOPE.len()
    );
    read(service, &exchange(way, &mut line, request.as_bytes()).await);
}

/// Notes `onvif` (`open`, `asks`), manufacturer, model, firmware.
pub(in crate::speak) fn read(service: &mut Service, heard: &[u8]) {
    let Some(answer) = Response::read(heard) else { return };
    let text = String::from_utf8_lossy(answer.body);
    let of = |name: &str| element(&text, name).unwrap_or_default();
    if text.contains("GetDeviceInformationResponse") {
        note(service, "onvif", "open");
        note(service, "vendor", of("Manufacturer"));
        service.device_model = Some(shown(of("Model"))).filter(|it| !it.is_empty());
        note(service, "firmware", of("FirmwareVersion"));
        if service.product.is_none() {
            product::state(service, &format!("{} {}", of("Manufacturer"), of("Model")), of("FirmwareVersion"));
        }
    } else if has(&text, &["www.onvif.org", "ter:notauthorized"]) {
        note(service, "onvif", "asks");
    }
}

const ENVELOPE: &str = "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Body>\
<GetDeviceInformation xmlns=\"http://www.onvif.org/ver10/device/wsdl\"/></s:Body></s:Envelope>";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cameras() {
        let mut service = Service::default();
        let body = "<s:Body><tds:GetDeviceInformationResponse><tds:Manufacturer>Acme</tds:Manufacturer>\
            <tds:Model>Eye 2</tds:Model><tds:FirmwareVersion>1.4</tds:FirmwareVersion></tds:GetDeviceInformationResponse>";
        read(&mut service, format!("HTTP/1.1 200 OK\r\n\r\n{body}").as_bytes());
        assert_eq!((service.device_model.as_deref(), service.version.as_deref()), (Some("Eye 2"), Some("1.4")));
        assert_eq!(&*service.notes["onvif"], "open");
        let mut service = Service::default();
        read(&mut service, b"HTTP/1.1 400 Bad\r\n\r\n<v>ter:NotAuthorized</v>");
        assert_eq!(&*service.notes["onvif"], "asks");
    }
}
