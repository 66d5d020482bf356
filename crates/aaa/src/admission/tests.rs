use fleetward_fleet::{Device, Identity};
use fleetward_radius::{Builder, Code, Packet, auth, dictionary as d};
use proptest::prelude::*;

use super::*;
use crate::directory::{Directory, Open, session_hash};
use crate::reply;

const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn profile() -> Profile {
    let yaml = "model: meter\ntacs: ['35693803']\ncountries: [DE, FR]\nnetworks: ['26201', '20801']\n\
                apns: [meters.example]\nsession_timeout_secs: 86400\ninterim_secs: 30\n";
    Profile::from_yaml(yaml).unwrap()
}

fn device() -> Device {
    let mut device = Device::named("meter-17");
    device.imsi = "262011234567890".parse().ok();
    device.imei = "35693803564380".parse().ok();
    device.model = Some("meter".into());
    device.ip = Some([10, 0, 0, 17].into());
    device.ipv6 = "2001:db8:17::/64".parse().ok();
    device
}

fn sim(change: impl FnOnce(&mut Device)) -> Sim {
    let mut device = device();
    change(&mut device);
    let directory = Directory::new();
    directory.upsert(&device);
    directory.find(&Identity::Imsi(device.imsi.unwrap())).unwrap()
}

fn attach() -> Attach {
    Attach {
        imeisv: "3569380356438091".parse().ok(),
        network: "26201".parse().ok(),
        apn: Some("meters.example".into()),
        ..Attach::default()
    }
}

fn ask(attach: &Attach) -> Request<'_> {
    Request { nas: "pgw-1", session: None, attach, password: PasswordCheck::NotAsked }
}

fn open_at(nas: &str, id: &str, age_secs: i64) -> Open {
    let key = fleetward_fleet::SessionKey { nas: nas.into(), id: id.into() };
    Open { session: session_hash(&key), nas: nas.into(), last: Timestamp::from_secs(NOW.secs() - age_secs) }
}

/// The decision on the good device and request, changed by the arguments.
fn decided(
    device: impl FnOnce(&mut Device),
    request: impl FnOnce(&mut Attach),
    intent: impl FnOnce(&mut Profile),
) -> Decision {
    let (sim, mut attach, mut profile) = (sim(device), attach(), profile());
    request(&mut attach);
    intent(&mut profile);
    decide(&ask(&attach), Some(&sim), Some(&profile), NOW)
}

fn reason(decision: &Decision) -> Option<RejectReason> {
    match decision {
        Decision::Accept(_) => None,
        Decision::Reject(refusal) => Some(refusal.reason),
    }
}

#[test]
fn a_good_request_gets_what_the_sim_and_its_profile_state() {
    let Decision::Accept(accept) = decided(|_| {}, |_| {}, |_| {}) else { panic!("rejected") };
    assert_eq!(accept.ip, Some([10, 0, 0, 17].into()));
    assert_eq!(accept.ipv6, "2001:db8:17::/64".parse().ok());
    assert_eq!(accept.session_timeout_secs, Some(86400));
    assert_eq!(accept.interim_secs, 60, "RFC 2869 §5.16: not below 60");
}

