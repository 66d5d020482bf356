//! The model half of the baselines: measures of all devices in one order, verdicts as events for the rules.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fleetward_baseline::{Direction, Evidence, FleetBaseline, Metric, ModelKey, ModelWide, Phase, Unusual, Verdict};
use fleetward_fleet::{Device, DeviceId, Offset, PlannedChange, Timestamp};
use fleetward_rules::{Detail, Facts, Trigger, UnusualKind};
use serde::{Deserialize, Serialize};

use super::measured::{About, MeasureFact};
use crate::Compiled;

/// How long a device that measured something remarkable is remembered: a verdict may wait that long, and its tick a little.
const SUSPECTED: Duration = FleetBaseline::LONGEST_WAIT.saturating_add(Duration::from_mins(10));

/// Fewer device-hours of a model say nothing about any of its devices.
const YOUNG: u64 = 5_000;

/// What is learnt of all models, and who may soon be named.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Baselines {
    fleet: FleetBaseline,
    suspects: BTreeMap<DeviceId, Suspect>,
    /// Names of models that have had a suspect.
    models: BTreeMap<ModelKey, Box<str>>,
}

/// A device that measured something remarkable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Suspect {
    about: Arc<About>,
    evidence: Evidence,
    offset: Offset,
    observed_at: Timestamp,
}

/// One verdict with what a rule may read about it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) whose: Whose,
    at: Timestamp,
    observed_at: Timestamp,
    pub(super) offset: Offset,
    planned: Vec<Arc<PlannedChange>>,
    said: fleetward_rules::Unusual,
}

/// About whom a verdict is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Whose {
    Device(DeviceId, Option<Arc<Device>>),
    /// Model, which of its events that may go on at once (0, or a mark), and devices that joined.
    Model(Box<str>, u64, Vec<DeviceId>),
}

impl Baselines {
    /// Judges one measure and learns from it.
    pub(super) fn measure(&mut self, fact: &MeasureFact, compiled: &Compiled, out: &mut Vec<Event>) {
        let Some(settings) = &compiled.baseline else { return };
        // While a model is so young that nothing of it can be unusual, nearly every measure is remarkable.
        if let Some(about) = fact.about.as_ref().filter(|_| self.may_judge(fact.model)) {
            self.suspect(fact, about);
        }
        let mut verdicts = Vec::new();
        self.fleet.judge(fact.model, fact.device, &fact.measure, fact.evidence, settings, &mut verdicts);
        for verdict in verdicts {
            self.event(verdict, fact.observed_at, fact.offset, out);
        }
    }

    /// Time passed.
    pub(super) fn pass(&mut self, now: Timestamp, offset: Offset, compiled: &Compiled, out: &mut Vec<Event>) {
        let Some(settings) = &compiled.baseline else { return };
        let mut verdicts = Vec::new();
        self.fleet.pass(now, settings, &mut verdicts);
        for verdict in verdicts {
            self.event(verdict, now, offset, out);
        }
        self.suspects.retain(|_, suspect| now.since(suspect.observed_at) < SUSPECTED);
    }

    /// How far the learning of a model has come.
    pub(super) fn learning(&self, model: ModelKey) -> Option<fleetward_baseline::Learning> {
        self.fleet.learning(model)
    }

    fn may_judge(&self, model: ModelKey) -> bool {
        self.fleet.learning(model).is_some_and(|learning| {
            learning.is_ready || learning.device_hours >= YOUNG || learning.limits.iter().any(Option::is_some)
        })
    }

    fn suspect(&mut self, fact: &MeasureFact, about: &Arc<About>) {
        if let Some(name) = &about.device.model
            && !self.models.contains_key(&fact.model)
        {
            self.models.insert(fact.model, name.clone());
        }
        let (about, evidence) = (about.clone(), fact.evidence);
        let suspect = Suspect { about, evidence, offset: fact.offset, observed_at: fact.observed_at };
        self.suspects.insert(fact.device, suspect);
    }

    fn event(&self, verdict: Verdict, observed_at: Timestamp, offset: Offset, out: &mut Vec<Event>) {
        match verdict {
            Verdict::Unusual(unusual) => out.push(self.unusual(&unusual, observed_at, offset)),
            // The device is calm: neither its hours nor its days stand out.
            Verdict::Over { device, at, .. } => {
                let over = |kind| self.over(device, kind, at.min(observed_at), observed_at, offset);
                out.extend([UnusualKind::Hour, UnusualKind::Drift].map(over));
            }
            Verdict::ModelWide(wide) => out.push(self.model_wide(&wide, observed_at, offset)),
        }
    }

