//! Taking up, after a restart, what the store says is unfinished.
//!
//! * Proposed ones go on waiting, approved ones go out.
//! * *Sent* ones: the answer, if there was one, is lost with the socket. The same key set is sent again, which is
//!   harmless: the request names one session, and where the first one worked the NAS says "no such session" or the
//!   session table no longer has it. A change of the inventory is idempotent; a notification carries the same id.
//! * *Accepted* ones keep their deadline; where it passed while we were down, the first tick acts on it.

use fleetward_fleet::{Actor, DeviceId, Response, ResponseState, Timestamp};

use super::{Aim, Effect, Live, Machine};

impl Machine {
    /// Says in which groups a device is that was touched recently: before [`Self::restore`], for the bound on groups.
    pub fn belongs(&mut self, device: DeviceId, groups: Vec<Box<str>>) {
        self.belongs.insert(device, groups);
    }

    /// Takes over the unfinished responses, and counts the recent ones against the budgets.
    pub fn restore(
        &mut self,
        now: Timestamp,
        mut unfinished: Vec<Response>,
        recent: &[Response],
        out: &mut Vec<Effect>,
    ) {
        for response in recent {
            self.remember(response.id);
            self.remember_spent(response);
        }
        // Those that went furthest lead; within a state, the oldest.
        unfinished.sort_by_key(|r| (std::cmp::Reverse(progress(r.state)), r.created_at, r.id));
        for mut response in unfinished {
            if response.state.is_final() || self.live.contains_key(&response.id) {
                continue;
            }
            let (id, state) = (response.id, response.state);
            let due = response.due_at.take();
            let leads = Aim::of(&response).is_none_or(|aim| !self.leaders.contains_key(&aim));
            let over_session = matches!(Aim::of(&response), Some(Aim::Session(..)));
            self.admit(Live::new(response));
            match state {
                ResponseState::Proposed => {}
                ResponseState::Sent if leads && over_session => {
                    self.lead(id);
                    self.send(now, id, false, "taken up after a restart", out);
                }
                ResponseState::Accepted if leads => {
                    self.lead(id);
                    self.put_off(id, due.unwrap_or(now));
                }
                _ => self.start(now, id, out),
            }
        }
    }

    fn lead(&mut self, id: fleetward_fleet::ResponseId) {
        if let Some(aim) = self.live.get(&id).and_then(|live| Aim::of(&live.response)) {
            self.leaders.insert(aim, id);
        }
    }

    fn remember_spent(&mut self, response: &Response) {
        let Actor::Rule(rule) = &response.by else { return };
        if !response.action.is_intervention() {
            return;
        }
        let by_person = |note: &str| note.starts_with("approved by ");
        let spent = response.history.iter().find(|step| step.state == ResponseState::Approved);
        let joined = response.history.iter().any(|step| step.note.starts_with("joins response "));
        if let Some(step) = spent.filter(|step| !by_person(&step.note) && !joined) {
            let groups = self.belongs.get(&response.device).map_or(&[][..], Vec::as_slice);
            self.budget.remember(rule, response.device, groups, step.at);
        }
    }
}

fn progress(state: ResponseState) -> u8 {
    match state {
        ResponseState::Accepted => 3,
        ResponseState::Sent => 2,
        ResponseState::Approved => 1,
        _ => 0,
    }
}
