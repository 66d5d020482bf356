//! Disconnect and Change-of-Authorization: one key set of the NAS's profile after the other, until the session's end
//! was seen.
//!
//! An ACK is not the end: some NASes acknowledge before the session is gone, some acknowledge and do nothing
//! (RFC 5176 asks for neither). So an ACK starts a deadline for the Stop; without it the next key set is tried.
//! A Stop can overtake the ACK, which comes from another port: it verifies, and the note says that no answer was seen.
//! `attempts` counts key sets, not packets: retransmissions are the client's.

use std::time::Duration;

use fleetward_fleet::{Action, ResponseId, ResponseState, SessionKey, Timestamp};
use fleetward_radius::dae::ErrorCause;

use super::{Effect, Machine, NasAnswer};

impl Machine {
    /// Sends with the next key set; where none is left, asks the session table a last time.
    pub(super) fn send_next(&mut self, now: Timestamp, id: ResponseId, why: &str, out: &mut Vec<Effect>) {
        let Some(live) = self.live.get(&id) else { return };
        let Some(session) = session_of(&live.response.action) else { return };
        let nas = session.nas.clone();
        let Some(plan) = self.settings.nases.get(&nas).filter(|plan| plan.key_sets > 0) else {
            return self.no_profile(now, id, &nas, out);
        };
        if live.response.attempts as usize >= plan.key_sets {
            return self.confirm(now, id, why, out);
        }
        self.send(now, id, true, why, out);
    }

    /// Sends with the next key set, or (after a restart) with the one that was tried last.
    pub(super) fn send(&mut self, now: Timestamp, id: ResponseId, next: bool, why: &str, out: &mut Vec<Effect>) {
        let Some(live) = self.live.get_mut(&id) else { return };
        let Some(session) = session_of(&live.response.action).cloned() else { return };
        let Some(plan) = self.settings.nases.get(&session.nas).copied() else {
            return self.no_profile(now, id, &session.nas, out);
        };
        live.response.attempts += u32::from(next);
        live.outstanding = true;
        live.confirming = false;
        let attempt = live.response.attempts;
        let key_set = (attempt as usize).saturating_sub(1);
        let (what, session_timeout_secs) = match live.response.action {
            Action::ChangeOfAuthorization { session_timeout_secs, .. } => ("CoA", Some(session_timeout_secs)),
            _ => ("Disconnect", None),
        };
        let dash = if why.is_empty() { "" } else { "; " };
        let note =
            format!("{why}{dash}{what}-Request to {}, key set {} of {}", session.nas, key_set + 1, plan.key_sets);
        self.enter(now, id, ResponseState::Sent, Some(now + plan.answer_within + GRACE), note, out);
        out.push(Effect::Send { id, session, key_set, attempt, session_timeout_secs });
    }

    fn no_profile(&mut self, now: Timestamp, id: ResponseId, nas: &str, out: &mut Vec<Effect>) {
        let note =
            format!("the configuration does not say how to send a Disconnect to {nas} (`disconnect` of its client)");
        self.fail_and_alarm(now, id, &note, out);
    }

    pub(super) fn on_nas(
        &mut self,
        now: Timestamp,
        id: ResponseId,
        attempt: u32,
        answer: NasAnswer,
        out: &mut Vec<Effect>,
    ) {
        let Some(live) = self.live.get_mut(&id) else { return };
        if !live.outstanding || live.response.attempts != attempt {
            return; // an earlier attempt's answer: the current one decides
        }
        let Some(session) = session_of(&live.response.action).cloned() else { return };
        let Some(plan) = self.settings.nases.get(&session.nas).copied() else { return };
        live.outstanding = matches!(answer, NasAnswer::Queued);
        let what = if matches!(live.response.action, Action::Disconnect { .. }) { "Disconnect" } else { "CoA" };
        let nas = &session.nas;
        match answer {
            NasAnswer::Ack => {
                let due = now + live.verify_within(plan.verify_within);
                self.enter(now, id, ResponseState::Accepted, Some(due), format!("{what}-ACK from {nas}"), out);
            }
            NasAnswer::Nak { error_cause: Some(SESSION_NOT_FOUND) } if plan.not_found_is_gone => {
                let note = format!("{what}-NAK from {nas}: no such session (503); the session is marked as vanished");
                let due = now + plan.verify_within;
                self.enter(now, id, ResponseState::Accepted, Some(due), note, out);
                out.push(Effect::Reconcile { session });
            }
            NasAnswer::Nak { error_cause } => {
                let cause = error_cause.map_or_else(|| "without Error-Cause".into(), named);
                self.send_next(now, id, &format!("{what}-NAK from {nas} {cause}"), out);
            }
            NasAnswer::Timeout => self.send_next(now, id, &format!("no answer from {nas}"), out),
            NasAnswer::CannotSend { reason } => self.send_next(now, id, &format!("not sent: {reason}"), out),
            NasAnswer::Queued => self.put_off(id, now + IDENTIFIERS_REST + plan.answer_within + GRACE),
            NasAnswer::NotOpen => {
                self.finish(now, id, ResponseState::Verified, "the session was over before anything was sent", out);
            }
        }
    }

