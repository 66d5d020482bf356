//! Below IP: Ethernet and its tags, cooked captures, PPP, labels, and links without a header.

use fleetward_fleet::Mac;

use super::{DEPTH, Link, Packet, Reject, Seen, ip, mapped, neighbour, short, take, transport, tunnel};

const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
const QINQ: u16 = 0x88a8;
const QINQ_OLD: u16 = 0x9100;
const MPLS: u16 = 0x8847;
const PPPOE: u16 = 0x8864;

/// By the numbers of tcpdump.org's list of link types.
#[inline]
pub(super) fn read(kind: u16, frame: &[u8]) -> Result<Seen<'_>, Reject> {
    let link = Link::default();
    match kind {
        1 => match plain(frame) {
            Some(packet) => Ok(Seen::Packet(packet)),
            None => ethernet(frame, link, DEPTH),
        },
        // The family of addresses: the writer's byte order (0) or the network's (108).
        0 | 108 => {
            let family = take::<4>(frame, 0)?;
            let family = u32::from_le_bytes(family).min(u32::from_be_bytes(family));
            match family {
                2 => ip::v4(&frame[4..], link, DEPTH),
                10 | 24 | 28 | 30 => ip::v6(&frame[4..], link, DEPTH),
                _ => Err(Reject::NotIp),
            }
        }
        12 | 14 | 101 | 228 | 229 => ip::either(frame, link, DEPTH),
        // "Cooked": the sender's address alone, then the type.
        113 => {
            let source = cooked_mac(frame, 4, 6)?;
            typed(short(frame, 14)?, frame, 16, Link { source, ..link }, DEPTH)
        }
        276 => {
            let source = cooked_mac(frame, 10, 12)?;
            typed(short(frame, 0)?, frame, 20, Link { source, ..link }, DEPTH)
        }
        other => Err(Reject::Link(other)),
    }
}

/// What most frames are, read in one step: Ethernet, IPv4 without options, a whole packet, TCP or UDP. `None`: anything else, and
/// everything that is to be refused; [`ethernet`] reads these, and would read the others alike.
#[inline]
pub(super) fn plain(frame: &[u8]) -> Option<Packet<'_>> {
    let head: &[u8; 38] = frame.first_chunk()?;
    let length = u16::from_be_bytes([head[16], head[17]]);
    let is_part = (head[20] & 0x3f) | head[21] != 0;
    if head[12..15] != [8, 0, 0x45] || is_part || length < 24 {
        return None;
    }
    let body = frame.get(34..(14 + usize::from(length)).min(frame.len()))?;
    let [t0, t1, t2, t3, t4, t5, s0, s1, s2, s3, s4, s5, ..] = *head;
    let (source_port, target_port) =
        (u16::from_be_bytes([head[34], head[35]]), u16::from_be_bytes([head[36], head[37]]));
    let (mut flags, mut sequence, mut payload) = (0, 0, &[][..]);
    match head[23] {
        transport::TCP => {
            if let Some(tcp) = body.first_chunk::<14>() {
                let size = usize::from(tcp[12] >> 4) * 4;
                if size < 20 {
                    return None;
                }
                (flags, sequence) = (tcp[13], u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]));
                payload = body.get(size..).unwrap_or_default();
            }
        }
        transport::UDP if !tunnel::is_port(source_port, target_port) => payload = body.get(8..).unwrap_or_default(),
        _ => return None,
    }
    Some(Packet {
        link: Link { source: Mac([s0, s1, s2, s3, s4, s5]), target: Mac([t0, t1, t2, t3, t4, t5]), vlan: 0 },
        source: mapped([head[26], head[27], head[28], head[29]]),
        target: mapped([head[30], head[31], head[32], head[33]]),
        protocol: head[23],
        source_port,
        target_port,
        flags,
        sequence,
        length: length.into(),
        payload,
        fragment: None,
    })
}

/// Six octets where the length says so; unknown otherwise.
fn cooked_mac(frame: &[u8], length_at: usize, at: usize) -> Result<Mac, Reject> {
    let length = match length_at {
        4 => short(frame, 4)?,
        _ => u16::from(take::<1>(frame, length_at + 1)?[0]),
    };
    if length == 6 { take(frame, at).map(Mac) } else { Ok(Mac::default()) }
}

/// Ethernet, also inside a tunnel.
#[inline]
pub(super) fn ethernet(frame: &[u8], outer: Link, depth: u8) -> Result<Seen<'_>, Reject> {
    let header: &[u8; 14] = frame.first_chunk().ok_or(Reject::Truncated)?;
    let [t0, t1, t2, t3, t4, t5, s0, s1, s2, s3, s4, s5, high, low] = *header;
    let link = Link { source: Mac([s0, s1, s2, s3, s4, s5]), target: Mac([t0, t1, t2, t3, t4, t5]), vlan: outer.vlan };
    typed(u16::from_be_bytes([high, low]), frame, 14, link, depth)
}

/// What an EtherType at `at - 2` announces.
#[inline]
pub(super) fn typed(kind: u16, frame: &[u8], at: usize, mut link: Link, depth: u8) -> Result<Seen<'_>, Reject> {
    let (mut kind, mut at) = (kind, at);
    for _ in 0..depth {
        let rest = frame.get(at..).ok_or(Reject::Truncated)?;
        match kind {
            IPV4 => return ip::v4(rest, link, depth),
            IPV6 => return ip::v6(rest, link, depth),
            ARP => return neighbour::arp(rest, link),
            VLAN | QINQ | QINQ_OLD => {
                let tag = short(rest, 0)? & 0x0fff;
                if link.vlan == 0 {
                    link.vlan = tag;
                }
                kind = short(rest, 2)?;
                at += 4;
            }
            // RFC 3032 §2.1: labels until the one that says it is the last; what follows says its version itself.
            MPLS => {
                let mut label = 0;
                while label < usize::from(DEPTH) {
                    let [_, _, third, _] = take::<4>(rest, label * 4)?;
                    label += 1;
                    if third & 1 == 1 {
                        return ip::either(rest.get(label * 4..).ok_or(Reject::Truncated)?, link, depth);
                    }
                }
                return Err(Reject::TooDeep);
            }
            // RFC 2516 §4, then the protocol of PPP.
            PPPOE => {
                let inner = rest.get(8..).ok_or(Reject::Truncated)?;
                return match short(rest, 6)? {
                    0x0021 => ip::v4(inner, link, depth),
                    0x0057 => ip::v6(inner, link, depth),
                    _ => Err(Reject::NotIp),
                };
            }
            _ => return Err(Reject::NotIp),
        }
    }
    Err(Reject::TooDeep)
}
