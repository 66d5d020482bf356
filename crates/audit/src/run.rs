//! One audit from targets to report: order, progress, end.
//!
//! Hosts are audited some at a time, each at its own pace: its ports, then what speaks at the open ones, then whether a
//! known password opens it. A cancelled audit ends within a moment and says what it did not ask, so that another can go
//! on from there ([`Plan::resume`]).

mod host;
mod services;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use fleetward_fleet::{NetworkProfile, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::access::Lists;
use crate::door::Door;
use crate::fact::{Host, Outcome};
use crate::judge::{self, Fault};
use crate::pace::Temperament;
use crate::ports::{Engine, PortSet, Progress};
use crate::scope::Target;
use host::Audited;

/// Hosts at once: enough to fill a link, few enough that each raw socket's share of the work stays small.
const HOSTS_AT_ONCE: usize = 32;

/// One address to audit, with what the inventory says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Where.
    pub target: Target,
    /// The device's name.
    pub device: Option<Box<str>>,
    /// Its model.
    pub model: Option<Box<str>>,
}

/// What to audit, and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whom.
    pub subjects: Vec<Subject>,
    /// Which ports.
    pub ports: PortSet,
    /// How TCP ports are asked.
    pub engine: Engine,
    /// How gently.
    pub temperament: Temperament,
    /// What is tried where a service asks who one is; none tries nothing.
    pub passwords: Option<Arc<Lists>>,
    /// Network profiles by model: what a device of it may offer.
    pub profiles: HashMap<Box<str>, NetworkProfile>,
    /// The fleet's gateway enforces what these profiles say: faults say what it can close.
    pub has_gateway: bool,
    /// Ask every port of an address whose usual TCP ports said nothing at all, too.
    pub even_silent: bool,
    /// An audit that was cut: what it knows is kept, what it did not ask is asked.
    pub resume: Option<Report>,
    /// Reads the time.
    pub clock: fn() -> Timestamp,
}

/// A fault and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// One host, or all that share it.
    pub hosts: Vec<IpAddr>,
    /// What should not be.
    pub fault: Fault,
}

/// What an audit learnt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// When it began, in milliseconds since 1970.
    pub began: i64,
    /// When it ended.
    pub ended: i64,
    /// Whether all that was asked for was done; otherwise this is a part.
    pub is_complete: bool,
    /// Hosts in the order of their addresses.
    pub hosts: Vec<Host>,
    /// Faults, the worst first.
    pub found: Vec<Found>,
    /// Ports that were not asked to the end, by host: where a resumed audit goes on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<IpAddr, String>,
}

/// Runs the plan.
///
/// # Errors
/// Where the engine's sockets cannot be had.
pub async fn audit(plan: &Plan, progress: Arc<dyn Progress>) -> io::Result<Report> {
    let began = (plan.clock)();
    let door = Door::new(plan.temperament);
    let shared = Arc::new(plan.clone());
    let mut waiting = plan.subjects.iter().cloned();
    let mut working = JoinSet::new();
    let mut done = Vec::new();
    loop {
        while working.len() < HOSTS_AT_ONCE
            && let Some(subject) = waiting.next()
        {
            let (door, plan, progress) = (door.clone(), Arc::clone(&shared), Arc::clone(&progress));
            working.spawn(async move { host::audit(&door, &plan, subject, &*progress).await });
        }
        let Some(joined) = working.join_next().await else { break };
        done.push(joined.map_err(io::Error::other)??);
    }
    let began = plan.resume.as_ref().map_or(began.0, |before| before.began);
    Ok(report(plan, began, done))
}

fn report(plan: &Plan, began: i64, done: Vec<Audited>) -> Report {
    let now = (plan.clock)();
    let is_cut =
        |(host, left): &Audited| host.outcome == Outcome::Cut || host.outcome == Outcome::Done && !left.is_empty();
    let is_complete = !done.iter().any(is_cut);
    let cut = done.iter().filter(|it| is_cut(it)).map(|(host, left)| (host.address, left.to_string()));
    let left = cut.filter(|(_, left)| !left.is_empty()).collect();
    let mut hosts: Vec<Host> = done.into_iter().map(|(host, _)| host).collect();
    hosts.sort_by_key(|host| host.address);
    let of_host = |host: &Host| {
        let profile = host.model.as_ref().and_then(|model| plan.profiles.get(model));
        let mut found = judge::faults(host, profile, now);
        for fault in found.iter_mut().filter(|_| plan.has_gateway) {
            if let Some(offer) = judge::offer(host, profile, fault) {
                fault.advice = format!("{}; {offer}", fault.advice);
            }
        }
        found.into_iter().map(|fault| Found { hosts: vec![host.address], fault }).collect::<Vec<_>>()
    };
    let mut found: Vec<Found> = hosts.iter().flat_map(of_host).collect();
    found.extend(judge::recycled(&hosts).into_iter().map(|(hosts, fault)| Found { hosts, fault }));
    found.sort_by(|a, b| b.fault.severity.cmp(&a.fault.severity).then_with(|| a.hosts.cmp(&b.hosts)));
    Report { began, ended: now.0, is_complete, hosts, found, left }
}
