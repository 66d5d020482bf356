//! Packets as mobile gateways send them, rebuilt from published field values and signed with a secret of ours.

use fleetward_radius::auth::{self, Policy};
use fleetward_radius::tgpp::{Location, Packing, PlmnOctets, Rat, Slice, Tgpp, TimeZone, kind};
use fleetward_radius::{AccountingRequest, Builder, Code, Packet, Text, accounting::Status, dictionary as d};

use super::hex;

const SECRET: &[u8] = b"sixteen random octets, once";

/// Sixteen sub-attributes in one VSA, as a Nokia Flexi ISN packs them.
const FLEXI: &[(u8, &[u8])] = &[
    (kind::IMSI, b"260012345678901"),
    (kind::CHARGING_ID, &[0x1A, 0x2B, 0x3C, 0x4D]),
    (kind::PDP_TYPE, &[0, 0, 0, 0]),
    (kind::CG_ADDRESS, &[10, 0, 0, 1]),
    (kind::GPRS_NEGOTIATED_QOS_PROFILE, b"05-13921F7396FEFE7482FF004A00"),
    (kind::SGSN_ADDRESS, &[192, 0, 2, 10]),
    (kind::GGSN_ADDRESS, &[192, 0, 2, 20]),
    (kind::IMSI_MCC_MNC, b"26001"),
    (kind::GGSN_MCC_MNC, b"26001"),
    (kind::NSAPI, b"5"),
    (kind::SELECTION_MODE, b"0"),
    (kind::CHARGING_CHARACTERISTICS, b"0800"),
    (kind::SGSN_MCC_MNC, b"26001"),
    (kind::IMEISV, b"3520990012345612"),
    (kind::USER_LOCATION_INFO, &[0x01, 0x62, 0xF0, 0x10, 0x01, 0x90, 0xFF, 0x1F]),
    (kind::MS_TIME_ZONE, &[0x80, 0x21]),
];

fn start() -> Builder {
    let mut request = Builder::request(Code::ACCOUNTING_REQUEST, 44);
    request.u32(d::ACCT_STATUS_TYPE, 1).text(d::ACCT_SESSION_ID, "C00002141A2B3C4D");
    request.text(d::USER_NAME, "48600100200").text(d::CALLING_STATION_ID, "48600100200");
    request.text(d::CALLED_STATION_ID, "flexi.internet").text(d::NAS_IDENTIFIER, "isn-1");
    request.ipv4(d::FRAMED_IP_ADDRESS, [10, 99, 0, 7].into()).u32(d::NAS_PORT_TYPE, 5);
    request.u32(d::SERVICE_TYPE, 2).u32(d::FRAMED_PROTOCOL, 7).u32(d::EVENT_TIMESTAMP, 1_790_000_000);
    request
}

#[test]
fn sixteen_sub_attributes_in_one_vsa() {
    let mut request = start();
    request.vendor_list(d::VENDOR_3GPP, FLEXI);
    let bytes = request.sign(SECRET).unwrap();
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!(auth::verify_request(&packet, SECRET, Policy::Require), Ok(()));
    assert_eq!(packet.all(d::VENDOR_SPECIFIC).count(), 1);
    assert_eq!(packet.vendor(d::VENDOR_3GPP).count(), 16);

    let tgpp = Tgpp::read(&packet);
    assert_eq!(tgpp.imsi, Some("260012345678901"));
    assert_eq!((tgpp.imei14(), tgpp.tac()), (Some("35209900123456"), Some("35209900")));
    assert_eq!(tgpp.serving_network, Some("26001"));
    assert_eq!(tgpp.charging_id, Some(0x1A2B_3C4D));
    assert_eq!(tgpp.selection_mode, Some(0));
    assert_eq!(tgpp.nsapi.and_then(Text::as_str), Some("5"));
    assert_eq!(tgpp.time_zone.map(|zone| zone.to_string()).as_deref(), Some("+02:00 (DST +1)"));
    assert_eq!(tgpp.location.map(|place| place.to_string()).as_deref(), Some("SAI 26001 lac 400 sac 65311"));
    assert_eq!(tgpp.malformed.iter().count(), 0);
    let record = AccountingRequest::read(&packet).unwrap();
    assert_eq!((record.status, record.event_time(1)), (Status::START, 1_790_000_000));
}

#[test]
fn one_sub_attribute_per_vsa_reads_the_same() {
    let (mut packed, mut single) = (start(), start());
    packed.vendor_list(d::VENDOR_3GPP, FLEXI);
    for (kind, value) in FLEXI {
        single.vendor(d::VENDOR_3GPP, *kind, value);
        single.vendor(9, 1, b"another vendor in between");
    }
    let (packed, single) = (packed.sign(SECRET).unwrap(), single.sign(SECRET).unwrap());
    let (packed, single) = (Packet::parse(&packed).unwrap(), Packet::parse(&single).unwrap());
    assert_eq!(Tgpp::read(&packed), Tgpp::read(&single));
    assert_eq!(single.vendor(9).count(), 16);
}

