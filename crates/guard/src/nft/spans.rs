//! Networks times ports, cut so that nothing overlaps: the kernel refuses overlapping elements in an interval set.

use fleetward_fleet::PortRange;
use ipnet::IpNet;

/// The same area as `wanted`, in pieces that do not overlap.
///
/// Networks are nested or apart, so only ports have to be cut: within each piece of ports the largest networks stay, and pieces of one
/// network that touch are one again.
pub(super) fn disjoint(wanted: &[(IpNet, PortRange)]) -> Vec<(IpNet, PortRange)> {
    let mut cuts: Vec<u32> =
        wanted.iter().flat_map(|(_, ports)| [u32::from(ports.first), u32::from(ports.last) + 1]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let mut pieces: Vec<(IpNet, PortRange)> = Vec::new();
    for pair in cuts.windows(2) {
        let ports = PortRange { first: pair[0] as u16, last: (pair[1] - 1) as u16 };
        let mut here: Vec<IpNet> =
            wanted.iter().filter(|(_, it)| it.contains(ports.first)).map(|(net, _)| net.trunc()).collect();
        here.sort_unstable_by_key(|net| (net.addr(), net.prefix_len()));
        here.dedup();
        let mut last: Option<IpNet> = None;
        for net in here {
            if last.is_some_and(|wide| wide.contains(&net)) {
                continue;
            }
            last = Some(net);
            pieces.push((net, ports));
        }
    }
    pieces.sort_unstable_by_key(|(net, ports)| (net.addr(), net.prefix_len(), ports.first));
    let mut joined: Vec<(IpNet, PortRange)> = Vec::with_capacity(pieces.len());
    for (net, ports) in pieces {
        match joined.last_mut() {
            Some((same, before)) if *same == net && u32::from(before.last) + 1 == u32::from(ports.first) => {
                before.last = ports.last;
            }
            _ => joined.push((net, ports)),
        }
    }
    joined
}

/// Ports cut so that nothing overlaps and every range of `wanted` is a union of pieces.
pub(super) fn ports(wanted: &[PortRange]) -> Vec<PortRange> {
    let mut cuts: Vec<u32> = wanted.iter().flat_map(|it| [u32::from(it.first), u32::from(it.last) + 1]).collect();
    cuts.sort_unstable();
    cuts.dedup();
    let pieces = cuts.windows(2).map(|pair| PortRange { first: pair[0] as u16, last: (pair[1] - 1) as u16 });
    pieces.filter(|piece| wanted.iter().any(|it| it.contains(piece.first))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().expect("it is a network")
    }

    fn range(first: u16, last: u16) -> PortRange {
        PortRange { first, last }
    }

    #[test]
    fn a_network_in_another_vanishes_where_their_ports_meet() {
        let wanted = [
            (net("10.0.0.0/8"), range(80, 90)),
            (net("10.1.0.0/16"), range(85, 100)),
            (net("192.0.2.1/32"), range(1, 65535)),
        ];
        let expected = [
            (net("10.0.0.0/8"), range(80, 90)),
            (net("10.1.0.0/16"), range(91, 100)),
            (net("192.0.2.1/32"), range(1, 65535)),
        ];
        assert_eq!(disjoint(&wanted), expected);
        assert_eq!(ports(&[range(1, 5), range(4, 9)]), [range(1, 3), range(4, 5), range(6, 9)]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_overlaps_and_nothing_is_lost(
            raw in proptest::collection::vec((0_u32..64, 26_u8..=32, 0_u16..20, 0_u16..8), 0..12),
            address in 0_u32..64, port in 0_u16..30,
        ) {
            let wanted: Vec<(IpNet, PortRange)> = raw.into_iter().map(|(at, length, first, more)| {
                let ip = std::net::Ipv4Addr::from(0xc000_0200 | at);
                (IpNet::new(ip.into(), length).expect("it is short").trunc(), range(first, first + more))
            }).collect();
            let pieces = disjoint(&wanted);
            let ip: std::net::IpAddr = std::net::Ipv4Addr::from(0xc000_0200 | address).into();
            let inside = |list: &[(IpNet, PortRange)]| {
                list.iter().filter(|(net, ports)| net.contains(&ip) && ports.contains(port)).count()
            };
            proptest::prop_assert_eq!(inside(&pieces), usize::from(inside(&wanted) > 0));
        }
    }
}
