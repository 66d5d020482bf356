//! Held against `etherparse`, a complete and independent reader, and against headers made by hand.

use etherparse::{LaxSlicedPacket, PacketBuilder, TransportSlice};
use proptest::prelude::*;

use super::*;
use crate::{NeighbourDoes, Time};

fn packet(link: u16, frame: &[u8]) -> Packet<'_> {
    match read(link, frame) {
        Ok(Seen::Packet(packet)) => packet,
        other => panic!("no packet: {other:?}"),
    }
}

#[derive(Debug, Clone)]
struct Made {
    v6: bool,
    vlans: u8,
    udp: bool,
    ports: [u16; 2],
    addresses: [u128; 2],
    payload: Vec<u8>,
    padding: usize,
}

fn made() -> impl Strategy<Value = Made> {
    let payload = prop::collection::vec(any::<u8>(), 0..64);
    (any::<(bool, bool, [u16; 2], [u128; 2])>(), 0_u8..3, payload, 0_usize..20).prop_map(
        |((v6, udp, ports, addresses), vlans, payload, padding)| Made {
            v6,
            vlans,
            udp,
            ports,
            addresses,
            payload,
            padding,
        },
    )
}

impl Made {
    fn frame(&self) -> Vec<u8> {
        let [from, to] = self.addresses;
        let mut frame = Vec::new();
        let ethernet = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let id = |value: u16| etherparse::VlanId::try_new(value).expect("a VLAN");
        macro_rules! go {
            ($link:expr) => {{
                let ip = if self.v6 {
                    $link.ipv6(from.to_be_bytes(), to.to_be_bytes(), 64)
                } else {
                    let v4 = |it: u128| (it as u32).to_be_bytes();
                    $link.ipv4(v4(from), v4(to), 64)
                };
                if self.udp {
                    ip.udp(self.ports[0], self.ports[1]).write(&mut frame, &self.payload).expect("it is written");
                } else {
                    ip.tcp(self.ports[0], self.ports[1], 7, 1000)
                        .syn()
                        .write(&mut frame, &self.payload)
                        .expect("it is written");
                }
            }};
        }
        match self.vlans {
            0 => go!(ethernet),
            1 => go!(ethernet.single_vlan(id(100))),
            _ => go!(ethernet.double_vlan(id(100), id(200))),
        }
        frame.extend(std::iter::repeat_n(0, self.padding));
        frame
    }
}

proptest! {
    #[test]
    fn reads_what_etherparse_reads(made in made()) {
        let frame = made.frame();
        // What lies in a tunnel is another question.
        prop_assume!(![2152, 4789, 6081].iter().any(|port| made.ports.contains(port)));
        let theirs = LaxSlicedPacket::from_ethernet(&frame).expect("it is a packet");
        let ours = packet(1, &frame);
        let (source, target, length) = match theirs.net.expect("IP") {
            etherparse::LaxNetSlice::Ipv4(ip) => {
                let header = ip.header();
                (mapped(header.source()), mapped(header.destination()), u32::from(header.total_len()))
            }
            etherparse::LaxNetSlice::Ipv6(ip) => {
                let header = ip.header();
                let address = |octets: [u8; 16]| Address::from_be_bytes(octets);
                (address(header.source()), address(header.destination()), 40 + u32::from(header.payload_length()))
            }
            other @ etherparse::LaxNetSlice::Arp(_) => panic!("{other:?}"),
        };
        prop_assert_eq!((ours.source, ours.target, ours.length), (source, target, length));
        prop_assert_eq!(ours.link.vlan, if made.vlans > 0 { 100 } else { 0 });
        let (protocol, ports, payload) = match theirs.transport.expect("a transport") {
            TransportSlice::Udp(udp) => (17, [udp.source_port(), udp.destination_port()], udp.payload().to_vec()),
            TransportSlice::Tcp(tcp) => (6, [tcp.source_port(), tcp.destination_port()], tcp.payload().to_vec()),
            other => panic!("{other:?}"),
        };
        prop_assert_eq!(ours.protocol, protocol);
        prop_assert_eq!([ours.source_port, ours.target_port], ports);
        prop_assert_eq!(ours.payload, &payload[..]);
        prop_assert_eq!(ours.payload, &made.payload[..]);
        prop_assert_eq!(ours.flags, if made.udp { 0 } else { 2 });
    }

    #[test]
    fn most_frames_are_read_in_one_step_and_no_otherwise(made in made(), keep in 0_usize..120, at in any::<prop::sample::Index>(), to in any::<u8>(), damage in any::<bool>()) {
        let mut frame = made.frame();
        // Of damage most is in the headers.
        if damage {
            let at = at.index(frame.len().min(60));
            frame[at] = to;
        }
        let cut = &frame[..keep.min(frame.len())];
        let slow = link::ethernet(cut, Link::default(), DEPTH);
        match link::plain(cut) {
            Some(packet) => prop_assert_eq!(slow, Ok(Seen::Packet(packet))),
            None => prop_assert!(made.v6 || made.vlans > 0 || damage || cut.len() < 38 || slow.is_err() || made.ports.iter().any(|port| [2152, 4789, 6081].contains(port))),
        }
    }

    #[test]
    fn a_snap_length_changes_no_length_and_no_port(made in made(), keep in 0_usize..80) {
        let frame = made.frame();
        let cut = &frame[..keep.min(frame.len())];
        if let Ok(Seen::Packet(packet)) = read(1, cut) {
            let whole = self::packet(1, &frame);
            prop_assert_eq!((packet.length, packet.protocol), (whole.length, whole.protocol));
            prop_assert_eq!((packet.source_port, packet.target_port), (whole.source_port, whole.target_port));
        }
    }

    #[test]
    fn no_octets_make_it_panic(link in prop::sample::select(vec![0_u16, 1, 12, 101, 108, 113, 228, 229, 276, 9]), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _seen = read(link, &bytes);
    }

    #[test]
    fn a_damaged_frame_makes_no_panic(made in made(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut frame = made.frame();
        let at = at.index(frame.len());
        frame[at] = to;
        let _seen = read(1, &frame);
    }
}

/// An inner IPv4 packet with UDP from 10.0.0.1:1000 to 10.0.0.2:2000.
fn inner() -> Vec<u8> {
    let mut packet = Vec::new();
    PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
        .udp(1000, 2000)
        .write(&mut packet, b"inside")
        .expect("it is written");
    packet
}

fn assert_inner(link: u16, frame: &[u8]) {
    let packet = packet(link, frame);
    assert_eq!((packet.source, packet.target), (mapped([10, 0, 0, 1]), mapped([10, 0, 0, 2])));
    assert_eq!((packet.source_port, packet.target_port, packet.payload), (1000, 2000, &b"inside"[..]));
}

fn outer_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64).udp(port, port);
    builder.write(&mut frame, payload).expect("it is written");
    frame
}

