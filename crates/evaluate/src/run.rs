//! One world through all judges: the product as it is, and the textbook.

use std::sync::Arc;

use fleetward_baseline::textbook::Detector;
use fleetward_detect::engine::{Config, Outputs};
use fleetward_detect::{Compiled, Engine, Output};
use fleetward_fleet::{DeviceId, Observation, Offset, Severity, Timestamp};
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::hours::Hours;
use crate::trial::EvaluateError;

/// Records that are handed over at a time.
const BATCH: usize = 1024;

/// The textbook merges alarms of one device within a day.
const MERGED: std::time::Duration = std::time::Duration::from_hours(24);

/// Somebody said that something is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// Who: an index into [`Judges::names`] of the textbook's, or the product.
    pub by: By,
    /// About whom; `DeviceId(0)`: about a model or group as a whole.
    pub device: DeviceId,
    /// When it was known.
    pub at: Timestamp,
    /// Of a finding about many: those that it lists.
    pub members: Vec<DeviceId>,
    /// A known finding grew by these members; no new alarm.
    pub grew: bool,
}

/// Who said it.
#[derive(Debug, Clone, PartialEq)]
pub enum By {
    /// A rule of the product.
    Rule {
        /// Its name.
        rule: Box<str>,
        /// It rests on the learnt baseline alone.
        is_baseline: bool,
        /// It asked for an intervention, and not only for a look.
        acts: bool,
    },
    /// A detector of the textbook, by its place.
    Textbook(usize),
}

/// By what worlds are judged.
pub struct Judges {
    /// Rules, profiles, baselines.
    pub compiled: Arc<Compiled>,
    /// Makes the textbook's detectors; they are run beside the product.
    pub textbook: fn() -> Vec<Box<dyn Detector + Send>>,
    /// False alarms per device-month that are wanted.
    pub nominal: f64,
}

/// What came of one world.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) records: u64,
}

/// Judges a stream to its end. Alarms of the textbook begin with the test.
pub(crate) fn run(
    stream: impl Iterator<Item = Observation>,
    test_begins: Timestamp,
    judges: &Judges,
) -> Result<Said, EvaluateError> {
    let told: Arc<Mutex<Vec<Alarm>>> = Arc::default();
    let sink = {
        let told = told.clone();
        Arc::new(move |outputs: Outputs| hear(&outputs, &told))
    };
    let config = Config { workers: 1, queue: 16, ..Config::default() };
    let (engine, _) = Engine::start(config, judges.compiled.clone(), sink).map_err(EvaluateError::Engine)?;
    let mut textbook = Textbook::new(judges, test_begins);
    let (mut batch, mut next) = (Vec::with_capacity(BATCH), 0_u64);
    for observation in stream {
        textbook.observe(&observation);
        batch.push((Offset(next), Arc::new(observation)));
        next += 1;
        if batch.len() == BATCH {
            engine.submit(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))?;
        }
    }
    engine.submit(batch)?;
    engine.drain()?;
    drop(engine);
    let mut alarms = std::mem::take(&mut *told.lock());
    alarms.append(&mut textbook.alarms);
    alarms.sort_by_key(|alarm| (alarm.at, alarm.device));
    Ok(Said { alarms, records: next })
}

/// Keeps what the product says for the first time; an episode that goes on is one alarm. A finding about many devices is
/// kept again when it grew, for the sake of those that joined.
fn hear(outputs: &Outputs, told: &Mutex<Vec<Alarm>>) {
    for output in &outputs.outputs {
        let (raised, grew) = match output {
            Output::Finding(raised) => (raised, false),
            Output::FindingUpdated(raised) if raised.finding.device == DeviceId(0) => (raised, true),
            _ => continue,
        };
        // "Worth a line" is no alarm: it counts neither as found nor as false.
        if raised.finding.severity == Severity::Info {
            continue;
        }
        let by = By::Rule {
            rule: raised.finding.rule.clone(),
            is_baseline: raised.rule.file.contains("baseline"),
            acts: raised.responds.iter().any(|respond| respond.action.is_intervention()),
        };
        let (device, members) = (raised.finding.device, raised.devices.clone());
        told.lock().push(Alarm { by, device, at: raised.finding.observed_at, members, grew });
    }
}

/// The textbook's detectors over device-hours.
struct Textbook {
    hours: Hours,
    detectors: Vec<Box<dyn Detector + Send>>,
    nominal: f64,
    test: Timestamp,
    fitted: bool,
    last: HashMap<(usize, DeviceId), Timestamp>,
    alarms: Vec<Alarm>,
}

impl Textbook {
    fn new(judges: &Judges, test: Timestamp) -> Self {
        Self {
            hours: Hours::default(),
            detectors: (judges.textbook)(),
            nominal: judges.nominal,
            test,
            fitted: false,
            last: HashMap::new(),
            alarms: Vec::new(),
        }
    }

    fn observe(&mut self, observation: &Observation) {
        if self.detectors.is_empty() {
            return;
        }
        let Self { hours, detectors, nominal, test, fitted, last, alarms } = self;
        hours.observe(observation, &mut |hour| {
            let over = Timestamp::from_secs((i64::from(hour.hour) + 1) * 3600);
            if over <= *test {
                for detector in detectors.iter_mut() {
                    detector.learn(hour);
                }
                return;
            }
            if !std::mem::replace(fitted, true) {
                for detector in detectors.iter_mut() {
                    detector.fit(*nominal);
                }
            }
            for (place, detector) in detectors.iter_mut().enumerate() {
                if !detector.judge(hour) {
                    continue;
                }
                let before = last.insert((place, hour.device), over);
                if before.is_none_or(|before| over.since(before) > MERGED) {
                    let (by, members) = (By::Textbook(place), Vec::new());
                    alarms.push(Alarm { by, device: hour.device, at: over, members, grew: false });
                }
            }
        });
    }
}

impl Judges {
    /// The columns of the tables: the product by volume alone, with its rules, then the textbook.
    pub fn names(&self) -> Vec<String> {
        let textbook = (self.textbook)();
        let ours = ["baselines alone", "with rules"].map(str::to_owned);
        ours.into_iter().chain(textbook.iter().map(|detector| detector.name().to_owned())).collect()
    }
}

/// The columns in which an alarm counts.
pub(crate) fn columns(by: &By) -> impl Iterator<Item = usize> {
    let (first, second) = match by {
        By::Rule { is_baseline: true, .. } => (0, Some(1)),
        By::Rule { is_baseline: false, .. } => (1, None),
        By::Textbook(place) => (2 + place, None),
    };
    std::iter::once(first).chain(second)
}
