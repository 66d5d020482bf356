//! Flows as rows, one for each device at an end: comma-separated values and JSON lines.
//!
//! Rows go into a buffer that the caller empties; nothing is allocated for a flow.

mod csv;
mod json;
mod text;

use fleetward_fleet::Direction;
use fleetward_packet::{Endpoint, Flow, Name};

pub use csv::{csv_heading, csv_row};
pub use json::json_row;

/// A flow as one device has it.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// What the device is called.
    pub device: &'a str,
    /// Who began the flow, seen from the device.
    pub begins: Direction,
    /// The flow.
    pub flow: &'a Flow,
}

impl<'a> Row<'a> {
    /// The device's end, the other end.
    pub fn ends(&self) -> (&'a Endpoint, &'a Endpoint) {
        let (client, server) = (&self.flow.client, &self.flow.server);
        if self.begins == Direction::Out { (client, server) } else { (server, client) }
    }

    /// The name that led to the other end; none where the device was called, for then it is the device's own.
    pub fn name(&self) -> Option<&'a Name> {
        self.flow.name.as_ref().filter(|_| self.begins == Direction::Out)
    }

    /// Of a pair for client and server: from the device, to it.
    pub(crate) fn turned<T>(&self, [client, server]: [T; 2]) -> (T, T) {
        if self.begins == Direction::Out { (client, server) } else { (server, client) }
    }
}

/// Names of the columns, in their order; JSON has the same.
pub const COLUMNS: [&str; 22] = [
    "first",
    "last",
    "device",
    "mac",
    "address",
    "port",
    "begins",
    "peer",
    "peer_mac",
    "peer_port",
    "protocol",
    "vlan",
    "name",
    "name_from",
    "application",
    "packets_out",
    "packets_in",
    "bytes_out",
    "bytes_in",
    "tcp_out",
    "tcp_in",
    "begun",
];

/// What a column holds. Both formats walk the same list, so they cannot differ.
#[derive(Clone, Copy)]
enum Value<'a> {
    /// Nothing is known: an empty cell, no member.
    Absent,
    /// Text that may hold anything.
    Free(&'a str),
    /// Text of letters, digits, `-` and `_`.
    Plain(&'a str),
    Number(u64),
    Time(fleetward_packet::Time),
    Address(std::net::IpAddr),
    Mac(fleetward_fleet::Mac),
    /// Flags of TCP.
    Flags(u8),
    Truth(bool),
}

impl<'a> Row<'a> {
    /// What the columns hold, in the order of [`COLUMNS`].
    #[inline]
    fn values(&self) -> [Value<'a>; COLUMNS.len()] {
        let flow = self.flow;
        let (own, peer) = self.ends();
        let (packets_out, packets_in) = self.turned(flow.packets);
        let (bytes_out, bytes_in) = self.turned(flow.bytes);
        let (tcp_out, tcp_in) = self.turned([flow.tcp.client, flow.tcp.server]);
        let has_ports = matches!(flow.protocol, 6 | 17 | 132 | 136);
        let port = |port: u16| if has_ports { Value::Number(port.into()) } else { Value::Absent };
        let mac = |mac: fleetward_fleet::Mac| if mac.is_unknown() { Value::Absent } else { Value::Mac(mac) };
        let flags = |flags| if flow.protocol == 6 { Value::Flags(flags) } else { Value::Absent };
        let protocol = match flow.protocol {
            1 => Value::Plain("icmp"),
            2 => Value::Plain("igmp"),
            6 => Value::Plain("tcp"),
            17 => Value::Plain("udp"),
            58 => Value::Plain("icmpv6"),
            other => Value::Number(other.into()),
        };
        [
            Value::Time(flow.first),
            Value::Time(flow.last),
            Value::Free(self.device),
            mac(own.mac),
            Value::Address(own.ip),
            port(own.port),
            Value::Plain(self.begins.name()),
            Value::Address(peer.ip),
            mac(peer.mac),
            port(peer.port),
            protocol,
            if flow.vlan == 0 { Value::Absent } else { Value::Number(flow.vlan.into()) },
            self.name().map_or(Value::Absent, |name| Value::Free(&name.text)),
            self.name().map_or(Value::Absent, |name| Value::Plain(name.source.name())),
            flow.application.map_or(Value::Absent, |application| Value::Plain(application.name())),
            Value::Number(packets_out),
            Value::Number(packets_in),
            Value::Number(bytes_out),
            Value::Number(bytes_in),
            flags(tcp_out),
            flags(tcp_in),
            Value::Truth(flow.begun),
        ]
    }
}

#[cfg(test)]
mod tests {
    use fleetward_fleet::Mac;
    use fleetward_packet::{Application, NameSource, TcpSeen, Time};

    use super::*;

    fn flow() -> Flow {
        let end = |ip: &str, port, last| Endpoint {
            ip: ip.parse().expect("an address"),
            port,
            mac: Mac([0x1c, 0x5f, 0x2b, 0, 0, last]),
        };
        Flow {
            id: 1,
            client: end("192.168.1.7", 40_000, 1),
            server: end("2001:db8::2", 443, 2),
            protocol: 6,
            vlan: 0,
            begun: true,
            first: Time(1_469_191_234_000_005_999),
            last: Time(1_469_191_235_500_000_000),
            packets: [10, 12],
            bytes: [1500, 9000],
            tcp: TcpSeen { client: 0x1b, server: 0x12 },
            name: Some(Name { text: "a\"b,c.example".into(), source: NameSource::Tls }),
            application: Some(Application::Tls),
        }
    }

    #[test]
    fn both_formats_say_the_same() {
        let mut out = Vec::new();
        csv_heading(&mut out);
        let flow = flow();
        csv_row(&mut out, &Row { device: "lamp, hall", begins: Direction::Out, flow: &flow });
        csv_row(&mut out, &Row { device: "=1+1", begins: Direction::In, flow: &flow });
        json_row(&mut out, &Row { device: "lamp\n", begins: Direction::Out, flow: &flow });
        let icmp = Flow { protocol: 1, name: None, application: None, vlan: 7, begun: false, ..flow };
        json_row(&mut out, &Row { device: "lamp", begins: Direction::Out, flow: &icmp });
        insta::assert_snapshot!(String::from_utf8(out).expect("text"));
    }
}
