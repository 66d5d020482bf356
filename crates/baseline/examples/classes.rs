//! A quick private harness: six simple classes of devices, twelve weeks, six kinds of misuse, the whole pipeline of the crate.
//! Not the evaluation that figures are quoted from (that is `fleetward evaluate`); it exists to try a change in seconds.
//!
//! `cargo run --release -p fleetward-baseline --example classes -- [SEED] [DEVICES] [PER_DEVICE_MONTH]`
#![expect(
    clippy::print_stdout,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a tool that simulates and prints"
)]

use std::collections::{BTreeMap, BTreeSet};

use fleetward_baseline::{
    Basis, Budget, DeviceBaseline, Evidence, FleetBaseline, Measure, ModelKey, Settings, Traffic, Verdict,
};
use fleetward_fleet::{DeviceId, Timestamp};

const WEEK: u32 = 168;
const TRAIN: u32 = 8 * WEEK;
const END: u32 = 12 * WEEK;
const BASE: u32 = 490_896; // a Thursday in January 2026
const KB: f64 = 1e3;
const MB: f64 = 1e6;

#[derive(Clone, Copy)]
struct Rng(u64);
impl Rng {
    fn new(a: u64, b: u64) -> Self {
        let mut r = Self(a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_mul(0xbf58_476d_1ce4_e5b9));
        r.bits();
        r.bits();
        r
    }
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
    fn range(&mut self, a: f64, b: f64) -> f64 {
        a + (b - a) * self.unit()
    }
    fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }
    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().max(1e-300).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
    fn lognormal(&mut self, sigma: f64) -> f64 {
        (sigma * self.normal()).exp()
    }
    fn poisson(&mut self, mean: f64) -> u32 {
        let (mut k, mut p, limit) = (0, self.unit(), (-mean).exp());
        while p > limit && k < 10_000 {
            k += 1;
            p *= self.unit();
        }
        k
    }
}

const CLASSES: [&str; 6] = ["meter", "tracker", "pos", "alarm", "camera", "vehicle"];
const MISUSE: [&str; 7] = ["phone", "tether", "ddos", "slow3", "slow2", "beacon", "theft"];

struct Sim {
    class: usize,
    rng: Rng,
    factor: f64,
    a: f64,
    b: f64,
    trend: f64,
    away: bool,
    step: Option<(u32, f64)>,
    firmware: Option<(u32, f64)>,
    outage: Option<(u32, u32)>,
    backlog: f64,
    region: u32,
    misuse: Option<(usize, u32)>,
    minute: i64,
}

impl Sim {
    fn normal(&mut self, hour: u32) -> f64 {
        // Local time: daylight saving begins in test week 2.
        let local = hour + u32::from(hour > TRAIN + WEEK + 90);
        let (h, day) = (local % 24, (local / 24 + 3) % 7);
        let hf = f64::from(h);
        let r = &mut self.rng;
        match self.class {
            0 => {
                let keep = 600.0 * r.lognormal(0.2);
                let push = (self.a as u32 + u32::from(r.chance(0.1))) % 24 == h && r.chance(0.97);
                let retry = r.chance(0.004);
                keep + if push || retry { 25.0 * KB * r.lognormal(0.25) } else { 0.0 }
            }
            1 => {
                if h == 5 {
                    self.away = r.chance(if day < 5 { 0.85 } else { 0.25 });
                }
                let moving = self.away && hf >= self.a && hf < self.b;
                800.0 * r.lognormal(0.2) + if moving && r.chance(0.8) { 45.0 * KB * r.lognormal(0.6) } else { 0.0 }
            }
            2 => {
                let open = hf >= self.a && hf < self.b && day < 6;
                let trades = if open { r.poisson(9.0 * if day == 5 { 1.6 } else { 1.0 }) } else { 0 };
                let batch = if h == 2 { 150.0 * KB * r.lognormal(0.3) } else { 0.0 };
                f64::from(trades) * 4.0 * KB * r.lognormal(0.2) + batch + 900.0 * r.lognormal(0.2)
            }
            3 => {
                let event = if r.chance(1.0 / 700.0) { r.range(0.3, 3.0) * MB * r.lognormal(0.4) } else { 0.0 };
                let arming = if (h == self.a as u32 || h == self.b as u32) && r.chance(0.9) { 6.0 * KB } else { 0.0 };
                700.0 * r.lognormal(0.15) + arming * r.lognormal(0.3) + event
            }
            4 => {
                let light = if (7..20).contains(&h) { 1.0 } else { 0.35 };
                let busy = if r.chance(0.03) { r.range(1.5, 3.0) } else { 1.0 };
                60.0 * MB * light * busy * r.lognormal(0.45)
            }
            _ => {
                if h == 4 {
                    self.away = r.chance(if day < 5 { 0.8 } else { 0.55 });
                }
                let p = match h {
                    7 | 8 | 16..=18 => 0.6,
                    9..=15 | 19..=21 => 0.2,
                    _ => 0.02,
                };
                let drive = self.away && r.chance(p);
                9.0 * KB * r.lognormal(0.3) + if drive { 6.0 * MB * r.lognormal(0.9) } else { 0.0 }
            }
        }
    }

