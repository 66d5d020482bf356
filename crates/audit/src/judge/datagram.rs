//! Services over UDP that serve whoever asks, or whoever forges a sender.

use std::net::IpAddr;

use fleetward_fleet::Severity;

use super::advice;
use super::check::{AMPLIFIER, IPMI_WEAK, NTP_CONTROL, OPEN_RESOLVER};
use super::fault::Fault;
use crate::fact::{Service, Transport};
use crate::scope::is_public;

type At = (Transport, u16);

/// At most one of each check.
pub(super) fn faults(at: At, service: &Service, address: IpAddr) -> Vec<Fault> {
    if at.0 != Transport::Udp {
        return Vec::new();
    }
    let is_public = is_public(address);
    let all =
        [resolver(at, service, is_public), control(at, service), board(at, service), amplifier(at, service, is_public)];
    all.into_iter().flatten().collect()
}

fn resolver(at: At, service: &Service, is_public: bool) -> Option<Fault> {
    let recursion = note(service, "recursion").filter(|it| matches!(*it, "resolved" | "offered"))?;
    let (severity, why) = if is_public {
        (Severity::Medium, "everybody may have it ask, and have the answers sent to others")
    } else {
        (
            Severity::Low,
            "a gateway does that for its network; of any other device it is a way out and a help to reflect attacks",
        )
    };
    let observed = format!("recursion {recursion} for a name that is not its own");
    Some(Fault::new(&OPEN_RESOLVER, Some(at), severity, why).words(observed, advice::datagram(service)))
}

fn control(at: At, service: &Service) -> Option<Fault> {
    note(service, "mode6")?;
    let why = "it tells versions, systems and peers, and answers a short question at length";
    let observed = format!("mode 6 was answered: {}", service.evidence);
    Some(Fault::new(&NTP_CONTROL, Some(at), Severity::Low, why).words(observed, advice::datagram(service)))
}

fn board(at: At, service: &Service) -> Option<Fault> {
    if &*service.protocol != "ipmi" {
        return None;
    }
    let has = |name: &str, wanted: &str| note(service, name).is_some_and(|list| list.split(',').any(|it| it == wanted));
    let weak = [
        (has("anonymous", "yes"), "the account without a name and password"),
        (has("suites", "0"), "cipher suite 0, which proves nothing"),
        (has("authentication", "none"), "authentication type none"),
    ];
    let weak: Vec<&str> = weak.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
    if weak.is_empty() {
        return None;
    }
    let why = "the board's controller switches it, reads its console and starts it from elsewhere; no log-in was tried";
    let observed = format!("it offers {}", weak.join(", "));
    Some(Fault::new(&IPMI_WEAK, Some(at), Severity::High, why).words(observed, advice::datagram(service)))
}

/// Inside, a forged sender is a neighbour that could send as much itself.
fn amplifier(at: At, service: &Service, is_public: bool) -> Option<Fault> {
    let factor = note(service, "amplification").filter(|_| is_public)?;
    let why = "senders of datagrams are easily forged, so its answers go to whomever an attacker names";
    let observed = format!("{} gave {factor} octets for one", service.protocol);
    Some(Fault::new(&AMPLIFIER, Some(at), Severity::Medium, why).words(observed, advice::datagram(service)))
}

fn note<'a>(service: &'a Service, name: &str) -> Option<&'a str> {
    service.notes.get(name).map(|value| &**value)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{checks, host};
    use super::*;

    fn judged(protocol: &str, notes: &[(&str, &str)], address: IpAddr) -> Vec<String> {
        let notes = notes.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let mut host = host(Transport::Udp, 1, Service { protocol: protocol.into(), notes, ..Service::default() });
        host.address = address;
        checks(&host)
    }

    #[test]
    fn what_serves_anybody() {
        let inside = IpAddr::from([10, 9, 0, 7]);
        assert_eq!(judged("dns", &[("recursion", "resolved")], inside), ["open-resolver"]);
        assert!(judged("dns", &[("recursion", "refused")], inside).is_empty());
        assert_eq!(judged("ntp", &[("mode6", "answers")], inside), ["ntp-control-open"]);
        assert!(judged("ntp", &[("stratum", "2")], inside).is_empty());
    }

    #[test]
    fn controllers_that_ask_for_no_proof() {
        let inside = IpAddr::from([10, 9, 0, 7]);
        for note in [("suites", "3,0"), ("anonymous", "yes"), ("authentication", "none,md5")] {
            assert_eq!(judged("ipmi", &[note], inside), ["ipmi-weak-authentication"], "{note:?}");
        }
        assert!(judged("ipmi", &[("suites", "3,17"), ("authentication", "md5,password")], inside).is_empty());
    }

    #[test]
    fn amplifiers_matter_where_strangers_are() {
        let note = [("amplification", "5.1")];
        assert_eq!(judged("ssdp", &note, IpAddr::from([9, 9, 9, 9])), ["amplifier"]);
        assert!(judged("ssdp", &note, IpAddr::from([10, 9, 0, 7])).is_empty());
    }
}