#[test]
fn every_reason_has_its_case() {
    use RejectReason as R;
    type Case = (&'static str, Option<R>, fn(&mut Device), fn(&mut Attach), fn(&mut Profile));
    let cases: &[Case] = &[
        ("suspended", Some(R::Suspended), |d| d.state = DeviceState::Suspended, |_| {}, |_| {}),
        ("in stock", Some(R::NotActive), |d| d.state = DeviceState::Stock, |_| {}, |_| {}),
        ("retired", Some(R::NotActive), |d| d.state = DeviceState::Retired, |_| {}, |_| {}),
        ("other module", Some(R::ImeiLock), |_| {}, |a| a.imeisv = "3569380399999901".parse().ok(), |_| {}),
        ("same module, new software", None, |_| {}, |a| a.imeisv = "3569380356438099".parse().ok(), |_| {}),
        ("same module, check digit", None, |_| {}, |a| a.imeisv = "356938035643809".parse().ok(), |_| {}),
        (
            "lock off, other module",
            None,
            |d| d.imei_lock = ImeiLock::Off,
            |a| a.imeisv = "3569380399999901".parse().ok(),
            |_| {},
        ),
        (
            "lock off, other type",
            Some(R::TacNotOfModel),
            |d| d.imei_lock = ImeiLock::Off,
            |a| a.imeisv = "8601230456438091".parse().ok(),
            |_| {},
        ),
        ("first module of the type", None, |d| d.imei = None, |_| {}, |_| {}),
        (
            "first module of another type",
            Some(R::TacNotOfModel),
            |d| d.imei = None,
            |a| a.imeisv = "8601230456438091".parse().ok(),
            |_| {},
        ),
        ("no IMEISV, strict", Some(R::ImeiMissing), |_| {}, |a| a.imeisv = None, |_| {}),
        ("no IMEISV, allowed", None, |_| {}, |a| a.imeisv = None, |p| p.missing_imeisv = MissingImeisv::Allow),
        ("no IMEISV, nothing to compare", None, |d| d.imei = None, |a| a.imeisv = None, |p| p.tacs.clear()),
        ("country", Some(R::CountryNotAllowed), |_| {}, |a| a.network = "310410".parse().ok(), |_| {}),
        ("country of no network", Some(R::CountryNotAllowed), |_| {}, |a| a.network = None, |_| {}),
        ("network", Some(R::NetworkNotAllowed), |_| {}, |a| a.network = "26202".parse().ok(), |_| {}),
        (
            "MNC of three digits is another",
            Some(R::NetworkNotAllowed),
            |_| {},
            |a| a.network = "262001".parse().ok(),
            |_| {},
        ),
        (
            "no network, only networks",
            Some(R::NetworkNotAllowed),
            |_| {},
            |a| a.network = None,
            |p| p.countries.clear(),
        ),
        (
            "no network, no list",
            None,
            |_| {},
            |a| a.network = None,
            |p| {
                p.countries.clear();
                p.networks.clear();
            },
        ),
        ("APN", Some(R::ApnNotAllowed), |_| {}, |a| a.apn = Some("internet".into()), |_| {}),
        ("no APN", Some(R::ApnNotAllowed), |_| {}, |a| a.apn = None, |_| {}),
    ];
    for (name, expected, device, request, intent) in cases {
        let decision = decided(device, request, intent);
        assert_eq!(reason(&decision), *expected, "{name}: {decision:?}");
        if let Decision::Reject(refusal) = decision {
            assert!(!refusal.expected.is_empty() && !refusal.observed.is_empty(), "{name}");
        }
    }
}

#[test]
fn unknown_and_without_profile() {
    let attach = attach();
    assert_eq!(reason(&decide(&ask(&attach), None, None, NOW)), Some(RejectReason::UnknownSim));
    assert_eq!(reason(&decide(&ask(&attach), Some(&sim(|_| {})), None, NOW)), None);
    let stranger = Attach { imeisv: "8601230456438091".parse().ok(), ..attach };
    assert_eq!(reason(&decide(&ask(&stranger), Some(&sim(|_| {})), None, NOW)), Some(RejectReason::ImeiLock));
}

#[test]
fn a_second_session_is_one_that_lives_elsewhere() {
    let cases = [
        ("none", vec![], None),
        ("elsewhere", vec![open_at("pgw-2", "1", 100)], Some(RejectReason::SecondSession)),
        ("elsewhere, silent for three intervals", vec![open_at("pgw-2", "1", 181)], None),
        ("same NAS", vec![open_at("pgw-1", "1", 100)], None),
        ("the same session", vec![open_at("pgw-2", "mine", 100)], None),
        (
            "one stale, one alive",
            vec![open_at("pgw-2", "1", 999), open_at("pgw-3", "1", 5)],
            Some(RejectReason::SecondSession),
        ),
    ];
    for (name, open, expected) in cases {
        let (attach, sim) = (attach(), Sim { open, ..sim(|_| {}) });
        let session = Some(open_at("pgw-2", "mine", 0).session);
        let request = Request { session, ..ask(&attach) };
        let decision = decide(&request, Some(&sim), Some(&profile()), NOW);
        assert_eq!(reason(&decision), expected, "{name}");
        let tolerant = Profile { simultaneous: Simultaneous::Allow, ..profile() };
        assert_eq!(reason(&decide(&request, Some(&sim), Some(&tolerant), NOW)), None, "{name}");
    }
}

#[test]
fn a_wrong_password_is_a_reason() {
    let attach = attach();
    let wrong = Request { password: PasswordCheck::Wrong, ..ask(&attach) };
    assert_eq!(reason(&decide(&wrong, Some(&sim(|_| {})), None, NOW)), Some(RejectReason::WrongPassword));
}

#[test]
fn words_for_people_mask_identities() {
    let decision = decided(|_| {}, |a| a.imeisv = "3569380399999901".parse().ok(), |_| {});
    let Decision::Reject(refusal) = decision else { panic!("accepted") };
    assert!(!refusal.observed.contains("35693803999999") && !refusal.expected.contains("35693803564380"));
}

fn any_state() -> impl Strategy<Value = DeviceState> {
    prop_oneof![
        Just(DeviceState::Stock),
        Just(DeviceState::Active),
        Just(DeviceState::Suspended),
        Just(DeviceState::Retired)
    ]
}

proptest! {
    /// Whatever is asked: admitted only if active and of an allowed place; and a reject's octets do not depend on why,
    /// on who, or on anything but the request's header and Proxy-State.
    #[test]
    fn a_reject_never_leaks(
        state in any_state(),
        is_known in any::<bool>(),
        network in proptest::option::of(prop_oneof![Just("26201"), Just("310410"), Just("26202")]),
        imeisv in proptest::option::of(prop_oneof![Just("3569380356438091"), Just("8601230456438091")]),
        proxy_state in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..3),
        identifier: u8,
        authenticator: [u8; 16],
    ) {
        let sim = sim(|device| device.state = state);
        let attach = Attach {
            network: network.and_then(|n| n.parse().ok()),
            imeisv: imeisv.and_then(|i| i.parse().ok()),
            ..attach()
        };
        let decision = decide(&ask(&attach), is_known.then_some(&sim), Some(&profile()), NOW);
        let mut request = Builder::access_request(identifier, authenticator);
        for state in &proxy_state {
            request.attribute(d::PROXY_STATE, state);
        }
        let request = request.sign(b"secret").unwrap();
        let request = Packet::parse(&request).unwrap();
        let reply = reply::access(&request, &decision, b"fw1:class", b"secret").unwrap();
        let packet = Packet::parse(&reply.octets).unwrap();
        auth::verify_reply(&packet, &request, b"secret", auth::Policy::Require).unwrap();
        let kinds: Vec<u8> = packet.attributes().map(|a| a.kind).collect();
        prop_assert_eq!(kinds[0], d::MESSAGE_AUTHENTICATOR);
        prop_assert!(packet.all(d::PROXY_STATE).eq(proxy_state.iter().map(Vec::as_slice)));
        if matches!(decision, Decision::Accept(_)) {
            prop_assert!(is_known && state == DeviceState::Active && network == Some("26201"));
            prop_assert_eq!(packet.code(), Code::ACCESS_ACCEPT);
        } else {
            prop_assert_eq!(packet.code(), Code::ACCESS_REJECT);
            prop_assert!(kinds[1..].iter().all(|kind| *kind == d::PROXY_STATE));
            prop_assert_eq!(kinds.len(), 1 + proxy_state.len());
        }
    }
}
