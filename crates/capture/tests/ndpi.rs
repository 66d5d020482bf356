//! Names held against those of nDPI (an independent implementation), on its own captures and its own published results.

#![allow(clippy::print_stdout, reason = "a test that is skipped says so, and differences are shown")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use fleetward_packet::{Event, Flow, Limits, NameSource, Sink, Table, Told};

/// Both ends in a fixed order, and the protocol.
type Key = ((IpAddr, u16), (IpAddr, u16), u8);

fn key(a: (IpAddr, u16), b: (IpAddr, u16), protocol: u8) -> Key {
    (a.min(b), a.max(b), protocol)
}

/// What we find in one capture.
#[derive(Default)]
struct Ours {
    flows: HashSet<Key>,
    /// Names that a flow's own payload stated: servers' names, hosts, questions.
    names: HashMap<Key, Vec<String>>,
}

impl Ours {
    fn of(flow: &Flow) -> Key {
        key((flow.client.ip, flow.client.port), (flow.server.ip, flow.server.port), flow.protocol)
    }
}

impl Sink for Ours {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Opened(flow) => drop(self.flows.insert(Self::of(flow))),
            Event::Named(flow) | Event::Closed(flow) => {
                if let Some(name) = flow.name.as_ref().filter(|name| name.source != NameSource::Dns) {
                    self.names.entry(Self::of(flow)).or_default().push(name.text.to_string());
                }
            }
            Event::Told(flow, Told::Question { asked, .. } | Told::Answer { asked, .. }) => {
                self.names.entry(Self::of(flow)).or_default().push(asked.to_string());
            }
            _ => {}
        }
    }
}

/// A flow of nDPI's result: `UDP 10.0.0.1:53 <-> [2001:db8::1]:443 [proto: 91/TLS]…[Hostname/SNI: a.example]…`.
struct Theirs {
    key: Key,
    protocol: String,
    name: Option<String>,
}

fn theirs(line: &str) -> Option<Theirs> {
    let line = line.trim_start().split_once('\t')?.1;
    let (transport, rest) = line.split_once(' ')?;
    let number = match transport {
        "TCP" => 6,
        "UDP" => 17,
        _ => return None,
    };
    let (ends, rest) = rest.split_once(" [proto: ").or_else(|| rest.split_once(" [VLAN: "))?;
    let (a, b) = ends.split_once(" <-> ").or_else(|| ends.split_once(" -> "))?;
    let end = |text: &str| {
        let (ip, port) = text.trim().rsplit_once(':')?;
        Some((ip.trim_matches(['[', ']']).parse::<IpAddr>().ok()?.to_canonical(), port.parse::<u16>().ok()?))
    };
    let protocol = rest.split_once('/')?.1.split(']').next()?.to_owned();
    let name =
        rest.split_once("[Hostname/SNI: ").map(|(_, rest)| rest.split(']').next().unwrap_or_default().to_owned());
    Some(Theirs { key: key(end(a)?, end(b)?, number), protocol, name })
}

/// Whether the name is of a protocol whose names are compared: nDPI shows other things in the same place (user names of
/// SSH, devices of `BACnet`, paths).
fn is_compared(theirs: &Theirs) -> bool {
    let first = theirs.protocol.split('.').next().unwrap_or_default();
    matches!(first, "TLS" | "QUIC" | "DNS" | "HTTP" | "DoH_DoT")
}

/// nDPI keeps 80 octets at most (of long questions the end), and writes `?`, `_` or nothing special for octets that are no letters of a
/// host name; ours are escaped.
fn is_same(ours: &str, theirs: &str) -> bool {
    let theirs = theirs.trim_end_matches('.').to_ascii_lowercase();
    let ours = plain(ours);
    let alike = |ours: &str| {
        ours.len() == theirs.len()
            && ours.bytes().zip(theirs.bytes()).all(|(a, b)| a == b || matches!(b, b'?' | b'_' | b'*') || a == b'?')
    };
    alike(&ours)
        || (theirs.len() >= 60
            && (ours.starts_with(&theirs) || ours.ends_with(&theirs) || ours.get(1..).is_some_and(alike)))
}

/// One character for each escaped octet (RFC 1035 §5.1).
fn plain(name: &str) -> String {
    let (mut out, mut rest) = (String::new(), name);
    while let Some(letter) = rest.chars().next() {
        let is_octet = letter == '\\' && rest.get(1..4).is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()));
        out.push(if is_octet { '?' } else { letter });
        rest = &rest[if is_octet { 4 } else { letter.len_utf8() }..];
    }
    out
}

