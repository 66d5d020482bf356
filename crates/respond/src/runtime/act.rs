//! Effects become deeds: written down first, then Disconnects, then everything else.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::TrySendError;
use fleetward_fleet::{Actor, FindingId, ResponseId, SessionKey};

use super::ResponseEvent;
use super::hands::{Delivery, Task};
use super::run::Worker;
use crate::channel::Notification;
use crate::dac::Request;
use crate::machine::{Effect, Input, NasAnswer, Notice, Outcome};

impl Worker {
    /// `false` where it is stopping and could not write: then nothing was done.
    pub(super) fn act(&mut self, effects: &mut Vec<Effect>) -> bool {
        if effects.is_empty() {
            return true;
        }
        self.name_devices(effects);
        if !self.save(effects) {
            effects.clear();
            return false;
        }
        for effect in &*effects {
            match effect {
                Effect::Send { id, session, key_set, attempt, session_timeout_secs } => {
                    self.send(*id, session, *key_set, *attempt, *session_timeout_secs);
                }
                Effect::Cancel { id } => self.dac.cancel(*id),
                _ => {}
            }
        }
        for effect in effects.drain(..) {
            self.rest(effect);
        }
        self.metrics.dropped_proposals.store(self.machine.dropped_proposals(), Ordering::Relaxed);
        self.metrics.unfinished.store(self.machine.count_unfinished() as u64, Ordering::Relaxed);
        true
    }

    fn send(
        &self,
        id: ResponseId,
        session: &SessionKey,
        key_set: usize,
        attempt: u32,
        session_timeout_secs: Option<u32>,
    ) {
        let Some(target) = self.hooks.target(session) else {
            return self.back(Input::Nas { id, attempt, answer: NasAnswer::NotOpen });
        };
        let nas = session.nas.clone();
        let is_sent = self.dac.send(Request { id, attempt, nas, key_set, target, session_timeout_secs });
        if is_sent
            && attempt == 1
            && let Some(response) = self.machine.get(id)
            && matches!(response.by, Actor::Rule(_))
        {
            self.metrics.to_sent.add((self.clock)().since(response.observed_at));
        }
    }

    fn rest(&self, effect: Effect) {
        match effect {
            Effect::Persist(response) => self.hooks.event(ResponseEvent::Changed(Arc::from(response))),
            Effect::Raise(finding) => self.hooks.event(ResponseEvent::Raised(finding)),
            Effect::Note { finding, device, text } => self.hooks.event(ResponseEvent::Note { finding, device, text }),
            Effect::ChangeDevice { id, attempt, device, state } => {
                self.hand(Task::Change { id, attempt, device, state });
            }
            Effect::Isolate { id, attempt, device, cut } => self.hand(Task::Isolate { id, attempt, device, cut }),
            Effect::Reconcile { session } => self.hand(Task::Vanish(session)),
            Effect::Confirm { id, session } => {
                self.back(Input::Standing { id, open: self.hooks.target(&session).is_some() });
            }
            Effect::Notify { id, attempt, channel, notice, finding } => {
                if let Err(outcome) = self.notify(id, attempt, &channel, notice, finding) {
                    self.back(Input::Channel { id, attempt, outcome });
                }
            }
            Effect::Send { .. } | Effect::Cancel { .. } | Effect::Reverted { .. } => {} // done above, or in save()
        }
    }

    fn notify(
        &self,
        id: ResponseId,
        attempt: u32,
        channel: &str,
        notice: Option<Notice>,
        finding: Option<FindingId>,
    ) -> Result<(), Outcome> {
        let queue = self.queues.get(channel);
        let queue = queue.ok_or_else(|| Outcome::Refused(format!("no channel {channel} is configured")))?;
        let notification = match (notice, finding) {
            (Some(notice), _) => Notification::about(id, &notice.finding, &notice.groups),
            (None, Some(finding)) => {
                let found = self.store.finding(finding).map_err(|error| Outcome::Retry(error.to_string()))?;
                let found = found.ok_or_else(|| Outcome::Refused("the finding is gone".into()))?;
                Notification::about(id, &found.finding, &[])
            }
            (None, None) => return Err(Outcome::Refused("a notification needs a finding to tell of".into())),
        };
        queue.try_send(Delivery { id, attempt, notification }).map_err(|error| match error {
            TrySendError::Full(_) => Outcome::Retry("the channel's queue is full".into()),
            TrySendError::Disconnected(_) => Outcome::Retry("the channel's thread is gone".into()),
        })
    }

    fn hand(&self, task: Task) {
        drop(self.hands.send(task)); // gone only where its thread panicked; the machine's deadline reports it
    }

    fn back(&self, input: Input) {
        drop(self.inside.send(input)); // this very thread holds the receiver
    }
}
