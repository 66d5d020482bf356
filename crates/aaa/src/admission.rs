//! The decision whether a SIM may attach: a pure function of the request, the inventory and the profile.
//!
//! Checks run from "who" to "where": identity, life cycle, password, module, network, access point, other sessions.
//! The first that fails is the reason. What was expected and what came goes into the observation, for the finding;
//! **the peer learns nothing but "no"** (`reply.rs` builds a reject from the fact alone).

use std::net::Ipv4Addr;

use fleetward_fleet::{
    Attach, DeviceState, ImeiLock, MissingImeisv, Plmn, Profile, RejectReason, Simultaneous, Timestamp,
};
use ipnet::Ipv6Net;

use crate::directory::{DEFAULT_INTERIM_SECS, Sim};

/// What asks to be admitted.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The configured name of the RADIUS client.
    pub nas: &'a str,
    /// [`crate::session_hash`] of the session that is being set up, where the request names it.
    pub session: Option<u64>,
    /// What the packet said about module, network and place.
    pub attach: &'a Attach,
    /// What became of the password.
    pub password: PasswordCheck,
}

/// What became of the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordCheck {
    /// The client's policy asks for none.
    NotAsked,
    /// PAP or CHAP verified.
    Correct,
    /// It did not, or there was none.
    Wrong,
    /// The request wants EAP, which this server does not speak (RFC 3579 §2.2: then the answer is a reject).
    Eap,
}

/// Yes or no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Admitted, with these parameters.
    Accept(Accept),
    /// Not admitted.
    Reject(Refusal),
}

/// What the device is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accept {
    /// Framed-IP-Address.
    pub ip: Option<Ipv4Addr>,
    /// Framed-IPv6-Prefix.
    pub ipv6: Option<Ipv6Net>,
    /// Session-Timeout, seconds.
    pub session_timeout_secs: Option<u32>,
    /// Acct-Interim-Interval, seconds, at least 60 (RFC 2869 §5.16).
    pub interim_secs: u32,
}

/// Why not, for our own side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: RejectReason,
    /// What was expected, in words.
    pub expected: String,
    /// What came, in words. Identities in it are masked.
    pub observed: String,
}

/// Decides. `sim` is what the directory found under the request's identity, `profile` what its model states.
///
/// * IMEI lock on, an IMEI known: the first 14 digits must be the same (a check digit or software version may differ).
/// * IMEI lock on, no IMEI known yet: any module of the profile's TACs.
/// * No IMEISV in the request: matters only where something would be compared (a lock with a known IMEI, or TACs);
///   then the profile's `missing_imeisv` decides, and without a profile the strict default.
/// * No network in the request: where the profile lists networks or countries, not admitted: an unknown place is not
///   an allowed one.
/// * A second session counts only while it is alive, at another NAS and under another session id: a NAS that asks
///   again for a SIM that it already serves is re-attaching it.
pub fn decide(request: &Request<'_>, sim: Option<&Sim>, profile: Option<&Profile>, now: Timestamp) -> Decision {
    let Some(sim) = sim else {
        return refuse(RejectReason::UnknownSim, "a device of the inventory", "an identity that no device has");
    };
    let interim_secs = profile.and_then(|p| p.interim_secs).unwrap_or(DEFAULT_INTERIM_SECS).max(60);
    let verdict = life(sim)
        .and_then(|()| password(request.password))
        .and_then(|()| module(request.attach, sim, profile))
        .and_then(|()| profile.map_or(Ok(()), |profile| place(request.attach, profile)))
        .and_then(|()| alone(request, sim, profile, interim_secs, now));
    match verdict {
        Err(refusal) => Decision::Reject(refusal),
        Ok(()) => Decision::Accept(Accept {
            ip: sim.ip,
            ipv6: sim.ipv6,
            session_timeout_secs: profile.and_then(|p| p.session_timeout_secs),
            interim_secs,
        }),
    }
}

fn refuse(reason: RejectReason, expected: impl Into<String>, observed: impl Into<String>) -> Decision {
    Decision::Reject(refusal(reason, expected, observed))
}

fn refusal(reason: RejectReason, expected: impl Into<String>, observed: impl Into<String>) -> Refusal {
    Refusal { reason, expected: expected.into(), observed: observed.into() }
}

