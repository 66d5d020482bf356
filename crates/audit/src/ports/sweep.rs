//! Which port to ask next, and when: one state machine for both engines. Time is passed in, counted from the beginning.
//!
//! The number of questions without an answer is bounded by a window. It opens while answers keep up. Where they do not,
//! a port that is known to answer (the canary, an open one where there is one) is asked between the others: if it
//! answers, so would any other open port, and the window may open whatever else is lost: filtered ports, or resets that
//! the host limits. If it does not, the host limits all its answers, and the window closes until about a quarter of the
//! questions is lost, which keeps such a host busy without drowning it. The window never closes whole, so a silent
//! firewall does not stall the audit.
//!
//! A port without an answer is asked again as often as the canary's losses say: an open one must not be missed. Beyond
//! that it stays unknown; that it is closed would have to be heard.

use std::collections::VecDeque;
use std::time::Duration;

use super::pulse::Pulse;
use super::set::PortSet;
use crate::fact::{Outcome, PortState};
use crate::pace::Limits;

/// A question. `number` tells the tries of one port apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Probe {
    pub(super) port: u16,
    pub(super) number: u32,
    pub(super) wait: Duration,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Ask(Probe),
    /// Nothing before this time, unless an answer comes.
    Wait(Duration),
    End(Outcome),
}

/// Tries of a port at most.
const MOST_TRIES: u32 = 16;

/// Numbers of canaries begin here,
pub(super) const CANARY: u32 = 64;

/// and so many are told apart.
pub(super) const CANARIES: u32 = 1024;

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    state: Option<PortState>,
    tries: u8,
    is_flying: bool,
    sent: Duration,
}

/// What is known of each port that is asked, in order of the ports. A network of which few ports are asked costs little for
/// each host.
#[derive(Debug)]
struct Entries {
    ports: Vec<u16>,
    entries: Vec<Entry>,
}

impl Entries {
    fn of(mut ports: Vec<u16>) -> Self {
        ports.sort_unstable();
        ports.dedup();
        Self { entries: vec![Entry::default(); ports.len()], ports }
    }

    /// `None`: the port is not asked.
    fn at(&mut self, port: u16) -> Option<&mut Entry> {
        // Where all of a range are asked, a port's number says where it is.
        let guess = usize::from(port.wrapping_sub(self.ports.first().copied().unwrap_or(0)));
        let is_guessed = self.ports.get(guess) == Some(&port);
        let place = if is_guessed { guess } else { self.ports.binary_search(&port).ok()? };
        self.entries.get_mut(place)
    }

    /// Of a port that was taken from those that are asked.
    fn asked(&mut self, port: u16) -> &mut Entry {
        self.at(port).expect("questions go to ports that are asked alone")
    }

    fn iter(&self) -> impl Iterator<Item = (u16, &Entry)> {
        self.ports.iter().copied().zip(&self.entries)
    }
}

/// The sweep over one host's TCP ports.
#[derive(Debug)]
pub(super) struct Sweep {
    pulse: Pulse,
    fresh: std::iter::Peekable<std::vec::IntoIter<u16>>,
    again: VecDeque<u16>,
    entries: Entries,
    flights: VecDeque<(Duration, Probe)>,
    flying: usize,
    canary: Option<(u16, PortState)>,
    canaries: Vec<u32>,
    canary_count: u32,
    canary_sent: Duration,
    since_canary: u32,
    best_try: u32,
    lost_canaries: u32,
    last_answer: Option<Duration>,
    patience: Duration,
    pub(super) resolved: usize,
    pub(super) total: usize,
}

impl Sweep {
    /// `window`: questions without an answer, at most.
    pub(super) fn new(ports: &PortSet, limits: Limits, window: u32) -> Self {
        let fresh: Vec<u16> = ports.tcp().collect();
        Self {
            pulse: Pulse::new(limits, window),
            total: fresh.len(),
            entries: Entries::of(fresh.clone()),
            fresh: fresh.into_iter().peekable(),
            again: VecDeque::new(),
            flights: VecDeque::new(),
            flying: 0,
            canary: None,
            canaries: Vec::new(),
            canary_count: 0,
            canary_sent: Duration::ZERO,
            since_canary: 0,
            best_try: 1,
            lost_canaries: 0,
            last_answer: None,
            patience: limits.patience,
            resolved: 0,
        }
    }

    /// What to do at `now`.
    pub(super) fn step(&mut self, now: Duration) -> Step {
        self.expire(now);
        self.pulse.turn(now, self.canary.map(|(_, state)| state));
        if self.has_fallen_silent(now) {
            return Step::End(Outcome::FellSilent);
        }
        let due = self.pulse.due(now);
        if due > now {
            return Step::Wait(due);
        }
        if self.flying < self.pulse.window() {
            // Only where another question would leave: in a pause every host answers.
            if let Some(probe) = self.next_canary(now) {
                self.pulse.sent(now);
                return Step::Ask(probe);
            }
            if let Some(port) = self.next_port() {
                self.pulse.sent(now);
                return Step::Ask(self.launch(port, now));
            }
            if self.flying == 0 {
                let outcome = if self.last_answer.is_some() { Outcome::Done } else { Outcome::Silent };
                return Step::End(outcome);
            }
        }
        let first = self.flights.front().map_or(now, |(sent, _)| *sent + self.pulse.rto());
        Step::Wait(first.max(now + Duration::from_millis(1)).min(now + Duration::from_millis(250)))
    }

