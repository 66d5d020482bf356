//! The budget of attempts, kept over runs: no account is asked more often in an hour than no device locks at.
//!
//! An attempt is written down (and on the disk) before it is made, so an audit that is killed and begun again cannot ask
//! twice as much. Audits that keep the same file share its budget: each holds a lock beside it for the moment in which it
//! reads what the others tried and writes down its own. Entries name the rule and the account, never a password.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// It was refused: what neither opened nor refused it says nothing of the password.
    #[serde(default)]
    refused: bool,
    /// The device locked then: nobody asks again for a day.
    #[serde(default)]
    locked: bool,
}

/// An account of a service, and the rule by which it is tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) host: IpAddr,
    pub(super) port: u16,
    pub(super) account: &'a str,
    pub(super) rule: &'a str,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Opened,
    Refused,
    Locked,
}

impl Attempt<'_> {
    fn is(&self, entry: &Entry) -> bool {
        (entry.port, &*entry.account, &*entry.rule) == (self.port, self.account, self.rule)
    }
}

impl Ledger {
    /// From a file, which need not exist yet.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let hosts = read(&path)?;
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

    /// Writes down that it is tried now; `false` where a limit is in the way by now, and it must not be.
    pub(super) fn begin(&mut self, at: Attempt<'_>, limits: Attempts, now: Timestamp) -> io::Result<bool> {
        let _held = self.hold()?;
        let Attempt { host, port, account, rule } = at;
        if !self.allows(host, port, account, limits, now) {
            return Ok(false);
        }
        let entries = self.hosts.entry(host).or_default();
        entries.retain(|it| !at.is(it));
        let (account, rule) = (account.into(), rule.into());
        entries.push(Entry { port, account, rule, at: now.0, opened: false, refused: false, locked: false });
        self.save()?;
        Ok(true)
    }

    /// Rules that were tried there since and refused, each with its account.
    pub(super) fn tried(&self, host: IpAddr, port: u16, since: Timestamp) -> Vec<Box<str>> {
        let entries = self.hosts.get(&host).into_iter().flatten();
        let tried = entries.filter(|it| it.port == port && it.at >= since.0 && it.refused);
        tried.map(|it| format!("{} {}", it.rule, it.account).into()).collect()
    }

    /// Writes down what became of an attempt.
    pub(super) fn end(&mut self, at: Attempt<'_>, end: End) -> io::Result<()> {
        let _held = self.hold()?;
        if let Some(entry) = self.hosts.get_mut(&at.host).and_then(|all| all.iter_mut().find(|it| at.is(it))) {
            (entry.opened, entry.refused, entry.locked) = (end == End::Opened, end == End::Refused, end == End::Locked);
        }
        self.save()
    }

    /// Nobody else reads or writes the file until what this returns is gone; what others wrote is known.
    fn hold(&mut self) -> io::Result<Option<File>> {
        let Some(path) = &self.path else { return Ok(None) };
        let held = File::options().create(true).truncate(false).write(true).open(path.with_extension("lock"))?;
        held.lock()?;
        self.hosts = read(path)?;
        Ok(Some(held))
    }

    fn save(&self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let beside = path.with_extension("new");
        fs::write(&beside, serde_json::to_vec(&self.hosts)?)?;
        fs::rename(beside, path)
    }
}

fn read(path: &Path) -> io::Result<BTreeMap<IpAddr, Vec<Entry>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn begin(ledger: &mut Ledger, account: &str, rule: &str, now: Timestamp) -> bool {
        ledger.begin(at(account, rule), Attempts::default(), now).unwrap()
    }

    fn at<'a>(account: &'a str, rule: &'a str) -> Attempt<'a> {
        Attempt { host: HOST, port: 23, account, rule }
    }

    #[test]
    fn the_budget_holds_over_runs_and_between_those_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("attempts.json");
        let (limits, hour) = (Attempts::default(), Timestamp::from_secs(1_000_000));
        let mut at_once = Ledger::open(path.clone()).unwrap();
        for run in 0..5 {
            let mut ledger = Ledger::open(path.clone()).unwrap();
            assert_eq!(ledger.allows(HOST, 23, "admin", limits, hour), run < 2);
            assert_eq!(begin(&mut ledger, "admin", &format!("mine:{run}"), hour), run < 2);
        }
        assert!(at_once.allows(HOST, 23, "admin", limits, hour), "it was opened before the others tried");
        assert!(!begin(&mut at_once, "admin", "mine:9", hour), "and knows of them when it counts");
        assert!(begin(&mut at_once, "root", "mine:9", hour));
        let ledger = Ledger::open(path).unwrap();
        assert!(!ledger.allows(HOST, 80, "admin", limits, hour), "another service may share the account");
        assert!(ledger.allows(HOST, 23, "root", limits, hour));
        assert!(ledger.allows(HOST, 23, "admin", limits, hour + HOUR));
        assert_eq!(ledger.hosts[&HOST].len(), 3, "what one tried stays when another writes");
    }

    #[test]
    fn the_port_has_a_budget_and_one_that_locked_rests_for_a_day() {
        let (now, mut ledger) = (Timestamp(0), Ledger::default());
        for account in ["a", "b", "c", "d"] {
            assert!(begin(&mut ledger, account, "empty", now));
        }
        assert!(!begin(&mut ledger, "e", "empty", now));
        ledger.end(at("d", "empty"), End::Locked).unwrap();
        assert!(!ledger.allows(HOST, 23, "e", Attempts::default(), now + 2 * HOUR));
        assert!(ledger.allows(HOST, 23, "e", Attempts::default(), now + 25 * HOUR));
    }

    #[test]
    fn what_opened_it_comes_first_and_costs_nothing() {
        let mut ledger = Ledger::default();
        begin(&mut ledger, "admin", "empty", Timestamp(5));
        ledger.end(at("admin", "empty"), End::Opened).unwrap();
        begin(&mut ledger, "root", "empty", Timestamp(6));
        let rank = |account, rule| ledger.rank(HOST, 23, account, rule);
        assert!(rank("admin", "empty") < rank("root", "new") && rank("root", "new") < rank("root", "empty"));
    }

    #[test]
    fn only_what_was_refused_tells_that_a_password_is_gone() {
        let mut ledger = Ledger::default();
        let ends = [("a", Some(End::Opened)), ("b", Some(End::Refused)), ("c", None), ("d", Some(End::Locked))];
        for (account, end) in ends {
            assert!(begin(&mut ledger, account, "empty", Timestamp(5)));
            if let Some(end) = end {
                ledger.end(at(account, "empty"), end).unwrap();
            }
        }
        assert_eq!(ledger.tried(HOST, 23, Timestamp(0)), ["empty b".into()]);
        assert!(ledger.tried(HOST, 23, Timestamp(6)).is_empty(), "another audit");
    }
}
