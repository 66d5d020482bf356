//! Failed sign-ins are slowed per user and per address, so that passwords cannot be tried out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use fleetward_fleet::Timestamp;

/// Failures are counted over this time.
const WINDOW: Duration = Duration::from_mins(5);
/// So many for one user name, wherever they come from.
const PER_USER: u32 = 5;
/// So many from one address, whatever the name.
const PER_ADDRESS: u32 = 20;
/// No more keys than this are remembered; when there are, the oldest go.
const KEYS: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    User(String),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    since: Timestamp,
    count: u32,
}

/// Counts failures.
#[derive(Debug, Default)]
pub(crate) struct Limiter(Mutex<HashMap<Key, Failures>>);

impl Limiter {
    /// How long this user from this address has to wait; zero: not at all.
    pub(crate) fn wait(&self, user: &str, address: IpAddr, now: Timestamp) -> Duration {
        let failures = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        keys(user, address)
            .into_iter()
            .filter_map(|(key, limit)| {
                let failures = failures.get(&key).filter(|failures| failures.count >= limit)?;
                Some((failures.since + WINDOW).since(now))
            })
            .max()
            .unwrap_or_default()
    }

    /// Remembers a failure.
    pub(crate) fn failed(&self, user: &str, address: IpAddr, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.retain(|_, failures| now.since(failures.since) < WINDOW);
        if all.len() >= KEYS {
            let oldest = all.values().map(|failures| failures.since).min();
            all.retain(|_, failures| Some(failures.since) != oldest);
        }
        for (key, _) in keys(user, address) {
            all.entry(key).or_insert(Failures { since: now, count: 0 }).count += 1;
        }
    }

    /// Forgets the failures of a user who has signed in (not those of the address).
    pub(crate) fn succeeded(&self, user: &str) {
        let mut all = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        all.remove(&Key::User(user.to_owned()));
    }
}

fn keys(user: &str, address: IpAddr) -> [(Key, u32); 2] {
    // One subscriber of IPv6 has a /64: it counts as one address.
    let address = match address {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_none() => IpAddr::V6((six.to_bits() >> 64 << 64).into()),
        other => other.to_canonical(),
    };
    let user = user.chars().take(64).collect();
    [(Key::User(user), PER_USER), (Key::Address(address), PER_ADDRESS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn waits_after_five_failures_and_forgets_them_in_time() {
        let limiter = Limiter::default();
        let at = |secs: i64| Timestamp::from_secs(1000 + secs);
        for n in 0..5 {
            assert_eq!(limiter.wait("ada", HERE, at(n)), Duration::ZERO);
            limiter.failed("ada", HERE, at(n));
        }
        assert_eq!(limiter.wait("ada", HERE, at(10)), Duration::from_secs(290));
        assert_eq!(limiter.wait("bob", HERE, at(10)), Duration::ZERO);
        assert_eq!(limiter.wait("ada", HERE, at(300)), Duration::ZERO);
        limiter.succeeded("ada");
        assert_eq!(limiter.wait("ada", HERE, at(10)), Duration::ZERO);
    }

    #[test]
    fn one_address_cannot_try_many_names() {
        let limiter = Limiter::default();
        let now = Timestamp::from_secs(1);
        let six = |host| IpAddr::V6(format!("2001:db8::{host:x}").parse().unwrap());
        for n in 0..20_u16 {
            limiter.failed(&format!("user-{n}"), six(n), now);
        }
        assert!(limiter.wait("other", six(4711), now) > Duration::ZERO);
    }
}
