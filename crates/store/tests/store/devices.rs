use fleetward_fleet::{Device, DeviceChange, DeviceState, Offset};
use fleetward_store::{Conflict, DeviceFilter, Lookup, Page};

use crate::{Fixture, add_devices, change};

fn meter(number: u64) -> Device {
    let mut device = Device::named(format!("meter-{number:05}"));
    device.imsi = Some(format!("26201{number:010}").parse().unwrap());
    device.iccid = Some(format!("8949020{number:012}").parse().unwrap());
    device.msisdn = Some(format!("49170{number:07}").parse().unwrap());
    device.imei = Some(format!("35693803{number:06}").parse().unwrap());
    device.ip = Some(std::net::Ipv4Addr::from_bits(0x0A00_0000 + number as u32));
    device.model = Some(if number.is_multiple_of(2) { "meter-a" } else { "meter-b" }.into());
    device.groups = vec!["all".into(), if number < 5 { "first" } else { "rest" }.into()];
    device
}

#[test]
fn is_found_by_each_of_its_identities() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let mut gateway = Device::named("gateway");
    gateway.login = Some("vpn@example".into());
    add_devices(&store, [meter(1), meter(2), gateway.clone()]);
    let wanted = meter(2);
    for by in [
        Lookup::Id(wanted.id()),
        Lookup::Name(wanted.name.clone()),
        Lookup::Imsi(wanted.imsi.unwrap()),
        Lookup::Iccid(wanted.iccid.unwrap()),
        Lookup::Msisdn(wanted.msisdn.unwrap()),
        Lookup::Imei(wanted.imei.unwrap()),
    ] {
        assert_eq!(store.device(&by).unwrap().as_ref(), Some(&wanted), "{by:?}");
    }
    let by_login = store.device(&Lookup::from(&gateway.identities().next().unwrap())).unwrap();
    assert_eq!(by_login, Some(gateway));
    assert_eq!(store.device(&Lookup::Name("nobody".into())).unwrap(), None);
}

#[test]
fn a_replay_of_the_journal_changes_nothing() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let mut later = meter(1);
    later.state = DeviceState::Suspended;
    later.groups.clear();
    let gone = DeviceChange { device: meter(2), removed: true, by: "cli".into() };
    let changes = [
        (Offset(3), change(meter(1))),
        (Offset(5), change(meter(2))),
        (Offset(8), change(later.clone())),
        (Offset(9), gone),
    ];
    assert_eq!(store.project_devices(&changes).unwrap().applied, 4);
    let again = store.project_devices(&changes[..2]).unwrap();
    assert_eq!((again.applied, again.skipped), (0, 2));
    assert_eq!(store.devices_projected().unwrap(), Some(Offset(9)));
    assert_eq!(store.device(&Lookup::Id(later.id())).unwrap(), Some(later));
    assert_eq!(store.count_devices(&DeviceFilter::default()).unwrap(), 1);
    let all = DeviceFilter { group: Some("all".into()), ..DeviceFilter::default() };
    assert_eq!(store.count_devices(&all).unwrap(), 0, "groups go with the change");
    store.set_devices_projected(Offset(4)).unwrap();
    assert_eq!(store.devices_projected().unwrap(), Some(Offset(9)), "never moves back");
    store.set_devices_projected(Offset(40)).unwrap();
    assert_eq!(store.devices_projected().unwrap(), Some(Offset(40)));
}

