//! UDP speakers against real daemons.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it is")]

use std::time::{Duration, Instant};

use fleetward_audit::door::Door;
use fleetward_audit::fact::{Access, PortState, Service};
use fleetward_audit::pace::Temperament;
use fleetward_audit::scope::Scope;
use fleetward_audit::speak::{At, udp};
use fleetward_testkit::daemons::{Namespace, Zoo, zoo};

/// What a port says, asked from within the namespace.
fn asked(from: &Namespace, address: std::net::IpAddr, network: &str, port: u16) -> (PortState, Option<Service>) {
    let scope = Scope::new(vec![network.parse().unwrap()], false);
    let target = scope.admit(address).unwrap();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let door = Door::new(Temperament::Normal);
        runtime.block_on(udp(At { door: &door, target, port }))
    };
    from.enter(work).unwrap()
}

/// The same, of a daemon that may still be starting.
fn ready(ask: impl Fn() -> (PortState, Option<Service>)) -> Service {
    let end = Instant::now() + Duration::from_secs(15);
    loop {
        match ask() {
            (PortState::Open, Some(service)) => return service,
            other => assert!(Instant::now() < end, "{other:?}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_zoo_is_asked_in_its_protocols() {
    let Some(mut zoo) = Zoo::try_start().unwrap() else { return };
    let ask = |number, port| asked(zoo.auditor(), Zoo::address(number), zoo::NETWORK, port);
    let snmp = ready(|| ask(19, 161));
    assert_eq!((&*snmp.protocol, &*snmp.evidence), ("snmp", "UPS"));
    assert_eq!((&*snmp.notes["versions"], &*snmp.notes["communities"]), ("1,2c,3", "public"));
    assert!(snmp.notes["engine_id"].starts_with("80001f88"), "net-snmp's enterprise: {snmp:?}");
    let coap = ready(|| ask(20, 5683));
    assert_eq!((&*coap.protocol, &coap.access), ("coap", &Access::Anybody));
    assert!(coap.notes["resources"].contains("time"), "{:?}", coap.notes);
    // A device that speaks neither says so by ICMP.
    assert_eq!(ask(20, 161), (PortState::Closed, None));
    assert_eq!(zoo.harmed(), 0);
}
