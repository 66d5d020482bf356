//! Flows summed up by device and destination: what a person reads at the end of a capture, and what the journal is told at
//! intervals, so that a device which opens a thousand connections does not fill it.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use fleetward_fleet::Direction;
use fleetward_packet::{Application, Flow, Time};

use crate::write::Row;

/// Sums since the last [`Totals::drain`]. `D` names a device.
///
/// Bounded: a device has at most so many destinations at a time, all devices together too; what is beyond goes into one sum of its
/// device, protocol and direction, without a destination.
#[derive(Debug)]
pub struct Totals<D> {
    limits: TotalLimits,
    sums: HashMap<Key<D>, Vec<Named>>,
    /// Destinations of each device.
    destinations: HashMap<D, usize>,
    kept: usize,
    /// What of a living flow is in sums already.
    told: HashMap<u64, Amount>,
}

/// One address can have led there by several names.
type Named = (Option<Box<str>>, Sum);

/// How many destinations are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TotalLimits {
    /// For one device: a scan is one sum beyond it.
    pub of_device: usize,
    /// For all.
    pub of_all: usize,
}

impl Default for TotalLimits {
    fn default() -> Self {
        Self { of_device: 256, of_all: 100_000 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key<D> {
    device: D,
    begins: Direction,
    protocol: u8,
    /// Nothing for what is beyond the limits.
    peer: Option<(IpAddr, u16)>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Amount {
    packets: [u64; 2],
    bytes: [u64; 2],
}

/// How a flow grew since it was last told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    amount: Amount,
    /// It was not told of before.
    is_new: bool,
}

/// What one device and one destination had to do with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total<D> {
    /// The device.
    pub device: D,
    /// Who began.
    pub begins: Direction,
    /// IANA protocol number.
    pub protocol: u8,
    /// The other end and the port that was called; nothing where there were too many to keep apart.
    pub peer: Option<(IpAddr, u16)>,
    /// The name that led there.
    pub name: Option<Box<str>>,
    /// How much.
    pub sum: Sum,
}

/// How much it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Flows that began; one that goes on over an interval counts in the first.
    pub flows: u64,
    /// Packets from the device, packets to it.
    pub packets: (u64, u64),
    /// Octets from the device, octets to it.
    pub bytes: (u64, u64),
    /// The first packet.
    pub first: Time,
    /// The last packet.
    pub last: Time,
    /// What was spoken, where it is known.
    pub application: Option<Application>,
}

impl<D: Copy + Eq + Hash> Totals<D> {
    /// No sums yet.
    pub fn new(limits: TotalLimits) -> Self {
        Self { limits, sums: HashMap::new(), destinations: HashMap::new(), kept: 0, told: HashMap::new() }
    }

    /// How a flow grew; called once for each growth (or the end) of a flow, then [`Self::add`] for each device at its ends.
    pub fn growth(&mut self, flow: &Flow, ended: bool) -> Growth {
        let now = Amount { packets: flow.packets, bytes: flow.bytes };
        let before = if ended { self.told.remove(&flow.id) } else { self.told.insert(flow.id, now) };
        let told = before.unwrap_or_default();
        let less = |now: [u64; 2], told: [u64; 2]| [0, 1].map(|side| now[side].saturating_sub(told[side]));
        let amount = Amount { packets: less(now.packets, told.packets), bytes: less(now.bytes, told.bytes) };
        Growth { amount, is_new: before.is_none() }
    }

