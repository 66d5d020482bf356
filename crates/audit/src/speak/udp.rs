//! UDP: a datagram says nothing of a port unless it is a question in the protocol that is spoken there.
//!
//! Open is what answered, closed what ICMP called so; silence is unknown. A question leaves each device as it was:
//!
//! * DHCP (67) is not asked. A server answers DISCOVER with a lease that it keeps aside, and INFORM (RFC 2131 §4.3.5) is
//!   for those who have an address of their own choice: both are told to the network, and some servers write them down.
//! * NTP mode 7 (`monlist`) is not asked: it names others, and a device that answers it answers mode 6 too.
//! * What a device only says by itself (`MikroTik` 5678, Tuya 6666) is for who listens.

mod bacnet;
mod ber;
mod coap;
mod discovery;
mod dns;
mod ipmi;
mod mdns;
mod message;
mod ntp;
mod sip;
mod snmp;
mod ssdp;
mod talk;
mod tftp;
mod words;

use std::io;

use self::talk::Talk;
use super::At;
use super::words::{is_shown, shown_octets as shown};
use crate::fact::{PortState, Service};

/// UDP ports that are worth a question on `IoT` devices: one for each protocol that is spoken here.
pub const UDP_PORTS: &[u16] = &[53, 69, 123, 161, 623, 1900, 3702, 5060, 5353, 5683, 47_808];

/// Protocols whose answers to a forged sender are somebody's trouble (RFC 5358, RFC 7252 §11.3).
const REFLECTORS: &[&str] = &["coap", "dns", "mdns", "ntp", "snmp", "ssdp", "ws-discovery"];

/// Asks a UDP port in the protocol that fits it: open with what speaks there, closed (ICMP), or unknown. Once more
/// where nothing came back.
pub async fn udp(at: At<'_>) -> (PortState, Option<Service>) {
    match udp_once(at).await {
        (PortState::Unknown, _) => udp_once(at).await,
        told => told,
    }
}

/// The same, without a second time.
pub(crate) async fn udp_once(at: At<'_>) -> (PortState, Option<Service>) {
    let Ok(mut talk) = Talk::open(at) else { return (PortState::Unknown, None) };
    match ask(&mut talk, at.port).await {
        Ok(Some(service)) => (PortState::Open, Some(measured(service, &talk))),
        Ok(None) => (PortState::Open, Some(stranger(&talk))),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => (PortState::Closed, None),
        Err(_) => (PortState::Unknown, None),
    }
}

/// The protocol of the port; elsewhere some that live at any port, until one is answered.
async fn ask(talk: &mut Talk<'_>, port: u16) -> io::Result<Option<Service>> {
    match port {
        53 => dns::ask(talk).await,
        69 => tftp::ask(talk).await,
        123 => ntp::ask(talk).await,
        161 => snmp::ask(talk).await,
        623 => ipmi::ask(talk).await,
        1900 => ssdp::ask(talk).await,
        3702 => discovery::ask(talk).await,
        5060 => sip::ask(talk).await,
        5353 => mdns::ask(talk).await,
        5683 => coap::ask(talk).await,
        47_808 => bacnet::ask(talk).await,
        _ => match coap::ask(talk).await {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => snmp::ask(talk).await,
            told => told,
        },
    }
}

/// Something answered, in words that are not known here.
fn stranger(talk: &Talk<'_>) -> Service {
    Service { protocol: "unknown".into(), evidence: shown(talk.last()), ..Service::default() }
}

/// With how many octets it gave for one, where that makes it useful to who forges senders.
fn measured(mut service: Service, talk: &Talk<'_>) -> Service {
    let tenths = talk.tenths();
    if tenths >= 20 && REFLECTORS.contains(&&*service.protocol) {
        service.notes.insert("amplification".into(), format!("{}.{}", tenths / 10, tenths % 10).into());
    }
    service
}

/// Every reader of datagrams, for any octets.
pub(crate) fn read_anything(octets: &[u8]) {
    let all = [
        bacnet::read_anything,
        coap::read_anything,
        discovery::read_anything,
        dns::read_anything,
        ipmi::read_anything,
        mdns::read_anything,
        ntp::read_anything,
        super::sip::read,
        snmp::read_anything,
        ssdp::read_anything,
        tftp::read_anything,
    ];
    for service in all.into_iter().filter_map(|read| read(octets)) {
        let notes = service.notes.values().chain([&service.evidence]);
        assert!(notes.into_iter().all(|it| is_shown(it)), "{service:?} shows what cannot be printed");
    }
}
