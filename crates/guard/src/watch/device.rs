//! What is remembered of one device, and what its conversations say without any profile.

use std::hash::BuildHasher;
use std::net::IpAddr;

use fleetward_fleet::{Direction, NetworkSign, SignKind};
use fleetward_packet::{Application, Endpoint, Flow, Time};

use super::beacon::Places;
use super::brute::Attempts;
use super::burst::Burst;
use super::episode::{Episodes, Turn};
use super::likeness::Likeness;
use super::rate::Uses;
use super::scan::{By, Counters};
use super::{Noticed, Subject};
use crate::survey::is_public;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Unanswered conversations that a device begins within a second; a busy browser begins some dozens.
const FLOOD_OUT: u64 = 128;
/// Conversations that are begun with a device within a second and prove nothing (no name, no application).
const FLOOD_IN: u64 = 200;
/// Packets a second of one conversation that nobody answers; a video in high definition has about 1,000.
const FLOOD_STREAM: f64 = 2_000.0;
/// Peers without a name on one port within a minute.
const SCAN_FAST: u64 = 32;
/// Peers on one port that did not answer, within a day.
const SCAN_SLOW: u64 = 32;
/// Peers on whatever port that did not answer, within an hour.
const SCAN_ANY: u64 = 64;
/// Ports of one peer that did not answer, within an hour.
const SCAN_PORTS: u64 = 24;
/// Addresses asked for on the link within a minute.
const SCAN_LINK: u64 = 64;
/// Octets of a file that is worth fetching; a status page is smaller.
const FILE: u64 = 16 << 10;
/// Octets of one call that is still a sign of life.
const SMALL: u64 = 16 << 10;

/// State of one device: some kilobytes at most.
#[derive(Debug, Default)]
pub(super) struct Device {
    pub(super) episodes: Episodes,
    opens: [Burst; 3],
    opened_at: [Burst; 3],
    fast: Counters,
    slow: Counters,
    places: Places,
    attempts: Attempts,
    pub(super) uses: Uses,
    pub(super) likeness: Likeness,
    /// It was seen first.
    first: Option<Time>,
    /// Some name led it somewhere, so that names can be seen here.
    pub(super) has_names: bool,
    /// It asks a resolver.
    asks: bool,
    /// The Internet answered it last.
    alive: Option<Time>,
}

/// A conversation from the side of one device.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) subject: Subject,
    pub(super) begins: Direction,
    pub(super) peer: &'a Endpoint,
    pub(super) flow: &'a Flow,
    /// A profile says what it may do.
    pub(super) has_profile: bool,
    /// That profile lists this.
    pub(super) fits: bool,
}

impl<'a> Side<'a> {
    pub(super) fn is_out(&self) -> bool {
        self.begins == Direction::Out
    }

    /// Packets from the device, packets to it.
    pub(super) fn packets(&self) -> (u64, u64) {
        let [client, server] = self.flow.packets;
        if self.is_out() { (client, server) } else { (server, client) }
    }

    pub(super) fn bytes(&self) -> (u64, u64) {
        let [client, server] = self.flow.bytes;
        if self.is_out() { (client, server) } else { (server, client) }
    }

    pub(super) fn port(&self) -> u16 {
        self.flow.server.port
    }

    /// A name that is more than an address in words.
    pub(super) fn name(&self) -> Option<&'a str> {
        let text = &*self.flow.name.as_ref()?.text;
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>().is_err().then_some(text)
    }

    /// The other side took it.
    pub(super) fn is_answered(&self) -> bool {
        if self.flow.protocol == 6 && self.flow.begun {
            self.flow.tcp.is_accepted()
        } else {
            self.flow.packets[0] > 0 && self.flow.packets[1] > 0
        }
    }

    fn is_infrastructure(&self) -> bool {
        matches!((self.flow.protocol, self.port()), (17, 53 | 67 | 68 | 123 | 546 | 547) | (6, 53) | (1 | 2 | 58, _))
    }

    pub(super) fn place(&self) -> String {
        let ip = self.peer.ip;
        let port = match self.flow.protocol {
            6 => format!(", TCP port {}", self.port()),
            17 => format!(", UDP port {}", self.port()),
            1 | 58 => String::from(", ICMP"),
            other => format!(", IP protocol {other}"),
        };
        match self.name() {
            Some(name) => format!("{name} ({ip}){port}"),
            None => format!("{ip}{port}"),
        }
    }
}

