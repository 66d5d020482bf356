//! A record of an exported flow: the information elements (IANA "IPFIX Information Elements") that matter here.

use std::net::IpAddr;

use fleetward_fleet::Mac;

use super::{Clock, number};

/// One direction of a flow, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) source: End,
    pub(super) destination: End,
    pub(super) protocol: u8,
    pub(super) vlan: u16,
    /// From the source, from the destination (RFC 5103).
    pub(super) packets: [u64; 2],
    pub(super) bytes: [u64; 2],
    pub(super) flags: [u8; 2],
    /// Nanoseconds since 1970.
    pub(super) first: i64,
    pub(super) last: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) ip: IpAddr,
    pub(super) port: u16,
    pub(super) mac: Mac,
}

/// A record whose fields are coming in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Incoming {
    ips: [Option<IpAddr>; 2],
    ports: [u16; 2],
    macs: [Mac; 2],
    icmp: u16,
    protocol: u8,
    vlan: u16,
    packets: [u64; 2],
    bytes: [u64; 2],
    flags: [u8; 2],
    first: Option<i64>,
    last: Option<i64>,
    /// In milliseconds since `start`.
    up: [Option<u64>; 2],
    clock: Clock,
}

/// Seconds between 1900 (NTP) and 1970.
const NTP: u64 = 2_208_988_800;

impl Record {
    #[expect(clippy::new_ret_no_self, reason = "it becomes one when its fields are there")]
    pub(super) fn new(clock: Clock) -> Incoming {
        Incoming {
            ips: [None; 2],
            ports: [0; 2],
            macs: [Mac::default(); 2],
            icmp: 0,
            protocol: 0,
            vlan: 0,
            packets: [0; 2],
            bytes: [0; 2],
            flags: [0; 2],
            first: None,
            last: None,
            up: [None; 2],
            clock,
        }
    }

    /// NetFlow v5: addresses at 0 and 4, packets 16, octets 20, first 24, last 28, ports 32 and 34, flags 37, protocol 38.
    pub(super) fn of_version_5(record: &[u8], clock: Clock) -> Option<Self> {
        let mut incoming = Self::new(clock);
        for (element, at, length) in [
            (8, 0, 4),
            (12, 4, 4),
            (2, 16, 4),
            (1, 20, 4),
            (22, 24, 4),
            (21, 28, 4),
            (7, 32, 2),
            (11, 34, 2),
            (6, 37, 1),
            (4, 38, 1),
        ] {
            incoming.set(element, false, record.get(at..at + length)?);
        }
        incoming.finish()
    }
}

impl Incoming {
    /// An information element; `reverse`: of the other direction. What is too long for its kind, or not known, is passed over.
    pub(super) fn set(&mut self, element: u16, reverse: bool, value: &[u8]) {
        let side = usize::from(reverse);
        let plain = || number(value, 0, value.len());
        match (element, reverse) {
            (1 | 85, _) => self.bytes[side] = plain().unwrap_or(0),
            (2 | 86, _) => self.packets[side] = plain().unwrap_or(0),
            // NetFlow v9: OUT_BYTES and OUT_PKTS are of the other direction in one record.
            (23, false) => self.bytes[1] = plain().unwrap_or(0),
            (24, false) => self.packets[1] = plain().unwrap_or(0),
            (6, _) => self.flags[side] = value.last().copied().unwrap_or(0),
            (4, false) => self.protocol = value.last().copied().unwrap_or(0),
            (7, false) => self.ports[0] = plain().unwrap_or(0) as u16,
            (11, false) => self.ports[1] = plain().unwrap_or(0) as u16,
            (8 | 12, false) => {
                let ip = value.first_chunk::<4>().map(|four| IpAddr::from(*four));
                self.ips[usize::from(element == 12)] = ip.or(self.ips[usize::from(element == 12)]);
            }
            (27 | 28, false) => {
                let ip = value.first_chunk::<16>().map(|all| IpAddr::from(*all).to_canonical());
                self.ips[usize::from(element == 28)] = ip.or(self.ips[usize::from(element == 28)]);
            }
            (56 | 80, false) => {
                if let Some(octets) = value.first_chunk::<6>() {
                    self.macs[usize::from(element == 80)] = Mac(*octets);
                }
            }
            (58 | 243, false) => self.vlan = plain().unwrap_or(0) as u16 & 0xfff,
            (32 | 139, false) => self.icmp = plain().unwrap_or(0) as u16,
            (22, false) => self.up[0] = plain(),
            (21, false) => self.up[1] = plain(),
            (160, false) => {
                let start = plain().and_then(|milliseconds| i64::try_from(milliseconds).ok());
                self.clock.start = start.and_then(|start| start.checked_mul(1_000_000)).or(self.clock.start);
            }
            (150 | 152 | 154 | 156 | 158, false) => self.first = self.time(element, value).or(self.first),
            (151 | 153 | 155 | 157 | 159, false) => self.last = self.time(element - 1, value).or(self.last),
            _ => {}
        }
    }

    /// RFC 7011 §6.1.7 to §6.1.10.
    fn time(&self, element: u16, value: &[u8]) -> Option<i64> {
        let plain = number(value, 0, value.len())?;
        let nanoseconds = match element {
            150 => plain.checked_mul(1_000_000_000)?,
            152 => plain.checked_mul(1_000_000)?,
            154 | 156 => {
                let (seconds, fraction) = (plain >> 32, plain & 0xffff_ffff);
                seconds.checked_sub(NTP)?.checked_mul(1_000_000_000)? + ((fraction * 1_000_000_000) >> 32)
            }
            // Microseconds before the export.
            _ => return self.clock.export.checked_sub(i64::try_from(plain.checked_mul(1000)?).ok()?),
        };
        i64::try_from(nanoseconds).ok()
    }

    /// The record, where it is of a flow of IP.
    pub(super) fn finish(self) -> Option<Record> {
        let [Some(source), Some(destination)] = self.ips else { return None };
        let since = |up: Option<u64>| {
            let milliseconds = i64::try_from(up?).ok()?;
            self.clock.start?.checked_add(milliseconds.checked_mul(1_000_000)?)
        };
        let last = self.last.or(since(self.up[1])).unwrap_or(self.clock.export);
        let first = self.first.or(since(self.up[0])).unwrap_or(last).min(last);
        let is_icmp = matches!(self.protocol, 1 | 58);
        let target = if is_icmp && self.icmp != 0 { self.icmp } else { self.ports[1] };
        Some(Record {
            source: End { ip: source, port: self.ports[0], mac: self.macs[0] },
            destination: End { ip: destination, port: target, mac: self.macs[1] },
            protocol: self.protocol,
            vlan: self.vlan,
            packets: self.packets,
            bytes: self.bytes,
            flags: self.flags,
            first,
            last,
        })
    }
}