    fn mean_per_hour(&self) -> f64 {
        [1.8 * KB, 15.0 * KB, 18.0 * KB, 4.0 * KB, 45.0 * MB, 1.0 * MB][self.class] * self.factor
    }

    fn hour(&mut self, hour: u32, nuisance: bool) -> f64 {
        let mut bytes = self.normal(hour) * self.factor * (self.trend * f64::from(hour) / 730.0).exp();
        if nuisance {
            if let Some((at, by)) = self.step
                && hour >= at
            {
                bytes *= by;
            }
            if let Some((at, size)) = self.firmware
                && hour == at
            {
                bytes += size;
            }
            if let Some((from, until)) = self.outage {
                if hour >= from && hour < until {
                    self.backlog += bytes;
                    return 0.0;
                }
                bytes += std::mem::take(&mut self.backlog);
            }
        }
        if let Some((kind, start)) = self.misuse
            && hour >= start
        {
            bytes += self.misused(kind, hour, hour - start);
        }
        bytes
    }

    fn misused(&mut self, kind: usize, hour: u32, since: u32) -> f64 {
        let h = hour % 24;
        let mean = self.mean_per_hour();
        let r = &mut self.rng;
        match kind {
            0 => {
                let human = if (7..23).contains(&h) { 1.0 } else { 0.05 };
                if r.chance(0.7) { 12.0 * MB * human * r.lognormal(1.0) } else { 0.2 * MB }
            }
            1 if (18..23).contains(&h) && r.chance(0.8) => 700.0 * MB * r.lognormal(0.5),
            2 if since % 30 < 2 => 900.0 * MB * r.lognormal(0.5),
            3 => 2.0 * mean * r.lognormal(0.3),
            4 => 1.0 * mean * r.lognormal(0.3),
            5 if h < 6 => 30.0 * KB * r.lognormal(0.1),
            6 if since == 0 => 8.0 * MB,
            _ => 0.0,
        }
    }
}

