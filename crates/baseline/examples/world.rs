//! The baselines alone on simulated sessions of `fleetward-simulate`: what volume by itself finds, in a minute. The figures
//! that are quoted come from `fleetward evaluate`, which runs the whole detection.
//!
//! `cargo run --release -p fleetward-baseline --example world -- SEED DEVICES MISUSED [CLASS] [SCENARIO ...]`
#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a tool that simulates and prints")]

use std::collections::{BTreeMap, HashMap};

use fleetward_baseline::{
    Basis, Budget, DeviceBaseline, Evidence, FleetBaseline, Measure, ModelKey, Phase, Settings, Traffic, Unusual,
    Verdict,
};
use fleetward_fleet::{Body, DeviceId, Observation, Session, SessionStatus, Timestamp};
use fleetward_simulate::{CLASSES, Config, Misuse, Overlay, Scenario, World, misuse::PUBLIC};

const USUAL: [&str; 7] =
    ["sim-in-a-phone", "tethering", "ddos", "ddos-single", "slow-x3", "night-beacon", "theft-one-hour"];

/// Sessions of one device, by name: counters and the time of the last record.
type Counters = HashMap<(DeviceId, Box<str>), (u64, u64, Timestamp)>;

#[derive(Default)]
struct Judge {
    halves: BTreeMap<DeviceId, DeviceBaseline>,
    counters: Counters,
    model: FleetBaseline,
    settings: Settings,
    verdicts: Vec<Verdict>,
    measures: Vec<Measure>,
    alarms: Vec<(DeviceId, Timestamp, &'static str, String)>,
    wide: u32,
}

impl Judge {
    fn observe(&mut self, observation: &Observation) {
        match &observation.body {
            Body::Session(session) => self.session(observation, session),
            Body::Tick => self.model.pass(observation.event_time, &self.settings, &mut self.verdicts),
            _ => {}
        }
        for verdict in std::mem::take(&mut self.verdicts) {
            self.hear(verdict, observation.observed_at);
        }
    }

    fn session(&mut self, observation: &Observation, session: &Session) {
        let (device, at) = (observation.device, observation.event_time);
        let entry = self.counters.entry((device, session.key.id.clone())).or_insert((0, 0, at));
        let (up, down) = (session.bytes_up.saturating_sub(entry.0), session.bytes_down.saturating_sub(entry.1));
        let since = (session.status != SessionStatus::Start && at > entry.2).then_some(entry.2);
        *entry = (entry.0.max(session.bytes_up), entry.1.max(session.bytes_down), entry.2.max(at));
        let half = self.halves.entry(device).or_insert_with(|| DeviceBaseline::new(at));
        let traffic = Traffic { up, down, since, started: session.status == SessionStatus::Start };
        half.add(at, &traffic, &mut self.measures);
        for measure in self.measures.drain(..) {
            let out = &mut self.verdicts;
            self.model.judge(ModelKey(1), device, &measure, Evidence::default(), &self.settings, out);
        }
    }

