//! Values that are names rather than amounts, packed into 64 bits so that comparing them is one instruction.

use std::net::{IpAddr, Ipv4Addr};

use fleetward_fleet::{
    CellId, Country, DeviceState, Direction, Imei, ImeiLock, Msisdn, Plmn, Rat, RejectReason, SignKind, SimPart, Tac,
};
use siphasher::sip::SipHasher13;

use crate::facts::Trigger;

/// What a symbol names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SymbolType {
    Kind,
    Status,
    Country,
    Network,
    Rat,
    Imei,
    Tac,
    Ip,
    Cell,
    Msisdn,
    Reason,
    DeviceState,
    ImeiLock,
    Device,
    Protocol,
    Direction,
    SimPart,
    Sign,
}

const KINDS: [&str; 13] = [
    "session",
    "session_lost",
    "admission",
    "device_change",
    "tick",
    "flow",
    "message",
    "call",
    "login",
    "sim_change",
    "source_state",
    "unusual",
    "sign",
];
const DIRECTIONS: [&str; 2] = ["out", "in"];
/// IANA protocol numbers that have a name here.
const PROTOCOLS: [(&str, u64); 8] =
    [("icmp", 1), ("tcp", 6), ("udp", 17), ("gre", 47), ("esp", 50), ("ah", 51), ("icmpv6", 58), ("sctp", 132)];
/// Marks an IPv6 address, which is known by its hash.
const V6: u64 = 1 << 63;
const STATUSES: [&str; 3] = ["start", "interim", "stop"];
const STATES: [DeviceState; 4] =
    [DeviceState::Stock, DeviceState::Active, DeviceState::Suspended, DeviceState::Retired];
const LOCKS: [&str; 2] = ["off", "on"];

impl SymbolType {
    /// With article, for messages.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Kind => "a kind of event",
            Self::Status => "a session status",
            Self::Country => "a country",
            Self::Network => "a network",
            Self::Rat => "a radio technology",
            Self::Imei => "an IMEI",
            Self::Tac => "a TAC",
            Self::Ip => "an IP address",
            Self::Cell => "a cell",
            Self::Msisdn => "a telephone number",
            Self::Reason => "a reject reason",
            Self::DeviceState => "a device state",
            Self::ImeiLock => "an IMEI lock setting",
            Self::Device => "a device",
            Self::Protocol => "a protocol",
            Self::Direction => "a direction",
            Self::SimPart => "a part of a SIM",
            Self::Sign => "a kind of sign",
        }
    }

    /// Reads what stands between quotes in a rule; the error says what would be right.
    pub(crate) fn parse(self, text: &str) -> Result<u64, String> {
        let one_of = |names: Vec<&str>| {
            let at = names.iter().position(|name| *name == text);
            at.map(|at| at as u64).ok_or_else(|| format!("write one of {}", quoted(&names)))
        };
        let message = |what: &str| format!("write {what}");
        match self {
            Self::Kind => one_of(KINDS.to_vec()),
            Self::Status => one_of(STATUSES.to_vec()),
            Self::DeviceState => one_of(STATES.iter().map(|state| state.name()).collect()),
            Self::ImeiLock => one_of(LOCKS.to_vec()),
            Self::Reason => one_of(RejectReason::ALL.iter().map(|reason| reason.name()).collect()),
            Self::Country => {
                let read = text.parse().map_err(|_| message("two capital letters (ISO 3166-1): \"DE\""));
                read.and_then(Country::assigned).map(country)
            }
            Self::Network => text.parse().map(network).map_err(|_| message("MCC and MNC, 5 or 6 digits: \"26201\"")),
            Self::Imei => Imei::from_any(text).map(Imei::number).map_err(|_| message("14 to 16 digits")),
            Self::Tac => text.parse().map(|tac: Tac| u64::from(tac.0)).map_err(|_| message("8 digits: \"35693803\"")),
            Self::Ip => text.parse().map(address).map_err(|_| message("an IP address: \"10.0.0.1\"")),
            Self::Direction => one_of(DIRECTIONS.to_vec()),
            Self::SimPart => one_of(SimPart::ALL.iter().map(|part| part.name()).collect()),
            Self::Sign => one_of(SignKind::ALL.iter().map(|kind| kind.name()).collect()),
            Self::Protocol => parse_protocol(text),
            Self::Msisdn => text.parse().map(Msisdn::number).map_err(|_| message("digits with country code, no plus")),
            Self::Rat => parse_rat(text),
            Self::Cell => Err("cells can only be compared with `previous(cell)`".into()),
            Self::Device => Err("use `device.name`".into()),
        }
    }

    /// For people: identities masked.
    pub(crate) fn show(self, value: u64) -> String {
        let name = |names: &[&str]| names.get(value as usize).map_or_else(String::new, |name| (*name).to_owned());
        match self {
            Self::Kind => name(&KINDS),
            Self::Status => name(&STATUSES),
            Self::ImeiLock => name(&LOCKS),
            Self::DeviceState => STATES.get(value as usize).map_or("", |state| state.name()).to_owned(),
            Self::Reason => RejectReason::ALL.get(value as usize).map_or("", |reason| reason.name()).replace('_', " "),
            Self::Country => String::from_utf8_lossy(&(value as u16).to_be_bytes()).into_owned(),
            Self::Network => unpack_network(value).to_string(),
            Self::Rat => Rat(value as u8).name().to_owned(),
            Self::Imei => {
                Imei::from_any(&format!("{value:014}")).map_or_else(|_| String::new(), |imei| imei.to_string())
            }
            Self::Tac => Tac(value as u32).to_string(),
            Self::Ip if value & V6 != 0 => format!("IPv6 {:08x}", value as u32),
            Self::Ip => Ipv4Addr::from(value as u32).to_string(),
            Self::Direction => name(&DIRECTIONS),
            Self::SimPart => SimPart::ALL.get(value as usize).map_or("", |part| part.name()).replace('_', " "),
            Self::Sign => SignKind::ALL.get(value as usize).map_or("", |kind| kind.name()).replace('_', " "),
            Self::Protocol => {
                let named = PROTOCOLS.iter().find(|(_, number)| *number == value);
                named.map_or_else(|| format!("protocol {value}"), |(name, _)| (*name).to_owned())
            }
            Self::Msisdn => {
                value.to_string().parse().map_or_else(|_| String::new(), |msisdn: Msisdn| msisdn.to_string())
            }
            Self::Cell => format!("cell {:08x}", value as u32),
            Self::Device => format!("device {value:016x}"),
        }
    }
}

pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

pub(crate) fn kind(trigger: Trigger) -> u64 {
    match trigger {
        Trigger::SessionStart | Trigger::SessionInterim | Trigger::SessionStop => 0,
        Trigger::SessionLost => 1,
        Trigger::Admitted | Trigger::Rejected => 2,
        Trigger::DeviceChange => 3,
        Trigger::Tick => 4,
        Trigger::Flow => 5,
        Trigger::Message => 6,
        Trigger::Call => 7,
        Trigger::Login => 8,
        Trigger::SimChange => 9,
        Trigger::SourceState => 10,
        Trigger::Unusual => 11,
        Trigger::Network => 12,
    }
}

pub(crate) fn status(trigger: Trigger) -> Option<u64> {
    match trigger {
        Trigger::SessionStart => Some(0),
        Trigger::SessionInterim => Some(1),
        Trigger::SessionStop => Some(2),
        _ => None,
    }
}

pub(crate) fn country(country: Country) -> u64 {
    u64::from(u16::from_be_bytes(country.letters()))
}

pub(crate) fn unpack_country(value: u64) -> Option<Country> {
    std::str::from_utf8(&u16::try_from(value).ok()?.to_be_bytes()).ok()?.parse().ok()
}

/// A cell, the same one whichever way it was sent; what is no known kind of cell stands for itself.
pub(crate) fn cell(octets: &[u8]) -> u64 {
    CellId::from_octets(octets).map_or_else(|| hash(octets), |cell| cell_id(cell.normal()))
}

pub(crate) fn cell_id(cell: CellId) -> u64 {
    let mut bytes = [0; 23];
    bytes[..8].copy_from_slice(&network(cell.network).to_be_bytes());
    bytes[8] = u8::from(cell.area.is_some()) | u8::from(cell.cell.is_some()) << 1;
    bytes[9..13].copy_from_slice(&cell.area.unwrap_or(0).to_be_bytes());
    bytes[13..21].copy_from_slice(&cell.cell.unwrap_or(0).to_be_bytes());
    hash(&bytes)
}

