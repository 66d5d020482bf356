//! Frames made by hand: Ethernet, IPv4, UDP and TCP with right checksums, and the few payloads that the site speaks.

use std::net::Ipv4Addr;

use fleetward_fleet::Mac;

/// RFC 9293 §3.1
pub const FIN: u8 = 1;
/// RFC 9293 §3.1
pub const SYN: u8 = 2;
/// RFC 9293 §3.1
pub const PSH: u8 = 8;
/// RFC 9293 §3.1
pub const ACK: u8 = 16;

/// From whom to whom on the link.
pub type Link = (Mac, Mac);
/// An address and a port.
pub type End = (Ipv4Addr, u16);

/// A TCP header without options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The sender.
    pub from: End,
    /// The receiver.
    pub to: End,
    /// Bits as in [`SYN`].
    pub flags: u8,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number.
    pub acknowledged: u32,
}

impl Default for Segment {
    fn default() -> Self {
        let nobody = (Ipv4Addr::UNSPECIFIED, 0);
        Self { from: nobody, to: nobody, flags: 0, sequence: 0, acknowledged: 0 }
    }
}

impl Segment {
    /// The same, the other way, with nothing said yet.
    #[must_use]
    pub fn turned(self) -> Self {
        Self { from: self.to, to: self.from, ..Self::default() }
    }
}

/// A UDP datagram in its frame (RFC 768).
pub fn datagram(link: Link, from: End, to: End, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(8 + payload.len());
    body.extend(from.1.to_be_bytes());
    body.extend(to.1.to_be_bytes());
    body.extend(length(8 + payload.len()));
    body.extend([0, 0]);
    body.extend(payload);
    let sum = transport_sum(from.0, to.0, 17, &body);
    // A sum of zero means "none" (RFC 768), so it is sent as all ones.
    body[6..8].copy_from_slice(&if sum == 0 { 0xffff } else { sum }.to_be_bytes());
    packet(link, from.0, to.0, 17, &body)
}

/// A TCP segment in its frame.
pub fn segment(link: Link, header: &Segment, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(20 + payload.len());
    body.extend(header.from.1.to_be_bytes());
    body.extend(header.to.1.to_be_bytes());
    body.extend(header.sequence.to_be_bytes());
    body.extend(header.acknowledged.to_be_bytes());
    body.extend([5 << 4, header.flags]);
    body.extend(64_240_u16.to_be_bytes());
    body.extend([0; 4]);
    body.extend(payload);
    let sum = transport_sum(header.from.0, header.to.0, 6, &body);
    body[16..18].copy_from_slice(&sum.to_be_bytes());
    packet(link, header.from.0, header.to.0, 6, &body)
}

/// A question for the address of `name` (RFC 1035 §4.1).
pub fn question(id: u16, name: &str) -> Vec<u8> {
    let mut message = message(id, 0x0100, [1, 0]);
    message.extend(asked(name));
    message
}

/// Its answer.
pub fn answer(id: u16, name: &str, address: Ipv4Addr, ttl: u32) -> Vec<u8> {
    let mut message = message(id, 0x8180, [1, 1]);
    message.extend(asked(name));
    message.extend([0xc0, 12, 0, 1, 0, 1]);
    message.extend(ttl.to_be_bytes());
    message.extend([0, 4]);
    message.extend(address.octets());
    message
}

/// NTP version 4 of this mode: 3 client, 4 server (RFC 5905 §7.3).
pub fn clock(mode: u8) -> Vec<u8> {
    let mut message = vec![0; 48];
    message[0] = 4 << 3 | mode;
    message
}

/// A `ClientHello` of TLS 1.2 with a server name (RFC 5246 §7.4.1.2, RFC 6066 §3) in one record.
pub fn client_hello(name: &str) -> Vec<u8> {
    let mut server_name = vec![0];
    server_name.extend(length(name.len()));
    server_name.extend(name.as_bytes());
    let mut extension = length(server_name.len() + 2).to_vec();
    extension.extend(length(server_name.len()));
    extension.extend(server_name);
    let mut body = vec![3, 3];
    body.extend([0x5a; 32]);
    body.push(0);
    body.extend([0, 4, 0xc0, 0x2f, 0xc0, 0x30]);
    body.extend([1, 0]);
    body.extend(length(extension.len() + 2));
    body.extend([0, 0]);
    body.extend(extension);
    let mut handshake = vec![1, 0];
    handshake.extend(length(body.len()));
    handshake.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend(length(handshake.len()));
    record.extend(handshake);
    record
}

/// Ethernet and IPv4 around a payload (RFC 791 §3.1).
fn packet((from_mac, to_mac): Link, from: Ipv4Addr, to: Ipv4Addr, protocol: u8, body: &[u8]) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend(length(20 + body.len()));
    header.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    header.extend(from.octets());
    header.extend(to.octets());
    let sum = finish(add(0, &header));
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut frame = Vec::with_capacity(14 + header.len() + body.len());
    frame.extend(to_mac.0);
    frame.extend(from_mac.0);
    frame.extend([8, 0]);
    frame.extend(header);
    frame.extend(body);
    frame
}

fn message(id: u16, flags: u16, [questions, answers]: [u16; 2]) -> Vec<u8> {
    [id, flags, questions, answers, 0, 0].into_iter().flat_map(u16::to_be_bytes).collect()
}

/// A question's name, type A, class IN.
fn asked(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(|label| {
        let size = u8::try_from(label.len()).unwrap_or(0);
        std::iter::once(size).chain(label.bytes())
    });
    labels.chain([0, 0, 1, 0, 1]).collect()
}

/// Two octets; what the site says is short.
fn length(octets: usize) -> [u8; 2] {
    u16::try_from(octets).unwrap_or(u16::MAX).to_be_bytes()
}

/// The sum over the pseudo header and the body (RFC 9293 §3.1).
fn transport_sum(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, body: &[u8]) -> u16 {
    let mut pseudo = Vec::with_capacity(12);
    pseudo.extend(from.octets());
    pseudo.extend(to.octets());
    pseudo.extend([0, protocol]);
    pseudo.extend(length(body.len()));
    finish(add(add(0, &pseudo), body))
}

/// RFC 1071: sixteen bits at a time, the odd octet padded.
fn add(sum: u32, octets: &[u8]) -> u32 {
    octets.chunks(2).fold(sum, |sum, pair| {
        let [high, low] = [pair[0], pair.get(1).copied().unwrap_or(0)];
        sum + u32::from(u16::from_be_bytes([high, low]))
    })
}

fn finish(sum: u32) -> u16 {
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !(folded as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: Link = (Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]));

    #[test]
    fn sums_come_out_even() {
        let frame = segment(
            LINK,
            &Segment {
                from: (Ipv4Addr::new(10, 0, 0, 1), 1),
                to: (Ipv4Addr::new(10, 0, 0, 2), 2),
                flags: SYN,
                ..Segment::default()
            },
            b"odd",
        );
        assert_eq!(finish(add(0, &frame[14..34])), 0, "a header with its own sum adds up to nothing");
        assert_eq!(transport_sum(Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2), 6, &frame[34..]), 0);
    }

    #[test]
    fn an_answer_points_at_its_question() {
        let octets = answer(1, "a.example", Ipv4Addr::LOCALHOST, 60);
        assert_eq!(&octets[12..23], b"\x01a\x07example\0");
        assert_eq!(octets.len(), 12 + 11 + 4 + 16);
    }
}
