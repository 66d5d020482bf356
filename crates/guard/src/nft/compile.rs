//! Profiles and a site become elements, and what waits for DNS answers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use fleetward_fleet::{Allow, Direction, GuardMode, Mac, NetworkProfile, Peer, PortRange, Protocol, Role};
use ipnet::IpNet;

use super::element::{Element, Elements, Set, Verdict, sets};
use super::site::{Member, Site};
use super::{Mark, marks, spans};

/// What the compiler made.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Compiled {
    /// What is in the sets and maps from the start.
    pub elements: Elements,
    /// What an answer to a name puts in later.
    pub names: BTreeMap<Mark, Vec<NameRule>>,
    /// The number of each model that has a network profile.
    pub marks: BTreeMap<Box<str>, Mark>,
    /// What a person should know: what the profiles ask for and this site cannot give.
    pub notes: Vec<String>,
}

/// What an address of a name is allowed to be called for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRule {
    /// The name, or a pattern as profiles write it.
    pub pattern: Box<str>,
    /// Above IP.
    pub protocol: Protocol,
    /// Ports that are written one by one.
    pub ports: Vec<u16>,
    /// Ranges that are not, cut so that they never overlap with another rule's of the same profile.
    pub ranges: Vec<PortRange>,
    /// Who begins.
    pub begins: Direction,
}

/// Compiles. Pure: the same input gives the same output.
pub fn compile(site: &Site, profiles: &BTreeMap<Box<str>, NetworkProfile>) -> Compiled {
    let numbers = marks(profiles.keys().map(AsRef::as_ref));
    let mut build = Build { site, out: Compiled::default(), rectangles: BTreeMap::new(), ranges: BTreeMap::new() };
    for (model, profile) in profiles {
        let Some(mark) = numbers.get(&**model).copied() else { continue };
        build.out.marks.insert(model.clone(), mark);
        build.mode(mark, profile.mode);
        build.profile(model, mark, profile);
    }
    build.flush();
    for member in &site.members {
        let mark = member.model.as_deref().and_then(|model| numbers.get(model).copied());
        build.member(member, mark);
    }
    build.site();
    build.out
}

/// What is collected before it is cut so that nothing overlaps.
type Rectangles = BTreeMap<(Set, Mark, Protocol), Vec<(IpNet, PortRange)>>;
/// The same for keys with a hardware address, or none (zeros).
type Ranges = BTreeMap<(Set, Mark, Mac, Protocol), Vec<PortRange>>;

struct Build<'a> {
    site: &'a Site,
    out: Compiled,
    rectangles: Rectangles,
    ranges: Ranges,
}

