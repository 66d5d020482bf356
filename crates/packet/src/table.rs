//! The table of conversations: packets in, [`Event`](crate::Event)s out.
//!
//! # Invariants
//!
//! * **Bounded.** At most [`Limits::flows`] conversations; where there is no room, the one that would be over soonest gives way: what is
//!   closed, then what nobody answered, the longest idle first. What gave way is counted, and nothing else grows with it.
//! * **Time is the packets'.** A flow ends by its own packets, or because later packets (or [`Table::advance`]) show that it fell idle.
//! * **The hash is keyed.** Who chooses ports cannot choose slots.

mod entry;
mod fragments;
mod services;
mod slab;
mod wheel;

use std::hash::{BuildHasher, Hasher};

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use hashbrown::HashTable;

use crate::frame::{self, Link, Neighbours, Packet, Reject, Seen};
use crate::speech::{Counted, Ends, Listener, Segment};
use crate::{Endpoint, Event, NameLimits, Neighbour, Sink, Time};

use entry::{Entry, Key};
use fragments::Fragments;
use services::Services;
use slab::Slab;
use wheel::Wheel;

const ICMPV6: u8 = 58;
const SECOND: i64 = 1_000_000_000;
/// From how many packets on doublings are told.
const FIRST_GROWTH: u64 = 64;
/// So many packets, and none came back: a call that nobody takes is told before it is given up.
const KNOCKS: u64 = 4;
/// The wheel may hold so many slots for each conversation before those that are gone are swept out of it; a living one has two at most.
const SLOTS_EACH: usize = 4;

/// How much is kept, and how long silence lasts before a conversation is over, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Conversations at once.
    pub flows: usize,
    /// TCP that both sides have spoken in.
    pub tcp: u32,
    /// TCP that was not answered yet, and everything that is neither TCP nor UDP.
    pub opening: u32,
    /// TCP after both sides closed, or a reset: late packets still belong to it.
    pub closed: u32,
    /// UDP that was answered.
    pub udp: u32,
    /// Something active is told of at least this often.
    pub report_every: u32,
    /// Of the book of names.
    pub names: NameLimits,
}

impl Default for Limits {
    /// For a gateway with some thousand devices: a million conversations in about 150 MB when full.
    fn default() -> Self {
        Self {
            flows: 1 << 20,
            tcp: 3600,
            opening: 60,
            closed: 10,
            udp: 180,
            report_every: 60,
            names: NameLimits::default(),
        }
    }
}

/// What was counted since the beginning.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Frames.
    pub frames: u64,
    /// Octets of IP packets.
    pub bytes: u64,
    /// Conversations that were opened.
    pub flows: u64,
    /// Conversations that had to give way.
    pub evicted: u64,
    /// Frames that hold neither IP nor ARP, or whose link is unknown.
    pub other: u64,
    /// Frames that ended within their headers.
    pub truncated: u64,
    /// Frames whose headers contradict themselves, or are too many.
    pub malformed: u64,
    /// Later parts of packets whose first part was not seen.
    pub lost_fragments: u64,
    /// Parts of packets that overlap others (an attack, or a broken network); they are not read.
    pub overlapping_fragments: u64,
}

/// Conversations in progress. See the module.
#[derive(Debug)]
pub struct Table {
    limits: Limits,
    hash: SeedableRandomState,
    index: HashTable<u32>,
    slab: Slab,
    wheel: Wheel,
    fragments: Fragments,
    services: Services,
    listener: Listener,
    counts: Counts,
    started: bool,
}

impl Table {
    /// An empty one. `seed`: secret and random where packets come from strangers.
    pub fn new(limits: Limits, seed: u64) -> Self {
        // The global part of the seed makes one table for all programs otherwise.
        static SHARED: std::sync::OnceLock<SharedSeed> = std::sync::OnceLock::new();
        let shared = SHARED.get_or_init(|| SharedSeed::from_u64(seed.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15));
        Self {
            limits,
            hash: SeedableRandomState::with_seed(seed, shared),
            index: HashTable::new(),
            slab: Slab::default(),
            wheel: Wheel::default(),
            fragments: Fragments::default(),
            services: Services::new(seed),
            listener: Listener::new(limits.names),
            counts: Counts::default(),
            started: false,
        }
    }

    /// Takes one frame of a link type (LINKTYPE_ of tcpdump.org); `wire`: how long it was before it was cut.
    #[inline]
    pub fn push(&mut self, link: u16, time: Time, frame: &[u8], _wire: u32, sink: &mut impl Sink) {
        self.counts.frames += 1;
        if self.wheel.is_due(time) || !self.started {
            self.started = true;
            self.advance(time, sink);
        }
        match frame::read(link, frame) {
            Ok(Seen::Packet(packet)) => self.packet(packet, time, sink),
            Ok(Seen::Neighbours(link, neighbours)) => tell(link, neighbours, time, sink),
            Err(reject) => self.count(reject),
        }
    }

