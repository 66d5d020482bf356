//! The host as a whole: silence, and ports that its profile does not list.

use fleetward_fleet::{Allow, Direction, NetworkProfile, Peer, Protocol, Role, Severity};

use super::advice;
use super::check::{FELL_SILENT, NOT_IN_PROFILE};
use super::fault::Fault;
use crate::fact::{Host, OpenPort, Outcome, Transport};

pub(super) fn silent(host: &Host) -> Vec<Fault> {
    if host.outcome != Outcome::FellSilent {
        return Vec::new();
    }
    let why = "an attacker needs no more than an audit does; whether it recovers by itself is not known";
    let observed = format!("it answered, then nothing more; {} ports had been asked", host.asked);
    let advice = "see whether it still works, limit who can reach it at the gateway, and report it to the vendor";
    vec![Fault::new(&FELL_SILENT, None, Severity::Medium, why).words(observed, advice)]
}

pub(super) fn not_in_profile(open: &OpenPort, profile: Option<&NetworkProfile>) -> Option<Fault> {
    if is_listed(open, profile?) {
        return None;
    }
    let why = "nothing is known to be wrong with it, but the model does not need it, so it is surface for nothing";
    let service = open.service.as_ref();
    let what = service.map_or("something unknown", |service| &service.protocol);
    let observed = format!("{what} answers at {} {}", name(open.transport), open.port);
    let advice = advice::close(service, open.port);
    let port = Some((open.transport, open.port));
    Some(Fault::new(&NOT_IN_PROFILE, port, Severity::Low, why).words(observed, advice))
}

/// Somebody may call it there. Who speaks to link-local groups is answered from the same port, so both directions count.
fn is_listed(open: &OpenPort, profile: &NetworkProfile) -> bool {
    profile.allow.iter().any(|allow| is_called(allow, (open.transport, open.port)))
}

/// By this item somebody may call it there.
pub(super) fn is_called(allow: &Allow, (transport, port): (Transport, u16)) -> bool {
    let protocol = if transport == Transport::Tcp { Protocol::TCP } else { Protocol::UDP };
    let called = allow.begins == Direction::In
        || matches!(allow.peer, Peer::Role(Role::LinkMulticast | Role::Broadcast)) && transport == Transport::Udp;
    called && allow.protocol == protocol && allow.ports.iter().any(|range| range.contains(port))
}

fn name(transport: Transport) -> &'static str {
    if transport == Transport::Tcp { "TCP" } else { "UDP" }
}

#[cfg(test)]
mod tests {
    use fleetward_fleet::{PortRange, Timestamp};

    use super::super::tests::host;
    use super::super::{faults, tests::checks};
    use super::*;
    use crate::fact::Service;

    #[test]
    fn a_port_is_a_fault_unless_the_profile_lets_somebody_call_it() {
        let web = Service { protocol: "http".into(), ..Service::default() };
        let host = host(Transport::Tcp, 80, web);
        let allow = |begins| Allow {
            peer: Peer::Role(Role::Controller),
            protocol: Protocol::TCP,
            ports: vec![PortRange { first: 80, last: 81 }],
            begins,
            rate: None,
            support: None,
        };
        let judged = |allow: Vec<Allow>| {
            faults(&host, Some(&NetworkProfile { allow, ..NetworkProfile::default() }), Timestamp(0)).len()
        };
        assert_eq!(judged(vec![allow(Direction::In)]), 0);
        assert_eq!(judged(vec![allow(Direction::Out)]), 1, "that it calls others there opens nothing");
        assert_eq!(judged(vec![]), 1);
        assert!(checks(&host).is_empty(), "without a profile nothing is said");
    }

    #[test]
    fn a_device_that_fell_silent_is_told_and_one_that_never_spoke_is_not() {
        let mut host = host(Transport::Tcp, 80, Service::default());
        for (outcome, count) in [(Outcome::FellSilent, 1), (Outcome::Silent, 0), (Outcome::Cut, 0), (Outcome::Done, 0)]
        {
            host.outcome = outcome;
            assert_eq!(checks(&host).len(), count);
        }
    }
}