    fn hear(&mut self, verdict: Verdict, at: Timestamp) {
        match verdict {
            Verdict::Unusual(Unusual { device, first: true, basis, .. }) => {
                let name = match basis {
                    Basis::SentHour => "hour ^",
                    Basis::ReceivedHour => "hour v",
                    Basis::SentDay => "day ^",
                    Basis::ReceivedDay => "day v",
                    Basis::SentDrift => "drift ^",
                    Basis::ReceivedDrift => "drift v",
                    Basis::Pattern => "pattern",
                };
                let Verdict::Unusual(unusual) = verdict else { return };
                self.alarms.push((device, at, name, unusual.sentence(None)));
            }
            Verdict::Unusual(Unusual { device, .. }) => self.alarms.push((device, at, "goes on", String::new())),
            Verdict::ModelWide(wide) => {
                self.wide += u32::from(wide.phase == Phase::Began);
                self.alarms.extend(wide.joined.into_iter().map(|device| (device, at, "wide", String::new())));
            }
            Verdict::Over { .. } => {}
        }
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, or: u32| args.get(at).and_then(|text| text.parse().ok()).unwrap_or(or);
    let (seed, devices, misused) = (number(0, 1), number(1, 600), number(2, 20));
    let wanted: Vec<&str> = args.iter().skip(4).map(String::as_str).collect();
    let wanted = if wanted.is_empty() { USUAL.to_vec() } else { wanted };
    let class = args.get(3).filter(|class| *class != "all");
    for (place, found) in CLASSES.iter().enumerate().filter(|(_, found)| class.is_none_or(|name| name == found.name)) {
        let config = Config {
            seed: u64::from(seed),
            classes: vec![(place, devices)],
            scenarios: scenarios(&wanted),
            misused,
            flows: false,
            ..Config::default()
        };
        print!("{:8}", found.name);
        run(config, &wanted);
    }
}

fn scenarios(wanted: &[&str]) -> Vec<Scenario> {
    let all = PUBLIC.iter().filter_map(|(_, text)| Overlay::from_yaml(text).ok());
    all.flat_map(|overlay| overlay.scenarios).filter(|scenario| wanted.contains(&&*scenario.scenario)).collect()
}

fn run(config: Config, _wanted: &[&str]) {
    let names: Vec<String> = config.scenarios.iter().map(|scenario| scenario.scenario.to_string()).collect();
    let rate = std::env::var("RATE").ok().and_then(|text| text.parse().ok()).unwrap_or(0.01);
    let Ok(mut world) = World::new(config) else { return };
    let mut judge = Judge {
        settings: Settings { budget: Budget::PerDeviceMonth(rate), ..Settings::default() },
        ..Judge::default()
    };
    for observation in world.by_ref() {
        judge.observe(&observation);
    }
    report(&judge, &world, &names);
}

fn report(judge: &Judge, world: &World, names: &[String]) {
    let truth: HashMap<DeviceId, &Misuse> = world.truth().iter().map(|misuse| (misuse.device, misuse)).collect();
    let test = world.test_begins();
    let mut fake: BTreeMap<&str, u32> = BTreeMap::new();
    let mut found: BTreeMap<usize, BTreeMap<DeviceId, f64>> = BTreeMap::new();
    for (device, at, basis, text) in judge.alarms.iter().filter(|(_, at, _, _)| *at >= test) {
        match truth.get(device) {
            Some(misuse) if *at >= misuse.from => {
                let hours = at.since(misuse.from).as_secs_f64() / 3600.0;
                found.entry(misuse.scenario).or_default().entry(*device).or_insert(hours);
            }
            None if *basis != "wide" && *basis != "goes on" => {
                if std::env::var("SHOW").is_ok() {
                    println!("  {basis} {device} {at} {text}");
                }
                *fake.entry(basis).or_default() += 1;
            }
            _ => {}
        }
    }
    let months = (world.members().len() - truth.len()) as f64 * world.ends().since(test).as_secs_f64() / 3600.0 / 730.0;
    let all: u32 = fake.values().sum();
    let limits = judge.model.learning(ModelKey(1)).map(|learning| learning.limits.map(Option::unwrap_or_default));
    println!("{:.4} {fake:?} wide {} {:.1?}", f64::from(all) / months, judge.wide, limits.unwrap_or_default());
    for (place, name) in names.iter().enumerate() {
        let of = world.truth().iter().filter(|misuse| misuse.scenario == place).count();
        let mut hours: Vec<f64> = found.get(&place).map(|found| found.values().copied().collect()).unwrap_or_default();
        hours.sort_by(f64::total_cmp);
        let median = hours.get(hours.len() / 2).copied().unwrap_or(f64::NAN);
        print!("  {name} {}/{of} ({median:.1}h)", hours.len());
    }
    println!();
}
