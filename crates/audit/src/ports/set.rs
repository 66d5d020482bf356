//! Which ports are asked: ranges of TCP, and the UDP ports that a speaker knows.

use std::fmt;
use std::str::FromStr;

use crate::fact::Transport;
use crate::speak::UDP_PORTS;

/// Asked first, because they answer most often: what a host says of them tells how fast the rest may be asked.
const FIRST: [u16; 24] = [
    80, 22, 23, 443, 21, 53, 8080, 554, 1883, 8883, 8443, 502, 25, 139, 445, 5000, 7547, 8000, 81, 161, 5555, 2323,
    111, 3389,
];

/// TCP and UDP ports, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortSet {
    tcp: Vec<(u16, u16)>,
    udp: Vec<u16>,
}

impl Default for PortSet {
    fn default() -> Self {
        Self { tcp: vec![(1, u16::MAX)], udp: UDP_PORTS.to_vec() }
    }
}

impl PortSet {
    /// Exactly these.
    pub fn new(tcp: impl IntoIterator<Item = u16>, udp: impl IntoIterator<Item = u16>) -> Self {
        let mut udp: Vec<u16> = udp.into_iter().filter(|port| *port > 0).collect();
        udp.sort_unstable();
        udp.dedup();
        Self { tcp: merged(tcp.into_iter().map(|port| (port, port)).collect()), udp }
    }

    /// TCP ports in the order of asking: the usual ones, then the rest as they come.
    pub fn tcp(&self) -> impl Iterator<Item = u16> + '_ {
        let usual = FIRST.into_iter().filter(|port| self.has_tcp(*port));
        usual.chain(self.tcp.iter().flat_map(|(from, to)| *from..=*to).filter(|port| !FIRST.contains(port)))
    }

    /// Those of them that answer most often, TCP alone: whether somebody is there at all.
    #[must_use]
    pub fn usual(&self) -> Self {
        Self::new(FIRST.into_iter().filter(|port| self.has_tcp(*port)), [])
    }

    /// The same TCP ports with these of UDP.
    #[must_use]
    pub fn with_udp(self, udp: &[u16]) -> Self {
        Self { udp: udp.to_vec(), ..self }
    }

    /// Both.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.tcp.extend(&other.tcp);
        Self { tcp: merged(self.tcp), udp: Self::new([], self.udp.into_iter().chain(other.udp.iter().copied())).udp }
    }

    /// As ranges, TCP first: transport, first, last.
    pub fn spans(&self) -> impl Iterator<Item = (Transport, u16, u16)> + '_ {
        let tcp = self.tcp.iter().map(|(first, last)| (Transport::Tcp, *first, *last));
        tcp.chain(self.udp.iter().map(|port| (Transport::Udp, *port, *port)))
    }

    /// UDP ports.
    pub fn udp(&self) -> &[u16] {
        &self.udp
    }

    /// How many ports.
    pub fn len(&self) -> usize {
        let tcp: usize = self.tcp.iter().map(|(from, to)| usize::from(to - from) + 1).sum();
        tcp + self.udp.len()
    }

    /// Whether none is asked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn has_tcp(&self, port: u16) -> bool {
        self.tcp.iter().any(|(from, to)| (*from..=*to).contains(&port))
    }
}

fn merged(mut ranges: Vec<(u16, u16)>) -> Vec<(u16, u16)> {
    ranges.retain(|(_, to)| *to > 0);
    ranges.sort_unstable();
    let mut out: Vec<(u16, u16)> = Vec::new();
    for (from, to) in ranges {
        match out.last_mut() {
            Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
            _ => out.push((from.max(1), to)),
        }
    }
    out
}

/// Why a text names no ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no ports; write for example `22,80,8000-8100`, `usual` or `all`")]
pub struct InvalidPorts(String);

impl FromStr for PortSet {
    type Err = InvalidPorts;

    /// `all`, `usual` (both with the UDP ports that are spoken to), or ports and ranges with commas between them, those of
    /// UDP with `udp:` before.
    fn from_str(text: &str) -> Result<Self, InvalidPorts> {
        match text {
            "all" => return Ok(Self::default()),
            "usual" => return Ok(Self::new(FIRST.into_iter().chain(1..=1024), UDP_PORTS.iter().copied())),
            _ => {}
        }
        let (mut tcp, mut udp) = (Vec::new(), Vec::new());
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let wrong = || InvalidPorts(part.to_owned());
            let (is_udp, ports) = part.strip_prefix("udp:").map_or((false, part), |rest| (true, rest));
            let ports = ports.strip_prefix("tcp:").unwrap_or(ports);
            let (from, to) = ports.split_once('-').unwrap_or((ports, ports));
            let (from, to): (u16, u16) = (from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?);
            if from == 0 || from > to {
                return Err(wrong());
            }
            if is_udp { udp.extend(from..=to) } else { tcp.push((from, to)) }
        }
        let set = Self { tcp: merged(tcp), ..Self::new([], udp) };
        if set.is_empty() { Err(InvalidPorts(text.to_owned())) } else { Ok(set) }
    }
}

impl fmt::Display for PortSet {
    /// As [`FromStr`] reads it; nothing where it is empty.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |(from, to): &(u16, u16)| if from == to { from.to_string() } else { format!("{from}-{to}") };
        let tcp = self.tcp.iter().map(one);
        let udp = self.udp.iter().map(|port| format!("udp:{port}"));
        f.write_str(&tcp.chain(udp).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_set_are_one() {
        let set: PortSet = "80,22-24,23-30,udp:161".parse().unwrap();
        assert_eq!(set.to_string(), "22-30,80,udp:161");
        assert_eq!(set.len(), 11);
        assert_eq!(set.tcp().take(4).collect::<Vec<_>>(), [80, 22, 23, 25]);
        assert_eq!(PortSet::default().tcp().count(), 65_535);
        let both = set.clone().and(&"31-40,udp:53".parse().unwrap());
        assert_eq!(both.to_string(), "22-40,80,udp:53,udp:161");
        assert_eq!(both.spans().next(), Some((Transport::Tcp, 22, 40)));
        assert_eq!(both.spans().last(), Some((Transport::Udp, 161, 161)));
        for wrong in ["", "0", "90-80", "x", "65536", "udp:"] {
            assert!(wrong.parse::<PortSet>().is_err(), "{wrong}");
        }
    }
}
