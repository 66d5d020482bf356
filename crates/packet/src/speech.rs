//! What payloads tell: names, what is spoken, who introduces itself, passwords in clear.
//!
//! One [`Listener`] beside one table of flows. The table keeps eight octets of [`Speech`] a flow and asks [`Speech::wants`] before it
//! hands over a payload, so that most packets never come here.
//!
//! # Invariants
//!
//! * **Bounded.** The book, the marks of questions and the streams in assembly have limits; a flow that ends needs no farewell.
//! * **Nothing secret is kept.** A password is noticed by its place, never copied.
//! * **An answer that nobody asked for names nothing.**

mod datagram;
mod dhcp;
mod dns;
mod gather;
mod http;
mod lines;
mod local;
mod marks;
mod memory;
mod quic;
mod stream;
mod tls;

use std::net::IpAddr;

use crate::name::{Asked, Book, NameLimits};
use crate::{Application, Endpoint, Name, NameSource, Time, Told};

use gather::Gathers;

pub use memory::Speech;

/// Ends of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Who began.
    pub client: Endpoint,
    /// Who was called.
    pub server: Endpoint,
    /// IANA protocol number; only TCP (6) and UDP (17) speak.
    pub protocol: u8,
}

/// A payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Its octets, as far as they were captured; not empty.
    pub payload: &'a [u8],
    /// Who sent it.
    pub from_client: bool,
    /// TCP's sequence number; 0 for UDP.
    pub sequence: u32,
    /// When.
    pub time: Time,
}

/// What one payload told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// What is spoken, now certain.
    pub application: Option<Application>,
    /// A name, to be taken where it is as strong as the one known, or stronger.
    pub name: Option<Name>,
    /// The rest, in its order.
    pub told: Vec<Told>,
}

impl Heard {
    fn clear(&mut self) {
        (self.application, self.name) = (None, None);
        self.told.clear();
    }

    fn is_empty(&self) -> bool {
        self.application.is_none() && self.name.is_none() && self.told.is_empty()
    }
}

/// What was counted, for metrics and for honesty.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Addresses in the book now.
    pub names: u64,
    /// Addresses that gave way to others.
    pub names_displaced: u64,
    /// DNS answers that nobody had asked for, or whose question was not seen; they name nothing.
    pub answers_unasked: u64,
    /// Streams that were put out of assembly.
    pub gathers_displaced: u64,
}

/// Listens to payloads; sans-I/O.
#[derive(Debug)]
pub struct Listener {
    limits: NameLimits,
    book: Book,
    asked: Asked,
    unasked: u64,
    gathers: Gathers,
    answer: dns::Answer,
    heard: Heard,
}

const TCP: u8 = 6;
const UDP: u8 = 17;

impl Listener {
    /// Within these limits.
    pub fn new(limits: NameLimits) -> Self {
        Self {
            limits,
            book: Book::new(limits),
            asked: Asked::new(),
            unasked: 0,
            gathers: Gathers::new(limits.gathers),
            answer: dns::Answer::default(),
            heard: Heard::default(),
        }
    }

    /// The name that led this client to the address, as far as its own DNS answers tell.
    pub fn name(&self, client: &Endpoint, server: IpAddr, now: Time) -> Option<Name> {
        let lookup = self.book.find(client, server, now)?;
        Some(Name { text: lookup.asked.clone(), source: NameSource::Dns })
    }

    /// [`Listener::name`] of a conversation that begins: the name is followed again, so it counts for as long again. Small devices
    /// ask once and call the answer for days.
    pub fn followed(&mut self, client: &Endpoint, server: IpAddr, now: Time) -> Option<Name> {
        self.book.keep(client, server, now);
        self.name(client, server, now)
    }

    /// Every name that led this client to the address: what it asked for, then the chain of aliases.
    pub fn names(&self, client: &Endpoint, server: IpAddr, now: Time) -> impl Iterator<Item = &str> {
        let lookup = self.book.find(client, server, now);
        lookup.into_iter().flat_map(|it| std::iter::once(&*it.asked).chain(it.chain.iter().map(|name| &**name)))
    }

    /// What was counted so far.
    pub fn counted(&self) -> Counted {
        Counted {
            names: self.book.len() as u64,
            names_displaced: self.book.displaced,
            answers_unasked: self.unasked,
            gathers_displaced: self.gathers.displaced,
        }
    }

    /// Hears one payload of a flow; what it told, if anything. `flow` tells flows apart.
    pub fn hear(&mut self, flow: u64, speech: &mut Speech, ends: &Ends, segment: &Segment<'_>) -> Option<&mut Heard> {
        self.heard.clear();
        speech.spend(segment.from_client);
        match ends.protocol {
            TCP => self.stream(flow, speech, ends, segment),
            UDP => self.datagram(flow, speech, ends, segment),
            _ => speech.end(),
        }
        if self.heard.is_empty() { None } else { Some(&mut self.heard) }
    }
}
