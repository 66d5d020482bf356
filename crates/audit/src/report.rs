//! Faults and hosts for people and programs: table, JSON, JSON lines, SARIF, CSV, HTML.
//!
//! What a device says is octets of a stranger: control characters are taken out of the table, HTML is escaped, and CSV
//! cells that a spreadsheet would compute begin with an apostrophe.

mod csv;
mod html;
mod sarif;
mod table;

use std::io::{self, Write};

use fleetward_fleet::{Severity, counted};

use crate::fact::{Host, Outcome, Transport};
use crate::run::{Found, Report};

/// How a report is written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One document, which a cut audit can be resumed from.
    Json,
    /// A line for each host, then one for each fault.
    Jsonl,
    /// SARIF 2.1.0: the faults, for what shows them beside code.
    Sarif,
    /// The faults, RFC 4180.
    Csv,
    /// One page that needs nothing else.
    Html,
}

/// Writes the report.
pub fn write(report: &Report, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Table => table::write(report, out),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, report)?;
            writeln!(out)
        }
        Format::Jsonl => {
            for host in &report.hosts {
                writeln!(out, "{}", serde_json::json!({ "host": host }))?;
            }
            for found in &report.found {
                writeln!(out, "{}", serde_json::json!({ "found": found }))?;
            }
            writeln!(out, "{}", serde_json::json!({ "is_complete": report.is_complete, "left": report.left }))
        }
        Format::Sarif => sarif::write(report, out),
        Format::Csv => csv::write(report, out),
        Format::Html => html::write(report, out),
    }
}

/// How far it came, in words.
fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Silent => "no answer: nobody is there, or all is dropped",
        Outcome::FellSilent => "fell silent, left alone",
        Outcome::Cut => "cut short",
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

/// Somebody is there, or should be: of a network's addresses most are nobody's.
fn is_shown(host: &Host) -> bool {
    host.outcome != Outcome::Silent || host.device.is_some()
}

/// `tcp/23`, or nothing where the whole host is meant.
fn place(port: Option<(Transport, u16)>) -> String {
    port.map_or_else(String::new, |(transport, port)| format!("{}/{port}", transport_name(transport)))
}

fn transport_name(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    }
}

fn addresses(found: &Found) -> String {
    found.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// One line that cannot move a cursor.
fn plain(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}

/// The sentence on how much of it was done.
fn summary(report: &Report) -> String {
    let count = |outcome| report.hosts.iter().filter(|host| host.outcome == outcome).count();
    let unknown: u32 =
        report.hosts.iter().filter(|host| host.outcome != Outcome::Silent).map(|host| host.unknown).sum();
    let open: usize = report.hosts.iter().map(|host| host.open.len()).sum();
    let answered = report.hosts.len() - count(Outcome::Silent);
    let mut text = format!(
        "{}, {answered} answered; {}, {unknown} without an answer (not known to be closed); {}",
        counted(report.hosts.len(), "address"),
        counted(open, "open port"),
        counted(report.found.len(), "fault"),
    );
    let fell = count(Outcome::FellSilent);
    if fell > 0 {
        text.push_str("; fell silent and left alone: ");
        text.push_str(&fell.to_string());
    }
    if !report.is_complete {
        let cut = report.left.len().max(count(Outcome::Cut));
        text.push_str("; PARTIAL: hosts that were not audited to the end: ");
        text.push_str(&cut.to_string());
    }
    text
}

#[cfg(test)]
mod tests;
