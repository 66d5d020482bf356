//! SNMP: who the engine is (version 3, RFC 3414 §4), and what it is to who says `public` (RFC 3416, RFC 1157).
//!
//! `public` is what each manager says first; any other community is an attempt, and those are counted (`access`).

use std::io;

use super::super::words::shown_octets as shown;
use super::ber::{Ber, INTEGER, OBJECT, OCTETS, SEQUENCE, object, written};
use super::talk::Talk;
use super::words::listed;
use crate::access::hexadecimal;
use crate::fact::{Access, Service};

/// What an agent tells before it knows who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    /// Its engine: id, boots, seconds since the last.
    Engine(Vec<u8>, i64, i64),
    /// To a community: which version it speaks, `sysDescr`, and the enterprise of `sysObjectID`.
    Described(&'static str, Box<str>, Option<u32>),
}

pub(super) async fn ask(talk: &mut Talk<'_>) -> io::Result<Option<Service>> {
    let answers = talk.ask_all(&[discovery(), get(1), get(0)]).await?;
    Ok(service(&answers.iter().filter_map(|octets| read(octets)).collect::<Vec<_>>()))
}

fn service(told: &[Told]) -> Option<Service> {
    let mut service = Service { protocol: "snmp".into(), ..Service::default() };
    let (mut versions, mut enterprise) = (Vec::new(), None);
    for told in told {
        match told {
            Told::Engine(id, boots, seconds) => {
                versions.push("3");
                enterprise = enterprise.or(engine_enterprise(id));
                let notes = [
                    ("engine_id", hexadecimal(id).into()),
                    ("engine_boots", boots.to_string().into()),
                    ("engine_seconds", seconds.to_string().into()),
                ];
                service.notes.extend(notes.map(|(name, value)| (name.into(), value)));
            }
            Told::Described(version, words, object) => {
                versions.push(version);
                enterprise = object.or(enterprise);
                service.evidence.clone_from(words);
                service.access = Access::Asks { methods: vec!["community".into()] };
                service.notes.insert("communities".into(), "public".into());
            }
        }
    }
    versions.sort_unstable();
    service.notes.insert("versions".into(), listed(versions));
    if let Some(vendor) = enterprise.and_then(vendor) {
        service.notes.insert("vendor".into(), vendor.into());
        service.product = (vendor == "net-snmp").then(|| vendor.into());
    }
    (!told.is_empty()).then_some(service)
}

/// A request without a user, which the engine must report with its id (RFC 3414 §4).
fn discovery() -> Vec<u8> {
    let integer = |value: &[u8]| written(INTEGER, value);
    let header = [integer(b"\x46\x57"), integer(&[0, 0xFF, 0xE3]), written(OCTETS, &[4]), integer(&[3])].concat();
    let empty = written(OCTETS, &[]);
    let security = written(SEQUENCE, &[&*empty, &*integer(&[0]), &*integer(&[0]), &*empty, &*empty, &*empty].concat());
    let request = written(0xA0, &[integer(b"\x46\x57"), integer(&[0]), integer(&[0]), written(SEQUENCE, &[])].concat());
    let scoped = written(SEQUENCE, &[&*empty, &*empty, &*request].concat());
    let parts = [integer(&[3]), written(SEQUENCE, &header), written(OCTETS, &security), scoped];
    written(SEQUENCE, &parts.concat())
}

/// A GET of `sysDescr.0` and `sysObjectID.0` in version 1 (0) or 2c (1).
fn get(version: u8) -> Vec<u8> {
    let name = |last| [&*written(OBJECT, &[0x2B, 6, 1, 2, 1, 1, last, 0]), &[5, 0]].concat();
    let bindings = [1, 2].map(|last| written(SEQUENCE, &name(last))).concat();
    let zero = written(INTEGER, &[0]);
    let request = [&*written(INTEGER, &[version + 1]), &zero, &zero, &written(SEQUENCE, &bindings)].concat();
    let parts = [written(INTEGER, &[version]), written(OCTETS, b"public"), written(0xA0, &request)];
    written(SEQUENCE, &parts.concat())
}

fn read(octets: &[u8]) -> Option<Told> {
    let mut message = Ber(octets).enter(SEQUENCE)?;
    match message.integer()? {
        3 => engine(message),
        version @ (0 | 1) => described(if version == 0 { "1" } else { "2c" }, message),
        _ => None,
    }
}

/// RFC 3412 §6, RFC 3414 §2.4.
fn engine(mut message: Ber<'_>) -> Option<Told> {
    message.enter(SEQUENCE)?;
    let mut security = Ber(message.take(OCTETS)?).enter(SEQUENCE)?;
    let id = security.take(OCTETS)?;
    // SnmpEngineID has 5 to 32 octets (RFC 3411 §5).
    let told = Told::Engine(id.to_vec(), security.integer()?, security.integer()?);
    (5..=32).contains(&id.len()).then_some(told)
}

