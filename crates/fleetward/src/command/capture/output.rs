//! Flows as they end: rows for machines at once, sums for people at the end.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use fleetward_capture::{Row, Total, TotalLimits, Totals, csv_heading, csv_row, json_row};
use fleetward_packet::{Event, Sink, Told};

use super::names::Names;
use crate::command::human_bytes;
use crate::printer::{Format, table};

/// Octets that are collected before they are written.
const FULL: usize = 64 << 10;

/// Destinations that a table shows of one device.
const SHOWN: TotalLimits = TotalLimits { of_device: 1000, of_all: 500_000 };

/// See the module.
pub(super) struct Output {
    names: Names,
    rows: Vec<u8>,
    kind: Kind,
}

enum Kind {
    Csv,
    /// One document; whether there was a row already.
    Json(bool),
    Jsonl,
    Table(Totals<u32>),
}

impl Output {
    pub(super) fn new(format: Format, names: Names) -> Self {
        let mut rows = Vec::with_capacity(FULL * 2);
        let kind = match format {
            Format::Csv => {
                csv_heading(&mut rows);
                Kind::Csv
            }
            Format::Json => {
                rows.extend_from_slice(b"[\n");
                Kind::Json(false)
            }
            Format::Jsonl => Kind::Jsonl,
            Format::Table => Kind::Table(Totals::new(SHOWN)),
        };
        Self { names, rows, kind }
    }

    pub(super) fn flush_if_full(&mut self) -> io::Result<()> {
        if self.rows.len() < FULL { Ok(()) } else { self.flush() }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        if !self.rows.is_empty() {
            io::stdout().lock().write_all(&self.rows)?;
            self.rows.clear();
        }
        Ok(())
    }

    /// The end: closes the document, or shows the table.
    pub(super) fn finish(mut self) -> io::Result<()> {
        match &mut self.kind {
            Kind::Csv | Kind::Jsonl => {}
            Kind::Json(_) => self.rows.extend_from_slice(b"]\n"),
            Kind::Table(totals) => {
                let mut of_device: BTreeMap<Box<str>, (u32, Vec<Total<u32>>)> = BTreeMap::new();
                for total in totals.drain() {
                    let name = self.names.get(total.device).map_or("", |known| &known.name);
                    of_device.entry(name.into()).or_insert_with(|| (total.device, Vec::new())).1.push(total);
                }
                for (name, (number, totals)) in of_device {
                    let introduced = self.names.get(number).and_then(|known| known.introduced.as_deref());
                    let heading = introduced.map_or_else(|| name.to_string(), |text| format!("{name}  {text:?}"));
                    let page = format!("{heading}\n{}\n", destinations(totals));
                    self.rows.extend_from_slice(page.as_bytes());
                }
            }
        }
        self.flush()
    }
}

impl Sink for Output {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Closed(flow) => {
                let whom = self.names.of(flow);
                if let Kind::Table(totals) = &mut self.kind {
                    let growth = totals.growth(flow, true);
                    for (device, begins) in whom.into_iter().flatten() {
                        totals.add(device, begins, flow, &growth);
                    }
                    return;
                }
                for (device, begins) in whom.into_iter().flatten() {
                    let device = self.names.get(device).map_or("", |known| &known.name);
                    let row = Row { device, begins, flow };
                    match &mut self.kind {
                        Kind::Csv => csv_row(&mut self.rows, &row),
                        Kind::Json(some) => {
                            if std::mem::replace(some, true) {
                                self.rows.push(b',');
                            }
                            json_row(&mut self.rows, &row);
                        }
                        Kind::Jsonl => json_row(&mut self.rows, &row),
                        Kind::Table(_) => {}
                    }
                }
            }
            Event::Opened(flow) => {
                // Devices are numbered as they appear, so that what they say of themselves finds them.
                let _numbered = self.names.of(flow);
            }
            Event::Told(flow, Told::Introduced { what: "hostname", text, .. }) => {
                self.names.introduced(&flow.client, text);
            }
            _ => {}
        }
    }
}

/// One device's destinations, the busiest first.
fn destinations(mut totals: Vec<Total<u32>>) -> String {
    totals.sort_by(|a, b| {
        let busy = |it: &Total<u32>| it.sum.bytes.0 + it.sum.bytes.1;
        busy(b).cmp(&busy(a)).then_with(|| (a.peer, &a.name).cmp(&(b.peer, &b.name)))
    });
    let row = |total: &Total<u32>| {
        let destination = match (&total.name, total.peer) {
            (Some(name), Some((ip, _))) => format!("{name} ({ip})"),
            (Some(name), None) => name.to_string(),
            (None, Some((ip, _))) => ip.to_string(),
            (None, None) => "(more)".to_owned(),
        };
        let service = match (total.protocol, total.peer) {
            (6, Some((_, port))) => format!("tcp/{port}"),
            (17, Some((_, port))) => format!("udp/{port}"),
            (1, _) => "icmp".to_owned(),
            (2, _) => "igmp".to_owned(),
            (58, _) => "icmpv6".to_owned(),
            (6, None) => "tcp".to_owned(),
            (17, None) => "udp".to_owned(),
            (other, _) => format!("protocol {other}"),
        };
        vec![
            format!("  {}", total.begins.name()),
            destination,
            service,
            total.sum.application.map_or("—", fleetward_packet::Application::name).to_owned(),
            total.sum.flows.to_string(),
            human_bytes(total.sum.bytes.0),
            human_bytes(total.sum.bytes.1),
        ]
    };
    table(&["  BEGINS", "PEER", "SERVICE", "SPEAKS", "FLOWS", "SENT", "RECEIVED"], totals.iter().map(row).collect(), 64)
}
