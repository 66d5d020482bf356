//! What becomes due.

use fleetward_fleet::{Action, ResponseId, ResponseState, Timestamp};

use super::life::JOINED_LOOK;
use super::{Effect, Machine};

impl Machine {
    pub(super) fn on_tick(&mut self, now: Timestamp, out: &mut Vec<Effect>) {
        while let Some((at, id)) = self.timers.first().copied() {
            if at > now {
                break;
            }
            self.timers.remove(&(at, id));
            self.on_due(now, id, out);
        }
    }

    fn on_due(&mut self, now: Timestamp, id: ResponseId, out: &mut Vec<Effect>) {
        let Some(live) = self.live.get_mut(&id) else { return };
        live.response.due_at = None;
        if let Some(leader) = live.leader {
            if self.live.contains_key(&leader) {
                return self.put_off(id, now + JOINED_LOOK);
            }
            if let Some(live) = self.live.get_mut(&id) {
                live.leader = None;
            }
            return self.start(now, id, out);
        }
        let over_session =
            matches!(live.response.action, Action::Disconnect { .. } | Action::ChangeOfAuthorization { .. });
        match (live.response.state, over_session) {
            _ if live.confirming => self.containment_failed(now, id, out),
            (ResponseState::Approved, _) => self.start(now, id, out),
            (ResponseState::Sent, true) => self.send_next(now, id, "no word from the client", out),
            (ResponseState::Sent, false) if live.outstanding => self.again_later(now, id, "no answer in time", out),
            (ResponseState::Sent, false) => self.deliver(now, id, out),
            (ResponseState::Accepted, true) => self.stop_missing(now, id, out),
            (ResponseState::Accepted, false) if live.response.action.isolates().is_some() => {
                self.again_later(now, id, "the firewall did not show the effect", out);
            }
            (ResponseState::Accepted, false) => {
                self.again_later(now, id, "the change did not come back through the journal", out);
            }
            // Waits for a person, or is over: neither has a due time.
            (
                ResponseState::Proposed | ResponseState::Verified | ResponseState::Failed | ResponseState::Reverted,
                _,
            ) => {}
        }
    }
}
