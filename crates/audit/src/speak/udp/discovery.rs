//! WS-Discovery (OASIS, 1.1 §5) and ONVIF: a probe that goes to one host. Addresses in the answer are noted, not asked.

use std::io;

use super::super::words::{element, note, shown};
use super::talk::Talk;
use super::words::word;
use crate::fact::Service;

/// Any kind of target service: no types, no scopes (§5.2.1).
const PROBE: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><s:Header>\
<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>\
<a:MessageID>urn:uuid:f1ee7a4d-0000-4000-8000-IDENTITY</a:MessageID>\
<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header><s:Body><d:Probe/></s:Body></s:Envelope>";

pub(super) async fn ask(talk: &mut Talk<'_>) -> io::Result<Option<Service>> {
    // A device does not answer the same message twice.
    let question = PROBE.replace("IDENTITY", &format!("{:012x}", talk.local()?.port()));
    let answer = talk.ask(question.as_bytes()).await?;
    Ok(read(&answer))
}

fn read(octets: &[u8]) -> Option<Service> {
    let text = String::from_utf8_lossy(octets);
    if !text.contains("discovery") || !text.contains("ProbeMatch") {
        return None;
    }
    let mut service = Service { protocol: "ws-discovery".into(), ..Service::default() };
    for (name, tag) in [("types", "Types"), ("addresses", "XAddrs")] {
        note(&mut service, name, element(&text, tag).unwrap_or_default());
    }
    // `onvif://www.onvif.org/hardware/MODEL` (ONVIF Core §7.3.2.2).
    let scopes = element(&text, "Scopes").unwrap_or_default();
    let scope = |kind: &str| scopes.split_whitespace().find_map(|scope| scope.split_once(kind)).map(|(_, value)| value);
    service.device_model = scope("/hardware/").and_then(|model| word(model.replace("%20", " ").as_bytes()));
    if service.device_model.is_some() {
        note(&mut service, "onvif", "yes");
    }
    let evidence = [service.notes.get("types").map_or("", |it| it), scopes].join(" ");
    service.evidence = shown(&evidence);
    Some(service)
}

/// For any octets.
pub(super) fn read_anything(octets: &[u8]) -> Option<Service> {
    read(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_says_its_model() {
        let answer = "<e:Envelope xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><e:Body><d:ProbeMatches><d:ProbeMatch>\
            <d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/name/eye onvif://www.onvif.org/hardware/IPC%207</d:Scopes>\
            <d:XAddrs>http://192.0.2.9/onvif/device_service</d:XAddrs></d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>";
        let service = read(answer.as_bytes()).unwrap();
        assert_eq!(service.device_model.as_deref(), Some("IPC 7"));
        assert_eq!(&*service.notes["addresses"], "http://192.0.2.9/onvif/device_service");
        assert_eq!(read(PROBE.as_bytes()), None);
    }
}
