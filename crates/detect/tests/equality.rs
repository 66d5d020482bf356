//! Purity: however the journal is cut, shared out, interrupted or told again, the same is found.

#![cfg(test)]

use std::sync::Arc;

use fleetward_detect::engine::{Config, Outputs};
use fleetward_detect::history::Recorded;
use fleetward_detect::{AlarmBudget, BaselineSettings, Compiled, Detection, Engine, History, Output};
use fleetward_fleet::{
    Admission, Attach, Body, Device, DeviceChange, DeviceId, DeviceState, Direction, Flow, Identity, Login, Message,
    NasReset, Observation, Offset, PlannedChange, PlannedKind, PlannedScope, Profile, RejectReason, Session,
    SessionKey, SessionStatus, SessionVanished, Timestamp,
};
use fleetward_rules::{Mode, Options, RuleSet};
use parking_lot::Mutex;
use proptest::prelude::*;

const START: i64 = 1_795_000_000;
const DEVICES: u64 = 7;

/// Windows that must be confirmed, values that are compared, groups, models, keys and the whole fleet.
const RULES: &str = "
rule: own-volume
title: Much
watch: { used: { sum: bytes, over: 1h } }
when: used > 100 kB
clear: used < 20 kB
repeat: once per 1h
respond: [disconnect]
---
rule: own-hops
title: Hops
watch: { hops: { count: changed(network), over: 2h } }
when: hops >= 2
---
rule: own-logins
title: Guessing
watch: { failed: { count: login_failed, over: 10m } }
when: failed >= 3
---
rule: own-group
title: The group
per: group
watch: { devices: { distinct: device, over: 30m } }
when: devices >= 4
---
rule: own-destination
title: Many at one place
per: flow.destination
watch: { devices: { distinct: device, over: 20m } }
when: devices >= 3
";

/// The rules after a reload.
const LATER: &str = "
rule: own-volume
version: 2
title: Much
watch: { used: { sum: bytes, over: 1h } }
when: used > 60 kB
---
rule: own-messages
title: Messages
watch: { sent: { count: message_sent, over: 1h } }
when: sent >= 2
";

fn compiled(own: &str) -> Arc<Compiled> {
    let options = Options { mode: Some(Mode::Enforce), ..Options::default() };
    let rules = RuleSet::with_builtin(&[("own.yaml", own)], &options).unwrap();
    let text = "model: meter\ntacs: ['35693803']\ncountries: [DE]\nnetworks: ['26201']\n\
                volume: { per_hour: 50 kB, per_day: 1 MB }\ncontact_every: 2 h\ninterim_secs: 600\n";
    let settings = BaselineSettings { budget: AlarmBudget::PerDeviceMonth(0.05), ..BaselineSettings::default() };
    Arc::new(Compiled::new(Arc::new(rules), [Profile::from_yaml(text).unwrap()]).with_baseline(Some(settings), []))
}

/// One step: seconds that pass, which device, what it does, how much.
type Move = (i64, u64, u8, u64);

fn moves() -> impl Strategy<Value = Vec<Move>> {
    prop::collection::vec((0_i64..400, 0..DEVICES, 0_u8..40, 0_u64..40_000), 1..160)
}

/// What a device has under way.
#[derive(Default, Clone)]
struct Doing {
    session: u64,
    open: bool,
    used: u64,
    network: u64,
}

fn name(number: u64) -> String {
    format!("sim-{number}")
}

fn device(number: u64, state: DeviceState) -> Device {
    let mut device = Device::named(name(number));
    device.imsi = format!("26201{number:010}").parse().ok();
    device.model = (!number.is_multiple_of(3)).then(|| "meter".into());
    device.groups = if number.is_multiple_of(2) { vec!["east".into()] } else { vec!["east".into(), "north".into()] };
    device.state = state;
    device
}

