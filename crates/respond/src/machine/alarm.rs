//! What the machine itself has to report: a response that did not work, a rule that ran into its budget.

use std::sync::Arc;

use fleetward_fleet::{
    Action, DeviceId, Finding, FindingId, FindingState, ResponseId, ResponseState, SessionKey, Severity, Timestamp,
};

use super::budget::Over;
use super::intake::{born, response_id};
use super::{Effect, Live, Machine, Notice};

impl Machine {
    /// Failed, and somebody has to know: a finding of our own, told to the alarm channels.
    pub(super) fn fail_and_alarm(&mut self, now: Timestamp, id: ResponseId, note: &str, out: &mut Vec<Effect>) {
        let Some(live) = self.live.get(&id) else { return };
        let finding = failed_finding(live, now, note);
        self.finish(now, id, ResponseState::Failed, note, out);
        self.raise(now, finding, out);
    }

    /// Once a rule and hour of the clock: the finding's id follows from both, so a restart does not tell it again.
    pub(super) fn alarm_over_budget(&mut self, now: Timestamp, rule: &str, why: &str, out: &mut Vec<Effect>) {
        let hour = now.0.div_euclid(HOUR_MS);
        if self.over_budget_told.insert(rule.into(), hour) == Some(hour) {
            return;
        }
        self.raise(now, over_budget_finding(rule, why, now), out);
    }

    fn raise(&mut self, now: Timestamp, finding: Finding, out: &mut Vec<Effect>) {
        let finding = Arc::new(finding);
        out.push(Effect::Raise(Arc::clone(&finding)));
        let notice = Notice { finding: Arc::clone(&finding), groups: Arc::from([]) };
        for channel in self.settings.alarm_channels.clone() {
            let action = Action::Notify { channel };
            let id = response_id(&finding, &action);
            if self.knows(id) {
                continue;
            }
            let mut live = Live::new(born(id, &finding, action, now));
            live.notice = Some(notice.clone());
            self.admit(live);
            self.enter(now, id, ResponseState::Approved, Some(now), format!("rule {}", finding.rule), out);
            self.start(now, id, out);
        }
    }
}

/// Why it waits, in words.
pub(super) fn over_budget(rule: &str, over: &Over) -> String {
    match over {
        Over::Rule(limit) => {
            format!("over budget: rule {rule} touched {limit} devices within the hour; a person decides")
        }
        Over::Group { name, most, size } => format!(
            "over budget: {most} of the {size} devices of group {name} were touched within the hour; a person decides \
             on rule {rule}"
        ),
        Over::Fleet(limit) => {
            format!("over budget: all rules together touched {limit} devices within the hour; a person decides")
        }
    }
}

fn failed_finding(live: &Live, now: Timestamp, note: &str) -> Finding {
    let response = &live.response;
    let session = match &response.action {
        Action::Disconnect { session } | Action::ChangeOfAuthorization { session, .. } => Some(session.clone()),
        Action::SuspendSim | Action::ResumeSim | Action::Quarantine | Action::Release | Action::Notify { .. } => None,
    };
    let subject = live.subject.as_deref().map_or_else(|| response.device.to_string().into(), Box::from);
    let steps: Vec<&str> = response.history.iter().map(|step| step.note.as_str()).collect();
    Finding {
        device: response.device,
        session,
        expected: format!("the effect of {} is observed", response.action.name()),
        observed: format!("{note} ({})", steps.join("; ")),
        advice: format!(
            "Stop the device at the gateway or with the SIM's provider by hand, then check the NAS's profile. Response {}.",
            response.id
        ),
        ..internal(CONTAINMENT_FAILED, response.id.0 as u64, subject, "A response did not work", now)
    }
}

fn over_budget_finding(rule: &str, why: &str, now: Timestamp) -> Finding {
    Finding {
        severity: Severity::High,
        expected: "a rule stays within the number of devices that it may touch in an hour".into(),
        observed: why.into(),
        advice: format!(
            "Look at rule {rule}: either much is wrong in the fleet, or the rule is. Then approve or reject."
        ),
        id: FindingId::of(OVER_BUDGET, DeviceId::of(rule).0, now.0 - now.0.rem_euclid(HOUR_MS)),
        ..internal(OVER_BUDGET, 0, rule.into(), "A rule ran into its budget", now)
    }
}

fn internal(rule: &str, key: u64, subject: Box<str>, title: &str, now: Timestamp) -> Finding {
    Finding {
        id: FindingId::of(rule, key, now.0),
        rule: rule.into(),
        rule_version: 1,
        device: DeviceId(0),
        subject,
        severity: Severity::Critical,
        title: title.into(),
        expected: String::new(),
        observed: String::new(),
        advice: String::new(),
        tags: Vec::new(),
        first_seen: now,
        last_seen: now,
        observed_at: now,
        count: 1,
        evidence: Vec::new(),
        session: None::<SessionKey>,
        late: false,
        confidence: String::new(),
        state: FindingState::New,
    }
}

const HOUR_MS: i64 = 3_600_000;
/// The rule name of a finding about a response that did not work.
const CONTAINMENT_FAILED: &str = "fleetward.containment-failed";
/// The rule name of a finding about a rule that ran into its budget.
const OVER_BUDGET: &str = "fleetward.over-budget";
