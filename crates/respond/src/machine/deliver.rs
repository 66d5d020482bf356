//! Notifications and changes of the inventory: asked for, answered, tried again with growing pauses.

use std::time::Duration;

use fleetward_fleet::{Action, DeviceId, DeviceState, ResponseId, ResponseState, Timestamp};

use super::{Effect, Machine, Outcome};

impl Machine {
    /// Hands a notification to its channel or a change to the inventory, for the first time or again.
    pub(super) fn deliver(&mut self, now: Timestamp, id: ResponseId, out: &mut Vec<Effect>) {
        let Some(live) = self.live.get_mut(&id) else { return };
        live.response.attempts += 1;
        live.outstanding = true;
        let attempt = live.response.attempts;
        let device = live.response.device;
        let (within, note, effect) = match &live.response.action {
            Action::Notify { channel } => {
                let (channel, finding, notice) = (channel.clone(), live.response.finding, live.notice.clone());
                let note = format!("handed to channel {channel}, attempt {attempt}");
                (self.settings.notify_within, note, Effect::Notify { id, attempt, channel, notice, finding })
            }
            action if let Some(cut) = action.isolates() => {
                let what = if cut { "to be cut off by" } else { "to be let back by" };
                let note = format!("device {what} the firewall, attempt {attempt}");
                (self.settings.change_within, note, Effect::Isolate { id, attempt, device, cut })
            }
            action => {
                let Some(state) = target_state(action) else { return };
                let note = format!("device to become {}, attempt {attempt}", state.name());
                (self.settings.change_within, note, Effect::ChangeDevice { id, attempt, device, state })
            }
        };
        self.enter(now, id, ResponseState::Sent, Some(now + within), note, out);
        out.push(effect);
    }

    pub(super) fn on_channel(
        &mut self,
        now: Timestamp,
        id: ResponseId,
        attempt: u32,
        outcome: Outcome,
        out: &mut Vec<Effect>,
    ) {
        if !self.answers(id, attempt) {
            return;
        }
        match outcome {
            Outcome::Done(note) => {
                self.enter(now, id, ResponseState::Accepted, Some(now), &note, out);
                self.finish(now, id, ResponseState::Verified, "verified by the channel's acceptance", out);
            }
            Outcome::Retry(why) => self.again_later(now, id, &why, out),
            Outcome::Refused(why) => self.finish(now, id, ResponseState::Failed, &why, out),
        }
    }

    pub(super) fn on_device_answer(
        &mut self,
        now: Timestamp,
        id: ResponseId,
        attempt: u32,
        outcome: Outcome,
        out: &mut Vec<Effect>,
    ) {
        if !self.answers(id, attempt) {
            return;
        }
        match outcome {
            Outcome::Done(note) => {
                let due = now + self.settings.change_within;
                self.enter(now, id, ResponseState::Accepted, Some(due), &note, out);
            }
            Outcome::Retry(why) => self.again_later(now, id, &why, out),
            Outcome::Refused(why) => self.fail_and_alarm(now, id, &why, out),
        }
    }

    pub(super) fn on_device_changed(
        &mut self,
        now: Timestamp,
        device: DeviceId,
        state: DeviceState,
        out: &mut Vec<Effect>,
    ) {
        for id in self.by_device.get(&device).cloned().unwrap_or_default() {
            let Some(live) = self.live.get(&id).filter(|live| live.leader.is_none()) else { continue };
            if target_state(&live.response.action) != Some(state) {
                continue;
            }
            if live.response.state == ResponseState::Proposed {
                let note = format!("the device is {} already, by somebody else; nothing was done", state.name());
                self.finish(now, id, ResponseState::Failed, &note, out);
            } else {
                self.finish(now, id, ResponseState::Verified, &format!("the device is {}", state.name()), out);
            }
        }
    }

    /// The firewall shows the effect.
    pub(super) fn on_isolated(
        &mut self,
        now: Timestamp,
        device: DeviceId,
        cut: bool,
        proof: &str,
        out: &mut Vec<Effect>,
    ) {
        for id in self.by_device.get(&device).cloned().unwrap_or_default() {
            let Some(live) = self.live.get(&id).filter(|live| live.leader.is_none()) else { continue };
            if live.response.action.isolates() == Some(cut) && live.response.state == ResponseState::Accepted {
                self.finish(now, id, ResponseState::Verified, &format!("the firewall shows it: {proof}"), out);
            }
        }
    }

    /// Nothing came of the last attempt: pause and try again, or give up.
    pub(super) fn again_later(&mut self, now: Timestamp, id: ResponseId, why: &str, out: &mut Vec<Effect>) {
        let Some(live) = self.live.get_mut(&id) else { return };
        live.outstanding = false;
        let tried = live.response.attempts as usize;
        let intervenes = live.response.action.is_intervention();
        match PAUSES.get(tried.saturating_sub(1)) {
            Some(pause) => {
                let note = format!("{why}; next try in {} s", pause.as_secs());
                self.enter(now, id, ResponseState::Sent, Some(now + *pause), note, out);
            }
            None if intervenes => self.fail_and_alarm(now, id, &format!("{why}; given up after {tried} tries"), out),
            None => {
                let note = format!("{why}; given up after {tried} tries");
                self.finish(now, id, ResponseState::Failed, &note, out);
            }
        }
    }

    /// The answer is to the attempt that is outstanding, which it no longer is.
    fn answers(&mut self, id: ResponseId, attempt: u32) -> bool {
        let Some(live) = self.live.get_mut(&id) else { return false };
        live.response.attempts == attempt && std::mem::take(&mut live.outstanding)
    }
}

fn target_state(action: &Action) -> Option<DeviceState> {
    match action {
        Action::SuspendSim => Some(DeviceState::Suspended),
        Action::ResumeSim => Some(DeviceState::Active),
        Action::Disconnect { .. }
        | Action::ChangeOfAuthorization { .. }
        | Action::Quarantine
        | Action::Release
        | Action::Notify { .. } => None,
    }
}

/// After the first, second, ... failed attempt.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(15), Duration::from_mins(1), Duration::from_mins(5)];
