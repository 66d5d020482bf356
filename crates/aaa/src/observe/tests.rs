use std::time::Duration;

use fleetward_fleet::Secret;
use fleetward_radius::{Builder, Code, Packet, dictionary as d};
use proptest::prelude::*;

use super::*;
use crate::clients::{PasswordPolicy, Peer};

const NOW: Timestamp = Timestamp(1_795_000_000_400);
const SECRET: &[u8] = b"a secret of sixteen";

fn client() -> Client {
    Client {
        name: "pgw-1".into(),
        peer: Peer::Net("192.0.2.0/24".parse().unwrap()),
        secret: Secret::new(SECRET),
        identity: IdentityFrom::Imsi,
        password: PasswordPolicy::default(),
        legacy_pap_without_ma: false,
    }
}

/// The observation of an accounting request with these attributes, at `now`.
fn observed(anchors: &Anchors, now: Timestamp, build: impl FnOnce(&mut Builder)) -> Keyed {
    let mut builder = Builder::request(Code::ACCOUNTING_REQUEST, 1);
    build(&mut builder);
    let octets = builder.sign(SECRET).unwrap();
    let packet = Packet::parse(&octets).unwrap();
    let (fields, client) = (Fields::read(&packet), client());
    let key = session_key(&fields, &client);
    let who = identity(&fields, client.identity);
    let device = who.as_ref().map_or_else(|| stand_in(&key), |who| DeviceId::of(&who.default_name()));
    session(&fields, SessionStatus::Interim, key, (device, who), Context { client: &client, now, anchors })
}

fn session_of(keyed: &Keyed) -> &Session {
    match &keyed.observation.body {
        Body::Session(session) => session,
        other => panic!("{other:?}"),
    }
}

fn interim(builder: &mut Builder) {
    builder
        .u32(d::ACCT_STATUS_TYPE, 3)
        .text(d::ACCT_SESSION_ID, "0A01")
        .u32(d::ACCT_INPUT_OCTETS, 5)
        .u32(d::ACCT_OUTPUT_OCTETS, 7)
        .vendor_text(10415, 1, "262011234567890");
}

#[test]
fn reads_what_a_gateway_sends() {
    let keyed = observed(&Anchors::default(), NOW, |builder| {
        interim(builder);
        builder
            .text(d::USER_NAME, "any\nthing")
            .text(d::CALLED_STATION_ID, "Meters.Example.MNC001.MCC262.GPRS")
            .text(d::CALLING_STATION_ID, "4915112345678")
            .u32(d::ACCT_INPUT_GIGAWORDS, 1)
            .u32(d::EVENT_TIMESTAMP, 1_794_999_000)
            .ipv4(d::FRAMED_IP_ADDRESS, [10, 0, 0, 9].into())
            .attribute(d::CLASS, b"of a proxy")
            .attribute(d::CLASS, b"fw1:ours")
            .vendor_list(
                10415,
                &[
                    (20, b"3569380356438091"),
                    (21, &[6]),
                    (10, b"A"),
                    (6, &[198, 51, 100, 1]),
                    (22, &[0x01, 0x62, 0xF0, 0x10, 1, 0x90, 0xFF, 0x1F]),
                ],
            );
    });
    let session = session_of(&keyed);
    assert_eq!((session.bytes_up, session.bytes_down, session.has_gigawords), ((1 << 32) + 5, 7, true));
    assert_eq!(session.attach.apn.as_deref(), Some("meters.example"));
    assert_eq!(session.attach.network.map(|n| n.to_string()).as_deref(), Some("26001"), "of the location");
    assert_eq!(session.attach.rat.map(Rat::name), Some("eutran"));
    assert_eq!(session.attach.msisdn.map(Msisdn::reveal).as_deref(), Some("4915112345678"));
    assert_eq!(session.attach.gateway, Some([198, 51, 100, 1].into()));
    assert_eq!(session.nsapi, Some(10));
    assert_eq!(session.user_name.as_deref(), Some("any\\x0athing"));
    assert_eq!(session.class.as_deref(), Some(&b"fw1:ours"[..]));
    assert_eq!(keyed.observation.event_time, Timestamp::from_secs(1_794_999_000));
    assert_eq!(keyed.observation.observed_at, NOW);
}

#[test]
fn the_stated_network_goes_before_the_cell_and_rubbish_is_nothing() {
    let keyed = observed(&Anchors::default(), NOW, |builder| {
        interim(builder);
        builder
            .vendor_text(10415, 18, "310410")
            .vendor(10415, 22, &[0x82, 0x62, 0xF2, 0x10])
            .vendor_text(10415, 20, "35693803x")
            .text(d::CALLING_STATION_ID, "00-11-22-33-44-55")
            .ipv4(d::FRAMED_IP_ADDRESS, [255, 255, 255, 254].into());
    });
    let session = session_of(&keyed);
    assert_eq!(session.attach.network.map(|n| n.to_string()).as_deref(), Some("310410"));
    assert_eq!((session.attach.imeisv, session.attach.msisdn, session.ip), (None, None, None));
    for apn in ["internet", "a.mnc01.mcc262.gprs", "mnc001.mcc262.gprs", ".mnc001.mcc262.gprs", "ü.mnc001.mcc262.gprs"]
    {
        assert!(super::apn(apn.as_bytes()).len() <= apn.len());
    }
    assert_eq!(&*super::apn(b"INTERNET"), "internet");
    assert_eq!(network_of_location(&[0x01, 0x62]), None);
    assert_eq!(network_of_location(&[]), None);
}

