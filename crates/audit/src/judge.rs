//! What of the facts should not be: faults with severity, advice and provision.
//!
//! Pure: the same facts, profile and time give the same faults, in the same order. A fault exists once for a check and
//! port, so the next audit can tell what is gone and what is back.

mod advice;
mod check;
mod datagram;
mod fault;
mod gateway;
mod recycled;
mod service;
mod ssh;
mod surface;
mod tls;

use fleetward_fleet::{NetworkProfile, Timestamp};

pub(crate) use check::NOT_IN_PROFILE;
pub use check::{CHECKS, Check};
pub use fault::Fault;
pub(crate) use gateway::offer;
pub(crate) use recycled::fingerprints;
pub use recycled::recycled;

use crate::fact::Host;

/// What should not be on this host: against best practice, and against its model's profile where it has one.
pub fn faults(host: &Host, profile: Option<&NetworkProfile>, now: Timestamp) -> Vec<Fault> {
    let mut found = surface::silent(host);
    for open in &host.open {
        let at = (open.transport, open.port);
        found.extend(surface::not_in_profile(open, profile));
        let Some(service) = &open.service else { continue };
        found.extend(service::faults(at, service));
        found.extend(datagram::faults(at, service, host.address));
        found.extend(service.tls.as_ref().into_iter().flat_map(|it| tls::faults(at, service, it, host, now)));
        found.extend(ssh::faults(at, service));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{Access, OpenPort, Outcome, Service, Transport};

    /// A host with one open port.
    pub(super) fn host(transport: Transport, port: u16, service: Service) -> Host {
        let open = vec![OpenPort { transport, port, service: Some(service) }];
        let (device, model) = (None, None);
        let address = [192, 0, 2, 7].into();
        Host {
            address,
            device,
            model,
            outcome: Outcome::Done,
            open,
            asked: 1,
            closed: 0,
            unknown: 0,
            settled: "".into(),
        }
    }

    /// What `faults` says of it, by check.
    pub(super) fn checks(host: &Host) -> Vec<String> {
        faults(host, None, Timestamp::from_secs(1_800_000_000)).into_iter().map(|fault| fault.check.into()).collect()
    }

    #[test]
    fn a_quiet_host_has_no_fault_and_an_unknown_banner_is_none() {
        let service = Service { protocol: "unknown".into(), ..Service::default() };
        assert!(checks(&host(Transport::Tcp, 9999, service)).is_empty());
    }

    #[test]
    fn every_fault_is_of_a_check_that_is_listed_and_says_what_to_do() {
        let access = Access::Opened { by: "well-known:1".into(), account: "root".into(), fingerprint: "00".into() };
        let telnet = Service { protocol: "telnet".into(), access, ..Service::default() };
        for fault in faults(&host(Transport::Tcp, 23, telnet), None, Timestamp(0)) {
            let check = CHECKS.iter().find(|check| *check.name == *fault.check).unwrap();
            assert_eq!(fault.tags.len(), check.tags.len());
            assert!(!fault.advice.is_empty() && !fault.why.is_empty() && !fault.observed.is_empty());
        }
    }
}