#[test]
fn filters_hold_together() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let mut critical = meter(3);
    critical.critical = true;
    critical.state = DeviceState::Stock;
    add_devices(&store, (0..10).filter(|n| *n != 3).map(meter).chain([critical]));
    let count = |filter: DeviceFilter| store.count_devices(&filter).unwrap();
    let text = |text: &str| DeviceFilter { text: Some(text.into()), ..DeviceFilter::default() };
    assert_eq!(count(DeviceFilter::default()), 10);
    assert_eq!(count(DeviceFilter { model: Some("meter-b".into()), ..DeviceFilter::default() }), 5);
    assert_eq!(
        count(DeviceFilter { group: Some("first".into()), model: Some("meter-b".into()), ..DeviceFilter::default() }),
        2
    );
    assert_eq!(count(DeviceFilter { state: Some(DeviceState::Stock), ..DeviceFilter::default() }), 1);
    assert_eq!(count(DeviceFilter { critical: Some(false), ..DeviceFilter::default() }), 9);
    assert_eq!(count(text("meter-0000?")), 10);
    assert_eq!(count(text("*7")), 1, "name or address ends in 7");
    assert_eq!(count(text("10.0.0.3")), 1);
    assert_eq!(count(text("100%")), 0);
}

#[test]
fn a_search_reveals_no_masked_digits() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let mut unnamed = Device::named("imsi:262019999999999");
    unnamed.imsi = Some("262019999999999".parse().unwrap());
    add_devices(&store, [meter(7), unnamed]);
    let count = |text: &str, identity_wildcards| {
        let filter = DeviceFilter { text: Some(text.into()), identity_wildcards, ..DeviceFilter::default() };
        store.count_devices(&filter).unwrap()
    };
    assert_eq!(count("2620100000*", false), 0);
    assert_eq!(count("262010000000007", false), 1, "the whole one is fine: who knows it learns nothing");
    assert_eq!(count("imsi:2*", false), 0);
    assert_eq!(count("2620100000*", true), 1);
    assert_eq!(count("imsi:2*", true), 1);
}

#[test]
fn pages_show_every_device_once() {
    let Fixture { store, folder: _folder } = Fixture::new();
    add_devices(&store, (0..25).map(meter));
    let mut page = Page::first(10);
    let mut seen = Vec::new();
    loop {
        let listing = store.devices(&DeviceFilter::default(), &page).unwrap();
        seen.extend(listing.items.into_iter().map(|device| device.name));
        let Some(next) = listing.next else { break };
        page.cursor = Some(next);
    }
    assert_eq!(seen, (0..25).map(|n| meter(n).name).collect::<Vec<_>>());
    let wrong = Page { limit: 1, cursor: Some("§".into()) };
    assert!(store.devices(&DeviceFilter::default(), &wrong).is_err());
}

#[test]
fn conflicts_are_found_within_an_import_and_with_the_inventory() {
    let Fixture { store, folder: _folder } = Fixture::new();
    add_devices(&store, [meter(1), meter(2)]);
    let mut twin = meter(3);
    twin.imsi = meter(1).imsi;
    let mut same_ip = meter(4);
    same_ip.ip = meter(3).ip;
    let found = store.conflicts(&[twin.clone(), same_ip, meter(5), meter(5)]).unwrap();
    let conflict = |index, field, holder: &str| Conflict { index, field, holder: holder.into() };
    assert_eq!(
        found,
        [conflict(0, "imsi", "meter-00001"), conflict(1, "ip", "meter-00003"), conflict(3, "name", "meter-00005")]
    );
    let mut moved = meter(1);
    moved.imsi = Some("262015555555555".parse().unwrap());
    assert_eq!(store.conflicts(&[twin, moved]).unwrap(), [], "a SIM may move between two devices of one import");
    assert_eq!(store.conflicts(&[meter(1)]).unwrap(), [], "a device does not collide with itself");
}

#[test]
fn ten_thousand_devices_go_in_and_come_out() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let devices: Vec<_> = (0..10_000).map(meter).collect();
    let started = std::time::Instant::now();
    assert_eq!(store.conflicts(&devices).unwrap(), []);
    eprintln!("10,000 devices: conflicts {:?}", started.elapsed());
    let started = std::time::Instant::now();
    add_devices(&store, devices);
    eprintln!("10,000 devices: projection {:?}", started.elapsed());
    let mut count = 0;
    store.each_device(|_| count += 1).unwrap();
    assert_eq!(count, 10_000);
}
