//! New responses: from findings, and from people.

use std::sync::Arc;

use fleetward_fleet::{
    Action, Actor, Finding, FindingState, Response, ResponseId, ResponseState, SessionKey, Timestamp, Transition,
};

use super::life::reverting_note;
use super::{
    Aim, Approval, Effect, FindingRaised, Live, Machine, ManualRequest, Mode, Notice, Refused, RespondSpec, Wish,
};
use crate::undo;

impl Machine {
    /// The ids of the responses that this finding may lead to: the caller looks up in the store those that
    /// [`Machine::knows`] does not know, and has the machine [`Machine::remember`] what it finds.
    pub fn ids_of(raised: &FindingRaised) -> Vec<ResponseId> {
        actions(raised).into_iter().map(|(action, _)| response_id(&raised.finding, &action)).collect()
    }

    pub(super) fn on_finding(&mut self, now: Timestamp, raised: &FindingRaised, out: &mut Vec<Effect>) {
        if raised.finding.state == FindingState::Suppressed || raised.mode == Mode::Off || raised.respond.is_empty() {
            return;
        }
        let actions = actions(raised);
        if raised.mode == Mode::DryRun {
            return self.note(&raised.finding, would_have(&raised.respond, &actions), out);
        }
        if actions.is_empty() && raised.mode == Mode::Enforce {
            return self.note(&raised.finding, "nothing to disconnect: no open session is known".into(), out);
        }
        let notice = Notice { finding: Arc::clone(&raised.finding), groups: raised.groups.clone().into() };
        for (action, approval) in actions {
            if raised.mode == Mode::NotifyOnly && action.is_intervention() {
                continue;
            }
            let id = response_id(&raised.finding, &action);
            if !self.knows(id) {
                self.take_in(now, raised, id, action, approval, &notice, out);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one caller; a struct would only name the same seven things again")]
    fn take_in(
        &mut self,
        now: Timestamp,
        raised: &FindingRaised,
        id: ResponseId,
        action: Action,
        approval: Approval,
        notice: &Notice,
        out: &mut Vec<Effect>,
    ) {
        let finding = &raised.finding;
        let intervenes = action.is_intervention();
        let response = born(id, finding, action, now);
        let verdict = if intervenes { self.verdict(now, raised, &response, approval, out) } else { Ok(()) };
        if verdict.is_err() && self.proposals >= self.settings.open_proposals {
            self.dropped_proposals += 1;
            let text = format!("{} not proposed: too many wait already", response.action.name());
            return self.note(finding, text, out);
        }
        let mut live = Live::new(response);
        live.notice = Some(notice.clone());
        live.subject = Some(Arc::from(&*finding.subject));
        self.admit(live);
        match verdict {
            Ok(()) => {
                let note = format!("rule {} version {}", finding.rule, finding.rule_version);
                self.enter(now, id, ResponseState::Approved, Some(now), note, out);
                self.start(now, id, out);
            }
            Err(why) => self.enter(now, id, ResponseState::Proposed, None, why, out),
        }
    }

    /// Whether automation may act by itself, or why it waits for a person.
    fn verdict(
        &mut self,
        now: Timestamp,
        raised: &FindingRaised,
        response: &Response,
        approval: Approval,
        out: &mut Vec<Effect>,
    ) -> Result<(), String> {
        if raised.critical {
            return Err("waits for a person: the device is safety-critical".into());
        }
        let age = now.since(raised.finding.observed_at);
        if age > self.settings.act_within {
            let hours = age.as_secs() / 3600;
            return Err(format!(
                "waits for a person: it was seen {hours} hours ago, and the device may be well by now"
            ));
        }
        if approval == Approval::Human {
            return Err(format!("waits for a person: rule {} asks for approval", raised.finding.rule));
        }
        if Aim::of(response).is_some_and(|aim| self.leaders.contains_key(&aim)) {
            return Ok(()); // it will join: nothing more happens to the device, so nothing is taken out of the budget
        }
        let rule = &raised.finding.rule;
        let per_hour = raised.budget_per_hour.unwrap_or(self.settings.rule_per_hour);
        self.budget.take(rule, per_hour, raised.finding.device, &raised.kin, now).map_err(|over| {
            let why = super::alarm::over_budget(rule, &over);
            self.alarm_over_budget(now, rule, &why, out);
            why
        })
    }

    pub(super) fn on_manual(
        &mut self,
        now: Timestamp,
        request: ManualRequest,
        reverts: Option<ResponseId>,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let ManualRequest { id, finding, device, action, by } = request;
        if self.knows(id) {
            return Err(Refused::Known);
        }
        let undo = undo::words(&action, id);
        let note = reverts.map_or_else(|| format!("asked for by {by}"), |original| reverting_note(original, &by));
        let response = Response {
            id,
            finding,
            device,
            action,
            state: ResponseState::Proposed,
            by: Actor::User(by),
            created_at: now,
            observed_at: now,
            attempts: 0,
            due_at: None,
            undo,
            history: Vec::new(),
        };
        self.admit(Live::new(response));
        self.enter(now, id, ResponseState::Approved, Some(now), note, out);
        self.start(now, id, out);
        Ok(())
    }

    pub(super) fn on_approve(
        &mut self,
        now: Timestamp,
        id: ResponseId,
        by: &str,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        self.proposed(id)?;
        self.enter(now, id, ResponseState::Approved, Some(now), format!("approved by {by}"), out);
        self.start(now, id, out);
        Ok(())
    }

    pub(super) fn on_reject(
        &mut self,
        now: Timestamp,
        id: ResponseId,
        by: &str,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        self.proposed(id)?;
        self.finish(now, id, ResponseState::Failed, &format!("refused by {by}; nothing was sent"), out);
        Ok(())
    }

    pub(super) fn on_revert(
        &mut self,
        now: Timestamp,
        original: &Response,
        id: ResponseId,
        by: &str,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        if let Some(live) = self.live.get(&original.id) {
            if live.response.state != ResponseState::Proposed {
                return Err(Refused::UnderWay);
            }
            self.finish(now, original.id, ResponseState::Reverted, &format!("withdrawn by {by}"), out);
            return Ok(());
        }
        if original.state == ResponseState::Reverted {
            return Err(Refused::AlreadyReverted);
        }
        // What was refused must not be undone: it would activate a SIM that somebody else suspended.
        if original.state == ResponseState::Failed && original.attempts == 0 {
            return Err(Refused::NothingSent);
        }
        let action = undo::of(&original.action).ok_or(Refused::NoWayBack(original.action.name()))?;
        let request = ManualRequest { id, finding: original.finding, device: original.device, action, by: by.into() };
        self.on_manual(now, request, Some(original.id), out)
    }

    /// Says it once a finding, however often the finding grows.
    fn note(&mut self, finding: &Finding, text: String, out: &mut Vec<Effect>) {
        let said = ResponseId::of(finding.id, "note", &text);
        if !self.seen.contains(said) {
            self.seen.insert(said);
            out.push(Effect::Note { finding: finding.id, device: finding.device, text });
        }
    }

    fn proposed(&self, id: ResponseId) -> Result<(), Refused> {
        match self.live.get(&id) {
            Some(live) if live.response.state == ResponseState::Proposed => Ok(()),
            _ => Err(Refused::NotProposed),
        }
    }
}

/// A response of a rule, not yet anywhere.
pub(super) fn born(id: ResponseId, finding: &Finding, action: Action, now: Timestamp) -> Response {
    Response {
        id,
        finding: Some(finding.id),
        device: finding.device,
        undo: undo::words(&action, id),
        action,
        state: ResponseState::Proposed,
        by: Actor::Rule(finding.rule.clone()),
        created_at: now,
        observed_at: finding.observed_at,
        attempts: 0,
        due_at: None,
        history: Vec::<Transition>::new(),
    }
}

/// The id of `action` because of `finding`.
pub(super) fn response_id(finding: &Finding, action: &Action) -> ResponseId {
    let target = match action {
        Action::Disconnect { session } | Action::ChangeOfAuthorization { session, .. } => {
            format!("{}/{}", session.nas, session.id)
        }
        Action::SuspendSim | Action::ResumeSim | Action::Quarantine | Action::Release => finding.device.to_string(),
        Action::Notify { channel } => channel.to_string(),
    };
    ResponseId::of(finding.id, action.name(), &target)
}

fn actions(raised: &FindingRaised) -> Vec<(Action, Approval)> {
    let named = raised.finding.session.as_ref();
    let sessions: Vec<&SessionKey> = named.map_or_else(|| raised.sessions.iter().collect(), |session| vec![session]);
    let mut actions = Vec::with_capacity(raised.respond.len());
    for RespondSpec { wish, approval } in &raised.respond {
        match wish {
            Wish::Disconnect => actions
                .extend(sessions.iter().map(|session| (Action::Disconnect { session: (*session).clone() }, *approval))),
            Wish::ChangeOfAuthorization { session_timeout_secs } => actions.extend(sessions.iter().map(|session| {
                let session = (*session).clone();
                let session_timeout_secs = *session_timeout_secs;
                (Action::ChangeOfAuthorization { session, session_timeout_secs }, *approval)
            })),
            Wish::SuspendSim => actions.push((Action::SuspendSim, *approval)),
            Wish::Quarantine => actions.push((Action::Quarantine, *approval)),
            Wish::Notify { channel } => actions.push((Action::Notify { channel: channel.clone() }, *approval)),
        }
    }
    actions
}

fn would_have(respond: &[RespondSpec], actions: &[(Action, Approval)]) -> String {
    let mut parts: Vec<String> = actions
        .iter()
        .map(|(action, approval)| {
            let target = match action {
                Action::Disconnect { session } | Action::ChangeOfAuthorization { session, .. } => {
                    format!(" ({}/{})", session.nas, session.id)
                }
                Action::Notify { channel } => format!(" ({channel})"),
                Action::SuspendSim | Action::ResumeSim | Action::Quarantine | Action::Release => String::new(),
            };
            let asks = if *approval == Approval::Human { " after approval" } else { "" };
            format!("{}{target}{asks}", action.name())
        })
        .collect();
    if parts.is_empty() {
        parts.extend(respond.iter().map(|spec| spec.wish.name().to_owned()));
    }
    format!("would have: {}", parts.join(", "))
}