    /// Time passed without packets: conversations that fell idle end.
    pub fn advance(&mut self, time: Time, sink: &mut impl Sink) {
        let Self { wheel, slab, index, limits, hash, .. } = self;
        wheel.turn(time, |at, generation| {
            let entry = slab.get(at).filter(|entry| entry.generation == generation)?;
            let until = end(limits, entry);
            if until > time.0 {
                return Some(until);
            }
            close(index, slab, hash, at, sink);
            None
        });
    }

    /// The end: every conversation is told as closed, in order of its beginning.
    pub fn finish(&mut self, sink: &mut impl Sink) {
        let mut rest: Vec<(i64, u32)> = self.slab.live().map(|(at, entry)| (entry.first, at)).collect();
        rest.sort_unstable();
        for (_, at) in rest {
            close(&mut self.index, &mut self.slab, &self.hash, at, sink);
        }
    }

    /// Conversations now.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// None now.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        Counts { overlapping_fragments: self.fragments.overlapping, ..self.counts }
    }

    /// What the listener counted.
    pub fn names(&self) -> Counted {
        self.listener.counted()
    }

    /// Octets that the table itself holds, names aside.
    pub fn memory(&self) -> usize {
        self.slab.memory() + self.wheel.memory() + self.index.capacity() * (size_of::<u32>() + 1)
    }

    fn count(&mut self, reject: Reject) {
        match reject {
            Reject::Truncated => self.counts.truncated += 1,
            Reject::Malformed | Reject::TooDeep => self.counts.malformed += 1,
            Reject::Link(_) | Reject::NotIp => self.counts.other += 1,
        }
    }

    fn packet(&mut self, mut packet: Packet<'_>, time: Time, sink: &mut impl Sink) {
        self.counts.bytes += u64::from(packet.length);
        if packet.protocol == ICMPV6 {
            tell(packet.link, packet.neighbours(), time, sink);
        }
        if packet.fragment.is_some() && !self.fragments.join(&mut packet, time) {
            self.counts.lost_fragments += 1;
        }
        let (key, from_low) = Key::of(&packet);
        let hash = self.hash_of(&key);
        let found = self.index.find(hash, |at| self.slab.key(*at) == &key).copied();
        let at = match found {
            Some(at) if !self.slab[at].is_over_with(&packet, time) => at,
            Some(at) => {
                close(&mut self.index, &mut self.slab, &self.hash, at, sink);
                self.open(&packet, key, from_low, hash, time, sink)
            }
            None => self.open(&packet, key, from_low, hash, time, sink),
        };
        let entry = &mut self.slab[at];
        let from_client = entry.client_is_low() == from_low;
        let was_closed = entry.is_closed();
        let packets = entry.add(&packet, from_client, time);
        if !was_closed && entry.is_closed() {
            // Its end is nearer than what the wheel knows.
            let until = end(&self.limits, entry);
            self.wheel.put(until, at, entry.generation);
        }
        let is_doubled = packets >= FIRST_GROWTH && packets.is_power_of_two();
        let is_knocking = packets == KNOCKS && entry.is_knocking();
        if !packet.payload.is_empty() && entry.speech.wants(from_client) {
            self.hear(at, &packet, from_client, time, sink);
        }
        let entry = &mut self.slab[at];
        if is_doubled || is_knocking || entry.is_due(time, self.limits.report_every) {
            entry.mark_told(time);
            entry.lend(at, |flow| sink.event(Event::Grew(flow)));
        }
    }

    fn open(
        &mut self,
        packet: &Packet<'_>,
        key: Key,
        from_low: bool,
        hash: u64,
        time: Time,
        sink: &mut impl Sink,
    ) -> u32 {
        if self.index.len() >= self.limits.flows.max(1) {
            self.evict(sink);
        }
        let (from_client, begun) = self.beginning(packet, time);
        let mut entry = Entry::open(packet, key, from_low, from_client, begun, time);
        let ends = entry.ends();
        if !frame::is_group(ends.server.ip) {
            entry.name = self.listener.followed(&ends.client, ends.server.ip, time).map(Box::new);
        }
        let until = end(&self.limits, &entry);
        let at = self.slab.put(entry);
        self.wheel.put(until, at, self.slab[at].generation);
        self.tidy();
        let Self { index, slab, hash: state, .. } = self;
        index.insert_unique(hash, at, |at| hash_key(state, slab.key(*at)));
        self.counts.flows += 1;
        let entry = &mut self.slab[at];
        // The packet itself is counted after it opened the flow; its listeners see the first packet in the amounts.
        let from_client = entry.client_is_low() == from_low;
        entry.lend_opened(at, packet, from_client, |flow| sink.event(Event::Opened(flow)));
        at
    }

    /// Who began: by the packet, by who was called before, or else by who had asked for the other's name.
    fn beginning(&mut self, packet: &Packet<'_>, time: Time) -> (bool, bool) {
        let (from_client, begun) = self.services.beginning(packet);
        if begun || packet.protocol != 6 || packet.flags & 0x12 != 0x10 && packet.flags & 0x12 != 0 {
            return (from_client, begun);
        }
        let end = |ip, port, mac| Endpoint { ip: frame::address(ip), port, mac };
        let source = end(packet.source, packet.source_port, packet.link.source);
        let target = end(packet.target, packet.target_port, packet.link.target);
        let asked = |asker: &Endpoint, other: &Endpoint| self.listener.name(asker, other.ip, time).is_some();
        match (asked(&source, &target), asked(&target, &source)) {
            (true, false) => (true, false),
            (false, true) => (false, false),
            _ => (from_client, false),
        }
    }

    fn hear(&mut self, at: u32, packet: &Packet<'_>, from_client: bool, time: Time, sink: &mut impl Sink) {
        let entry = &mut self.slab[at];
        let Endpoints { client, server } = entry.ends();
        let ends = Ends { client, server, protocol: packet.protocol };
        let segment = Segment { payload: packet.payload, from_client, sequence: packet.sequence, time };
        let id = entry.id(at);
        let Some(heard) = self.listener.hear(id, &mut entry.speech, &ends, &segment) else { return };
        let mut is_new = heard.application.is_some() && heard.application != entry.application;
        entry.application = heard.application.or(entry.application);
        if let Some(name) = heard.name.take() {
            let is_stronger = entry.name.as_ref().is_none_or(|known| known.source <= name.source && **known != name);
            if is_stronger {
                entry.name = Some(Box::new(name));
                is_new = true;
            }
        }
        entry.lend(at, |flow| {
            if is_new {
                sink.event(Event::Named(flow));
            }
            heard.told.drain(..).for_each(|told| sink.event(Event::Told(flow, &told)));
        });
    }

    /// The one that would be over soonest gives way.
    fn evict(&mut self, sink: &mut impl Sink) {
        let Self { wheel, slab, limits, .. } = self;
        let at = wheel.soonest(|at, generation| {
            let entry = slab.get(at).filter(|entry| entry.generation == generation)?;
            Some(end(limits, entry))
        });
        if let Some(at) = at {
            self.counts.evicted += 1;
            close(&mut self.index, &mut self.slab, &self.hash, at, sink);
        }
    }

    /// A flood of conversations that give way leaves nothing behind.
    fn tidy(&mut self) {
        if self.wheel.len() > SLOTS_EACH * self.index.len() + 4096 {
            let Self { wheel, slab, .. } = self;
            wheel.sweep(|at, generation| slab.get(at).is_some_and(|entry| entry.generation == generation));
        }
    }

    #[inline]
    fn hash_of(&self, key: &Key) -> u64 {
        hash_key(&self.hash, key)
    }
}

