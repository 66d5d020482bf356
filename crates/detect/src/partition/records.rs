//! What each kind of record does to the state.

use fleetward_fleet::{
    Admission, DeviceChange, DeviceId, NasReset, Session, SessionKey, SessionStatus, SessionVanished,
};
use fleetward_rules::Trigger;

use super::device::Entry;
use super::judge::Happening;
use super::{PartitionState, Record, Told};
use crate::intern::Symbol;
use crate::session::{Context, Ended};
use crate::{EndCause, Output, SessionEnded, SessionOpened};

impl PartitionState {
    pub(super) fn session(&mut self, record: &Record<'_>, session: &Session, out: &mut Told<'_>) {
        let place = self.place_of(record, out);
        let nas = self.names.nas(&session.key.nas);
        let nas_reset = self.names.nas_mut(nas).reset;
        let entry = self.devices.at(place);
        let open_before = entry.sessions.open.len();
        let late = is_late(entry, record);
        let context = Context { nas, at: record.at, nas_reset, limits: &record.compiled.limits };
        let step = entry.sessions.record(session, &context);
        entry.seen(record.at);
        entry.bytes_up = entry.bytes_up.saturating_add(step.delta.up);
        entry.bytes_down = entry.bytes_down.saturating_add(step.delta.down);
        entry.begun = entry.begun.saturating_add(u32::from(step.is_new));
        self.tally.stale_records += u64::from(!step.is_news);
        self.tally.wraps += u64::from(step.delta.wrapped);

        if !step.before.is_empty() {
            self.ended(place, record, open_before, &step.before, out);
        }
        if step.opened {
            let open = (open_before - step.before.len() + 1) as u32;
            self.names.nas_mut(nas).open += 1;
            out.push(Output::SessionOpened(Box::new(SessionOpened {
                device: record.observation.device,
                key: session.key.clone(),
                event_time: record.at,
                observed_at: record.observation.observed_at,
                offset: record.offset,
                open_sessions: open,
            })));
        }
        let open = open_before - step.before.len() + usize::from(step.opened);
        if !step.after.is_empty() {
            self.ended(place, record, open, &step.after, out);
        }
        if step.is_news {
            let happening =
                Happening { session: Some((session, &step)), late, ..Happening::of(trigger(session.status)) };
            self.judge(place, record, &happening, out);
            self.learn(place, record, session, &step, out);
        }
        for ended in step.before.iter().chain(&step.after) {
            self.judge_loss(place, record, ended, out);
        }
    }

    pub(super) fn admission(&mut self, record: &Record<'_>, admission: &Admission, out: &mut Told<'_>) {
        let place = self.place_of(record, out);
        let late = is_late(self.devices.at(place), record);
        self.devices.at(place).seen(record.at);
        self.learn_place(place, record, &admission.attach);
        let trigger = if admission.rejected.is_some() { Trigger::Rejected } else { Trigger::Admitted };
        let happening = Happening { admission: Some(admission), late, ..Happening::of(trigger) };
        self.judge(place, record, &happening, out);
    }

    /// All sessions of the NAS that it has not spoken of since are over, on every device.
    pub(super) fn nas_reset(&mut self, record: &Record<'_>, reset: &NasReset, out: &mut Told<'_>) {
        let nas = self.names.nas(&reset.nas);
        let known = self.names.nas_mut(nas);
        known.reset = known.reset.max(Some(record.at));
        if known.open == 0 {
            return;
        }
        let mut concerned: Vec<DeviceId> =
            self.devices.iter().filter(|e| e.sessions.open.iter().any(|s| s.nas == nas)).map(|e| e.id).collect();
        concerned.sort_unstable();
        for id in concerned {
            let Some(place) = self.devices.place(id) else { continue };
            let entry = self.devices.at(place);
            let open = entry.sessions.open.len();
            let ended = entry.sessions.nas_reset(nas, record.at, &record.compiled.limits);
            self.lost(place, record, open, &ended, out);
        }
    }

    pub(super) fn vanished(&mut self, record: &Record<'_>, vanished: &SessionVanished, out: &mut Told<'_>) {
        let Some(place) = self.devices.place(record.observation.device) else { return };
        let Some(nas) = self.names.nases.find(&*vanished.key.nas) else { return };
        let entry = self.devices.at(place);
        let open = entry.sessions.open.len();
        let ended = entry.sessions.vanished(nas, &vanished.key.id, record.at, &record.compiled.limits);
        self.lost(place, record, open, ended.as_slice(), out);
    }

