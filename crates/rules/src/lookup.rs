//! Named lists in the shape in which they are asked: names with wildcards, networks. A list of a million entries costs one
//! look-up by halves.

use std::net::IpAddr;

use ipnet::IpNet;

/// Names, and endings of names (`*.vendor.example`).
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct NameSet {
    exact: Vec<Box<str>>,
    /// Without `*.`.
    endings: Vec<Box<str>>,
}

impl NameSet {
    pub(crate) fn of<'a>(entries: impl IntoIterator<Item = &'a str>) -> Self {
        let mut set = Self::default();
        for entry in entries {
            match entry.strip_prefix("*.") {
                Some(ending) => set.endings.push(ending.into()),
                None => set.exact.push(entry.into()),
            }
        }
        set.exact.sort_unstable();
        set.exact.dedup();
        set.endings.sort_unstable();
        set.endings.dedup();
        set
    }

    /// It is in the list, or is below a name of which the list has all below.
    pub(crate) fn has(&self, name: &str) -> bool {
        let found = |list: &[Box<str>], name: &str| list.binary_search_by(|held| (**held).cmp(name)).is_ok();
        let below = || name.match_indices('.').any(|(at, _)| found(&self.endings, &name[at + 1..]));
        found(&self.exact, name) || !self.endings.is_empty() && below()
    }
}

/// Networks as ranges of addresses, sorted, none touching another. IPv4 lies where IPv6 maps it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct NetworkSet(Vec<(u128, u128)>);

impl NetworkSet {
    pub(crate) fn of(networks: impl IntoIterator<Item = IpNet>) -> Self {
        let mut ranges: Vec<(u128, u128)> =
            networks.into_iter().map(|net| (number(net.network()), number(net.broadcast()))).collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (from, to) in ranges {
            match merged.last_mut() {
                Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        Self(merged)
    }

    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let number = number(address);
        let after = self.0.partition_point(|(from, _)| *from <= number);
        after > 0 && number <= self.0[after - 1].1
    }
}

fn number(address: IpAddr) -> u128 {
    let six = match address {
        IpAddr::V4(four) => four.to_ipv6_mapped(),
        IpAddr::V6(six) => six,
    };
    u128::from(six)
}

/// A network, or an address as the network of itself.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_all_below_a_name() {
        let set = NameSet::of(["vendor.example", "*.cdn.example", "b.example"]);
        for (name, known) in [
            ("vendor.example", true),
            ("a.vendor.example", false),
            ("a.cdn.example", true),
            ("a.b.cdn.example", true),
            ("cdn.example", false),
            ("evilcdn.example", false),
            ("", false),
        ] {
            assert_eq!(set.has(name), known, "{name}");
        }
    }

    #[test]
    fn networks_of_both_kinds_merge() {
        let nets = ["10.0.0.0/9", "10.128.0.0/9", "203.0.113.7", "2001:db8::/32"];
        let set = NetworkSet::of(nets.iter().map(|net| network(net).expect("a network")));
        assert_eq!(set.0.len(), 3, "two halves are one: {set:?}");
        for (address, known) in [
            ("10.200.1.1", true),
            ("11.0.0.0", false),
            ("203.0.113.7", true),
            ("203.0.113.8", false),
            ("2001:db8:1::1", true),
            ("2001:db9::", false),
            ("::ffff:10.1.1.1", true),
        ] {
            assert_eq!(set.has(address.parse().expect("an address")), known, "{address}");
        }
        assert!(!NetworkSet::default().has(IpAddr::from([0, 0, 0, 0])));
    }
}
