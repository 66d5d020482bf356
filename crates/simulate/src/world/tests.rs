use std::collections::HashMap;

use fleetward_fleet::{Body, DeviceId, SessionStatus};

use super::*;
use crate::{CLASSES, Overlay};

fn config(classes: &[usize], count: u32) -> Config {
    let classes = classes.iter().map(|class| (*class, count)).collect();
    Config { classes, days: 14, training_days: 7, misused: 3, ..Config::default() }
}

fn all() -> Vec<usize> {
    (0..CLASSES.len()).collect()
}

fn public() -> Vec<Scenario> {
    let overlays = misuse::PUBLIC.iter();
    overlays
        .flat_map(|(name, yaml)| Overlay::from_yaml(yaml).unwrap_or_else(|e| panic!("{name}: {e}")).scenarios)
        .collect()
}

/// Octets and records of each device by its sessions' last counters.
fn totals(world: World) -> HashMap<DeviceId, (u64, u64)> {
    let mut sessions: HashMap<_, u64> = HashMap::new();
    let mut records: HashMap<DeviceId, u64> = HashMap::new();
    for observation in world {
        if let Body::Session(session) = observation.body {
            let octets = session.bytes_up + session.bytes_down;
            let last = sessions.entry((observation.device, session.key.id.clone())).or_default();
            *last = (*last).max(octets);
            *records.entry(observation.device).or_default() += 1;
        }
    }
    let mut totals: HashMap<DeviceId, (u64, u64)> = HashMap::new();
    for ((device, _), octets) in sessions {
        totals.entry(device).or_default().0 += octets;
    }
    for (device, count) in records {
        totals.entry(device).or_default().1 = count;
    }
    totals
}

#[test]
fn arrival_is_in_order_and_the_seed_decides() {
    let make = || World::new(config(&all(), 5)).unwrap();
    let observations: Vec<Observation> = make().collect();
    assert!(observations.is_sorted_by_key(|observation| observation.observed_at));
    assert!(make().eq(observations.iter().cloned()));
    let other = World::new(Config { seed: 2, ..config(&all(), 5) }).unwrap();
    assert!(!other.eq(observations.iter().cloned()));
    let ticks = observations.iter().filter(|o| o.body == Body::Tick).count();
    assert_eq!(ticks, 14 * 96);
    assert!(matches!(observations[0].body, Body::Tick | Body::DeviceChange(_)));
}

#[test]
fn devices_are_announced_before_they_talk() {
    let mut known = std::collections::HashSet::new();
    for observation in World::new(config(&all(), 20)).unwrap() {
        match observation.body {
            Body::DeviceChange(_) => drop(known.insert(observation.device)),
            Body::Session(_) => assert!(known.contains(&observation.device)),
            _ => {}
        }
    }
}

#[test]
fn counters_never_fall_within_a_session_without_losses() {
    let quiet = Config { nuisances: Nuisances::NONE, ..config(&all(), 5) };
    let mut last: HashMap<_, (u64, SessionStatus)> = HashMap::new();
    for observation in World::new(quiet).unwrap() {
        let Body::Session(session) = observation.body else { continue };
        let octets = session.bytes_up + session.bytes_down;
        if let Some((before, status)) = last.insert(session.key.id.clone(), (octets, session.status)) {
            assert_ne!(status, SessionStatus::Stop, "{}", session.key.id);
            assert!(octets >= before || !session.has_gigawords);
        } else {
            assert_eq!((session.status, octets), (SessionStatus::Start, 0));
        }
    }
}

#[test]
fn who_is_not_misused_does_the_same_with_an_overlay_and_without() {
    let classes = [0, 4];
    let with = World::new(Config { scenarios: public(), ..config(&classes, 120) }).unwrap();
    let misused: Vec<DeviceId> = with.truth().iter().map(|misuse| misuse.device).collect();
    assert_eq!(misused.len(), 2 * 3 * public().len());
    let without = World::new(config(&classes, 120)).unwrap();
    let of_others =
        |world: World| world.filter(|o| o.device != DeviceId(0) && !misused.contains(&o.device)).collect::<Vec<_>>();
    assert_eq!(of_others(with), of_others(without));
}

