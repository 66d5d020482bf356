//! Round trips, strangers, and bytes that must not drift.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;
use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::exposure::{Exposure, Opening, Ports, Weakness};
use crate::{
    Admission, Attach, Body, Call, Device, DeviceChange, DeviceId, DeviceState, Direction, Flow, Iccid, Identity, Imei,
    ImeiLock, Imeisv, Imsi, Login, Mac, Message, Msisdn, NasReset, NetworkSign, PlannedChange, PlannedKind,
    PlannedScope, Plmn, Rat, RejectReason, Session, SessionKey, SessionStatus, SessionVanished, Severity, SignKind,
    SimChange, SimPart, SourceState, Timestamp,
};

fn digits<T: std::str::FromStr + std::fmt::Debug>(pattern: &'static str) -> impl Strategy<Value = T>
where
    T::Err: std::fmt::Debug,
{
    pattern.prop_map(|text| text.parse().expect("the pattern is right"))
}

fn text() -> impl Strategy<Value = Box<str>> {
    ".{0,12}".prop_map(Into::into)
}

fn octets() -> impl Strategy<Value = Box<[u8]>> {
    prop::collection::vec(any::<u8>(), 0..20).prop_map(Into::into)
}

fn net() -> impl Strategy<Value = Ipv6Net> {
    (any::<u128>(), 0..=128_u8).prop_map(|(ip, len)| Ipv6Net::new(Ipv6Addr::from(ip), len).expect("at most 128"))
}

fn address() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from)
}

fn plmn() -> impl Strategy<Value = Plmn> {
    prop_oneof![digits::<Plmn>("[0-9]{5}"), digits::<Plmn>("[0-9]{6}")]
}

fn gateway() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|ip| Ipv4Addr::from(ip).into()),
        any::<u128>().prop_map(|ip| Ipv6Addr::from(ip).into())
    ]
}

prop_compose! {
    fn attach()(
        imeisv in of(digits::<Imeisv>("[0-9]{14,16}")), network in of(plmn()), apn in of(text()),
        rat in of(any::<u8>().prop_map(Rat)), location in of(octets()), msisdn in of(digits::<Msisdn>("[0-9]{5,15}")),
        gateway in of(gateway()),
    ) -> Attach {
        Attach { imeisv, network, apn, rat, location, msisdn, gateway }
    }
}

prop_compose! {
    fn session()(
        (nas, id, user_name, multi_session_id) in (text(), text(), of(text()), of(text())),
        status in prop::sample::select(vec![SessionStatus::Start, SessionStatus::Interim, SessionStatus::Stop]),
        (bytes_up, bytes_down, has_gigawords) in any::<(u64, u64, bool)>(),
        (packets_up, packets_down) in any::<(Option<u32>, Option<u32>)>(),
        (session_secs, terminate_cause, nsapi) in any::<(Option<u32>, Option<u32>, Option<u8>)>(),
        ip in of(address()), ipv6 in of(net()), attach in attach(), class in of(octets()),
    ) -> Session {
        Session {
            key: SessionKey { nas, id }, status, bytes_up, bytes_down, packets_up, packets_down, has_gigawords, session_secs, terminate_cause, ip,
            ipv6, attach, user_name, multi_session_id, nsapi, class,
        }
    }
}

prop_compose! {
    fn device()(
        (name, login, model) in (text(), of(text()), of(text())),
        imsi in of(digits::<Imsi>("[0-9]{6,15}")), iccid in of(digits::<Iccid>("[0-9]{18,19}")),
        msisdn in of(digits::<Msisdn>("[0-9]{5,15}")), imei in of(digits::<Imei>("[0-9]{14}")),
        (lock, critical) in any::<(bool, bool)>(), groups in prop::collection::vec(text(), 0..4),
        state in prop::sample::select(vec![
            DeviceState::Stock, DeviceState::Active, DeviceState::Suspended, DeviceState::Retired,
        ]),
        ip in of(address()), ipv6 in of(net()), mac in of(any::<[u8; 6]>().prop_map(Mac)),
    ) -> Device {
        let imei_lock = if lock { ImeiLock::On } else { ImeiLock::Off };
        Device { name, imsi, login, iccid, msisdn, imei, imei_lock, model, groups, state, ip, ipv6, mac, critical }
    }
}

fn names() -> impl Strategy<Value = Vec<Box<str>>> {
    prop::collection::vec(text(), 0..3)
}

prop_compose! {
    fn planned()(
        name in "[a-z0-9-]{1,12}", (devices, groups, models, rules) in (names(), names(), names(), names()),
        excuses in prop::collection::vec(prop::sample::select(PlannedKind::ALL.to_vec()), 0..3),
        (from, until) in any::<(i64, i64)>(), (reason, reference, by) in (text(), text(), text()),
    ) -> PlannedChange {
        PlannedChange {
            name: name.into(), scope: PlannedScope { devices, groups, models }, excuses, rules,
            from: Timestamp(from), until: Timestamp(until), reason, reference, by,
        }
    }
}

