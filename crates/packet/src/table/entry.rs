//! One conversation as the table keeps it: two cache lines, and a name beside it.

use fleetward_fleet::Mac;

use super::Endpoints;
use crate::frame::{Address, Packet, address};
use crate::speech::Speech;
use crate::{Application, Endpoint, Flow, Name, TcpSeen, Time};

const TCP: u8 = 6;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// The client is the lower of the two ends.
const CLIENT_IS_LOW: u8 = 1;
/// The beginning was seen.
const BEGUN: u8 = 2;

/// What makes two packets one conversation, in the same order both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    low: [u64; 2],
    high: [u64; 2],
    /// Port of the low end, of the high end, VLAN, protocol.
    rest: u64,
}

impl Key {
    /// The key, and whether the packet comes from the lower end.
    #[inline]
    pub(super) fn of(packet: &Packet<'_>) -> (Self, bool) {
        let (source_port, target_port) =
            if is_icmp(packet.protocol) { (0, 0) } else { (packet.source_port, packet.target_port) };
        let from_low = (packet.source, source_port) <= (packet.target, target_port);
        let ((low, low_port), (high, high_port)) = if from_low {
            ((packet.source, source_port), (packet.target, target_port))
        } else {
            ((packet.target, target_port), (packet.source, source_port))
        };
        let rest = u64::from(low_port) << 48
            | u64::from(high_port) << 32
            | u64::from(packet.link.vlan) << 8
            | u64::from(packet.protocol);
        (Self { low: halves(low), high: halves(high), rest }, from_low)
    }

    #[inline]
    pub(super) fn words(&self) -> [u64; 5] {
        [self.low[0], self.low[1], self.high[0], self.high[1], self.rest]
    }
}

/// See the module. Sides: 0 the client, 1 the server.
#[derive(Debug)]
pub(super) struct Entry {
    key: Key,
    pub(super) first: i64,
    pub(super) last: i64,
    packets: [u64; 2],
    bytes: [u64; 2],
    pub(super) name: Option<Box<Name>>,
    pub(super) speech: Speech,
    macs: [Mac; 2],
    /// Flags of TCP; of ICMP the type and code of the first packet.
    seen: [u8; 2],
    pub(super) application: Option<Application>,
    marks: u8,
    /// Seconds after `first` when it was last told of.
    told: u32,
    /// Tells apart who lived in this slot.
    pub(super) generation: u32,
}

impl Entry {
    /// Opened by this packet, which [`Self::add`] has yet to count.
    pub(super) fn open(
        packet: &Packet<'_>,
        key: Key,
        from_low: bool,
        from_client: bool,
        begun: bool,
        time: Time,
    ) -> Self {
        let macs = [packet.link.source, packet.link.target];
        let mut marks = 0;
        if from_low == from_client {
            marks |= CLIENT_IS_LOW;
        }
        if begun {
            marks |= BEGUN;
        }
        Self {
            key,
            first: time.0,
            last: time.0,
            packets: [0; 2],
            bytes: [0; 2],
            name: None,
            speech: Speech::default(),
            macs: if from_client { macs } else { [macs[1], macs[0]] },
            seen: if is_icmp(packet.protocol) { packet.target_port.to_be_bytes() } else { [0; 2] },
            application: None,
            marks,
            told: 0,
            generation: 0,
        }
    }

    /// Counts a packet; how many it has now.
    #[inline]
    pub(super) fn add(&mut self, packet: &Packet<'_>, from_client: bool, time: Time) -> u64 {
        let side = usize::from(!from_client);
        self.packets[side] += 1;
        self.bytes[side] += u64::from(packet.length);
        self.last = self.last.max(time.0);
        if packet.protocol == TCP {
            self.seen[side] |= packet.flags;
        }
        self.packets[0] + self.packets[1]
    }

    #[inline]
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn protocol(&self) -> u8 {
        (self.key.rest & 0xff) as u8
    }

    #[inline]
    pub(super) fn client_is_low(&self) -> bool {
        self.marks & CLIENT_IS_LOW != 0
    }

    /// Both sides have spoken.
    pub(super) fn is_answered(&self) -> bool {
        self.packets[0] > 0 && self.packets[1] > 0 && (self.protocol() != TCP || !self.is_reset())
    }

    /// TCP that one side asks for and nobody takes.
    pub(super) fn is_knocking(&self) -> bool {
        self.protocol() == TCP && (self.packets[0] == 0 || self.packets[1] == 0) && self.seen[0] | self.seen[1] == SYN
    }

    /// Both sides of TCP closed, or one reset.
    pub(super) fn is_closed(&self) -> bool {
        self.protocol() == TCP && (self.seen[0] & self.seen[1] & FIN != 0 || self.is_reset())
    }

    fn is_reset(&self) -> bool {
        (self.seen[0] | self.seen[1]) & RST != 0
    }