fn outer_ip(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
    builder.write(&mut frame, etherparse::IpNumber(protocol), payload).expect("it is written");
    frame
}

#[test]
fn whose_conversation_it_is_lies_inside() {
    assert_inner(101, &inner());
    assert_inner(1, &outer_ip(4, &inner()));
    assert_inner(1, &outer_ip(47, &[&[0x20, 0, 8, 0, 0, 0, 0, 7][..], &inner()].concat()));
    // GTP-U: a G-PDU without and with a sequence number and an extension header.
    assert_inner(1, &outer_udp(2152, &[&[0x30, 255, 0, 0, 0, 0, 0, 1][..], &inner()].concat()));
    let extended = [0x36, 255, 0, 0, 0, 0, 0, 1, 0, 5, 0, 0x85, 1, 0x10, 0, 0];
    assert_inner(1, &outer_udp(2152, &[&extended[..], &inner()].concat()));
    let ethernet = [&[6; 6][..], &[8; 6], &[8, 0], &inner()].concat();
    assert_inner(1, &outer_udp(4789, &[&[8, 0, 0, 0, 0, 0, 9, 0][..], &ethernet].concat()));
    assert_inner(1, &outer_udp(6081, &[&[0, 0, 0x65, 0x58, 0, 0, 9, 0][..], &ethernet].concat()));
    // Something else on the port of a tunnel is what it is.
    let plain = outer_udp(4789, b"no tunnel at all");
    assert_eq!(packet(1, &plain).target_port, 4789);
}

#[test]
fn tunnels_have_an_end() {
    let mut nested = inner();
    for _ in 0..12 {
        let mut outer = Vec::new();
        let builder = PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
        builder.write(&mut outer, etherparse::IpNumber(4), &nested).expect("it is written");
        nested = outer;
    }
    assert_eq!(read(101, &nested), Err(Reject::TooDeep));
}

#[test]
fn extension_headers_of_ipv6_are_passed_and_parts_are_known() {
    // Hop-by-hop, routing, then UDP 1000 -> 2000.
    let udp = [3, 232, 7, 208, 0, 8, 0, 0];
    let mut bytes = vec![0x60, 0, 0, 0, 0, 24, 0, 64];
    bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    bytes.extend([43, 0, 1, 4, 0, 0, 0, 0]);
    bytes.extend([17, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(udp);
    assert_eq!((packet(101, &bytes).source_port, packet(101, &bytes).target_port), (1000, 2000));
    // A later fragment: no ports, but known as one.
    let mut later = bytes[..40].to_vec();
    later[5] = 16;
    later[6] = 44;
    later.extend([17, 0, 0, 8 | 1, 0, 0, 0, 77]);
    later.extend([1; 8]);
    let part = packet(101, &later);
    assert_eq!(part.fragment, Some(Fragment { id: 77, offset: 8, more: true }));
    assert_eq!((part.protocol, part.source_port), (17, 0));
}

#[test]
fn who_holds_an_address_is_told() {
    let mut arp = [&[0xff; 6][..], &[2, 0, 0, 0, 0, 9], &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2]].concat();
    arp.extend([2, 0, 0, 0, 0, 9, 10, 0, 0, 1, 2, 0, 0, 0, 0, 7, 10, 0, 0, 7]);
    let Ok(Seen::Neighbours(link, [Some(claim), None])) = read(1, &arp) else { panic!("no claim") };
    assert_eq!((claim.does, claim.mac, claim.ip), (NeighbourDoes::Claims, link.source, mapped([10, 0, 0, 1])));
    assert_eq!(Time(1_500_000_000).timestamp().0, 1500);
}
