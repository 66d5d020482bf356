//! A block of the ring as packets (`struct tpacket3_hdr`, `packet_mmap.rst` of the kernel).

use std::mem::offset_of;

use fleetward_packet::Time;

use super::ring::BEFORE;
use crate::batch::Entry;

/// Octets of the header of a frame; the address of who sent it follows.
const HEADER: usize = size_of::<libc::tpacket3_hdr>();

/// What the interface's frames are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Of the LINKTYPE_ registry.
    pub(super) link: u16,
    /// A loopback interface shows every frame twice: as it goes and as it comes. Going is left out.
    pub(super) loopback: bool,
}

/// Notes the frames of a block, putting VLAN tags back where the kernel took them out.
pub(super) fn frames(block: &mut [u8], kind: Kind, entries: &mut Vec<Entry>) {
    let field = |at: usize| long(block, at.wrapping_sub(BEFORE)).unwrap_or(0);
    let count = field(8 + offset_of!(libc::tpacket_hdr_v1, num_pkts));
    let mut at = (field(8 + offset_of!(libc::tpacket_hdr_v1, offset_to_first_pkt)) as usize).wrapping_sub(BEFORE);
    for _ in 0..count {
        let Some(next) = frame(block, at, kind, entries) else { return };
        at = at.wrapping_add(next);
    }
}

/// Notes one frame, and says how far the next one is.
fn frame(block: &mut [u8], at: usize, kind: Kind, entries: &mut Vec<Entry>) -> Option<usize> {
    let header = block.get(at..)?.get(..HEADER + 20)?;
    let number = |offset: usize| long(header, offset).unwrap_or(0);
    let next = number(offset_of!(libc::tpacket3_hdr, tp_next_offset)) as usize;
    let seconds = number(offset_of!(libc::tpacket3_hdr, tp_sec));
    let nanoseconds = number(offset_of!(libc::tpacket3_hdr, tp_nsec));
    let length = number(offset_of!(libc::tpacket3_hdr, tp_snaplen));
    let wire = number(offset_of!(libc::tpacket3_hdr, tp_len));
    let status = number(offset_of!(libc::tpacket3_hdr, tp_status));
    let mac = usize::from(short(header, offset_of!(libc::tpacket3_hdr, tp_mac))?);
    let tag = offset_of!(libc::tpacket3_hdr, hv1) + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tci);
    let kind_of_tag = offset_of!(libc::tpacket3_hdr, hv1) + offset_of!(libc::tpacket_hdr_variant1, tp_vlan_tpid);
    let (tag, kind_of_tag) = (number(tag) as u16, short(header, kind_of_tag)?);
    // `struct sockaddr_ll` follows, aligned to 16 as the header's size is.
    let outgoing = header.get(HEADER + offset_of!(libc::sockaddr_ll, sll_pkttype)) == Some(&libc::PACKET_OUTGOING);
    if kind.loopback && outgoing {
        return Some(next);
    }
    let time = Time(i64::from(seconds) * 1_000_000_000 + i64::from(nanoseconds));
    let mut start = at.checked_add(mac)?;
    let (mut length, mut wire) = (length, wire.max(length));
    block.get(start..)?.get(..length as usize)?;
    if status & libc::TP_STATUS_VLAN_VALID != 0 && kind.link == 1 && length >= 12 {
        let tpid = if status & libc::TP_STATUS_VLAN_TPID_VALID == 0 { 0x8100 } else { kind_of_tag };
        // `PACKET_RESERVE` left room before the frame.
        block.copy_within(start..start + 12, start - 4);
        start -= 4;
        block[start + 12..start + 14].copy_from_slice(&tpid.to_be_bytes());
        block[start + 14..start + 16].copy_from_slice(&tag.to_be_bytes());
        length += 4;
        wire += 4;
    }
    entries.push(Entry { time, start: start as u32, length, wire, link: kind.link });
    Some(next)
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_ne_bytes(*four))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_ne_bytes(*two))
}
