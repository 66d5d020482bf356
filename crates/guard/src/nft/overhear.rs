//! What the kernel tells of names and leases on their way becomes elements: no capture is needed for the firewall to know.
//!
//! Only what a device itself asked counts: the listener drops answers without their question (RFC 5452 §9). Over TCP, messages that are
//! whole within a segment count, as resolvers write them.

use std::net::IpAddr;

use fleetward_fleet::{Mac, Timestamp};
use fleetward_packet::{Endpoint, Ends, Listener, NameLimits, Segment, Speech, Time};

use super::Answer;
use super::firewall::{Firewall, FirewallError};
use super::log::{Told, Why};

/// Holds questions until their answers pass.
#[derive(Debug)]
pub struct Overhearing {
    listener: Listener,
}

impl Default for Overhearing {
    fn default() -> Self {
        Self { listener: Listener::new(NameLimits::default()) }
    }
}

impl Overhearing {
    /// One packet of names or of DHCP: what follows from it is in force when this returns. Says how many elements changed.
    pub fn take(&mut self, firewall: &mut Firewall, told: &Told, now: Timestamp) -> Result<usize, FirewallError> {
        let mut changed = 0;
        if told.why == Why::Names {
            match told.protocol {
                Some(17) => changed = self.message(firewall, told, &told.payload, now)?,
                Some(6) => {
                    for message in whole(&told.payload) {
                        changed += self.message(firewall, told, message, now)?;
                    }
                }
                _ => {}
            }
        }
        Ok(changed)
    }

    fn message(
        &mut self,
        firewall: &mut Firewall,
        told: &Told,
        message: &[u8],
        now: Timestamp,
    ) -> Result<usize, FirewallError> {
        let (Some(from), Some(to)) = (told.from, told.to) else { return Ok(0) };
        let (Some(from_port), Some(to_port)) = (told.from_port, told.port) else { return Ok(0) };
        if message.is_empty() {
            return Ok(0);
        }
        if let Some((mac, ip)) = lease(message).filter(|_| to_port == DHCP_CLIENT && told.protocol == Some(17)) {
            firewall.lease(mac, ip)?;
            return Ok(0);
        }
        let from_client = to_port == DNS;
        if let (true, Some(mac)) = (from_client, told.mac) {
            firewall.seen(mac, from);
        }
        let end = |ip: IpAddr, port: u16| Endpoint { ip, port, mac: Mac::default() };
        let (sender, receiver) = (end(from, from_port), end(to, to_port));
        let (client, server) = if from_client { (sender, receiver) } else { (receiver, sender) };
        let time = Time(now.0.saturating_mul(1_000_000));
        let segment = Segment { payload: message, from_client, sequence: 0, time };
        let ends = Ends { client, server, protocol: 17 };
        let Some(heard) = self.listener.hear(0, &mut Speech::default(), &ends, &segment) else { return Ok(0) };
        let mut changed = 0;
        for it in heard.told.drain(..) {
            if let fleetward_packet::Told::Answer { asked, chain, addresses, ttl, code: 0 } = it {
                let answer = Answer {
                    asker: Mac::default(),
                    asker_ip: client.ip,
                    resolver: server.ip,
                    asked: &asked,
                    chain: &chain,
                    addresses: &addresses,
                    ttl,
                };
                changed += firewall.answer(answer, now)?;
            }
        }
        Ok(changed)
    }
}

/// Messages of DNS over TCP (RFC 7766 §8: two octets of length before each) that are whole in this segment.
pub fn whole(segment: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = segment;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (message, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        rest = after;
        Some(message)
    })
}

/// Who was given which address: a DHCPACK (RFC 2131 §2, §3.1; the fixed part is 236 octets, then the cookie, then options).
pub fn lease(message: &[u8]) -> Option<(Mac, IpAddr)> {
    let is_reply = message.first() == Some(&2) && message.get(1..3) == Some(&[1, 6]);
    if !is_reply || message.get(236..240) != Some(&COOKIE) {
        return None;
    }
    let mut options = message.get(240..)?;
    loop {
        match *options {
            [0, ref rest @ ..] => options = rest,
            [53, 1, kind, ..] => {
                let given: [u8; 4] = message.get(16..20)?.try_into().ok()?;
                let mac = Mac(message.get(28..34)?.try_into().ok()?);
                return (kind == ACK && given != [0; 4]).then(|| (mac, given.into()));
            }
            [255, ..] | [] | [_] => return None,
            [_, length, ref rest @ ..] => options = rest.get(usize::from(length)..)?,
        }
    }
}

const DNS: u16 = 53;
const DHCP_CLIENT: u16 = 68;
const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
const ACK: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(options: &[u8]) -> Vec<u8> {
        let mut message = vec![2, 1, 6, 0];
        message.extend([0; 12]);
        message.extend([10, 9, 0, 44]);
        message.extend([0; 8]);
        message.extend([2, 0, 0, 0, 0, 7]);
        message.extend([0; 202]);
        message.extend(COOKIE);
        message.extend(options);
        message
    }

    #[test]
    fn whole_messages_of_a_segment() {
        let of = |segment: &[u8]| whole(segment).map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(of(b"\0\x02ab\0\x01c"), [b"ab".to_vec(), b"c".to_vec()]);
        assert_eq!(of(b"\0\x02ab\0\x05c"), [b"ab".to_vec()], "the rest comes in another segment");
        assert!(of(b"\0").is_empty() && of(b"").is_empty() && of(b"\xff\xffx").is_empty());
    }

    #[test]
    fn an_acknowledgement_is_a_lease_and_an_offer_is_none() {
        let ack = [0, 1, 4, 255, 255, 255, 0, 53, 1, 5, 255];
        assert_eq!(lease(&message(&ack)), Some((Mac([2, 0, 0, 0, 0, 7]), IpAddr::from([10, 9, 0, 44]))));
        assert_eq!(lease(&message(&[53, 1, 2, 255])), None);
        for cut in 0..message(&ack).len() - 1 {
            lease(&message(&ack)[..cut]);
        }
    }
}