fn described(version: &'static str, mut message: Ber<'_>) -> Option<Told> {
    message.take(OCTETS)?;
    let mut response = message.enter(0xA2)?;
    response.integer()?;
    let _status = (response.integer()?, response.integer()?);
    let mut bindings = response.enter(SEQUENCE)?;
    let (mut words, mut enterprise) = (Box::default(), None);
    while let Some(mut binding) = bindings.enter(SEQUENCE) {
        binding.take(OBJECT)?;
        match binding.item()? {
            (OCTETS, text) => words = shown(text),
            (OBJECT, name) => enterprise = object(name).as_deref().and_then(under_enterprises),
            _ => {}
        }
    }
    Some(Told::Described(version, words, enterprise))
}

/// The number below 1.3.6.1.4.1.
fn under_enterprises(name: &[u32]) -> Option<u32> {
    name.strip_prefix(&[1, 3, 6, 1, 4, 1])?.first().copied()
}

/// Ids of the form of RFC 3411 §5 begin with it.
fn engine_enterprise(id: &[u8]) -> Option<u32> {
    let number = u32::from_be_bytes(*id.first_chunk()?);
    (number & 0x8000_0000 != 0).then_some(number & 0x7FFF_FFFF)
}

/// Private enterprise numbers (IANA) of who makes things with an agent in them.
fn vendor(enterprise: u32) -> Option<&'static str> {
    let known = VENDORS.iter().find(|(number, _)| *number == enterprise);
    known.map(|(_, name)| *name)
}

const VENDORS: [(u32, &str); 33] = [
    (9, "Cisco"),
    (11, "HP"),
    (171, "D-Link"),
    (207, "Allied Telesis"),
    (231, "Fujitsu"),
    (253, "Xerox"),
    (311, "Microsoft"),
    (318, "APC"),
    (367, "Ricoh"),
    (368, "Axis"),
    (476, "Vertiv"),
    (534, "Eaton"),
    (641, "Lexmark"),
    (674, "Dell"),
    (890, "Zyxel"),
    (1248, "Epson"),
    (1347, "Kyocera"),
    (1602, "Canon"),
    (1916, "Extreme Networks"),
    (2011, "Huawei"),
    (2435, "Brother"),
    (2636, "Juniper"),
    (3808, "CyberPower"),
    (4526, "Netgear"),
    (6574, "Synology"),
    (8072, "net-snmp"),
    (8691, "Moxa"),
    (11863, "TP-Link"),
    (12356, "Fortinet"),
    (14988, "MikroTik"),
    (24681, "QNAP"),
    (39165, "Hikvision"),
    (41112, "Ubiquiti"),
];

/// For any octets.
pub(super) fn read_anything(octets: &[u8]) -> Option<Service> {
    service(&[read(octets)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Debian's snmpd 5.9.3 answered to [`discovery`].
    const REPORT: &[u8] = b"\x30\x6d\x02\x01\x03\x30\x0f\x02\x02\x46\x57\x02\x03\x00\xff\xe3\x04\x01\x00\x02\x01\x03\x04\x21\x30\x1f\x04\x11\x80\x00\x1f\x88\x80\xca\xdf\xc1\x54\x57\x5e\x08\x6b\x00\x00\x00\x00\x02\x01\x01\x02\x01\x02\x04\x00\x04\x00\x04\x00\x30\x34\x04\x11\x80\x00\x1f\x88\x80\xca\xdf\xc1\x54\x57\x5e\x08\x6b\x00\x00\x00\x00\x04\x00\xa8\x1d\x02\x02\x46\x57\x02\x01\x00\x02\x01\x00\x30\x11\x30\x0f\x06\x0a\x2b\x06\x01\x06\x03\x0f\x01\x01\x04\x00\x41\x01\x01";

    #[test]
    fn the_engine_is_told() {
        let engine = read(REPORT).unwrap();
        let service = service(&[engine]).unwrap();
        assert_eq!(&*service.notes["engine_id"], "80001f8880cadfc154575e086b00000000");
        assert_eq!((&*service.notes["versions"], &*service.notes["vendor"]), ("3", "net-snmp"));
        assert_eq!(service.access, Access::Unasked);
    }

    #[test]
    fn the_description_is_told_to_public() {
        let value = [written(OCTETS, b"UPS\r\n"), written(OBJECT, &[0x2B, 6, 1, 4, 1, 0x82, 0x3E, 1])];
        let name = written(OBJECT, &[0x2B]);
        let bindings = value.map(|value| written(SEQUENCE, &[&name[..], &value].concat())).concat();
        let zero = written(INTEGER, &[0]);
        let response = written(0xA2, &[&*zero, &zero, &zero, &written(SEQUENCE, &bindings)].concat());
        let octets = written(SEQUENCE, &[&*written(INTEGER, &[1]), &written(OCTETS, b"public"), &response].concat());
        assert_eq!(read(&octets), Some(Told::Described("2c", "UPS".into(), Some(318))));
        assert_eq!(read(&octets[..octets.len() - 1]), None);
    }

    #[test]
    fn questions_are_read_as_what_they_are() {
        assert!(Ber(&discovery()).enter(SEQUENCE).is_some_and(|mut message| message.integer() == Some(3)));
        assert_eq!(read(&get(1)), None, "a question is no answer");
    }
}
