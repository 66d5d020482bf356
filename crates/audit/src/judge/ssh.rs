//! SSH: its first version, keys that are too short, algorithms that are broken or deprecated (RFC 8758, RFC 9142).

use fleetward_fleet::Severity;

use super::advice;
use super::check::{SSH_ALGORITHMS, SSH_KEY, SSH_ONE};
use super::fault::Fault;
use crate::fact::{Service, Ssh, Transport};

type At = (Transport, u16);

/// At most one of each check.
pub(super) fn faults(at: At, service: &Service) -> Vec<Fault> {
    let ssh = service.ssh.as_ref();
    let found =
        [version(at, service), ssh.and_then(|it| key(at, service, it)), ssh.and_then(|it| algorithms(at, service, it))];
    found.into_iter().flatten().collect()
}

/// 1.5 alone, or 1.99: both (RFC 4253 §5.1).
fn version(at: At, service: &Service) -> Option<Fault> {
    let stated = service.notes.get("version").filter(|it| &*service.protocol == "ssh" && it.starts_with("1."))?;
    let why = "what it encrypts can be changed and, with weak keys, read; nothing of today speaks it";
    let advice = advice::ssh(service, &["SSH 1"]);
    Some(Fault::new(&SSH_ONE, Some(at), Severity::High, why).words(format!("it speaks version {stated}"), advice))
}

fn key(at: At, service: &Service, ssh: &Ssh) -> Option<Fault> {
    let dsa = ssh.host_keys.iter().any(|it| &**it == "ssh-dss");
    let bits = ssh.rsa_bits.filter(|it| *it < 2048);
    let (severity, observed) = match bits {
        Some(bits) if bits < 1000 => (Severity::High, format!("RSA of {bits} bits")),
        Some(bits) => (Severity::Medium, format!("RSA of {bits} bits")),
        None if dsa => (Severity::Medium, "DSA, which is of 1024 bits".to_owned()),
        None => return None,
    };
    let why = "who breaks the key can be taken for the device, and reads the passwords that are sent to it";
    Some(Fault::new(&SSH_KEY, Some(at), severity, why).words(observed, advice::ssh_key(service)))
}

/// One fault for all of them: they are closed in one place.
fn algorithms(at: At, service: &Service, ssh: &Ssh) -> Option<Fault> {
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
    "twofish-cbc",
    "rijndael-cbc@lysator.liu.se",
    "arcfour",
    "arcfour128",
    "arcfour256",
    "hmac-md5",
    "hmac-md5-96",
    "hmac-md5-etm@openssh.com",
    "hmac-md5-96-etm@openssh.com",
    "hmac-sha1-96",
    "hmac-sha1-96-etm@openssh.com",
    "umac-32@openssh.com",
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
        assert_eq!(judged(&[], &["rijndael-cbc@lysator.liu.se"]), ["ssh-weak-algorithms"]);
        assert!(judged(&["curve25519-sha256", "diffie-hellman-group14-sha256"], &["aes128-ctr"]).is_empty());
    }

    #[test]
    fn short_keys_and_the_first_version() {
        let judged = |bits, host_keys: &[&str], version: &str| {
            let host_keys = host_keys.iter().map(|it| Box::from(*it)).collect();
            let ssh = Some(Ssh { rsa_bits: bits, host_keys, ..Ssh::default() });
            let notes = [("version".into(), version.into())].into();
            checks(&host(Transport::Tcp, 22, Service { protocol: "ssh".into(), ssh, notes, ..Service::default() }))
        };
        assert_eq!(judged(Some(1024), &["ssh-ed25519"], "2.0"), ["ssh-weak-host-key"]);
        assert_eq!(judged(None, &["ssh-dss"], "2.0"), ["ssh-weak-host-key", "ssh-weak-algorithms"]);
        assert_eq!(judged(Some(2048), &["rsa-sha2-256"], "1.99"), ["ssh-version-1"]);
        assert!(judged(Some(2048), &["rsa-sha2-256"], "2.0").is_empty());
    }
}