/// Differences that are meant, or known: capture, how many names, why.
const EXPLAINED: &[(&str, usize, &str)] = &[
    ("dns.pcap", 1, "nDPI shows an alias of the answer, we the question"),
    ("fuzz-2006-06-26-2594.pcap", 26, "damaged messages: answers to nobody's question, which name nothing here"),
    ("fuzz-2006-09-29-28586.pcap", 1, "nDPI ends the host at an octet 0, which is escaped here"),
    ("http_ipv6.pcap", 1, "Google's QUIC before RFC 9000 is not read"),
    ("http_ua_splitted_in_two_pkts.pcapng", 1, "the host stands in the second segment of the request"),
    ("quic-mvfst-22.pcap", 1, "Facebook's QUIC before RFC 9000 is not read"),
    ("quic-mvfst-27.pcapng", 1, "Facebook's QUIC before RFC 9000 is not read"),
    ("quic-mvfst-exp.pcap", 1, "Facebook's QUIC before RFC 9000 is not read"),
    ("quic.pcap", 8, "Google's QUIC before RFC 9000 is not read"),
    ("quic046.pcap", 1, "Google's QUIC before RFC 9000 is not read"),
    ("quic_frags_different_dcid.pcapng", 1, "later Initials have a connection id from which no key follows"),
    ("quic_q39.pcap", 1, "Google's QUIC before RFC 9000 is not read"),
    ("quic_q43.pcap", 1, "Google's QUIC before RFC 9000 is not read"),
    ("quic_q46.pcap", 1, "Google's QUIC before RFC 9000 is not read"),
    ("quic_q46_b.pcap", 1, "Google's QUIC before RFC 9000 is not read"),
    ("quic_q50.pcap", 1, "Google's QUIC before RFC 9000 is not read"),
    ("quic_t50.pcap", 1, "Google's QUIC before RFC 9000 is not read"),
    ("quic_t51.pcap", 1, "Google's QUIC before RFC 9000 is not read"),
];

#[test]
fn names_are_those_that_ndpi_finds() {
    let data = std::env::var_os("FLEETWARD_TESTDATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let results = data.join("ndpi/result");
    let Ok(entries) = std::fs::read_dir(&results) else {
        println!("SKIPPED: no results of nDPI at {}; set FLEETWARD_TESTDATA", results.display());
        return;
    };
    let (mut flows, mut same_flows, mut compared, mut equal) = (0, 0, 0, 0);
    let mut different: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut missing: BTreeMap<String, u32> = BTreeMap::new();
    for entry in entries.flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let Some(capture) = file.strip_suffix(".out") else { continue };
        let path = data.join("ndpi/pcap").join(capture);
        if !path.is_file() {
            continue;
        }
        let (mut table, mut ours) = (Table::new(Limits::default(), 1), Ours::default());
        let read = fleetward_capture::read(&path, |it| table.push(it.link, it.time, it.bytes, it.wire, &mut ours));
        if let Err(error) = read {
            println!("{error}");
        }
        table.finish(&mut ours);
        let text = std::fs::read(entry.path()).expect("a result");
        for flow in String::from_utf8_lossy(&text).lines().filter_map(theirs) {
            flows += 1;
            if ours.flows.contains(&flow.key) {
                same_flows += 1;
            } else {
                *missing.entry(capture.to_owned()).or_default() += 1;
            }
            // A host that is an address is no name to us.
            let is_address = |name: &&str| name.parse::<IpAddr>().is_ok();
            let name = flow.name.as_deref().filter(|name| is_compared(&flow) && !is_address(name));
            let Some(name) = name else { continue };
            compared += 1;
            let found = ours.names.get(&flow.key).map(Vec::as_slice).unwrap_or_default();
            if found.iter().any(|it| is_same(it, name)) {
                equal += 1;
            } else {
                let line = format!("{} {name:?}, ours {found:?}", flow.protocol);
                different.entry(capture.to_owned()).or_default().push(line);
            }
        }
    }
    println!("{same_flows} of {flows} flows; {equal} of {compared} names");
    println!("flows that only nDPI has: {missing:?}");
    for (capture, lines) in &different {
        let why = EXPLAINED.iter().find(|(name, ..)| name == capture).map_or("NOT EXPLAINED", |(_, _, why)| why);
        println!("{capture}: {} ({why})", lines.len());
    }
    let known: BTreeMap<&str, usize> = EXPLAINED.iter().map(|(name, count, _)| (*name, *count)).collect();
    let found: BTreeMap<&str, usize> = different.iter().map(|(name, lines)| (name.as_str(), lines.len())).collect();
    assert_eq!(found, known, "differences that are not explained, or no longer there: {different:#?}");
    // A flow of damaged packets, which we take apart at a damaged header.
    assert!(flows - same_flows <= 1 && flows > 3000, "{missing:#?}");
}
