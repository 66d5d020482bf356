//! Templates: what the fields of a record are, as each exporter said (RFC 7011 §3.4.1, RFC 3954 §5.2).

use std::collections::HashMap;
use std::net::IpAddr;

use super::fields::Record;
use super::{Clock, Layout, Malformed, number};

/// A process that exports: an address and its observation domain (IPFIX) or source id (NetFlow).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Exporter {
    pub(super) from: IpAddr,
    pub(super) domain: u32,
}

/// Templates of all exporters together; a gateway has a handful.
const MOST_TEMPLATES: usize = 4096;
/// Exporters whose numbers are followed.
const MOST_EXPORTERS: usize = 4096;
/// Fields of one template; the richest exporters have some eighty.
const MOST_FIELDS: usize = 256;
/// Enterprise of elements that are of the other direction (RFC 5103 §6.1).
const REVERSE: u32 = 29_305;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Templates {
    known: HashMap<(Exporter, u16), Known>,
    /// The number that comes next.
    next: HashMap<Exporter, u32>,
}

/// What records of a set are.
#[derive(Debug)]
pub(super) enum Known {
    /// Of flows.
    Flows(Template),
    /// Of what an exporter says of itself; passed over.
    Options,
}

/// The fields of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    fields: Vec<Field>,
    /// Octets of the shortest record.
    least: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    /// IANA information element; of the other direction with `reverse` (RFC 5103 §6.1).
    element: u16,
    reverse: bool,
    /// Of an enterprise that we do not know.
    foreign: bool,
    /// Octets; 65535 where each record tells.
    length: u16,
}

impl Templates {
    pub(super) fn get(&self, exporter: Exporter, id: u16) -> Option<&Known> {
        self.known.get(&(exporter, id))
    }

    /// A set of templates.
    pub(super) fn learn(&mut self, exporter: Exporter, mut set: &[u8], layout: Layout) -> Result<(), Malformed> {
        // Padding is shorter than a template's header, or zeros.
        while set.len() >= 4 && number(set, 0, 2) != Some(0) {
            let id = number(set, 0, 2).ok_or(Malformed)? as u16;
            let count = number(set, 2, 2).ok_or(Malformed)? as usize;
            set = &set[4..];
            if count == 0 {
                self.known.remove(&(exporter, id));
                continue;
            }
            if count > MOST_FIELDS || id < 256 {
                return Err(Malformed);
            }
            let mut fields = Vec::with_capacity(count);
            for _ in 0..count {
                let element = number(set, 0, 2).ok_or(Malformed)? as u16;
                let length = number(set, 2, 2).ok_or(Malformed)? as u16;
                set = &set[4..];
                let mut enterprise = 0;
                if layout == Layout::Ipfix && element & 0x8000 != 0 {
                    enterprise = number(set, 0, 4).ok_or(Malformed)? as u32;
                    set = &set[4..];
                }
                let (reverse, foreign) = (enterprise == REVERSE, enterprise != 0 && enterprise != REVERSE);
                let element = if layout == Layout::Ipfix { element & 0x7fff } else { element };
                fields.push(Field { element, reverse, foreign, length });
            }
            let least = fields.iter().map(|it| if it.length == u16::MAX { 1 } else { usize::from(it.length) }).sum();
            // Its records would have no end.
            if least == 0 {
                return Err(Malformed);
            }
            self.keep(exporter, id, Known::Flows(Template { fields, least }));
        }
        Ok(())
    }

    /// A set of options templates: their records are passed over, and are no fault.
    pub(super) fn forget_options(&mut self, exporter: Exporter, set: &[u8]) {
        if let Some(id @ 256..) = number(set, 0, 2) {
            self.keep(exporter, id as u16, Known::Options);
        }
    }

    fn keep(&mut self, exporter: Exporter, id: u16, template: Known) {
        if self.known.len() < MOST_TEMPLATES || self.known.contains_key(&(exporter, id)) {
            self.known.insert((exporter, id), template);
        }
    }

    /// How many numbers were left out before `sequence`, after which `new` are used up.
    pub(super) fn lost(&mut self, exporter: Exporter, sequence: u32, new: u32) -> u64 {
        if self.next.len() >= MOST_EXPORTERS && !self.next.contains_key(&exporter) {
            return 0;
        }
        let expected = self.next.insert(exporter, sequence.wrapping_add(new));
        let gap = expected.map_or(0, |expected| sequence.wrapping_sub(expected));
        // A step back is a restart, or datagrams that overtook each other.
        if gap < 1 << 24 { gap.into() } else { 0 }
    }
}

impl Template {
    /// All records of a set; what is shorter than one is padding.
    pub(super) fn records(&self, mut set: &[u8], clock: Clock, records: &mut Vec<Record>) {
        while set.len() >= self.least {
            let mut record = Record::new(clock);
            let mut at = 0;
            for field in &self.fields {
                let Some((start, length)) = place(set, at, field.length) else { return };
                let Some(value) = set.get(start..start + length) else { return };
                if !field.foreign {
                    record.set(field.element, field.reverse, value);
                }
                at = start + length;
            }
            records.extend(record.finish());
            set = &set[at..];
        }
    }
}

/// Where a field begins, and how long it is (RFC 7011 §7).
fn place(set: &[u8], at: usize, length: u16) -> Option<(usize, usize)> {
    if length != u16::MAX {
        return Some((at, length.into()));
    }
    match set.get(at)? {
        255 => Some((at + 3, number(set, at + 1, 2)? as usize)),
        short => Some((at + 1, usize::from(*short))),
    }
}
