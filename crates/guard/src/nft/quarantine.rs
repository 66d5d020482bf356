//! Cutting a device off and letting it back: a few elements, and the proof.

use super::compile::cut_off;
use super::element::{Change, Element, sets};
use super::kernel::Kernel;
use super::netlink;
use super::site::Member;

/// Cuts it off, connections that live included: the sets are asked before conntrack is.
pub fn cut(member: &Member) -> Vec<Change> {
    cut_off(member).into_iter().map(|(set, element)| Change::Put { set, element, life: None }).collect()
}

/// Lets it back.
pub fn release(member: &Member) -> Vec<Change> {
    cut_off(member).into_iter().map(|(set, element)| Change::Take { set, element }).collect()
}

/// Messages for [`netlink::Socket::tell`] that end its connections, so that none goes on where it stood after a release.
pub fn forget(member: &Member) -> Vec<Vec<u8>> {
    let both = [false, true];
    member.ips.iter().flat_map(|ip| both.map(|towards| netlink::delete_from(*ip, towards))).collect()
}

/// Packets of it that were dropped since it was cut off, read back from the kernel; `None`: it is not cut off.
pub fn dropped(kernel: &Kernel, member: &Member) -> Option<u64> {
    let counted = [sets::QUARANTINE, sets::BRIDGE_QUARANTINE, sets::QUARANTINE4, sets::QUARANTINE6];
    let own: Vec<_> = cut_off(member);
    let mut sum = None;
    for set in counted {
        let Some(listed) = kernel.counted(set) else { continue };
        for (text, packets) in listed {
            if own.iter().any(|(at, element)| *at == set && is_it(element, &text)) {
                sum = Some(sum.unwrap_or(0) + packets);
            }
        }
    }
    sum
}

fn is_it(element: &Element, text: &str) -> bool {
    match element {
        Element::Mac(mac) => text.parse().is_ok_and(|it: fleetward_fleet::Mac| it == *mac),
        Element::Ip(ip) => text.parse().is_ok_and(|it: std::net::IpAddr| it == *ip),
        _ => false,
    }
}