/// What to say.
pub(super) struct Words {
    pub(super) kind: SignKind,
    /// Which episode of the kind.
    pub(super) key: u64,
    /// Silence after which it is a new one, in nanoseconds.
    pub(super) silence: i64,
    pub(super) count: u64,
    pub(super) expected: Box<str>,
    pub(super) observed: Box<str>,
}

impl Device {
    pub(super) fn tell(&mut self, side: &Side<'_>, time: Time, words: Words, out: &mut Vec<Noticed>) {
        let turn = self.episodes.happens(words.kind, words.key, time, words.silence);
        if turn == Turn::Hold {
            return;
        }
        let rest = if turn == Turn::TellLast { "; more of this kind within the hour are only counted" } else { "" };
        let many = matches!(words.kind, SignKind::Scan | SignKind::FloodIn | SignKind::FloodOut);
        out.push(Noticed {
            subject: side.subject,
            time,
            sign: NetworkSign {
                sign: words.kind,
                address: (!many || words.kind == SignKind::FloodOut).then_some(side.peer.ip),
                name: side.name().map(Into::into),
                port: Some(side.port()).filter(|_| matches!(side.flow.protocol, 6 | 17)),
                protocol: Some(side.flow.protocol),
                direction: side.begins,
                count: words.count,
                expected: words.expected,
                observed: format!("{}{rest}", words.observed).into(),
            },
        });
    }

    pub(super) fn opened(&mut self, side: &Side<'_>, time: Time, hash: &impl BuildHasher, out: &mut Vec<Noticed>) {
        self.first.get_or_insert(time);
        self.has_names |= side.name().is_some();
        self.asks |= side.is_out() && side.port() == 53;
        self.flood(side, time, out);
        if side.is_out() && side.packets().0 > 0 {
            if !side.is_infrastructure() && side.name().is_none() && is_one(side.peer) {
                self.scan_fast(side, time, hash, out);
            }
            self.beacon(side, time, out);
        }
    }

    /// Names have been seen here for so long that one from before is unlikely.
    pub(super) fn knows_names_for(&self, time: Time) -> bool {
        self.has_names && self.first.is_some_and(|first| time.0.saturating_sub(first.0) >= HOUR)
    }

    fn flood(&mut self, side: &Side<'_>, time: Time, out: &mut Vec<Noticed>) {
        let (sent, got) = side.packets();
        let kind = match side.flow.protocol {
            6 => 0,
            17 => 1,
            _ => 2,
        };
        let what = ["TCP connections", "UDP conversations", "packets of other protocols"][kind];
        // What comes to a device that it never asked for: calls, and answers to calls that somebody made in its name.
        if got > 0 && sent == 0 {
            let count = self.opened_at[kind].add(time, 1);
            if count >= FLOOD_IN {
                let asked = if side.is_out() { "answers that it never asked for (reflection)" } else { what };
                let expected = format!("fewer than {FLOOD_IN} new conversations a second with this device");
                let observed =
                    format!("a flood at the device: {count} {asked} within a second, the last from {}", side.place());
                self.say(side, time, SignKind::FloodIn, kind as u64, MINUTE, count, expected, observed, out);
            }
        } else if side.is_out() && sent > 0 && got == 0 && is_one(side.peer) {
            let count = self.opens[kind].add(time, 1);
            if count >= FLOOD_OUT {
                let expected = format!("fewer than {FLOOD_OUT} new conversations a second from this device");
                let observed =
                    format!("the device floods: {count} {what} begun within a second, the last to {}", side.place());
                self.say(side, time, SignKind::FloodOut, kind as u64, MINUTE, count, expected, observed, out);
            }
        }
    }