    fn unusual(&self, unusual: &Unusual, observed_at: Timestamp, offset: Offset) -> Event {
        let suspect = self.suspects.get(&unusual.device);
        let evidence = suspect.map(|suspect| suspect.evidence).unwrap_or_default();
        let device = suspect.map(|suspect| suspect.about.device.clone());
        let model = device.as_ref().and_then(|device| device.model.as_deref());
        Event {
            at: unusual.at,
            observed_at,
            offset: suspect.map_or(offset, |suspect| suspect.offset),
            planned: suspect.map(|suspect| suspect.about.planned.clone()).unwrap_or_default(),
            said: fleetward_rules::Unusual {
                kind: kind(unusual.metric),
                holds: true,
                now: unusual.now,
                low: unusual.usual_low,
                high: unusual.usual_high,
                is_record: unusual.is_record,
                weeks: unusual.days / 7,
                odds: unusual.once_in_hours,
                devices: unusual.others_high,
                model_devices: unusual.devices,
                identity_changed: evidence.identity_changed,
                place_changed: evidence.place_changed,
                new_destination: evidence.new_destination,
                explanation: unusual.sentence(model).into(),
                ..fleetward_rules::Unusual::default()
            },
            whose: Whose::Device(unusual.device, device),
        }
    }

    fn over(&self, id: DeviceId, kind: UnusualKind, at: Timestamp, observed_at: Timestamp, offset: Offset) -> Event {
        let device = self.suspects.get(&id).map(|suspect| suspect.about.device.clone());
        let said = fleetward_rules::Unusual { kind, ..fleetward_rules::Unusual::default() };
        Event { whose: Whose::Device(id, device), at, observed_at, offset, planned: Vec::new(), said }
    }

    fn model_wide(&self, wide: &ModelWide, observed_at: Timestamp, offset: Offset) -> Event {
        let name = self.models.get(&wide.model).cloned().unwrap_or_else(|| "(no model)".into());
        let how = match wide.direction {
            Some(Direction::Sent) => "sent more than usual (a flood, or what an outage held back?)",
            Some(Direction::Received) => "received more than usual (an update?)",
            None => "left their usual volume or hours",
        };
        let beside = if wide.is_beyond { ", and far more than what goes on beside it explains" } else { "" };
        let sentence = format!(
            "{} of {} devices of the model {how} between {} and {}{beside}",
            wide.affected, wide.devices, wide.since, wide.until
        );
        // A flood is a finding of its own while a wave of updates goes on, and lists its own devices.
        let sent = if wide.direction == Some(Direction::Sent) { SENT } else { 0 };
        let which = sent ^ if wide.is_beyond { BEYOND } else { 0 };
        Event {
            at: wide.since,
            observed_at,
            offset,
            planned: Vec::new(),
            said: fleetward_rules::Unusual {
                kind: UnusualKind::ModelWide,
                holds: wide.phase != Phase::Over,
                devices: wide.affected,
                model_devices: wide.devices,
                explanation: sentence.into(),
                ..fleetward_rules::Unusual::default()
            },
            whose: Whose::Model(name, which, wide.joined.clone()),
        }
    }
}

/// Marks of a model's events that may go on at once, in the id of their subject.
const SENT: u64 = 0x5E27_0000_0000_0001;
const BEYOND: u64 = 0xB940_0000_0000_0002;

fn kind(metric: Metric) -> UnusualKind {
    match metric {
        Metric::Bytes => UnusualKind::Hour,
        Metric::Drift => UnusualKind::Drift,
    }
}

impl Event {
    /// As rules read it. `device`: the one of the event, or what is remembered of it.
    pub(super) fn facts<'a>(&'a self, device: Option<&'a Device>, compiled: &'a Compiled) -> Facts<'a> {
        let (id, subject) = match &self.whose {
            Whose::Device(id, _) => (*id, device.map_or("", |device| &*device.name)),
            Whose::Model(name, ..) => (DeviceId(0), &**name),
        };
        let mut facts = Facts::new(Trigger::Unusual, self.at, self.observed_at, id, subject);
        facts.offset = self.offset;
        facts.source = "baseline";
        facts.device = device;
        let model = match &self.whose {
            Whose::Device(..) => device.and_then(|device| device.model.as_deref()),
            Whose::Model(name, ..) => Some(&**name),
        };
        facts.profile = model.and_then(|model| compiled.profile(model));
        facts.detail = Detail::Unusual(&self.said);
        facts.planned = &self.planned;
        facts
    }
}
