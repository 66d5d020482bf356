//! Whether a known password opens a service: lists, attempts that cannot lock, and which rule opened it.
//!
//! # Invariants
//!
//! * **No account locks.** Attempts are counted by host and account over runs ([`Attempts`]); an audit stops at the first
//!   success, and when a service says that it locks, answers otherwise than before, slows down or falls silent.
//! * **What was not tried comes next time**: the budget of one run is small, so the order goes on where it ended, and a
//!   rule that opened a service is tried first, to see whether it is closed.
//! * **No password leaves**: a rule's name, the account, a keyed fingerprint; nothing else is kept or printed.

mod form;
mod ftp;
mod http;
mod knock;
mod ledger;
mod list;
mod mqtt;
mod redis;
mod snmp;
mod ssh;
pub(crate) mod telnet;

use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use fleetward_fleet::{Secret, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::time::Instant;

pub use ledger::Attempts;
pub use list::InvalidList;

use crate::door::Door;
use crate::fact::{Access, Service};
use crate::scope::Target;
pub(crate) use knock::says_locked;
use knock::{Place, Reply, Try, is_known, knock};
use ledger::{Attempt, End, Ledger};
use list::Pair;

/// What may be tried, how often, and what was tried before.
#[derive(Debug)]
pub struct Lists {
    pairs: Vec<Pair>,
    key: Secret,
    attempts: Attempts,
    ledger: Mutex<Ledger>,
    began: (Timestamp, Instant),
}

impl Lists {
    /// The own list of well-known pairs. `key` makes fingerprints and must be the same for audits that are compared;
    /// `now` is the time of day.
    pub fn new(key: Secret, attempts: Attempts, now: Timestamp) -> Self {
        let pairs = list::read("well-known", include_str!("access/well-known.txt")).unwrap_or_default();
        Self { pairs, key, attempts, ledger: Mutex::default(), began: (now, Instant::now()) }
    }

    /// Puts a list of the owner before what is there; its rules are called `name:line`.
    ///
    /// # Errors
    /// The first line that is not understood; nothing of it is shown.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), InvalidList> {
        let mut pairs = list::read(name, text)?;
        pairs.append(&mut self.pairs);
        self.pairs = pairs;
        Ok(())
    }

    /// Keeps the budget in this file, from now on and for the next runs.
    ///
    /// # Errors
    /// It cannot be read, or is not a budget.
    pub fn remember(&mut self, path: PathBuf) -> io::Result<()> {
        self.ledger = Mutex::new(Ledger::open(path)?);
        Ok(())
    }

    /// Rules that were tried at a port since and refused, each with its account; never a password.
    pub fn tried(&self, host: IpAddr, port: u16, since: Timestamp) -> Vec<Box<str>> {
        self.ledger().tried(host, port, since)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.began.0 + self.began.1.elapsed()
    }

    fn fingerprint(&self, password: &[u8]) -> Box<str> {
        // HMAC takes keys of any length (RFC 2104 §3), so there is no error to be had.
        let mac = Hmac::<Sha256>::new_from_slice(self.key.reveal()).map(|mac| mac.chain_update(password).finalize());
        mac.map(|tag| hexadecimal(&tag.into_bytes()[..16]).into()).unwrap_or_default()
    }
}

/// Asks a service whether it asks, and tries what the lists say and the budget allows. Services of other protocols,
/// and those that answer strangely keep the access that they came with.
pub async fn try_known(door: &Door, target: Target, port: u16, service: &Service, lists: &Lists) -> Access {
    if !is_known(service) || matches!(service.access, Access::Anybody) {
        return service.access.clone();
    }
    let place = Place { door, target, port, service };
    match knock(place, None).await {
        // A page for everybody may be the log-in's own.
        Ok(Reply::Open) if matches!(service.access, Access::Asks { .. }) => service.access.clone(),
        Ok(Reply::Open) => Access::Anybody,
        Ok(Reply::Refused(_)) => attempts(place, lists).await,
        Ok(Reply::Locked) => Access::Locks { attempts: 0 },
        Ok(Reply::Strange | Reply::Busy) | Err(_) => service.access.clone(),
    }
}

