//! What the kernel tells over NFLOG: which packet was refused, or passed only in audit, and why.

use std::net::IpAddr;

use fleetward_fleet::{Direction, Mac, NetworkSign, SignKind};

use super::LOG_GROUP;

/// Why a packet is told of. The group's number says it, so that nothing has to be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// Outside the profile, refused.
    Denied,
    /// Outside the profile, passed.
    Audited,
    /// A hardware address without a profile.
    Unknown,
    /// An address that is another's.
    Spoofed,
    /// Beyond the limits.
    Flooding,
    /// DNS over TLS, QUIC or HTTPS.
    SecureDns,
    /// Between two devices, refused.
    Lateral,
    /// Between two devices, passed.
    LateralAudited,
    /// At a server: beyond the limits of a source.
    Server,
    /// No breach: a question or an answer of names, or a lease of an address, on its way.
    Names,
}

impl Why {
    /// All, in the order of their groups.
    pub const ALL: [Self; 10] = [
        Self::Denied,
        Self::Audited,
        Self::Unknown,
        Self::Spoofed,
        Self::Flooding,
        Self::SecureDns,
        Self::Lateral,
        Self::LateralAudited,
        Self::Server,
        Self::Names,
    ];

    /// The NFLOG group.
    pub fn group(self) -> u16 {
        LOG_GROUP + self as u16
    }

    /// The reason of this group.
    pub fn of_group(group: u16) -> Option<Self> {
        Self::ALL.get(usize::from(group.checked_sub(LOG_GROUP)?)).copied()
    }

    /// The sign that it is, and what was expected.
    fn sign(self) -> Option<(SignKind, &'static str)> {
        Some(match self {
            Self::Names => return None,
            Self::Denied => (SignKind::UnlistedPeer, "only what the profile allows; the firewall refused it"),
            Self::Audited => (SignKind::UnlistedPeer, "only what the profile allows; the firewall passed it (audit)"),
            Self::Unknown => (SignKind::UnknownDevice, "only devices of the inventory on this network"),
            Self::Spoofed => (SignKind::Spoofing, "the addresses that are bound to this hardware address"),
            Self::Flooding => (SignKind::FloodOut, "no more new connections than the site's limit"),
            Self::SecureDns => (SignKind::DnsBypass, "names asked of the given resolver"),
            Self::Lateral => (SignKind::DeviceToDevice, "no word to other devices; the firewall refused it"),
            Self::LateralAudited => {
                (SignKind::DeviceToDevice, "no word to other devices; the firewall passed it (audit)")
            }
            Self::Server => (SignKind::FloodOut, "no more new connections than the server's limit for a source"),
        })
    }
}

/// One message: a packet, from whom and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Why.
    pub why: Why,
    /// The sender's hardware address, where the link has one.
    pub mac: Option<Mac>,
    /// From which address.
    pub from: Option<IpAddr>,
    /// To which address.
    pub to: Option<IpAddr>,
    /// IANA protocol number.
    pub protocol: Option<u8>,
    /// Port that it came from.
    pub from_port: Option<u16>,
    /// Port called.
    pub port: Option<u16>,
    /// What the UDP datagram or the TCP segment carries, as far as it was told; for names only.
    pub payload: Vec<u8>,
}

impl Told {
    /// As a sign about the sender; `None` where nothing was breached.
    pub fn sign(&self) -> Option<NetworkSign> {
        let (sign, expected) = self.why.sign()?;
        let to = self.to.map_or_else(|| "the link".to_owned(), |ip| ip.to_string());
        let port = self.port.map(|port| format!(" port {port}")).unwrap_or_default();
        let what = match self.protocol {
            Some(6) => "TCP",
            Some(17) => "UDP",
            Some(1 | 58) => "ICMP",
            Some(_) => "IP",
            None => "ARP",
        };
        Some(NetworkSign {
            sign,
            address: self.to,
            name: None,
            port: self.port,
            protocol: self.protocol,
            direction: Direction::Out,
            count: 1,
            expected: expected.into(),
            observed: format!("{what} to {to}{port}").into(),
        })
    }
}

/// Reads one nfnetlink message that the kernel sent to a listener of our groups; `None`: it is no packet.
///
/// Layout: `linux/netfilter/nfnetlink_log.h`; attributes as `linux/netlink.h` has them.
pub fn read(message: &[u8]) -> Option<Told> {
    let kind = u16::from_ne_bytes(message.get(4..6)?.try_into().ok()?);
    if kind != PACKET {
        return None;
    }
    let group = u16::from_be_bytes(message.get(18..20)?.try_into().ok()?);
    let mut told = Told {
        why: Why::of_group(group)?,
        mac: None,
        from: None,
        to: None,
        protocol: None,
        from_port: None,
        port: None,
        payload: Vec::new(),
    };
    let length = u32::from_ne_bytes(message.get(..4)?.try_into().ok()?) as usize;
    let mut rest = message.get(20..length.min(message.len()))?;
    let (mut payload, mut ether) = (None, None);
    while let Some((attribute, value, after)) = super::netlink::attribute(rest) {
        match attribute {
            NFULA_PACKET_HDR => ether = value.get(..2).map(|it| u16::from_be_bytes([it[0], it[1]])),
            NFULA_HWADDR => told.mac = value.get(4..10).and_then(|it| it.try_into().ok()).map(Mac),
            NFULA_HWHEADER if told.mac.is_none() => {
                told.mac = value.get(6..12).and_then(|it| it.try_into().ok()).map(Mac);
            }
            NFULA_PAYLOAD => payload = Some(value),
            _ => {}
        }
        rest = after;
    }
    packet(payload.unwrap_or_default(), ether, &mut told);
    Some(told)
}

/// The addresses of an IP or ARP packet.
fn packet(bytes: &[u8], ether: Option<u16>, told: &mut Told) -> Option<()> {
    let v4 = |at: usize| bytes.get(at..at + 4).and_then(|it| <[u8; 4]>::try_from(it).ok()).map(IpAddr::from);
    let v6 = |at: usize| bytes.get(at..at + 16).and_then(|it| <[u8; 16]>::try_from(it).ok()).map(IpAddr::from);
    if ether == Some(ETHERTYPE_ARP) {
        (told.from, told.to) = (v4(14), v4(24));
        return Some(());
    }
    let start = match bytes.first()? >> 4 {
        4 => {
            (told.from, told.to, told.protocol) = (v4(12), v4(16), bytes.get(9).copied());
            usize::from(bytes[0] & 15) * 4
        }
        6 => {
            (told.from, told.to, told.protocol) = (v6(8), v6(24), bytes.get(6).copied());
            40
        }
        _ => return None,
    };
    if matches!(told.protocol, Some(6 | 17)) {
        let port = |at: usize| bytes.get(at..at + 2).map(|it| u16::from_be_bytes([it[0], it[1]]));
        (told.from_port, told.port) = (port(start), port(start + 2));
    }
    if told.why == Why::Names {
        // TCP says where its data begins (RFC 9293 §3.1).
        let header = match told.protocol {
            Some(6) => usize::from(bytes.get(start + 12).copied().unwrap_or(0) >> 4) * 4,
            _ => 8,
        };
        told.payload = bytes.get(start + header..).unwrap_or_default().to_vec();
    }
    Some(())
}

/// `NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET`
const PACKET: u16 = 4 << 8;
const NFULA_PACKET_HDR: u16 = 1;
const NFULA_HWADDR: u16 = 8;
const NFULA_PAYLOAD: u16 = 9;
const NFULA_HWHEADER: u16 = 16;
const ETHERTYPE_ARP: u16 = 0x0806;
