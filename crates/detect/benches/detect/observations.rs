//! A fleet under the default rules, 100 custom ones and the baselines.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Instant;

use fleetward_baseline::Settings;
use fleetward_detect::engine::{Config, Outputs, Resume};
use fleetward_detect::{Compiled, Engine};
use fleetward_fleet::SessionStatus::{Interim, Start, Stop};
use fleetward_rules::{Options, RuleSet};

use crate::fleet::{device, profiles, record, tick};
use crate::measure::{CHUNK, cpu_seconds, feed, resident, say};
use crate::rules;

/// Seconds between two interims.
const EVERY: i64 = 900;
/// Interims an hour.
const HOURLY: u64 = 4;
/// Hours after which a fleet is young: each device has one session and little in its windows.
const YOUNG: u64 = 2;
/// The round in which the first sessions end.
const FIRST: i64 = 9;
/// Rounds of a session.
const LENGTH: i64 = 60;

/// Under which rules. One a process: the allocator keeps the memory of a fleet before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The default ones.
    Default,
    /// ... and a hundred custom ones.
    Custom,
}

/// `hours`: how long the fleet lives, at least two; then `rounds` quarters of an hour are measured. The difference between two
/// numbers of them is what a record costs.
pub(crate) fn run(sims: u64, which: Which, (hours, rounds): (u64, u64)) {
    let folder = tempfile::tempdir().expect("a folder for the snapshot");
    let (what, rules) = match which {
        Which::Default => ("default rules", Arc::new(RuleSet::builtin(&Options::default()))),
        Which::Custom => ("default and 100 custom rules", rules::all()),
    };
    let hours = hours.max(YOUNG);
    let found = fleet(what, (sims, hours, rounds), &rules, folder.path());
    say(&format!(
        "{{\"sims\":{sims},\"hours\":{hours},\"observations_per_cpu_s\":{:.0},\"bytes_per_sim\":{},\
         \"bytes_per_sim_while_young\":{},\"sweep_cpu_s\":{:.3},\"snapshot_s\":{:.2},\"restore_s\":{:.2},\
         \"snapshot_cpu_s\":{:.2},\"restore_cpu_s\":{:.2},\"snapshot_bytes\":{}}}",
        found.per_cpu_s,
        found.bytes_per_sim,
        found.bytes_while_young,
        found.sweep_cpu_s,
        found.snapshot.0,
        found.restore.0,
        found.snapshot.1,
        found.restore.1,
        found.snapshot_bytes,
    ));
}