fn body() -> BoxedStrategy<Body> {
    let reason = of(prop::sample::select(RejectReason::ALL.to_vec()));
    prop_oneof![
        session().prop_map(|it| Body::Session(Box::new(it))),
        (reason, text(), attach(), text(), text()).prop_map(|(rejected, nas, attach, expected, observed)| {
            Body::Admission(Box::new(Admission { rejected, nas, attach, expected, observed }))
        }),
        (text(), any::<bool>()).prop_map(|(nas, on)| Body::NasReset(NasReset { nas, on })),
        (text(), text()).prop_map(|(nas, id)| Body::SessionVanished(SessionVanished { key: SessionKey { nas, id } })),
        (device(), any::<bool>(), text())
            .prop_map(|(device, removed, by)| Body::DeviceChange(Box::new(DeviceChange { device, removed, by }))),
        Just(Body::Tick),
        activity(),
        planned().prop_map(|it| Body::PlannedChange(Box::new(it))),
    ]
    .boxed()
}

fn direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![Direction::Out, Direction::In])
}

prop_compose! {
    fn flow()(
        address in of(gateway()), name in of(text()), (port, protocol) in any::<(Option<u16>, Option<u8>)>(),
        direction in direction(), (bytes_up, bytes_down, count) in any::<(u64, u64, u32)>(),
    ) -> Flow {
        Flow { address, name, port, protocol, direction, bytes_up, bytes_down, count }
    }
}

/// On the heap: the choice among so many kinds does not fit on the stack of a test's thread where nothing is optimised.
fn activity() -> BoxedStrategy<Body> {
    let part = prop::sample::select(SimPart::ALL.to_vec());
    prop_oneof![
        flow().prop_map(|it| Body::Flow(Box::new(it))),
        (direction(), of(text()), any::<u32>()).prop_map(|(direction, peer, count)| Body::Message(Box::new(Message {
            direction,
            peer,
            count
        }))),
        (direction(), of(text()), any::<u32>()).prop_map(|(direction, peer, secs)| Body::Call(Box::new(Call {
            direction,
            peer,
            secs
        }))),
        (text(), of(text()), any::<bool>(), of(gateway()))
            .prop_map(|(service, account, ok, from)| Body::Login(Box::new(Login { service, account, ok, from }))),
        (part, of(text()), of(text())).prop_map(|(what, from, to)| Body::SimChange(Box::new(SimChange {
            what,
            from,
            to
        }))),
        (text(), any::<Option<i64>>()).prop_map(|(name, since)| {
            Body::SourceState(Box::new(SourceState { name, silent_since: since.map(Timestamp) }))
        }),
        network_sign().prop_map(|it| Body::Network(Box::new(it))),
        exposure().prop_map(|it| Body::Exposure(Box::new(it))),
    ]
    .boxed()
}

prop_compose! {
    fn network_sign()(
        sign in prop::sample::select(SignKind::ALL.to_vec()), address in of(gateway()), name in of(text()),
        (port, protocol) in any::<(Option<u16>, Option<u8>)>(), direction in direction(), count in any::<u64>(),
        (expected, observed) in (text(), text()),
    ) -> NetworkSign {
        NetworkSign { sign, address, name, port, protocol, direction, count, expected, observed }
    }
}

prop_compose! {
    fn weakness()(
        check in text(), port in any::<Option<(u8, u16)>>(), title in text(), (expected, observed, advice) in (text(), text(), text()),
        tags in prop::collection::vec(text(), 0..3), by in of(text()),
        severity in prop::sample::select(vec![Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical]),
    ) -> Weakness {
        Weakness { check, port, severity, title, expected, observed, advice, tags, by }
    }
}

prop_compose! {
    fn exposure()(
        address in gateway(), is_whole in any::<bool>(), settled in prop::collection::vec(any::<(u8, u16, u16)>(), 0..4),
        open in prop::collection::vec((any::<(u8, u16)>(), text(), text(), prop::collection::vec(text(), 0..3)), 0..3),
        faults in prop::collection::vec(weakness(), 0..3), marks in prop::collection::vec(text(), 0..3),
    ) -> Exposure {
        let settled = settled.into_iter().map(|(protocol, first, last)| Ports { protocol, first, last }).collect();
        let open = open.into_iter().map(|((protocol, port), service, product, tried)| {
            Opening { protocol, port, service, product, doubts: tried.clone(), tried }
        });
        Exposure { address, is_whole, settled, open: open.collect(), faults, marks }
    }
}

prop_compose! {
    fn observation()(
        (event, observed, device) in any::<(i64, i64, u64)>(), source in text(), body in body(),
        identity in of(prop_oneof![
            digits::<Imsi>("[0-9]{6,15}").prop_map(Identity::Imsi), text().prop_map(Identity::Login),
            any::<[u8; 6]>().prop_map(|octets| Identity::Mac(Mac(octets)))
        ]),
    ) -> Observation {
        Observation {
            event_time: Timestamp(event), observed_at: Timestamp(observed), source, device: DeviceId(device), identity, body,
        }
    }
}

