//! What one million SIMs cost: memory of the state, CPU of judging them, snapshot and restart.
//!
//! `cargo bench -p fleetward-detect --bench state [-- SIMS]` prints one line a figure. Memory is the growth of this
//! process (`/proc/self/statm`), so run it alone.

use std::sync::Arc;
use std::time::Instant;

use fleetward_detect::engine::{Config, Outputs};
use fleetward_detect::{Compiled, Engine};
use fleetward_fleet::{
    Attach, Body, Device, DeviceChange, DeviceId, Identity, Observation, Offset, Profile, Rat, Session, SessionKey,
    SessionStatus, Timestamp,
};
use fleetward_rules::{Options, RuleSet};

const BATCH: usize = 512;

fn main() {
    let sims = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000_u64);
    let folder = tempfile::tempdir().expect("a folder for the snapshot");
    let bare = run("no rules", sims, &Arc::default(), folder.path());
    let rules = Arc::new(RuleSet::builtin(&Options::default()));
    let judged = run(&format!("{} default rules", rules.rules().len()), sims, &rules, folder.path());
    say(&format!("bytes per SIM: {bare} without rules, {judged} with the default rules"));
}

fn run(what: &str, sims: u64, rules: &Arc<RuleSet>, folder: &std::path::Path) -> u64 {
    say(&format!("-- {sims} SIMs, {what}"));
    let config = Config { workers: 1, queue: 4, snapshots: Some(folder.to_owned()), history: None };
    for old in std::fs::read_dir(folder).expect("our folder").flatten() {
        drop(std::fs::remove_file(old.path()));
    }
    let before = resident();
    let (engine, _) = start(&config, rules);
    let mut next = 0;
    for (name, make) in [
        ("device changes", device as fn(u64) -> Observation),
        ("starts", |n| record(n, 0, SessionStatus::Start)),
        ("first interims", |n| record(n, 900, SessionStatus::Interim)),
    ] {
        feed(&engine, name, sims, &mut next, make);
    }
    engine.drain().expect("workers live");
    let per_sim = resident().saturating_sub(before) / sims;
    say(&format!("{per_sim} bytes per SIM resident, {} open sessions", engine.counts().open_sessions));

    feed(&engine, "interims", sims, &mut next, |n| record(n, 1800, SessionStatus::Interim));
    feed(&engine, "more interims", sims, &mut next, |n| record(n, 2700, SessionStatus::Interim));
    feed(&engine, "ticks (each a whole sweep)", 5, &mut next, |n| Observation {
        device: DeviceId(0),
        identity: None,
        ..observation(0, 3000 + 60 * n.cast_signed(), Body::Tick)
    });
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let written = engine.snapshot(|_| true).expect("the disk takes it");
    say(&format!(
        "snapshot: {:.2} s wall, {:.2} CPU-s, {} MB",
        wall.elapsed().as_secs_f64(),
        cpu_seconds() - cpu,
        written.bytes / 1_000_000
    ));
    say(&format!("findings: {}", engine.counts().findings));
    drop(engine);
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let (engine, resume) = start(&config, rules);
    assert_eq!(resume.next, written.next, "{:?}", resume.problems);
    say(&format!("restart: {:.2} s wall, {:.2} CPU-s", wall.elapsed().as_secs_f64(), cpu_seconds() - cpu));
    drop(engine);
    per_sim
}

fn start(config: &Config, rules: &Arc<RuleSet>) -> (Engine, fleetward_detect::engine::Resume) {
    let compiled = Compiled::new(rules.clone(), [profile()]);
    Engine::start(config.clone(), Arc::new(compiled), Arc::new(|_: Outputs| ())).expect("it starts")
}

/// Feeds records; says how many a CPU-second of the worker, the making of the records taken out.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn feed(engine: &Engine, name: &str, count: u64, next: &mut u64, make: fn(u64) -> Observation) {
    let mut judging = 0.0;
    for first in (0..count).step_by(BATCH * 64) {
        let numbers = first..count.min(first + BATCH as u64 * 64);
        let records: Vec<_> = numbers.map(|n| Arc::new(make(n))).collect();
        let from = cpu_seconds();
        for batch in records.chunks(BATCH) {
            engine
                .submit(batch.iter().map(|record| {
                    *next += 1;
                    (Offset(*next - 1), record.clone())
                }))
                .expect("workers live");
        }
        engine.drain().expect("workers live");
        judging += cpu_seconds() - from;
    }
    say(&format!("{name}: {:.0} per CPU-second ({judging:.2} CPU-s)", count as f64 / judging));
}

fn observation(n: u64, secs: i64, body: Body) -> Observation {
    let time = Timestamp::from_secs(1_795_000_000 + secs);
    Observation {
        event_time: time,
        observed_at: time,
        source: "pgw-1".into(),
        device: DeviceId::of(&format!("meter-{n:07}")),
        identity: format!("26201{n:010}").parse().ok().map(Identity::Imsi),
        body,
    }
}

fn device(n: u64) -> Observation {
    let mut device = Device::named(format!("meter-{n:07}"));
    device.imsi = format!("26201{n:010}").parse().ok();
    device.imei = format!("35693803{:06}", n % 1_000_000).parse().ok();
    device.model = Some("meter".into());
    device.groups = vec!["meters".into(), "south".into()];
    device.ip = Some(std::net::Ipv4Addr::from(0x0A00_0000 + n as u32));
    observation(n, 0, Body::DeviceChange(Box::new(DeviceChange { device, removed: false, by: "import".into() })))
}

fn record(n: u64, secs: i64, status: SessionStatus) -> Observation {
    let volume = secs.cast_unsigned() * (40 + n % 20);
    let session = Session {
        key: SessionKey { nas: "pgw-1".into(), id: format!("{n:08x}0a1b2c3d").into() },
        status,
        bytes_up: volume,
        bytes_down: volume / 3,
        has_gigawords: true,
        session_secs: Some(secs.cast_unsigned() as u32),
        terminate_cause: None,
        ip: Some(std::net::Ipv4Addr::from(0x0A00_0000 + n as u32)),
        ipv6: None,
        attach: Attach {
            imeisv: format!("35693803{:06}01", n % 1_000_000).parse().ok(),
            network: "26201".parse().ok(),
            apn: Some("iot.example".into()),
            rat: Some(Rat(6)),
            location: Some([1, 0x62, 0xF2, 0x10, 0, 1, 0, n as u8].into()),
            msisdn: format!("49170{n:08}").parse().ok(),
            gateway: None,
        },
        user_name: Some("meter".into()),
        multi_session_id: None,
        nsapi: Some(5),
        class: Some(n.to_be_bytes().into()),
    };
    observation(n, secs, Body::Session(Box::new(session)))
}

fn profile() -> Profile {
    let text = "model: meter\ntacs: ['35693803']\ncountries: [DE]\nnetworks: ['26201']\napns: [iot.example]\n\
                volume: { per_hour: 2 MB, per_day: 20 MB }\nsessions_per_day: 20\ncontact_every: 26 h\ninterim_secs: 900\n";
    Profile::from_yaml(text).expect("a profile of our own")
}

/// Bytes of memory in use by this process.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// User and system time of all threads, in steps of 10 ms.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = text.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        behind_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

#[expect(clippy::print_stdout, reason = "a benchmark says its figures")]
fn say(line: &str) {
    println!("{line}");
}
