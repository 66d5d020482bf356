//! Answers that devices received become elements: a name is allowed by the addresses that it has just been given.
//!
//! The device and the firewall see the same answer (RFC 9726 §3), so a content network that answers each asker differently changes
//! nothing. An address lives as long as its answer, at least a minute, and five minutes longer; a connection that was made outlives it.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use fleetward_fleet::{Direction, Mac, PortRange, Protocol, Timestamp};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::compile::{Family, NameRule};
use super::element::{Change, Element, Elements, Set};
use super::{Compiled, Mark, Site};
use crate::pattern;

/// A DNS answer as a device received it.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The device that asked, by hardware address.
    pub asker: Mac,
    /// The same by address, for routed interfaces.
    pub asker_ip: IpAddr,
    /// Who answered.
    pub resolver: IpAddr,
    /// The name that was asked.
    pub asked: &'a str,
    /// CNAMEs on the way.
    pub chain: &'a [Box<str>],
    /// What came out.
    pub addresses: &'a [IpAddr],
    /// Seconds.
    pub ttl: u32,
}

/// An address of a name, as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    mark: u32,
    out: bool,
    ip: IpAddr,
    protocol: Protocol,
    ports: PortRange,
    until: Timestamp,
}

/// Answers that led to nothing, by why; for metrics.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Ignored {
    /// The asker has no profile, or the profile no such name: most answers.
    pub unlisted: u64,
    /// The answer came from a resolver that is not the given one.
    pub foreign: u64,
    /// A name led to an address of this site (DNS rebinding).
    pub local: u64,
    /// The profile has its most addresses already.
    pub full: u64,
}

/// Holds which addresses stand for which names, and says what to change.
#[derive(Debug, Default)]
pub struct Feeder {
    rules: BTreeMap<Mark, Vec<NameRule>>,
    marks_by_mac: HashMap<Mac, Mark>,
    marks_by_ip: HashMap<IpAddr, Mark>,
    fixed: Elements,
    resolvers: Vec<IpAddr>,
    site: Site,
    lives: HashMap<Mark, HashMap<(Set, Element), Timestamp>>,
    /// What led to nothing.
    pub ignored: Ignored,
}

impl Feeder {
    /// For a compiled site; addresses that were known before are kept where their names are still allowed.
    pub fn new(site: &Site, compiled: &Compiled) -> Self {
        let mut feeder = Self { resolvers: site.resolvers().to_vec(), site: site.clone(), ..Self::default() };
        feeder.rules.clone_from(&compiled.names);
        for member in &site.members {
            let mark = member.model.as_ref().and_then(|model| compiled.marks.get(model));
            if let Some(mark) = mark.copied() {
                feeder.learn(member.mac, &member.ips, mark);
            }
        }
        let fed = |set: &Set| matches!(set.name, "out4" | "out6" | "in4" | "in6");
        feeder.fixed =
            compiled.elements.iter().filter(|(set, _)| fed(set)).map(|(set, it)| (*set, it.clone())).collect();
        feeder
    }

    /// A device, its addresses and its profile.
    pub fn learn(&mut self, mac: Mac, ips: &[IpAddr], mark: Mark) {
        if !mac.is_unknown() {
            self.marks_by_mac.insert(mac, mark);
        }
        self.marks_by_ip.extend(ips.iter().map(|ip| (*ip, mark)));
    }

    /// What an answer changes. An address whose life would hardly grow is left alone.
    pub fn answer(&mut self, answer: Answer<'_>, now: Timestamp) -> Vec<Change> {
        let by_ip = || self.marks_by_ip.get(&answer.asker_ip);
        let Some(mark) = self.marks_by_mac.get(&answer.asker).or_else(by_ip).copied() else {
            self.ignored.unlisted += 1;
            return Vec::new();
        };
        let names = || std::iter::once(answer.asked).chain(answer.chain.iter().map(AsRef::as_ref));
        let rules: Vec<&NameRule> = self.rules.get(&mark).into_iter().flatten().collect();
        let rules: Vec<NameRule> =
            rules.into_iter().filter(|rule| names().any(|it| pattern::matches(&rule.pattern, it))).cloned().collect();
        if rules.is_empty() {
            self.ignored.unlisted += 1;
            return Vec::new();
        }
        if !self.resolvers.contains(&answer.resolver) {
            self.ignored.foreign += 1;
            return Vec::new();
        }
        let life = Duration::from_secs(answer.ttl.into()).max(SHORTEST).min(LONGEST) + GRACE;
        let mut changes = Vec::new();
        for ip in answer.addresses.iter().map(IpAddr::to_canonical) {
            if self.site.is_local(ip) {
                self.ignored.local += 1;
                continue;
            }
            for rule in &rules {
                self.allow(mark, rule, ip, life, now, &mut changes);
            }
        }
        changes
    }

    fn allow(
        &mut self,
        mark: Mark,
        rule: &NameRule,
        ip: IpAddr,
        life: Duration,
        now: Timestamp,
        out: &mut Vec<Change>,
    ) {
        for (set, element) in elements(mark, rule, ip) {
            if self.fixed.get(&set).is_some_and(|it| it.contains(&element)) {
                continue;
            }
            let lives = self.lives.entry(mark).or_default();
            let key = (set, element);
            let until = now + life;
            match lives.get(&key) {
                // Most of its life is left: a name that is asked every second is not put in every second.
                Some(old) if *old > now && until.since(*old) < life / 4 => continue,
                None if lives.len() >= MOST => {
                    lives.retain(|_, until| *until > now);
                    if lives.len() >= MOST {
                        self.ignored.full += 1;
                        continue;
                    }
                }
                _ => {}
            }
            let (set, element) = key.clone();
            lives.insert(key, until);
            out.push(Change::Put { set, element, life: Some(life) });
        }
    }

