//! Packets in packets: what lies inside is whose conversation it is.

use super::{Link, Packet, Reject, Seen, ip, link, short, take};

const GTP_U: u16 = 2152;
const VXLAN: u16 = 4789;
const GENEVE: u16 = 6081;

/// IP in IP (RFC 2003, 2473), 6in4 (RFC 4213), GRE (RFC 2784, 2890). `None`: no tunnel.
#[inline]
pub(super) fn by_protocol(protocol: u8, body: &[u8], link: Link, depth: u8) -> Option<Result<Seen<'_>, Reject>> {
    match protocol {
        4 | 41 | 47 if depth == 0 => Some(Err(Reject::TooDeep)),
        4 => Some(ip::v4(body, link, depth - 1)),
        41 => Some(ip::v6(body, link, depth - 1)),
        47 => gre(body, link, depth - 1),
        _ => None,
    }
}

/// A GRE header with a key of version 1 is PPTP's: its inside is a PPP that may be compressed, so it stays a tunnel.
fn gre(body: &[u8], link: Link, depth: u8) -> Option<Result<Seen<'_>, Reject>> {
    let (Ok(flags), Ok(kind)) = (short(body, 0), short(body, 2)) else { return Some(Err(Reject::Truncated)) };
    if flags & 7 != 0 {
        return None;
    }
    let optional = [0x8000, 0x2000, 0x1000].iter().filter(|bit| flags & **bit != 0).count();
    let at = 4 + optional * 4;
    match kind {
        0x6558 => Some(body.get(at..).map_or(Err(Reject::Truncated), |inner| link::ethernet(inner, link, depth))),
        _ => match link::typed(kind, body, at, link, depth) {
            Err(Reject::NotIp) => None,
            inner => Some(inner),
        },
    }
}

/// A datagram between these ports could be a tunnel.
#[inline]
pub(super) fn is_port(source: u16, target: u16) -> bool {
    matches!(target, GTP_U | VXLAN | GENEVE) || source == GTP_U
}

/// GTP-U (TS 29.281 §5), VXLAN (RFC 7348 §5), Geneve (RFC 8926 §3.4): only where the inside is what it should be, for a port proves nothing.
#[inline]
pub(super) fn by_port<'a>(packet: &Packet<'a>, depth: u8) -> Option<Result<Seen<'a>, Reject>> {
    let port = packet.target_port;
    if !is_port(packet.source_port, port) {
        return None;
    }
    let inner_depth = depth.checked_sub(1);
    let inner = match port {
        VXLAN => ethernet_inside(packet, vxlan(packet.payload)?, inner_depth),
        GENEVE => ethernet_inside(packet, geneve(packet.payload)?, inner_depth),
        _ => {
            let inside = gtp(packet.payload)?;
            inner_depth.map_or(Err(Reject::TooDeep), |depth| ip::either(inside, packet.link, depth))
        }
    };
    // Something else on that port.
    if matches!(inner, Err(Reject::NotIp | Reject::Malformed | Reject::Truncated)) { None } else { Some(inner) }
}

fn ethernet_inside<'a>(packet: &Packet<'a>, inside: &'a [u8], depth: Option<u8>) -> Result<Seen<'a>, Reject> {
    depth.map_or(Err(Reject::TooDeep), |depth| link::ethernet(inside, packet.link, depth))
}

fn vxlan(payload: &[u8]) -> Option<&[u8]> {
    let header = payload.first_chunk::<8>()?;
    (header[0] == 0x08).then(|| &payload[8..])
}

fn geneve(payload: &[u8]) -> Option<&[u8]> {
    let header = payload.first_chunk::<8>()?;
    let is_ethernet = header[0] >> 6 == 0 && header[2..4] == [0x65, 0x58];
    payload.get(8 + usize::from(header[0] & 0x3f) * 4..).filter(|_| is_ethernet)
}

/// A G-PDU: version 1, protocol type GTP, message 255, optional fields and extension headers behind the first eight octets.
fn gtp(payload: &[u8]) -> Option<&[u8]> {
    let [flags, kind] = take(payload, 0).ok()?;
    if flags >> 4 != 3 || kind != 255 {
        return None;
    }
    let mut at = 8;
    if flags & 7 != 0 {
        let mut next = *payload.get(11)?;
        at = 12;
        for _ in 0..super::DEPTH {
            if flags & 4 == 0 || next == 0 {
                break;
            }
            let size = usize::from(*payload.get(at)?) * 4;
            if size == 0 {
                return None;
            }
            next = *payload.get(at + size - 1)?;
            at += size;
        }
    }
    payload.get(at..)
}
