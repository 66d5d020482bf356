//! The device half of the baselines: what a record or the passing of time teaches, and what it measures.

use std::sync::Arc;

use fleetward_baseline::{Measure, ModelKey, Traffic};
use fleetward_fleet::{Attach, DeviceId, PlannedChange, PlannedKind, Session};

use super::habit::Habit;
use super::{PartitionState, Record, Told};
use crate::group::{About, MeasureFact};
use crate::session::Step;

impl PartitionState {
    /// An accounting record that said something new.
    pub(super) fn learn(
        &mut self,
        place: usize,
        record: &Record<'_>,
        session: &Session,
        step: &Step,
        out: &mut Told<'_>,
    ) {
        let Some(model) = self.learns(place, record) else { return };
        let traffic = Traffic { up: step.delta.up, down: step.delta.down, since: step.since, started: step.is_new };
        let habit = self.habit(place, record);
        habit.attached(record.at, &session.attach);
        habit.heard(record.at);
        habit.add(record.at, &traffic, &mut out.measures);
        if !out.measures.is_empty() {
            self.measured(place, record, model, out);
        }
    }

    /// An admission tells module and place, too.
    pub(super) fn learn_place(&mut self, place: usize, record: &Record<'_>, attach: &Attach) {
        if let Some(habit) = self.devices.habit_mut(place) {
            habit.attached(record.at, attach);
        }
    }

    /// A flow tells whom the device talks to.
    pub(super) fn learn_destination(&mut self, place: usize, record: &Record<'_>, destination: &str) {
        if let Some(habit) = self.devices.habit_mut(place) {
            habit.contacted(record.at, DeviceId::of(destination).0); // a stable hash of a text, no more
        }
    }

    /// Time passed for a device.
    pub(super) fn learn_time(&mut self, place: usize, record: &Record<'_>, out: &mut Told<'_>) {
        let Some(habit) = self.devices.habit_mut(place) else { return };
        habit.pass(record.at, &mut out.measures);
        if !out.measures.is_empty() {
            match self.learns(place, record) {
                Some(model) => self.measured(place, record, model, out),
                None => out.measures.clear(),
            }
        }
    }

    /// The device's model, if its baseline is learnt at all. Strangers have none: they are found by other means.
    fn learns(&mut self, place: usize, record: &Record<'_>) -> Option<ModelKey> {
        record.compiled.baseline.as_ref()?;
        self.classes.ready(self.devices.at(place).class, &self.names, record.compiled).learns
    }

    fn habit(&mut self, place: usize, record: &Record<'_>) -> &mut Habit {
        self.devices.habit_or(place, || Habit::new(record.at))
    }

    fn measured(&mut self, place: usize, record: &Record<'_>, model: ModelKey, out: &mut Told<'_>) {
        let (entry, habit) = self.devices.with_habit(place);
        let ready = self.classes.ready(entry.class, &self.names, record.compiled);
        let mut evidence = habit.map(|habit| habit.evidence(record.at)).unwrap_or_default();
        let planned = self.planned.covering(entry.id, &ready.device.groups, ready.device.model.as_deref(), record.at);
        let is_expected = |change: &Arc<PlannedChange>| {
            change.excuses.iter().any(|kind| matches!(kind, PlannedKind::RollOut | PlannedKind::Maintenance))
        };
        evidence.expected = planned.iter().any(is_expected);
        let settings = record.compiled.baseline.as_ref();
        let may_alarm = |measure: &Measure| settings.is_some_and(|settings| measure.may_alarm(settings));
        for measure in out.measures.drain(..) {
            let about = may_alarm(&measure).then(|| {
                Arc::new(About { device: Arc::new(entry.own().whole(&ready.device)), planned: planned.clone() })
            });
            out.facts.measures.push(MeasureFact {
                offset: record.offset,
                device: entry.id,
                observed_at: record.observation.observed_at,
                model,
                measure,
                evidence,
                about,
            });
        }
    }
}
