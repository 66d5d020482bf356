//! Multicast DNS, asked by unicast (RFC 6762 §6.7): which kinds of service there are (RFC 6763 §9), and the model that
//! some of them tell. Names of instances are not kept: people call devices by their own names.

use std::io;

use super::super::words::{note, shown};
use super::message::{Data, INTERNET, Message, PTR, TXT, question, read};
use super::talk::Talk;
use super::words::listed;
use crate::fact::Service;

const ID: u16 = 0x4659;

/// Kinds of service that are noted, and asked.
const NOTED: usize = 16;
const ASKED: usize = 8;

/// Instances of a kind that are asked.
const INSTANCES: usize = 2;

/// Keys of TXT records that tell a model, and a version of firmware.
const MODEL: [&str; 5] = ["model", "md", "ty", "usb_MDL", "mdl"];
const VERSION: [&str; 3] = ["fw_version", "fv", "srcvers"];

pub(super) async fn ask(talk: &mut Talk<'_>) -> io::Result<Option<Service>> {
    let first = talk.ask(&question(ID, 0, "_services._dns-sd._udp.local", PTR, INTERNET)).await?;
    let Some(message) = answer(&first) else { return Ok(None) };
    let kinds = kinds(&message);
    let mut service = service(&kinds);
    for kind in kinds.iter().take(ASKED) {
        let next = question(ID, 0, kind, PTR, INTERNET);
        if let Some(message) = talk.ask_on(&next, |octets| answer(octets).filter(|it| is_of(it, kind))).await {
            learn(&mut service, &message);
            // Servers leave out of a unicast answer what they would add to a multicast one.
            for instance in instances(&message, kind) {
                let next = question(ID, 0, &instance, TXT, INTERNET);
                let told = talk.ask_on(&next, |octets| answer(octets).filter(|it| is_of(it, &instance))).await;
                if let Some(message) = told {
                    learn(&mut service, &message);
                }
            }
        }
    }
    Ok(Some(service))
}

/// The first of them. One with a dot in its own label cannot be asked for by a text of labels.
fn instances(message: &Message, kind: &str) -> Vec<String> {
    let of_kind = |name: &&String| {
        let label = name.strip_suffix(kind).and_then(|rest| rest.strip_suffix('.'));
        label.is_some_and(|label| !label.is_empty() && !label.contains('.'))
    };
    let names = message.records.iter().filter_map(|record| match &record.data {
        Data::Name(name) => Some(name).filter(of_kind),
        _ => None,
    });
    names.take(INSTANCES).cloned().collect()
}

/// An answer by unicast repeats the id (§6.7); one by multicast has none.
fn answer(octets: &[u8]) -> Option<Message> {
    read(octets).filter(|message| message.id == ID || message.id == 0)
}

fn is_of(message: &Message, kind: &str) -> bool {
    message.records.iter().any(|record| record.name.eq_ignore_ascii_case(kind))
}

fn kinds(message: &Message) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for record in &message.records {
        // Only kinds of service are asked for: `_http._tcp.local`.
        if let Data::Name(name) = &record.data
            && name.starts_with('_')
            && !kinds.contains(name)
            && kinds.len() < NOTED
        {
            kinds.push(name.clone());
        }
    }
    kinds.sort();
    kinds
}

fn service(kinds: &[String]) -> Service {
    let mut service = Service { protocol: "mdns".into(), ..Service::default() };
    let short = kinds.iter().map(|kind| kind.trim_end_matches(".local"));
    note(&mut service, "services", &listed(short));
    service.evidence = service.notes.get("services").cloned().unwrap_or_else(|| "no service".into());
    service
}

fn learn(service: &mut Service, message: &Message) {
    for record in &message.records {
        let Data::Texts(texts) = &record.data else { continue };
        for text in texts {
            let text = String::from_utf8_lossy(text);
            let Some((key, value)) = text.split_once('=') else { continue };
            if MODEL.contains(&key) && service.device_model.is_none() {
                service.device_model = Some(shown(value)).filter(|model| !model.is_empty());
            }
            if VERSION.contains(&key) {
                note(service, "firmware", value);
            }
        }
    }
}

/// For any octets.
pub(super) fn read_anything(octets: &[u8]) -> Option<Service> {
    let message = read(octets)?;
    let mut service = service(&kinds(&message));
    learn(&mut service, &message);
    Some(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_listed_and_a_model_is_learnt() {
        let mut octets = question(ID, 0x8400, "_services._dns-sd._udp.local", PTR, INTERNET);
        octets[7] = 1;
        octets.extend(b"\xc0\x0c\x00\x0c\x00\x01\x00\x00\x00\x0a\x00\x0c\x04_hap\x04_tcp\xc0\x23");
        let message = answer(&octets).unwrap();
        assert_eq!(kinds(&message), ["_hap._tcp.local"]);
        let mut service = service(&kinds(&message));
        assert_eq!(&*service.evidence, "_hap._tcp");
        let mut told = question(ID, 0x8400, "_hap._tcp.local", PTR, INTERNET);
        told[7] = 1;
        told.extend(b"\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x0a\x00\x0f\x05md=L1\x08fv=1.2.3");
        learn(&mut service, &answer(&told).unwrap());
        assert_eq!(service.device_model.as_deref(), Some("L1"));
        assert_eq!(&*service.notes["firmware"], "1.2.3");
    }
}
