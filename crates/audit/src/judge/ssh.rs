//! SSH: algorithms that are broken or deprecated (RFC 8758, RFC 9142).

use fleetward_fleet::Severity;

use super::advice;
use super::check::SSH_ALGORITHMS;
use super::fault::Fault;
use crate::fact::{Service, Ssh, Transport};

/// One fault for all of them: they are closed in one place.
pub(super) fn faults(at: (Transport, u16), service: &Service, ssh: &Ssh) -> Option<Fault> {
    let lists = [&ssh.kex, &ssh.host_keys, &ssh.ciphers, &ssh.macs];
    let weak: Vec<&str> =
        lists.into_iter().flatten().map(|it| &**it).filter(|it| BROKEN.contains(it) || OLD.contains(it)).collect();
    let (severity, why) = if weak.iter().any(|it| BROKEN.contains(it)) {
        (Severity::Medium, "an attacker on the way may have both sides choose what can be broken")
    } else {
        (Severity::Low, "deprecated for their SHA-1; no attack on a conversation is known to be in use")
    };
    let observed = format!("offers {}", weak.join(", "));
    (!weak.is_empty())
        .then(|| Fault::new(&SSH_ALGORITHMS, Some(at), severity, why).words(observed, advice::ssh(service, &weak)))
}

const BROKEN: &[&str] = &[
    "diffie-hellman-group1-sha1",
    "rsa1024-sha1",
    "ssh-dss",
    "none",
    "des-cbc",
    "3des-cbc",
    "blowfish-cbc",
    "cast128-cbc",
    "arcfour",
    "arcfour128",
    "arcfour256",
    "hmac-md5",
    "hmac-md5-96",
    "hmac-md5-etm@openssh.com",
    "hmac-sha1-96",
];

const OLD: &[&str] = &["diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "ssh-rsa"];

#[cfg(test)]
mod tests {
    use super::super::tests::{checks, host};
    use super::*;

    #[test]
    fn weak_algorithms_are_one_fault_and_good_ones_none() {
        let judged = |kex: &[&str], ciphers: &[&str]| {
            let list = |names: &[&str]| names.iter().map(|it| Box::from(*it)).collect();
            let ssh = Some(Ssh { kex: list(kex), ciphers: list(ciphers), ..Ssh::default() });
            checks(&host(Transport::Tcp, 22, Service { protocol: "ssh".into(), ssh, ..Service::default() }))
        };
        assert_eq!(judged(&["diffie-hellman-group1-sha1"], &["3des-cbc"]), ["ssh-weak-algorithms"]);
        assert!(judged(&["curve25519-sha256", "diffie-hellman-group14-sha256"], &["aes128-ctr"]).is_empty());
    }
}
