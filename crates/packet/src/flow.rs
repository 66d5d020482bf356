//! What a conversation is, once assembled: the types that everything above speaks.

use std::net::IpAddr;

use fleetward_fleet::{Mac, Timestamp, TlsShape};

/// Nanoseconds since 1970-01-01T00:00:00Z, by the capture's clock.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// To the millisecond, rounded down.
    pub fn timestamp(self) -> Timestamp {
        Timestamp(self.0.div_euclid(1_000_000))
    }

    /// Seconds from `earlier` to this; negative where it is before.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        let nanoseconds = self.0.saturating_sub(earlier.0);
        #[expect(clippy::cast_precision_loss, reason = "a nanosecond after 104 days")]
        let seconds = nanoseconds as f64 / 1e9;
        seconds
    }
}

/// One end of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Its address; IPv4 is never written as mapped IPv6.
    pub ip: IpAddr,
    /// Its port; 0 for protocols without ports (ICMP: client 0, server `type << 8 | code` of the first packet).
    pub port: u16,
    /// The hardware address beside it, which is the router's for an address from afar; unknown (zeros) where the link has none.
    pub mac: Mac,
}

/// One bidirectional conversation of packets: same addresses, ports, protocol and VLAN, not idle for longer than the table allows.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Unique while it lives in its table; the same in every event of one flow.
    pub id: u64,
    /// Who began it: by the SYN where one was seen, else by who spoke first, except that a well-known port of the first speaker says
    /// that the beginning was missed (`begun` is then `false`).
    pub client: Endpoint,
    /// Who was called.
    pub server: Endpoint,
    /// IANA protocol number.
    pub protocol: u8,
    /// The outermost VLAN, 0 without.
    pub vlan: u16,
    /// Its beginning was seen, so that `client` is certain.
    pub begun: bool,
    /// The first packet.
    pub first: Time,
    /// The last packet so far.
    pub last: Time,
    /// Packets: from the client, from the server.
    pub packets: [u64; 2],
    /// Octets of IP packets, headers included, by the length that IP states (so a snap length changes nothing): from the client, from the server.
    pub bytes: [u64; 2],
    /// Flags of TCP seen so far.
    pub tcp: TcpSeen,
    /// The name that led to the server (or, where the device is called, to nobody): the strongest known so far.
    pub name: Option<Name>,
    /// What is spoken, where the payload told.
    pub application: Option<Application>,
}

/// Bits of TCP flags that were seen, from either side, at any time (RFC 9293 §3.1: FIN 1, SYN 2, RST 4, PSH 8, ACK 16).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TcpSeen {
    /// From the client.
    pub client: u8,
    /// From the server.
    pub server: u8,
}

impl TcpSeen {
    /// SYN answered by SYN and ACK.
    pub fn is_accepted(self) -> bool {
        self.client & 2 != 0 && self.server & 0x12 == 0x12
    }

    /// SYN answered by RST.
    pub fn is_refused(self) -> bool {
        self.client & 2 != 0 && self.server & 4 != 0 && self.server & 2 == 0
    }
}

/// A name and how it is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// Lower case, no dot at its end, escaped where it is not printable ASCII.
    pub text: Box<str>,
    /// How it is known.
    pub source: NameSource,
}

/// How a name is known, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameSource {
    /// This device had resolved it to this address before (the name that it asked for, not the end of the CNAME chain).
    Dns,
    /// Host of an HTTP request (RFC 9110 §7.2).
    HttpHost,
    /// Server name of a TLS ClientHello (RFC 6066 §3).
    Tls,
    /// The same in a QUIC Initial (RFC 9001).
    Quic,
}

impl NameSource {
    /// As files and the API write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::HttpHost => "http",
            Self::Tls => "tls",
            Self::Quic => "quic",
        }
    }
}

/// What is spoken, by its payload; a port alone is no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Application {
    /// RFC 1035
    Dns,
    /// RFC 6762
    Mdns,
    /// UPnP Device Architecture
    Ssdp,
    /// RFC 4795
    Llmnr,
    /// RFC 2131
    Dhcp,
    /// RFC 5905
    Ntp,
    /// RFC 8446 and before
    Tls,
    /// RFC 9147 and before
    Dtls,
    /// RFC 9000
    Quic,
    /// RFC 9110
    Http,
    /// RFC 4253
    Ssh,
    /// RFC 854
    Telnet,
    /// RFC 959
    Ftp,
    /// RFC 5321
    Smtp,
    /// RFC 1939
    Pop3,
    /// RFC 9051
    Imap,
    /// OASIS MQTT
    Mqtt,
    /// RFC 7252
    Coap,
    /// RFC 7826 and before
    Rtsp,
    /// RFC 3261
    Sip,
    /// RFC 1459
    Irc,
    /// RFC 3416
    Snmp,
    /// RFC 1350
    Tftp,
    /// RFC 8489
    Stun,
    /// Modbus Application Protocol
    Modbus,
    /// ASHRAE 135
    Bacnet,
}