pub(crate) fn network(network: Plmn) -> u64 {
    (u64::from(network.mcc) * 1000 + u64::from(network.mnc)) << 1 | u64::from(network.long_mnc)
}

fn unpack_network(value: u64) -> Plmn {
    Plmn { mcc: (value / 2000) as u16, mnc: (value / 2 % 1000) as u16, long_mnc: value % 2 == 1 }
}

/// Several numbers share a name; the first of them stands for all.
pub(crate) fn rat(rat: Rat) -> u64 {
    match rat.0 {
        1..=9 | 51..=55 => u64::from(rat.0),
        56 | 57 => 55,
        _ => 0,
    }
}

fn parse_rat(text: &str) -> Result<u64, String> {
    let known: Vec<u8> = (0..=9).chain(51..=55).collect();
    let at = known.iter().find(|number| Rat(**number).name() == text);
    let names: Vec<&str> = known.iter().map(|number| Rat(*number).name()).collect();
    at.map(|number| u64::from(*number)).ok_or_else(|| format!("write one of {}", quoted(&names)))
}

pub(crate) fn ip(ip: Ipv4Addr) -> u64 {
    u64::from(u32::from(ip))
}

/// An IPv4 address is itself (also where it is written as an IPv6 one), an IPv6 address its hash.
pub(crate) fn address(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(four) => ip(four),
        IpAddr::V6(six) => hash(&six.octets()) | V6,
    }
}

pub(crate) fn direction(direction: Direction) -> u64 {
    u64::from(direction == Direction::In)
}

pub(crate) fn sign(kind: SignKind) -> u64 {
    u64::from(kind.code() - 1)
}

pub(crate) fn sim_part(part: SimPart) -> u64 {
    SimPart::ALL.iter().position(|known| *known == part).unwrap_or_default() as u64
}

fn parse_protocol(text: &str) -> Result<u64, String> {
    let known = PROTOCOLS.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    let names: Vec<&str> = PROTOCOLS.iter().map(|(name, _)| *name).collect();
    let number = || text.parse::<u8>().ok().map(u64::from);
    known.or_else(number).ok_or_else(|| format!("write one of {} or a number up to 255", quoted(&names)))
}

pub(crate) fn reason(reason: RejectReason) -> u64 {
    RejectReason::ALL.iter().position(|known| *known == reason).unwrap_or_default() as u64
}

pub(crate) fn device_state(state: DeviceState) -> u64 {
    STATES.iter().position(|known| *known == state).unwrap_or_default() as u64
}

pub(crate) fn imei_lock(lock: ImeiLock) -> u64 {
    u64::from(lock == ImeiLock::On)
}

/// A stable 64-bit hash: equal on every machine and in every version.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    SipHasher13::new_with_keys(0x666c_6565_7477_6172, 0x7275_6c65_735f_3031).hash(bytes)
}

/// A stable 32-bit key.
pub(crate) fn key(text: &str) -> u32 {
    hash(text.as_bytes()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows_every_kind() {
        for (kind, text, shown) in [
            (SymbolType::Country, "DE", "DE"),
            (SymbolType::Network, "26201", "26201"),
            (SymbolType::Network, "310410", "310410"),
            (SymbolType::Rat, "nb-iot", "nb-iot"),
            (SymbolType::Tac, "01234567", "01234567"),
            (SymbolType::Ip, "10.0.0.1", "10.0.0.1"),
            (SymbolType::Reason, "imei_lock", "imei lock"),
            (SymbolType::DeviceState, "retired", "retired"),
            (SymbolType::Imei, "01234567890123", "01234567••••23"),
        ] {
            let value = kind.parse(text).unwrap_or_else(|hint| panic!("{text}: {hint}"));
            if kind == SymbolType::Imei {
                assert!(kind.show(value).contains('•') && !kind.show(value).contains("890123"));
            } else {
                assert_eq!(kind.show(value), shown);
            }
        }
        assert!(SymbolType::Country.parse("de").is_err());
    }

    #[test]
    fn networks_of_two_and_three_digits_differ() {
        assert_ne!(SymbolType::Network.parse("26201"), SymbolType::Network.parse("262001"));
    }
}
