use std::collections::HashMap as Model;

use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp(1_795_000_000_000);

fn imsi(number: u64) -> Imsi {
    format!("{:015}", 262_010_000_000_000 + number).parse().unwrap()
}

fn device(number: u64) -> Device {
    let mut device = Device::named(format!("meter-{number}"));
    device.imsi = Some(imsi(number));
    device.imei = Imei::from_number(35_693_803_000_000 + number);
    device.model = Some("meter".into());
    device.ip = Some(Ipv4Addr::from(0x0A00_0000 + number as u32));
    device
}

fn key(nas: &str, id: &str) -> SessionKey {
    SessionKey { nas: nas.into(), id: id.into() }
}

#[test]
fn finds_what_was_put_in_and_only_that() {
    let directory = Directory::new();
    directory.upsert(&device(1));
    let sim = directory.find(&Identity::Imsi(imsi(1))).unwrap();
    assert_eq!((sim.device, sim.imei, sim.model.as_deref()), (device(1).id(), device(1).imei, Some("meter")));
    assert_eq!(directory.find(&Identity::Imsi(imsi(2))), None);
    // The same digits with another count of leading zeros are another IMSI.
    let mut zeros = Device::named("zeros");
    zeros.imsi = "001010000000001".parse().ok();
    directory.upsert(&zeros);
    assert_eq!(directory.find(&Identity::Imsi("1010000000001".parse().unwrap())), None);
}

#[test]
fn a_changed_identity_leaves_no_trace() {
    let directory = Directory::new();
    let mut meter = device(1);
    meter.login = Some("meter".into());
    directory.upsert(&meter);
    meter.imsi = Some(imsi(2));
    meter.login = Some("other".into());
    directory.upsert(&meter);
    assert_eq!(directory.find(&Identity::Imsi(imsi(1))), None);
    assert_eq!(directory.find(&Identity::Login("meter".into())), None);
    assert!(
        directory.find(&Identity::Imsi(imsi(2))).is_some()
            && directory.find(&Identity::Login("other".into())).is_some()
    );
    directory.remove(meter.id());
    assert_eq!(directory.find(&Identity::Imsi(imsi(2))), None);
    assert_eq!(directory.find(&Identity::Login("other".into())), None);
    assert!(directory.is_empty());
}

#[test]
fn a_sim_that_moves_to_another_device_stays_findable() {
    let directory = Directory::new();
    let (mut old, mut new) = (device(1), device(2));
    directory.upsert(&old);
    new.imsi = Some(imsi(1));
    directory.upsert(&new);
    old.imsi = None;
    directory.upsert(&old);
    assert_eq!(directory.device_of(&Identity::Imsi(imsi(1))), Some(new.id()));
    directory.remove(old.id());
    assert_eq!(directory.device_of(&Identity::Imsi(imsi(1))), Some(new.id()));
}

#[test]
fn knows_open_sessions() {
    let directory = Directory::new();
    let meter = device(1);
    directory.upsert(&meter);
    let open = || directory.find(&Identity::Imsi(imsi(1))).unwrap().open;
    directory.session_opened(meter.id(), &key("pgw-1", "a"), NOW);
    directory.session_opened(meter.id(), &key("pgw-2", "b"), NOW + std::time::Duration::from_secs(5));
    assert_eq!(open().len(), 2);
    assert_eq!((&*open()[0].nas, open()[0].session), ("pgw-2", session_hash(&key("pgw-2", "b"))));
    // An inventory change keeps them.
    directory.upsert(&Device { critical: true, ..meter.clone() });
    assert_eq!(open().len(), 2);
    directory.session_ended(meter.id(), &key("pgw-2", "b"));
    assert_eq!(open().len(), 1);
    directory.nas_reset("pgw-1");
    assert_eq!(open(), []);
    directory.session_opened(meter.id(), &key("pgw-1", "a"), NOW);
    assert_eq!(open().len(), 1);
    // At most so many, the freshest.
    for n in 0..100 {
        directory.session_opened(meter.id(), &key("pgw-1", &n.to_string()), NOW + std::time::Duration::from_secs(n));
    }
    assert_eq!(open().len(), 8);
    assert_eq!(open()[0].session, session_hash(&key("pgw-1", "99")));
}

#[test]
fn a_sim_takes_at_most_two_hundred_octets() {
    // Sizes right behind a doubling of the tables are the worst.
    for count in [115_000_u64, 235_000] {
        let directory = Directory::new();
        for number in 0..count {
            let device = device(number);
            directory.upsert(&device);
            directory.session_opened(device.id(), &key("pgw-1", &number.to_string()), NOW);
        }
        let each = directory.bytes() / count as usize;
        assert!(each <= 200, "{each} octets per SIM at {count}");
    }
}

proptest! {
    /// Any sequence of changes: the directory agrees with a plain map.
    #[test]
    fn agrees_with_a_map(steps in proptest::collection::vec((0_u64..6, proptest::option::of(0_u64..6), any::<bool>()), 1..60)) {
        let directory = Directory::new();
        let mut model: Model<DeviceId, Option<Imsi>> = Model::new();
        for (number, sim, is_removal) in steps {
            let mut device = device(number);
            device.imsi = sim.map(imsi);
            // The inventory keeps identities unique.
            if device.imsi.is_some() && model.iter().any(|(id, imsi)| *id != device.id() && *imsi == device.imsi) {
                continue;
            }
            if is_removal {
                directory.remove(device.id());
                model.remove(&device.id());
            } else {
                directory.upsert(&device);
                model.insert(device.id(), device.imsi);
            }
            prop_assert_eq!(directory.len(), model.len());
            for number in 0..6 {
                let expected = model.iter().find(|(_, held)| **held == Some(imsi(number))).map(|(id, _)| *id);
                let found = directory.find(&Identity::Imsi(imsi(number)));
                prop_assert_eq!(found.map(|sim| sim.device), expected);
            }
        }
    }
}