fn fleet(class: usize, seed: u64, devices: u32, misuse: Option<usize>) -> Vec<Sim> {
    let mut shared = Rng::new(seed, 77 + class as u64);
    let campaigns = [shared.range(3.0, 6.0) as u32 * WEEK, TRAIN + shared.range(0.3, 3.0) as u32 * WEEK];
    let outages: Vec<(u32, u32)> = (0..12)
        .map(|i| {
            let from = i * WEEK + shared.range(20.0, 140.0) as u32;
            (from, from + shared.range(2.0, 7.0) as u32)
        })
        .collect();
    (0..devices)
        .map(|n| {
            let mut rng = Rng::new(seed ^ (class as u64) << 32, u64::from(n) + 1);
            let (a, b) = match class {
                0 => (rng.range(0.0, 6.0), 0.0),
                1 => (rng.range(5.0, 9.0), rng.range(15.0, 20.0)),
                2 => (rng.range(6.0, 10.0), rng.range(17.0, 22.0)),
                _ => (rng.range(6.0, 9.0), rng.range(17.0, 23.0)),
            };
            let region = (rng.unit() * 8.0) as u32;
            let campaign = campaigns[usize::from(rng.chance(0.5))];
            let size = [0.3, 0.8, 1.5, 2.0, 40.0, 60.0][class] * MB;
            let misuse = misuse.filter(|_| n % 8 == 0).map(|kind| (kind, TRAIN + rng.range(24.0, 300.0) as u32));
            let outage = outages[(region as usize + usize::from(rng.chance(0.5)) * 4) % 12];
            Sim {
                class,
                factor: rng.lognormal(0.5),
                a,
                b,
                trend: 0.03 * rng.normal(),
                away: true,
                step: rng.chance(0.03).then(|| (rng.range(0.0, f64::from(END)) as u32, rng.range(1.2, 1.9))),
                firmware: rng.chance(0.5).then(|| (campaign + rng.range(0.0, 72.0) as u32, size)),
                outage: Some(outage),
                backlog: 0.0,
                region,
                misuse,
                minute: rng.range(0.0, 60.0) as i64,
                rng,
            }
        })
        .collect()
}

#[derive(Default)]
struct Result {
    false_alarms: BTreeMap<&'static str, u32>,
    clean_months: f64,
    wide: u32,
    found: BTreeMap<DeviceId, f64>,
    misused: u32,
    measures: u64,
    hours: u64,
    cpu: f64,
    limits: Option<[Option<f64>; 7]>,
}

impl Result {
    fn false_rate(&self) -> f64 {
        f64::from(self.false_alarms.values().sum::<u32>()) / self.clean_months
    }
}

fn run(class: usize, seed: u64, devices: u32, misuse: Option<usize>, nuisance: bool, settings: &Settings) -> Result {
    let mut sims = fleet(class, seed, devices, misuse);
    let start = |hour: u32| Timestamp::from_secs(i64::from(BASE + hour) * 3600);
    let mut halves: Vec<_> = sims.iter().map(|_| DeviceBaseline::new(start(0))).collect();
    let mut last: Vec<_> =
        sims.iter().map(|s| start(0) + std::time::Duration::from_secs(60 * s.minute as u64)).collect();
    let mut carry = vec![0.0_f64; sims.len()];
    let mut order: Vec<usize> = (0..sims.len()).collect();
    order.sort_by_key(|n| sims[*n].minute);
    let mut model = FleetBaseline::default();
    let (mut measures, mut verdicts) = (Vec::new(), Vec::new());
    let mut result = Result::default();
    let key = ModelKey(class as u64 + 1);
    let misused: BTreeSet<u64> = (0..sims.len()).filter(|n| sims[*n].misuse.is_some()).map(|n| n as u64).collect();
    result.misused = misused.len() as u32;
    let began = std::time::Instant::now();
    for hour in 0..END {
        let mut ticked = 0;
        for &n in &order {
            let minute = sims[n].minute;
            while ticked <= minute {
                let now = start(hour + 1) + std::time::Duration::from_secs(60 * ticked as u64);
                model.pass(now, settings, &mut verdicts);
                ticked += 10;
            }
            // The record of (hour+minute .. hour+1+minute): part of this hour and part of the carried one.
            let now = start(hour + 1) + std::time::Duration::from_secs(60 * minute as u64);
            let bytes = sims[n].hour(hour, nuisance);
            let ahead = bytes * (minute as f64) / 60.0;
            let total = (carry[n] + bytes - ahead).max(0.0);
            carry[n] = ahead;
            result.hours += 1;
            measures.clear();
            if total >= 1.0 {
                let traffic = Traffic { up: total as u64, down: 0, since: Some(last[n]), started: false };
                halves[n].add(now, &traffic, &mut measures);
            }
            last[n] = now;
            result.measures += measures.len() as u64;
            for measure in &measures {
                let measure: &Measure = measure;
                model.judge(key, DeviceId(n as u64), measure, Evidence::default(), settings, &mut verdicts);
            }
            account(&mut verdicts, hour, &misused, &sims, &mut result);
        }
    }
    result.limits = model.learning(key).map(|l| l.limits);
    result.cpu = began.elapsed().as_secs_f64();
    result.clean_months = f64::from(devices - result.misused) * f64::from(END - TRAIN) / 730.0;
    result
}

