//! What audits found on devices: faults become findings, one for each address, check and port, which the next audit
//! confirms, resolves or opens again.
//!
//! A finding ends only where a later audit looked at what it rests on and it was gone ([`Exposure::knows`]): a part of an
//! audit, a port that did not answer and another address of the device end nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use fleetward_fleet::exposure::Weakness;
use fleetward_fleet::{DeviceId, Exposure, Finding, FindingId, FindingState, Timestamp};
use fleetward_rules::{Options, Rule, RuleSet};
use serde::{Deserialize, Serialize};

use super::judge::subject;
use super::{PartitionState, Record, Told};
use crate::{Output, Raised};

/// Faults of one device that are remembered, gone ones included.
const MOST: usize = 512;

/// Faults of devices, by what they are about. Beside the devices' entries: few devices have any.
pub(super) type Exposed = BTreeMap<DeviceId, BTreeMap<Place, Known>>;

/// What a fault is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    /// Of the device's addresses, where.
    address: IpAddr,
    check: Box<str>,
    port: Option<(u8, u16)>,
    /// For what concerns the whole device, what it rests on.
    rests_on: Option<Box<str>>,
}

/// A fault that was found once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    first: Timestamp,
    last: Timestamp,
    /// How many audits found it.
    count: u64,
    is_open: bool,
    by: Option<Box<str>>,
}

impl PartitionState {
    pub(super) fn exposure(&mut self, record: &Record<'_>, exposure: &Exposure, out: &mut Told<'_>) {
        let place = self.place_of(record, out);
        let device = record.observation.device;
        let Some(rule) = rule() else { return };
        let mut faults = self.exposed.remove(&device).unwrap_or_default();
        gone(device, record, exposure, &mut faults, out);
        for fault in &exposure.faults {
            let key = key(exposure, fault);
            if faults.len() >= MOST && !faults.contains_key(&key) {
                continue;
            }
            let fresh = Known { first: record.at, last: record.at, count: 0, is_open: false, by: None };
            let known = faults.entry(key).or_insert(fresh);
            if record.at < known.last {
                continue; // a later audit was told before
            }
            let is_known = known.is_open;
            (known.last, known.count, known.is_open) = (record.at, known.count + 1, true);
            known.by.clone_from(&fault.by);
            let finding = finding(record, &self.devices.at(place).name, exposure, fault, known);
            let entry = self.devices.at(place);
            let subject = subject(entry, self.classes.get(entry.class), &self.names, record);
            let (sessions, devices, responds) = (Vec::new(), Vec::new(), Vec::new());
            let raised = Box::new(Raised { finding, rule: Arc::clone(&rule), responds, subject, sessions, devices });
            self.tally.findings += u64::from(!is_known);
            out.push(if is_known { Output::FindingUpdated(raised) } else { Output::Finding(raised) });
        }
        if !faults.is_empty() {
            self.exposed.insert(device, faults);
        }
    }
}

/// Ends what this audit looked for and did not find.
fn gone(
    device: DeviceId,
    record: &Record<'_>,
    exposure: &Exposure,
    faults: &mut BTreeMap<Place, Known>,
    out: &mut Told<'_>,
) {
    let named: Vec<Place> = exposure.faults.iter().map(|fault| key(exposure, fault)).collect();
    for (place, known) in faults.iter_mut().filter(|(place, _)| place.address == exposure.address) {
        let is_later = known.is_open && record.at > known.last && !named.contains(place);
        if !is_later || !exposure.knows(&place.check, place.port, known.by.as_deref()) {
            continue;
        }
        (known.is_open, known.last) = (false, record.at);
        out.push(Output::FindingCleared { id: id(device, place), device, at: record.at, count: known.count });
    }
}

fn key(exposure: &Exposure, fault: &Weakness) -> Place {
    let rests_on = if fault.port.is_none() { fault.by.clone() } else { None };
    Place { address: exposure.address, check: fault.check.clone(), port: fault.port, rests_on }
}

/// The same for every audit, so that what comes back is the finding that it was.
fn id(device: DeviceId, Place { address, check, port, rests_on }: &Place) -> FindingId {
    let (protocol, number) = port.unwrap_or_default();
    let rests_on = rests_on.as_deref().unwrap_or_default();
    FindingId::of(&format!("audit\0{address}\0{check}\0{protocol}\0{number}\0{rests_on}"), device.0, 0)
}

fn finding(record: &Record<'_>, name: &str, exposure: &Exposure, fault: &Weakness, known: &Known) -> Finding {
    let at = fault.port.map(|(protocol, port)| format!("{}/{port}", if protocol == 17 { "udp" } else { "tcp" }));
    let mut tags = fault.tags.clone();
    tags.push(format!("address:{}", exposure.address).into());
    tags.extend(at.iter().map(|at| format!("port:{at}").into()));
    Finding {
        id: id(record.observation.device, &key(exposure, fault)),
        rule: format!("audit-{}", fault.check).into(),
        rule_version: 1,
        device: record.observation.device,
        subject: name.into(),
        severity: fault.severity,
        title: at.map_or_else(|| fault.title.to_string(), |at| format!("{} ({at})", fault.title)),
        expected: fault.expected.to_string(),
        observed: fault.observed.to_string(),
        advice: fault.advice.to_string(),
        tags,
        first_seen: known.first,
        last_seen: record.at,
        observed_at: record.observation.observed_at,
        count: known.count,
        evidence: vec![record.offset],
        session: None,
        late: false,
        confidence: String::new(),
        state: FindingState::New,
    }
}