    /// Everything that lives, with what is left of it: for a reload, and for the file that a restart reads.
    pub fn living(&self, now: Timestamp) -> impl Iterator<Item = (Set, &Element, Duration)> {
        self.lives.values().flatten().filter_map(move |((set, element), until)| {
            let left = until.since(now);
            (!left.is_zero()).then_some((*set, element, left))
        })
    }

    /// Takes over what lived in a former one, as far as the same keys could still be made by a rule of this one.
    pub fn inherit(&mut self, former: &Self, now: Timestamp) {
        for (mark, lives) in &former.lives {
            let Some(rules) = self.rules.get(mark) else { continue };
            let kept =
                lives.iter().filter(|((_, element), until)| **until > now && rules.iter().any(|it| it.makes(element)));
            let kept: Vec<_> = kept.map(|(key, until)| (key.clone(), *until)).collect();
            self.lives.entry(*mark).or_default().extend(kept);
        }
    }

    /// Everything that lives, to be written down.
    pub fn kept(&self, now: Timestamp) -> Vec<Kept> {
        let living = self.lives.values().flatten().filter(|(_, until)| **until > now);
        let kept = living.filter_map(|((set, element), until)| {
            let (mark, ip, protocol, ports) = match element {
                Element::Port(mark, ip, protocol, port) => (mark, *ip, *protocol, PortRange::one(*port)),
                Element::Span(mark, net, protocol, ports) => (mark, net.addr(), *protocol, *ports),
                _ => return None,
            };
            Some(Kept { mark: mark.0, out: set.name.starts_with("out"), ip, protocol, ports, until: *until })
        });
        kept.collect()
    }

    /// Takes over what was written down, as far as a rule of this one could still make it.
    pub fn restore(&mut self, kept: &[Kept], now: Timestamp) {
        for it in kept.iter().filter(|it| it.until > now && !self.site.is_local(it.ip)) {
            let mark = Mark(it.mark);
            let begins = if it.out { Direction::Out } else { Direction::In };
            let rules = self.rules.get(&mark).into_iter().flatten().filter(|rule| rule.begins == begins);
            let made: Vec<_> = rules.flat_map(|rule| elements(mark, rule, it.ip)).collect();
            let same = |element: &Element| match element {
                Element::Port(_, _, protocol, port) => *protocol == it.protocol && it.ports == PortRange::one(*port),
                Element::Span(_, _, protocol, ports) => *protocol == it.protocol && it.ports == *ports,
                _ => false,
            };
            if let Some(key) = made.into_iter().find(|(_, element)| same(element))
                && !self.fixed.get(&key.0).is_some_and(|fixed| fixed.contains(&key.1))
            {
                self.lives.entry(mark).or_default().insert(key, it.until.min(now + LONGEST + GRACE));
            }
        }
    }

    /// A device was seen to use this address.
    pub fn seen(&mut self, mac: Mac, ip: IpAddr) {
        if let Some(mark) = self.marks_by_mac.get(&mac).copied()
            && self.marks_by_ip.len() < MOST_ADDRESSES
        {
            self.marks_by_ip.insert(ip, mark);
        }
    }

    /// Forgets what has died.
    pub fn tidy(&mut self, now: Timestamp) {
        for lives in self.lives.values_mut() {
            lives.retain(|_, until| *until > now);
        }
        self.lives.retain(|_, lives| !lives.is_empty());
    }
}

impl NameRule {
    /// The rule could have made this element: the same protocol and ports.
    fn makes(&self, element: &Element) -> bool {
        match element {
            Element::Port(_, _, protocol, port) => *protocol == self.protocol && self.ports.contains(port),
            Element::Span(_, _, protocol, ports) => *protocol == self.protocol && self.ranges.contains(ports),
            _ => false,
        }
    }
}

fn elements(mark: Mark, rule: &NameRule, ip: IpAddr) -> impl Iterator<Item = (Set, Element)> {
    let family = Family::of(ip, if rule.begins == Direction::Out { Direction::Out } else { Direction::In });
    let protocol = rule.protocol;
    let ports = rule.ports.iter().map(move |port| (family.exact, Element::Port(mark, ip, protocol, *port)));
    let net = IpNet::from(ip);
    ports.chain(rule.ranges.iter().map(move |ports| (family.span, Element::Span(mark, net, protocol, *ports))))
}

/// An address lives at least this long, whatever its answer says: devices keep what they resolved for a while.
const SHORTEST: Duration = Duration::from_mins(1);
/// And this much longer than its answer: a device may call right before the end.
const GRACE: Duration = Duration::from_mins(5);
/// A TTL is believed up to here (RFC 8767 §4 advises a cap of days; a week of an address that moved on is long enough).
const LONGEST: Duration = Duration::from_hours(24);
/// Addresses of devices that are remembered.
const MOST_ADDRESSES: usize = 131_072;
/// Addresses and ports that names of one profile may have at once.
const MOST: usize = 8192;

#[cfg(test)]
mod tests;
