//! Two records, one of each direction, become one flow.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use fleetward_packet::{Endpoint, Event, Flow, Sink, TcpSeen, Time};

use super::fields::{End, Record};

/// How long the other direction is waited for: exporters send both in one datagram, or within seconds.
const PATIENCE: i64 = 5_000_000_000;
/// Records that wait at once.
const MOST: usize = 65_536;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Join {
    waiting: HashMap<Key, (Record, u64)>,
    /// In the order of coming: until when, and whom.
    order: VecDeque<(i64, Key, u64)>,
    number: u64,
}

/// Source, destination, protocol and VLAN of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    source: (IpAddr, u16),
    destination: (IpAddr, u16),
    protocol: u8,
    vlan: u16,
}

impl Key {
    fn of(record: &Record) -> Self {
        // ICMP has no ports, and the type of the answer is another.
        let port = |end: &End| if matches!(record.protocol, 1 | 58) { 0 } else { end.port };
        Self {
            source: (record.source.ip, port(&record.source)),
            destination: (record.destination.ip, port(&record.destination)),
            protocol: record.protocol,
            vlan: record.vlan,
        }
    }

    fn turned(self) -> Self {
        Self { source: self.destination, destination: self.source, ..self }
    }
}

impl Join {
    /// Tells the flow, or keeps it for its other half; how many were told.
    pub(super) fn take(&mut self, record: Record, now: Time, sink: &mut impl Sink) -> u64 {
        let told = self.advance(now, sink);
        self.number += 1;
        if record.packets[1] > 0 {
            tell(self.number, &record, None, sink);
            return told + 1;
        }
        let key = Key::of(&record);
        if let Some((other, number)) = self.waiting.remove(&key.turned()) {
            tell(number, &other, Some(&record), sink);
            return told + 1;
        }
        if self.waiting.len() >= MOST {
            tell(self.number, &record, None, sink);
            return told + 1;
        }
        self.order.push_back((now.0.saturating_add(PATIENCE), key, self.number));
        if let Some((before, number)) = self.waiting.insert(key, (record, self.number)) {
            tell(number, &before, None, sink);
            return told + 1;
        }
        told
    }

    pub(super) fn advance(&mut self, now: Time, sink: &mut impl Sink) -> u64 {
        let mut told = 0;
        while let Some((until, key, number)) = self.order.front().copied() {
            let is_waiting = self.waiting.get(&key).is_some_and(|(_, it)| *it == number);
            if is_waiting && until > now.0 {
                break;
            }
            self.order.pop_front();
            if is_waiting && let Some((record, number)) = self.waiting.remove(&key) {
                tell(number, &record, None, sink);
                told += 1;
            }
        }
        told
    }

    pub(super) fn finish(&mut self, sink: &mut impl Sink) -> u64 {
        self.advance(Time(i64::MAX), sink)
    }
}

/// A flow is told when it is over: as opened, and closed.
fn tell(id: u64, record: &Record, other: Option<&Record>, sink: &mut impl Sink) {
    let back = other.map_or((record.packets[1], record.bytes[1], record.flags[1]), |other| {
        (other.packets[0], other.bytes[0], other.flags[0])
    });
    let end = |own: &End, other: Option<&End>| Endpoint {
        ip: own.ip,
        port: own.port,
        mac: if own.mac.is_unknown() { other.map(|it| it.mac).unwrap_or_default() } else { own.mac },
    };
    let source = end(&record.source, other.map(|it| &it.destination));
    let destination = end(&record.destination, other.map(|it| &it.source));
    let mut flow = Flow {
        id,
        client: source,
        server: destination,
        protocol: record.protocol,
        vlan: record.vlan,
        // Flags are of the whole flow, so a SYN does not say who sent the first.
        begun: false,
        first: Time(other.map_or(record.first, |other| other.first.min(record.first))),
        last: Time(other.map_or(record.last, |other| other.last.max(record.last))),
        packets: [record.packets[0], back.0],
        bytes: [record.bytes[0], back.1],
        tcp: TcpSeen { client: record.flags[0], server: back.2 },
        name: None,
        application: None,
    };
    let later = other.is_some_and(|other| other.first < record.first);
    let together = other.is_some_and(|other| other.first == record.first);
    // In the same millisecond, or with one direction alone, the port of a service tells.
    let (from, to) = (flow.client.port, flow.server.port);
    let answers = (together || other.is_none()) && from < 1024 && to >= 1024 && !matches!(flow.protocol, 1 | 58);
    if later || answers {
        std::mem::swap(&mut flow.client, &mut flow.server);
        flow.packets.reverse();
        flow.bytes.reverse();
        flow.tcp = TcpSeen { client: flow.tcp.server, server: flow.tcp.client };
    }
    sink.event(Event::Opened(&flow));
    sink.event(Event::Closed(&flow));
}
