//! A plan finds what the rules find, event for event, whatever the device, the profile and the record.

use std::sync::LazyLock;
use std::time::Duration;

use fleetward_fleet::{Device, DeviceId, DeviceState, ImeiLock, Profile, Rat, Timestamp};
use proptest::prelude::*;

use crate::{Class, Facts, Options, RuleSet, Shape, SubjectState, Trigger, Triggers};

const OWN: &str = "rule: heavy\ntitle: t\nscope: '\"meters\" in device.groups'\nwatch: { used: { sum: bytes, over: 1h } }\n\
    when: used > 2 KB && country != \"FR\"\nclear: used < 1 KB\nrepeat: once per 1h\n---\n\
    rule: either\ntitle: t\nwhen: 'session_start || !(device.state == \"active\" && bytes < 1 KB)'\nrepeat: once per 10m\n---\n\
    rule: held\ntitle: t\nscope: device.state != \"stock\"\nwhen: session.open_sessions > 1 for 10m\nclear: session.open_sessions <= 1\n---\n\
    rule: unknown-model\ntitle: t\nwhen: '!has(profile.tacs) && changed(country)'\nrepeat: once per new country\n---\n\
    rule: same-a\ntitle: t\nwhen: country == \"FR\" && bytes > 100\n---\n\
    rule: same-b\ntitle: t\nwhen: country == \"FR\" && bytes > 1000\n---\n\
    rule: same-c\ntitle: t\nwhen: bytes > 1500 && country == \"FR\"\n---\n\
    rule: at-least\ntitle: t\nwhen: bytes >= 500 && !changed(country) && apn != \"internet\"\nrepeat: once per 10m\n---\n\
    rule: above\ntitle: t\nwhen: bytes > 500 && bytes < 900\n---\n\
    rule: total\ntitle: t\nwhen: total_bytes >= 9 KB && rat == \"eutran\" && !session.is_new\nrepeat: once per 10m\n---\n\
    rule: first\ntitle: t\nwhen: first(network) || tac(imei) == \"35693804\" && bytes > 2000\nrepeat: once per 10m\n---\n\
    rule: hops\ntitle: t\nwatch: { hops: { count: changed(network), over: 2h } }\nwhen: hops >= 2\nrepeat: once per 10m\n---\n\
    rule: at-home\ntitle: t\nwatch: { home: { sum: bytes, over: 1h, where: network == \"26201\" } }\nwhen: home > 3 KB && has(imei)\nrepeat: once per 10m\n";

fn set() -> &'static RuleSet {
    static SET: LazyLock<RuleSet> = LazyLock::new(|| {
        RuleSet::with_builtin(&[("own", OWN)], &Options::default()).unwrap_or_else(|errors| panic!("{errors:?}"))
    });
    &SET
}

fn profile(stated: bool) -> Profile {
    let lists = if stated {
        "tacs: ['35693803']\ncountries: [DE]\nnetworks: ['26201']\napns: [iot.example]\nvolume: { per_hour: 4 KB }\ncontact_every: 1 h\n"
    } else {
        ""
    };
    Profile::from_yaml(&format!("model: meter\n{lists}")).unwrap()
}

#[derive(Debug, Clone)]
struct Event {
    trigger: Trigger,
    minutes: u64,
    bytes: Option<u64>,
    country: Option<&'static str>,
    open: u32,
    tac: u32,
    /// Which access network: it answers for network, APN and radio.
    access: u8,
    odd: bool,
}

fn event() -> impl Strategy<Value = Event> {
    let triggers = prop::sample::select(Trigger::ALL.to_vec());
    let countries = prop::sample::select(vec![None, Some("DE"), Some("FR"), Some("CH")]);
    (triggers, 0_u64..40, prop::option::of(0_u64..3000), countries, 0_u32..3, 0_u32..2, 0_u8..3, any::<bool>())
        .prop_map(|(trigger, minutes, bytes, country, open, tac, access, odd)| Event {
            trigger,
            minutes,
            bytes,
            country,
            open,
            tac,
            access,
            odd,
        })
}

fn device(group: bool, state: DeviceState, lock: bool) -> Device {
    let mut device = Device::named("meter-1");
    device.groups = if group { vec!["meters".into()] } else { Vec::new() };
    device.state = state;
    device.imei_lock = if lock { ImeiLock::On } else { ImeiLock::Off };
    device.model = Some("meter".into());
    device.imei = "35693803564380".parse().ok();
    device
}

