//! What is said, in one shape for every channel.

use fleetward_fleet::{Finding, ResponseId, Severity, Timestamp};
use serde::Serialize;

/// A message about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// Idempotent: the response's id. A message that comes twice carries it twice.
    #[serde(skip)]
    pub id: String,
    /// `finding` or `test`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The finding's id; empty in a test.
    pub finding: String,
    /// The rule.
    pub rule: Box<str>,
    /// How bad.
    pub severity: Severity,
    /// The device or group, masked.
    pub subject: Box<str>,
    /// The device's id.
    pub device: String,
    /// The device's groups.
    pub groups: Vec<Box<str>>,
    /// One line.
    pub title: String,
    /// What was expected.
    pub expected: String,
    /// What happened.
    pub observed: String,
    /// Since when.
    pub since: Timestamp,
    /// When we learnt of it.
    pub observed_at: Timestamp,
    /// How sure we are; empty where the rule is exact.
    pub confidence: String,
    /// What to do about it.
    pub advice: String,
    /// Provisions and techniques.
    pub tags: Vec<Box<str>>,
}

impl Notification {
    /// A message about `finding`. Its texts are masked already: that is a promise of whoever wrote the finding.
    pub fn about(id: ResponseId, finding: &Finding, groups: &[Box<str>]) -> Self {
        Self {
            id: id.to_string(),
            kind: "finding",
            finding: finding.id.to_string(),
            rule: finding.rule.clone(),
            severity: finding.severity,
            subject: finding.subject.clone(),
            device: finding.device.to_string(),
            groups: groups.to_vec(),
            title: finding.title.clone(),
            expected: finding.expected.clone(),
            observed: finding.observed.clone(),
            since: finding.first_seen,
            observed_at: finding.observed_at,
            confidence: finding.confidence.clone(),
            advice: finding.advice.clone(),
            tags: finding.tags.clone(),
        }
    }

    /// A message that says it is a test.
    pub fn test(now: Timestamp) -> Self {
        Self {
            id: format!("test-{}", now.0),
            kind: "test",
            finding: String::new(),
            rule: "fleetward.test".into(),
            severity: Severity::Info,
            subject: "no device".into(),
            device: String::new(),
            groups: Vec::new(),
            title: "Test of this channel".into(),
            expected: "this message arrives".into(),
            observed: "somebody asked for a test".into(),
            since: now,
            observed_at: now,
            confidence: String::new(),
            advice: "Nothing to do.".into(),
            tags: Vec::new(),
        }
    }

    /// The severity in upper case.
    pub(super) fn severity_name(&self) -> &'static str {
        match self.severity {
            Severity::Info => "INFO",
            Severity::Low => "LOW",
            Severity::Medium => "MEDIUM",
            Severity::High => "HIGH",
            Severity::Critical => "CRITICAL",
        }
    }

    /// One line, without control characters: `[HIGH] meter-17: SIM in another module`.
    pub(super) fn headline(&self) -> String {
        clean(&format!("[{}] {}: {}", self.severity_name(), self.subject, self.title), 200)
    }

    /// For people: a few labelled lines.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{}\n\n", self.headline());
        let since = self.since.to_string();
        let lines = [
            ("Expected", self.expected.as_str()),
            ("Observed", &self.observed),
            ("Since", &since),
            ("How sure", &self.confidence),
            ("What to do", &self.advice),
            ("Rule", &self.rule),
            ("Finding", &self.finding),
        ];
        for (label, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
            text.push_str(label);
            text.push_str(": ");
            text.push_str(&clean(value, 2000));
            text.push('\n');
        }
        text
    }
}

/// Control characters become spaces, and what is longer than `most` characters is cut: texts carry what devices said.
pub(super) fn clean(text: &str, most: usize) -> String {
    text.chars().take(most).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headline_is_one_line_whatever_a_device_calls_itself() {
        let mut notification = Notification::test(Timestamp(0));
        notification.subject = "evil\r\nBcc: everyone@example.com".into();
        assert!(!notification.headline().contains(['\r', '\n']));
    }

    #[test]
    fn reads_like_a_message() {
        insta::assert_snapshot!(Notification::test(Timestamp(1_795_000_000_000)).text(), @r"
        [INFO] no device: Test of this channel

        Expected: this message arrives
        Observed: somebody asked for a test
        Since: 2026-11-18T11:06:40.000Z
        What to do: Nothing to do.
        Rule: fleetward.test
        ");
    }
}
