//! What an audit found open on one device, as an observation.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::Severity;

/// One address of a device, audited. It speaks only of what it [`settled`](Self::settled): a port that was not asked, or
/// did not answer, is neither open nor closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// Where.
    pub address: IpAddr,
    /// All that was asked was done; otherwise it fell silent, never spoke, or the audit was cut.
    #[serde(default)]
    pub is_whole: bool,
    /// Ports that answered, open or closed.
    #[serde(default)]
    pub settled: Vec<Ports>,
    /// Those that are open.
    #[serde(default)]
    pub open: Vec<Opening>,
    /// What should not be.
    #[serde(default)]
    pub faults: Vec<Weakness>,
    /// Fingerprints of what should be the device's own: keys, certificates, passwords (keyed).
    #[serde(default)]
    pub marks: Vec<Box<str>>,
}

/// From port to port of one protocol (IANA number).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ports {
    /// 6 or 17.
    pub protocol: u8,
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

/// An open port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// 6 or 17.
    pub protocol: u8,
    /// Its number.
    pub port: u16,
    /// What speaks there; empty where it was not told.
    #[serde(default)]
    pub service: Box<str>,
    /// Product and version, as stated.
    #[serde(default)]
    pub product: Box<str>,
    /// Checks of which nothing is known this time, by the beginning of their names; an empty one means all.
    #[serde(default)]
    pub doubts: Vec<Box<str>>,
    /// Which rules were tried at it, with their accounts; never a password.
    #[serde(default)]
    pub tried: Vec<Box<str>>,
}

/// Something that should not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weakness {
    /// Which check found it; stable.
    pub check: Box<str>,
    /// Protocol and port; none where it is the whole device.
    #[serde(default)]
    pub port: Option<(u8, u16)>,
    /// How bad.
    pub severity: Severity,
    /// One line.
    pub title: Box<str>,
    /// What was expected.
    pub expected: Box<str>,
    /// What was seen, and why it is so bad; never a secret.
    pub observed: Box<str>,
    /// What to do.
    pub advice: Box<str>,
    /// Provisions.
    #[serde(default)]
    pub tags: Vec<Box<str>>,
    /// What it rests on: the rule and account that opened it, or the mark that is shared. It is gone only once that was looked at again.
    #[serde(default)]
    pub by: Option<Box<str>>,
}

impl Exposure {
    /// Whether this audit can tell that the fault is gone which it does not name.
    pub fn knows(&self, check: &str, port: Option<(u8, u16)>, by: Option<&str>) -> bool {
        let Some((protocol, number)) = port else {
            let is_sure = self.is_whole && self.open.iter().all(|open| open.doubts.is_empty());
            return match by {
                Some(mark) => is_sure && !self.marks.iter().any(|it| &**it == mark),
                None => self.is_whole,
            };
        };
        let has = |it: &Ports| it.protocol == protocol && (it.first..=it.last).contains(&number);
        if !self.settled.iter().any(has) {
            return false;
        }
        let Some(open) = self.open.iter().find(|it| (it.protocol, it.port) == (protocol, number)) else { return true };
        let doubted = open.doubts.iter().any(|doubt| check.starts_with(&**doubt));
        !doubted && by.is_none_or(|by| open.tried.iter().any(|it| &**it == by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposure() -> Exposure {
        let port = |port, doubts: &[&str], tried: &[&str]| Opening {
            protocol: 6,
            port,
            service: "telnet".into(),
            product: "".into(),
            doubts: doubts.iter().map(|it| (*it).into()).collect(),
            tried: tried.iter().map(|it| (*it).into()).collect(),
        };
        Exposure {
            address: [192, 0, 2, 1].into(),
            is_whole: true,
            settled: vec![Ports { protocol: 6, first: 20, last: 25 }],
            open: vec![port(22, &[""], &[]), port(23, &["tls-"], &["empty root"])],
            faults: Vec::new(),
            marks: vec!["ssh:aa".into()],
        }
    }

    #[test]
    fn only_what_was_looked_at_is_known_to_be_gone() {
        let seen = exposure();
        assert!(seen.knows("plaintext-management", Some((6, 21)), None), "closed");
        assert!(!seen.knows("plaintext-management", Some((6, 80)), None), "not asked");
        assert!(!seen.knows("plaintext-management", Some((17, 21)), None), "another protocol");
        assert!(!seen.knows("plaintext-management", Some((6, 22)), None), "open, and nothing told what it is");
        assert!(seen.knows("plaintext-management", Some((6, 23)), None));
        assert!(!seen.knows("tls-old-version", Some((6, 23)), None));
        assert!(seen.knows("password-known", Some((6, 23)), Some("empty root")));
        assert!(!seen.knows("password-known", Some((6, 23)), Some("mine:1 root")), "it was not tried again");
    }

    #[test]
    fn of_the_whole_device() {
        let mut seen = exposure();
        assert!(seen.knows("device-fell-silent", None, None));
        assert!(!seen.knows("recycled-ssh-host-key", None, Some("ssh:bb")), "a port was not told");
        seen.open.remove(0);
        assert!(!seen.knows("recycled-ssh-host-key", None, Some("ssh:bb")), "one has a doubt still");
        seen.open.clear();
        assert!(seen.knows("recycled-ssh-host-key", None, Some("ssh:bb")));
        assert!(!seen.knows("recycled-ssh-host-key", None, Some("ssh:aa")), "it has the key still");
        seen.is_whole = false;
        assert!(!seen.knows("device-fell-silent", None, None));
    }
}
