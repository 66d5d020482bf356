//! Messages as bytes.

use std::net::IpAddr;

use fleetward_fleet::Protocol;
use ipnet::IpNet;

use super::super::element::{Change, Element, Set, Table, Verdict, octets};
use super::super::{Mark, TABLE};

/// One transaction that makes all changes or none. The kernel answers the message with sequence number `LAST`.
///
/// `refresh`: this kernel does not lengthen the life of an element that is put in again (before Linux 6.12), so it is taken out between.
pub fn batch(changes: &[Change], refresh: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + changes.len() * 96);
    message(&mut out, BATCH_BEGIN, REQUEST, 1, [0, 0, 0, NFTABLES as u8], |_| {});
    let mut sequence = 1;
    for run in changes.chunk_by(same_run) {
        for part in run.chunks(PER_MESSAGE) {
            let steps: &[(u16, u16)] = match &part[0] {
                Change::Put { life: Some(_), .. } if refresh => {
                    &[(NEWSETELEM, CREATE), (DELSETELEM, 0), (NEWSETELEM, CREATE)]
                }
                Change::Put { .. } => &[(NEWSETELEM, CREATE)],
                // First put in, so that taking out what is not there is no error (DESTROYSETELEM is newer than our oldest kernel).
                Change::Take { .. } => &[(NEWSETELEM, CREATE), (DELSETELEM, 0)],
            };
            for (kind, flags) in steps {
                sequence += 1;
                elements(&mut out, *kind, REQUEST | ACK | flags, sequence, part);
            }
        }
    }
    message(&mut out, BATCH_END, REQUEST, LAST, [0, 0, 0, NFTABLES as u8], |_| {});
    out
}

/// How many acknowledgements [`batch`] leads to.
pub(super) fn acknowledgements(batch: &[u8]) -> usize {
    let mut rest = batch;
    let mut count = 0;
    while let Some(length) = rest.get(..4).map(|it| u32::from_ne_bytes([it[0], it[1], it[2], it[3]]) as usize) {
        let flags = rest.get(6..8).map_or(0, |it| u16::from_ne_bytes([it[0], it[1]]));
        count += usize::from(flags & ACK != 0);
        rest = rest.get(length.max(16)..).unwrap_or_default();
    }
    count
}

fn same_run(a: &Change, b: &Change) -> bool {
    match (a, b) {
        (Change::Put { set, life, .. }, Change::Put { set: other, life: second, .. }) => {
            set == other && life.is_some() == second.is_some()
        }
        (Change::Take { set, .. }, Change::Take { set: other, .. }) => set == other,
        _ => false,
    }
}

fn elements(out: &mut Vec<u8>, kind: u16, flags: u16, sequence: u32, changes: &[Change]) {
    let (Change::Put { set, .. } | Change::Take { set, .. }) = &changes[0];
    let (family, table) = address(*set);
    message(out, NFTABLES << 8 | kind, flags, sequence, [family, 0, 0, 0], |out| {
        text(out, 1, table);
        text(out, 2, set.name);
        nested(out, 3, |out| {
            for change in changes {
                let (Change::Put { element, .. } | Change::Take { element, .. }) = change;
                let life = match change {
                    Change::Put { life, .. } => *life,
                    Change::Take { .. } => None,
                };
                nested(out, 1, |out| {
                    let (key, end) = key(*set, element);
                    nested(out, 1, |out| plain(out, 1, &key));
                    if let Some(end) = end {
                        nested(out, 10, |out| plain(out, 1, &end));
                    }
                    if kind == NEWSETELEM {
                        data(out, element);
                    }
                    if let (NEWSETELEM, Some(life)) = (kind, life) {
                        let milliseconds = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
                        plain(out, 4, &milliseconds.to_be_bytes());
                        // Put in again with the timeout that it has, an element keeps its end; with an expiration it gets a new one.
                        plain(out, 5, &milliseconds.to_be_bytes());
                    }
                });
            }
        });
    });
}

fn address(set: Set) -> (u8, &'static str) {
    match set.table {
        Table::Inet => (1, TABLE),
        Table::Bridge => (7, TABLE),
        Table::Server => (1, "fleetward_server"),
    }
}