#[derive(Debug, Default, Clone, Copy)]
struct Figures {
    per_cpu_s: f64,
    bytes_per_sim: u64,
    bytes_while_young: u64,
    /// One tick that looks at every device.
    sweep_cpu_s: f64,
    /// Wall and CPU seconds.
    snapshot: (f64, f64),
    restore: (f64, f64),
    snapshot_bytes: u64,
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn fleet(
    what: &str,
    (sims, hours, rounds): (u64, u64, u64),
    rules: &Arc<RuleSet>,
    folder: &std::path::Path,
) -> Figures {
    say(&format!("-- {sims} SIMs, {} rules: {what}", rules.rules().len()));
    let config = Config { workers: 1, queue: 4, snapshots: Some(folder.to_owned()), ..Config::default() };
    for old in std::fs::read_dir(folder).expect("our folder").flatten() {
        drop(std::fs::remove_file(old.path()));
    }
    // Records that wait to be judged are this benchmark's memory, and no SIM's.
    drop((0..sims.min(CHUNK)).map(|n| record(n, 0, 0, 0, Start)).collect::<Vec<_>>());
    let before = resident();
    let (engine, _) = start(&config, rules);
    let (mut next, mut figures) = (0, Figures::default());
    let rate = |name: &str, count: u64, cpu: f64| {
        say(&format!("{name}: {:.0} per CPU-second ({cpu:.2} CPU-s)", count as f64 / cpu));
    };
    rate("device changes", sims, feed(&engine, sims, &mut next, device));
    rate("starts", sims, feed(&engine, sims, &mut next, |n| record(n, 0, 0, 0, Start)));
    // A quarter more than whole hours: whatever closes with an hour closes once in each four rounds from here on.
    let lived = (hours * HOURLY + 1).cast_signed();
    // The least of the last hour: as an hour closes, the allocator holds on for a while to what its measures took.
    let mut memory = [u64::MAX; HOURLY as usize];
    for round in 1..=lived {
        rate("lived", sims, feed(&engine, sims, &mut next, |n| now(n, round)));
        feed(&engine, 1, &mut next, |_| tick(round * EVERY + 660));
        memory.rotate_right(1);
        memory[0] = resident().saturating_sub(before) / sims;
        figures.bytes_per_sim = memory.into_iter().fold(u64::MAX, u64::min);
        if round.cast_unsigned() == YOUNG * HOURLY + 1 {
            figures.bytes_while_young = figures.bytes_per_sim;
        }
    }
    say(&format!(
        "{} bytes per SIM resident, {} after {YOUNG} hours; {} open sessions",
        figures.bytes_per_sim,
        figures.bytes_while_young,
        engine.counts().open_sessions
    ));
    let (mut judging, end) = (0.0, lived + 1 + rounds.cast_signed());
    for round in lived + 1..end {
        let cpu = feed(&engine, sims, &mut next, |n| now(n, round));
        rate("measured", sims, cpu);
        judging += cpu;
    }
    figures.per_cpu_s = (rounds * sims) as f64 / judging;
    let cpu = feed(&engine, 3, &mut next, |n| tick((end - 1) * EVERY + 720 + 60 * n.cast_signed()));
    figures.sweep_cpu_s = cpu / 3.0;
    say(&format!("a sweep over all devices: {:.3} CPU-s", figures.sweep_cpu_s));
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let written = engine.snapshot(|_| true).expect("the disk takes it");
    figures.snapshot = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    figures.snapshot_bytes = written.bytes;
    say(&format!(
        "snapshot: {:.2} s, {:.2} CPU-s, {} MB",
        figures.snapshot.0,
        figures.snapshot.1,
        written.bytes / 1_000_000
    ));
    say(&format!("findings: {}", engine.counts().findings));
    drop(engine);
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let (engine, resume) = start(&config, rules);
    assert_eq!(resume.next, written.next, "{:?}", resume.problems);
    figures.restore = (wall.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    say(&format!("restart: {:.2} s, {:.2} CPU-s", figures.restore.0, figures.restore.1));
    drop(engine);
    figures
}

/// What device `n` says in this round: its first session ends in the tenth round or one of the sixty after it, and each
/// later one lasts for fifteen hours.
fn now(n: u64, round: i64) -> Arc<fleetward_fleet::Observation> {
    let secs = |round: i64| round * EVERY + (n % 600).cast_signed();
    let after = round - FIRST - (n % LENGTH.cast_unsigned()).cast_signed();
    let (session, begun, status) = match after.cmp(&0) {
        Ordering::Less => (0, 0, Interim),
        Ordering::Equal => (0, 0, Stop),
        Ordering::Greater => {
            let (session, into) = (1 + (after - 1) / LENGTH, (after - 1) % LENGTH);
            let last = if into == LENGTH - 1 { Stop } else { Interim };
            (session.cast_unsigned(), secs(round - into), if into == 0 { Start } else { last })
        }
    };
    record(n, session, begun, secs(round), status)
}

fn start(config: &Config, rules: &Arc<RuleSet>) -> (Engine, Resume) {
    let compiled = Compiled::new(rules.clone(), profiles()).with_baseline(Some(Settings::default()), []);
    Engine::start(config.clone(), Arc::new(compiled), Arc::new(|_: Outputs| ())).expect("it starts")
}