    pub(super) fn device_change(&mut self, record: &Record<'_>, change: &DeviceChange, out: &mut Told<'_>) {
        let id = record.observation.device;
        if change.removed {
            if self.devices.find(id).is_some_and(|entry| self.classes.get(entry.class).known) {
                self.forget(id, record, out);
            }
            return;
        }
        let place = if let Some(place) = self.devices.place(id) {
            if !self.classes.get(self.devices.at(place).class).known {
                self.unknown.retain(|unknown| *unknown != id);
            }
            place
        } else {
            self.devices.insert(Entry::unknown(id, None, &mut self.names, &mut self.classes))
        };
        self.devices.at(place).learn(&change.device, &mut self.names, &mut self.classes);
        self.judge(place, record, &Happening::of(Trigger::DeviceChange), out);
    }

    /// Sessions that ended without a Stop.
    pub(super) fn lost(&mut self, place: usize, record: &Record<'_>, open: usize, ended: &[Ended], out: &mut Told<'_>) {
        self.ended(place, record, open, ended, out);
        for ended in ended {
            self.judge_loss(place, record, ended, out);
        }
    }

    /// Says that sessions ended. `open`: how many were open before the first of them.
    fn ended(&mut self, place: usize, record: &Record<'_>, mut open: usize, ended: &[Ended], out: &mut Told<'_>) {
        let device = self.devices.at(place).id;
        for end in ended {
            if end.was_open {
                self.names.nas_mut(end.nas).open -= 1;
                open -= 1;
            }
            out.push(Output::SessionEnded(Box::new(SessionEnded {
                device,
                key: self.key(end.nas, &end.id),
                event_time: end.at,
                observed_at: record.observation.observed_at,
                offset: record.offset,
                cause: end.cause,
                open_sessions: open as u32,
            })));
        }
    }

    fn judge_loss(&mut self, place: usize, record: &Record<'_>, ended: &Ended, out: &mut Told<'_>) {
        if matches!(ended.cause, EndCause::Stop(_)) {
            return;
        }
        let key = self.key(ended.nas, &ended.id);
        let happening = Happening { lost: Some(&key), ..Happening::of(Trigger::SessionLost) };
        self.judge(place, record, &happening, out);
    }

    /// Lets go of a device: its sessions end, its rules' state is gone.
    fn forget(&mut self, id: DeviceId, record: &Record<'_>, out: &mut Told<'_>) {
        let Some(place) = self.devices.place(id) else { return };
        let entry = self.devices.at(place);
        let open = entry.sessions.open.len();
        let ended = entry.sessions.end_all(record.at, &record.compiled.limits);
        self.ended(place, record, open, &ended, out);
        self.watched.remove(&id);
        self.exposed.remove(&id);
        self.devices.remove(id);
    }

    /// Where the record's device is; a stranger gets an entry, and the oldest stranger may have to make room.
    pub(super) fn place_of(&mut self, record: &Record<'_>, out: &mut Told<'_>) -> usize {
        let id = record.observation.device;
        if let Some(place) = self.devices.place(id) {
            return place;
        }
        while self.unknown.len() >= record.compiled.limits.unknown_per_partition.max(1) {
            let Some(oldest) = self.unknown.pop_front() else { break };
            self.forget(oldest, record, out);
            self.tally.unknown_dropped += 1;
        }
        self.unknown.push_back(id);
        let identity = record.observation.identity.as_ref();
        let entry = Entry::unknown(id, identity, &mut self.names, &mut self.classes);
        self.devices.insert(entry)
    }

    pub(super) fn key(&self, nas: Symbol, id: &str) -> SessionKey {
        SessionKey { nas: self.names.nases.value(nas).clone(), id: id.into() }
    }
}

fn trigger(status: SessionStatus) -> Trigger {
    match status {
        SessionStatus::Start => Trigger::SessionStart,
        SessionStatus::Interim => Trigger::SessionInterim,
        SessionStatus::Stop => Trigger::SessionStop,
    }
}

pub(super) fn is_late(entry: &Entry, record: &Record<'_>) -> bool {
    entry.last_seen().is_some_and(|last| record.at + record.compiled.limits.lateness < last)
}
