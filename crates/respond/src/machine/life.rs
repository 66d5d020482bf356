//! How a response is born, moves from state to state, and is laid to rest.

use fleetward_fleet::{Action, Actor, Response, ResponseId, ResponseState, Timestamp, Transition};

use super::{Aim, Effect, Live, Machine};

impl Live {
    pub(super) fn new(response: Response) -> Self {
        Self {
            response,
            outstanding: false,
            confirming: false,
            leader: None,
            joined: Vec::new(),
            notice: None,
            subject: None,
        }
    }
}

impl Machine {
    /// Takes a response in, in whatever state it is.
    pub(super) fn admit(&mut self, live: Live) {
        let id = live.response.id;
        match &live.response.action {
            Action::Disconnect { session } | Action::ChangeOfAuthorization { session, .. } => {
                self.by_session.entry(session.clone()).or_default().push(id);
            }
            Action::SuspendSim | Action::ResumeSim | Action::Quarantine | Action::Release => {
                self.by_device.entry(live.response.device).or_default().push(id);
            }
            Action::Notify { .. } => {}
        }
        self.proposals += usize::from(live.response.state == ResponseState::Proposed);
        self.live.insert(id, live);
    }

    /// Moves a response into `state`, due again at `due`, and has it persisted.
    pub(super) fn enter(
        &mut self,
        now: Timestamp,
        id: ResponseId,
        state: ResponseState,
        due: Option<Timestamp>,
        note: impl Into<String>,
        out: &mut Vec<Effect>,
    ) {
        let Some(live) = self.live.get_mut(&id) else { return };
        let response = &mut live.response;
        if let Some(at) = response.due_at.take() {
            self.timers.remove(&(at, id));
        }
        self.proposals -= usize::from(response.state == ResponseState::Proposed);
        self.proposals += usize::from(state == ResponseState::Proposed);
        response.state = state;
        response.history.push(Transition { at: now, state, note: note.into() });
        if let Some(at) = due {
            response.due_at = Some(at);
            self.timers.insert((at, id));
        }
        out.push(Effect::Persist(Box::new(response.clone())));
    }

    /// Puts only the due time off; nothing to write down.
    pub(super) fn put_off(&mut self, id: ResponseId, due: Timestamp) {
        let Some(live) = self.live.get_mut(&id) else { return };
        if let Some(at) = live.response.due_at.replace(due) {
            self.timers.remove(&(at, id));
        }
        self.timers.insert((due, id));
    }

    /// The end: a final state, for this response and all that joined it.
    pub(super) fn finish(
        &mut self,
        now: Timestamp,
        id: ResponseId,
        state: ResponseState,
        note: &str,
        out: &mut Vec<Effect>,
    ) {
        debug_assert!(state.is_final(), "finish() is for final states");
        self.enter(now, id, state, None, note, out);
        let Some(live) = self.live.remove(&id) else { return };
        self.seen.insert(id);
        self.unlist(&live);
        if live.outstanding && Aim::of(&live.response).is_some_and(|aim| matches!(aim, Aim::Session(..))) {
            out.push(Effect::Cancel { id });
        }
        if state == ResponseState::Verified
            && let Some(original) = reverts(&live.response)
        {
            out.push(Effect::Reverted { original, note: format!("undone by response {id}: {note}") });
        }
        for joined in live.joined {
            self.finish(now, joined, state, &format!("with response {id}: {note}"), out);
        }
    }

    fn unlist(&mut self, live: &Live) {
        let id = live.response.id;
        if let Some(aim) = Aim::of(&live.response) {
            if self.leaders.get(&aim) == Some(&id) {
                self.leaders.remove(&aim);
            }
            match aim {
                Aim::Session(_, session) => forget(&mut self.by_session, &session, id),
                Aim::Device(_, device) => forget(&mut self.by_device, &device, id),
            }
        }
    }

    /// Somebody is acting on the same session or device: share their fate instead of asking twice.
    /// `false` where there is nobody, and this response leads now.
    pub(super) fn join(&mut self, now: Timestamp, id: ResponseId, out: &mut Vec<Effect>) -> bool {
        let Some(aim) = self.live.get(&id).and_then(|live| Aim::of(&live.response)) else { return false };
        let leader = *self.leaders.entry(aim).or_insert(id);
        if leader == id {
            return false;
        }
        if let Some(live) = self.live.get_mut(&leader) {
            live.joined.push(id);
        }
        if let Some(live) = self.live.get_mut(&id) {
            live.leader = Some(leader);
        }
        let note = format!("joins response {leader}, which is under way");
        self.enter(now, id, ResponseState::Approved, Some(now + JOINED_LOOK), note, out);
        true
    }

    /// May go out: send it, or join whoever is at it already.
    pub(super) fn start(&mut self, now: Timestamp, id: ResponseId, out: &mut Vec<Effect>) {
        let Some(live) = self.live.get(&id) else { return };
        let action = live.response.action.clone();
        if self.join(now, id, out) {
            return;
        }
        match action {
            Action::Disconnect { .. } | Action::ChangeOfAuthorization { .. } => self.send_next(now, id, "", out),
            Action::SuspendSim | Action::ResumeSim | Action::Quarantine | Action::Release | Action::Notify { .. } => {
                self.deliver(now, id, out);
            }
        }
    }
}

/// The first note of a response that undoes another one. Read back after a restart, so its form is fixed.
pub(super) fn reverting_note(original: ResponseId, by: &str) -> String {
    format!("{REVERTS}{original}, asked for by {by}")
}

/// The response that this one undoes.
fn reverts(response: &Response) -> Option<ResponseId> {
    if !matches!(response.by, Actor::User(_)) {
        return None;
    }
    response.history.first()?.note.strip_prefix(REVERTS)?.get(..32)?.parse().ok()
}

fn forget<K: std::hash::Hash + Eq>(index: &mut std::collections::HashMap<K, Vec<ResponseId>>, key: &K, id: ResponseId) {
    if let Some(ids) = index.get_mut(key) {
        ids.retain(|other| *other != id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

const REVERTS: &str = "reverts response ";

/// How often a response that joined another looks whether its leader is still there.
pub(super) const JOINED_LOOK: std::time::Duration = std::time::Duration::from_mins(5);