fn account(verdicts: &mut Vec<Verdict>, hour: u32, misused: &BTreeSet<u64>, sims: &[Sim], result: &mut Result) {
    for verdict in verdicts.drain(..) {
        if hour < TRAIN {
            continue;
        }
        match verdict {
            Verdict::Unusual(unusual) => {
                let device = unusual.device;
                if misused.contains(&device.0) {
                    let start = sims[device.0 as usize].misuse.map_or(0, |m| m.1);
                    if hour >= start {
                        result
                            .found
                            .entry(device)
                            .or_insert(f64::from(hour - start) + sims[device.0 as usize].minute as f64 / 60.0);
                    }
                } else if unusual.first {
                    let name = match unusual.basis {
                        Basis::SentHour => "hour ^",
                        Basis::ReceivedHour => "hour v",
                        Basis::SentDay => "day ^",
                        Basis::ReceivedDay => "day v",
                        Basis::SentDrift => "drift ^",
                        Basis::ReceivedDrift => "drift v",
                        Basis::Pattern => "pattern",
                    };
                    if std::env::var("SHOW").is_ok() {
                        let s = &sims[device.0 as usize];
                        println!(
                            "  {name} {} {} h{hour} step {:?} fw {:?} out {:?} reg {}",
                            unusual.sentence(None),
                            CLASSES[s.class],
                            s.step,
                            s.firmware,
                            s.outage,
                            s.region
                        );
                    }
                    *result.false_alarms.entry(name).or_default() += 1;
                }
            }
            Verdict::ModelWide(wide) => {
                if wide.phase == fleetward_baseline::Phase::Began {
                    result.wide += 1;
                }
                for device in wide.joined.iter().filter(|device| misused.contains(&device.0)) {
                    let start = sims[device.0 as usize].misuse.map_or(0, |m| m.1);
                    if hour >= start {
                        result.found.entry(*device).or_insert(f64::from(hour - start));
                    }
                }
            }
            Verdict::Over { .. } => {}
        }
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let seed = args.next().and_then(|a| a.parse().ok()).unwrap_or(1);
    let devices = args.next().and_then(|a| a.parse().ok()).unwrap_or(1600);
    let rate = args.next().and_then(|a| a.parse().ok()).unwrap_or(0.01);
    let quick = args.next().is_some_and(|a| a == "q");
    let settings = Settings { budget: Budget::PerDeviceMonth(rate), ..Settings::default() };
    println!("{} bytes a device, {} a measure", size_of::<DeviceBaseline>(), size_of::<Measure>());
    let only = args.next();
    for (class, name) in CLASSES.iter().enumerate().filter(|(_, name)| only.as_ref().is_none_or(|o| o == *name)) {
        print!("{name:8}");
        for nuisance in [false, true] {
            let result = run(class, seed, devices, None, nuisance, &settings);
            print!(
                " | {:.4} {:?} wide {} {:.1?}",
                result.false_rate(),
                result.false_alarms,
                result.wide,
                result.limits.map(|l| l.map(Option::unwrap_or_default)).unwrap_or_default()
            );
            if nuisance {
                let (hours, measures) = (result.hours as f64, result.measures as f64);
                println!(" {:.0} ns/h {:.2} m/h", result.cpu * 1e9 / hours, measures / hours);
            }
        }
        if quick {
            continue;
        }
        for (kind, name) in MISUSE.iter().enumerate() {
            let result = run(class, seed, devices, Some(kind), true, &settings);
            let mut times: Vec<f64> = result.found.values().copied().collect();
            times.sort_by(f64::total_cmp);
            let median = times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
            let part = 100.0 * times.len() as f64 / f64::from(result.misused);
            print!(
                " {name} {part:.0}% ({median:.1}h, fa {:.4} {:.1?})",
                result.false_rate(),
                result.limits.map(|l| l.map(Option::unwrap_or_default)).unwrap_or_default()
            );
        }
        println!();
    }
}