/// Both ends of a conversation.
pub(crate) struct Endpoints {
    pub(crate) client: Endpoint,
    pub(crate) server: Endpoint,
}

#[inline]
fn hash_key(state: &SeedableRandomState, key: &Key) -> u64 {
    let mut hasher = state.build_hasher();
    key.words().into_iter().for_each(|word| hasher.write_u64(word));
    hasher.finish()
}

/// Seconds of silence after which it is over.
fn idle(limits: &Limits, entry: &Entry) -> u32 {
    match (entry.protocol(), entry.is_closed(), entry.is_answered()) {
        (6, true, _) => limits.closed,
        (6, false, true) => limits.tcp,
        (17, _, true) => limits.udp,
        _ => limits.opening,
    }
}

/// When it is over, if nothing more comes.
fn end(limits: &Limits, entry: &Entry) -> i64 {
    entry.last.saturating_add(i64::from(idle(limits, entry)) * SECOND)
}

fn close(index: &mut HashTable<u32>, slab: &mut Slab, state: &SeedableRandomState, at: u32, sink: &mut impl Sink) {
    let hash = hash_key(state, slab.key(at));
    if let Ok(slot) = index.find_entry(hash, |found| *found == at) {
        slot.remove();
    }
    slab[at].lend(at, |flow| sink.event(Event::Closed(flow)));
    slab.remove(at);
}

fn tell(link: Link, neighbours: Neighbours, time: Time, sink: &mut impl Sink) {
    for claim in neighbours.into_iter().flatten() {
        sink.event(Event::Neighbour(&Neighbour {
            time,
            sender: link.source,
            does: claim.does,
            mac: claim.mac,
            ip: frame::address(claim.ip),
            vlan: link.vlan,
        }));
    }
}
