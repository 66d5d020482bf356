//! Holds what was found against what was injected. Every number of the summary is computed here.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use fleetward_fleet::{Action, DeviceId, Finding, ResponseState, Severity, Timestamp};
use fleetward_testkit::load::LoadReport;
use fleetward_testkit::story::{Event as StoryEvent, Expect, Injection, Truth};
use serde::Serialize;

use crate::server::Event;

/// A misuse that showed less than this before the end is neither found nor missed yet.
const GRACE: Duration = Duration::from_secs(5);

/// What is known so far.
pub(super) struct Score {
    names: HashMap<DeviceId, Box<str>>,
    /// By device: when its misuse began.
    misused: HashMap<Box<str>, Timestamp>,
    /// By device: the first finding since its misuse began.
    found: HashMap<Box<str>, Timestamp>,
    /// Devices with a disconnect that was verified.
    verified: HashSet<Box<str>>,
    false_alarms: Vec<String>,
    /// The device of the site that was taken over, and when.
    taken_over: Option<(Box<str>, Timestamp)>,
    /// Rules that spoke of it.
    spoke: Vec<Box<str>>,
    /// Running figures for the progress line.
    pub(super) open: i64,
    pub(super) findings: u64,
    pub(super) sessions: u64,
    excused: usize,
}

impl Score {
    /// For a story with these devices.
    pub(super) fn new(devices: Vec<(DeviceId, Box<str>)>) -> Self {
        Self {
            names: devices.into_iter().collect(),
            misused: HashMap::new(),
            found: HashMap::new(),
            verified: HashSet::new(),
            false_alarms: Vec::new(),
            taken_over: None,
            spoke: Vec::new(),
            open: 0,
            findings: 0,
            sessions: 0,
            excused: 0,
        }
    }

    /// Takes note of what really happened.
    pub(super) fn saw(&mut self, event: &StoryEvent) {
        match event {
            StoryEvent::Injected(injection) => {
                self.misused.insert(injection.device.clone(), injection.at);
            }
            StoryEvent::Opened(_) => self.sessions += 1,
            _ => {}
        }
    }

    /// A device of the site is another's from now on.
    pub(super) fn taken_over(&mut self, device: &str, at: Timestamp) {
        self.misused.insert(device.into(), at);
        self.taken_over = Some((device.into(), at));
    }

    /// Takes note of what the server said.
    pub(super) fn heard(&mut self, event: &Event) {
        match event {
            Event::SessionOpened(_) => self.open += 1,
            Event::SessionEnded(_) => self.open -= 1,
            Event::Finding(finding) => self.finding(finding),
            Event::Cleared(..) => {}
            Event::Excused(_) => self.excused += 1,
            Event::Response(response) => {
                let disconnect = matches!(response.action, Action::Disconnect { .. });
                if disconnect && response.state == ResponseState::Verified {
                    self.verified.extend(self.names.get(&response.device).cloned());
                }
            }
        }
    }

    /// The name of a device of the story.
    pub(super) fn name(&self, device: DeviceId) -> Option<&str> {
        self.names.get(&device).map(AsRef::as_ref)
    }

    fn finding(&mut self, finding: &Finding) {
        self.findings += 1;
        let name = self.names.get(&finding.device);
        // A finding carries the record's own second; the injection knows milliseconds.
        let since = |at: Timestamp| finding.observed_at + Duration::from_secs(1) >= at;
        match name.and_then(|name| self.misused.get_key_value(name)) {
            Some((name, at)) if since(*at) => {
                if self.taken_over.as_ref().is_some_and(|(device, _)| device == name) {
                    self.spoke.push(finding.rule.clone());
                }
                self.found.entry(name.clone()).or_insert(finding.observed_at);
            }
            // Worth a line, says its own severity; no alarm.
            _ if finding.device == DeviceId(0) || finding.severity == Severity::Info => {}
            _ => {
                let about = name.map_or(finding.subject.as_ref(), AsRef::as_ref);
                self.false_alarms.push(format!("{} on {about}: {}", finding.rule, finding.observed));
            }
        }
    }

