//! What the rules of the second stage say becomes outputs.

use std::sync::Arc;

use fleetward_fleet::DeviceId;
use fleetward_rules::{Facts, Firing, Key, Respond, Rule, Subject as Kind};

use super::keys::{Known, Slot};
use crate::planned::{Excused, Planned};
use crate::{Output, Raised, Subject};

/// One firing as an output. Who took part is listed; a response to a finding about many devices is aimed at these.
pub(super) fn said(
    firing: Firing,
    key: &Key<'_>,
    slot: &Slot,
    facts: &Facts<'_>,
    is_estimated: bool,
    planned: &mut Planned,
) -> Option<Output> {
    let raised = |mut finding: Box<fleetward_fleet::Finding>, rule: Arc<Rule>, responds: Vec<Respond>| {
        if rule.is_estimated(&slot.rules) {
            finding.confidence =
                also(&finding.confidence, "estimated: more different values than are counted one by one");
        }
        if is_estimated {
            let why = format!("estimated: more {}s at once than there is room for", key.subject.name());
            finding.confidence = also(&finding.confidence, &why);
        }
        let devices = if key.subject == Kind::Device { Vec::new() } else { listed(&rule, slot, key.subject) };
        let subject = subject(key, facts, &finding.subject);
        Box::new(Raised { finding: *finding, rule, responds, subject, sessions: Vec::new(), devices })
    };
    Some(match firing {
        Firing::Started { rule, finding, responds } => Output::Finding(raised(finding, rule, responds)),
        Firing::Again { rule, finding, responds } => Output::FindingUpdated(raised(finding, rule, responds)),
        Firing::Cleared { id, at, count, .. } => {
            let device = if key.subject == Kind::Device { DeviceId(key.id) } else { DeviceId(0) };
            Output::FindingCleared { id, device, at, count }
        }
        Firing::Excused { rule, change, at } => {
            // It comes with what it excuses: a subject and a rule are told once.
            planned.know(&change);
            if !planned.is_news(&change, key.id ^ key.subject as u64, &rule.name) {
                return None;
            }
            let (device, subject) = match key.subject {
                Kind::Device => (DeviceId(key.id), facts.subject.into()),
                _ => (DeviceId(0), key.describe(facts).into()),
            };
            Output::Excused(Box::new(Excused {
                change: change.name.clone(),
                rule: rule.name.clone(),
                device,
                subject,
                at,
            }))
        }
    })
}

fn listed(rule: &Rule, slot: &Slot, subject: Kind) -> Vec<DeviceId> {
    let mut devices = rule.devices(&slot.rules);
    for device in slot.known.iter().flat_map(|known| &known.devices) {
        if !devices.contains(device) {
            devices.push(*device);
        }
    }
    devices.truncate(Known::listed(subject));
    devices
}

/// `name`: of the finding, identities masked.
fn subject(key: &Key<'_>, facts: &Facts<'_>, name: &str) -> Subject {
    let is_critical =
        facts.device.is_some_and(|device| device.critical) || facts.profile.is_some_and(|profile| profile.critical);
    let name: Box<str> = name.into();
    match key.subject {
        Kind::Device => Subject {
            known: facts.device.is_some(),
            name: facts.subject.into(),
            model: facts.device.and_then(|device| device.model.clone()),
            groups: facts.device.map(|device| device.groups.clone()).unwrap_or_default(),
            critical: is_critical,
        },
        kind => Subject {
            known: true,
            model: (kind == Kind::Model).then(|| name.clone()),
            groups: if kind == Kind::Group { vec![name.clone()] } else { Vec::new() },
            critical: is_critical,
            name,
        },
    }
}

fn also(confidence: &str, why: &str) -> String {
    if confidence.is_empty() { why.to_owned() } else { format!("{confidence}; {why}") }
}