impl Build<'_> {
    fn put(&mut self, set: Set, element: Element) {
        self.out.elements.entry(set).or_default().insert(element);
    }

    fn mode(&mut self, mark: Mark, mode: GuardMode) {
        let (rest, excess) = match mode {
            GuardMode::Audit => (Verdict::Audit, Verdict::Return),
            GuardMode::Enforce => (Verdict::Enforce, Verdict::Drop),
        };
        self.put(sets::MODE, Element::Mode(mark, rest));
        self.put(sets::BRIDGE_MODE, Element::Mode(mark, rest));
        self.put(sets::EXCESS, Element::Mode(mark, excess));
    }

    fn profile(&mut self, model: &str, mark: Mark, profile: &NetworkProfile) {
        // What every device does ([`crate::roles::is_housekeeping`]) is in no profile: it asks the given resolver.
        for ip in self.site.resolvers().to_vec() {
            for protocol in [Protocol::UDP, Protocol::TCP] {
                self.put(Family::of(ip, Direction::Out).exact, Element::Port(mark, ip, protocol, DNS));
            }
        }
        let cut = cut_ranges(&profile.allow);
        for allow in &profile.allow {
            if allow.protocol.has_ports() && allow.ports.is_empty() {
                self.out.notes.push(format!("model {model}: {} without ports is not allowed by it", allow.protocol));
                continue;
            }
            match &allow.peer {
                Peer::Name(pattern) => self.name(mark, pattern, allow, &cut),
                Peer::Net(net) => self.net(mark, *net, allow),
                Peer::Role(role) => self.role(model, mark, *role, allow),
                Peer::Model(other) => self.devices(mark, other, allow),
            }
        }
    }

    fn name(&mut self, mark: Mark, pattern: &str, allow: &Allow, cut: &CutRanges) {
        let (mut ports, mut ranges) = (BTreeSet::new(), BTreeSet::new());
        for range in &allow.ports {
            if range.size() <= WRITTEN_OUT {
                ports.extend(range.first..=range.last);
            } else {
                let pieces =
                    cut.get(&(allow.protocol, allow.begins == Direction::Out)).map(Vec::as_slice).unwrap_or_default();
                ranges.extend(pieces.iter().filter(|piece| range.contains(piece.first)).copied());
            }
        }
        let rule = NameRule {
            pattern: pattern.into(),
            protocol: allow.protocol,
            ports: ports.into_iter().collect(),
            ranges: ranges.into_iter().collect(),
            begins: allow.begins,
        };
        self.out.names.entry(mark).or_default().push(rule);
    }

    fn net(&mut self, mark: Mark, net: IpNet, allow: &Allow) {
        self.routed(mark, net, allow);
        let members: Vec<Mac> = self.site.members.iter().filter(|it| holds(net, &it.ips)).map(|it| it.mac).collect();
        let others = self.site.controllers.iter().filter(|it| holds(net, &it.ips)).filter_map(|it| it.mac);
        let others: Vec<Mac> = others.collect();
        for mac in members.into_iter().chain(others) {
            self.pair(mark, mac, allow);
        }
    }

    fn role(&mut self, model: &str, mark: Mark, role: Role, allow: &Allow) {
        match role {
            Role::Gateway => self.addresses(mark, self.site.gateway.clone(), allow),
            Role::Dns => self.addresses(mark, self.site.resolvers().to_vec(), allow),
            Role::Ntp if self.site.clocks.is_empty() => {
                if allow.protocol == Protocol::UDP && allow.begins == Direction::Out {
                    self.put(sets::CLOCKS, Element::Mark(mark));
                }
            }
            Role::Ntp => self.addresses(mark, self.site.clocks.clone(), allow),
            // Every device may ask for its address; who answers is the bridge's business (`udp sport 67`).
            Role::Dhcp => {}
            Role::Broadcast => self.group(mark, [sets::BROADCAST, sets::BRIDGE_BROADCAST], allow),
            Role::LinkMulticast => self.group(mark, [sets::MULTICAST, sets::BRIDGE_MULTICAST], allow),
            Role::Controller => {
                let controllers = self.site.controllers.clone();
                if controllers.is_empty() {
                    self.out.notes.push(format!("model {model} has a controller and this site names none"));
                }
                for controller in controllers {
                    self.addresses(mark, controller.ips, allow);
                    if let Some(mac) = controller.mac {
                        self.pair(mark, mac, allow);
                    }
                }
            }
            Role::SameModel => self.devices(mark, model, allow),
        }
    }

    /// Devices of a model: over the bridge by hardware address, over routed interfaces by address.
    ///
    /// Between two devices the caller's profile decides: a caller that may not call is refused whatever the called one allows.
    fn devices(&mut self, mark: Mark, model: &str, allow: &Allow) {
        if allow.begins == Direction::In {
            return;
        }
        let peers: Vec<Member> =
            self.site.members.iter().filter(|it| it.model.as_deref() == Some(model)).cloned().collect();
        for peer in peers {
            self.addresses(mark, peer.ips, allow);
            if !peer.mac.is_unknown() {
                self.pair(mark, peer.mac, allow);
            }
        }
    }

    fn addresses(&mut self, mark: Mark, ips: Vec<IpAddr>, allow: &Allow) {
        for ip in ips {
            self.routed(mark, IpNet::from(ip), allow);
        }
    }

    fn routed(&mut self, mark: Mark, net: IpNet, allow: &Allow) {
        let family = Family::of(net.addr(), allow.begins);
        if !allow.protocol.has_ports() {
            let wanted = self.rectangles.entry((family.any, mark, allow.protocol)).or_default();
            return wanted.push((net, PortRange::one(0)));
        }
        for range in &allow.ports {
            if net.prefix_len() == net.max_prefix_len() && range.size() <= WRITTEN_OUT {
                for port in range.first..=range.last {
                    self.put(family.exact, Element::Port(mark, net.addr(), allow.protocol, port));
                }
            } else {
                self.rectangles.entry((family.net, mark, allow.protocol)).or_default().push((net, *range));
            }
        }
    }

    fn pair(&mut self, mark: Mark, mac: Mac, allow: &Allow) {
        let (exact, span) = match allow.begins {
            Direction::Out => (sets::LATERAL, sets::LATERAL_SPAN),
            Direction::In => (sets::LATERAL_IN, sets::LATERAL_IN_SPAN),
        };
        if !allow.protocol.has_ports() {
            return self.put(sets::LATERAL_ANY, Element::PairAny(mark, mac, allow.protocol));
        }
        for range in &allow.ports {
            if range.size() <= WRITTEN_OUT {
                for port in range.first..=range.last {
                    self.put(exact, Element::Pair(mark, mac, allow.protocol, port));
                }
            } else {
                self.ranges.entry((span, mark, mac, allow.protocol)).or_default().push(*range);
            }
        }
    }

    fn group(&mut self, mark: Mark, into: [Set; 2], allow: &Allow) {
        if !allow.protocol.has_ports() {
            return; // IGMP, MLD and neighbour discovery always pass
        }
        for set in into {
            self.ranges.entry((set, mark, Mac::default(), allow.protocol)).or_default().extend(&allow.ports);
        }
    }

    /// Cuts what was collected.
    fn flush(&mut self) {
        for ((set, mark, protocol), wanted) in std::mem::take(&mut self.rectangles) {
            for (net, ports) in spans::disjoint(&wanted) {
                let element = if protocol.has_ports() {
                    Element::Span(mark, net, protocol, ports)
                } else {
                    Element::Any(mark, net, protocol)
                };
                self.put(set, element);
            }
        }
        for ((set, mark, mac, protocol), wanted) in std::mem::take(&mut self.ranges) {
            let flat: Vec<(IpNet, PortRange)> = wanted.into_iter().map(|ports| (NOWHERE, ports)).collect();
            for (_, ports) in spans::disjoint(&flat) {
                let element = if mac.is_unknown() {
                    Element::Group(mark, protocol, ports)
                } else {
                    Element::PairSpan(mark, mac, protocol, ports)
                };
                self.put(set, element);
            }
        }
    }

    fn member(&mut self, member: &Member, mark: Option<Mark>) {
        let is_cut = self.site.quarantined.contains(&member.mac) && !member.mac.is_unknown();
        for change in bindings(member, mark) {
            self.put(change.0, change.1);
        }
        if is_cut {
            for (set, element) in cut_off(member) {
                self.put(set, element);
            }
        }
    }

    fn site(&mut self) {
        for mac in &self.site.quarantined {
            for set in [sets::QUARANTINE, sets::BRIDGE_QUARANTINE] {
                self.put(set, Element::Mac(*mac));
            }
        }
        for ip in &self.site.quarantined_ips {
            self.put(if ip.is_ipv4() { sets::QUARANTINE4 } else { sets::QUARANTINE6 }, Element::Ip(*ip));
        }
        // The gateway's addresses are nobody else's.
        for ip in &self.site.gateway {
            for (set, element) in taken(*ip) {
                self.put(set, element);
            }
        }
        for ip in &self.site.secure_dns {
            self.put(if ip.is_ipv4() { sets::SECURE_DNS4 } else { sets::SECURE_DNS6 }, Element::Ip(*ip));
        }
    }
}