    /// Adds the growth to the sum of a device.
    pub fn add(&mut self, device: D, begins: Direction, flow: &Flow, growth: &Growth) {
        let row = Row { device: "", begins, flow };
        let (_, peer) = row.ends();
        let key = Key { device, begins, protocol: flow.protocol, peer: Some((peer.ip, flow.server.port)) };
        let name = row.name().map(|name| &*name.text);
        let more = Sum {
            flows: u64::from(growth.is_new),
            packets: row.turned(growth.amount.packets),
            bytes: row.turned(growth.amount.bytes),
            first: if growth.is_new { flow.first } else { flow.last },
            last: flow.last,
            application: flow.application,
        };
        let found = self.sums.get_mut(&key).and_then(|names| names.iter_mut().find(|(it, _)| it.as_deref() == name));
        if let Some((_, sum)) = found {
            sum.add(&more);
            return;
        }
        let destinations = self.destinations.entry(device).or_default();
        if *destinations < self.limits.of_device && self.kept < self.limits.of_all {
            *destinations += 1;
            self.kept += 1;
            self.sums.entry(key).or_default().push((name.map(Into::into), more));
            return;
        }
        let rest = self.sums.entry(Key { peer: None, ..key }).or_default();
        match rest.first_mut() {
            Some((_, sum)) => sum.add(&Sum { application: None, ..more }),
            None => rest.push((None, Sum { application: None, ..more })),
        }
    }

    /// Takes the sums, in no order. What is known of living flows stays, so that nothing is counted twice.
    pub fn drain(&mut self) -> impl Iterator<Item = Total<D>> {
        self.destinations.clear();
        self.kept = 0;
        self.sums.drain().flat_map(|(key, names)| {
            let Key { device, begins, protocol, peer } = key;
            names.into_iter().map(move |(name, sum)| Total { device, begins, protocol, peer, name, sum })
        })
    }

    /// How many sums there are.
    pub fn len(&self) -> usize {
        self.sums.values().map(Vec::len).sum()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }
}

impl Sum {
    fn add(&mut self, more: &Self) {
        self.flows += more.flows;
        self.packets = (self.packets.0 + more.packets.0, self.packets.1 + more.packets.1);
        self.bytes = (self.bytes.0 + more.bytes.0, self.bytes.1 + more.bytes.1);
        self.first = self.first.min(more.first);
        self.last = self.last.max(more.last);
        self.application = more.application.or(self.application);
    }
}

#[cfg(test)]
mod tests {
    use fleetward_fleet::Mac;
    use fleetward_packet::{Endpoint, TcpSeen};

    use super::*;

    fn flow(id: u64, peer: u8, packets: u64) -> Flow {
        let end = |last, port| Endpoint { ip: [10, 0, 0, last].into(), port, mac: Mac::default() };
        Flow {
            id,
            client: end(1, 40_000),
            server: end(peer, 443),
            protocol: 6,
            vlan: 0,
            begun: true,
            first: Time(1),
            last: Time(1 + packets.cast_signed()),
            packets: [packets, 2 * packets],
            bytes: [100 * packets, 200 * packets],
            tcp: TcpSeen::default(),
            name: None,
            application: None,
        }
    }

    fn told(totals: &mut Totals<u8>, flow: &Flow, ended: bool) {
        let growth = totals.growth(flow, ended);
        totals.add(7, Direction::Out, flow, &growth);
    }

    #[test]
    fn a_flow_that_goes_on_counts_once_over_all_intervals() {
        let mut totals = Totals::new(TotalLimits::default());
        told(&mut totals, &flow(1, 2, 64), false);
        told(&mut totals, &flow(2, 2, 3), true);
        let first: Vec<_> = totals.drain().collect();
        assert_eq!((first[0].sum.flows, first[0].sum.packets, first[0].sum.bytes.1), (2, (67, 134), 13_400));
        told(&mut totals, &flow(1, 2, 100), true);
        let second: Vec<_> = totals.drain().collect();
        assert_eq!((second[0].sum.flows, second[0].sum.packets), (0, (36, 72)));
        assert!(totals.told.is_empty(), "nothing stays of what ended");
    }

    #[test]
    fn a_scan_is_one_sum_beyond_the_limit() {
        let mut totals = Totals::new(TotalLimits { of_device: 3, of_all: 100 });
        for peer in 2..250 {
            told(&mut totals, &flow(peer.into(), peer, 1), true);
        }
        assert_eq!(totals.len(), 4);
        let rest = totals.drain().find(|it| it.peer.is_none()).expect("the rest");
        assert_eq!(rest.sum.flows, 245);
        told(&mut totals, &flow(900, 9, 1), true);
        assert_eq!(totals.len(), 1, "a new interval has room again");
    }
}
