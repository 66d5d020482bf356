//! Audits that the server carries out by itself: what is open becomes a finding, what is closed ends it, and what went
//! wrong is said.

use std::time::{Duration, Instant};

use fleetward_testkit::daemons::{Lab, Namespace};
use fleetward_testkit::process::Process;
use serde_json::Value;

use crate::support::{LIMIT, Place};

/// The device: a server of the kind that worms look for.
const ADDRESS: &str = "10.78.0.11";

/// A namespace with the device's address, and a server that is configured there with this schedule.
fn site(lab: &mut Lab, schedule: &str) -> (Place, Namespace) {
    let namespace = lab.namespace("site").unwrap();
    namespace.add_address(&format!("{ADDRESS}/32")).unwrap();
    let mut place = Place::init();
    place.enter(namespace.name());
    place.edit("networks: []", "networks: [10.78.0.0/24]");
    place.edit("schedule: []", &format!("schedule: [{schedule}]"));
    (place, namespace)
}

fn redis(place: &Place, namespace: &Namespace) -> Process {
    let mut command = namespace.command("redis-server");
    command.args(["--bind", ADDRESS, "--port", "6379", "--protected-mode", "no", "--save", "", "--daemonize", "no"]);
    let mut process = Process::start(&mut command, place.path("redis.log")).unwrap();
    process.wait_for_line("Ready to accept connections", LIMIT).unwrap();
    process
}

fn import(place: &Place) {
    place.write("devices.csv", &format!("name,mac,ip,state\ncache,02:00:00:00:00:0b,{ADDRESS},active\n"));
    place.run(&["devices", "import", "devices.csv"]).ok();
}

/// What `fleetward audit --scheduled` says of the only one, once it is as wanted.
#[track_caller]
fn until(place: &Place, mut wanted: impl FnMut(&Value) -> bool) -> (Value, i32) {
    let end = Instant::now() + LIMIT;
    loop {
        let ran = place.run(&["audit", "--scheduled", "--format", "json"]);
        assert!(ran.code <= 1, "{}", ran.err);
        let audits: Value = serde_json::from_str(&ran.out).unwrap();
        if wanted(&audits[0]) {
            return (audits[0].clone(), ran.code);
        }
        assert!(Instant::now() < end, "still {audits:#}\n{}", place.read("serve.log"));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_is_open_becomes_a_finding_and_what_is_closed_ends_it() {
    let Some(mut lab) = Lab::try_new(&[("redis-server", "redis-server")]).unwrap() else { return };
    let schedule = "{ name: often, every: 10 s, ports: \"22,6379\", temperament: normal }";
    let (place, namespace) = site(&mut lab, schedule);
    let device = redis(&place, &namespace);
    let mut server = place.serve();

    // The inventory is empty yet: that is no audit that found nothing.
    let (audit, code) = until(&place, |it| it["last"]["end"] == "failed");
    assert!(audit["last"]["reason"].as_str().unwrap().contains("no device of the inventory"), "{audit}");
    assert_eq!((audit["when"].as_str(), code), (Some("every 10 s"), 1));
    import(&place);
    let finding = |state: &'static str| {
        move |found: &Value| {
            let is = |it: &Value| it["rule"] == "audit-no-authentication" && it["state"] == state;
            found.as_array().unwrap().iter().any(is)
        }
    };
    let listed = ["findings", "list", "--device", "cache"];
    let found = place.until(&listed, finding("new"));
    assert_eq!(found[0]["subject"], "cache", "{found:#}");
    let (audit, code) = until(&place, |it| it["last"]["end"] == "whole");
    assert_eq!((&audit["last"]["faults"], &audit["last"]["left"], code), (&1.into(), &0.into(), 0), "{audit:#}");

    drop(device);
    place.until(&listed, finding("resolved"));
    let changes = place.json(&["changes", "list"]);
    let by_us: Vec<&str> =
        crate::misuse::with(&changes, "who", "fleetward").iter().filter_map(|it| it["what"].as_str()).collect();
    assert!(by_us.contains(&"audit.begin") && by_us.contains(&"audit.end"), "{changes:#}");
    assert!(server.terminate(LIMIT).unwrap().success());
}

#[test]
fn a_stop_ends_it_within_a_moment_and_the_next_start_goes_on() {
    let Some(mut lab) = Lab::try_new(&[("redis-server", "redis-server")]).unwrap() else { return };
    let (place, namespace) = site(&mut lab, &format!("{{ name: slow, targets: [{ADDRESS}], every: 1 h }}"));
    let _device = redis(&place, &namespace);
    let mut server = place.serve();
    import(&place);
    // 65,535 ports at 20 a second take an hour.
    until(&place, |it| it["running"]["share"].as_f64() > Some(0.0));
    let began = Instant::now();
    assert!(server.terminate(LIMIT).unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(10), "it took {:?}", began.elapsed());

    let mut server = place.serve();
    server.wait_for_line("a scheduled audit goes on", LIMIT).unwrap();
    let (audit, _) = until(&place, |it| !it["running"].is_null());
    assert_eq!((&audit["last"]["end"], &audit["last"]["left"]), (&"stopped".into(), &1.into()), "{audit:#}");
    let health = place.run(&["audit", "--scheduled"]);
    assert!(health.out.contains("the server stopped; 1 addresses are left"), "{}", health.out);

    // Killed, it cannot say what it knew; the part before is gone on with.
    server.kill();
    let mut server = place.serve();
    let (audit, code) = until(&place, |it| it["last"]["ended"].is_null() && !it["running"].is_null());
    assert!(audit["last"]["reason"].as_str().unwrap().contains("the server ended while it ran"), "{audit:#}");
    assert_eq!(code, 1);
    assert!(server.terminate(LIMIT).unwrap().success());
}
