//! Writes down what changed, before anything is done about it.

use std::collections::HashMap;

use fleetward_fleet::{Actor, Response, ResponseId, ResponseState, Transition};
use fleetward_store::StoreError;

use super::run::Worker;
use crate::machine::Effect;

impl Worker {
    /// `false` where it is stopping and could not.
    pub(super) fn save(&self, effects: &[Effect]) -> bool {
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
        changed.is_empty() || self.write(&changed)
    }

    fn write(&self, changed: &[&Response]) -> bool {
        let saved = self.insist(|| match self.store.save_responses(changed.iter().copied()) {
            Err(StoreError::Stale { .. }) => Ok(false),
            saved => saved.map(|()| true),
        });
        // Somebody else wrote one of them, which nobody should: the others must not suffer from it.
        match saved {
            Some(false) if changed.len() > 1 => changed.iter().all(|response| self.write(&[response])),
            Some(false) => {
                let ids: Vec<String> = changed.iter().map(|response| response.id.to_string()).collect();
                tracing::error!(
                    ?ids,
                    "a response was changed behind the responder's back; its next step is not stored"
                );
                true
            }
            Some(true) => true,
            None => false,
        }
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
                | fleetward_fleet::Action::Quarantine
                | fleetward_fleet::Action::Release
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
