//! Above IP: ports, flags, and what kind of control message it is.

use super::ip::Outline;
use super::{Packet, Reject, take};

pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;
const SCTP: u8 = 132;
const UDP_LITE: u8 = 136;

/// Ports and payload. A header that is cut off by a snap length is read as far as it goes, but never without its ports.
#[inline]
pub(super) fn read(protocol: u8, body: &[u8], outline: Outline) -> Result<Packet<'_>, Reject> {
    let packet = Packet::of(protocol, outline, body);
    match protocol {
        TCP => tcp(packet),
        UDP | UDP_LITE | SCTP => {
            let packet = with_ports(packet)?;
            let header = if protocol == SCTP { 12 } else { 8 };
            Ok(Packet { payload: body.get(header..).unwrap_or_default(), ..packet })
        }
        ICMP => {
            let [kind, code] = take(body, 0)?;
            Ok(Packet {
                target_port: u16::from_be_bytes([kind, code]),
                payload: body.get(8..).unwrap_or_default(),
                ..packet
            })
        }
        ICMPV6 => {
            let [kind, code] = take(body, 0)?;
            let target_port = u16::from_be_bytes([kind, code]);
            Ok(Packet { target_port, payload: body.get(8..).unwrap_or_default(), ..packet })
        }
        _ => Ok(packet),
    }
}

#[inline]
fn with_ports(packet: Packet<'_>) -> Result<Packet<'_>, Reject> {
    let [a, b, c, d] = take(packet.payload, 0)?;
    Ok(Packet { source_port: u16::from_be_bytes([a, b]), target_port: u16::from_be_bytes([c, d]), ..packet })
}

#[inline]
fn tcp(packet: Packet<'_>) -> Result<Packet<'_>, Reject> {
    let body = packet.payload;
    let mut packet = with_ports(packet)?;
    packet.payload = &[];
    if let Some(header) = body.first_chunk::<14>() {
        let size = usize::from(header[12] >> 4) * 4;
        if size < 20 {
            return Err(Reject::Malformed);
        }
        packet.sequence = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        packet.flags = header[13];
        packet.payload = body.get(size..).unwrap_or_default();
    }
    Ok(packet)
}