fn life(sim: &Sim) -> Result<(), Refusal> {
    let reason = match sim.state {
        DeviceState::Active => return Ok(()),
        DeviceState::Suspended => RejectReason::Suspended,
        DeviceState::Stock | DeviceState::Retired => RejectReason::NotActive,
    };
    Err(refusal(reason, "a device in state active", format!("state {}", sim.state.name())))
}

fn password(check: PasswordCheck) -> Result<(), Refusal> {
    match check {
        PasswordCheck::NotAsked | PasswordCheck::Correct => Ok(()),
        PasswordCheck::Wrong => {
            Err(refusal(RejectReason::WrongPassword, "the login's password", "a password that does not verify"))
        }
        PasswordCheck::Eap => {
            Err(refusal(RejectReason::WrongPassword, "PAP, CHAP or a SIM", "EAP, which this server does not speak"))
        }
    }
}

fn module(attach: &Attach, sim: &Sim, profile: Option<&Profile>) -> Result<(), Refusal> {
    let locked_to = sim.imei.filter(|_| sim.imei_lock == ImeiLock::On);
    let tacs = profile.map_or(&[][..], |p| &p.tacs);
    if locked_to.is_none() && tacs.is_empty() {
        return Ok(());
    }
    let Some(seen) = attach.imei() else {
        return match profile.map_or(MissingImeisv::default(), |p| p.missing_imeisv) {
            MissingImeisv::Allow => Ok(()),
            MissingImeisv::Reject => {
                Err(refusal(RejectReason::ImeiMissing, "the network says which module it is", "no IMEISV"))
            }
        };
    };
    if let Some(imei) = locked_to
        && imei != seen
    {
        return Err(refusal(RejectReason::ImeiLock, format!("IMEI {imei}"), format!("IMEI {seen}")));
    }
    if tacs.is_empty() || tacs.contains(&seen.tac()) {
        return Ok(());
    }
    Err(refusal(RejectReason::TacNotOfModel, format!("TAC {}", list(tacs)), format!("TAC {}", seen.tac())))
}

fn place(attach: &Attach, profile: &Profile) -> Result<(), Refusal> {
    let network = |network: Option<Plmn>| network.map_or_else(|| "no network stated".to_owned(), |n| n.to_string());
    let country = attach.country();
    if !profile.countries.is_empty() && !country.is_some_and(|c| profile.countries.contains(&c)) {
        let seen = country.map_or_else(|| format!("no country ({})", network(attach.network)), |c| c.to_string());
        return Err(refusal(RejectReason::CountryNotAllowed, format!("country {}", list(&profile.countries)), seen));
    }
    if !profile.networks.is_empty() && !attach.network.is_some_and(|n| profile.networks.contains(&n)) {
        let expected = format!("network {}", list(&profile.networks));
        return Err(refusal(RejectReason::NetworkNotAllowed, expected, network(attach.network)));
    }
    if !profile.apns.is_empty() && !attach.apn.as_ref().is_some_and(|apn| profile.apns.contains(apn)) {
        let seen = attach.apn.as_deref().map_or_else(|| "no APN stated".to_owned(), |apn| format!("APN {apn}"));
        return Err(refusal(RejectReason::ApnNotAllowed, format!("APN {}", list(&profile.apns)), seen));
    }
    Ok(())
}

fn alone(
    request: &Request<'_>,
    sim: &Sim,
    profile: Option<&Profile>,
    interim_secs: u32,
    now: Timestamp,
) -> Result<(), Refusal> {
    if profile.map_or(Simultaneous::default(), |p| p.simultaneous) == Simultaneous::Allow {
        return Ok(());
    }
    let second = sim.open.iter().find(|open| {
        open.is_alive(now, interim_secs) && &*open.nas != request.nas && request.session != Some(open.session)
    });
    second.map_or(Ok(()), |open| {
        let seen = format!("one is open at {} (last heard of {}), asked at {}", open.nas, open.last, request.nas);
        Err(refusal(RejectReason::SecondSession, "one session at a time", seen))
    })
}

/// The first few, so that a long list does not make a long finding.
fn list<T: std::fmt::Display>(items: &[T]) -> String {
    const SHOWN: usize = 5;
    let mut words: Vec<String> = items.iter().take(SHOWN).map(ToString::to_string).collect();
    if items.len() > SHOWN {
        words.push(format!("{} more", items.len() - SHOWN));
    }
    words.join(" or ")
}

#[cfg(test)]
mod tests;