    /// The packet begins another conversation of the same ends: a SYN after the end of the last, or after a long silence.
    #[inline]
    pub(super) fn is_over_with(&self, packet: &Packet<'_>, time: Time) -> bool {
        packet.protocol == TCP
            && packet.flags & (SYN | ACK) == SYN
            && (self.is_closed() || (self.is_answered() && time.0 - self.last > 60 * super::SECOND))
    }

    /// Something is to be told because time passed.
    #[inline]
    pub(super) fn is_due(&self, time: Time, every: u32) -> bool {
        time.0 - self.first >= (i64::from(self.told) + i64::from(every)) * super::SECOND
    }

    pub(super) fn mark_told(&mut self, time: Time) {
        self.told = u32::try_from((time.0 - self.first) / super::SECOND).unwrap_or(u32::MAX);
    }

    pub(super) fn ends(&self) -> Endpoints {
        let end = |[high, low]: [u64; 2], port: u64, mac| Endpoint {
            ip: address(Address::from(high) << 64 | Address::from(low)),
            port: (port & 0xffff) as u16,
            mac,
        };
        let [client_mac, server_mac] = self.macs;
        let (low_port, high_port) = (self.key.rest >> 48, self.key.rest >> 32);
        let mut ends = if self.client_is_low() {
            Endpoints {
                client: end(self.key.low, low_port, client_mac),
                server: end(self.key.high, high_port, server_mac),
            }
        } else {
            Endpoints {
                client: end(self.key.high, high_port, client_mac),
                server: end(self.key.low, low_port, server_mac),
            }
        };
        if is_icmp(self.protocol()) {
            ends.server.port = u16::from_be_bytes(self.seen);
        }
        ends
    }

    /// The same in every event of the flow.
    pub(super) fn id(&self, at: u32) -> u64 {
        u64::from(self.generation) << 32 | u64::from(at)
    }

    /// Shows itself as a flow; the name moves there and back.
    pub(super) fn lend<T>(&mut self, at: u32, see: impl FnOnce(&Flow) -> T) -> T {
        let mut flow = self.flow(at);
        let Some(name) = &mut self.name else { return see(&flow) };
        // An empty text takes no memory, so the box stays where it is and nothing is allocated.
        let empty = Name { text: Box::default(), source: name.source };
        flow.name = Some(std::mem::replace(name, empty));
        let seen = see(&flow);
        if let Some(lent) = flow.name {
            **name = lent;
        }
        seen
    }

    /// The same at the opening, the first packet already among the amounts (the table counts it afterwards).
    pub(super) fn lend_opened<T>(
        &mut self,
        at: u32,
        packet: &Packet<'_>,
        from_client: bool,
        see: impl FnOnce(&Flow) -> T,
    ) -> T {
        let side = usize::from(!from_client);
        let (packets, bytes, seen) = (self.packets, self.bytes, self.seen);
        self.packets[side] = 1;
        self.bytes[side] = u64::from(packet.length);
        if packet.protocol == TCP {
            self.seen[side] = packet.flags;
        }
        let result = self.lend(at, see);
        (self.packets, self.bytes, self.seen) = (packets, bytes, seen);
        result
    }

    fn flow(&self, at: u32) -> Flow {
        let Endpoints { client, server } = self.ends();
        let tcp = if self.protocol() == TCP { self.seen } else { [0; 2] };
        Flow {
            id: self.id(at),
            client,
            server,
            protocol: self.protocol(),
            vlan: (self.key.rest >> 8 & 0xfff) as u16,
            begun: self.marks & BEGUN != 0,
            first: Time(self.first),
            last: Time(self.last),
            packets: self.packets,
            bytes: self.bytes,
            tcp: TcpSeen { client: tcp[0], server: tcp[1] },
            name: None,
            application: self.application,
        }
    }
}

/// Whether the sender of a first packet is the client, and whether that is certain.
pub(super) fn beginning(packet: &Packet<'_>) -> (bool, bool) {
    // 68 and 546 are DHCP's clients; the ports above 1023 are services that answer by unicast what was asked of a group, or keep connections open.
    let is_service = |port: u16| match port {
        68 | 546 => false,
        1883 | 1900 | 5353 | 5683 | 5684 | 8080 | 8443 | 8883 => true,
        port => port < 1024,
    };
    let is_answer = is_service(packet.source_port) && !is_service(packet.target_port);
    match packet.protocol {
        TCP if packet.flags & (SYN | ACK) == SYN => (true, true),
        TCP if packet.flags & (SYN | ACK) == SYN | ACK => (false, false),
        TCP => (!is_answer, false),
        // An echo reply, or a notice of an error, answers something.
        ICMP => (packet.target_port >> 8 != 0, packet.target_port >> 8 != 0),
        ICMPV6 => (packet.target_port >> 8 != 129, packet.target_port >> 8 != 129),
        _ => (!is_answer, !is_answer),
    }
}

fn is_icmp(protocol: u8) -> bool {
    matches!(protocol, ICMP | ICMPV6)
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of one number")]
fn halves(address: Address) -> [u64; 2] {
    [(address >> 64) as u64, address as u64]
}
