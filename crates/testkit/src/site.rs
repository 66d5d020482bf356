//! A site whose packets can be seen: some devices of one model on a local network, a gateway, and one device that is taken over.
//!
//! Frames with their moments come out, made by [`frame`]; who plays them (into a capture file, a pipe, an interface) decides when.

pub mod frame;

use std::net::Ipv4Addr;
use std::time::Duration;

use fleetward_fleet::Mac;

use crate::random::Random;
use frame::{Segment, datagram, segment};

/// The model's name, and its profile as a file.
pub const MODEL: &str = "doorbell";
/// The profile of [`MODEL`]: two names, a clock, a resolver.
pub const PROFILE: &str = "\
model: doorbell
title: A doorbell with a camera, on the site's own network
network:
  mode: audit
  allow:
    - { name: api.doorbell.example, protocol: tcp, ports: [443] }
    - { role: dns, protocol: udp, ports: [53] }
    - { role: ntp, protocol: udp, ports: [123] }
";
/// The router of the site, which is also its resolver and clock.
pub const ROUTER: (Mac, Ipv4Addr) = (Mac([2, 0x5e, 0, 0, 0, 1]), Ipv4Addr::new(192, 0, 2, 1));
/// Where `api.doorbell.example` is.
pub const CLOUD: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 10);
/// Where the intruder takes orders.
pub const MASTER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 66);
/// Whom he attacks.
const VICTIM: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 200);

/// A device of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name in the inventory.
    pub name: Box<str>,
    /// Its hardware address.
    pub mac: Mac,
    /// Its address.
    pub ip: Ipv4Addr,
}

/// The devices of a site, at most 200.
pub fn members(count: u8) -> Vec<Member> {
    let member = |number: u8| Member {
        name: format!("{MODEL}-{number:02}").into(),
        mac: Mac([2, 0x5e, 0, 0, 1, number]),
        ip: Ipv4Addr::new(192, 0, 2, 10 + number),
    };
    (1..=count.min(200)).map(member).collect()
}

/// One frame of the story, as it lies on the wire (Ethernet, no checksum of its own).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// Since the story's beginning.
    pub at: Duration,
    /// The octets.
    pub frame: Vec<u8>,
}

/// What each of `members` does for `length`: every few seconds a name, a short encrypted conversation, sometimes the clock. In order of time.
pub fn everyday(members: &[Member], length: Duration, seed: u64) -> Vec<Played> {
    let mut random = Random::new(seed);
    let mut played = Vec::new();
    for member in members {
        let mut at = Duration::from_millis(random.between(0, 3000));
        let mut turn = 0;
        while at < length {
            conversation(member, at, turn, &mut played);
            turn += 1;
            at += Duration::from_millis(random.between(2000, 5000));
        }
    }
    played.sort_by_key(|played| played.at);
    played
}

/// What a device does once it is taken over: it reports to its master, searches others for Telnet, and floods somebody for two seconds.
pub fn takeover(member: &Member, from: Duration) -> Vec<Played> {
    let mut played = Vec::new();
    let mut put = |at: Duration, frame: Vec<u8>| played.push(Played { at: from + at, frame });
    let call =
        |port, to: Ipv4Addr, to_port| Segment { from: (member.ip, port), to: (to, to_port), ..Segment::default() };
    let away = (member.mac, ROUTER.0);
    put(Duration::ZERO, segment(away, &Segment { flags: frame::SYN, ..call(40_000, MASTER, 6667) }, &[]));
    let answer = call(40_000, MASTER, 6667).turned();
    put(
        Duration::from_millis(30),
        segment((ROUTER.0, member.mac), &Segment { flags: frame::SYN | frame::ACK, ..answer }, &[]),
    );
    let order = Segment { flags: frame::PSH | frame::ACK, sequence: 1, acknowledged: 1, ..call(40_000, MASTER, 6667) };
    put(Duration::from_millis(60), segment(away, &order, b"NICK bot\r\nUSER bot 8 * :bot\r\n"));
    for number in 0..256_u16 {
        let [high, low] = number.wrapping_mul(40_503).to_be_bytes();
        let to = Ipv4Addr::new(100, 64 + (high & 63), high, low);
        let syn = Segment { flags: frame::SYN, ..call(41_000 + number, to, 23) };
        put(Duration::from_millis(1000 + u64::from(number) * 10), segment(away, &syn, &[]));
    }
    for number in 0..8000_u16 {
        let syn = Segment { flags: frame::SYN, sequence: u32::from(number), ..call(10_000 + number, VICTIM, 80) };
        put(Duration::from_millis(4500) + Duration::from_micros(u64::from(number) * 250), segment(away, &syn, &[]));
    }
    played
}

/// A name, a conversation with the cloud, and at every eighth turn the clock.
fn conversation(member: &Member, at: Duration, turn: u16, played: &mut Vec<Played>) {
    let mut put = |milliseconds, frame| played.push(Played { at: at + Duration::from_millis(milliseconds), frame });
    let (out, back) = ((member.mac, ROUTER.0), (ROUTER.0, member.mac));
    let name = "api.doorbell.example";
    let port = 20_000 + turn % 10_000;
    let ask = frame::question(turn, name);
    put(0, datagram(out, (member.ip, port), (ROUTER.1, 53), &ask));
    put(4, datagram(back, (ROUTER.1, 53), (member.ip, port), &frame::answer(turn, name, CLOUD, 300)));
    if turn.is_multiple_of(8) {
        put(6, datagram(out, (member.ip, 123), (ROUTER.1, 123), &frame::clock(3)));
        put(8, datagram(back, (ROUTER.1, 123), (member.ip, 123), &frame::clock(4)));
    }
    let call = Segment { from: (member.ip, port), to: (CLOUD, 443), ..Segment::default() };
    let reply = call.turned();
    let hello = frame::client_hello(name);
    let said = u32::try_from(hello.len()).unwrap_or(0);
    put(10, segment(out, &Segment { flags: frame::SYN, ..call }, &[]));
    put(30, segment(back, &Segment { flags: frame::SYN | frame::ACK, acknowledged: 1, ..reply }, &[]));
    put(31, segment(out, &Segment { flags: frame::PSH | frame::ACK, sequence: 1, acknowledged: 1, ..call }, &hello));
    let heard = Segment { flags: frame::PSH | frame::ACK, sequence: 1, acknowledged: 1 + said, ..reply };
    put(60, segment(back, &heard, &[0x17, 3, 3, 0, 4, 1, 2, 3, 4]));
    put(
        90,
        segment(out, &Segment { flags: frame::FIN | frame::ACK, sequence: 1 + said, acknowledged: 10, ..call }, &[]),
    );
    put(
        120,
        segment(back, &Segment { flags: frame::FIN | frame::ACK, sequence: 10, acknowledged: 2 + said, ..reply }, &[]),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_plays_the_same_frames_in_order_of_time() {
        let members = members(4);
        let length = Duration::from_secs(30);
        let played = everyday(&members, length, 7);
        assert_eq!(played, everyday(&members, length, 7));
        assert!(played.is_sorted_by_key(|played| played.at));
        assert!(played.len() > 4 * 6 * 8, "each has at least six conversations: {}", played.len());
        assert!(takeover(&members[2], length).is_sorted_by_key(|played| played.at));
    }
}