#[test]
fn a_5g_session() {
    let place = hex("89 02F610 000001 02F610 0000000100");
    let location = Location::from_wire(&place).unwrap();
    let plmn = PlmnOctets::from_digits("20601").unwrap();
    assert_eq!(location, Location::FiveGsTaiNcgi { tai_plmn: plmn, tac: 1, plmn, nci: 256 });
    let told = Tgpp {
        imsi: Some("206010000000001"),
        rat: Some(Rat::NR),
        location: Some(location),
        slice: Slice::from_wire(&hex("01abcdef")),
        time_zone: TimeZone::from_wire(&[0x8A, 0x01]),
        ..Tgpp::default()
    };
    let mut request = start();
    told.write(&mut request, Packing::Packed);
    let bytes = request.sign(SECRET).unwrap();
    let packet = Packet::parse(&bytes).unwrap();
    let heard = Tgpp::read(&packet);
    assert_eq!(heard, told);
    assert_eq!(heard.time_zone.map(TimeZone::minutes), Some(-7 * 60));
}

#[test]
fn the_apn_without_its_operator() {
    for (called, apn) in [
        ("demo.nokia.mnc001.mcc206.gprs", "demo.nokia"),
        ("IOT.Example.MNC001.MCC206.GPRS", "IOT.Example"),
        ("flexi.internet", "flexi.internet"),
        ("mnc001.mcc206.gprs", "mnc001.mcc206.gprs"),
        ("x.gprs", "x.gprs"),
    ] {
        let mut request = Builder::request(Code::ACCOUNTING_REQUEST, 1);
        request.u32(d::ACCT_STATUS_TYPE, 3).text(d::CALLED_STATION_ID, called);
        let bytes = request.sign(SECRET).unwrap();
        let record = Packet::parse(&bytes).map(|packet| AccountingRequest::read(&packet)).unwrap().unwrap();
        assert_eq!(record.subject.apn(), Some(apn));
    }
}

#[test]
fn wrong_forms_are_named_and_do_not_spoil_the_rest() {
    let mut request = start();
    request.vendor(d::VENDOR_3GPP, kind::IMSI, b"26001234567890x").vendor(d::VENDOR_3GPP, kind::IMEISV, b"123");
    request.vendor(d::VENDOR_3GPP, kind::USER_LOCATION_INFO, &[1, 2, 3]).vendor(d::VENDOR_3GPP, kind::RAT_TYPE, &[6]);
    request.vendor(d::VENDOR_3GPP, kind::MS_TIME_ZONE, &[0xF0, 0]).vendor(d::VENDOR_3GPP, 200, b"of the future");
    let bytes = request.sign(SECRET).unwrap();
    let tgpp = Tgpp::read(&Packet::parse(&bytes).unwrap());
    assert_eq!((tgpp.imsi, tgpp.imeisv, tgpp.rat), (None, None, Some(Rat::EUTRAN)));
    assert_eq!(tgpp.location, Some(Location::Raw { kind: 1, octets: &[2, 3] }));
    assert_eq!(
        tgpp.malformed.iter().collect::<Vec<_>>(),
        [kind::IMSI, kind::IMEISV, kind::USER_LOCATION_INFO, kind::MS_TIME_ZONE]
    );
}

#[test]
fn counters_with_and_without_gigawords() {
    let mut request = Builder::request(Code::ACCOUNTING_REQUEST, 1);
    request.u32(d::ACCT_STATUS_TYPE, 3).u32(d::ACCT_DELAY_TIME, 7);
    request.u32(d::ACCT_INPUT_OCTETS, 5).u32(d::ACCT_INPUT_GIGAWORDS, 2).u32(d::ACCT_OUTPUT_OCTETS, u32::MAX);
    let bytes = request.sign(SECRET).unwrap();
    let packet = Packet::parse(&bytes).unwrap();
    let record = AccountingRequest::read(&packet).unwrap();
    let (input, output) = (record.counters.input.unwrap(), record.counters.output.unwrap());
    assert_eq!((input.octets, input.has_gigawords), ((2 << 32) + 5, true));
    assert_eq!((output.octets, output.has_gigawords), (u64::from(u32::MAX), false));
    assert_eq!((record.counters.input_packets, record.event_time(1000)), (None, 993));
}

#[test]
fn described_for_a_person() {
    let mut request = start();
    request.vendor_list(d::VENDOR_3GPP, FLEXI).text(d::FILTER_ID, "two\nlines").attribute(d::CLASS, &[1, 2, 3]);
    request.vendor(9, 1, b"who knows").attribute(200, b"raw");
    let bytes = request.sign(SECRET).unwrap();
    insta::assert_snapshot!(Packet::parse(&bytes).unwrap().describe());
}