fn facts<'a>(event: &Event, now: Timestamp, device: Option<&'a Device>, profile: Option<&'a Profile>) -> Facts<'a> {
    let mut facts = Facts::new(event.trigger, now, now, DeviceId(1), "meter-1");
    (facts.device, facts.profile) = (device, profile);
    facts.last_contact = Some(now - Duration::from_mins(event.minutes * 3));
    if event.trigger.is_contact() {
        facts.country = event.country.and_then(|country| country.parse().ok());
        facts.late = event.odd && event.access == 2;
        facts.imeisv = format!("3569380{}5643800{}", 3 + event.tac, event.access).parse().ok();
        facts.imei = facts.imeisv.filter(|_| event.access != 2).map(fleetward_fleet::Imeisv::imei);
        facts.network = [Some("26201"), Some("20801"), None][usize::from(event.access)].and_then(|it| it.parse().ok());
        facts.apn = [Some("iot.example"), None, Some("internet")][usize::from(event.access)];
        facts.rat = (!event.odd).then_some(Rat(6));
    }
    if Triggers::SESSION.contains(event.trigger) {
        (facts.bytes_up, facts.total_bytes) = (event.bytes, event.bytes.map(|bytes| bytes * 9));
        facts.open_sessions = Some(event.open);
        facts.session_is_new = Some(event.trigger == Trigger::SessionStart);
        facts.session_overlaps = Some(event.odd && event.access == 1);
    }
    facts
}

proptest! {
    #[test]
    fn a_plan_finds_the_same(
        events in prop::collection::vec(event(), 1..60),
        known in any::<bool>(),
        (group, lock, stated) in any::<(bool, bool, bool)>(),
        state in prop::sample::select(vec![DeviceState::Active, DeviceState::Stock, DeviceState::Suspended]),
    ) {
        let (set, device, profile) = (set(), device(group, state, lock), profile(stated));
        let (device, profile) = (known.then_some(&device), known.then_some(&profile));
        let plans = [set.plan(Some(Class { device, profile })), set.plan(None)];
        let mut states: [SubjectState; 5] = Default::default();
        let mut now = Timestamp(1_767_571_200_000);
        for event in &events {
            now = now + Duration::from_mins(event.minutes);
            let facts = facts(event, now, device, profile);
            let mut said: [Vec<_>; 5] = Default::default();
            set.observe(&facts, &mut states[0], &mut said[0]);
            let shape = Shape::of(&facts);
            for (at, plan) in plans.iter().enumerate() {
                set.observe_planned(plan, None, &facts, &mut states[at + 1], &mut said[at + 1]);
                let shaped = shape.as_ref().map(|shape| plan.shaped(set, Class { device, profile }, shape));
                let shaped = shaped.as_ref().map(|shaped| (shaped, set.shown(&facts, &states[at + 3])));
                set.observe_planned(plan, shaped, &facts, &mut states[at + 3], &mut said[at + 3]);
            }
            let said = said.map(|said| format!("{said:?}"));
            for other in &said[1..] {
                prop_assert_eq!(&said[0], other);
            }
        }
    }
}

proptest! {
    #[test]
    fn a_shape_is_that_of_the_records_that_have_it(a in event(), b in event()) {
        let (of_a, of_b) = (facts(&a, Timestamp(0), None, None), facts(&b, Timestamp(9), None, None));
        if let Some(shape) = Shape::of(&of_a) {
            prop_assert!(shape.is(&of_a));
            prop_assert_eq!(shape.is(&of_b), Shape::of(&of_b) == Some(shape));
        } else {
            prop_assert!(!Triggers::SESSION.contains(a.trigger));
        }
    }
}

#[test]
fn what_cannot_concern_a_class_is_left_out() {
    let set = set();
    let (meter, profile) = (device(false, DeviceState::Active, false), profile(false));
    let class = Class { device: Some(&meter), profile: Some(&profile) };
    let (plan, general) = (set.plan(Some(class)), set.plan(None));
    let interim = |plan: &crate::Plan| {
        let steps = plan.at(Trigger::SessionInterim);
        (steps.feeds.len(), steps.rules())
    };
    assert!(interim(&plan).0 < interim(&general).0 && interim(&plan).1 < interim(&general).1, "{plan:?} {general:?}");
    assert!(plan.at(Trigger::Tick).guarded.is_empty(), "nothing states when it should be heard of: {plan:?}");
}