    /// An answer came.
    pub(super) fn answered(&mut self, port: u16, number: u32, state: PortState, now: Duration) {
        if number >= CANARY {
            if let Some(at) = self.canaries.iter().position(|it| *it == number) {
                self.canaries.swap_remove(at);
                self.heard(now);
                self.pulse.canary(true);
            }
            return;
        }
        let Some(entry) = self.entries.at(port) else { return };
        if number == 0 || number > u32::from(entry.tries) || entry.state.is_some() {
            return;
        }
        entry.state = Some(state);
        if std::mem::take(&mut entry.is_flying) {
            self.flying -= 1;
        }
        let took = (number == u32::from(entry.tries)).then(|| now.saturating_sub(entry.sent));
        self.pulse.answered(took);
        self.resolved += 1;
        self.best_try = self.best_try.max(number);
        self.heard(now);
        if self.canary.is_none_or(|(_, known)| known == PortState::Closed && state == PortState::Open) {
            self.canary = Some((port, state));
            self.canaries.clear();
            self.pulse.begin_canary();
        }
    }

    /// What was learnt: open ports, closed ones, how many said nothing, and which were not asked to the end.
    pub(super) fn harvest(&self) -> (Vec<u16>, u32, u32, PortSet) {
        let (mut open, mut closed, mut unknown, mut begun) = (Vec::new(), 0, 0, Vec::new());
        for (port, entry) in self.entries.iter() {
            match entry.state {
                Some(PortState::Open) => open.push(port),
                Some(PortState::Closed) => closed += 1,
                Some(PortState::Unknown) => unknown += 1,
                None if entry.tries > 0 => begun.push(port),
                None => {}
            }
        }
        (open, closed, unknown, PortSet::new(begun.into_iter().chain(self.fresh.clone()), []))
    }

    /// Ports that answered, open or closed.
    pub(super) fn settled(&self) -> PortSet {
        let has = |entry: &Entry| matches!(entry.state, Some(PortState::Open | PortState::Closed));
        PortSet::new(self.entries.iter().filter(|(_, it)| has(it)).map(|(port, _)| port), [])
    }

    fn heard(&mut self, now: Duration) {
        self.last_answer = Some(now);
        self.lost_canaries = 0;
    }

    fn launch(&mut self, port: u16, now: Duration) -> Probe {
        let entry = self.entries.asked(port);
        entry.tries += 1;
        entry.is_flying = true;
        entry.sent = now;
        let probe = Probe { port, number: entry.tries.into(), wait: self.pulse.rto() };
        self.flying += 1;
        self.since_canary += 1;
        self.flights.push_back((now, probe));
        probe
    }

    /// Further passes only over the unanswered.
    fn next_port(&mut self) -> Option<u16> {
        if let Some(port) = self.fresh.next() {
            return Some(port);
        }
        let allowed = self.tries();
        while let Some(port) = self.again.pop_front() {
            let entry = self.entries.asked(port);
            if entry.state.is_some() {
                continue;
            }
            if u32::from(entry.tries) < allowed {
                return Some(port);
            }
            entry.state = Some(PortState::Unknown);
            self.resolved += 1;
        }
        None
    }

    /// How often a port is asked: as the losses of an open canary say; without one, while such a try was ever answered.
    fn tries(&self) -> u32 {
        let sure = match self.canary {
            Some((_, PortState::Open)) => self.pulse.tries(),
            _ if self.pulse.has_lost_canaries() => 4,
            _ => 2,
        };
        let is_sure = self.canary.is_some_and(|(_, state)| state == PortState::Open) && !self.pulse.is_limited();
        if is_sure { sure } else { (self.best_try + 1).max(sure).min(MOST_TRIES) }
    }

    fn next_canary(&mut self, now: Duration) -> Option<Probe> {
        let (port, _) = self.canary?;
        let since = now.saturating_sub(self.canary_sent);
        // By the count of questions, not by time: after a pause every host answers the first ones.
        let is_due = self.since_canary >= self.pulse.canary_every() || since >= Duration::from_secs(1);
        if !is_due {
            return None;
        }
        (self.canary_sent, self.since_canary) = (now, 0);
        self.canary_count += 1;
        let probe = Probe { port, number: CANARY + self.canary_count % CANARIES, wait: self.pulse.rto() };
        self.canaries.push(probe.number);
        self.flights.push_back((now, probe));
        Some(probe)
    }

    /// Questions whose time is up.
    fn expire(&mut self, now: Duration) {
        while let Some((sent, probe)) = self.flights.front().copied() {
            let entry = self.entries.asked(probe.port);
            let is_settled = probe.number < CANARY && (!entry.is_flying || u32::from(entry.tries) != probe.number);
            if !is_settled && sent + self.pulse.rto() > now {
                break;
            }
            self.flights.pop_front();
            if is_settled {
                continue;
            }
            if probe.number >= CANARY {
                if let Some(at) = self.canaries.iter().position(|it| *it == probe.number) {
                    self.canaries.swap_remove(at);
                    self.lost_canaries += 1;
                    self.pulse.canary(false);
                }
                continue;
            }
            entry.is_flying = false;
            self.flying -= 1;
            self.pulse.lost();
            self.again.push_back(probe.port);
        }
    }

    fn has_fallen_silent(&self, now: Duration) -> bool {
        let since = self.last_answer.map_or(Duration::ZERO, |at| now.saturating_sub(at));
        self.lost_canaries >= 5 && since > (self.patience * 2).max(self.pulse.rto() * 10)
    }
}

#[cfg(test)]
mod tests;
