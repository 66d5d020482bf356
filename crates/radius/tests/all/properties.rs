//! What holds for every packet.

use fleetward_radius::auth::{self, Policy};
use fleetward_radius::tgpp::{Location, Packing, PlmnOctets, Rat, Slice, Tgpp, TimeZone};
use fleetward_radius::{AccessRequest, AccountingRequest, Builder, Code, Ipv6Prefix, Packet, Text, dictionary as d};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

const SECRET: &[u8] = b"sixteen random octets, once";

fn attributes() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    vec((any::<u8>().prop_filter("reserved", |kind| *kind != 80), vec(any::<u8>(), 0..40)), 0..40)
}

fn plmn() -> impl Strategy<Value = PlmnOctets> {
    any::<[u8; 3]>().prop_map(PlmnOctets)
}

fn location() -> impl Strategy<Value = Location<'static>> {
    let numbers = (plmn(), plmn(), any::<u16>(), any::<u16>(), 0..1_u32 << 28, 0..1_u64 << 36, 0..1_u32 << 24);
    (0..9, numbers).prop_map(|(kind, (tai_plmn, plmn, lac, ci, eci, nci, tac))| match kind {
        0 => Location::Cgi { plmn, lac, ci },
        1 => Location::Sai { plmn, lac, sac: ci },
        2 => Location::Rai { plmn, lac, rac: ci as u8 },
        3 => Location::Tai { plmn, tac: lac },
        4 => Location::Ecgi { plmn, eci },
        5 => Location::TaiEcgi { tai_plmn, tac: lac, plmn, eci },
        6 => Location::Ncgi { plmn, nci },
        7 => Location::FiveGsTai { plmn, tac },
        _ => Location::FiveGsTaiNcgi { tai_plmn, tac, plmn, nci },
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: Some(Box::new(FileFailurePersistence::Direct(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/properties.proptest-regressions")))), ..ProptestConfig::default() })]

    #[test]
    fn any_octets_are_read_without_panic(bytes in vec(any::<u8>(), 0..400), code in 0..60_u8, fix in any::<bool>()) {
        let mut bytes = bytes;
        if fix && bytes.len() >= 20 {
            let length = bytes.len() as u16;
            bytes[0] = code;
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
        }
        if let Ok(packet) = Packet::parse(&bytes) {
            let walked: usize = packet.attributes().map(|attribute| attribute.value.len() + 2).sum();
            prop_assert_eq!(walked + 20, packet.bytes().len());
            let _ = (AccessRequest::read(&packet), AccountingRequest::read(&packet), Tgpp::read(&packet));
            drop((packet.describe().to_string(), auth::user_password(&packet, SECRET)));
            // A random packet has no valid signature.
            prop_assert!(auth::verify_request(&packet, SECRET, Policy::Require).is_err());
        }
    }

    #[test]
    fn attributes_come_back_as_written(list in attributes(), padding in vec(any::<u8>(), 0..9), code in prop::sample::select(vec![4_u8, 40, 43])) {
        let mut builder = Builder::request(Code(code), 3);
        for (kind, value) in &list {
            builder.attribute(*kind, value);
        }
        let mut bytes = builder.sign(SECRET).unwrap();
        bytes.extend_from_slice(&padding);
        let packet = Packet::parse(&bytes).unwrap();
        let read: Vec<(u8, Vec<u8>)> = packet.attributes().map(|one| (one.kind, one.value.to_vec())).collect();
        prop_assert_eq!(read, list);
        prop_assert_eq!(auth::verify_request(&packet, SECRET, Policy::Require), Ok(()));
    }

    #[test]
    fn a_signature_covers_every_octet(list in attributes(), at in any::<prop::sample::Index>(), bit in 0..8) {
        let mut request = Builder::access_request(1, [9; 16]);
        for (kind, value) in &list {
            request.attribute(*kind, value);
        }
        let mut bytes = request.sign(SECRET).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        if let Ok(packet) = Packet::parse(&bytes) {
            prop_assert!(auth::verify_request(&packet, SECRET, Policy::Require).is_err());
        }
    }

    #[test]
    fn passwords_are_revealed_as_hidden(password in vec(1..=255_u8, 0..=128), authenticator in any::<[u8; 16]>()) {
        let mut builder = Builder::access_request(1, authenticator);
        builder.user_password(&password, SECRET);
        let bytes = builder.sign(SECRET).unwrap();
        let packet = Packet::parse(&bytes).unwrap();
        let revealed = auth::user_password(&packet, SECRET).unwrap();
        prop_assert_eq!(revealed.as_bytes(), &password[..]);
    }

    #[test]
    fn locations_come_back_as_written(location in location()) {
        let octets = location.to_wire();
        prop_assert_eq!(Location::from_wire(&octets), Some(location));
    }

    #[test]
    fn time_zones_come_back_as_written(quarter_hours in -79..=79_i8, daylight_saving in 0..4_u8) {
        let zone = TimeZone { quarter_hours, daylight_saving };
        prop_assert_eq!(zone.to_wire().and_then(|octets| TimeZone::from_wire(&octets)), Some(zone));
    }

    #[test]
    fn networks_come_back_as_written(digits in "[0-9]{5,6}") {
        let octets = PlmnOctets::from_digits(&digits);
        prop_assert_eq!(octets.map(|octets| octets.to_string()), Some(digits));
    }

    #[test]
    fn prefixes_come_back_as_written(address in any::<u128>(), length in 0..=128_u8) {
        let prefix = Ipv6Prefix::new(address.into(), length).unwrap();
        prop_assert_eq!(Ipv6Prefix::from_wire(&prefix.to_wire()), Some(prefix));
        // Cut after the last octet that matters.
        let short = &prefix.to_wire()[..2 + usize::from(length).div_ceil(8)];
        prop_assert_eq!(Ipv6Prefix::from_wire(short), Some(prefix));
    }

    #[test]
    fn the_3gpp_view_comes_back_as_written(
        (imsi, imeisv, network) in (of("[0-9]{6,15}"), of("[0-9]{14,16}"), of("[0-9]{5,6}")),
        (charging_id, rat, dscp) in (of(any::<u32>()), of(any::<u8>()), of(any::<u8>())),
        (place, sst, sd) in (of(location()), any::<u8>(), of(0..1_u32 << 24)),
        (qos, mode, raw) in (of("[!-~]{0,60}"), of(0..10_u8), of(vec(any::<u8>(), 0..60))),
        (is_session_stop, packed) in any::<(bool, bool)>(),
    ) {
        let told = Tgpp {
            imsi: imsi.as_deref(),
            imeisv: imeisv.as_deref(),
            serving_network: network.as_deref(),
            charging_id,
            rat: rat.map(Rat),
            dscp,
            location: place,
            slice: Some(Slice { sst, sd }),
            qos_profile: qos.as_deref().map(|qos| Text::new(qos.as_bytes())),
            selection_mode: mode,
            camel: raw.as_deref(),
            is_session_stop,
            ..Tgpp::default()
        };
        let mut builder = Builder::request(Code::ACCOUNTING_REQUEST, 1);
        told.write(&mut builder, if packed { Packing::Packed } else { Packing::Single });
        let bytes = builder.sign(SECRET).unwrap();
        let packet = Packet::parse(&bytes).unwrap();
        let heard = Tgpp::read(&packet);
        let is_broken = place.is_some_and(|place| !place.is_readable());
        prop_assert_eq!(heard.malformed.is_empty(), !is_broken);
        prop_assert_eq!(Tgpp { malformed: told.malformed, ..heard }, told);
    }

    #[test]
    fn every_proxy_state_is_echoed_in_order(states in vec(vec(any::<u8>(), 0..30), 0..20)) {
        let mut request = Builder::access_request(5, [1; 16]);
        for state in &states {
            request.attribute(d::PROXY_STATE, state);
        }
        let request = request.sign(SECRET).unwrap();
        let request = Packet::parse(&request).unwrap();
        let reply = Builder::reply_to(&request, Code::ACCESS_REJECT).sign(SECRET).unwrap();
        let reply = Packet::parse(&reply).unwrap();
        prop_assert_eq!(reply.all(d::PROXY_STATE).collect::<Vec<_>>(), states.iter().map(Vec::as_slice).collect::<Vec<_>>());
        prop_assert_eq!(auth::verify_reply(&reply, &request, SECRET, Policy::Require), Ok(()));
    }
}
