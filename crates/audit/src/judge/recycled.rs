//! What several devices share that each should have for itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fleetward_fleet::Severity;

use super::check::{Check, RECYCLED_ENGINE, RECYCLED_PASSWORD, RECYCLED_SSH, RECYCLED_TLS};
use super::fault::Fault;
use crate::fact::{Access, Host, Service};

/// One fault for each secret (or name) that two or more hosts share, with the hosts, in the order of their addresses.
/// An address is one host: a device with two addresses should be audited by one of them.
pub fn recycled(hosts: &[Host]) -> Vec<(Vec<IpAddr>, Fault)> {
    let mut owners: BTreeMap<(usize, String), Vec<IpAddr>> = BTreeMap::new();
    for host in hosts {
        for service in host.open.iter().filter_map(|open| open.service.as_ref()) {
            for (kind, value) in marks(service) {
                let list = owners.entry((kind, value)).or_default();
                if !list.contains(&host.address) {
                    list.push(host.address);
                }
            }
        }
    }
    let shared = owners.into_iter().filter(|(_, list)| list.len() > 1);
    shared
        .map(|((kind, value), mut list)| {
            list.sort_unstable();
            let fault = fault(&KINDS[kind], &value, &list);
            (list, fault)
        })
        .collect()
}

struct Kind {
    check: &'static Check,
    severity: Severity,
    why: &'static str,
    advice: &'static str,
}

const KINDS: [Kind; 4] = [
    Kind {
        check: &RECYCLED_SSH,
        severity: Severity::High,
        why: "who has one device (or its firmware) can pose as all of them",
        advice: "make a new host key on each device at its first start (dropbear: -R; OpenSSH: ssh-keygen -A), and leave none in the image",
    },
    Kind {
        check: &RECYCLED_TLS,
        severity: Severity::High,
        why: "who has one device (or its firmware) can pose as all of them, and read old conversations without forward secrecy",
        advice: "make a key and certificate on each device at its first start, and leave none in the image",
    },
    Kind {
        check: &RECYCLED_ENGINE,
        severity: Severity::Low,
        why: "keys of SNMP version 3 are made from it, so equal passwords give equal keys; traps cannot be told apart",
        advice: "let each device make its own (snmpd: remove engineID and the persistent file from the image)",
    },
    Kind {
        check: &RECYCLED_PASSWORD,
        severity: Severity::High,
        why: "who knows the password of one device has all of them",
        advice: "set a password of its own on each device, and keep them in a password store",
    },
];

/// Fingerprints of what of a service should be its own, as faults rest on them.
pub(crate) fn fingerprints(service: &Service) -> impl Iterator<Item = String> {
    marks(service).into_iter().map(|(kind, value)| mark_of(&KINDS[kind], &value))
}

fn mark_of(kind: &Kind, value: &str) -> String {
    format!("{}:{value}", kind.check.name)
}

/// What of a service should be its own: kind and value.
fn marks(service: &Service) -> Vec<(usize, String)> {
    let mut marks = Vec::new();
    if let Some((key, _)) = service.ssh.as_ref().and_then(|ssh| ssh.host_key.as_ref()) {
        marks.push((0, key.to_string()));
    }
    if let Some(certificate) = service.tls.as_ref().and_then(|tls| tls.certificate.as_ref()) {
        marks.push((1, certificate.key_sha256.to_string()));
    }
    if let Some(engine) = service.notes.get("engine_id") {
        marks.push((2, engine.to_string()));
    }
    if let Access::Opened { fingerprint, .. } = &service.access {
        marks.push((3, fingerprint.to_string()));
    }
    marks.retain(|(_, value)| !value.is_empty());
    marks
}

fn fault(kind: &Kind, value: &str, hosts: &[IpAddr]) -> Fault {
    let shown: Vec<String> = hosts.iter().take(8).map(ToString::to_string).collect();
    let more = if hosts.len() > 8 { format!(" and {} more", hosts.len() - 8) } else { String::new() };
    let mark: String = value.chars().take(16).collect();
    let observed = format!("{} devices share {mark}…: {}{more}", hosts.len(), shown.join(", "));
    Fault::new(kind.check, None, kind.severity, kind.why).words(observed, kind.advice).resting_on(mark_of(kind, value))
}

#[cfg(test)]
mod tests {
    use super::super::tests::host;
    use super::*;
    use crate::fact::{Certificate, Ssh, Tls, Transport};

    fn found(mark: impl Fn(u8) -> Service) -> Vec<(usize, Box<str>)> {
        let hosts: Vec<Host> = (1..=3)
            .map(|number| {
                let mut host = host(Transport::Tcp, 22, mark(number));
                host.address = [192, 0, 2, number].into();
                host
            })
            .collect();
        recycled(&hosts).into_iter().map(|(list, fault)| (list.len(), fault.check)).collect()
    }

    /// Hosts 1 and 2 are "same", 3 is not.
    fn shared(number: u8) -> Box<str> {
        if number < 3 { "same".into() } else { "other".into() }
    }

    #[test]
    fn each_kind_of_secret() {
        let ssh = |key: Box<str>| {
            let ssh = Ssh { host_key: Some((key, "ssh-ed25519".into())), ..Ssh::default() };
            Service { ssh: Some(ssh), ..Service::default() }
        };
        assert_eq!(found(|n| ssh(shared(n))), [(2, "recycled-ssh-host-key".into())]);
        let tls = |key_sha256| {
            let certificate = Some(Certificate { key_sha256, ..Certificate::default() });
            Service { tls: Some(Tls { certificate, ..Tls::default() }), ..Service::default() }
        };
        assert_eq!(found(|n| tls(shared(n))), [(2, "recycled-tls-key".into())]);
        let engine = |id| Service { notes: [("engine_id".into(), id)].into(), ..Service::default() };
        assert_eq!(found(|n| engine(shared(n))), [(2, "recycled-snmp-engine-id".into())]);
        let opened = |fingerprint| Service {
            access: Access::Opened { by: "empty".into(), account: "a".into(), fingerprint },
            ..Service::default()
        };
        assert_eq!(found(|n| opened(shared(n))), [(2, "recycled-password".into())]);
    }

    #[test]
    fn what_is_different_or_absent_is_not_shared() {
        let ssh = |key: String| {
            let ssh = Ssh { host_key: Some((key.into(), "ssh-ed25519".into())), ..Ssh::default() };
            Service { ssh: Some(ssh), ..Service::default() }
        };
        assert!(found(|n| ssh(n.to_string())).is_empty());
        assert!(found(|_| ssh(String::new())).is_empty());
        assert!(found(|_| Service::default()).is_empty());
    }
}
