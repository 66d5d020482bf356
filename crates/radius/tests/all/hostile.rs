//! What a stranger may send: the list of things that stopped other servers.

use fleetward_radius::auth::{self, MessageAuthenticator, Policy, Untrusted};
use fleetward_radius::tgpp::{Location, Tgpp};
use fleetward_radius::{Builder, Code, Malformed, Packet, Text, Unencodable, dictionary as d};

use super::raw;

const SECRET: &[u8] = b"sixteen random octets, once";

/// A VSA of vendor 10415 with these octets as its list.
fn vsa(list: &[u8]) -> Vec<u8> {
    let mut attribute = vec![26, (list.len() + 6) as u8, 0, 0, 0x28, 0xAF];
    attribute.extend_from_slice(list);
    attribute
}

#[test]
fn sub_attributes_of_length_0_1_and_255_end_their_vsa_only() {
    for length in [0, 1, 255] {
        let mut attributes = vsa(&[12, 3, b'0', 1, length, b'2', b'6']);
        attributes.extend(vsa(&[21, 3, 6]));
        let bytes = raw(4, &attributes);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.vendor(d::VENDOR_3GPP).map(|sub| sub.kind).collect::<Vec<_>>(), [12, 21]);
    }
}

#[test]
fn vsas_too_short_for_a_vendor() {
    for payload in 0..6_u8 {
        let mut attribute = vec![26, payload + 2];
        attribute.extend([0, 0, 0x28, 0xAF, 1].iter().take(payload.into()));
        let bytes = raw(1, &attribute);
        assert_eq!(Packet::parse(&bytes).unwrap().vendor(d::VENDOR_3GPP).count(), 0);
    }
}

#[test]
fn broken_headers_and_lengths() {
    let good = raw(1, &[1, 3, b'x']);
    assert_eq!(Packet::parse(&good[..19]), Err(Malformed::Truncated { at: 19, wanted: 1 }));
    assert_eq!(Packet::parse(&good[..22]), Err(Malformed::Truncated { at: 22, wanted: 1 }));
    for (field, length) in [([0, 19], 19), ([0x10, 0x01], 4097)] {
        let mut bytes = vec![0; 5000];
        bytes[2..4].copy_from_slice(&field);
        assert_eq!(Packet::parse(&bytes), Err(Malformed::Length { length }));
    }
    for (attributes, length) in [(&[1_u8, 0][..], 0), (&[1, 1], 1), (&[1, 4, 0], 4), (&[1], 0)] {
        let bytes = raw(1, attributes);
        let left = attributes.len();
        assert_eq!(Packet::parse(&bytes), Err(Malformed::Attribute { at: 20, length, left }));
    }
}

#[test]
fn padding_is_ignored() {
    let good = raw(1, &[1, 3, b'x']);
    let mut padded = good.clone();
    padded.extend_from_slice(&[0, 0, 0, 255]);
    assert_eq!(Packet::parse(&padded), Packet::parse(&good));
    assert_eq!(Packet::parse(&padded).unwrap().bytes(), good);
}

#[test]
fn a_packet_of_2038_attributes() {
    let bytes = raw(4, &[200, 2].repeat(2038));
    assert_eq!(bytes.len(), 4096);
    let packet = Packet::parse(&bytes).unwrap();
    assert_eq!(packet.attributes().count(), 2038);
    assert_eq!(Tgpp::read(&packet), Tgpp::default());
    assert_eq!(packet.describe().to_string().lines().count(), 2039);
}

#[test]
fn message_authenticators_twice_or_of_a_wrong_length() {
    let mut builder = Builder::access_request(1, [7; 16]);
    builder.text(d::USER_NAME, "x");
    let signed = builder.sign(SECRET).unwrap();
    let state = |bytes: &[u8]| auth::request_message_authenticator(&Packet::parse(bytes).unwrap(), SECRET);
    assert_eq!(state(&signed), MessageAuthenticator::Valid);
    let twice = raw(1, &[&signed[20..38], &signed[20..38]].concat());
    assert_eq!(state(&twice), MessageAuthenticator::Invalid);
    for length in [2, 17, 19] {
        let mut attribute = vec![80, length];
        attribute.resize(length.into(), 0);
        let bytes = raw(1, &attribute);
        assert_eq!(state(&bytes), MessageAuthenticator::Invalid);
    }
    let mut changed = signed;
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(state(&changed), MessageAuthenticator::Invalid);
}