    /// The end of it.
    pub(super) fn summary(&self, truth: &Truth, load: Option<&LoadReport>, now: Timestamp) -> Summary {
        let shown = |injection: &&Injection| injection.shown_at.is_some() || injection.rejected || injection.admitted;
        let shown: Vec<&Injection> = truth.injections.iter().filter(shown).collect();
        let is_found = |injection: &Injection| self.found.contains_key(&injection.device);
        let is_recent = |injection: &Injection| now.since(injection.shown_at.unwrap_or(injection.at)) < GRACE;
        let (unfound, found): (Vec<&Injection>, Vec<&Injection>) =
            shown.iter().copied().partition(|injection| !is_found(injection));
        let (recent, missed): (Vec<&Injection>, Vec<&Injection>) =
            unfound.into_iter().partition(|injection| is_recent(injection));
        let to_stop = |injection: &&&Injection| injection.expects == Expect::Disconnect && injection.disconnected;
        let mut times: Vec<Duration> = shown.iter().filter(to_stop).filter_map(|injection| injection.to_stop).collect();
        times.sort_unstable();
        let count = |wanted: &dyn Fn(&Injection) -> bool| shown.iter().filter(|injection| wanted(injection)).count();
        let is_stopped = |injection: &Injection| injection.disconnected && self.verified.contains(&injection.device);
        let is_settled = |injection: &Injection| match injection.expects {
            Expect::Disconnect => is_stopped(injection),
            Expect::Rejection | Expect::Approval => injection.is_as_expected(),
        };
        let noticed = self.taken_over.as_ref().and_then(|(device, at)| Some(self.found.get(device)?.since(*at)));
        Summary {
            taken_over: usize::from(self.taken_over.is_some()),
            taken_over_noticed: usize::from(noticed.is_some()),
            seconds_to_notice: noticed.map(|time| time.as_secs_f64()),
            taken_over_rules: each_once(&self.spoke),
            injected: shown.len(),
            found: found.len(),
            verified_stopped: count(&is_stopped),
            refused_at_admission: count(&|injection| {
                injection.expects == Expect::Rejection && injection.is_as_expected()
            }),
            waiting_for_a_person: count(&|injection| {
                injection.expects == Expect::Approval && injection.is_as_expected()
            }),
            found_not_stopped: found
                .iter()
                .filter(|injection| !is_stopped(injection) && !is_settled(injection))
                .count(),
            missed: missed.len(),
            too_recent_to_say: recent.len(),
            false_alarms: self.false_alarms.len(),
            median_time_to_stop_ms: quantile(&times, 0.5),
            p99_time_to_stop_ms: quantile(&times, 0.99),
            stops_timed: times.len(),
            wrongly_disconnected: truth.wrongly_disconnected,
            wrongly_rejected: truth.wrongly_rejected,
            sessions: truth.opened,
            accounting_acknowledged: truth.acknowledged,
            nuisances: truth.nuisances.len(),
            announced_and_excused: self.excused,
            load_requests: load.map_or(0, |load| load.requests),
            load_per_s: load.map_or(0.0, |load| load.per_s),
            missed_list: missed.iter().map(|injection| describe(injection)).collect(),
            false_alarm_list: self.false_alarms.clone(),
        }
    }
}

fn describe(injection: &Injection) -> String {
    format!("{} on {}", injection.misuse.describe(), injection.device)
}

/// Milliseconds at this quantile (nearest rank); `None` where there is nothing.
fn quantile(sorted: &[Duration], q: f64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "a rank within a short list")]
    let rank = (sorted.len() as f64 * q).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).map(|time| (time.as_secs_f64() * 1e6).round() / 1e3)
}

