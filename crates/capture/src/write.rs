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

    /// Its protocol has ports.
    pub(crate) fn has_ports(&self) -> bool {
        matches!(self.flow.protocol, 6 | 17 | 132 | 136)
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

/// Protocols that are written by name; the rest by number.
fn protocol_name(protocol: u8) -> Option<&'static str> {
    Some(match protocol {
        1 => "icmp",
        2 => "igmp",
        6 => "tcp",
        17 => "udp",
        58 => "icmpv6",
        _ => return None,
    })
}

/// What a column holds.
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
        let has_ports = self.has_ports();
        let port = |port: u16| if has_ports { Value::Number(port.into()) } else { Value::Absent };
        let mac = |mac: fleetward_fleet::Mac| if mac.is_unknown() { Value::Absent } else { Value::Mac(mac) };
        let flags = |flags| if flow.protocol == 6 { Value::Flags(flags) } else { Value::Absent };
        let protocol = protocol_name(flow.protocol).map_or(Value::Number(flow.protocol.into()), Value::Plain);
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_line_has_what_the_list_of_values_has(
            (protocol, vlan, begun, named, out) in any::<(u8, u16, bool, bool, bool)>(),
            (first, lasts) in (any::<u32>(), prop_oneof![0..2_000_000_000_i64, any::<u32>().prop_map(i64::from)]),
            (packets, bytes, flags, ports) in any::<([u64; 2], [u64; 2], [u8; 2], [u16; 2])>(),
            (four, six, mac) in any::<(u32, u128, [u8; 6])>(),
        ) {
            let first = Time(1_469_191_234_000_005_999 + i64::from(first));
            let mut flow = Flow {
                protocol: if vlan % 3 == 0 { [1, 2, 6, 17, 58][usize::from(protocol) % 5] } else { protocol },
                vlan: vlan % 4096, begun, packets, bytes, first,
                last: Time(first.0 + lasts),
                tcp: TcpSeen { client: flags[0], server: flags[1] },
                ..flow()
            };
            (flow.client.ip, flow.client.port) = (std::net::IpAddr::V4(four.into()), ports[0]);
            (flow.server.ip, flow.server.port, flow.server.mac) = (std::net::IpAddr::V6(six.into()), ports[1], Mac(mac));
            if !named {
                (flow.name, flow.application, flow.client.mac) = (None, None, Mac::default());
            }
            let begins = if out { Direction::Out } else { Direction::In };
            let row = Row { device: "lamp, hall", begins, flow: &flow };
            let mut line = Vec::new();
            csv_row(&mut line, &row);
            let cells: Vec<String> = row.values().into_iter().map(cell).collect();
            prop_assert_eq!(String::from_utf8(line).expect("text"), cells.join(",") + "\n");
        }
    }

    fn cell(value: Value<'_>) -> String {
        let mut cell = Vec::new();
        match value {
            Value::Absent => {}
            Value::Free("lamp, hall") => return "\"lamp, hall\"".into(),
            Value::Free(text) => return format!("\"{}\"", text.replace('"', "\"\"")),
            Value::Plain(text) => return text.into(),
            Value::Number(number) => return number.to_string(),
            Value::Time(time) => text::time(&mut cell, time),
            Value::Address(ip) => return ip.to_string(),
            Value::Mac(mac) => return mac.to_string(),
            Value::Flags(flags) => text::flags(&mut cell, flags),
            Value::Truth(truth) => return truth.to_string(),
        }
        String::from_utf8(cell).expect("text")
    }

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