/// The records of the steps, in order. Device 6 is not in the inventory unless a step puts it there.
fn play(moves: &[Move]) -> Vec<Observation> {
    let mut all: Vec<Observation> =
        (0..DEVICES - 1).map(|number| introduce(START, number, DeviceState::Active)).collect();
    let mut doing = vec![Doing::default(); DEVICES as usize];
    let mut secs = START;
    for &(pause, number, kind, amount) in moves {
        secs += pause;
        let it = &mut doing[number as usize];
        let seen = match kind {
            0..=19 => session(secs, number, it, kind, amount),
            20..=25 => about(secs, 0, "clock", Body::Tick),
            26 | 27 => {
                let states = [DeviceState::Active, DeviceState::Stock, DeviceState::Suspended];
                introduce(secs, number, states[(amount % 3) as usize])
            }
            28 => about(secs, 0, "pgw-1", Body::NasReset(NasReset { nas: "pgw-1".into(), on: true })),
            29 => {
                let key = SessionKey { nas: "pgw-1".into(), id: it.session.to_string().into() };
                about(secs, number, "respond", Body::SessionVanished(SessionVanished { key }))
            }
            30 | 31 => about(secs, number, "pgw-1", Body::Admission(Box::new(admission(amount)))),
            32..=34 => {
                let name = format!("c{}.example", amount % 3);
                let flow = Flow { name: Some(name.into()), bytes_up: amount, ..Flow::default() };
                about(secs, number, "fw", Body::Flow(Box::new(flow)))
            }
            35 => {
                let message = Message { direction: Direction::Out, peer: Some("4711".into()), count: 1 };
                about(secs, number, "smsc", Body::Message(Box::new(message)))
            }
            36 | 37 => {
                let login = Login { service: "ssh".into(), account: None, ok: amount.is_multiple_of(4), from: None };
                about(secs, number, "ssh", Body::Login(Box::new(login)))
            }
            38 => about(secs, 0, "api", Body::PlannedChange(Box::new(planned(secs, number)))),
            // The record before once more, as a gateway that heard no answer says it.
            _ => all.last().cloned().unwrap_or_else(|| about(secs, 0, "clock", Body::Tick)),
        };
        all.push(seen);
    }
    all
}

fn about(secs: i64, number: u64, source: &str, body: Body) -> Observation {
    let at = Timestamp::from_secs(secs);
    let of_all = body.concerns_all();
    Observation {
        event_time: at,
        observed_at: at,
        source: source.into(),
        device: if of_all { DeviceId(0) } else { DeviceId::of(&name(number)) },
        identity: if of_all { None } else { device(number, DeviceState::Active).imsi.map(Identity::Imsi) },
        body,
    }
}

fn introduce(secs: i64, number: u64, state: DeviceState) -> Observation {
    let change = DeviceChange { device: device(number, state), removed: false, by: "test".into() };
    about(secs, number, "inventory", Body::DeviceChange(Box::new(change)))
}

fn attach(network: u64) -> Attach {
    let networks = ["26201", "20801", "23415"];
    let imeisv = if network % 5 == 4 { "8601230456438001" } else { "3569380356438091" };
    let network = networks[(network % 3) as usize].parse().ok();
    Attach { network, imeisv: imeisv.parse().ok(), apn: Some("iot.example".into()), ..Attach::default() }
}

fn admission(amount: u64) -> Admission {
    let rejected = amount.is_multiple_of(3).then_some(RejectReason::Suspended);
    Admission { rejected, nas: "pgw-1".into(), attach: attach(amount), expected: "".into(), observed: "".into() }
}

fn planned(secs: i64, number: u64) -> PlannedChange {
    let at = |after: i64| Timestamp::from_secs(secs + after);
    PlannedChange {
        name: format!("wo-{number}").into(),
        scope: PlannedScope { devices: vec![name(number).into()], ..PlannedScope::default() },
        excuses: vec![PlannedKind::Move, PlannedKind::SimSwap],
        rules: Vec::new(),
        from: at(0),
        until: at(1800),
        reason: "test".into(),
        reference: "".into(),
        by: "test".into(),
    }
}

