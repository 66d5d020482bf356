//! What devices say to everybody on their link: multicast DNS (RFC 6762, RFC 6763) and SSDP (UPnP Device Architecture 2.0 §1).

use super::dns::{A, AAAA, Message, PTR, SRV, TXT};
use crate::name::free_text;
use crate::{Application, Told};

/// Things that one flow introduces, at most; responders repeat themselves.
pub(super) const MOST: u16 = 16;

/// What a response of multicast DNS says of its sender: host name, services, model.
pub(super) fn mdns(message: &Message<'_>, told: &mut Vec<Told>) {
    if !message.is_response() {
        return;
    }
    let mut introduced = |what, text: Option<Box<str>>| {
        let it = text.map(|text| Told::Introduced { by: Application::Mdns, what, text });
        told.extend(it.filter(|it| !told.contains(it)));
    };
    for record in message.records() {
        let mut owner = String::new();
        if message.name(record.owner, &mut owner).is_none() {
            continue;
        }
        match record.kind {
            A | AAAA => introduced("hostname", owner.strip_suffix(".local").and_then(|it| free_text(it.as_bytes()))),
            // RFC 6763 §9: a list of services by name, each of which has a record of its own.
            PTR if owner.starts_with('_') && !owner.starts_with("_services.") => {
                introduced("service", free_text(owner.as_bytes()));
            }
            SRV => {
                let service = owner.find("._").map(|at| &owner.as_bytes()[at + 1..]);
                introduced("service", service.and_then(free_text));
            }
            TXT => {
                let mut pairs = crate::cursor::Cursor::new(message.data(record));
                while let Some(pair) = pairs.vector8() {
                    let model = [&b"md="[..], b"model=", b"ty="].iter().find_map(|key| pair.strip_prefix(*key));
                    introduced("model", model.and_then(free_text));
                }
            }
            _ => {}
        }
    }
}

/// What an SSDP message says of its sender; `None` where it is none.
pub(super) fn ssdp(bytes: &[u8], told: &mut Vec<Told>) -> Option<()> {
    let begins = [&b"NOTIFY * HTTP/1.1"[..], b"M-SEARCH * HTTP/1.1", b"HTTP/1.1 200 OK"];
    begins.iter().find(|begin| bytes.get(..begin.len()).is_some_and(|it| it.eq_ignore_ascii_case(begin)))?;
    for line in bytes.split(|it| *it == b'\n').take(40) {
        let Some(colon) = line.iter().position(|it| *it == b':') else { continue };
        let what = match line[..colon].to_ascii_lowercase().as_slice() {
            b"server" => "server",
            b"user-agent" => "user-agent",
            _ => continue,
        };
        let text = free_text(&line[colon + 1..]);
        told.extend(text.map(|text| Told::Introduced { by: Application::Ssdp, what, text }));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_responder_introduces_itself() {
        let mut bytes = vec![0, 0, 0x84, 0, 0, 0, 0, 3, 0, 0, 0, 0];
        bytes.extend(b"\x04_hap\x04_tcp\x05local\x00\x00\x0c\x00\x01\x00\x00\x11\x94\x00\x02\xc0\x0c");
        bytes.extend(b"\x04Lamp\x05local\x00\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04\xc0\xa8\x01\x07");
        bytes.extend(b"\x01x\xc0\x0c\x00\x10\x80\x01\x00\x00\x11\x94\x00\x08\x07md=BSB2");
        let message = Message::read(&bytes).expect("it is one");
        let mut told = Vec::new();
        mdns(&message, &mut told);
        let says = |what, text: &str| Told::Introduced { by: Application::Mdns, what, text: text.into() };
        assert_eq!(told, [says("service", "_hap._tcp.local"), says("hostname", "lamp"), says("model", "BSB2")]);
    }

    #[test]
    fn a_notification_names_its_software() {
        let bytes = b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nServer: Linux/3.14 UPnP/1.0 Hub/1.17\r\n\r\n";
        let mut told = Vec::new();
        ssdp(bytes, &mut told).expect("it is one");
        let text = "Linux/3.14 UPnP/1.0 Hub/1.17".into();
        assert_eq!(told, [Told::Introduced { by: Application::Ssdp, what: "server", text }]);
        assert_eq!(ssdp(b"GET / HTTP/1.1\r\n", &mut told), None);
    }
}