proptest! {
    #[test]
    fn every_observation_comes_back_as_it_went_in(observation in observation()) {
        let mut bytes = Vec::new();
        to_wire(&observation, &mut bytes);
        prop_assert_eq!(from_wire(&bytes), Ok(observation));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(from_wire(&bytes));
    }

    #[test]
    fn a_damaged_observation_makes_no_panic(observation in observation(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = Vec::new();
        to_wire(&observation, &mut bytes);
        let at = at.index(bytes.len().max(1));
        if let Some(byte) = bytes.get_mut(at) { *byte = to; }
        drop(from_wire(&bytes));
        drop(from_wire(&bytes[..at]));
    }
}

fn interim() -> Observation {
    Observation {
        event_time: Timestamp(1_795_000_000_000),
        observed_at: Timestamp(1_795_000_000_250),
        source: "pgw-1".into(),
        device: DeviceId(0x0102_0304_0506_0708),
        identity: Some(Identity::Imsi("001010123456789".parse().expect("an IMSI"))),
        body: Body::Session(Box::new(Session {
            key: SessionKey { nas: "pgw-1".into(), id: "a1".into() },
            status: SessionStatus::Interim,
            bytes_up: 300,
            bytes_down: 5_000_000_000,
            packets_up: None,
            packets_down: None,
            has_gigawords: true,
            session_secs: Some(60),
            terminate_cause: None,
            ip: Some(Ipv4Addr::new(10, 0, 0, 7)),
            ipv6: None,
            attach: Attach {
                imeisv: Some("3569380356438091".parse().expect("an IMEISV")),
                network: Some("26201".parse().expect("a network")),
                apn: Some("iot".into()),
                rat: Some(Rat(6)),
                ..Attach::default()
            },
            user_name: None,
            multi_session_id: None,
            nsapi: Some(5),
            class: None,
        })),
    }
}

#[test]
fn these_bytes_never_change() {
    // Pinned. If this fails, journals on disk have become unreadable: undo the change to `message.rs`.
    const PINNED: &str = concat!(
        "0880bcd9f29e3410fabdd9f29e341a057067772d31210807060504030201289582cda69dcde301",
        "423012026131180320ac022880e497d0123001383c4d0700000a",
        "5a1408cbf0defff8a88d1810f9d9071a03696f7420067005",
    );
    let mut bytes = Vec::new();
    to_wire(&interim(), &mut bytes);
    let mut hex = String::new();
    for byte in &bytes {
        write!(hex, "{byte:02x}").expect("writing to a string");
    }
    assert_eq!(hex, PINNED);
    assert_eq!(from_wire(&bytes), Ok(interim()));
}

#[test]
fn unknown_fields_are_skipped() {
    let mut bytes = Vec::new();
    to_wire(&interim(), &mut bytes);
    bytes.extend_from_slice(&[0xa2, 0x06, 3, b'n', b'e', b'w']); // field 100, three octets
    assert_eq!(from_wire(&bytes), Ok(interim()));
}

#[test]
fn a_newer_kind_of_observation_is_named_as_such() {
    let mut bytes = Vec::new();
    to_wire(&interim(), &mut bytes);
    let body = bytes.iter().position(|&byte| byte == 0x42).expect("the session's key");
    bytes.truncate(body);
    assert_eq!(from_wire(&bytes), Err(WireError::Field { field: "body" }));
    bytes.extend_from_slice(&[0xa2, 0x06, 0]); // field 100, empty
    assert_eq!(from_wire(&bytes), Err(WireError::Unknown));
}

#[test]
fn the_smallest_observation_is_read() {
    let observation = from_wire(&[0x6a, 0]).expect("a tick and nothing else");
    assert_eq!(observation.body, Body::Tick);
    assert_eq!(from_wire(&[]), Err(WireError::Field { field: "body" }));
}

proptest! {
    #[test]
    fn json_comes_back_as_it_went_in(observation in observation(), event in 0_i64..4_000_000_000_000, late in 0_i64..1_000_000) {
        let (event_time, observed_at) = (Timestamp(event), Timestamp(event + late));
        let mut observation = Observation { event_time, observed_at, ..observation };
        match &mut observation.body { // times that a calendar has
            Body::SourceState(state) => state.silent_since = state.silent_since.map(|_| event_time),
            Body::PlannedChange(change) => (change.from, change.until) = (event_time, observed_at),
            _ => {}
        }
        let json = serde_json::to_string(&observation).unwrap();
        let back: Observation = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(back, observation);
    }

    #[test]
    fn the_subject_is_the_device(observation in observation()) {
        let mut bytes = Vec::new();
        to_wire(&observation, &mut bytes);
        let expected = match &observation.body {
            Body::NasReset(reset) if observation.device == DeviceId(0) => Some(crate::wire::nas_subject(&reset.nas)),
            _ => Some(observation.device.0).filter(|device| *device != 0),
        };
        prop_assert_eq!(crate::wire::subject(&bytes), expected);
    }
}
