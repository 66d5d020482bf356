//! What speaks for something learnt, counted where it can be counted.

use std::collections::BTreeSet;

use fleetward_fleet::{Confidence, Rate, Support, Timestamp};

use crate::view::View;

const HOUR: i64 = 3_600_000;

/// What one addition stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    /// One conversation, packet by packet.
    One,
    /// The sum of so many: neither the device's own port nor how fast it sent is known.
    Sum(u64),
}

impl Amount {
    pub(super) fn flows(self) -> u64 {
        match self {
            Self::One => 1,
            Self::Sum(flows) => flows,
        }
    }
}

/// How often, on how many devices, days and captures, and how much of it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    devices: BTreeSet<u32>,
    days: BTreeSet<i64>,
    pub(super) captures: BTreeSet<u32>,
    pub(super) flows: u64,
    /// Of these, those that the other side answered.
    pub(super) answered: u64,
    first: Timestamp,
    last: Timestamp,
    /// The hour that is being summed, by device; and the most of any hour.
    hour: (u32, i64, [u64; 3]),
    most: [u64; 3],
    /// Ports of the device's own, where it began: one, or that there were more.
    pub(super) own_port: OwnPort,
    /// The most packets of the device in a second, over a conversation; `None` where it is not known.
    fastest: Option<u32>,
}

/// From which port of its own a device began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnPort {
    None,
    One(u16),
    Several,
}

impl OwnPort {
    /// Both.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, it) | (it, Self::None) => it,
            (one, two) if one == two => one,
            _ => Self::Several,
        }
    }
}

impl Seen {
    pub(super) fn new(first: Timestamp) -> Self {
        Self {
            devices: BTreeSet::new(),
            days: BTreeSet::new(),
            captures: BTreeSet::new(),
            flows: 0,
            answered: 0,
            first,
            last: first,
            hour: (0, i64::MIN, [0; 3]),
            most: [0; 3],
            own_port: OwnPort::None,
            fastest: None,
        }
    }

    pub(super) fn add(&mut self, view: &View<'_>, capture: u32, amount: Amount) {
        let flow = view.flow;
        let (first, last) = (flow.first.timestamp(), flow.last.timestamp());
        self.devices.insert(view.host.0);
        self.days.insert(first.secs().div_euclid(86_400));
        self.captures.insert(capture);
        let is_answered = flow.packets[0] > 0 && flow.packets[1] > 0 && !flow.tcp.is_refused();
        self.flows += amount.flows();
        self.answered += if is_answered { amount.flows() } else { 0 };
        self.first = self.first.min(first);
        self.last = self.last.max(last);
        let own_port = if amount == Amount::One { OwnPort::One(flow.client.port) } else { OwnPort::Several };
        self.own_port = self.own_port.and(own_port);
        let (up, down) = view.bytes();
        let hour = (view.host.0, first.0.div_euclid(HOUR));
        if (self.hour.0, self.hour.1) != hour {
            self.hour = (hour.0, hour.1, [0; 3]);
        }
        for (place, (sum, amount)) in self.hour.2.iter_mut().zip([up, down, amount.flows()]).enumerate() {
            *sum += amount;
            self.most[place] = self.most[place].max(*sum);
        }
        if amount == Amount::One {
            let seconds = u64::try_from(last.0 - first.0).unwrap_or(0) / 1000 + 1;
            let rate = u32::try_from(flow.packets[0].max(flow.packets[1]) / seconds).unwrap_or(u32::MAX);
            self.fastest = self.fastest.max(Some(rate));
        }
    }

    /// Both together, as one.
    pub(super) fn join(&mut self, other: &Self) {
        self.devices.extend(&other.devices);
        self.days.extend(&other.days);
        self.captures.extend(&other.captures);
        self.flows += other.flows;
        self.answered += other.answered;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        // Of two things that are one now, an hour may have had the most of both.
        self.most.iter_mut().zip(other.most).for_each(|(most, other)| *most += other);
        self.own_port = self.own_port.and(other.own_port);
        self.fastest = self.fastest.max(other.fastest);
    }

    pub(super) fn support(&self, note: String) -> Support {
        let count = |set: usize| u32::try_from(set).unwrap_or(u32::MAX);
        let (devices, days, captures) = (self.devices.len(), self.days.len(), self.captures.len());
        let confidence = match () {
            () if devices >= 2 && (days >= 2 || captures >= 3) => Confidence::High,
            () if devices >= 2 || days >= 2 => Confidence::Medium,
            () => Confidence::Low,
        };
        Support {
            devices: count(devices),
            days: count(days),
            captures: count(captures),
            flows: self.flows,
            first_seen: self.first,
            last_seen: self.last,
            confidence,
            addresses: Vec::new(),
            note,
        }
    }

    /// Twice the most that was seen, so that the next busiest hour is no finding.
    pub(super) fn rate(&self) -> Rate {
        let [up, down, flows] = self.most.map(|most| most.saturating_mul(2));
        Rate {
            bytes_up_per_hour: Some(round_up(up)),
            bytes_down_per_hour: Some(round_up(down)),
            flows_per_hour: Some(u32::try_from(round_up(flows)).unwrap_or(u32::MAX)),
            packets_per_second: self.fastest.map(|fastest| fastest.saturating_mul(2).max(10)),
        }
    }
}

/// To two digits, for people.
fn round_up(value: u64) -> u64 {
    let unit = 10_u64.pow(value.checked_ilog10().unwrap_or(0).saturating_sub(1));
    value.div_ceil(unit) * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_said_in_round_numbers() {
        assert_eq!([0, 7, 99, 101, 12_345].map(round_up), [0, 7, 99, 110, 13_000]);
    }
}
