//! `budget.max_alarms_per_day`: beyond it a rule's findings are still written down, and nobody is told of each.
//!
//! Counted per UTC day; a restart goes on counting from what the database has of today. Interventions have budgets of
//! their own, which the responder keeps.

use std::collections::HashMap;

use fleetward_detect::Raised;
use fleetward_fleet::Timestamp;
use fleetward_store::Store;

const DAY_SECS: i64 = 86_400;

/// Findings of today, by rule.
#[derive(Debug, Default)]
pub(super) struct Quota {
    day: i64,
    told: HashMap<Box<str>, u32>,
}

impl Quota {
    /// As far as the database has it: findings that were written down today count.
    pub(super) fn counted(store: &Store, now: Timestamp) -> Self {
        let day = now.secs().div_euclid(DAY_SECS);
        let told = store.count_findings_since(Timestamp::from_secs(day * DAY_SECS)).unwrap_or_else(|error| {
            tracing::warn!(%error, "alarms of today are counted from now on");
            Vec::new()
        });
        Self { day, told: told.into_iter().collect() }
    }

    /// Counts a new finding; beyond its rule's budget takes the notifications out of what is to be done.
    pub(super) fn count(&mut self, raised: &mut Raised, now: Timestamp) {
        let Some(most) = raised.rule.budget.max_alarms_per_day else { return };
        let day = now.secs().div_euclid(DAY_SECS);
        if day != self.day {
            self.day = day;
            self.told.clear();
        }
        let told = self.told.entry(raised.rule.name.clone()).or_default();
        *told = told.saturating_add(1);
        if *told <= most {
            return;
        }
        if *told == most + 1 {
            tracing::warn!(rule = %raised.rule.name, most, "the rule's alarms of today are used up: findings are kept, nobody is told");
        }
        raised.responds.retain(|respond| respond.action.is_intervention());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fleetward_detect::{Raised, Subject};
    use fleetward_fleet::{DeviceId, Finding, FindingId, FindingState, Severity, Timestamp};
    use fleetward_rules::{Options, RuleSet};

    use super::Quota;

    const RULE: &str = "rule: often\ntitle: often\nwhen: bytes > 0\nmode: enforce\nrespond: [notify: ops, disconnect]\n\
                        budget: { max_alarms_per_day: 1 }\n";

    fn raised() -> Raised {
        let rules = RuleSet::compile(&[("often.yaml", RULE)], &Options::default()).unwrap();
        let rule = Arc::clone(rules.rule("often").unwrap());
        let now = Timestamp(0);
        let finding = Finding {
            id: FindingId(1),
            rule: rule.name.clone(),
            rule_version: 1,
            device: DeviceId(1),
            subject: "meter".into(),
            severity: Severity::Low,
            title: String::new(),
            expected: String::new(),
            observed: String::new(),
            advice: String::new(),
            tags: Vec::new(),
            first_seen: now,
            last_seen: now,
            observed_at: now,
            count: 1,
            evidence: Vec::new(),
            session: None,
            late: false,
            confidence: String::new(),
            state: FindingState::New,
        };
        let subject = Subject { known: true, name: "meter".into(), model: None, groups: Vec::new(), critical: false };
        Raised { finding, responds: rule.responds.clone(), rule, subject, sessions: Vec::new(), devices: Vec::new() }
    }

    #[test]
    fn beyond_the_budget_nobody_is_told_until_tomorrow_and_interventions_go_on() {
        let mut quota = Quota::default();
        let mut asked = |at: i64| {
            let mut raised = raised();
            quota.count(&mut raised, Timestamp::from_secs(at));
            raised.responds.iter().map(|respond| respond.action.name()).collect::<Vec<_>>()
        };
        assert_eq!(asked(0), ["notify", "disconnect"]);
        assert_eq!(asked(60), ["disconnect"]);
        assert_eq!(asked(86_400), ["notify", "disconnect"]);
    }
}
