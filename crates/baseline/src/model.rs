//! The model half: what all devices of one model have taught, and what is decided about one of them.

use std::collections::BTreeMap;
use std::time::Duration;

use fleetward_fleet::{DeviceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calibration::{Calibration, Standing, stratum};
use crate::guard::Guard;
use crate::octaves::{self, OCTAVE};
use crate::score::{BRANCHES, Basis, Score, Typical};
use crate::{Evidence, Kind, Measure, Metric, Settings, Unusual, Verdict};

/// An episode is over this long after the last unusual hour.
const CALM: Duration = Duration::from_hours(24);
/// Days are judged once a day, so an unusual one keeps an episode open until after the next has been judged.
const NEXT_DAY: Duration = Duration::from_hours(26);
/// After a day that still lies this many deviations above the centre, an open episode goes on.
const STILL_HIGH: f64 = 2.0;
/// Episodes remembered at once; the budget keeps them far below.
const MOST_OPEN: usize = 100_000;

/// How far a model's learning has come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Learning {
    /// Devices seen in the last day.
    pub devices: u32,
    /// Device-hours that the thresholds rest on.
    pub device_hours: u64,
    /// Whether alarms are told yet: the tail is known well enough for the budget.
    pub is_ready: bool,
    /// Where alarms of grown devices begin, in scores, by [`Basis`].
    pub limits: [Option<f64>; BRANCHES],
}

impl Learning {
    /// Days after which a device knows itself, and is judged as a grown one.
    pub const DAYS: u16 = 28;
}

/// What all devices of one model have taught.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelBaseline {
    pub(crate) calibration: Calibration,
    typical: Typical,
    guard: Guard,
    open: BTreeMap<DeviceId, Episode>,
    now: Timestamp,
    /// Devices that closed the day `day` with traffic, so far; and the day before.
    devices: [u32; 2],
    day: u32,
    /// Measures, and those of them with supporting evidence, fading.
    measures: f64,
    supported: f64,
}

/// A device that is unusual now.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Episode {
    /// When it was unusual last.
    last: Timestamp,
    /// Whether it was told by itself, and not held back by the guard.
    is_told: bool,
    /// In what it was unusual at first: one episode is one finding, also when the days follow the hours.
    metric: Metric,
    /// How often by chance such an episode happens, of all that just pass; the least of it. Evidence of other kinds apart.
    odds: f64,
}

impl ModelBaseline {
    /// Judges one measure and learns from it.
    pub fn judge(
        &mut self,
        device: DeviceId,
        measure: &Measure,
        evidence: Evidence,
        settings: &Settings,
        out: &mut Vec<Verdict>,
    ) {
        if measure.kind == Kind::Day {
            self.count(measure.hour / 24);
        }
        self.support(evidence);
        let age = stratum(measure.days);
        let scores = self.typical.scores(measure, settings.floor);
        if measure.kind != Kind::Day && !evidence.expected {
            for (basis, score) in scores.into_iter().flatten() {
                self.notice(device, measure, (age, basis, score));
            }
        }
        for (basis, score) in scores.into_iter().flatten() {
            self.judge_basis(device, measure, evidence, (age, basis, score), out);
        }
        if measure.kind != Kind::Open && !evidence.expected {
            self.typical.learn(measure);
        }
    }

    fn judge_basis(
        &mut self,
        device: DeviceId,
        measure: &Measure,
        evidence: Evidence,
        (age, basis, score): (usize, Basis, Score),
        out: &mut Vec<Verdict>,
    ) {
        let standing = self.calibration.standing(age, basis, score, evidence.supports());
        if standing == Standing::Unusual && !evidence.expected {
            self.alarm(device, measure, evidence, (age, basis, score), out);
        } else if measure.kind == Kind::Day
            && let Some(episode) = self.open.get_mut(&device)
            && is_still_high(measure)
        {
            episode.last = self.now + NEXT_DAY;
        }
        if measure.kind != Kind::Open {
            self.calibration.pass(age, basis, f64::from(measure.hours), self.devices());
            if let Some(lesson) = score.lesson
                && !self.guard.excuses(self.now)
                && !evidence.expected
            {
                let devices = self.devices();
                self.calibration.learn(age, basis, lesson, devices);
            }
        }
    }

    /// The guard hears of what is nearly an alarm, in both directions before it hears of an alarm in one.
    fn notice(&mut self, device: DeviceId, measure: &Measure, (age, basis, score): (usize, Basis, Score)) {
        let Some(direction) = basis.direction().filter(|_| self.calibration.is_near(age, basis, score)) else { return };
        if self.open.get(&device).is_some_and(|episode| episode.is_told) {
            return;
        }
        let (_, high, bytes, _) = reach(measure, basis);
        self.guard.notice((measure.hour, bytes.saturating_sub(high)), device, direction);
    }

    /// Time passed.
    pub(crate) fn pass(&mut self, now: Timestamp, out: &mut Vec<Verdict>) {
        self.now = self.now.max(now);
        for unusual in self.guard.release(self.now) {
            if let Some(episode) = self.open.get_mut(&unusual.device) {
                episode.is_told = true;
            }
            out.push(Verdict::Unusual(unusual));
        }
        out.extend(self.guard.tell(self.now, self.devices()).into_iter().map(Verdict::ModelWide));
        let (now, calibration) = (self.now, &mut self.calibration);
        self.open.retain(|device, episode| {
            let goes_on = now.since(episode.last) < CALM;
            if !goes_on && episode.is_told {
                calibration.told(episode.odds);
                out.push(Verdict::Over { device: *device, metric: episode.metric, at: now });
            }
            goes_on
        });
    }