/// Mostly interims; sometimes late by minutes, sometimes from somewhere else.
fn session(secs: i64, number: u64, it: &mut Doing, kind: u8, amount: u64) -> Observation {
    let status = match (it.open, kind) {
        (false, _) => SessionStatus::Start,
        (true, 0 | 1) => SessionStatus::Stop,
        (true, _) => SessionStatus::Interim,
    };
    if status == SessionStatus::Start {
        it.session += 1;
        it.used = 0;
    } else {
        it.used += amount;
    }
    it.open = status != SessionStatus::Stop;
    if kind == 2 {
        it.network = amount;
    }
    let session = Session {
        key: SessionKey { nas: "pgw-1".into(), id: it.session.to_string().into() },
        status,
        bytes_up: it.used / 3,
        bytes_down: it.used - it.used / 3,
        packets_up: Some(it.used as u32 / 700),
        packets_down: None,
        has_gigawords: true,
        session_secs: None,
        terminate_cause: (status == SessionStatus::Stop).then_some(1),
        ip: None,
        ipv6: None,
        attach: attach(it.network),
        user_name: None,
        multi_session_id: None,
        nsapi: None,
        class: None,
    };
    let mut seen = about(secs, number, "pgw-1", Body::Session(Box::new(session)));
    let late = if kind == 3 { 900 } else { i64::from(kind == 4) * 60 };
    seen.event_time = Timestamp::from_secs(secs - late);
    seen
}

/// How a journal is worked through.
#[derive(Debug, Clone)]
struct Way {
    workers: usize,
    batch: usize,
    /// Snapshot, stop and start again after so many records.
    restart: Option<usize>,
    /// A replay begins so many records before the snapshot.
    again: usize,
}

impl Way {
    fn plain() -> Self {
        Self { workers: 1, batch: 4096, restart: None, again: 0 }
    }
}

fn ways() -> impl Strategy<Value = Way> {
    (1_usize..5, 1_usize..40, prop::option::of(0_usize..160), 0_usize..30)
        .prop_map(|(workers, batch, restart, again)| Way { workers, batch, restart, again })
}

/// All that is said, sorted: between devices of different workers there is no order. The rules are reloaded before
/// record `reload`.
fn judge(records: &[Observation], way: &Way, reload: usize) -> Vec<String> {
    let history = Arc::new(Recorded::default());
    let records: Vec<_> =
        records.iter().enumerate().map(|(at, it)| (Offset(at as u64), Arc::new(it.clone()))).collect();
    for (offset, observation) in &records {
        history.add(*offset, observation);
    }
    let folder = tempfile::tempdir().unwrap();
    let said: Arc<Mutex<Vec<Output>>> = Arc::default();
    let start = |rules: &str| {
        let heard = Arc::clone(&said);
        let sink = Arc::new(move |outputs: Outputs| heard.lock().extend(outputs.outputs));
        let past = Some(Arc::clone(&history) as Arc<dyn History>);
        let config =
            Config { workers: way.workers, queue: 4, snapshots: Some(folder.path().to_owned()), history: past };
        Engine::start(config, compiled(rules), sink).unwrap()
    };
    let feed = |engine: &Engine, from: usize, to: usize| {
        for part in records[from.min(to)..to].chunks(way.batch) {
            engine.submit(part.iter().cloned()).unwrap();
        }
        engine.drain().unwrap();
    };
    let (reload, end) = (reload.min(records.len()), records.len());
    let (mut engine, _) = start(RULES);
    let mut at = 0;
    let stops = [way.restart.unwrap_or(end).min(end), reload, end];
    let mut order: Vec<(usize, u8)> = stops.iter().copied().zip([0, 1, 2]).collect();
    order.sort_unstable();
    let mut rules = RULES;
    for (stop, what) in order {
        feed(&engine, at, stop);
        at = at.max(stop);
        match what {
            0 if way.restart.is_some() => {
                engine.snapshot(|_| true).unwrap();
                drop(engine);
                engine = start(rules).0;
                feed(&engine, at.saturating_sub(way.again), at);
            }
            1 => {
                rules = LATER;
                engine.reload(compiled(rules)).unwrap();
            }
            _ => {}
        }
    }
    let mut said: Vec<String> = said.lock().iter().map(|output| format!("{output:?}")).collect();
    said.sort_unstable();
    said
}

/// Rule and device of each finding.
fn found(records: &[Observation]) -> Vec<String> {
    let said = judge(records, &Way::plain(), usize::MAX);
    let mut found: Vec<String> = said.into_iter().filter(|it| it.starts_with("Finding(")).collect();
    for it in &mut found {
        *it = without_places(it);
    }
    found.sort_unstable();
    found
}

/// Without what says at which offset a record lies.
fn without_places(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("evidence: [") {
        kept += &rest[..at];
        rest = rest[at..].split_once(']').map_or("", |(_, rest)| rest);
    }
    kept + rest
}