/// What was injected, what was found, how fast, what was missed, how many false alarms.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Summary {
    injected: usize,
    found: usize,
    verified_stopped: usize,
    refused_at_admission: usize,
    waiting_for_a_person: usize,
    /// Found, and no rule may stop it by itself, or the demo ended before it was.
    found_not_stopped: usize,
    missed: usize,
    too_recent_to_say: usize,
    false_alarms: usize,
    median_time_to_stop_ms: Option<f64>,
    p99_time_to_stop_ms: Option<f64>,
    stops_timed: usize,
    wrongly_disconnected: u64,
    wrongly_rejected: u64,
    sessions: u64,
    accounting_acknowledged: u64,
    nuisances: usize,
    announced_and_excused: usize,
    load_requests: u64,
    load_per_s: f64,
    /// Devices of the site that were taken over, seen by their packets alone.
    taken_over: usize,
    taken_over_noticed: usize,
    seconds_to_notice: Option<f64>,
    taken_over_rules: Vec<String>,
    missed_list: Vec<String>,
    false_alarm_list: Vec<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{} sessions, {} accounting records acknowledged, {} harmless oddities",
            self.sessions, self.accounting_acknowledged, self.nuisances
        )?;
        if self.load_requests > 0 {
            writeln!(f, "beside {} requests of background load, {:.0} a second", self.load_requests, self.load_per_s)?;
        }
        for missed in &self.missed_list {
            writeln!(f, "missed: {missed}")?;
        }
        for alarm in &self.false_alarm_list {
            writeln!(f, "false alarm: {alarm}")?;
        }
        if self.too_recent_to_say > 0 {
            writeln!(f, "{} misuses showed in the last seconds and are not counted as missed", self.too_recent_to_say)?;
        }
        writeln!(f, "injected          {}", self.injected)?;
        writeln!(f, "found             {}", self.found)?;
        writeln!(
            f,
            "verified stopped  {} (and {} refused at admission, {} left to a person: safety-critical)",
            self.verified_stopped, self.refused_at_admission, self.waiting_for_a_person
        )?;
        if self.found_not_stopped > 0 {
            writeln!(f, "found, goes on    {} (a person decides, or the demo ended first)", self.found_not_stopped)?;
        }
        if self.announced_and_excused > 0 {
            writeln!(
                f,
                "announced         {} deviations of a planned change, no findings",
                self.announced_and_excused
            )?;
        }
        if let Some(seconds) = self.seconds_to_notice {
            writeln!(
                f,
                "taken over        {}, noticed by its packets after {seconds:.1} s ({})",
                self.taken_over,
                self.taken_over_rules.join(", ")
            )?;
        } else if self.taken_over > 0 {
            writeln!(f, "taken over        {}, not noticed", self.taken_over)?;
        }
        writeln!(f, "missed            {}", self.missed)?;
        writeln!(f, "false alarms      {}", self.false_alarms)?;
        match (self.median_time_to_stop_ms, self.p99_time_to_stop_ms) {
            (Some(median), Some(p99)) => write!(
                f,
                "time to stop      median {median:.1} ms, p99 {p99:.1} ms ({} stops, from the packet that showed it to the Disconnect)",
                self.stops_timed
            ),
            _ => write!(f, "time to stop      not measured: nothing was stopped"),
        }
    }
}

/// In the order in which they first spoke.
fn each_once(rules: &[Box<str>]) -> Vec<String> {
    let mut named: Vec<String> = Vec::new();
    for rule in rules {
        if !named.iter().any(|known| **known == **rule) {
            named.push(rule.to_string());
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_spoke_often_is_named_once() {
        assert_eq!(each_once(&["scan".into(), "flood".into(), "scan".into()]), ["scan", "flood"]);
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!((quantile(&times, 0.5), quantile(&times, 0.99), quantile(&[], 0.5)), (Some(50.0), Some(99.0), None));
    }
}