/// The elements that bind a device to its addresses and its profile.
pub(super) fn bindings(member: &Member, mark: Option<Mark>) -> Vec<(Set, Element)> {
    let mut all = Vec::new();
    let has_mac = !member.mac.is_unknown();
    if let (true, Some(mark)) = (has_mac, mark) {
        all.push((sets::PROFILE, Element::MacMark(member.mac, mark)));
        all.push((sets::BRIDGE_PROFILE, Element::MacMark(member.mac, mark)));
    }
    for ip in &member.ips {
        let v4 = ip.is_ipv4();
        if let Some(mark) = mark {
            all.push((if v4 { sets::PROFILE4 } else { sets::PROFILE6 }, Element::IpMark(*ip, mark)));
        }
        if !has_mac {
            continue;
        }
        let bind = if v4 { [sets::BIND4, sets::BRIDGE_BIND4] } else { [sets::BIND6, sets::BRIDGE_BIND6] };
        all.extend(bind.map(|set| (set, Element::Bound(member.mac, *ip))));
        if !v4 {
            all.push((sets::BRIDGE_ND, Element::Neighbour(*ip, member.mac)));
        }
        all.extend(taken(*ip));
    }
    all
}

/// The elements that say "this address is somebody's".
fn taken(ip: IpAddr) -> Vec<(Set, Element)> {
    let all = if ip.is_ipv4() { [sets::TAKEN4, sets::BRIDGE_TAKEN4] } else { [sets::TAKEN6, sets::BRIDGE_TAKEN6] };
    let mut all = Vec::from(all.map(|set| (set, Element::Ip(ip))));
    if ip.is_ipv6() {
        all.push((sets::BRIDGE_ND_TAKEN, Element::Neighbour(ip, Mac::default())));
    }
    all
}