#[test]
fn a_retransmission_is_the_same_content_with_and_without_event_timestamp() {
    let anchors = Anchors::default();
    let first = observed(&anchors, NOW, interim);
    // 5.3 s later the NAS says 5 s: the computed second moves, the content does not.
    let again = observed(&anchors, NOW + Duration::from_millis(5_700), |b| {
        interim(b);
        b.u32(d::ACCT_DELAY_TIME, 5);
    });
    assert_eq!(first.key, again.key);
    let next = observed(&anchors, NOW + Duration::from_mins(1), interim);
    assert_ne!(first.key, next.key);
    let stated = |delay| {
        observed(&Anchors::default(), NOW + Duration::from_secs(delay), |b| {
            interim(b);
            b.u32(d::EVENT_TIMESTAMP, 1_795_000_000).u32(d::ACCT_DELAY_TIME, delay as u32);
        })
    };
    assert_eq!(stated(0).key, stated(20).key);
}

#[test]
fn every_part_of_the_content_counts() {
    let base = |b: &mut Builder| {
        b.u32(d::EVENT_TIMESTAMP, 1_795_000_000);
    };
    let key = |build: &dyn Fn(&mut Builder)| {
        observed(&Anchors::default(), NOW, |b| {
            base(b);
            build(b);
        })
        .key
    };
    let keys = [
        key(&|b| _ = b.text(d::ACCT_SESSION_ID, "a")),
        key(&|b| _ = b.text(d::ACCT_SESSION_ID, "b")),
        key(&|b| _ = b.text(d::ACCT_SESSION_ID, "a").u32(d::ACCT_INPUT_OCTETS, 1)),
        key(&|b| _ = b.text(d::ACCT_SESSION_ID, "a").u32(d::ACCT_OUTPUT_OCTETS, 1)),
        key(&|b| _ = b.text(d::ACCT_SESSION_ID, "a").u32(d::ACCT_INPUT_GIGAWORDS, 1)),
        key(&|b| _ = b.text(d::ACCT_SESSION_ID, "a").u32(d::ACCT_SESSION_TIME, 0)),
        key(&|b| _ = b.text(d::ACCT_SESSION_ID, "a").u32(d::ACCT_TERMINATE_CAUSE, 0)),
    ];
    let different: std::collections::HashSet<u128> = keys.into();
    assert_eq!(different.len(), keys.len());
}

#[test]
fn identities_come_from_where_the_client_says() {
    let mut builder = Builder::request(Code::ACCOUNTING_REQUEST, 1);
    builder.text(d::USER_NAME, "alice").text(d::CALLING_STATION_ID, "262019999999999").vendor_text(
        10415,
        1,
        "262011234567890",
    );
    let octets = builder.sign(SECRET).unwrap();
    let fields = Fields::read(&Packet::parse(&octets).unwrap());
    let of = |from| identity(&fields, from).map(|identity| identity.default_name());
    assert_eq!(of(IdentityFrom::Imsi).as_deref(), Some("imsi:262011234567890"));
    assert_eq!(of(IdentityFrom::UserName).as_deref(), Some("login:alice"));
    assert_eq!(of(IdentityFrom::CallingStationId).as_deref(), Some("imsi:262019999999999"));
    let unclean = Fields { user_name: Some(b"ali\x01ce"), imsi: Some(b"26201x"), ..Fields::default() };
    assert_eq!(identity(&unclean, IdentityFrom::UserName), None);
    assert_eq!(identity(&unclean, IdentityFrom::Imsi), None);
}

#[test]
fn skew_is_noticed_and_both_times_are_kept() {
    let at = |secs| Fields { event_timestamp: Some(secs), ..Fields::default() };
    assert_eq!(event_time(&at(1_795_000_000), NOW), (Timestamp::from_secs(1_795_000_000), false));
    assert_eq!(event_time(&at(1_000_000), NOW), (Timestamp::from_secs(1_000_000), true));
    assert_eq!(event_time(&at(0), NOW), (NOW, false));
    // A record that waited an hour for the link is late, not skewed.
    let delayed = Fields { delay_secs: Some(3600), ..at(1_794_996_400) };
    assert!(!event_time(&delayed, NOW).1);
}

proptest! {
    /// Whatever attributes hold: an observation comes out, its text is one line, and the wire form takes it.
    #[test]
    fn any_attributes_make_an_observation(list in proptest::collection::vec((1_u8..=110, proptest::collection::vec(any::<u8>(), 0..40)), 0..30),
                                          tgpp in proptest::collection::vec((1_u8..=32, proptest::collection::vec(any::<u8>(), 0..20)), 0..10)) {
        let keyed = observed(&Anchors::default(), NOW, |builder| {
            for (kind, value) in &list {
                if *kind != d::MESSAGE_AUTHENTICATOR && *kind != d::VENDOR_SPECIFIC {
                    builder.attribute(*kind, value);
                }
            }
            for (kind, value) in &tgpp {
                builder.vendor(10415, *kind, value);
            }
        });
        let session = session_of(&keyed);
        prop_assert!(!session.key.id.chars().any(char::is_control));
        let mut octets = Vec::new();
        fleetward_fleet::wire::to_wire(&keyed.observation, &mut octets);
        prop_assert_eq!(fleetward_fleet::wire::from_wire(&octets).unwrap(), keyed.observation);
    }
}