    /// A conversation grew by so many packets within so many seconds.
    pub(super) fn grew(&mut self, side: &Side<'_>, time: Time, packets: u64, seconds: f64, out: &mut Vec<Noticed>) {
        let (sent, got) = side.packets();
        if side.is_answered() {
            self.answered(side, time);
        }
        self.knocks(side, time, out);
        // A volley within a tenth of a second is no flood yet, however dense.
        #[expect(clippy::cast_precision_loss, reason = "a rate")]
        let rate = packets as f64 / seconds.max(0.1);
        let is_one_sided =
            sent.max(got) / 16 > sent.min(got) && !(side.flow.protocol == 6 && side.flow.tcp.is_accepted());
        if packets >= 64 && is_one_sided && rate >= FLOOD_STREAM && is_one(side.peer) {
            let is_source = sent > got;
            let kind = if is_source { SignKind::FloodOut } else { SignKind::FloodIn };
            #[expect(clippy::cast_sign_loss, reason = "a rate is positive")]
            let count = rate as u64;
            let observed = if is_source {
                format!("the device floods {}: {count} packets a second, and no answer", side.place())
            } else {
                format!("{} floods the device: {count} packets a second that it does not answer", side.place())
            };
            let expected = format!("at most {FLOOD_STREAM} packets a second that nobody answers");
            self.say(side, time, kind, 3, MINUTE, count, expected, observed, out);
        }
        self.file(side, time, out);
    }

    /// A name or an application was told: it is a real conversation.
    pub(super) fn named(&mut self, side: &Side<'_>, _time: Time) {
        self.has_names |= side.is_out() && side.name().is_some();
        if !side.is_out() {
            self.opened_at[usize::from(side.flow.protocol == 17)].forgive();
        }
    }

    pub(super) fn closed(&mut self, side: &Side<'_>, time: Time, hash: &impl BuildHasher, out: &mut Vec<Noticed>) {
        let answered = side.is_answered();
        if side.is_out() && side.packets().0 > 0 {
            if answered {
                self.answered(side, time);
            } else if is_one(side.peer) && !side.is_infrastructure() && side.flow.begun {
                self.scan_slow(side, time, hash, out);
            }
            let (up, down) = side.bytes();
            self.places.ended(place(side), answered, up + down);
            self.file(side, time, out);
        }
        self.brute(side, time, out);
    }

    fn answered(&mut self, side: &Side<'_>, time: Time) {
        if is_public(side.peer.ip) {
            self.alive = self.alive.max(Some(time));
        }
    }

    fn scan_fast(&mut self, side: &Side<'_>, time: Time, hash: &impl BuildHasher, out: &mut Vec<Noticed>) {
        let (protocol, port) = (side.flow.protocol, side.port());
        let peers = self.fast.add(By::Port(protocol, port), hash.hash_one(side.peer.ip), time, MINUTE);
        if peers >= SCAN_FAST {
            let expected = format!("fewer than {SCAN_FAST} unnamed peers on one port within a minute");
            let observed =
                format!("scans for port {port}: {peers} different peers within a minute, the last {}", side.peer.ip);
            self.say(side, time, SignKind::Scan, u64::from(port), HOUR, peers, expected, observed, out);
        }
        let ports = self.fast.add(By::Peer(side.peer.ip), hash.hash_one((protocol, port)), time, MINUTE);
        if ports >= 64 {
            let expected = "fewer than 64 ports of one peer within a minute".to_owned();
            let observed = format!("scans {}: {ports} different ports within a minute", side.peer.ip);
            self.say(side, time, SignKind::Scan, hash.hash_one(side.peer.ip), HOUR, ports, expected, observed, out);
        }
    }

