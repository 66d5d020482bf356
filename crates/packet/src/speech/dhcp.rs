//! DHCP (RFC 2131, options of RFC 2132): who a client says it is, and what it was given.

use std::net::{IpAddr, Ipv4Addr};

use fleetward_fleet::Mac;

use crate::cursor::Cursor;
use crate::name::free_text;
use crate::{Application, Told};

/// Octets before the options, the magic cookie included.
const FIXED: usize = 240;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Addresses of one option that are taken.
const MOST: usize = 8;

/// What a message tells; `None` where it is none of DHCP.
pub(super) fn read(bytes: &[u8], told: &mut Vec<Told>) -> Option<()> {
    let (fixed, options) = bytes.split_first_chunk::<FIXED>()?;
    // Ethernet with six octets of address, and the cookie of RFC 2131 §3.
    if fixed[236..] != COOKIE || !matches!(fixed[0], 1 | 2) || fixed[1..3] != [1, 6] {
        return None;
    }
    let mac = Mac([fixed[28], fixed[29], fixed[30], fixed[31], fixed[32], fixed[33]]);
    let given = Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]);
    let (mut kind, mut routers, mut resolvers, mut clocks) = (0, Vec::new(), Vec::new(), Vec::new());
    let mut options = Cursor::new(options);
    let mut introduced = |what, value| {
        told.extend(free_text(value).map(|text| Told::Introduced { by: Application::Dhcp, what, text }));
    };
    while let Some(code) = options.u8() {
        if code == 255 {
            break;
        }
        if code == 0 {
            continue;
        }
        let Some(value) = options.vector8() else { break };
        match code {
            3 => routers = addresses(value),
            6 => resolvers = addresses(value),
            42 => clocks = addresses(value),
            53 => kind = value.first().copied().unwrap_or(0),
            12 if fixed[0] == 1 => introduced("hostname", value),
            60 if fixed[0] == 1 => introduced("vendor-class", value),
            _ => {}
        }
    }
    // DHCPACK; one that answers DHCPINFORM gives no address.
    if kind == 5 && fixed[0] == 2 && !given.is_unspecified() {
        told.push(Told::Lease { mac, ip: given.into(), routers, resolvers, clocks });
    }
    Some(())
}

fn addresses(value: &[u8]) -> Vec<IpAddr> {
    value.as_chunks::<4>().0.iter().take(MOST).map(|four| IpAddr::from(*four)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_introduces_and_an_acknowledgement_gives() {
        let message = |from: u8, options: &[u8]| {
            let mut bytes = vec![0; FIXED];
            bytes[..3].copy_from_slice(&[from, 1, 6]);
            bytes[16..20].copy_from_slice(&[192, 168, 1, 7]);
            bytes[28..34].copy_from_slice(&[2, 0, 0, 0, 0, 7]);
            bytes[236..].copy_from_slice(&COOKIE);
            bytes.extend(options);
            bytes
        };
        let mut told = Vec::new();
        let request = message(1, b"\x35\x01\x03\x00\x0c\x04lamp\x3c\x05udhcp\xff");
        read(&request, &mut told).expect("it is one");
        let says = |what, text: &str| Told::Introduced { by: Application::Dhcp, what, text: text.into() };
        assert_eq!(told, [says("hostname", "lamp"), says("vendor-class", "udhcp")]);
        told.clear();
        let given =
            message(2, &[53, 1, 5, 3, 4, 192, 168, 1, 1, 6, 8, 192, 168, 1, 1, 9, 9, 9, 9, 42, 4, 192, 168, 1, 1]);
        read(&given, &mut told).expect("it is one");
        let router = IpAddr::from([192, 168, 1, 1]);
        let resolvers = vec![router, IpAddr::from([9, 9, 9, 9])];
        let (mac, ip) = (Mac([2, 0, 0, 0, 0, 7]), IpAddr::from([192, 168, 1, 7]));
        assert_eq!(told, [Told::Lease { mac, ip, routers: vec![router], resolvers, clocks: vec![router] }]);
        for end in 0..given.len() {
            let _cut = read(&given[..end], &mut Vec::new());
        }
    }
}
