use std::collections::BTreeMap;

use super::super::{Member, compile, sets};
use super::*;

const DEVICE: Mac = Mac([2, 0, 0, 0, 0, 1]);

fn feeder() -> Feeder {
    let text = "allow:\n  - { name: \"api-#.vendor.example\", protocol: tcp, ports: [443] }\n";
    let profile = serde_saphyr::from_str(text).expect("the profile is well written");
    let site = Site {
        gateway: vec![[10, 9, 0, 1].into()],
        local: vec!["10.9.0.0/24".parse().expect("it is a network")],
        members: vec![Member { mac: DEVICE, ips: vec![[10, 9, 0, 11].into()], model: Some("camera".into()) }],
        ..Site::default()
    };
    Feeder::new(&site, &compile(&site, &BTreeMap::from([("camera".into(), profile)])))
}

fn ask(feeder: &mut Feeder, asked: &str, chain: &[Box<str>], resolver: [u8; 4], to: [u8; 4], at: i64) -> Vec<Change> {
    let answer = Answer {
        asker: Mac::default(),
        asker_ip: [10, 9, 0, 11].into(),
        resolver: resolver.into(),
        asked,
        chain,
        addresses: &[to.into()],
        ttl: 20,
    };
    feeder.answer(answer, Timestamp::from_secs(at))
}

const GIVEN: [u8; 4] = [10, 9, 0, 1];
const CLOUD: [u8; 4] = [192, 0, 2, 7];

#[test]
fn a_name_of_the_profile_becomes_its_addresses_for_a_while() {
    let mut feeder = feeder();
    let changes = ask(&mut feeder, "api-7.vendor.example", &[], GIVEN, CLOUD, 0);
    let [Change::Put { set, element, life }] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!((*set, *life), (sets::OUT4, Some(Duration::from_mins(6))), "a minute at least, and five longer");
    assert!(element.to_string().ends_with(" . 192.0.2.7 . tcp . 443"), "{element}");
    assert!(ask(&mut feeder, "api-7.vendor.example", &[], GIVEN, CLOUD, 30).is_empty(), "it lives long enough");
    assert_eq!(ask(&mut feeder, "api-7.vendor.example", &[], GIVEN, CLOUD, 200).len(), 1, "its life is made longer");
    assert_eq!(feeder.living(Timestamp::from_secs(300)).count(), 1);
    assert_eq!(feeder.living(Timestamp::from_secs(600)).count(), 0);
    let aliased = ["api-8.vendor.example".into()];
    assert_eq!(ask(&mut feeder, "www.vendor.example", &aliased, GIVEN, [192, 0, 2, 8], 0).len(), 1, "on the way to it");
}

#[test]
fn other_names_other_resolvers_and_addresses_of_the_site_lead_to_nothing() {
    let mut feeder = feeder();
    assert!(ask(&mut feeder, "api-7.vendor.example.evil.example", &[], GIVEN, CLOUD, 0).is_empty());
    assert!(ask(&mut feeder, "api-7.vendor.example", &[], [9, 9, 9, 9], CLOUD, 0).is_empty());
    for to in [[10, 9, 0, 12], [127, 0, 0, 1], [224, 0, 0, 251], [0, 0, 0, 0], [169, 254, 1, 1]] {
        assert!(ask(&mut feeder, "api-7.vendor.example", &[], GIVEN, to, 0).is_empty(), "{to:?}");
    }
    assert_eq!(feeder.ignored, Ignored { unlisted: 1, foreign: 1, local: 5, full: 0 });
}

#[test]
fn a_model_has_a_most_of_addresses_and_a_restart_keeps_them() {
    let mut feeder = feeder();
    for number in 0..9_000_u32 {
        let [_, b, c, d] = number.to_be_bytes();
        ask(&mut feeder, "api-7.vendor.example", &[], GIVEN, [100, b, c, d], 0);
    }
    assert_eq!(feeder.ignored.full, 9_000 - MOST as u64);
    let kept = feeder.kept(Timestamp(0));
    assert_eq!(kept.len(), MOST);
    let mut next = self::feeder();
    next.restore(&kept, Timestamp(0));
    assert_eq!(next.living(Timestamp(0)).count(), MOST);
    next.tidy(Timestamp::from_secs(1000));
    assert_eq!(next.kept(Timestamp(0)).len(), 0);
}