/// The key, and its end where the set is one of intervals. Each field fills words of four octets.
fn key(set: Set, element: &Element) -> (Vec<u8>, Option<Vec<u8>>) {
    let intervals = ["_net4", "_net6", "_span4", "_span6", "_any4", "_any6"].iter().any(|it| set.name.ends_with(it))
        || matches!(set.name, "broadcast" | "multicast" | "lateral_span" | "lateral_in_span");
    let first = key_end(element, false, intervals);
    (first, intervals.then(|| key_end(element, true, true)))
}

fn key_end(element: &Element, last: bool, ordered: bool) -> Vec<u8> {
    let mut key = Vec::with_capacity(28);
    // Where order matters the kernel compares octets, so nft turns marks to network order there, and only there.
    let mark = |key: &mut Vec<u8>, mark: &Mark| {
        key.extend(if ordered { mark.0.to_be_bytes() } else { mark.0.to_ne_bytes() });
    };
    let mac = |key: &mut Vec<u8>, mac: &fleetward_fleet::Mac| word(key, &mac.0);
    let protocol = |key: &mut Vec<u8>, it: &Protocol| word(key, &[it.0]);
    let port = |key: &mut Vec<u8>, port: u16| word(key, &port.to_be_bytes());
    let net = |key: &mut Vec<u8>, net: &IpNet| key.extend(octets(if last { net.broadcast() } else { net.network() }));
    match element {
        // A key of one field is as long as the field.
        Element::Mac(it) | Element::MacMark(it, _) => key.extend(it.0),
        Element::Ip(ip) | Element::IpMark(ip, _) => key.extend(octets(*ip)),
        Element::Net(it) => net(&mut key, it),
        Element::Mark(it) | Element::Mode(it, _) => mark(&mut key, it),
        Element::Bound(it, ip) => {
            mac(&mut key, it);
            key.extend(octets(*ip));
        }
        Element::Neighbour(ip, it) => {
            key.extend(octets(*ip));
            if !it.is_unknown() {
                mac(&mut key, it);
            }
        }
        Element::Port(it, ip, above, number) => {
            mark(&mut key, it);
            key.extend(octets(*ip));
            protocol(&mut key, above);
            port(&mut key, *number);
        }
        Element::Span(it, to, above, ports) => {
            mark(&mut key, it);
            net(&mut key, to);
            protocol(&mut key, above);
            port(&mut key, if last { ports.last } else { ports.first });
        }
        Element::Any(it, to, above) => {
            mark(&mut key, it);
            net(&mut key, to);
            protocol(&mut key, above);
        }
        Element::Pair(it, to, above, number) => {
            mark(&mut key, it);
            mac(&mut key, to);
            protocol(&mut key, above);
            port(&mut key, *number);
        }
        Element::PairSpan(it, to, above, ports) => {
            mark(&mut key, it);
            mac(&mut key, to);
            protocol(&mut key, above);
            port(&mut key, if last { ports.last } else { ports.first });
        }
        Element::PairAny(it, to, above) => {
            mark(&mut key, it);
            mac(&mut key, to);
            protocol(&mut key, above);
        }
        Element::Group(it, above, ports) => {
            mark(&mut key, it);
            protocol(&mut key, above);
            port(&mut key, if last { ports.last } else { ports.first });
        }
        Element::Service(above, number) => {
            protocol(&mut key, above);
            port(&mut key, *number);
        }
    }
    key
}

/// What a map's element leads to.
fn data(out: &mut Vec<u8>, element: &Element) {
    match element {
        Element::MacMark(_, mark) | Element::IpMark(_, mark) => {
            nested(out, 2, |out| plain(out, 1, &mark.0.to_ne_bytes()));
        }
        Element::Mode(_, verdict) => nested(out, 2, |out| {
            nested(out, 2, |out| {
                let (code, chain): (i32, Option<&str>) = match verdict {
                    Verdict::Audit => (GOTO, Some("audit")),
                    Verdict::Enforce => (GOTO, Some("enforce")),
                    Verdict::Drop => (0, None),
                    Verdict::Return => (RETURN, None),
                };
                plain(out, 1, &code.to_be_bytes());
                if let Some(chain) = chain {
                    text(out, 2, chain);
                }
            });
        }),
        _ => {}
    }
}