impl Application {
    /// As files and the API write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Mdns => "mdns",
            Self::Ssdp => "ssdp",
            Self::Llmnr => "llmnr",
            Self::Dhcp => "dhcp",
            Self::Ntp => "ntp",
            Self::Tls => "tls",
            Self::Dtls => "dtls",
            Self::Quic => "quic",
            Self::Http => "http",
            Self::Ssh => "ssh",
            Self::Telnet => "telnet",
            Self::Ftp => "ftp",
            Self::Smtp => "smtp",
            Self::Pop3 => "pop3",
            Self::Imap => "imap",
            Self::Mqtt => "mqtt",
            Self::Coap => "coap",
            Self::Rtsp => "rtsp",
            Self::Sip => "sip",
            Self::Irc => "irc",
            Self::Snmp => "snmp",
            Self::Tftp => "tftp",
            Self::Stun => "stun",
            Self::Modbus => "modbus",
            Self::Bacnet => "bacnet",
        }
    }
}

/// Something that happened, in the order of packets.
#[derive(Debug)]
pub enum Event<'a> {
    /// A conversation's first packet. Its name, if any, is from DNS.
    Opened(&'a Flow),
    /// Its name or application became known, or better known.
    Named(&'a Flow),
    /// It grew: told when its packets reach 64, 128, 256, … and whenever it was active and not told of for the table's report interval.
    Grew(&'a Flow),
    /// It ended (both sides closed, or reset), fell idle, or was put out for lack of room. Told once.
    Closed(&'a Flow),
    /// The payload of a conversation told something beside its name.
    Told(&'a Flow, &'a Told),
    /// Somebody asked for, or claimed, an address on the link (outside any flow).
    Neighbour(&'a Neighbour),
}

/// What ARP (RFC 826) and neighbour discovery (RFC 4861) say about who holds an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour {
    /// When.
    pub time: Time,
    /// Source of the frame.
    pub sender: Mac,
    /// What it does.
    pub does: NeighbourDoes,
    /// The hardware address that it states (ARP sender hardware address, or the link-layer option); `sender` where none is stated.
    pub mac: Mac,
    /// The address that it is about: asked for, claimed, or (router advertisement) the router's own.
    pub ip: IpAddr,
    /// The outermost VLAN, 0 without.
    pub vlan: u16,
}

/// See [`Neighbour`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NeighbourDoes {
    /// Asks who holds `ip` (ARP request for somebody else, neighbour solicitation).
    Asks,
    /// Says that `mac` holds `ip`: ARP reply, the sender's own pair in a request (told beside `Asks`, not for 0.0.0.0), gratuitous ARP,
    /// neighbour advertisement.
    Claims,
    /// Says that it is a router (router advertisement).
    Advertises,
}

/// What payloads tell beside names. Secrets are never in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Told {
    /// The server of a DNS flow answered: what was asked, the whole chain of names, what came out.
    Answer {
        /// The question's name, lower case.
        asked: Box<str>,
        /// CNAMEs in the order of the chain, without the question.
        chain: Vec<Box<str>>,
        /// Addresses (A, AAAA).
        addresses: Vec<IpAddr>,
        /// The least TTL of what was used, in seconds.
        ttl: u32,
        /// RCODE (RFC 1035 §4.1.1, with RFC 6891); 3 is "no such name".
        code: u16,
    },
    /// The client asked a name (and whether it wanted A 1, AAAA 28, …).
    Question {
        /// Lower case.
        asked: Box<str>,
        /// QTYPE.
        kind: u16,
    },
    /// A ClientHello's shape (in TLS, DTLS or QUIC).
    ClientHello(TlsShape),
    /// The device introduced itself.
    Introduced {
        /// Where: DHCP, mDNS, SSDP, HTTP.
        by: Application,
        /// `hostname`, `vendor-class`, `server`, `user-agent`, `model`, `service`.
        what: &'static str,
        /// Printable, at most 255 characters.
        text: Box<str>,
    },
    /// DHCP gave out an address (ACK).
    Lease {
        /// To whom.
        mac: Mac,
        /// Which.
        ip: IpAddr,
        /// Gateways, resolvers and time servers that came with it (options 3, 6, 42).
        routers: Vec<IpAddr>,
        /// See `routers`.
        resolvers: Vec<IpAddr>,
        /// See `routers`.
        clocks: Vec<IpAddr>,
    },
    /// A user name or password passed unencrypted; neither is kept.
    CredentialsInClear {
        /// In which protocol.
        by: Application,
        /// `basic authorization`, `USER/PASS`, `CONNECT with password`, `community`, `login prompt`, `form`.
        how: &'static str,
    },
    /// The server refused or accepted a log-in, where the protocol shows it in clear.
    Login {
        /// In which protocol.
        by: Application,
        /// It was let in.
        ok: bool,
    },
}

/// Who listens to what happens.
pub trait Sink {
    /// Called in the order of packets.
    fn event(&mut self, event: Event<'_>);
}
