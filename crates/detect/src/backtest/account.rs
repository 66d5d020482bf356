//! Findings become figures.

use std::collections::{BTreeMap, HashSet};

use fleetward_fleet::{DeviceId, Timestamp};
use fleetward_rules::{Respond, Rule, RuleSet, Subject};

use super::budget::Hour;
use super::compare::Episodes;
use super::{Example, Report, RuleReport, Span, Would};
use crate::{Output, Raised};

/// Examples of a rule.
const EXAMPLES: usize = 10;
const DAY_MS: i64 = 86_400_000;

/// What was said so far.
#[derive(Debug)]
pub struct Account {
    span: Span,
    rules: BTreeMap<Box<str>, Entry>,
    fleet: Hour,
}

/// One rule.
#[derive(Debug, Default)]
struct Entry {
    alarms: u64,
    untold: u64,
    at_least: u64,
    late: u64,
    per_day: BTreeMap<i64, u64>,
    subjects: HashSet<Box<str>>,
    shown: HashSet<DeviceId>,
    examples: Vec<Example>,
    would: BTreeMap<&'static str, (Would, HashSet<DeviceId>)>,
    hour: Hour,
    /// For the comparison with another version.
    episodes: Episodes,
}

impl Account {
    /// Nothing yet. `rules`: those of which something is to be said, even if they find nothing.
    pub fn new(span: Span, rules: &RuleSet) -> Self {
        let rules = rules.rules().iter().map(|rule| (rule.name.clone(), Entry::default())).collect();
        Self { span, rules, fleet: Hour::default() }
    }

    /// Takes one output of the replay in. Those of one device come in order.
    pub fn note(&mut self, output: &Output) {
        match output {
            Output::Finding(raised) => self.found(raised),
            Output::FindingUpdated(raised) => self.found_again(raised),
            _ => {}
        }
    }

    fn counts(&self, raised: &Raised) -> bool {
        (self.span.from..self.span.to).contains(&raised.finding.observed_at)
    }

    fn found(&mut self, raised: &Raised) {
        let (finding, counts) = (&raised.finding, self.counts(raised));
        let entry = self.rules.entry(finding.rule.clone()).or_default();
        entry.episodes.begin(raised, counts, example(raised));
        if !counts {
            return;
        }
        let day = finding.observed_at.0.div_euclid(DAY_MS);
        let today = entry.per_day.entry(day).or_default();
        *today += 1;
        let is_untold = raised.rule.budget.max_alarms_per_day.is_some_and(|most| *today > u64::from(most));
        entry.alarms += 1;
        entry.untold += u64::from(is_untold);
        entry.late += u64::from(finding.late);
        entry.at_least += u64::from(finding.confidence.contains(fleetward_rules::AT_LEAST));
        entry.subjects.insert(finding.subject.clone());
        if entry.examples.len() < EXAMPLES && (entry.shown.insert(finding.device) || finding.device == DeviceId(0)) {
            entry.examples.push(example(raised));
        }
        self.respond(raised, is_untold);
    }

    fn found_again(&mut self, raised: &Raised) {
        if let Some(entry) = self.rules.get_mut(&raised.finding.rule) {
            entry.episodes.go_on(raised);
        }
        if self.counts(raised) {
            self.respond(raised, false);
        }
    }

    /// What would be done about it, within the budgets; beyond that of its alarms nobody is told.
    fn respond(&mut self, raised: &Raised, is_untold: bool) {
        let Some(entry) = self.rules.get_mut(&raised.finding.rule) else { return };
        let per_hour = raised.rule.budget.max_actions_per_hour.unwrap_or(self.span.rule_per_hour);
        let now = raised.finding.observed_at;
        for respond in raised.responds.iter().filter(|respond| !is_untold || respond.action.is_intervention()) {
            let (would, devices) = entry.would.entry(respond.action.name()).or_default();
            if !respond.action.is_intervention() {
                would.done += 1;
                devices.extend(Some(raised.finding.device).filter(|device| *device != DeviceId(0)));
                continue;
            }
            for device in aims(raised) {
                if respond.needs_approval {
                    would.waiting += 1;
                } else if entry.hour.has_room(*device, per_hour, now)
                    && self.fleet.has_room(*device, self.span.fleet_per_hour, now)
                {
                    entry.hour.take(*device, now);
                    self.fleet.take(*device, now);
                    would.done += 1;
                    devices.insert(*device);
                } else {
                    would.over_budget += 1;
                }
            }
        }
    }

    /// The result; `against`: the same replay by other versions of them.
    pub fn report(self, rules: &RuleSet, records: u64, against: Option<(&Self, &RuleSet)>) -> Report {
        let days = days(self.span);
        let rules = rules.rules().iter().map(|rule| {
            let empty = Entry::default();
            let entry = self.rules.get(&rule.name).unwrap_or(&empty);
            let difference = against.and_then(|(account, set)| {
                let other = set.rule(&rule.name)?;
                let old = &account.rules.get(&rule.name).unwrap_or(&empty).episodes;
                Some(entry.episodes.against(old, other.version, other.file.clone()))
            });
            RuleReport { difference, ..entry.report(rule, days) }
        });
        let rules = rules.collect();
        Report { from: self.span.from, to: self.span.to, records, days, nanos_per_record: None, rules }
    }
}

impl Entry {
    fn report(&self, rule: &Rule, days: f64) -> RuleReport {
        let subjects = self.subjects.len() as u64;
        RuleReport {
            rule: rule.name.clone(),
            version: rule.version,
            severity: rule.severity,
            is_about_nobody: false,
            alarms: self.alarms,
            #[expect(clippy::cast_precision_loss, reason = "an average")]
            alarms_per_day: (days >= 1.0).then(|| self.alarms as f64 / days),
            per_day: self.per_day.iter().map(|(day, alarms)| (date(*day), *alarms)).collect(),
            per: rule.subject.name(),
            subjects,
            devices: (rule.subject == Subject::Device).then_some(subjects),
            untold: self.untold,
            at_least: self.at_least,
            late: self.late,
            would: self.would.iter().map(|(name, would)| (*name, counted(would))).collect(),
            examples: self.examples.clone(),
            difference: None,
        }
    }
}

/// Whom an intervention is aimed at: the device, or all that took part.
fn aims(raised: &Raised) -> &[DeviceId] {
    match &raised.finding.device {
        DeviceId(0) => &raised.devices,
        device => std::slice::from_ref(device),
    }
}

fn counted((would, devices): &(Would, HashSet<DeviceId>)) -> Would {
    Would { devices: devices.len() as u64, ..would.clone() }
}

#[expect(clippy::cast_precision_loss, reason = "days, not nanoseconds")]
fn days(span: Span) -> f64 {
    (span.to.0 - span.from.0) as f64 / DAY_MS as f64
}

fn date(day: i64) -> String {
    Timestamp(day * DAY_MS).to_string().chars().take(10).collect()
}

fn example(raised: &Raised) -> Example {
    let finding = &raised.finding;
    let names = |respond: &Respond| respond.action.name();
    Example {
        id: finding.id,
        at: finding.first_seen,
        subject: finding.subject.clone(),
        title: finding.title.clone(),
        expected: finding.expected.clone(),
        observed: finding.observed.clone(),
        confidence: finding.confidence.clone(),
        responses: raised.responds.iter().map(names).collect(),
    }
}
