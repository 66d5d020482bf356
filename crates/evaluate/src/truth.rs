//! What an alarm is held against: whom somebody misused, and whom somebody watched.

use std::collections::BTreeMap;

use fleetward_fleet::{Body, DeviceId, Observation, Timestamp};
use fleetward_simulate::{CLASSES, Misuse, World};
use serde::Deserialize;

/// One device that was misused.
#[derive(Debug, Clone)]
pub struct Case {
    /// Which.
    pub device: DeviceId,
    /// Its class or model.
    pub class: String,
    /// What was done.
    pub scenario: String,
    /// When it began and ended.
    pub from: Timestamp,
    /// See `from`.
    pub until: Timestamp,
    /// What it cost by when.
    spent: Spent,
}

#[derive(Debug, Clone)]
enum Spent {
    /// By the hour.
    Hourly(Box<Misuse>),
    /// Only the sum is known: taken as even over its time.
    Evenly(u64),
}

/// One device, and from when to when it was watched.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Which.
    pub device: DeviceId,
    /// Its class or model.
    pub class: String,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// The truth about one stream of records.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// Alarms before are not counted.
    pub test_begins: Timestamp,
    /// Whom somebody misused.
    pub cases: Vec<Case>,
    /// All devices.
    pub watched: Vec<Watched>,
}

impl Truth {
    /// Of a simulation that is over.
    pub fn of(world: &World) -> Self {
        let scenarios = &world.config().scenarios;
        let cases = world.truth().iter().map(|misuse| Case {
            device: misuse.device,
            class: CLASSES[misuse.class].name.to_owned(),
            scenario: scenarios[misuse.scenario].scenario.to_string(),
            from: misuse.from,
            until: misuse.until,
            spent: Spent::Hourly(Box::new(misuse.clone())),
        });
        let watched = world.members().iter().enumerate().map(|(unit, member)| {
            let (from, until) = world.life(unit as u32);
            Watched { device: member.id, class: CLASSES[member.class].name.to_owned(), from, until }
        });
        Self { test_begins: world.test_begins(), cases: cases.collect(), watched: watched.collect() }
    }
}

impl Case {
    /// Octets of misuse by then.
    pub fn octets_until(&self, at: Timestamp) -> u64 {
        match &self.spent {
            Spent::Hourly(misuse) => misuse.octets_until(at),
            Spent::Evenly(octets) => {
                let whole = self.until.since(self.from).as_secs_f64().max(1.0);
                let part = (at.since(self.from).as_secs_f64() / whole).min(1.0);
                #[expect(clippy::cast_sign_loss, reason = "a part of an unsigned number")]
                let spent = (*octets as f64 * part) as u64;
                spent
            }
        }
    }
}

/// One line of a file of labels.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    device: Box<str>,
    #[serde(default)]
    class: String,
    scenario: String,
    from: Timestamp,
    until: Timestamp,
    #[serde(default)]
    bytes: u64,
}

/// A line of a file of labels is wrong.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {source}")]
pub struct LabelError {
    /// 1-based.
    pub line: usize,
    /// What is wrong.
    #[source]
    pub source: serde_json::Error,
}

/// Reads labels: JSON lines with `device`, `scenario`, `from`, `until`, and where known `class` and `bytes`.
pub fn labels(text: &str) -> Result<Vec<Case>, LabelError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = lines.map(|(number, line)| {
        let label: Label = serde_json::from_str(line).map_err(|source| LabelError { line: number + 1, source })?;
        Ok(Case {
            device: DeviceId::of(&label.device),
            class: label.class,
            scenario: label.scenario,
            from: label.from,
            until: label.until,
            spent: Spent::Evenly(label.bytes),
        })
    });
    read.collect()
}

/// Learns from a stream which devices there are and how long they were watched.
#[derive(Debug, Default)]
pub struct Census {
    devices: BTreeMap<u64, Watched>,
}

impl Census {
    /// Takes note of a record.
    pub fn observe(&mut self, observation: &Observation) {
        if observation.device == DeviceId(0) {
            return;
        }
        let at = observation.observed_at;
        let seen = self.devices.entry(observation.device.0).or_insert_with(|| Watched {
            device: observation.device,
            class: "unknown".into(),
            from: at,
            until: at,
        });
        seen.until = at;
        if let Body::DeviceChange(change) = &observation.body
            && let Some(model) = &change.device.model
        {
            seen.class = model.to_string();
        }
    }

    /// The truth, with these cases. A case without a class gets that of its device.
    pub fn truth(self, mut cases: Vec<Case>, test_begins: Timestamp) -> Truth {
        for case in cases.iter_mut().filter(|case| case.class.is_empty()) {
            let known = self.devices.get(&case.device.0);
            case.class = known.map_or_else(|| "unknown".into(), |watched| watched.class.clone());
        }
        Truth { test_begins, cases, watched: self.devices.into_values().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_and_a_wrong_line_is_named() {
        let good = r#"{"device":"meter-1","scenario":"leak","from":"2026-01-01T00:00:00Z","until":"2026-01-01T10:00:00Z","bytes":1000}"#;
        let cases = labels(good).unwrap();
        assert_eq!(cases[0].octets_until("2026-01-01T05:00:00Z".parse().unwrap()), 500);
        let error = labels(&format!("{good}\n\n{{\"device\":\"x\"}}")).unwrap_err();
        assert_eq!(error.line, 3);
    }
}