/// What stands behind all of them: no condition of its own, nothing is done.
fn rule() -> Option<Arc<Rule>> {
    static RULE: OnceLock<Option<Arc<Rule>>> = OnceLock::new();
    let text = "rule: audit\ntitle: what an audit found\nwhen: bytes < 0\nmode: notify-only\n";
    let made = || RuleSet::compile(&[("audit.yaml", text)], &Options::default()).ok()?.rule("audit").map(Arc::clone);
    RULE.get_or_init(made).clone()
}

#[cfg(test)]
mod tests {
    use fleetward_fleet::exposure::{Opening, Ports};
    use fleetward_fleet::{Body, Observation, Offset, Severity};

    use super::*;
    use crate::{Compiled, apply};

    fn fault(check: &str, port: u16, by: Option<&str>) -> Weakness {
        Weakness {
            check: check.into(),
            port: (port > 0).then_some((6, port)),
            severity: Severity::High,
            title: "t".into(),
            expected: "e".into(),
            observed: "o".into(),
            advice: "a".into(),
            tags: Vec::new(),
            by: by.map(Into::into),
        }
    }

    fn seen(settled: (u16, u16), faults: Vec<Weakness>, tried: &[&str]) -> Exposure {
        let (service, product, doubts) = ("telnet".into(), "".into(), Vec::new());
        let tried = tried.iter().map(|it| (*it).into()).collect();
        Exposure {
            address: [192, 0, 2, 1].into(),
            is_whole: true,
            settled: vec![Ports { protocol: 6, first: settled.0, last: settled.1 }],
            open: vec![Opening { protocol: 6, port: 23, service, product, doubts, tried }],
            faults,
            marks: Vec::new(),
        }
    }

    /// What each audit says, one an hour: `+` begins, `~` goes on, `-` ends.
    fn told(audits: Vec<Exposure>) -> (Vec<String>, Vec<FindingId>) {
        let compiled = Compiled::new(Arc::default(), []);
        let (mut state, mut ids) = (PartitionState::default(), Vec::new());
        let mut said = Vec::new();
        for (exposure, hour) in audits.into_iter().zip(1..) {
            let at = Timestamp::from_secs(hour * 3600);
            let (device, body) = (DeviceId(7), Body::Exposure(Box::new(exposure)));
            let (source, identity) = ("audit".into(), None);
            let observation = Observation { event_time: at, observed_at: at, source, device, identity, body };
            let mut out = Vec::new();
            apply(&mut state, [(Offset(hour.unsigned_abs()), &observation)], &compiled, &mut out);
            state = PartitionState::thaw(&state.freeze()).unwrap();
            said.push(
                out.iter()
                    .map(|output| match output {
                        Output::Finding(raised) => {
                            ids.push(raised.finding.id);
                            format!("+{}", raised.finding.rule)
                        }
                        Output::FindingUpdated(raised) => {
                            ids.push(raised.finding.id);
                            format!("~{}", raised.finding.rule)
                        }
                        Output::FindingCleared { id, .. } => {
                            ids.push(*id);
                            "-".to_owned()
                        }
                        other => panic!("{other:?}"),
                    })
                    .collect::<Vec<_>>()
                    .join(" "),
            );
        }
        (said, ids)
    }

    #[test]
    fn what_is_gone_is_resolved_and_what_is_back_is_the_same_finding() {
        let there = || vec![fault("plaintext-management", 23, None)];
        let (said, ids) = told(vec![
            seen((1, 100), there(), &[]),
            seen((1, 100), there(), &[]),
            seen((80, 80), vec![], &[]),
            seen((1, 100), vec![], &[]),
            seen((1, 100), vec![], &[]),
            seen((1, 100), there(), &[]),
        ]);
        let expected =
            ["+audit-plaintext-management", "~audit-plaintext-management", "", "-", "", "+audit-plaintext-management"];
        assert_eq!(said, expected);
        assert!(ids.iter().all(|id| *id == ids[0]));
    }

    #[test]
    fn a_password_is_gone_only_once_its_rule_was_tried_again() {
        let (said, _) = told(vec![
            seen((1, 100), vec![fault("password-known", 23, Some("mine:1 root"))], &["mine:1 root"]),
            seen((1, 100), vec![], &["empty root"]),
            seen((1, 100), vec![], &["mine:1 root"]),
        ]);
        assert_eq!(said, ["+audit-password-known", "", "-"]);
    }

    #[test]
    fn a_part_of_an_audit_ends_nothing_of_the_whole_device() {
        let part = Exposure { is_whole: false, ..seen((1, 10), vec![], &[]) };
        let (said, _) = told(vec![
            seen((1, 100), vec![fault("device-fell-silent", 0, None)], &[]),
            part,
            seen((1, 2), vec![], &[]),
        ]);
        assert_eq!(said, ["+audit-device-fell-silent", "", "-"]);
    }

    #[test]
    fn another_address_of_the_device_ends_nothing() {
        let other = |faults| Exposure { address: "fd00::1".parse().unwrap(), ..seen((1, 100), faults, &[]) };
        let telnet = || vec![fault("plaintext-management", 23, None)];
        let (said, ids) =
            told(vec![seen((1, 100), telnet(), &[]), other(vec![]), other(telnet()), seen((1, 100), vec![], &[])]);
        assert_eq!(said, ["+audit-plaintext-management", "", "+audit-plaintext-management", "-"]);
        assert!(ids[0] != ids[1] && ids[0] == ids[2]);
    }
}
