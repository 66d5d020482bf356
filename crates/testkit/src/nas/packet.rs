//! What a gateway writes about a session: the attributes that private-APN gateways really send
//! (`radius.md` 1.11: Nokia Flexi ISN, Cisco SMF and Juniper agree on this set).

use std::net::Ipv4Addr;

use fleetward_fleet::{Imeisv, Imsi, Msisdn, Plmn, Rat, Timestamp};

use crate::wire::{ACCESS_REQUEST, ACCOUNTING_REQUEST, Writer};

/// What the network knows about a SIM, as a gateway reports it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sim {
    /// The SIM.
    pub imsi: Imsi,
    /// Its number; also the User-Name, as for a device that sets none.
    pub msisdn: Msisdn,
    /// The module it is in; some operators filter it.
    pub imeisv: Option<Imeisv>,
    /// The serving network.
    pub network: Plmn,
    /// Access point name, as the gateway writes it.
    pub apn: Box<str>,
    /// Radio access technology.
    pub rat: Rat,
}

/// Acct-Status-Type (RFC 2866 §5.1) of a record of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// 1
    Start,
    /// 3
    Interim,
    /// 2
    Stop,
}

impl Status {
    fn number(self) -> u32 {
        match self {
            Self::Start => 1,
            Self::Stop => 2,
            Self::Interim => 3,
        }
    }
}

/// One accounting record, as it happened; retransmits repeat it with a new delay.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Start, interim or stop.
    pub status: Status,
    /// Acct-Session-Id.
    pub session_id: Box<str>,
    /// The SIM at that moment.
    pub sim: Sim,
    /// The device's address.
    pub ip: Ipv4Addr,
    /// Octets from the device since the session began.
    pub bytes_up: u64,
    /// Octets to the device since the session began.
    pub bytes_down: u64,
    /// Packets from and to the device; where unknown, bytes by a usual size.
    pub packets: Option<(u32, u32)>,
    /// Seconds since the session began.
    pub session_secs: u32,
    /// Event-Timestamp; whole seconds go over the wire.
    pub event_time: Timestamp,
    /// Acct-Terminate-Cause of a stop (RFC 2866 §5.10).
    pub cause: Option<u32>,
    /// The server's Class, echoed.
    pub class: Option<Box<[u8]>>,
}

/// What is the same in all packets of a gateway.
#[derive(Debug, Clone)]
pub(crate) struct Letterhead {
    pub(crate) name: Box<str>,
    /// NAS-IP-Address: the gateway's user side. It differs from where its packets come from, as in real life.
    pub(crate) address: Ipv4Addr,
}

/// An Access-Request (PAP), 3GPP set, Message-Authenticator first; about 334 octets.
pub(crate) fn access_request(
    head: &Letterhead,
    sim: &Sim,
    session_id: &str,
    identifier: u8,
    authenticator: [u8; 16],
    secret: &[u8],
) -> Writer {
    let mut packet = Writer::new(ACCESS_REQUEST, identifier);
    packet.message_authenticator().text(1, &sim.msisdn.reveal()).password(b"none", &authenticator, secret);
    packet.number(6, 2).number(7, 7).text(44, session_id);
    about_gateway(&mut packet, head);
    about_sim(&mut packet, head, sim);
    packet
}

/// An Accounting-Request; an interim has about 394 octets and 35 attributes.
pub(crate) fn accounting_request(head: &Letterhead, record: &Record, identifier: u8, delay_secs: u32) -> Writer {
    let mut packet = Writer::new(ACCOUNTING_REQUEST, identifier);
    packet.number(40, record.status.number()).text(44, &record.session_id).text(1, &record.sim.msisdn.reveal());
    packet.octets(8, &record.ip.octets()).number(55, event_secs(record.event_time)).number(41, delay_secs);
    packet.number(6, 2).number(7, 7).number(45, 1);
    if record.status != Status::Start {
        packet.number(42, record.bytes_up as u32).number(43, record.bytes_down as u32);
        packet.number(52, (record.bytes_up >> 32) as u32).number(53, (record.bytes_down >> 32) as u32);
        // Whoever carries much fills packets, in both directions.
        let filled = ((record.bytes_up / 1200) as u32, (record.bytes_down / 1300) as u32);
        let (up, down) = record.packets.unwrap_or(filled);
        packet.number(47, up).number(48, down);
        packet.number(46, record.session_secs);
    }
    if let Some(cause) = record.cause {
        packet.number(49, cause).tgpp(11, &[0xFF]);
    }
    if let Some(class) = &record.class {
        packet.octets(25, class);
    }
    about_gateway(&mut packet, head);
    about_sim(&mut packet, head, &record.sim);
    // Charging-ID, the gateway's network and charging characteristics.
    packet.tgpp(2, &0x1234_5678_u32.to_be_bytes()).tgpp(9, b"26299").tgpp(13, b"0800");
    packet
}

/// Accounting-On (7) or -Off (8): no user, but a session id (RFC 2866 §5.1).
pub(crate) fn reset_request(head: &Letterhead, on: bool, at: Timestamp, identifier: u8, delay_secs: u32) -> Writer {
    let mut packet = Writer::new(ACCOUNTING_REQUEST, identifier);
    packet.number(40, if on { 7 } else { 8 }).text(44, "00000000");
    packet.number(55, event_secs(at)).number(41, delay_secs);
    about_gateway(&mut packet, head);
    packet
}

/// Octets of a location: TAI and ECGI (TS 29.061 §16.4.7.2, sub-attribute 22), in the network given.
fn location(network: Plmn) -> [u8; 13] {
    let [a, b, c] = plmn_octets(network);
    [130, a, b, c, 0x10, 0x01, a, b, c, 0x00, 0x01, 0x02, 0x03]
}

