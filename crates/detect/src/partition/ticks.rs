//! Time passes, by ticks that are in the journal.

use fleetward_fleet::{DeviceId, Timestamp};
use fleetward_rules::Trigger;

use super::judge::Happening;
use super::{PartitionState, Record, Told};
use crate::group::NetworkFact;

/// Devices of a sweep that are read in advance.
const AHEAD: usize = 32;

impl PartitionState {
    pub(super) fn tick(&mut self, record: &Record<'_>, out: &mut Told<'_>) {
        self.planned.pass(record.at);
        let watched: Vec<DeviceId> = self.watched.iter().copied().collect();
        for _ in 0..self.turn(record.at, record) {
            if self.sweep >= self.devices.len() {
                self.sweep = 0;
            }
            let place = self.sweep;
            self.sweep += 1;
            if place.is_multiple_of(AHEAD) {
                self.prefetch_from(place);
            }
            self.look_after(place, record, out);
            if record.compiled.rules.asks_outage() {
                self.count_network(place, record, out);
            }
        }
        for id in watched {
            if let Some(place) = self.devices.place(id) {
                self.judge(place, record, &Happening::of(Trigger::Tick), out);
            }
        }
    }

    /// Counts a device for its network; at the end of a sweep the second stage is told.
    fn count_network(&mut self, place: usize, record: &Record<'_>, out: &mut Told<'_>) {
        let id = self.devices.get(place).id;
        if let Some(seen) = self.devices.habit(place).and_then(|habit| habit.seen(record.at)) {
            self.networks.count(seen);
        }
        if self.sweep >= self.devices.len() {
            let counts = std::mem::take(&mut self.networks);
            out.facts.networks.push(NetworkFact { offset: record.offset, partition: id.partition().0, counts });
        }
    }

    /// Asks for the next devices of the sweep, so that their waits for memory overlap.
    fn prefetch_from(&self, place: usize) {
        let next = place..self.devices.len().min(place + AHEAD);
        for step in 0..2 {
            next.clone().for_each(|place| self.prefetch(place, step));
        }
    }

    /// How many devices this tick looks at, so that all come round once per sweep.
    fn turn(&mut self, now: Timestamp, record: &Record<'_>) -> usize {
        let all = self.devices.len() as u128;
        let Some(last) = self.last_tick.replace(self.last_tick.map_or(now, |last| last.max(now))) else {
            return self.devices.len();
        };
        let passed = now.since(last).as_millis();
        let sweep = record.compiled.limits.sweep.as_millis().max(1);
        (all * passed).div_ceil(sweep).min(all) as usize
    }

    /// Lost sessions, windows that are over, and silence.
    fn look_after(&mut self, place: usize, record: &Record<'_>, out: &mut Told<'_>) {
        let entry = self.devices.at(place);
        let watched = entry.watched;
        if !entry.sessions.open.is_empty() || !entry.sessions.closed().is_empty() {
            let ready = self.classes.ready(entry.class, &self.names, record.compiled);
            let asked = ready
                .profile
                .as_ref()
                .and_then(|p| p.interim_secs)
                .map(|secs| std::time::Duration::from_secs(u64::from(secs)));
            let open = entry.sessions.open.len();
            let ended = entry.sessions.expire(record.at, asked, &record.compiled.limits);
            self.lost(place, record, open, &ended, out);
        }
        let entry = self.devices.at(place);
        // Only memory is at stake, so each device has its turn at every sixteenth look or so.
        let turn = (record.at.secs().unsigned_abs() / 60).wrapping_add(place as u64).is_multiple_of(16);
        if turn && !entry.rules.is_empty() && !record.compiled.rules.rules().is_empty() {
            record.compiled.rules.expire(&mut entry.rules, record.at);
        }
        self.learn_time(place, record, out);
        if !watched {
            self.judge(place, record, &Happening::of(Trigger::Tick), out);
        }
    }
}