/// Tries what is allowed; the account's turn, the budget and the first odd answer end it.
async fn attempts(place: Place<'_>, lists: &Lists) -> Access {
    let (host, port) = (place.target.address(), place.port);
    let mut candidates = list::candidates(&lists.pairs, place.service);
    candidates.sort_by_key(|pair| lists.ledger().rank(host, port, &pair.user, &pair.rule));
    let (mut made, mut broken, mut usual): (u32, u32, Option<(Reply, Duration)>) = (0, 0, None);
    for pair in candidates {
        if !lists.ledger().allows(host, port, &pair.user, lists.attempts, lists.now()) {
            continue;
        }
        if made > 0 {
            tokio::time::sleep(lists.attempts.spacing).await;
        }
        let at = Attempt { host, port, account: &pair.user, rule: &pair.rule };
        match lists.ledger().begin(at, lists.attempts, lists.now()) {
            Ok(true) => {}
            // Another audit, of another process, was faster.
            Ok(false) => continue,
            // What cannot be written down is not tried: the next run would not know of it.
            Err(_) => break,
        }
        made += 1;
        let began = Instant::now();
        let with = Try { user: &pair.user, password: pair.password.reveal() };
        let reply = match knock(place, Some(with)).await {
            Ok(reply) => reply,
            Err(_) if asks_still(place, lists.attempts.spacing).await => {
                broken += 1;
                if broken > 1 {
                    break;
                }
                continue;
            }
            Err(_) => Reply::Locked,
        };
        let took = began.elapsed();
        match reply {
            Reply::Open => {
                lists.ledger().end(at, End::Opened).ok();
                let fingerprint = lists.fingerprint(pair.password.reveal());
                return Access::Opened { by: pair.rule, account: pair.user, fingerprint };
            }
            Reply::Busy => break,
            _ if is_odd(&reply, took, usual.as_ref()) => {
                lists.ledger().end(at, End::Locked).ok();
                return Access::Locks { attempts: made };
            }
            _ => {
                lists.ledger().end(at, End::Refused).ok();
                usual.get_or_insert((reply, took));
            }
        }
    }
    Access::Held { attempts: made }
}

/// After an attempt that broke off: it still asks, so it was a hiccup and not a lock.
async fn asks_still(place: Place<'_>, spacing: Duration) -> bool {
    tokio::time::sleep(spacing).await;
    matches!(knock(place, None).await, Ok(Reply::Refused(_)))
}

/// It locked, answered otherwise than at first, or took much longer.
fn is_odd(reply: &Reply, took: Duration, usual: Option<&(Reply, Duration)>) -> bool {
    let slower = |usual: Duration| took > usual * 3 + Duration::from_secs(3);
    !matches!(reply, Reply::Refused(_)) || usual.is_some_and(|(first, time)| first != reply || slower(*time))
}

/// Every reader of what a service says to an attempt, for any octets.
pub(crate) fn read_anything(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let _replies = (ftp::judge(&text), redis::judge(&text));
    form::read_anything(octets);
    let mut shown = String::new();
    let (read, refusals) = telnet::strip(octets, &mut shown);
    assert!(read <= octets.len() && refusals.len() <= octets.len() && shown.len() <= 3 * octets.len());
    let _prompt = telnet::prompt_of(&shown);
    let sent = http::authorization(&text, Try { user: "admin", password: b"x" });
    assert!(sent.is_none_or(|line| !line.contains('\n')), "a challenge adds no line to a request");
    if let Ok(pairs) = list::read("any", &text) {
        assert!(pairs.len() <= text.lines().count());
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, octet| {
        // Writing to a text cannot fail.
        write!(text, "{octet:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_answers_end_it() {
        let refused = |text: &str| Reply::Refused(text.into());
        let usual = (refused("401"), Duration::from_millis(10));
        assert!(!is_odd(&refused("401"), Duration::from_millis(50), Some(&usual)));
        assert!(is_odd(&refused("403"), Duration::from_millis(10), Some(&usual)));
        assert!(is_odd(&refused("401"), Duration::from_secs(9), Some(&usual)));
        assert!(is_odd(&Reply::Locked, Duration::ZERO, None));
    }

    #[test]
    fn fingerprints_depend_on_the_key_and_lists_print_no_password() {
        let of = |key: &str| Lists::new(Secret::new(key), Attempts::default(), Timestamp(0));
        assert_eq!(of("k").fingerprint(b"x"), of("k").fingerprint(b"x"));
        assert_ne!(of("k").fingerprint(b"x"), of("l").fingerprint(b"x"));
        let mut lists = of("k");
        lists.add("mine", "admin:Hidden-Word").unwrap();
        assert!(!format!("{lists:?}").contains("Hidden-Word"));
    }
}
