//! Writes down what changed, before anything is done about it.

use std::collections::HashMap;

use fleetward_fleet::{Actor, Response, ResponseId, ResponseState, Transition};
use fleetward_store::Inserted;

use super::run::Worker;
use crate::machine::Effect;

impl Worker {
    /// `false` where it is stopping and could not.
    pub(super) fn save(&mut self, effects: &[Effect]) -> bool {
        let mut last: HashMap<ResponseId, usize> = HashMap::new();
        let mut changed: Vec<&Response> = Vec::new();
        for effect in effects {
            match effect {
                Effect::Persist(response) => {
                    self.count(response);
                    let at = *last.entry(response.id).or_insert(changed.len());
                    if at == changed.len() { changed.push(response) } else { changed[at] = response }
                }
                Effect::Raise(finding) => {
                    let now = (self.clock)();
                    if self.insist(|| self.store.record_finding(finding, now)).is_none() {
                        return false;
                    }
                }
                // Before the undoing response is stored as verified: a crash in between repeats this, which is harmless.
                Effect::Reverted { original, note } if !self.revert(*original, note) => return false,
                _ => {}
            }
        }
        let saved = self.write(&changed);
        for response in changed.iter().filter(|_| saved) {
            if response.state.is_final() {
                self.stored.remove(&response.id);
            } else {
                self.stored.insert(response.id);
            }
        }
        saved
    }

    fn write(&self, changed: &[&Response]) -> bool {
        let (known, new): (Vec<&Response>, Vec<&Response>) =
            changed.iter().partition(|response| self.stored.contains(&response.id));
        if !new.is_empty() {
            let Some(inserted) = self.insist(|| self.store.insert_responses(new.iter().copied())) else { return false };
            for (response, _) in new.iter().zip(inserted).filter(|(_, inserted)| *inserted == Inserted::Known) {
                tracing::error!(id = %response.id, "a response was stored already although it was looked up before");
            }
        }
        known.iter().all(|response| self.insist(|| self.store.update_response(response)).is_some())
    }

    fn revert(&self, original: ResponseId, note: &str) -> bool {
        let now = (self.clock)();
        let done = self.insist(|| {
            let Some(mut response) = self.store.response(original)? else { return Ok(None) };
            if response.state == ResponseState::Reverted {
                return Ok(None);
            }
            response.state = ResponseState::Reverted;
            response.history.push(Transition { at: now, state: ResponseState::Reverted, note: note.to_owned() });
            self.store.update_response(&response)?;
            Ok(Some(response))
        });
        if let Some(Some(response)) = &done {
            self.count(response);
            self.hooks.event(super::ResponseEvent::Changed(std::sync::Arc::new(response.clone())));
        }
        done.is_some()
    }

    fn count(&self, response: &Response) {
        self.metrics.entered(response.action.name(), response.state);
        let over_session = !matches!(
            response.action,
            fleetward_fleet::Action::Notify { .. }
                | fleetward_fleet::Action::SuspendSim
                | fleetward_fleet::Action::ResumeSim
        );
        let by_rule = matches!(response.by, Actor::Rule(_));
        if response.state == ResponseState::Verified
            && over_session
            && by_rule
            && let Some(step) = response.history.last()
        {
            self.metrics.to_verified.add(step.at.since(response.observed_at));
        }
    }
}
