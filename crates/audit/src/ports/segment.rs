//! A SYN as octets, and what an answer says (RFC 9293 §3.1); sans-I/O.

use std::net::IpAddr;

use crate::fact::PortState;

/// Octets of a TCP header with the option that states the largest segment: a SYN without one looks odd to firewalls.
pub(super) const SYN: usize = 24;

/// A SYN between these.
pub(super) fn syn(ends: (IpAddr, IpAddr), ports: (u16, u16), sequence: u32) -> [u8; SYN] {
    let mut out = [0; SYN];
    out[..2].copy_from_slice(&ports.0.to_be_bytes());
    out[2..4].copy_from_slice(&ports.1.to_be_bytes());
    out[4..8].copy_from_slice(&sequence.to_be_bytes());
    // Six words; SYN; a window of 64,240; the largest segment is 1,460.
    out[12..16].copy_from_slice(&[0x60, 0x02, 0xfa, 0xf0]);
    out[20..].copy_from_slice(&[2, 4, 0x05, 0xb4]);
    let sum = checksum(ends, &out);
    out[16..18].copy_from_slice(&sum.to_be_bytes());
    out
}

/// An answer: from which port, to which of ours, to which sequence number, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) port: u16,
    pub(super) ours: u16,
    pub(super) sequence: u32,
    pub(super) state: PortState,
}

/// Reads what a raw socket gives: an IPv4 packet with its header, or over IPv6 the segment alone. `None` where it is no
/// answer to a SYN.
pub(super) fn answer(octets: &[u8], is_v4: bool) -> Option<Answer> {
    let header = if is_v4 { usize::from(octets.first()? & 15) * 4 } else { 0 };
    // A TCP header has twenty octets at least.
    let segment = octets.get(header..).filter(|it| it.len() >= 20)?;
    let word = |at: usize| Some(u16::from_be_bytes(segment.get(at..at + 2)?.try_into().ok()?));
    let flags = *segment.get(13)?;
    let acknowledged = u32::from_be_bytes(segment.get(8..12)?.try_into().ok()?);
    let state = match (flags & 0x04 != 0, flags & 0x12 == 0x12) {
        (true, _) if flags & 0x10 != 0 => PortState::Closed,
        (false, true) => PortState::Open,
        _ => return None,
    };
    Some(Answer { port: word(0)?, ours: word(2)?, sequence: acknowledged.wrapping_sub(1), state })
}

/// RFC 9293 §3.1: the sum over the pseudo header and the segment.
fn checksum((from, to): (IpAddr, IpAddr), segment: &[u8]) -> u16 {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let ends = [octets(from), octets(to)].concat();
    let words = ends.chunks(2).chain(segment.chunks(2));
    let sum: u32 = words.map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0))).sum();
    let sum = sum + 6 + segment.len() as u32;
    let sum = (sum & 0xffff) + (sum >> 16);
    !((sum & 0xffff) + (sum >> 16)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syn_sums_to_nothing_and_its_answer_is_read() {
        let ends = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        let segment = syn(ends, (40_000, 80), 7);
        assert_eq!(checksum(ends, &segment), 0);
        let mut back = vec![0x45; 20];
        back.extend([0, 80, 0x9c, 0x40, 0, 0, 0, 0, 0, 0, 0, 8, 0x50, 0x12, 0, 0, 0, 0, 0, 0]);
        let open = Answer { port: 80, ours: 40_000, sequence: 7, state: PortState::Open };
        assert_eq!(answer(&back, true), Some(open));
        assert_eq!(answer(&back[20..], false), Some(open));
        back[33] = 0x14;
        assert_eq!(answer(&back, true).map(|it| it.state), Some(PortState::Closed));
        for end in 0..back.len() {
            answer(&back[..end], true);
        }
    }
}
