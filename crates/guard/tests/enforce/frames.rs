//! Frames that nobody sends by mistake.

use std::net::IpAddr;

use fleetward_fleet::Mac;

/// So that a frame is known again.
pub(crate) const MARKER: &[u8] = b"fleetward-test-marker";

fn ethernet(from: Mac, to: Mac, kind: u16) -> Vec<u8> {
    [&to.0[..], &from.0[..], &kind.to_be_bytes()].concat()
}

/// "`claimed` is at `from`", to everybody.
pub(crate) fn arp_reply(from: Mac, claimed: IpAddr, to: IpAddr) -> Vec<u8> {
    let (IpAddr::V4(claimed), IpAddr::V4(to)) = (claimed, to) else { panic!("ARP is IPv4's") };
    let mut frame = ethernet(from, Mac::BROADCAST, 0x0806);
    frame.extend([0, 1, 8, 0, 6, 4, 0, 2]);
    frame.extend(from.0);
    frame.extend(claimed.octets());
    frame.extend(Mac::BROADCAST.0);
    frame.extend(to.octets());
    frame.extend(MARKER);
    frame
}

/// A UDP datagram in IPv4 or IPv6, with a checksum where it must have one.
pub(crate) fn udp(from: (Mac, IpAddr, u16), to: (Mac, IpAddr, u16), payload: &[u8]) -> Vec<u8> {
    let mut segment =
        [from.2.to_be_bytes(), to.2.to_be_bytes(), (8 + payload.len() as u16).to_be_bytes(), [0; 2]].concat();
    segment.extend(payload);
    ip(from, to, 17, segment, 6)
}

/// A TCP segment that wants to open a connection.
pub(crate) fn syn(from: (Mac, IpAddr, u16), to: (Mac, IpAddr, u16)) -> Vec<u8> {
    let mut segment = [from.2.to_be_bytes(), to.2.to_be_bytes()].concat();
    segment.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0]);
    ip(from, to, 6, segment, 16)
}

/// An `ICMPv6` message.
pub(crate) fn icmp6(from: (Mac, IpAddr), to: (Mac, IpAddr), message: &[u8]) -> Vec<u8> {
    let mut frame = ip((from.0, from.1, 0), (to.0, to.1, 0), 58, message.to_vec(), 2);
    frame[14 + 7] = 255; // neighbour discovery never comes from afar (RFC 4861 §6.1.2)
    frame
}

/// A router advertisement: "I am the router, for half an hour".
pub(crate) fn router_advert() -> Vec<u8> {
    [&[134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0][..], &[255, 0, 0, 0, 0, 0, 0, 0], MARKER].concat()
}

/// A neighbour advertisement: "`claimed` is here", overriding.
pub(crate) fn neighbour_advert(claimed: IpAddr, at: Mac) -> Vec<u8> {
    let IpAddr::V6(claimed) = claimed else { panic!("neighbour discovery is IPv6's") };
    [&[136, 0, 0, 0, 0x20, 0, 0, 0][..], &claimed.octets(), &[2, 1], &at.0].concat()
}

fn ip(
    from: (Mac, IpAddr, u16),
    to: (Mac, IpAddr, u16),
    protocol: u8,
    mut body: Vec<u8>,
    checksum_at: usize,
) -> Vec<u8> {
    let length = body.len() as u16;
    let (mut frame, pseudo) = match (from.1, to.1) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let mut frame = ethernet(from.0, to.0, 0x0800);
            let mut header = vec![0x45, 0];
            header.extend((20 + length).to_be_bytes());
            header.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
            header.extend(a.octets());
            header.extend(b.octets());
            let sum = checksum(&header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            frame.extend(header);
            (frame, [&a.octets()[..], &b.octets(), &[0, protocol], &length.to_be_bytes()].concat())
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            let mut frame = ethernet(from.0, to.0, 0x86dd);
            frame.extend([0x60, 0, 0, 0]);
            frame.extend(length.to_be_bytes());
            frame.extend([protocol, 64]);
            frame.extend(a.octets());
            frame.extend(b.octets());
            let pseudo =
                [&a.octets()[..], &b.octets(), &u32::from(length).to_be_bytes(), &[0, 0, 0, protocol]].concat();
            (frame, pseudo)
        }
        _ => panic!("both ends are of one family"),
    };
    if body.len() >= checksum_at + 2 {
        let sum = checksum(&[&pseudo[..], &body].concat());
        body[checksum_at..checksum_at + 2].copy_from_slice(&sum.to_be_bytes());
    }
    frame.extend(body);
    frame
}

/// RFC 1071
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|it| u32::from(it[0]) << 8 | it.get(1).copied().map_or(0, u32::from));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