#[test]
fn volumes_are_of_the_kind_that_the_class_says() {
    let days = 14;
    for (class, least, most) in [(0, 1e3, 2e5), (2, 2e5, 5e6), (4, 2e7, 3e9)] {
        let world = World::new(Config { nuisances: Nuisances::NONE, ..config(&[class], 60) }).unwrap();
        let totals = totals(world);
        let mut volumes: Vec<u64> = totals.values().map(|(octets, _)| octets / days).collect();
        volumes.sort_unstable();
        let median = volumes[volumes.len() / 2] as f64;
        assert!((least..most).contains(&median), "{}: {median} a day", CLASSES[class].name);
        let records: u64 = totals.values().map(|(_, records)| records).sum::<u64>() / 60 / days;
        assert!((2..80).contains(&records), "{}: {records} records a day", CLASSES[class].name);
    }
}

#[test]
fn what_misuse_spends_arrives() {
    let text = "overlay: x\nscenarios: [{ scenario: leak, select: { classes: [meter], count: 5 }, lasts: 2 h,\n\
                effects: [{ transfer: { up: 3 MB, over: 1 h } }] }]";
    let scenarios = Overlay::from_yaml(text).unwrap().scenarios;
    let quiet = Config { nuisances: Nuisances::NONE, scenarios, ..config(&[0], 10) };
    let mut world = World::new(quiet).unwrap();
    let mut most: HashMap<DeviceId, u64> = HashMap::new();
    for observation in world.by_ref() {
        if let Body::Session(session) = observation.body {
            let seen = most.entry(observation.device).or_default();
            *seen = (*seen).max(session.bytes_up);
        }
    }
    assert_eq!(world.truth().len(), 5);
    for misuse in world.truth() {
        assert!((2_990_000..3_010_000).contains(&misuse.octets()), "{}", misuse.octets());
        assert!(most[&misuse.device] >= 2_990_000);
        assert_eq!(misuse.octets_until(misuse.from - std::time::Duration::from_hours(2)), 0);
        assert_eq!(misuse.octets_until(misuse.until), misuse.octets());
    }
}

#[test]
fn classes_that_an_overlay_misses_are_named_once_a_scenario() {
    let scenario = |name: &str, select: &str| {
        format!("  - {{ scenario: {name}, select: {{ {select} }}, start: {{ day: 9 }}, effects: [silence: {{}}] }}\n")
    };
    let text = ["overlay: x\nscenarios:\n".to_owned()]
        .into_iter()
        .chain([
            scenario("some", "classes: [meter, lift, pos]"),
            scenario("none", "classes: [lift, camera]"),
            scenario("few", "classes: [meter, lift], count: 0"),
            scenario("all", "count: 1"),
        ])
        .collect::<String>();
    let scenarios = Overlay::from_yaml(&text).unwrap().scenarios;
    let warnings = World::new(Config { scenarios, ..config(&[0], 20) }).unwrap().warnings();
    let late = "of its devices would begin after the test of 7 days, and begin in its last hour";
    assert_eq!(
        warnings,
        [
            "scenario some befalls fewer classes than it selects: lift, pos not simulated".to_owned(),
            format!("scenario some: all {late}"),
            "scenario none befalls no device: lift, camera not simulated".to_owned(),
            "scenario few befalls no device: what it selects of this many devices is none".to_owned(),
            format!("scenario all: all {late}"),
        ]
    );
}

#[test]
fn mistakes_in_an_overlay_are_named_by_place() {
    let error = |text: &str| Overlay::from_yaml(text).err().unwrap_or_else(|| panic!("accepted: {text}"));
    let unknown = error("overlay: x\nscenarios:\n  - scenario: a\n    efects: []\n");
    assert_eq!(unknown.line, 4);
    assert!(unknown.message.contains("efects"), "{unknown}");
    let unit = error("overlay: x\nscenarios:\n  - scenario: a\n    effects:\n      - traffic: { up: 3 parsecs }\n");
    assert_eq!(unit.line, 5);
    assert!(unit.message.contains("volume"), "{unit}");
    let class = error(
        "overlay: x\nscenarios:\n  - scenario: a\n    select: { classes: [fridge] }\n    effects: [silence: {}]\n",
    );
    assert_eq!((class.line, class.column), (3, 5));
    assert!(class.message.contains("meter, tracker"), "{class}");
    let storm = error("overlay: x\nscenarios:\n  - scenario: a\n    effects: [sessions: { per_hour: 1e12 }]\n");
    assert!(storm.message.contains("between 0 and 3600"), "{storm}");
    assert!(
        error("overlay: x\nscenarios:\n  - scenario: a\n    lasts: [5 d, 1 d]\n    effects: [silence: {}]\n").line > 0
    );
}
