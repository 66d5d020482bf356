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

mod dhcp;
mod dns;
mod gather;
mod http;
mod lines;
mod local;
mod marks;
mod quic;
mod tls;

use std::net::IpAddr;

use crate::name::{Asked, Book, NameLimits};
use crate::{Application, Endpoint, Name, NameSource, Time, Told};

use gather::Gathers;
use lines::Dialogue;

/// What is remembered of one flow's payload; eight octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speech {
    kind: Kind,
    /// Payloads that are still wanted, from the client and from the server; [`ALWAYS`] does not count down.
    left: [u8; 2],
    /// What the kind makes of it.
    note: u8,
    place: u16,
}

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

/// What a flow was recognised as, or what is being tried.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Kind {
    #[default]
    Fresh,
    /// A ClientHello's beginning lies at `place`.
    Hello,
    Dns,
    Http,
    /// With a password in clear whose result is awaited.
    HttpLogin,
    Rtsp,
    Mqtt,
    Dialogue(Dialogue),
    Dhcp,
    Mdns,
    Ssdp,
    /// A ClientHello's pieces lie at `place`.
    Quic,
    /// Nothing more is wanted.
    Done,
}

/// A count of payloads that never goes down.
const ALWAYS: u8 = u8::MAX;
/// Payloads of each side that are looked at before a flow stays unknown.
const PATIENCE: u8 = 5;
/// Requests of one HTTP connection that are looked at.
const REQUESTS: u8 = 64;
/// Payloads of each side of a dialogue with a log-in that are looked at; Telnet sends letter by letter.
const DIALOGUE: u8 = 200;
/// Datagrams of each side in which devices introduce themselves.
const INTRODUCTIONS: u8 = 32;
/// Least time for which an answer counts, in seconds: clients round TTLs up.
const LEAST_TTL: u32 = 60;

const TCP: u8 = 6;
const UDP: u8 = 17;

impl Default for Speech {
    fn default() -> Self {
        Self { kind: Kind::Fresh, left: [PATIENCE; 2], note: 0, place: 0 }
    }
}

impl Speech {
    /// A payload of this side could still tell something.
    #[inline]
    pub fn wants(self, from_client: bool) -> bool {
        self.left[usize::from(!from_client)] != 0
    }

    fn spend(&mut self, from_client: bool) {
        let left = &mut self.left[usize::from(!from_client)];
        if *left != ALWAYS {
            *left = left.saturating_sub(1);
        }
    }

    fn become_(&mut self, kind: Kind, left: [u8; 2]) {
        (self.kind, self.left) = (kind, left);
    }