/// The same without threads, record by record.
fn without_threads(records: &[Observation], reload: usize) -> Vec<String> {
    let history = Arc::new(Recorded::default());
    let mut detection = Detection::new().with_history(history.clone());
    let (before, after) = (compiled(RULES), compiled(LATER));
    let mut out = Vec::new();
    for (at, record) in records.iter().enumerate() {
        history.add(Offset(at as u64), &Arc::new(record.clone()));
        let compiled = if at < reload { &before } else { &after };
        detection.apply([(Offset(at as u64), record)], compiled, &mut out);
    }
    let mut said: Vec<String> = out.iter().map(|output| format!("{output:?}")).collect();
    said.sort_unstable();
    said
}

/// Sixty devices that speak every hour for five weeks; then one sends far more for three hours.
fn weeks() -> Vec<Observation> {
    const MANY: u64 = 60;
    const TAUGHT: i64 = 38 * 24;
    let mut all: Vec<Observation> = (0..MANY).map(|number| introduce(START, number, DeviceState::Active)).collect();
    let mut doing = vec![Doing::default(); MANY as usize];
    for hour in 0..TAUGHT + 48 {
        for number in 0..MANY {
            let secs = START + hour * 3600 + 1800 + number.cast_signed();
            let chance = (number * 7919 + hour.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            let is_loud = number == 4 && (TAUGHT..TAUGHT + 3).contains(&hour);
            let amount = if is_loud { 40_000_000 } else { 15_000 + 10 * (chance % 1000) };
            all.push(session(secs, number, &mut doing[number as usize], 9, amount));
        }
        all.extend([2400, 3590].map(|after| about(START + hour * 3600 + after, 0, "clock", Body::Tick)));
    }
    all
}

#[test]
fn baselines_say_the_same_after_a_restart_at_any_point() {
    let records = weeks();
    let expected = judge(&records, &Way::plain(), usize::MAX);
    let is_learnt =
        |said: &&String| ["unusual-volume", "unusual-and-changed", "slow-drift"].iter().any(|it| said.contains(it));
    let learnt = expected.iter().filter(|said| said.starts_with("Finding(")).find(is_learnt);
    assert!(learnt.is_some(), "the baselines found nothing: this proves nothing");
    assert_eq!(without_threads(&records, usize::MAX), expected);
    for (turn, cut) in (700..records.len()).step_by(9_500).enumerate() {
        let way = Way { workers: 1 + turn % 4, batch: 13 + 1000 * turn, restart: Some(cut), again: 40 };
        assert_eq!(judge(&records, &way, usize::MAX), expected, "restarted at {cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_batching_workers_and_restart_say_the_same(moves in moves(), way in ways(), reload in 0_usize..200) {
        let records = play(&moves);
        let expected = judge(&records, &Way::plain(), reload);
        prop_assert_eq!(&judge(&records, &way, reload), &expected);
        prop_assert_eq!(&without_threads(&records, reload), &expected);
    }

    #[test]
    fn what_is_told_twice_changes_no_finding(moves in moves(), which in prop::collection::vec(0_usize..160, 1..20)) {
        let records = play(&moves);
        let mut doubled = Vec::new();
        for (at, record) in records.iter().enumerate() {
            doubled.push(record.clone());
            let is_session = matches!(record.body, Body::Session(_));
            if is_session && which.contains(&at) {
                doubled.push(record.clone());
            }
        }
        prop_assert_eq!(found(&doubled), found(&records));
    }

    #[test]
    fn the_order_between_devices_does_not_matter_within_a_second(moves in moves()) {
        // Records of different devices at one moment, in the other order. What concerns all stays in place, and what is
        // found of several devices together (a group, a place, a module that two SIMs share) may be said at either's record,
        // and lists them as they came: the device of such a finding is 0.
        let records = play(&moves);
        let own = |said: &[String]| -> Vec<String> {
            said.iter().filter(|it| !it.contains("device: DeviceId(0000000000000000)")).cloned().collect()
        };
        let mut swapped = records.clone();
        for at in 1..swapped.len() {
            let (before, after) = (&swapped[at - 1], &swapped[at]);
            let free = |it: &Observation| !it.body.concerns_all();
            if before.observed_at == after.observed_at && free(before) && free(after) && before.device != after.device {
                swapped.swap(at - 1, at);
            }
        }
        prop_assert_eq!(own(&found(&swapped)), own(&found(&records)));
    }
}