#[test]
fn who_may_come_without_message_authenticator() {
    let verdict = |write: &dyn Fn(&mut Builder), policy| {
        let mut builder = Builder::access_request(1, [7; 16]);
        builder.without_message_authenticator();
        write(&mut builder);
        let bytes = builder.sign(SECRET).unwrap();
        auth::verify_request(&Packet::parse(&bytes).unwrap(), SECRET, policy)
    };
    let pap = |builder: &mut Builder| {
        builder.user_password(b"x", SECRET);
    };
    let proxied = |builder: &mut Builder| {
        builder.attribute(d::PROXY_STATE, b"p");
    };
    let eap = |builder: &mut Builder| {
        builder.split(d::EAP_MESSAGE, &[2; 300]);
    };
    assert_eq!(verdict(&pap, Policy::Require), Err(Untrusted::MessageAuthenticatorMissing));
    assert_eq!(verdict(&pap, Policy::LegacyPap), Ok(()));
    assert_eq!(verdict(&proxied, Policy::LegacyPap), Err(Untrusted::ProxyState));
    assert_eq!(verdict(&eap, Policy::LegacyPap), Err(Untrusted::MessageAuthenticatorMissing));
    let mut probe = Builder::status_server(1, [7; 16]);
    probe.without_message_authenticator();
    let bytes = probe.sign(SECRET).unwrap();
    let probe = auth::verify_request(&Packet::parse(&bytes).unwrap(), SECRET, Policy::LegacyPap);
    assert_eq!(probe, Err(Untrusted::MessageAuthenticatorMissing));
}

#[test]
fn accounting_with_the_message_authenticator_of_another_packet_kind() {
    // What a proxy got wrong: the HMAC of an Accounting-Request is over zeros, not over the final authenticator.
    let mut builder = Builder::request(Code::ACCOUNTING_REQUEST, 1);
    builder.message_authenticator().u32(d::ACCT_STATUS_TYPE, 1);
    let good = builder.sign(SECRET).unwrap();
    assert_eq!(auth::verify_request(&Packet::parse(&good).unwrap(), SECRET, Policy::Require), Ok(()));
    let mut bad = good;
    bad[22] ^= 1;
    let verdict = auth::verify_request(&Packet::parse(&bad).unwrap(), SECRET, Policy::Require);
    assert_eq!(verdict, Err(Untrusted::Authenticator));
}

#[test]
fn passwords_of_odd_lengths() {
    for length in [0, 1, 15, 17, 129, 144] {
        let mut attribute = vec![2, length + 2];
        attribute.resize(usize::from(length) + 2, 0x55);
        let bytes = raw(1, &attribute);
        assert!(auth::user_password(&Packet::parse(&bytes).unwrap(), SECRET).is_none());
    }
}

#[test]
fn locations_of_every_length_and_type() {
    for kind in 0..=255 {
        for length in 1..=20 {
            let mut value = vec![0x11; length];
            value[0] = kind;
            let location = Location::from_wire(&value).unwrap();
            let expected: &[usize] = match kind {
                0 | 1 | 129 => &[8],
                2 => &[7, 8],
                128 => &[6],
                130 => &[13],
                135 => &[9],
                136 => &[7],
                137 => &[15],
                _ => &[],
            };
            let is_typed = !matches!(location, Location::Raw { .. });
            assert_eq!(is_typed, expected.contains(&length), "type {kind}, {length} octets");
            assert_eq!(location.kind(), kind);
        }
    }
    assert_eq!(Location::from_wire(&[]), None);
}

#[test]
fn text_cannot_forge_a_log_line() {
    let shown = Text::new(b"bob\r\nERROR \x1b[31m\xFF\xFE\0\0").to_string();
    assert_eq!(shown, r"bob\u{d}\u{a}ERROR \u{1b}[31m\xff\xfe");
    assert_eq!(Text::new(b"a\0\0").as_str(), Some("a"));
    assert_eq!(Text::new(b"a\nb").clean(), None);
}

#[test]
fn what_does_not_fit_is_refused_not_cut() {
    let mut builder = Builder::request(Code::ACCOUNTING_REQUEST, 1);
    builder.attribute(d::CLASS, &[0; 254]);
    assert_eq!(builder.sign(SECRET), Err(Unencodable::Attribute { kind: d::CLASS, length: 254 }));
    let mut builder = Builder::request(Code::ACCOUNTING_REQUEST, 1);
    for _ in 0..17 {
        builder.attribute(d::CLASS, &[0; 253]);
    }
    assert_eq!(builder.sign(SECRET), Err(Unencodable::Packet));
    let mut builder = Builder::request(Code::COA_REQUEST, 1);
    builder.attribute(d::MESSAGE_AUTHENTICATOR, &[0; 16]);
    assert_eq!(builder.sign(SECRET), Err(Unencodable::Reserved));
    let mut builder = Builder::access_request(1, [0; 16]);
    builder.user_password(&[b'x'; 129], SECRET);
    assert_eq!(builder.sign(SECRET), Err(Unencodable::Password));
}
