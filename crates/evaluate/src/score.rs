//! Holds what was said against the truth.

use std::time::Duration;

use fleetward_fleet::{DeviceId, Timestamp};
use hashbrown::{HashMap, HashSet};

use crate::outcome::Outcome;
use crate::run::{Alarm, By, Said, columns};
use crate::truth::{Case, Truth, Watched};

/// An alarm this long after the misuse ended is still about it: the hour must close, the day must be judged. What comes
/// later about a device that was misused counts neither way.
const AFTER: Duration = Duration::from_hours(26);

/// A month, for rates.
const MONTH_HOURS: f64 = 730.0;

/// Counts one stream.
pub(crate) fn score(truth: &Truth, said: &Said, names: Vec<String>) -> Outcome {
    let mut outcome = Outcome::new(names);
    outcome.worlds = 1;
    outcome.records = said.records;
    let misused: HashMap<DeviceId, &Case> = truth.cases.iter().map(|case| (case.device, case)).collect();
    let watched: HashMap<DeviceId, &Watched> = truth.watched.iter().map(|watched| (watched.device, watched)).collect();
    watch(truth, &misused, &mut outcome);
    let mut touched = HashSet::new();
    let mut about: HashMap<DeviceId, Vec<&Alarm>> = HashMap::new();
    for alarm in said.alarms.iter().filter(|alarm| alarm.at >= truth.test_begins) {
        if alarm.device == DeviceId(0) {
            about_many(alarm, &misused, &watched, &mut about, &mut outcome);
            continue;
        }
        match misused.get(&alarm.device) {
            Some(case) if alarm.at >= case.from => {
                if alarm.at <= case.until + AFTER {
                    about.entry(alarm.device).or_default().push(alarm);
                }
            }
            _ => {
                let Some(watched) = watched.get(&alarm.device) else { continue };
                falsely(alarm, &watched.class, &mut outcome);
                if matches!(alarm.by, By::Rule { acts: true, .. }) {
                    touched.insert(alarm.device);
                }
            }
        }
    }
    outcome.wrongly_touched = touched.len() as u64;
    for case in &truth.cases {
        found(case, about.get(&case.device).map_or(&[][..], Vec::as_slice), &mut outcome);
    }
    outcome
}

/// A finding about a model or a group. Where at least half of the devices that it lists are misused it is right, and each of
/// these is found. Else an operator would look at the others and put it aside: it finds nobody, and is one false alarm.
fn about_many<'a>(
    alarm: &'a Alarm,
    misused: &HashMap<DeviceId, &Case>,
    watched: &HashMap<DeviceId, &Watched>,
    about: &mut HashMap<DeviceId, Vec<&'a Alarm>>,
    outcome: &mut Outcome,
) {
    let under_way = |case: &&Case| alarm.at >= case.from && alarm.at <= case.until + AFTER;
    let cases: Vec<&Case> =
        alarm.members.iter().filter_map(|member| misused.get(member).copied()).filter(under_way).collect();
    let right = !cases.is_empty() && cases.len() * 2 >= alarm.members.len();
    for case in cases.into_iter().filter(|_| right) {
        let known = about.entry(case.device).or_default();
        // It is told again whenever it grows: one alarm for each device.
        if !known.iter().any(|known| known.device == DeviceId(0) && known.by == alarm.by) {
            known.push(alarm);
        }
    }
    let By::Rule { rule, .. } = &alarm.by else { return };
    if alarm.grew {
        return;
    }
    let told = if right { &mut outcome.fleet_right } else { &mut outcome.fleet_wrong };
    *told.entry(rule.to_string()).or_default() += 1;
    if let (false, Some(first)) = (right, alarm.members.first().and_then(|member| watched.get(member))) {
        let quiet = outcome.quiet(&first.class);
        for column in columns(&alarm.by) {
            quiet.alarms[column] += 1;
        }
    }
}

/// How long nobody misused whom.
fn watch(truth: &Truth, misused: &HashMap<DeviceId, &Case>, outcome: &mut Outcome) {
    for watched in &truth.watched {
        let case = misused.get(&watched.device);
        let begins = watched.from.max(truth.test_begins);
        let ends = case.map_or(watched.until, |case| case.from.min(watched.until));
        let hours = ends.since(begins).as_secs_f64() / 3600.0;
        outcome.quiet(&watched.class).device_months += hours / MONTH_HOURS;
        outcome.innocent += u64::from(case.is_none());
    }
}

fn falsely(alarm: &Alarm, class: &str, outcome: &mut Outcome) {
    let quiet = outcome.quiet(class);
    for column in columns(&alarm.by) {
        quiet.alarms[column] += 1;
    }
    if let By::Rule { rule, .. } = &alarm.by {
        *outcome.rules.entry(rule.to_string()).or_default() += 1;
    }
}

fn found(case: &Case, alarms: &[&Alarm], outcome: &mut Outcome) {
    let count = outcome.columns.len();
    let cell = outcome.cell(&case.scenario, &case.class);
    cell.misused += 1;
    let mut first: Vec<Option<Timestamp>> = vec![None; count];
    let mut alarms_of = vec![0_u64; count];
    for alarm in alarms {
        for column in columns(&alarm.by) {
            first[column] = Some(first[column].map_or(alarm.at, |at| at.min(alarm.at)));
            alarms_of[column] += 1;
        }
    }
    for (column, at) in first.into_iter().enumerate() {
        let Some(at) = at else { continue };
        cell.found[column] += 1;
        cell.alarms[column] += alarms_of[column];
        cell.hours[column].push(at.since(case.from).as_secs_f64() / 3600.0);
        cell.octets[column].push(case.octets_until(at));
    }
}