    /// Devices that had traffic in the last whole day.
    pub(crate) fn devices(&self) -> u32 {
        self.devices[0].max(self.devices[1])
    }

    /// How far learning has come.
    pub fn learning(&self) -> Learning {
        Learning {
            devices: self.devices(),
            device_hours: self.calibration.exposure() as u64,
            is_ready: self.calibration.is_ready(),
            limits: self.calibration.limits(),
        }
    }

    /// How many times as many alarms are affordable where other evidence supports them, for a fifth of the budget.
    pub(crate) fn boost(&self) -> f64 {
        let part = (self.supported + 1.0) / (self.measures + 1_000.0);
        (0.2 / part).clamp(1.0, 300.0)
    }

    fn alarm(
        &mut self,
        device: DeviceId,
        measure: &Measure,
        evidence: Evidence,
        what: (usize, Basis, Score),
        out: &mut Vec<Verdict>,
    ) {
        let now = self.now.max(measure.start());
        let episode = self.open.get(&device).copied();
        let told = episode.map(|episode| episode.is_told);
        let mut unusual = self.explain(device, measure, evidence, what, told != Some(true));
        unusual.metric = episode.map_or(unusual.metric, |episode| episode.metric);
        let carried = unusual.basis.direction().map_or(measure.bytes(), |direction| measure.lane(direction));
        // A day's alarm belongs to its last hour.
        let hour = measure.hour + if measure.kind == Kind::Day { 23 } else { 0 };
        let is_told = told == Some(true) || self.guard.start((hour, carried), now, &unusual, self.devices());
        if is_told {
            out.push(Verdict::Unusual(unusual));
        } else {
            out.extend(self.guard.tell(now, self.devices()).into_iter().map(Verdict::ModelWide));
        }
        if self.open.len() < MOST_OPEN || told.is_some() {
            let last = if measure.kind == Kind::Day { now + NEXT_DAY } else { now };
            let (age, basis, score) = what;
            let odds = if evidence.supports() { 0.0 } else { self.calibration.odds(age, basis, score.score) };
            let odds = episode.map_or(odds, |episode| episode.odds.min(odds));
            self.open.insert(device, Episode { last, is_told, metric: unusual.metric, odds });
        }
    }

    fn explain(
        &self,
        device: DeviceId,
        measure: &Measure,
        evidence: Evidence,
        (age, basis, score): (usize, Basis, Score),
        first: bool,
    ) -> Unusual {
        let (low, high, now, is_record) = reach(measure, basis);
        Unusual {
            device,
            metric: if basis.is_slow() { Metric::Drift } else { Metric::Bytes },
            basis,
            at: measure.start(),
            is_open: measure.kind == Kind::Open,
            first,
            usual_low: low,
            usual_high: high,
            now,
            days: measure.days,
            is_record,
            once_in_hours: self.calibration.once_in_hours(age, basis, score.score),
            others_high: self.guard.others(measure.hour, device),
            devices: self.devices(),
            is_supported: evidence.supports(),
        }
    }

    fn count(&mut self, day: u32) {
        if day > self.day {
            self.devices = [0, if day == self.day + 1 { self.devices[0] } else { 0 }];
            self.day = day;
        }
        self.devices[0] += 1;
    }

    fn support(&mut self, evidence: Evidence) {
        self.measures += 1.0;
        self.supported += f64::from(u8::from(evidence.supports()));
        if self.measures > 1e6 {
            self.measures /= 2.0;
            self.supported /= 2.0;
        }
    }
}

/// What is usual (low and high), what is now, and whether that is the most that is remembered.
fn reach(measure: &Measure, basis: Basis) -> (u64, u64, u64, bool) {
    let around = |centre: i32, spread: i32| {
        let spread = spread.max(OCTAVE / 8) * 2;
        (octaves::to_bytes(f64::from(centre - spread)), octaves::to_bytes(f64::from(centre + spread)))
    };
    let Some(direction) = basis.direction() else {
        let (low, high) = around(measure.centre(), measure.spread.into());
        return (low, high, measure.bytes(), false);
    };
    let known = &measure.lanes[direction as usize];
    let (low, high) = around(known.centre.into(), known.spread.into());
    if basis.is_slow() {
        let mean = octaves::to_bytes(f64::from(known.centre));
        return (mean, mean, measure.means[direction as usize], false);
    }
    let now = measure.lane(direction);
    (low, high, now, octaves::from_bytes(now) > known.record)
}

/// More than usual is still sent or received.
fn is_still_high(measure: &Measure) -> bool {
    let lanes = [measure.sent, measure.received].into_iter().zip(&measure.lanes);
    let mut above = lanes.map(|(bytes, known)| {
        let above = i32::from(octaves::from_bytes(bytes)) - i32::from(known.centre);
        f64::from(above) / f64::from(known.spread.max(1))
    });
    above.any(|above| above > STILL_HIGH)
}