    pub(super) fn on_session_ended(
        &mut self,
        now: Timestamp,
        session: &SessionKey,
        cause: &str,
        out: &mut Vec<Effect>,
    ) {
        let ids = self.by_session.get(session).cloned().unwrap_or_default();
        for id in ids {
            // One that joined ends with its leader, which is in the list too.
            let Some(live) = self.live.get(&id).filter(|live| live.leader.is_none()) else { continue };
            if live.response.state == ResponseState::Proposed {
                let note = format!("the session ended before anybody decided ({cause}); nothing was sent");
                self.finish(now, id, ResponseState::Failed, &note, out);
            } else {
                let answered = if live.outstanding { " before the NAS's answer was seen" } else { "" };
                let note = format!("the session ended{answered}: {cause}");
                self.finish(now, id, ResponseState::Verified, &note, out);
            }
        }
    }

    /// The deadline for the Stop passed.
    pub(super) fn stop_missing(&mut self, now: Timestamp, id: ResponseId, out: &mut Vec<Effect>) {
        let Some(live) = self.live.get(&id) else { return };
        let why = "no Stop was seen in time";
        if matches!(live.response.action, Action::ChangeOfAuthorization { .. }) {
            return self.confirm(now, id, why, out); // it was accepted: asking again would only extend it
        }
        self.send_next(now, id, why, out);
    }

    /// Nothing is left to try: does the session table still have it?
    fn confirm(&mut self, now: Timestamp, id: ResponseId, why: &str, out: &mut Vec<Effect>) {
        let Some(live) = self.live.get_mut(&id) else { return };
        let Some(session) = session_of(&live.response.action).cloned() else { return };
        let was_outstanding = std::mem::take(&mut live.outstanding);
        live.confirming = true;
        let state = live.response.state;
        self.enter(now, id, state, Some(now + CONFIRM_WITHIN), format!("{why}; nothing is left to try"), out);
        if was_outstanding {
            out.push(Effect::Cancel { id });
        }
        out.push(Effect::Confirm { id, session });
    }

    pub(super) fn on_standing(&mut self, now: Timestamp, id: ResponseId, open: bool, out: &mut Vec<Effect>) {
        if !self.live.get(&id).is_some_and(|live| live.confirming) {
            return;
        }
        if open {
            self.containment_failed(now, id, out);
        } else {
            let note = "the session is no longer open in the session table";
            self.finish(now, id, ResponseState::Verified, note, out);
        }
    }

    pub(super) fn containment_failed(&mut self, now: Timestamp, id: ResponseId, out: &mut Vec<Effect>) {
        let note = "containment failed: every key set was tried and the session is still open";
        self.fail_and_alarm(now, id, note, out);
    }
}

impl super::Live {
    fn verify_within(&self, stop_within: Duration) -> Duration {
        match self.response.action {
            Action::ChangeOfAuthorization { session_timeout_secs, .. } => {
                stop_within + Duration::from_secs(session_timeout_secs.into())
            }
            _ => stop_within,
        }
    }
}

fn session_of(action: &Action) -> Option<&SessionKey> {
    match action {
        Action::Disconnect { session } | Action::ChangeOfAuthorization { session, .. } => Some(session),
        Action::SuspendSim | Action::ResumeSim | Action::Quarantine | Action::Release | Action::Notify { .. } => None,
    }
}

fn named(cause: u32) -> String {
    match ErrorCause(cause).name() {
        Some(name) => format!("Error-Cause {cause} ({name})"),
        None => format!("Error-Cause {cause}"),
    }
}

/// Error-Cause "Session Context Not Found" (RFC 5176 §3.5).
const SESSION_NOT_FOUND: u32 = ErrorCause::SESSION_CONTEXT_NOT_FOUND.0;
/// What the client may be late by before the machine stops waiting for it.
const GRACE: Duration = Duration::from_secs(5);
/// How long the session table may take to answer.
const CONFIRM_WITHIN: Duration = Duration::from_secs(10);
/// How long an identifier rests before it is used again (RFC 5176 §6.3); a queued request waits at most that long.
const IDENTIFIERS_REST: Duration = Duration::from_mins(5);