    fn scan_slow(&mut self, side: &Side<'_>, time: Time, hash: &impl BuildHasher, out: &mut Vec<Noticed>) {
        let (protocol, port) = (side.flow.protocol, side.port());
        let peer = hash.hash_one(side.peer.ip);
        let on_port = self.slow.add(By::Port(protocol, port), peer, time, DAY);
        let on_any = self.slow.add(By::All, peer, time, HOUR);
        let ports = self.slow.add(By::Peer(side.peer.ip), hash.hash_one((protocol, port)), time, HOUR);
        if on_port >= SCAN_SLOW {
            let expected = format!("fewer than {SCAN_SLOW} peers on one port that do not answer, in a day");
            let observed =
                format!("scans for port {port}: {on_port} different peers did not answer, the last {}", side.peer.ip);
            self.say(side, time, SignKind::Scan, u64::from(port), HOUR, on_port, expected, observed, out);
        } else if on_any >= SCAN_ANY {
            let expected = format!("fewer than {SCAN_ANY} peers that do not answer, in an hour");
            let observed = format!("scans: {on_any} different peers did not answer, the last {}", side.place());
            self.say(side, time, SignKind::Scan, u64::MAX, HOUR, on_any, expected, observed, out);
        }
        if ports >= SCAN_PORTS {
            let expected = format!("fewer than {SCAN_PORTS} ports of one peer that do not answer, in an hour");
            let observed = format!("scans {}: {ports} different ports did not answer", side.peer.ip);
            self.say(side, time, SignKind::Scan, peer, HOUR, ports, expected, observed, out);
        }
    }

    /// It asks who holds an address.
    pub(super) fn asks_for(&mut self, side: &Side<'_>, time: Time, hash: &impl BuildHasher, out: &mut Vec<Noticed>) {
        let asked = self.fast.add(By::Link, hash.hash_one(side.peer.ip), time, MINUTE);
        if asked >= SCAN_LINK {
            let expected = format!("fewer than {SCAN_LINK} addresses asked for on the link within a minute");
            let observed =
                format!("looks for hosts on the link: asked for {asked} different addresses within a minute");
            self.say(side, time, SignKind::Scan, u64::MAX - 1, HOUR, asked, expected, observed, out);
        }
    }

    /// The Internet answered it within the last hour.
    fn lives(&self, time: Time) -> bool {
        self.alive.is_some_and(|at| time.0.saturating_sub(at.0) < HOUR)
    }

    /// It asks again and again at an address that no name led to, and nobody is there, although the Internet is: not by a
    /// device that has just started, nor one whose resolver we do not hear, nor where somebody was before.
    fn knocks(&mut self, side: &Side<'_>, time: Time, out: &mut Vec<Noticed>) {
        let (sent, got) = side.packets();
        let is_knocking = side.flow.protocol == 6 && side.flow.begun && sent >= 4 && got == 0;
        if !is_knocking || !side.is_out() || side.has_profile || side.name().is_some() || !is_public(side.peer.ip) {
            return;
        }
        let is_settled = self.first.is_some_and(|first| time.0.saturating_sub(first.0) >= HOUR);
        let hears_no_resolver = self.asks && !self.has_names;
        if !is_settled || hears_no_resolver || !self.lives(time) || self.places.was_answered(place(side)) {
            return;
        }
        let observed = format!("calls {}, and nobody answers; no name had led there", side.place());
        let key = fold(side.peer.ip) ^ u64::from(side.port()) << 40;
        let expected = "places are found by their names, and are there".to_owned();
        self.say(side, time, SignKind::HardCodedAddress, key, 30 * DAY, sent, expected, observed, out);
    }

    fn beacon(&mut self, side: &Side<'_>, time: Time, out: &mut Vec<Noticed>) {
        // With a profile, the place itself has been told already, or cannot be told from those of the profile.
        if !is_public(side.peer.ip) || side.is_infrastructure() || side.has_profile {
            return;
        }
        let named = side.name().is_some();
        let called = self.places.called(place(side), time);
        let Some(rhythm) = called.rhythm() else { return };
        let calls = called.calls;
        let is_small = called.bytes / u64::from(called.calls) <= SMALL;
        let never_answers = !called.answered && called.unanswered >= 4;
        // Without a profile nobody can say that a place is wrong, unless no name ever led there although names are seen here, or nobody
        // lives there although the Internet answers otherwise.
        let lives = self.lives(time);
        let suspect = !named && (self.has_names || never_answers && lives);
        if is_small && suspect {
            let every = f64::from(rhythm) / 1000.0;
            let expected = "no rhythmic calls to an address without a name";
            let fate = if never_answers { ", never answered" } else { "" };
            let observed =
                format!("calls {} again and again, about every {every:.0} s ({calls} times{fate})", side.place());
            let key = u64::from(side.port()) << 32 ^ fold(side.peer.ip);
            self.say(side, time, SignKind::Beacon, key, 6 * HOUR, u64::from(calls), expected.to_owned(), observed, out);
        }
    }

