//! Flows that a gateway exports: IPFIX (RFC 7011), NetFlow v9 (RFC 3954) and v5, as datagrams. Sans-I/O.
//!
//! # Invariants
//!
//! * **Bounded.** Templates, exporters and flows that wait for their other half have limits; what is beyond is counted.
//! * **Nothing is guessed.** Records of a template that was not seen are counted, not read. A gap in the numbers of an exporter is
//!   counted as lost.

mod fields;
mod join;
mod templates;

use std::net::SocketAddr;

use fleetward_packet::{Sink, Time};

use self::fields::Record;
use self::join::Join;
use self::templates::{Exporter, Known, Templates};

/// Datagrams in, flows out.
#[derive(Debug, Default)]
pub struct Exported {
    templates: Templates,
    join: Join,
    counts: ExportCounts,
}

/// What was counted since the beginning.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ExportCounts {
    /// Datagrams.
    pub datagrams: u64,
    /// Records of flows, each of one direction or of both.
    pub records: u64,
    /// Flows that were told.
    pub flows: u64,
    /// Sets of records whose template is not known (yet): an exporter sends it again every few minutes.
    pub without_template: u64,
    /// Records (IPFIX) or datagrams (NetFlow) that were sent and did not come.
    pub lost: u64,
    /// Datagrams that are of no known format, or contradict themselves.
    pub malformed: u64,
}

/// The datagram is not what it says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Malformed;

impl Exported {
    /// Takes one datagram of an exporter; `now` is when it came.
    pub fn take(&mut self, from: SocketAddr, datagram: &[u8], now: Time, sink: &mut impl Sink) {
        self.counts.datagrams += 1;
        let mut records = Vec::new();
        let read = match number(datagram, 0, 2) {
            Some(10) => self.ipfix(from, datagram, &mut records),
            Some(9) => self.version_9(from, datagram, &mut records),
            Some(5) => self.version_5(from, datagram, &mut records),
            _ => Err(Malformed),
        };
        if read.is_err() {
            self.counts.malformed += 1;
        }
        self.counts.records += records.len() as u64;
        for record in records {
            self.counts.flows += self.join.take(record, now, sink);
        }
    }

    /// Flows whose other half did not come are told as they are.
    pub fn advance(&mut self, now: Time, sink: &mut impl Sink) {
        self.counts.flows += self.join.advance(now, sink);
    }

    /// Tells what waits.
    pub fn finish(&mut self, sink: &mut impl Sink) {
        self.counts.flows += self.join.finish(sink);
    }

    /// What was counted.
    pub fn counts(&self) -> ExportCounts {
        self.counts
    }

    /// RFC 7011 §3: a header of 16 octets, then sets.
    fn ipfix(&mut self, from: SocketAddr, datagram: &[u8], records: &mut Vec<Record>) -> Result<(), Malformed> {
        let field = |at, length| number(datagram, at, length).ok_or(Malformed);
        let length = usize::try_from(field(2, 2)?).map_err(|_| Malformed)?;
        let (seconds, sequence, domain) = (field(4, 4)?, field(8, 4)? as u32, field(12, 4)? as u32);
        let body = datagram.get(16..length).ok_or(Malformed)?;
        let exporter = Exporter { from: from.ip(), domain };
        let clock = Clock { export: seconds.cast_signed() * 1_000_000_000, start: None };
        let before = records.len();
        let read = self.sets(exporter, body, Layout::Ipfix, clock, records);
        let new = (records.len() - before) as u32;
        self.counts.lost += self.templates.lost(exporter, sequence, new);
        read
    }

    /// RFC 3954 §5.1: a header of 20 octets, then sets.
    fn version_9(&mut self, from: SocketAddr, datagram: &[u8], records: &mut Vec<Record>) -> Result<(), Malformed> {
        let field = |at, length| number(datagram, at, length).ok_or(Malformed);
        let (up, seconds) = (field(4, 4)?, field(8, 4)?);
        let (sequence, domain) = (field(12, 4)? as u32, field(16, 4)? as u32);
        let body = datagram.get(20..).ok_or(Malformed)?;
        let exporter = Exporter { from: from.ip(), domain };
        let clock = Clock::since_boot(seconds, up);
        self.counts.lost += self.templates.lost(exporter, sequence, 1);
        self.sets(exporter, body, Layout::Version9, clock, records)
    }

    /// Cisco's fixed format: a header of 24 octets, then at most 30 records of 48.
    fn version_5(&mut self, from: SocketAddr, datagram: &[u8], records: &mut Vec<Record>) -> Result<(), Malformed> {
        let field = |at, length| number(datagram, at, length).ok_or(Malformed);
        let (count, up, seconds) = (field(2, 2)?, field(4, 4)?, field(8, 4)?);
        let (sequence, domain) = (field(16, 4)? as u32, field(20, 2)? as u32);
        let clock = Clock::since_boot(seconds, up);
        let count = usize::try_from(count).map_err(|_| Malformed)?;
        let body = datagram.get(24..24 + count * 48).ok_or(Malformed)?;
        let lost = self.templates.lost(Exporter { from: from.ip(), domain }, sequence, count as u32);
        self.counts.lost += lost;
        records.extend(body.chunks_exact(48).filter_map(|record| Record::of_version_5(record, clock)));
        Ok(())
    }

    fn sets(
        &mut self,
        exporter: Exporter,
        mut body: &[u8],
        layout: Layout,
        clock: Clock,
        records: &mut Vec<Record>,
    ) -> Result<(), Malformed> {
        while body.len() >= 4 {
            let id = number(body, 0, 2).ok_or(Malformed)? as u16;
            let length = number(body, 2, 2).ok_or(Malformed)? as usize;
            let set = body.get(4..length).ok_or(Malformed)?;
            body = &body[length..];
            match (layout, id) {
                (Layout::Ipfix, 2) | (Layout::Version9, 0) => self.templates.learn(exporter, set, layout)?,
                // What exporters say of themselves: sampling, names of interfaces.
                (Layout::Ipfix, 3) | (Layout::Version9, 1) => self.templates.forget_options(exporter, set),
                (_, 256..) => match self.templates.get(exporter, id) {
                    Some(Known::Flows(template)) => template.records(set, clock, records),
                    Some(Known::Options) => {}
                    None => self.counts.without_template += 1,
                },
                _ => {}
            }
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Ipfix,
    Version9,
}

/// What times in records are relative to, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
struct Clock {
    /// When the datagram was made.
    export: i64,
    /// When the exporter was started, where the header tells.
    start: Option<i64>,
}

impl Clock {
    fn since_boot(seconds: u64, milliseconds_up: u64) -> Self {
        let export = seconds.cast_signed() * 1_000_000_000;
        Self { export, start: Some(export - milliseconds_up.cast_signed() * 1_000_000) }
    }
}

/// An unsigned number in network order of at most eight octets.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    if length > 8 {
        return None;
    }
    let bytes = bytes.get(at..)?.get(..length)?;
    Some(bytes.iter().fold(0, |number, octet| number << 8 | u64::from(*octet)))
}