/// TS 29.061: swapped nibbles, `F` where the network code has two digits.
fn plmn_octets(network: Plmn) -> [u8; 3] {
    let digits: Vec<u8> = network.to_string().bytes().map(|b| b - b'0').collect();
    let (m1, m2, third) = match digits[3..] {
        [first, second, third] => (first, second, third),
        _ => (digits[3], digits[4], 15),
    };
    [digits[1] << 4 | digits[0], third << 4 | digits[2], m2 << 4 | m1]
}

fn about_gateway(packet: &mut Writer, head: &Letterhead) {
    packet.octets(4, &head.address.octets()).text(32, &head.name).number(61, 18);
}

fn about_sim(packet: &mut Writer, head: &Letterhead, sim: &Sim) {
    packet.text(30, &sim.apn).text(31, &sim.msisdn.reveal());
    let network = sim.network.to_string();
    packet.tgpp(1, sim.imsi.reveal().as_bytes()).tgpp(3, &[0; 4]);
    packet.tgpp(6, &[198, 51, 100, 7]).tgpp(7, &head.address.octets()).tgpp(8, b"26299");
    packet.tgpp(10, b"5").tgpp(12, b"0").tgpp(18, network.as_bytes());
    if let Some(imeisv) = sim.imeisv {
        packet.tgpp(20, imeisv.reveal().as_bytes());
    }
    packet.tgpp(21, &[sim.rat.0]).tgpp(22, &location(sim.network)).tgpp(23, &[0x40, 0x00]);
}

fn event_secs(at: Timestamp) -> u32 {
    u32::try_from(at.secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet;
    use crate::wire::View;

    #[test]
    fn packets_have_the_size_and_number_of_attributes_of_real_ones() {
        let head = Letterhead { name: "gateway-1".into(), address: Ipv4Addr::new(192, 0, 2, 1) };
        let sim = fleet::Fleet::new(1, 20).members[0].sim.clone();
        let access = access_request(&head, &sim, "0a0000010000002a", 1, [7; 16], b"s").finish_access([7; 16], b"s");
        let record = Record {
            status: Status::Interim,
            session_id: "0a0000010000002a".into(),
            sim,
            ip: Ipv4Addr::new(10, 0, 0, 2),
            bytes_up: 5_000_000_000,
            bytes_down: 1,
            packets: None,
            session_secs: 60,
            event_time: Timestamp(1_795_000_000_000),
            cause: None,
            class: None,
        };
        let interim = accounting_request(&head, &record, 1, 0).finish_signed(b"s");
        let count = View::parse(&interim).unwrap().attributes().count();
        assert!((300..370).contains(&access.len()), "{}", access.len());
        assert!((370..420).contains(&interim.len()), "{}", interim.len());
        assert!((33..38).contains(&count), "{count}");
        assert_eq!(View::parse(&interim).unwrap().number(52), Some(1));
    }

    /// Two codecs by different hands: what ours writes and signs, `fleetward-radius` accepts and reads the same.
    #[test]
    fn the_product_s_codec_agrees() {
        use fleetward_radius::auth::{
            MessageAuthenticator, has_valid_request_authenticator, request_message_authenticator,
        };
        use fleetward_radius::tgpp::{Location, Tgpp};
        use fleetward_radius::{AccountingRequest, Packet};

        let head = Letterhead { name: "gateway-1".into(), address: Ipv4Addr::new(192, 0, 2, 1) };
        let sim = fleet::Fleet::new(1, 20).members[0].sim.clone();
        let access = access_request(&head, &sim, "s1", 1, [7; 16], b"s").finish_access([7; 16], b"s");
        let access = Packet::parse(&access).unwrap();
        assert_eq!(request_message_authenticator(&access, b"s"), MessageAuthenticator::Valid);
        assert_ne!(request_message_authenticator(&access, b"t"), MessageAuthenticator::Valid);

        let record = Record {
            status: Status::Stop,
            session_id: "s1".into(),
            sim: sim.clone(),
            ip: Ipv4Addr::new(10, 0, 0, 2),
            bytes_up: 5_000_000_000,
            bytes_down: 1,
            packets: None,
            session_secs: 60,
            event_time: Timestamp(1_795_000_000_000),
            cause: Some(6),
            class: Some(Box::from(&b"class"[..])),
        };
        let stop = accounting_request(&head, &record, 1, 0).finish_signed(b"s");
        let stop = Packet::parse(&stop).unwrap();
        assert!(has_valid_request_authenticator(&stop, b"s") && !has_valid_request_authenticator(&stop, b"t"));
        let read = AccountingRequest::read(&stop).unwrap();
        assert_eq!(read.counters.input.map(|volume| volume.octets), Some(record.bytes_up));
        let tgpp = Tgpp::read(&stop);
        assert!(tgpp.malformed.is_empty() && tgpp.is_session_stop);
        assert_eq!(tgpp.imsi, Some(&*sim.imsi.reveal()));
        assert_eq!(tgpp.imeisv, sim.imeisv.map(fleetward_fleet::Imeisv::reveal).as_deref());
        assert_eq!(tgpp.serving_network, Some(&*sim.network.to_string()));
        let Some(Location::TaiEcgi { .. }) = tgpp.location else { panic!("{:?}", tgpp.location) };
    }

    #[test]
    fn writes_networks_with_swapped_nibbles() {
        assert_eq!(plmn_octets("26201".parse().unwrap()), [0x62, 0xF2, 0x10]);
        assert_eq!(plmn_octets("310410".parse().unwrap()), [0x13, 0x00, 0x14]);
    }
}