    fn end(&mut self) {
        self.become_(Kind::Done, [0; 2]);
    }
}

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

    fn stream(&mut self, flow: u64, speech: &mut Speech, ends: &Ends, segment: &Segment<'_>) {
        match speech.kind {
            Kind::Fresh if segment.from_client => self.first_request(flow, speech, ends, segment),
            Kind::Hello if segment.from_client => {
                match self.gathers.add(speech.place, flow, segment.sequence, segment.payload) {
                    Some(joined) => match tls::stream(joined) {
                        tls::Stream::More => {}
                        found => {
                            Self::client_hello(&mut self.heard, &found, NameSource::Tls);
                            self.gathers.end(speech.place, flow);
                            speech.end();
                        }
                    },
                    None => speech.end(),
                }
                if !speech.wants(true) {
                    self.gathers.end(speech.place, flow);
                }
            }
            Kind::Fresh => self.greeting(speech, segment.payload),
            Kind::Http | Kind::HttpLogin | Kind::Rtsp if segment.from_client => self.request(speech, segment.payload),
            Kind::HttpLogin | Kind::Rtsp => self.response(speech, segment.payload),
            Kind::Mqtt => {
                let ok = marks::mqtt_answer(segment.payload).filter(|_| !segment.from_client);
                self.heard.told.extend(ok.map(|ok| Told::Login { by: Application::Mqtt, ok }));
                speech.end();
            }
            Kind::Dialogue(dialogue) => {
                let said = dialogue.hear(&mut speech.note, segment.payload, segment.from_client);
                self.heard.told.extend(said.told);
                if let Some(known) = said.becomes {
                    self.heard.application = known.application();
                    speech.kind = Kind::Dialogue(known);
                }
                if said.is_over {
                    speech.end();
                }
            }
            Kind::Dns => {
                if let Some((_, message)) = segment.payload.split_first_chunk::<2>() {
                    self.dns(ends, segment, message);
                }
            }
            _ => {}
        }
    }

    /// What a server says before it was asked anything.
    fn greeting(&mut self, speech: &mut Speech, bytes: &[u8]) {
        if let Some(dialogue) = Dialogue::of_greeting(bytes) {
            self.heard.application = dialogue.application();
            speech.become_(Kind::Dialogue(dialogue), [DIALOGUE; 2]);
        } else if bytes.starts_with(b"SSH-") {
            self.heard.application = Some(Application::Ssh);
            speech.end();
        } else if lines::is_irc_notice(bytes) {
            self.heard.application = Some(Application::Irc);
            speech.end();
        }
    }

    fn first_request(&mut self, flow: u64, speech: &mut Speech, ends: &Ends, segment: &Segment<'_>) {
        match tls::stream(segment.payload) {
            tls::Stream::No => {}
            tls::Stream::More => {
                self.heard.application = Some(Application::Tls);
                speech.place = self.gathers.begin(flow, segment.sequence);
                speech.become_(Kind::Hello, [PATIENCE, 0]);
                self.gathers.add(speech.place, flow, segment.sequence, segment.payload);
                return;
            }
            found => {
                self.heard.application = Some(Application::Tls);
                Self::client_hello(&mut self.heard, &found, NameSource::Tls);
                return speech.end();
            }
        }
        let bytes = segment.payload;
        let form = match () {
            () if bytes.starts_with(b"SSH-") => Some(Application::Ssh),
            () if marks::is_sip(bytes) => Some(Application::Sip),
            () if lines::is_irc(bytes) => Some(Application::Irc),
            () if ends.server.port == 502 && marks::is_modbus(bytes) => Some(Application::Modbus),
            () => None,
        };
        if form.is_some() {
            self.heard.application = form;
            speech.end();
        } else if marks::is_rtsp(bytes) {
            speech.become_(Kind::Rtsp, [REQUESTS, 0]);
            self.request(speech, bytes);
        } else if let Some(has_password) = marks::mqtt_connect(bytes) {
            self.heard.application = Some(Application::Mqtt);
            if has_password {
                let how = "CONNECT with password";
                self.heard.told.push(Told::CredentialsInClear { by: Application::Mqtt, how });
                speech.become_(Kind::Mqtt, [0, 1]);
            } else {
                speech.end();
            }
        } else if bytes.starts_with(&[0xff]) && matches!(bytes, [_, 0xfb..=0xfe, _, ..]) {
            self.heard.application = Some(Application::Telnet);
            speech.become_(Kind::Dialogue(Dialogue::Telnet), [DIALOGUE; 2]);
        } else if http::is_request(bytes) {
            speech.become_(Kind::Http, [REQUESTS, 0]);
            self.request(speech, bytes);
        } else if ends.server.port == 53 && segment.payload.len() > 14 {
            speech.become_(Kind::Dns, [ALWAYS; 2]);
            self.dns(ends, segment, &segment.payload[2..]);
        }
    }

    fn datagram(&mut self, flow: u64, speech: &mut Speech, ends: &Ends, segment: &Segment<'_>) {
        let bytes = segment.payload;
        let (from, to) = (ends.client.port, ends.server.port);
        let has = |port| from == port || to == port;
        match speech.kind {
            Kind::Done => {}
            Kind::Dns => drop(self.dns(ends, segment, bytes)),
            Kind::Mdns => self.mdns(speech, bytes),
            Kind::Ssdp => drop(local::ssdp(bytes, &mut self.heard.told)),
            Kind::Dhcp => drop(dhcp::read(bytes, &mut self.heard.told)),
            _ if to == 53 && self.dns(ends, segment, bytes) => speech.become_(Kind::Dns, [ALWAYS; 2]),
            _ if has(5353) && dns::Message::read(bytes).is_some() => {
                self.heard.application = Some(Application::Mdns);
                speech.become_(Kind::Mdns, [INTRODUCTIONS; 2]);
                self.mdns(speech, bytes);
            }
            _ if has(5355) && dns::Message::read(bytes).is_some() => {
                self.heard.application = Some(Application::Llmnr);
                speech.end();
            }
            _ if (has(67) || has(68)) && dhcp::read(bytes, &mut self.heard.told).is_some() => {
                self.heard.application = Some(Application::Dhcp);
                speech.become_(Kind::Dhcp, [INTRODUCTIONS; 2]);
            }
            _ if local::ssdp(bytes, &mut self.heard.told).is_some() => {
                self.heard.application = Some(Application::Ssdp);
                speech.become_(Kind::Ssdp, [INTRODUCTIONS; 2]);
            }
            Kind::Quic => self.quic(flow, speech, bytes),
            _ if segment.from_client && quic::is_quic(bytes) => {
                self.heard.application = Some(Application::Quic);
                speech.place = self.gathers.begin(flow, 0);
                speech.become_(Kind::Quic, [PATIENCE, 0]);
                self.quic(flow, speech, bytes);
            }
            _ if dtls_hello(bytes).is_some() => {
                self.heard.application = Some(Application::Dtls);
                let hello = dtls_hello(bytes).and_then(|body| tls::hello(body, true));
                if let Some(hello) = hello {
                    self.heard.name = hello.name.map(|text| Name { text, source: NameSource::Tls });
                    self.heard.told.push(Told::ClientHello(hello.shape));
                }
                // After a cookie comes a second one (RFC 9147 §5.1), which says the same.
                speech.end();
            }
            _ => {
                let snmp = marks::snmp_version(bytes);
                self.heard.application = marks::datagram(bytes, to).or(snmp.map(|_| Application::Snmp));
                if snmp.is_some_and(|version| version < 3) {
                    let (by, how) = (Application::Snmp, "community");
                    self.heard.told.push(Told::CredentialsInClear { by, how });
                }
                if self.heard.application.is_some() {
                    speech.end();
                }
            }
        }
    }

    /// A client's datagram of QUIC, whose Initials hold a ClientHello or a piece of one.
    fn quic(&mut self, flow: u64, speech: &mut Speech, bytes: &[u8]) {
        let gathers = &mut self.gathers;
        let mut hello = None;
        quic::initials(bytes, |offset, octets| {
            let joined = gathers.add(speech.place, flow, offset, octets);
            hello = joined.and_then(tls::message).and_then(|body| tls::hello(body, false)).or(hello.take());
        });
        if let Some(hello) = hello {
            self.heard.name = hello.name.map(|text| Name { text, source: NameSource::Quic });
            self.heard.told.push(Told::ClientHello(hello.shape));
            speech.left = [0; 2];
        }
        if !speech.wants(true) {
            self.gathers.end(speech.place, flow);
            speech.end();
        }
    }

    fn mdns(&mut self, speech: &mut Speech, bytes: &[u8]) {
        let Some(message) = dns::Message::read(bytes) else { return };
        local::mdns(&message, &mut self.heard.told);
        let room = usize::from(local::MOST.saturating_sub(speech.place));
        self.heard.told.truncate(room);
        speech.place += self.heard.told.len() as u16;
        if room == 0 {
            speech.end();
        }
    }

    /// A message of DNS; `false` where it is none.
    fn dns(&mut self, ends: &Ends, segment: &Segment<'_>, bytes: &[u8]) -> bool {
        let Some(message) = dns::Message::read(bytes) else { return false };
        self.heard.application = Some(Application::Dns);
        if !message.is_standard() || !message.has_one_question() || message.is_response() == segment.from_client {
            return true;
        }
        let key = (ends.client.ip, ends.client.port, ends.server.ip, message.id);
        if !message.is_response() {
            let asked = &mut self.answer.asked;
            if message.question(asked).is_some() {
                self.asked.note(key);
                self.heard.told.push(Told::Question { asked: asked.as_str().into(), kind: message.kind });
            }
        } else if !self.asked.has(key) {
            self.unasked += 1;
        } else if message.answer(&mut self.answer).is_some() {
            let answer = &self.answer;
            if !answer.addresses.is_empty() {
                let seconds = i64::from(answer.ttl.clamp(LEAST_TTL, i32::MAX as u32)) + i64::from(self.limits.grace);
                let until = Time(segment.time.0.saturating_add(seconds * 1_000_000_000));
                self.book.write(&ends.client, &answer.asked, &answer.chain, &answer.addresses, until);
            }
            self.heard.told.push(Told::Answer {
                asked: answer.asked.as_str().into(),
                chain: answer.chain.clone(),
                addresses: answer.addresses.clone(),
                ttl: answer.ttl,
                code: message.code(),
            });
        }
        true
    }

    fn client_hello(heard: &mut Heard, stream: &tls::Stream<'_>, source: NameSource) {
        let body = match stream {
            tls::Stream::Whole(body) => body,
            tls::Stream::Joined(body) => &body[..],
            _ => return,
        };
        if let Some(hello) = tls::hello(body, false) {
            heard.name = hello.name.map(|text| Name { text, source });
            heard.told.push(Told::ClientHello(hello.shape));
        }
    }

    /// A request of HTTP, or of RTSP, whose head is written alike.
    fn request(&mut self, speech: &mut Speech, bytes: &[u8]) {
        let by = if speech.kind == Kind::Rtsp { Application::Rtsp } else { Application::Http };
        let Some(request) = http::request(bytes) else { return };
        let heard = &mut self.heard;
        heard.application = Some(by);
        heard.name = request.host.and_then(http::name_of_host).map(|text| Name { text, source: NameSource::HttpHost });
        let agent = request.agent.and_then(crate::name::free_text);
        heard.told.extend(agent.map(|text| Told::Introduced { by, what: "user-agent", text }));
        let how = match () {
            () if request.has_basic => "basic authorization",
            () if request.is_form && http::has_password(request.body) => "form",
            () => return,
        };
        // One is enough to know; each result counts.
        if speech.note == 0 {
            heard.told.push(Told::CredentialsInClear { by, how });
            speech.note = 1;
        }
        if request.has_basic {
            if by == Application::Http {
                speech.kind = Kind::HttpLogin;
            }
            speech.left[1] = 1;
        }
    }

    /// What a server said to a password.
    fn response(&mut self, speech: &mut Speech, bytes: &[u8]) {
        let by = if speech.kind == Kind::Rtsp { Application::Rtsp } else { Application::Http };
        let ok = match http::status(bytes) {
            Some(401 | 403) => false,
            Some(200..=399) => true,
            _ => return,
        };
        self.heard.told.push(Told::Login { by, ok });
    }
}

/// The body of a `ClientHello` at the front of a datagram of DTLS (RFC 9147 §5.2, and before): one record, one fragment.
fn dtls_hello(bytes: &[u8]) -> Option<&[u8]> {
    let record = match bytes {
        [22, 0xfe, 0xfd | 0xff, _, _, _, _, _, _, _, _, high, low, rest @ ..] => {
            rest.get(..usize::from(u16::from_be_bytes([*high, *low])))?
        }
        _ => return None,
    };
    match record {
        // Handshake type, length, sequence, offset and length of the fragment.
        [1, _, _, _, _, _, 0, 0, 0, _, _, _, body @ ..] => Some(body),
        _ => None,
    }
}
