//! IP version 4 (RFC 791) and 6 (RFC 8200) with its extension headers.

use super::{Address, Fragment, Link, Packet, Reject, Seen, mapped, short, take, transport, tunnel};

/// What is known of a packet before its transport is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outline {
    pub(super) link: Link,
    pub(super) source: Address,
    pub(super) target: Address,
    pub(super) length: u32,
    pub(super) fragment: Option<Fragment>,
}

/// The version is in the first four bits.
pub(super) fn either(bytes: &[u8], link: Link, depth: u8) -> Result<Seen<'_>, Reject> {
    match take::<1>(bytes, 0)?[0] >> 4 {
        4 => v4(bytes, link, depth),
        6 => v6(bytes, link, depth),
        _ => Err(Reject::NotIp),
    }
}

#[inline]
pub(super) fn v4(bytes: &[u8], link: Link, depth: u8) -> Result<Seen<'_>, Reject> {
    let header: &[u8; 20] = bytes.first_chunk().ok_or(Reject::Truncated)?;
    let size = usize::from(header[0] & 0x0f) * 4;
    if header[0] >> 4 != 4 || size < 20 {
        return Err(Reject::Malformed);
    }
    let stated = usize::from(u16::from_be_bytes([header[2], header[3]]));
    // A length of zero is a network card's that left the cutting to later (segmentation offload): all of it.
    let length = if stated == 0 { bytes.len() } else { stated };
    if length < size {
        return Err(Reject::Malformed);
    }
    let body = bytes.get(size..length.min(bytes.len())).ok_or(Reject::Truncated)?;
    let part = u16::from_be_bytes([header[6], header[7]]);
    let fragment = (part & 0x3fff != 0).then(|| Fragment {
        id: u32::from(u16::from_be_bytes([header[4], header[5]])),
        offset: (part & 0x1fff) << 3,
        more: part & 0x2000 != 0,
    });
    let outline = Outline {
        link,
        source: mapped([header[12], header[13], header[14], header[15]]),
        target: mapped([header[16], header[17], header[18], header[19]]),
        length: u32::try_from(length).unwrap_or(u32::MAX),
        fragment,
    };
    inside(header[9], body, outline, depth)
}

pub(super) fn v6(bytes: &[u8], link: Link, depth: u8) -> Result<Seen<'_>, Reject> {
    let header: &[u8; 40] = bytes.first_chunk().ok_or(Reject::Truncated)?;
    if header[0] >> 4 != 6 {
        return Err(Reject::Malformed);
    }
    let stated = 40 + usize::from(u16::from_be_bytes([header[4], header[5]]));
    let length = if stated == 40 { bytes.len() } else { stated };
    let mut outline = Outline {
        link,
        source: Address::from_be_bytes(take(bytes, 8)?),
        target: Address::from_be_bytes(take(bytes, 24)?),
        length: u32::try_from(length).unwrap_or(u32::MAX),
        fragment: None,
    };
    let bytes = &bytes[..length.min(bytes.len())];
    let (mut next, mut at) = (header[6], 40);
    for _ in 0..super::DEPTH {
        let (following, size) = match next {
            // Hop-by-hop, routing, destination, mobility, HIP, shim6: a length in units of eight octets (RFC 6564 §4).
            0 | 43 | 60 | 135 | 139 | 140 => {
                let [following, units] = take(bytes, at)?;
                (following, 8 + usize::from(units) * 8)
            }
            // Authentication, in units of four (RFC 4302 §2.2).
            51 => {
                let [following, units] = take(bytes, at)?;
                (following, 8 + usize::from(units) * 4)
            }
            44 => {
                let part = short(bytes, at + 2)?;
                let id = u32::from_be_bytes(take(bytes, at + 4)?);
                let (offset, more) = (part & 0xfff8, part & 1 == 1);
                if offset != 0 || more {
                    outline.fragment = Some(Fragment { id, offset, more });
                }
                (take::<1>(bytes, at)?[0], 8)
            }
            _ => {
                let body = bytes.get(at..).ok_or(Reject::Truncated)?;
                return inside(next, body, outline, depth);
            }
        };
        (next, at) = (following, at + size);
        // What follows a later fragment's header is no header.
        if outline.fragment.is_some_and(|fragment| fragment.offset > 0) {
            let body = bytes.get(at..).unwrap_or_default();
            return inside(next, body, outline, depth);
        }
    }
    Err(Reject::TooDeep)
}

#[inline]
fn inside(protocol: u8, body: &[u8], outline: Outline, depth: u8) -> Result<Seen<'_>, Reject> {
    let later_part = outline.fragment.is_some_and(|fragment| fragment.offset > 0);
    if later_part {
        return Ok(Seen::Packet(Packet::of(protocol, outline, body)));
    }
    if outline.fragment.is_none()
        && let Some(inner) = tunnel::by_protocol(protocol, body, outline.link, depth)
    {
        return inner;
    }
    let packet = transport::read(protocol, body, outline)?;
    if protocol == transport::UDP
        && outline.fragment.is_none()
        && let Some(inner) = tunnel::by_port(&packet, depth)
    {
        return inner;
    }
    Ok(Seen::Packet(packet))
}

impl<'a> Packet<'a> {
    /// Without ports.
    #[inline]
    pub(super) fn of(protocol: u8, outline: Outline, payload: &'a [u8]) -> Self {
        Self {
            link: outline.link,
            source: outline.source,
            target: outline.target,
            protocol,
            source_port: 0,
            target_port: 0,
            flags: 0,
            sequence: 0,
            length: outline.length,
            payload,
            fragment: outline.fragment,
        }
    }
}
