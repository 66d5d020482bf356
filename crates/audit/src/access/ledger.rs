//! The budget of attempts, kept over runs: no account is asked more often in an hour than no device locks at.
//!
//! An attempt is written down (and on the disk) before it is made, so an audit that is killed and begun again cannot ask
//! twice as much. Entries name the rule and the account, never a password.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use fleetward_fleet::Timestamp;
use serde::{Deserialize, Serialize};

const HOUR: Duration = Duration::from_hours(1);

/// How much is tried. Devices are known that lock an account at the third failure, and an address at the fifth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// Failures of one account on one host in an hour, over all services: they may share their accounts.
    pub per_account: u32,
    /// Failures at one port in an hour.
    pub per_port: u32,
    /// Between two attempts at a host.
    pub spacing: Duration,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { per_account: 2, per_port: 4, spacing: Duration::from_secs(1) }
    }
}

/// What was tried, by host.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    path: Option<PathBuf>,
    hosts: BTreeMap<IpAddr, Vec<Entry>>,
}

/// The last attempt by a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    port: u16,
    account: Box<str>,
    rule: Box<str>,
    at: i64,
    #[serde(default)]
    opened: bool,
    /// The device locked then: nobody asks again for a day.
    #[serde(default)]
    locked: bool,
}

impl Ledger {
    /// From a file, which need not exist yet.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let hosts = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { path: Some(path), hosts })
    }

    /// When the rule was tried there: the one that opened it first, then those never tried, then the longest ago.
    pub(super) fn rank(&self, host: IpAddr, port: u16, account: &str, rule: &str) -> i64 {
        let of = |it: &&Entry| it.port == port && &*it.account == account && &*it.rule == rule;
        let entry = self.hosts.get(&host).into_iter().flatten().find(of);
        entry.map_or(0, |it| if it.opened { -1 } else { it.at })
    }

    /// One more attempt would stay below every limit.
    pub(super) fn allows(&self, host: IpAddr, port: u16, account: &str, limits: Attempts, now: Timestamp) -> bool {
        let entries = || self.hosts.get(&host).into_iter().flatten();
        let age = |it: &Entry| now.since(Timestamp(it.at));
        let failed =
            |of: &dyn Fn(&Entry) -> bool| entries().filter(|it| !it.opened && age(it) < HOUR && of(it)).count() as u64;
        let locked = entries().any(|it| it.locked && it.port == port && age(it) < 24 * HOUR);
        !locked
            && failed(&|it| it.port == port) < u64::from(limits.per_port)
            && (account.is_empty() || failed(&|it| &*it.account == account) < u64::from(limits.per_account))
    }

    /// Writes down that it is tried now.
    pub(super) fn begin(
        &mut self,
        host: IpAddr,
        port: u16,
        account: &str,
        rule: &str,
        now: Timestamp,
    ) -> io::Result<()> {
        let entries = self.hosts.entry(host).or_default();
        entries.retain(|it| (it.port, &*it.account, &*it.rule) != (port, account, rule));
        let (account, rule) = (account.into(), rule.into());
        entries.push(Entry { port, account, rule, at: now.0, opened: false, locked: false });
        self.save()
    }

    /// Rules that were tried there since, each with its account.
    pub(super) fn tried(&self, host: IpAddr, port: u16, since: Timestamp) -> Vec<Box<str>> {
        let entries = self.hosts.get(&host).into_iter().flatten();
        let tried = entries.filter(|it| it.port == port && it.at >= since.0);
        tried.map(|it| format!("{} {}", it.rule, it.account).into()).collect()
    }

    /// Writes down what became of the last attempt.
    pub(super) fn end(&mut self, host: IpAddr, opened: bool, locked: bool) -> io::Result<()> {
        if let Some(entry) = self.hosts.get_mut(&host).and_then(|it| it.last_mut()) {
            (entry.opened, entry.locked) = (opened, locked);
        }
        if opened || locked { self.save() } else { Ok(()) }
    }

    fn save(&self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let beside = path.with_extension("new");
        fs::write(&beside, serde_json::to_vec(&self.hosts)?)?;
        fs::rename(beside, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds_over_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attempts.json");
        let (host, limits) = (IpAddr::from([192, 0, 2, 1]), Attempts::default());
        let hour = Timestamp::from_secs(1_000_000);
        for run in 0..5 {
            let mut ledger = Ledger::open(path.clone()).unwrap();
            let allowed = ledger.allows(host, 23, "admin", limits, hour);
            assert_eq!(allowed, run < 2);
            if allowed {
                ledger.begin(host, 23, "admin", &format!("mine:{run}"), hour).unwrap();
            }
        }
        let ledger = Ledger::open(path).unwrap();
        assert!(!ledger.allows(host, 80, "admin", limits, hour), "another service may share the account");
        assert!(ledger.allows(host, 23, "root", limits, hour));
        assert!(ledger.allows(host, 23, "admin", limits, hour + HOUR));
    }

    #[test]
    fn the_port_has_a_budget_and_one_that_locked_rests_for_a_day() {
        let (host, now, mut ledger) = (IpAddr::from([192, 0, 2, 1]), Timestamp(0), Ledger::default());
        for account in ["a", "b", "c", "d"] {
            assert!(ledger.allows(host, 23, account, Attempts::default(), now));
            ledger.begin(host, 23, account, "empty", now).unwrap();
        }
        assert!(!ledger.allows(host, 23, "e", Attempts::default(), now));
        ledger.end(host, false, true).unwrap();
        assert!(!ledger.allows(host, 23, "e", Attempts::default(), now + 2 * HOUR));
        assert!(ledger.allows(host, 23, "e", Attempts::default(), now + 25 * HOUR));
    }

    #[test]
    fn what_opened_it_comes_first_and_costs_nothing() {
        let (host, mut ledger) = (IpAddr::from([192, 0, 2, 1]), Ledger::default());
        ledger.begin(host, 23, "admin", "empty", Timestamp(5)).unwrap();
        ledger.end(host, true, false).unwrap();
        ledger.begin(host, 23, "root", "empty", Timestamp(6)).unwrap();
        let rank = |account, rule| ledger.rank(host, 23, account, rule);
        assert!(rank("admin", "empty") < rank("root", "new") && rank("root", "new") < rank("root", "empty"));
    }
}