/// The elements that cut a device off.
pub(super) fn cut_off(member: &Member) -> Vec<(Set, Element)> {
    let mut all = Vec::new();
    if !member.mac.is_unknown() {
        all.extend([sets::QUARANTINE, sets::BRIDGE_QUARANTINE].map(|set| (set, Element::Mac(member.mac))));
    }
    all.extend(member.ips.iter().map(|ip| {
        let set = if ip.is_ipv4() { sets::QUARANTINE4 } else { sets::QUARANTINE6 };
        (set, Element::Ip(*ip))
    }));
    all
}

/// Long ranges of names' rules by protocol and whether the device begins, cut so that no two pieces overlap.
type CutRanges = BTreeMap<(Protocol, bool), Vec<PortRange>>;

fn cut_ranges(allow: &[Allow]) -> CutRanges {
    let mut long: CutRanges = BTreeMap::new();
    for it in allow.iter().filter(|it| matches!(it.peer, Peer::Name(_))) {
        let ranges = it.ports.iter().filter(|range| range.size() > WRITTEN_OUT);
        long.entry((it.protocol, it.begins == Direction::Out)).or_default().extend(ranges);
    }
    for ranges in long.values_mut() {
        *ranges = spans::ports(ranges);
    }
    long
}

fn holds(net: IpNet, ips: &[IpAddr]) -> bool {
    ips.iter().any(|ip| net.contains(ip))
}

/// The sets of one family and direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub(super) exact: Set,
    pub(super) net: Set,
    pub(super) span: Set,
    pub(super) any: Set,
}

impl Family {
    pub(super) fn of(ip: IpAddr, begins: Direction) -> Self {
        let [exact, net, span, any] = match (ip, begins) {
            (IpAddr::V4(_), Direction::Out) => [sets::OUT4, sets::OUT_NET4, sets::OUT_SPAN4, sets::OUT_ANY4],
            (IpAddr::V6(_), Direction::Out) => [sets::OUT6, sets::OUT_NET6, sets::OUT_SPAN6, sets::OUT_ANY6],
            (IpAddr::V4(_), Direction::In) => [sets::IN4, sets::IN_NET4, sets::IN_SPAN4, sets::IN_ANY4],
            (IpAddr::V6(_), Direction::In) => [sets::IN6, sets::IN_NET6, sets::IN_SPAN6, sets::IN_ANY6],
        };
        Self { exact, net, span, any }
    }
}

const DNS: u16 = 53;
/// Ranges up to this many ports become one element a port, in the hash set; longer ones go to the interval set, which is slower.
const WRITTEN_OUT: u32 = 16;
/// Stands for "no network" where only ports are cut.
const NOWHERE: IpNet = IpNet::V4(ipnet::Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 32));