    /// A file over HTTP from a bare address, by a device that nobody knows better.
    fn file(&mut self, side: &Side<'_>, time: Time, out: &mut Vec<Noticed>) {
        let is_http = side.flow.protocol == 6
            && (side.flow.application == Some(Application::Http)
                || side.flow.application.is_none() && matches!(side.port(), 80 | 8080));
        // It asks a resolver whose answers are not seen: then a missing name says nothing.
        let is_blind = self.asks && !self.has_names;
        let down = side.bytes().1;
        if side.has_profile || !side.is_out() || !is_http || is_blind || down < FILE {
            return;
        }
        if side.name().is_none() && is_public(side.peer.ip) {
            let observed = format!("fetched {} kB from {} that no name had led to", down >> 10, side.place());
            let expected = "files are fetched from places with a name".to_owned();
            self.say(side, time, SignKind::HardCodedAddress, fold(side.peer.ip), DAY, down, expected, observed, out);
        }
    }

    fn brute(&mut self, side: &Side<'_>, time: Time, out: &mut Vec<Noticed>) {
        let flow = side.flow;
        let service = match (flow.application, flow.server.port) {
            (Some(Application::Ssh), _) | (None, 22) => "SSH",
            (Some(Application::Telnet), _) | (None, 23 | 2323) => "telnet",
            (Some(Application::Ftp), _) | (None, 21) => "FTP",
            _ => return,
        };
        let is_short = flow.last.seconds_since(flow.first) < 60.0 && flow.bytes[0] + flow.bytes[1] < 64 << 10;
        if flow.protocol == 6 && flow.begun && flow.tcp.is_accepted() && is_short {
            self.attempt(side, time, service, "short connections", out);
        }
    }

    /// A log-in was refused, in a protocol that shows it.
    pub(super) fn refused(&mut self, side: &Side<'_>, time: Time, by: Application, out: &mut Vec<Noticed>) {
        self.attempt(side, time, by.name(), "refused log-ins", out);
    }

    fn attempt(&mut self, side: &Side<'_>, time: Time, service: &str, what: &str, out: &mut Vec<Noticed>) {
        let peer = self.attempts.add((side.is_out(), Some(side.peer.ip)), time);
        let all = self.attempts.add((side.is_out(), None), time);
        if peer < super::brute::MANY && all < super::brute::MANY_OF_ALL {
            return;
        }
        let count = peer.max(all);
        let expected = format!("fewer than {} short sessions or refused log-ins within minutes", super::brute::MANY);
        let observed = if side.is_out() {
            format!("tries log-ins at {}: {count} {what} of {service}", side.place())
        } else {
            format!("log-ins are tried at the device: {count} {what} of {service}, the last from {}", side.peer.ip)
        };
        let key = if peer >= super::brute::MANY { fold(side.peer.ip) } else { u64::from(side.is_out()) };
        self.say(side, time, SignKind::BruteForce, key, HOUR, count, expected, observed, out);
    }

    #[expect(clippy::too_many_arguments, reason = "one sign, said in place")]
    pub(super) fn say(
        &mut self,
        side: &Side<'_>,
        time: Time,
        kind: SignKind,
        key: u64,
        silence: i64,
        count: u64,
        expected: String,
        observed: String,
        out: &mut Vec<Noticed>,
    ) {
        let words = Words { kind, key, silence, count, expected: expected.into(), observed: observed.into() };
        self.tell(side, time, words, out);
    }
}

/// One host, not a group.
pub(super) fn is_one(end: &Endpoint) -> bool {
    let is_broadcast = matches!(end.ip, IpAddr::V4(ip) if ip.is_broadcast());
    !end.ip.is_multicast() && !is_broadcast && !end.mac.is_group()
}

fn place(side: &Side<'_>) -> (IpAddr, u16, u8) {
    (side.peer.ip, side.port(), side.flow.protocol)
}

/// A key of an address: equal for equal ones, the same in every run.
pub(super) fn fold(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => u64::from(u32::from(ip)),
        IpAddr::V6(ip) => (u128::from(ip) >> 64) as u64 ^ u128::from(ip) as u64,
    }
}