/// Ends the connections that passed only because their profile was in audit (`CTA_MARK` with its mask; Linux 3.x and newer).
pub fn delete_audited(mark: Mark) -> Vec<u8> {
    let mut out = Vec::new();
    message(&mut out, CONNTRACK << 8 | CT_DELETE, REQUEST | ACK, LAST, [0, 0, 0, 0], |out| {
        plain(out, 8, &(mark.0 | Mark::AUDITED).to_be_bytes());
        plain(out, 21, &u32::MAX.to_be_bytes());
    });
    out
}

/// Ends every connection that this address began, or (`towards`) that was begun to it (`CTA_FILTER`; Linux 5.8 and newer).
pub fn delete_from(ip: IpAddr, towards: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let (family, base) = if ip.is_ipv4() { (2, 1) } else { (10, 3) };
    message(&mut out, CONNTRACK << 8 | CT_DELETE, REQUEST | ACK, LAST, [family, 0, 0, 0], |out| {
        nested(out, 1, |out| nested(out, 1, |out| plain(out, base + u16::from(towards), &octets(ip))));
        nested(out, 25, |out| {
            plain(out, 1, &(1_u32 << u32::from(towards)).to_ne_bytes());
            plain(out, 2, &0_u32.to_ne_bytes());
        });
    });
    out
}

/// Subscribes to an NFLOG group: whole packets up to `snaplen` octets.
pub fn listen(group: u16, snaplen: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let [high, low] = group.to_be_bytes();
    message(&mut out, ULOG << 8 | ULOG_CONFIG, REQUEST | ACK, LAST, [0, 0, high, low], |out| {
        plain(out, 1, &[1]);
        let mut mode = snaplen.to_be_bytes().to_vec();
        mode.extend([2, 0]);
        plain(out, 2, &mode);
    });
    out
}

fn message(out: &mut Vec<u8>, kind: u16, flags: u16, sequence: u32, general: [u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 4]);
    out.extend(kind.to_ne_bytes());
    out.extend(flags.to_ne_bytes());
    out.extend(sequence.to_ne_bytes());
    out.extend([0; 4]);
    out.extend(general);
    body(out);
    let length = (out.len() - start) as u32;
    out[start..start + 4].copy_from_slice(&length.to_ne_bytes());
}

fn nested(out: &mut Vec<u8>, kind: u16, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0; 2]);
    out.extend((kind | NESTED).to_ne_bytes());
    body(out);
    let length = (out.len() - start) as u16;
    out[start..start + 2].copy_from_slice(&length.to_ne_bytes());
}

fn plain(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend((value.len() as u16 + 4).to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    word(out, value);
}

fn text(out: &mut Vec<u8>, kind: u16, value: &str) {
    let mut bytes = value.as_bytes().to_vec();
    bytes.push(0);
    plain(out, kind, &bytes);
}

/// The value, filled up to words of four octets.
fn word(out: &mut Vec<u8>, value: &[u8]) {
    out.extend(value);
    out.extend(std::iter::repeat_n(0, value.len().next_multiple_of(4) - value.len()));
}

/// The first attribute of a list: its kind (without flags), its value, and what follows.
pub(in super::super) fn attribute(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::from(u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?));
    let kind = u16::from_ne_bytes(bytes.get(2..4)?.try_into().ok()?);
    let value = bytes.get(4..length)?;
    Some((kind & 0x3fff, value, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// The sequence number of a batch's end.
pub(super) const LAST: u32 = u32::MAX;
/// Elements in one message: a nested attribute is at most 65,535 octets long, and one of ours at most some hundred.
const PER_MESSAGE: usize = 400;

const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NFTABLES: u16 = 10;
const CONNTRACK: u16 = 1;
const ULOG: u16 = 4;
const NEWSETELEM: u16 = 12;
const DELSETELEM: u16 = 14;
const CT_DELETE: u16 = 2;
const ULOG_CONFIG: u16 = 1;
const REQUEST: u16 = 1;
const ACK: u16 = 4;
const CREATE: u16 = 0x400;
const NESTED: u16 = 0x8000;
const GOTO: i32 = -4;
const RETURN: i32 = -5;
