//! A report as observations for the journal: one for each address whose device is known.
//!
//! What the next audit may conclude follows from what this one says of itself: ports that answered, checks of which
//! nothing is known, rules that were tried ([`Exposure::knows`]).

use fleetward_fleet::exposure::{Exposure, Opening, Ports, Weakness};
use fleetward_fleet::{NetworkProfile, Timestamp};

use crate::access::Lists;
use crate::fact::{Access, Host, OpenPort, Outcome, Service, Transport};
use crate::judge::{Fault, NOT_IN_PROFILE, fingerprints};
use crate::ports::PortSet;
use crate::run::{Plan, Report};

/// Ranges of ports in one observation. What a host leaves out beyond them is not known of.
const MOST_RANGES: usize = 4096;

impl Report {
    /// The device's name with what was found at one of its addresses. `plan`: by what it was audited.
    pub fn exposures(&self, plan: &Plan) -> Vec<(Box<str>, Exposure)> {
        let known = self.hosts.iter().filter_map(|host| Some((host.device.clone()?, host)));
        known.map(|(device, host)| (device, self.exposure(host, plan))).collect()
    }

    fn exposure(&self, host: &Host, plan: &Plan) -> Exposure {
        let (began, lists) = (Timestamp(self.began), plan.passwords.as_deref());
        let profile = host.model.as_ref().and_then(|model| plan.profiles.get(model));
        let settled: Option<PortSet> = host.settled.parse().ok();
        let own = self.found.iter().filter(|found| found.hosts.contains(&host.address));
        let services = host.open.iter().filter_map(|open| open.service.as_ref());
        Exposure {
            address: host.address,
            is_whole: host.outcome == Outcome::Done,
            settled: settled.iter().flat_map(PortSet::spans).map(ports).take(MOST_RANGES).collect(),
            open: host.open.iter().map(|open| opening(host, open, lists, profile, began)).collect(),
            faults: own.map(|found| weakness(&found.fault)).collect(),
            marks: services.flat_map(fingerprints).map(Into::into).collect(),
        }
    }
}

fn opening(
    host: &Host,
    open: &OpenPort,
    lists: Option<&Lists>,
    profile: Option<&NetworkProfile>,
    began: Timestamp,
) -> Opening {
    let service = open.service.as_ref();
    let stated = service.into_iter().flat_map(|it| [&it.product, &it.version]).flatten();
    Opening {
        protocol: number(open.transport),
        port: open.port,
        service: service.map(|it| it.protocol.clone()).unwrap_or_default(),
        product: stated.map(|it| &**it).collect::<Vec<_>>().join(" ").into(),
        doubts: doubts(service, profile),
        tried: lists.map(|lists| lists.tried(host.address, open.port, began)).unwrap_or_default(),
    }
}

/// Checks of which nothing is known, though the port is open.
fn doubts(service: Option<&Service>, profile: Option<&NetworkProfile>) -> Vec<Box<str>> {
    let Some(service) = service else { return vec!["".into()] };
    let is_unasked = service.access == Access::Unasked;
    let access = ["plaintext-management", "no-authentication", "password-known"].into_iter().filter(|_| is_unasked);
    let is_cut = service.tls.as_ref().is_some_and(|tls| tls.cut.is_some());
    let has_tls = !service.encrypted || service.tls.is_some() && !is_cut;
    let tls = ["tls-", "certificate-"].into_iter().filter(|_| !has_tls);
    let ssh = Some("ssh-").filter(|_| &*service.protocol == "ssh" && service.ssh.is_none());
    let profile = Some(NOT_IN_PROFILE.name).filter(|_| profile.is_none());
    access.chain(tls).chain(ssh).chain(profile).map(Into::into).collect()
}

fn weakness(fault: &Fault) -> Weakness {
    Weakness {
        check: fault.check.clone(),
        port: fault.port.map(|(transport, port)| (number(transport), port)),
        severity: fault.severity,
        title: fault.title.as_str().into(),
        expected: fault.expected.as_str().into(),
        observed: format!("{}; {}", fault.observed, fault.why).into(),
        advice: fault.advice.as_str().into(),
        tags: fault.tags.clone(),
        by: fault.rests_on.clone(),
    }
}

fn ports((transport, first, last): (Transport, u16, u16)) -> Ports {
    Ports { protocol: number(transport), first, last }
}

/// Of IANA.
fn number(transport: Transport) -> u8 {
    if transport == Transport::Tcp { 6 } else { 17 }
}
