//! Holds what was said against the truth.

use std::time::Duration;

use fleetward_fleet::{DeviceId, Timestamp};
use fleetward_simulate::{CLASSES, Misuse, World};
use hashbrown::{HashMap, HashSet};

use crate::outcome::Outcome;
use crate::run::{Alarm, By, Said, columns};

/// An alarm this long after the misuse ended is still about it: the hour must close, the day must be judged. What comes
/// later about a device that was misused counts neither way.
const AFTER: Duration = Duration::from_hours(26);

/// A month, for rates.
const MONTH_HOURS: f64 = 730.0;

/// Counts one world.
pub(crate) fn score(world: &World, said: &Said, names: Vec<String>) -> Outcome {
    let mut outcome = Outcome::new(names);
    outcome.worlds = 1;
    outcome.records = said.records;
    let misused: HashMap<DeviceId, &Misuse> = world.truth().iter().map(|misuse| (misuse.device, misuse)).collect();
    watch(world, &misused, &mut outcome);
    let mut touched = HashSet::new();
    let mut about: HashMap<DeviceId, Vec<&Alarm>> = HashMap::new();
    let class_of: HashMap<DeviceId, usize> = world.members().iter().map(|member| (member.id, member.class)).collect();
    for alarm in said.alarms.iter().filter(|alarm| alarm.at >= world.test_begins()) {
        if alarm.device == DeviceId(0) {
            if let By::Rule { rule, .. } = &alarm.by {
                *outcome.fleet.entry(rule.to_string()).or_default() += 1;
            }
            continue;
        }
        match misused.get(&alarm.device) {
            Some(misuse) if alarm.at >= misuse.from => {
                if alarm.at <= misuse.until + AFTER {
                    about.entry(alarm.device).or_default().push(alarm);
                }
            }
            _ => {
                let Some(class) = class_of.get(&alarm.device) else { continue };
                falsely(alarm, CLASSES[*class].name, &mut outcome);
                if matches!(alarm.by, By::Rule { acts: true, .. }) {
                    touched.insert(alarm.device);
                }
            }
        }
    }
    outcome.wrongly_touched = touched.len() as u64;
    for misuse in world.truth() {
        let alarms = about.get(&misuse.device).map_or(&[][..], Vec::as_slice);
        found(misuse, alarms, world, &mut outcome);
    }
    outcome
}

/// How long nobody misused whom.
fn watch(world: &World, misused: &HashMap<DeviceId, &Misuse>, outcome: &mut Outcome) {
    for (unit, member) in world.members().iter().enumerate() {
        let (joins, leaves) = world.life(unit as u32);
        let begins = joins.max(world.test_begins());
        let ends = misused.get(&member.id).map_or(leaves, |misuse| misuse.from.min(leaves));
        let hours = ends.since(begins).as_secs_f64() / 3600.0;
        outcome.quiet(CLASSES[member.class].name).device_months += hours / MONTH_HOURS;
        outcome.innocent += u64::from(!misused.contains_key(&member.id));
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

fn found(misuse: &Misuse, alarms: &[&Alarm], world: &World, outcome: &mut Outcome) {
    let scenario = &world.config().scenarios[misuse.scenario].scenario;
    let count = outcome.columns.len();
    let cell = outcome.cell(scenario, CLASSES[misuse.class].name);
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
        cell.hours[column].push(at.since(misuse.from).as_secs_f64() / 3600.0);
        cell.octets[column].push(misuse.octets_until(at));
    }
}
